#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "apps/channel_clock.h"
#include "apps/cli.h"
#include "core/clock.h"
#include "cuesheet/json.h"
#include "db/store.h"

typedef struct {
    const ut_args *args;
    const ut_zone *zone;
} printing;

static ut_status print_json(const printing *p, const ut_airing *airing)
{
    char local[40];
    bool ok = true;
    json_t *object = ut_json_airing(airing);
    ut_json_put(object, "start_local", ut_json_text(ut_zone_format(p->zone, airing->start_ns, local, sizeof local)),
                &ok);
    char *text = ok && object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (!text)
        return UT_E_NOMEM;
    puts(text);
    free(text);
    return UT_OK;
}

static ut_status print_airing(void *arg, const ut_airing *airing)
{
    const printing *p = arg;
    if (ut_args_json(p->args))
        return print_json(p, airing);
    char start[40], end[40];
    const ut_programme *is = &airing->programme;
    int64_t length_s = (airing->end_ns - airing->start_ns) / UT_NS_PER_S;
    printf("%6" PRId64 "  %-10s  %s  %s  %2" PRId64 ":%02" PRId64 ":%02" PRId64 "  %-6s  %-9s  %s%s%s%s%s\n",
           airing->id, airing->channel, ut_zone_format(p->zone, airing->start_ns, start, sizeof start),
           ut_zone_format(p->zone, airing->end_ns, end, sizeof end), length_s / 3600, length_s / 60 % 60, length_s % 60,
           ut_airing_source_name(airing->source), ut_boundary_name(airing->boundary), is->title,
           is->episode_no ? " " : "", is->episode_no ? is->episode_no : "", is->episode ? ": " : "",
           is->episode ? is->episode : "");
    return UT_OK;
}

static int list(const ut_args *args)
{
    ut_err err = {0};
    ut_store *store = NULL;
    ut_channel_clock clock = {0};
    const char *channel = ut_args_text(args, "channel");
    int64_t from_ns = INT64_MIN / 2, to_ns = INT64_MAX / 2;
    bool given;
    ut_status rc = ut_channel_clock_open(args, channel, ut_args_text(args, "timezone"), ut_args_text(args, "day-start"),
                                         &clock, &err);
    if (rc == UT_OK)
        rc = ut_range_parse(&clock, ut_args_text(args, "from"), ut_args_text(args, "to"), ut_args_text(args, "day"),
                            &from_ns, &to_ns, &given, &err);
    if (rc != UT_OK) {
        ut_channel_clock_close(&clock);
        return ut_cli_usage(args, "%s", err.text);
    }
    printing p = {.args = args, .zone = clock.zone};
    rc = ut_store_open(ut_args_store(args), UT_STORE_READ, &store, &err);
    if (rc == UT_OK)
        rc = ut_store_airing_each(store, channel, from_ns, to_ns, print_airing, &p, &err);
    ut_store_close(&store);
    ut_channel_clock_close(&clock);
    return rc == UT_OK ? 0 : ut_cli_fail(args, &err);
}

static int take_out(const ut_args *args)
{
    ut_err err = {0};
    ut_store *store = NULL;
    ut_status rc = ut_store_open(ut_args_store(args), UT_STORE_WRITE, &store, &err);
    for (int i = 0; rc == UT_OK && i < ut_args_count(args); i++) {
        char *end;
        int64_t id = strtoll(ut_args_at(args, i), &end, 10);
        if (*end || id <= 0)
            rc = ut_fail(&err, UT_E_ARG, "%s: not a number of `programmes list`", ut_args_at(args, i));
        else
            rc = ut_store_airing_remove(store, id, &err);
    }
    ut_store_close(&store);
    return rc == UT_OK ? 0 : ut_cli_fail(args, &err);
}

static const ut_opt list_options[] = {
    {.name = "channel", .kind = UT_OPT_TEXT, .value = "ID", .help = "only this channel"},
    {.name = "from", .kind = UT_OPT_TEXT, .value = "TIME", .help = "start of the range, RFC 3339; with --to"},
    {.name = "to", .kind = UT_OPT_TEXT, .value = "TIME", .help = "end of the range"},
    {.name = "day", .kind = UT_OPT_TEXT, .value = "DATE", .help = "a broadcast day of the channel instead"},
    {.name = "timezone", .kind = UT_OPT_TEXT, .value = "ZONE", .help = "of the times shown; default: the channel's"},
    {.name = "day-start", .kind = UT_OPT_TEXT, .value = "HH:MM", .help = "of --day; default: the channel's"},
    {0},
};

const ut_verb ut_verb_programmes_list = {
    .name = "programmes list",
    .summary = "list what was shown when",
    .arguments = "",
    .options = list_options,
    .examples = "undertone programmes list --channel news1 --day 2026-11-21",
    .run = list,
};

const ut_verb ut_verb_programmes_remove = {
    .name = "programmes remove",
    .summary = "take airings out by their number",
    .arguments = "NUMBER…",
    .min_arguments = 1,
    .max_arguments = -1,
    .examples = "undertone programmes remove 17 18",
    .run = take_out,
};
