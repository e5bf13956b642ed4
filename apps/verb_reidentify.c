#include <jansson.h>
#include <stdio.h>

#include "apps/cli.h"
#include "apps/person.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/progress.h"
#include "pipeline/rematch.h"

typedef struct {
    ut_progress *bar;
    uint64_t done;
} shown;

static void on_progress(void *arg, uint64_t done, uint64_t total)
{
    shown *s = arg;
    if (!s->bar && ut_progress_open("reidentify", "stretches", total, &s->bar) != UT_OK)
        return;
    ut_progress_add(s->bar, done - s->done, NULL);
    s->done = done;
}

static int print(const ut_args *args, const ut_rematch_result *result, double seconds)
{
    if (!ut_args_json(args)) {
        printf("%zu stretches, %.1f s of music, against %zu recordings in %.1f s: %zu cues corrected, %zu added%s\n",
               result->trails, result->seconds, result->recordings, seconds, result->revised, result->added,
               result->recordings || result->trails ? "" : " (nothing is new)");
        if (result->damaged)
            fprintf(stderr, "undertone: reidentify: %zu damaged stretches were left out\n", result->damaged);
        return 0;
    }
    json_t *object = json_pack("{s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:f}", "stretches", (json_int_t)result->trails,
                               "music_s", result->seconds, "recordings", (json_int_t)result->recordings, "matched",
                               (json_int_t)result->matched, "corrected", (json_int_t)result->revised, "added",
                               (json_int_t)result->added, "damaged", (json_int_t)result->damaged, "elapsed_s", seconds);
    bool ok = object && json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12)) == 0;
    putchar('\n');
    json_decref(object);
    return ok ? 0 : 1;
}

static int reidentify(const ut_args *args)
{
    ut_err err = {0};
    char who[64];
    ut_store *store = NULL;
    shown bar = {0};
    const char *since = ut_args_text(args, "since"), *params = ut_args_text(args, "params");
    if (!since && !ut_args_flag(args, "unknown"))
        return ut_cli_usage(args, "--unknown or --since is needed");
    ut_rematch_options options = {.params = params ? params : ut_args_config(args)->recognition.params,
                                  .channel = ut_args_text(args, "channel"),
                                  .since_ns = INT64_MIN,
                                  .everything = !ut_args_flag(args, "unknown"),
                                  .max_log10_e = ut_args_config(args)->recognition.max_log10_e,
                                  .who = ut_person(args, who),
                                  .stopped = ut_cli_stopped,
                                  .progress = on_progress,
                                  .arg = &bar};
    if (since && ut_time_parse(since, &options.since_ns, &err) != UT_OK)
        return ut_cli_usage(args, "--since: %s", err.text);
    ut_rematch_result result = {0};
    double before_s = ut_monotonic_s();
    ut_status rc = ut_store_open(ut_args_store(args), UT_STORE_WRITE, &store, &err);
    if (rc == UT_OK)
        rc = ut_rematch(store, &options, &result, &err);
    ut_progress_close(&bar.bar);
    ut_store_close(&store);
    if (rc == UT_E_STOPPED)
        fprintf(stderr, "undertone: reidentify: stopped; the same command goes on from here\n");
    else if (rc != UT_OK)
        return ut_cli_fail(args, &err);
    int exit_code = print(args, &result, ut_monotonic_s() - before_s);
    return rc == UT_OK ? exit_code : 1;
}

static const ut_opt reidentify_options[] = {
    {.name = "unknown",
     .kind = UT_OPT_FLAG,
     .help = "music still unidentified or ambiguous, against the recordings that are new since it was last matched"},
    {.name = "since",
     .kind = UT_OPT_TEXT,
     .value = "TIME",
     .help = "what was on air after that time, RFC 3339; without --unknown all that is kept of it, against the whole "
             "catalogue"},
    {.name = "channel", .kind = UT_OPT_TEXT, .value = "ID", .help = "only this channel"},
    {.name = "params", .kind = UT_OPT_CHOICE, .value = "p1|p2|p3", .help = "default: as configured"},
    UT_OPT_BY,
    {0},
};

const ut_verb ut_verb_reidentify = {
    .name = "reidentify",
    .summary = "match unidentified music again, without its audio, after the catalogue grew",
    .arguments = "",
    .options = reidentify_options,
    .examples = "undertone catalogue add new-albums/ && undertone reidentify --unknown\n"
                "undertone reidentify --since 2026-11-01T00:00:00Z --channel news1",
    .run = reidentify,
};
