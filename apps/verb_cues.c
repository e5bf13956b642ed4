#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/channel_clock.h"
#include "apps/cli.h"
#include "apps/cue_data.h"
#include "core/clock.h"
#include "cuesheet/json.h"

typedef struct {
    const ut_args *args;
    const ut_zone *zone;
    const ut_cue_data *data;
} listing;

static int64_t since_ms(int64_t start_ns, int64_t ns)
{
    return (ns - start_ns) / 1000000;
}

#define MERGE_NS (2 * UT_NS_PER_S)

/* Provisional: its capture goes on, and what is recognised next may still lengthen it. */
static const char *status_of(ut_store *store, const ut_cue *cue)
{
    ut_segment segment;
    ut_checkpoint checkpoint;
    if (cue->review != UT_REVIEW_FINAL || cue->revision > 1 ||
        ut_store_segment_get(store, cue->segment_id, &segment, NULL) != UT_OK ||
        ut_store_checkpoint_get(store, cue->segment_id, &checkpoint, NULL) != UT_OK || checkpoint.done)
        return ut_review_name(cue->review);
    int64_t known_ns = ut_sample_to_ns(segment.start_ns, checkpoint.resume_sample);
    return cue->end_ns + MERGE_NS > known_ns ? "provisional" : "final";
}

static void print_cue(const listing *l, const ut_cue *cue, const ut_recording *rec, const char *status)
{
    char start[40], end[40];
    const char *title = rec && rec->title ? rec->title : cue->recording_id ? "(no longer in the catalogue)" : "";
    const char *artist = rec && rec->artist ? rec->artist : "";
    const ut_airing *airing = ut_cue_data_airing(l->data, cue);
    printf("%-10s  %s  %s  %8.1f s  %-12s  %-17s  %s%s%s", cue->channel,
           ut_zone_format(l->zone, cue->start_ns, start, sizeof start),
           ut_zone_format(l->zone, cue->end_ns, end, sizeof end), (double)cue->duration_ms / 1000,
           ut_outcome_name(cue->outcome), ut_use_name(cue->use), title, *artist ? " / " : "", artist);
    if (isfinite(cue->log10_e))
        printf("  (E 1e%.0f)", cue->log10_e);
    if (airing) {
        int64_t in_s = since_ms(airing->start_ns, cue->start_ns) / 1000;
        printf("  [%s %02d:%02d:%02d]", airing->programme.title, (int)(in_s / 3600), (int)(in_s / 60 % 60),
               (int)(in_s % 60));
    }
    if (strcmp(status, "final") != 0)
        printf("  [%s]", status);
    printf("  %s\n", cue->id);
}

/* Where the cue stands in its programme; times are cut to nothing: it may go on after the programme ended. */
static json_t *programme_json(const ut_airing *airing, const ut_cue *cue)
{
    bool ok = true;
    json_t *object = ut_json_airing(airing);
    if (!airing || !object)
        return object;
    ut_json_put(object, "in_ms", json_integer(since_ms(airing->start_ns, cue->start_ns)), &ok);
    ut_json_put(object, "out_ms", json_integer(since_ms(airing->start_ns, cue->end_ns)), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

static int print_json(const listing *l, const ut_cue *cue, const ut_recording *rec, const char *status)
{
    char start[40], end[40];
    bool ok = true;
    json_t *object = ut_json_cue(cue, rec);
    ut_json_put(object, "channel", ut_json_text(cue->channel), &ok);
    ut_json_put(object, "start_local", ut_json_text(ut_zone_format(l->zone, cue->start_ns, start, sizeof start)), &ok);
    ut_json_put(object, "end_local", ut_json_text(ut_zone_format(l->zone, cue->end_ns, end, sizeof end)), &ok);
    ut_json_put(object, "programme", programme_json(ut_cue_data_airing(l->data, cue), cue), &ok);
    ut_json_put(object, "status", json_string(status), &ok);
    ut_json_put(object, "revision", json_integer(cue->revision), &ok);
    char *text = ok ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(object);
    if (!text) {
        ut_err err;
        ut_fail(&err, UT_E_NOMEM, "cue %s", cue->id);
        return ut_cli_fail(l->args, &err);
    }
    puts(text);
    free(text);
    return 0;
}

static int list(const ut_args *args)
{
    ut_err err = {0};
    ut_store *store = NULL;
    ut_cue_data data = {0};
    ut_channel_clock clock = {0};
    ut_cue_rules rules = ut_cue_rules_default();
    const char *channel = ut_args_text(args, "channel");
    bool given;
    ut_status rc = ut_channel_clock_open(args, channel, ut_args_text(args, "timezone"), ut_args_text(args, "day-start"),
                                         &clock, &err);
    if (rc == UT_OK)
        rc = ut_range_parse(&clock, ut_args_text(args, "from"), ut_args_text(args, "to"), ut_args_text(args, "day"),
                            &rules.programme_start_ns, &rules.programme_end_ns, &given, &err);
    if (rc != UT_OK) {
        ut_channel_clock_close(&clock);
        return ut_cli_usage(args, "%s", err.text);
    }
    rc = ut_store_open(ut_args_store(args), UT_STORE_READ, &store, &err);
    if (rc == UT_OK)
        rc = ut_args_flag(args, "rejected") ? ut_cue_data_load_all(store, channel, &rules, &data, &err)
                                            : ut_cue_data_load(store, channel, &rules, &data, &err);
    int exit_code = rc == UT_OK ? 0 : ut_cli_fail(args, &err);
    const listing l = {.args = args, .zone = clock.zone, .data = &data};
    for (size_t i = 0; i < data.count && exit_code == 0; i++) {
        const char *status = status_of(store, &data.cues[i]);
        if (ut_args_json(args))
            exit_code = print_json(&l, &data.cues[i], data.recordings[i], status);
        else
            print_cue(&l, &data.cues[i], data.recordings[i], status);
    }
    ut_store_close(&store);
    ut_cue_data_clear(&data);
    ut_channel_clock_close(&clock);
    return exit_code;
}

static const ut_opt list_options[] = {
    {.name = "channel", .kind = UT_OPT_TEXT, .value = "ID", .help = "only this channel"},
    {.name = "from", .kind = UT_OPT_TEXT, .value = "TIME", .help = "start of the range, RFC 3339; with --to"},
    {.name = "to", .kind = UT_OPT_TEXT, .value = "TIME", .help = "end of the range"},
    {.name = "day", .kind = UT_OPT_TEXT, .value = "DATE", .help = "a broadcast day of the channel instead"},
    {.name = "timezone", .kind = UT_OPT_TEXT, .value = "ZONE", .help = "of the times shown; default: the channel's"},
    {.name = "day-start", .kind = UT_OPT_TEXT, .value = "HH:MM", .help = "of --day; default: the channel's"},
    {.name = "rejected", .kind = UT_OPT_FLAG, .help = "those that were rejected, too"},
    {0},
};

const ut_verb ut_verb_cues_list = {
    .name = "cues list",
    .summary = "list the music cues of a channel and time",
    .arguments = "",
    .options = list_options,
    .examples = "undertone cues list --channel news1 --from 2026-11-21T20:15:00Z --to 2026-11-21T21:00:00Z\n"
                "undertone cues list --channel news1 --day 2026-11-21 --timezone Europe/Berlin",
    .run = list,
};
