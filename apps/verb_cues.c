#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli.h"
#include "apps/cue_data.h"
#include "core/clock.h"
#include "cuesheet/json.h"

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

static void print_cue(const ut_cue *cue, const ut_recording *rec, const char *status)
{
    char start[40], end[40];
    const char *title = rec && rec->title ? rec->title : cue->recording_id ? "(no longer in the catalogue)" : "";
    const char *artist = rec && rec->artist ? rec->artist : "";
    printf("%-10s  %s  %s  %8.1f s  %-12s  %-17s  %s%s%s", cue->channel,
           ut_time_format(cue->start_ns, start, sizeof start), ut_time_format(cue->end_ns, end, sizeof end),
           (double)cue->duration_ms / 1000, ut_outcome_name(cue->outcome), ut_use_name(cue->use), title,
           *artist ? " / " : "", artist);
    if (isfinite(cue->log10_e))
        printf("  (E 1e%.0f)", cue->log10_e);
    if (strcmp(status, "final") != 0)
        printf("  [%s]", status);
    printf("  %s\n", cue->id);
}

static int print_json(const ut_args *args, const ut_cue *cue, const ut_recording *rec, const char *status)
{
    json_t *object = ut_json_cue(cue, rec);
    bool ok = object && json_object_set_new(object, "channel", ut_json_text(cue->channel)) == 0 &&
              json_object_set_new(object, "status", json_string(status)) == 0 &&
              json_object_set_new(object, "revision", json_integer(cue->revision)) == 0;
    char *text = ok ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(object);
    if (!text) {
        ut_err err;
        ut_fail(&err, UT_E_NOMEM, "cue %s", cue->id);
        return ut_cli_fail(args, &err);
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
    ut_cue_rules rules = ut_cue_rules_default();
    const char *from = ut_args_text(args, "from"), *to = ut_args_text(args, "to");
    if (!from != !to)
        return ut_cli_usage(args, "--from and --to go together");
    if (from && ut_time_parse(from, &rules.programme_start_ns, &err) != UT_OK)
        return ut_cli_usage(args, "--from: %s", err.text);
    if (to && ut_time_parse(to, &rules.programme_end_ns, &err) != UT_OK)
        return ut_cli_usage(args, "--to: %s", err.text);
    if (from && rules.programme_end_ns <= rules.programme_start_ns)
        return ut_cli_usage(args, "--to %s: not after --from %s", to, from);
    ut_status rc = ut_store_open(ut_args_store(args), UT_STORE_READ, &store, &err);
    if (rc == UT_OK)
        rc = ut_args_flag(args, "rejected")
                 ? ut_cue_data_load_all(store, ut_args_text(args, "channel"), &rules, &data, &err)
                 : ut_cue_data_load(store, ut_args_text(args, "channel"), &rules, &data, &err);
    int exit_code = rc == UT_OK ? 0 : ut_cli_fail(args, &err);
    for (size_t i = 0; i < data.count && exit_code == 0; i++) {
        const char *status = status_of(store, &data.cues[i]);
        if (ut_args_json(args))
            exit_code = print_json(args, &data.cues[i], data.recordings[i], status);
        else
            print_cue(&data.cues[i], data.recordings[i], status);
    }
    ut_store_close(&store);
    ut_cue_data_clear(&data);
    return exit_code;
}

static const ut_opt list_options[] = {
    {.name = "channel", .kind = UT_OPT_TEXT, .value = "ID", .help = "only this channel"},
    {.name = "from", .kind = UT_OPT_TEXT, .value = "TIME", .help = "start of the range, RFC 3339; with --to"},
    {.name = "to", .kind = UT_OPT_TEXT, .value = "TIME", .help = "end of the range"},
    {.name = "rejected", .kind = UT_OPT_FLAG, .help = "those that were rejected, too"},
    {0},
};

const ut_verb ut_verb_cues_list = {
    .name = "cues list",
    .summary = "list the music cues of a channel and time",
    .arguments = "",
    .options = list_options,
    .examples = "undertone cues list --channel news1 --from 2026-11-21T20:15:00Z --to 2026-11-21T21:00:00Z",
    .run = list,
};
