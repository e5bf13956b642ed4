#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "apps/channel_clock.h"
#include "apps/cli.h"
#include "core/file.h"
#include "core/progress.h"
#include "db/store.h"
#include "pipeline/schedule.h"
#include "pipeline/ts_watch.h"

#define TEXT_LIMIT ((size_t)256 << 20)

typedef enum { ASRUN, XMLTV, EIT } format;

/* By what the file begins with; the user may say. */
static ut_status format_of(const ut_args *args, const char *path, format *out, ut_err *err)
{
    const char *said = ut_args_text(args, "format");
    if (strcmp(said, "auto") != 0) {
        *out = strcmp(said, "as-run") == 0 ? ASRUN : strcmp(said, "xmltv") == 0 ? XMLTV : EIT;
        return UT_OK;
    }
    unsigned char head[2 * UT_TS_PACKET + 5] = {0};
    FILE *file = fopen(path, "rb");
    if (!file)
        return ut_fail(err, UT_E_IO, "%s: %m", path);
    size_t n = fread(head, 1, sizeof head, file);
    fclose(file);
    bool ts = n >= UT_TS_PACKET + 1 && ((head[0] == 0x47 && head[UT_TS_PACKET] == 0x47) ||
                                        (head[4] == 0x47 && head[4 + UT_TS_PACKET + 4] == 0x47));
    size_t at = n >= 3 && memcmp(head, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    while (at < n && strchr(" \t\r\n", head[at]) && head[at])
        at++;
    *out = ts ? EIT : at < n && head[at] == '<' ? XMLTV : ASRUN;
    return UT_OK;
}

static ut_status read_stream(const char *path, const ut_schedule_options *options, ut_schedule *out, ut_err *err)
{
    enum { CHUNK = UT_TS_PACKET * 2048 };
    ut_eit *eit = NULL;
    uint8_t *chunk = malloc(CHUNK);
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    ut_status rc = !chunk  ? ut_fail(err, UT_E_NOMEM, "%s", path)
                   : !file ? ut_fail(err, UT_E_IO, "%s: %m", path)
                           : ut_eit_open(options, &eit, err);
    size_t n;
    while (rc == UT_OK && (n = fread(chunk, 1, CHUNK, file)) > 0)
        rc = ut_cli_stopped() ? ut_fail(err, UT_E_STOPPED, "stopped") : ut_eit_push(eit, chunk, n, err);
    if (rc == UT_OK && ferror(file))
        rc = ut_fail(err, UT_E_IO, "%s: cannot be read", path);
    if (rc == UT_OK)
        rc = ut_eit_schedule(eit, path, out, err);
    ut_eit_close(&eit);
    if (file && file != stdin)
        fclose(file);
    free(chunk);
    return rc;
}

static ut_status read_file(const ut_args *args, const char *path, const ut_schedule_options *options, ut_schedule *out,
                           ut_err *err)
{
    format is = ASRUN;
    char *text = NULL;
    size_t size = 0;
    ut_status rc = format_of(args, path, &is, err);
    if (rc == UT_OK && is == EIT)
        return read_stream(path, options, out, err);
    if (rc == UT_OK)
        rc = ut_file_read(path, TEXT_LIMIT, &text, &size, err);
    if (rc == UT_OK)
        rc = is == XMLTV ? ut_schedule_xmltv(path, text, size, options, out, err)
                         : ut_schedule_asrun(path, text, size, options, out, err);
    free(text);
    return rc;
}

static ut_status put(const ut_args *args, const ut_schedule *schedule, ut_airing_change *change, ut_err *err)
{
    ut_store *store = NULL;
    bool dry_run = ut_args_flag(args, "dry-run");
    ut_status rc = ut_store_open(ut_args_store(args), dry_run ? UT_STORE_READ : UT_STORE_CREATE, &store, err);
    if (rc == UT_E_NOTFOUND && dry_run) { /* a new store takes all */
        *change = (ut_airing_change){.added = schedule->count};
        return UT_OK;
    }
    if (rc == UT_OK)
        rc = ut_store_airing_put(store, schedule->items, schedule->count, dry_run, change, err);
    ut_store_close(&store);
    return rc;
}

static void print_change(const ut_args *args, const char *path, const ut_schedule *schedule,
                         const ut_airing_change *change)
{
    if (!ut_args_json(args)) {
        printf("%s: %zu programmes: %zu new, %zu known, %zu refused; %zu of before gave way%s\n", path, schedule->count,
               change->added, change->unchanged, change->refused, change->replaced,
               ut_args_flag(args, "dry-run") ? " (nothing was written)" : "");
        if (schedule->cut)
            fprintf(stderr, "%s: %zu programmes overlapped the next and were ended there\n", path, schedule->cut);
        return;
    }
    json_t *object =
        json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:b}", "file", path, "programmes", (int)schedule->count, "added",
                  (int)change->added, "unchanged", (int)change->unchanged, "refused", (int)change->refused, "replaced",
                  (int)change->replaced, "cut", (int)schedule->cut, "dry_run", ut_args_flag(args, "dry-run"));
    char *text = json_dumps(object, JSON_COMPACT);
    puts(text ? text : "{}");
    free(text);
    json_decref(object);
}

static ut_date_order date_order(const char *name)
{
    return strcmp(name, "dmy") == 0 ? UT_DATES_DMY : strcmp(name, "mdy") == 0 ? UT_DATES_MDY : UT_DATES_YMD;
}

static int import(const ut_args *args)
{
    ut_err err = {0};
    ut_channel_clock clock = {0};
    const char *channel = ut_args_text(args, "channel");
    if (!channel || !*channel || strlen(channel) > 63)
        return ut_cli_usage(args, "--channel is needed, 1 to 63 characters");
    if (ut_channel_clock_open(args, channel, ut_args_text(args, "timezone"), NULL, &clock, &err) != UT_OK)
        return ut_cli_usage(args, "%s", err.text);
    const ut_schedule_options options = {
        .channel = channel,
        .of_channel = ut_args_text(args, "of"),
        .zone = clock.zone,
        .frame_rate_hz = ut_args_real(args, "frame-rate"),
        .dates = date_order(ut_args_text(args, "dates")),
        .date = ut_args_text(args, "date"),
        .category = ut_args_text(args, "category"),
        .service = (int)ut_args_int(args, "service"),
    };
    int exit_code = 0;
    for (int i = 0; i < ut_args_count(args) && exit_code == 0; i++) {
        ut_schedule schedule = {0};
        ut_airing_change change = {0};
        ut_status rc = read_file(args, ut_args_at(args, i), &options, &schedule, &err);
        if (rc == UT_OK)
            rc = put(args, &schedule, &change, &err);
        if (rc == UT_OK)
            print_change(args, ut_args_at(args, i), &schedule, &change);
        else
            exit_code = ut_cli_fail(args, &err);
        ut_schedule_clear(&schedule);
    }
    ut_channel_clock_close(&clock);
    return exit_code;
}

static const ut_opt import_options[] = {
    {.name = "channel", .kind = UT_OPT_TEXT, .value = "ID", .help = "the channel they were shown on (needed)"},
    {.name = "format",
     .kind = UT_OPT_CHOICE,
     .value = "auto|as-run|xmltv|eit",
     .fallback = "auto",
     .help = "as-run: a CSV log; xmltv; eit: present and following events of a transport stream; auto: by the file"},
    {.name = "timezone",
     .kind = UT_OPT_TEXT,
     .value = "ZONE",
     .help = "as-run: of times without an offset, such as Europe/Berlin; default: the channel's, else UTC"},
    {.name = "of", .kind = UT_OPT_TEXT, .value = "ID", .help = "the channel's name in the file, if there are several"},
    {.name = "service",
     .kind = UT_OPT_INT,
     .value = "N",
     .fallback = "0",
     .min = 0,
     .max = 65535,
     .help = "eit: service id (programme number), if there are several"},
    {.name = "dates",
     .kind = UT_OPT_CHOICE,
     .value = "ymd|dmy|mdy",
     .fallback = "ymd",
     .help = "as-run: how dates are written that do not begin with the year"},
    {.name = "date", .kind = UT_OPT_TEXT, .value = "DATE", .help = "as-run without dates: the day of the first row"},
    {.name = "category", .kind = UT_OPT_TEXT, .value = "TEXT", .help = "as-run: only rows of this category"},
    {.name = "frame-rate",
     .kind = UT_OPT_REAL,
     .value = "N",
     .fallback = "25",
     .min = 1,
     .max = 240,
     .help = "as-run: of time codes with frames, HH:MM:SS:FF"},
    {.name = "dry-run", .kind = UT_OPT_FLAG, .help = "reads and counts, writes nothing"},
    {0},
};

const ut_verb ut_verb_programmes_import = {
    .name = "programmes import",
    .summary = "read what was shown when, from as-run logs, XMLTV or a transport stream",
    .arguments = "FILE…",
    .min_arguments = 1,
    .max_arguments = -1,
    .options = import_options,
    .examples = "undertone programmes import asrun-2026-11-21.csv --channel news1 --timezone Europe/Berlin\n"
                "undertone programmes import guide.xml --channel news1 --of news.one.example\n"
                "undertone programmes import recording.ts --channel news1 --service 28006",
    .run = import,
};
