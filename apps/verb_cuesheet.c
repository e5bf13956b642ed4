#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli.h"
#include "apps/cue_data.h"
#include "core/clock.h"
#include "core/file.h"
#include "cuesheet/sheet.h"

static ut_sheet_header read_header(const ut_args *args)
{
    return (ut_sheet_header){
        .programme = ut_args_text(args, "programme"),
        .aka = ut_args_text(args, "aka"),
        .episode = ut_args_text(args, "episode"),
        .episode_aka = ut_args_text(args, "episode-aka"),
        .episode_no = ut_args_text(args, "episode-no"),
        .production_no = ut_args_text(args, "production-no"),
        .company = ut_args_text(args, "company"),
        .address = ut_args_text(args, "address"),
        .prepared_by = ut_args_text(args, "prepared-by"),
        .email = ut_args_text(args, "email"),
        .classification = ut_args_text(args, "classification"),
        .category = ut_args_text(args, "category"),
        .version = ut_args_text(args, "version-name"),
        .network = ut_args_text(args, "network"),
        .prepared = ut_args_text(args, "prepared"),
        .airdate = ut_args_text(args, "airdate"),
    };
}

static ut_status write_sheet(const ut_sheet *sheet, const char *profile, const char *path, ut_err *err)
{
    char *data = NULL;
    size_t size = 0;
    if (strcmp(profile, "rapidcue-xlsx") == 0)
        return ut_sheet_xlsx(sheet, path, err);
    ut_status rc =
        strcmp(profile, "json") == 0 ? ut_sheet_json(sheet, &data, &size, err) : ut_sheet_csv(sheet, &data, &size, err);
    if (rc != UT_OK)
        return rc;
    if (path)
        rc = ut_file_write(path, data, size, err);
    else if (fwrite(data, 1, size, stdout) != size || fflush(stdout) != 0)
        rc = ut_fail(err, UT_E_IO, "standard output: cannot be written");
    free(data);
    return rc;
}

/* "2026-11-21T20:15:00Z" → "2026-11-21", in the offset it was given with. */
static void date_of(const char *time, char date[11])
{
    snprintf(date, 11, "%.10s", time);
}

static int export_sheet(const ut_args *args)
{
    ut_err err = {0};
    const char *channel = ut_args_text(args, "channel"), *from = ut_args_text(args, "from");
    const char *to = ut_args_text(args, "to"), *path = ut_args_text(args, "output");
    const char *profile = ut_args_json(args) ? "json" : ut_args_text(args, "profile");
    ut_cue_rules rules = ut_cue_rules_default();
    if (!channel || !from || !to)
        return ut_cli_usage(args, "--channel, --from and --to are needed");
    if (ut_time_parse(from, &rules.programme_start_ns, &err) != UT_OK ||
        ut_time_parse(to, &rules.programme_end_ns, &err) != UT_OK)
        return ut_cli_usage(args, "%s", err.text);
    if (rules.programme_end_ns <= rules.programme_start_ns)
        return ut_cli_usage(args, "--to %s: not after --from %s", to, from);
    if (strcmp(profile, "rapidcue-xlsx") == 0 && !path)
        return ut_cli_usage(args, "rapidcue-xlsx is written to a file: name it with -o");

    ut_store *store = NULL;
    ut_cue_data data = {0};
    ut_status rc = ut_store_open(ut_args_store(args), UT_STORE_READ, &store, &err);
    if (rc == UT_OK)
        rc = ut_cue_data_load(store, channel, &rules, &data, &err);
    ut_store_close(&store);
    if (rc != UT_OK)
        return ut_cli_fail(args, &err);
    char airdate[11], prepared[11], now[40];
    date_of(from, airdate);
    date_of(ut_time_format(ut_now_ns(), now, sizeof now), prepared);
    ut_sheet sheet = {.header = read_header(args),
                      .channel = channel,
                      .start_ns = rules.programme_start_ns,
                      .end_ns = rules.programme_end_ns,
                      .cues = data.cues,
                      .recordings = data.recordings,
                      .count = data.count,
                      .gaps = data.gaps,
                      .gap_count = data.gap_count};
    sheet.header.airdate = sheet.header.airdate ? sheet.header.airdate : airdate;
    sheet.header.prepared = sheet.header.prepared ? sheet.header.prepared : prepared;
    sheet.header.network = sheet.header.network ? sheet.header.network : channel;
    rc = write_sheet(&sheet, profile, path, &err);
    ut_cue_data_clear(&data);
    return rc == UT_OK ? 0 : ut_cli_fail(args, &err);
}

static const ut_opt export_options[] = {
    {.name = "channel", .kind = UT_OPT_TEXT, .value = "ID", .help = "the channel (needed)"},
    {.name = "from", .kind = UT_OPT_TEXT, .value = "TIME", .help = "start of the programme, RFC 3339 (needed)"},
    {.name = "to", .kind = UT_OPT_TEXT, .value = "TIME", .help = "its end (needed)"},
    {.name = "profile",
     .kind = UT_OPT_CHOICE,
     .value = "rapidcue-csv|rapidcue-xlsx|json",
     .fallback = "rapidcue-csv",
     .help = "the form; --json is --profile json"},
    {.name = "output",
     .letter = 'o',
     .kind = UT_OPT_TEXT,
     .value = "FILE",
     .help = "written whole or not at all; default: standard output"},
    {.name = "programme", .kind = UT_OPT_TEXT, .value = "TITLE", .help = "series or film name"},
    {.name = "aka", .kind = UT_OPT_TEXT, .value = "TITLE", .help = "its other name"},
    {.name = "episode", .kind = UT_OPT_TEXT, .value = "TITLE", .help = "episode name"},
    {.name = "episode-aka", .kind = UT_OPT_TEXT, .value = "TITLE", .help = "its other name"},
    {.name = "episode-no", .kind = UT_OPT_TEXT, .value = "NUMBER", .help = "episode number"},
    {.name = "production-no", .kind = UT_OPT_TEXT, .value = "NUMBER", .help = "production number"},
    {.name = "company", .kind = UT_OPT_TEXT, .value = "NAME", .help = "production company"},
    {.name = "address", .kind = UT_OPT_TEXT, .value = "TEXT", .help = "its address"},
    {.name = "prepared-by", .kind = UT_OPT_TEXT, .value = "NAME", .help = "who prepared the sheet"},
    {.name = "email", .kind = UT_OPT_TEXT, .value = "ADDRESS", .help = "where to ask"},
    {.name = "classification",
     .kind = UT_OPT_CHOICE,
     .value = "Original|Revision",
     .fallback = "Original",
     .help = "of the sheet"},
    {.name = "category", .kind = UT_OPT_TEXT, .value = "TEXT", .help = "category of the programme"},
    {.name = "version-name", .kind = UT_OPT_TEXT, .value = "TEXT", .help = "version of the programme"},
    {.name = "network", .kind = UT_OPT_TEXT, .value = "NAME", .help = "default: the channel"},
    {.name = "prepared", .kind = UT_OPT_TEXT, .value = "DATE", .help = "date prepared; default: today (UTC)"},
    {.name = "airdate", .kind = UT_OPT_TEXT, .value = "DATE", .help = "default: the date of --from"},
    {0},
};

const ut_verb ut_verb_cuesheet_export = {
    .name = "cuesheet export",
    .summary = "write the cue sheet of a programme",
    .arguments = "",
    .options = export_options,
    .examples = "undertone cuesheet export --channel news1 --from 2026-11-21T20:15:00Z --to 2026-11-21T21:00:00Z\n"
                "undertone cuesheet export --channel news1 --from 2026-11-21T20:15:00Z --to 2026-11-21T21:00:00Z "
                "--programme Tonight --profile rapidcue-xlsx -o tonight.xlsx",
    .run = export_sheet,
};
