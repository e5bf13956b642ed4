#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli.h"
#include "apps/parallel.h"
#include "apps/replay_estimate.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/file.h"
#include "core/log.h"
#include "core/progress.h"
#include "cuesheet/json.h"
#include "pipeline/catalogue.h"
#include "pipeline/jobs.h"
#include "pipeline/recognition.h"
#include "pipeline/recorder.h"
#include "pipeline/replay.h"
#include "pipeline/replay_place.h"

#define DRAIN_S 30.0

typedef struct {
    const ut_args *args;
    ut_paths paths;
    ut_replay_item *items;
    char (*channels)[64]; /* one per item */
    size_t others;        /* files of the folders that are no recordings */
    ut_model *model;
    ut_index *index;
    ut_outbox *outbox;
    ut_progress *progress;
    ut_replay_options options;
    pthread_mutex_t lock; /* guards what follows */
    size_t failed, skipped, added;
    double analysed_s;
} replay_run;

static void on_progress(void *arg, double seconds)
{
    ut_progress_add(((replay_run *)arg)->progress, (uint64_t)llround(seconds), NULL);
}

static void print_result(const replay_run *run, const ut_replay_item *item, const ut_replay_result *result,
                         const ut_err *err)
{
    char start[40];
    json_t *object = json_pack(
        "{s:o, s:s, s:s, s:b, s:f, s:f, s:i}", "file", ut_json_text(item->path), "channel",
        run->channels[item - run->items], "start_utc", ut_time_format(item->start_ns, start, sizeof start), "skipped",
        result->skipped, "resumed_s", result->resumed_s, "analysed_s", result->analysed_s, "added", (int)result->added);
    if (err)
        json_object_set_new(object, "error", ut_json_text(err->text));
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(12));
    if (text)
        puts(text);
    free(text);
    json_decref(object);
}

/* One bad file of an archive is reported and does not stop the others. */
static ut_status replay_one(void *arg, int worker, size_t index, ut_err *err)
{
    (void)worker;
    replay_run *run = arg;
    ut_replay_result result = {0};
    ut_err own = {0};
    ut_replay_options options = run->options;
    options.channel = run->channels[index];
    ut_status rc = ut_replay_file(&options, &run->items[index], &result, &own);
    pthread_mutex_lock(&run->lock);
    run->skipped += result.skipped;
    run->added += result.added;
    run->analysed_s += result.analysed_s;
    if (rc != UT_OK && rc != UT_E_STOPPED) {
        run->failed++;
        ut_cli_fail(run->args, &own);
    }
    if (ut_args_json(run->args))
        print_result(run, &run->items[index], &result, rc == UT_OK ? NULL : &own);
    pthread_mutex_unlock(&run->lock);
    if (rc == UT_E_STOPPED && err)
        *err = own;
    return rc == UT_E_STOPPED ? rc : UT_OK;
}

/* Of what was found in folders, sidecars and the like are left out; what was named is taken. */
static void leave_out_others(replay_run *run)
{
    size_t kept = 0;
    for (size_t i = 0; i < run->paths.count; i++) {
        char *path = run->paths.items[i];
        bool named = false;
        for (int k = 0; k < ut_args_count(run->args); k++)
            named |= strcmp(ut_args_at(run->args, k), path) == 0;
        if (!named && ut_replay_is_other(path)) {
            free(path);
            run->others++;
        } else {
            run->paths.items[kept++] = path;
        }
    }
    run->paths.count = kept;
}

static ut_status find_files(replay_run *run, ut_err *err)
{
    ut_status rc = UT_OK;
    const char *list = ut_args_text(run->args, "list");
    for (int i = 0; i < ut_args_count(run->args) && rc == UT_OK; i++) {
        const char *path = ut_args_at(run->args, i);
        rc = strstr(path, "://") ? ut_paths_add(&run->paths, path, err) : ut_paths_walk(&run->paths, path, err);
    }
    if (rc == UT_OK && list)
        rc = ut_paths_list(&run->paths, list, err);
    if (rc == UT_OK)
        leave_out_others(run);
    if (rc == UT_OK && run->paths.count == 0)
        rc = ut_fail(err, UT_E_ARG, "no files");
    return rc;
}

/* What the command line does not say is in a sidecar, else in the name. */
static ut_status place_one(replay_run *run, size_t i, bool by_name, ut_err *err)
{
    const char *path = run->paths.items[i], *channel = ut_args_text(run->args, "channel");
    bool find_channel = strcmp(channel, "auto") == 0;
    int64_t start_ns = INT64_MIN;
    ut_status rc = UT_OK;
    if (find_channel || by_name)
        rc = ut_replay_sidecar(path, run->channels[i], &start_ns, err);
    if (rc == UT_OK && !find_channel)
        snprintf(run->channels[i], sizeof run->channels[i], "%s", channel);
    else if (rc == UT_OK && !run->channels[i][0])
        rc = ut_replay_channel_of_name(path, run->channels[i], err);
    if (rc != UT_OK || !by_name)
        return rc;
    run->items[i].start_ns = start_ns;
    return start_ns == INT64_MIN ? ut_replay_time_of_name(path, &run->items[i].start_ns, err) : UT_OK;
}

static ut_status probe_one(void *arg, int worker, size_t index, ut_err *err)
{
    (void)worker;
    (void)err;
    replay_run *run = arg;
    ut_err own; /* what cannot be opened is reported when its turn comes */
    if (ut_replay_probe(run->items[index].path, &run->items[index].duration_s, &own) != UT_OK)
        run->items[index].duration_s = NAN;
    ut_progress_add(run->progress, 1, run->items[index].path);
    return UT_OK;
}

/* Lengths, so that progress has an end. */
static ut_status probe_all(replay_run *run, ut_err *err)
{
    ut_status rc = ut_progress_open("replay: lengths", "files", run->paths.count, &run->progress);
    if (rc == UT_OK)
        rc = ut_parallel(ut_cores(), run->paths.count, probe_one, run, err);
    ut_progress_close(&run->progress);
    return rc;
}

static ut_status place_files(replay_run *run, ut_err *err)
{
    const char *start = ut_args_text(run->args, "start");
    bool by_name = strcmp(start, "name") == 0;
    run->items = calloc(run->paths.count + 1, sizeof *run->items);
    run->channels = calloc(run->paths.count + 1, sizeof *run->channels);
    if (!run->items || !run->channels)
        return ut_fail(err, UT_E_NOMEM, "%zu files", run->paths.count);
    ut_status rc = UT_OK;
    for (size_t i = 0; i < run->paths.count && rc == UT_OK; i++) {
        run->items[i] = (ut_replay_item){.path = run->paths.items[i], .duration_s = NAN};
        rc = place_one(run, i, by_name, err);
    }
    int64_t start_ns = 0;
    if (rc == UT_OK && !by_name && (rc = ut_time_parse(start, &start_ns, err)) == UT_OK)
        rc = ut_replay_plan(run->items, run->paths.count, start_ns, err);
    else if (rc == UT_OK)
        rc = probe_all(run, err);
    return rc;
}

static ut_status load_recognition(replay_run *run, ut_err *err)
{
    const ut_config *config = ut_args_config(run->args);
    const char *model = ut_args_text(run->args, "separator"), *backend = ut_args_text(run->args, "backend");
    const char *params = ut_args_text(run->args, "params");
    run->options.params = params ? params : config->recognition.params;
    model = model ? model : config->separator.model;
    ut_store *store = NULL;
    bool dry = ut_args_flag(run->args, "dry-run");
    ut_status rc = ut_store_open(run->options.store, dry ? UT_STORE_READ : UT_STORE_CREATE, &store, err);
    if (rc == UT_OK)
        rc = ut_catalogue_load(store, run->options.params, &run->index, err);
    ut_store_close(&store);
    if (rc == UT_OK)
        rc = ut_recognition_model(model, &run->model, err);
    run->options.analyser = (ut_analyser_options){
        .index = run->index,
        .model = run->model,
        .backend = backend ? backend : config->separator.backend,
        .precision = ut_recognition_precision(config->separator.precision),
        .unidentified = config->recognition.unidentified,
        .max_log10_e = config->recognition.max_log10_e,
        .keep = config->recognition.keep_trails ? ut_recorder_keep : NULL,
    };
    return rc;
}

static ut_status start_outbox(replay_run *run, ut_err *err)
{
    char *sink = (char *)ut_args_text(run->args, "events");
    if (!sink)
        return UT_OK;
    ut_outbox_options options = {
        .store = run->options.store, .sinks = &sink, .sink_count = 1, .config = ut_args_config(run->args)};
    ut_status rc = ut_outbox_start(&options, &run->outbox, err);
    run->options.outbox = run->outbox;
    return rc;
}

/* --- as jobs for others --- */

static void count_job(void *arg)
{
    ut_progress_add(((replay_run *)arg)->progress, 1, NULL);
}

/* Workers find the files by these paths. */
static ut_status make_job(const char *channel, const ut_replay_item *item, ut_job *out, ut_err *err)
{
    char *real = strstr(item->path, "://") ? strdup(item->path) : realpath(item->path, NULL);
    if (!real)
        return ut_fail(err, UT_E_IO, "%s: %s", item->path, strerror(errno));
    ut_status rc = ut_job_make(channel, real, item->start_ns, item->duration_s, out, err);
    free(real);
    return rc;
}

static ut_status submit_all(replay_run *run, ut_err *err)
{
    size_t made = 0;
    ut_status rc = find_files(run, err);
    if (rc == UT_OK)
        rc = place_files(run, err);
    ut_job *jobs = rc == UT_OK ? calloc(run->paths.count, sizeof *jobs) : NULL;
    if (rc == UT_OK && !jobs)
        rc = ut_fail(err, UT_E_NOMEM, "%zu jobs", run->paths.count);
    for (; rc == UT_OK && made < run->paths.count; made += rc == UT_OK)
        rc = make_job(run->channels[made], &run->items[made], &jobs[made], err);
    if (rc == UT_OK)
        rc = ut_progress_open("submit", "jobs", made, &run->progress);
    if (rc == UT_OK)
        rc = ut_jobs_submit(ut_args_config(run->args), jobs, made, ut_cli_stopped, count_job, run, err);
    ut_progress_close(&run->progress);
    for (size_t i = 0; rc == UT_OK && ut_args_json(run->args) && i < made; i++) {
        char *json;
        if ((rc = ut_job_write(&jobs[i], &json, err)) == UT_OK) {
            puts(json);
            free(json);
        }
    }
    if (rc == UT_OK && !ut_args_json(run->args))
        printf("%zu job%s submitted\n", made, made == 1 ? "" : "s");
    while (made > 0)
        ut_job_clear(&jobs[--made]);
    free(jobs);
    return rc;
}

static void print_estimate(const replay_run *run, const ut_replay_estimate *e, int jobs)
{
    double left_s = e->total_s - e->done_s, time_s = left_s / (e->speed * jobs);
    if (ut_args_json(run->args)) {
        json_t *object =
            json_pack("{s:b, s:i, s:i, s:i, s:i, s:f, s:f, s:f, s:i, s:o, s:I, s:I}", "dry_run", 1, "files",
                      (int)run->paths.count, "others", (int)run->others, "unknown_length", (int)e->unknown, "channels",
                      (int)e->channels, "total_s", e->total_s, "done_s", e->done_s, "left_s", left_s, "jobs", jobs,
                      "time_s", ut_json_real(time_s), "disk_bytes", (json_int_t)e->disk_bytes, "disk_free_bytes",
                      (json_int_t)e->free_bytes);
        char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(12));
        puts(text ? text : "{}");
        free(text);
        json_decref(object);
        return;
    }
    printf("%zu files of %zu channels, %.1f h of audio, %.1f h of it done before", run->paths.count, e->channels,
           e->total_s / 3600, e->done_s / 3600);
    if (run->others)
        printf("; %zu other files left out", run->others);
    if (e->unknown)
        printf("; %zu of unknown length or unreadable, not counted", e->unknown);
    printf("\n");
    if (isfinite(e->speed))
        printf("about %.2f h with %d jobs (%.0f times real time each, measured on the first file)\n", time_s / 3600,
               jobs, e->speed);
    printf("about %.1f MB in the store (%s), %.1f GB free there\nnothing was written\n", (double)e->disk_bytes / 1e6,
           e->measured ? "by what it holds now" : "assuming 40 pieces of music an hour", (double)e->free_bytes / 1e9);
}

static ut_status dry_run(replay_run *run, int jobs, ut_err *err)
{
    ut_replay_estimate estimate;
    ut_status rc = ut_replay_estimate_make(run->items, run->channels, run->paths.count, &run->options, &estimate, err);
    if (rc == UT_OK)
        print_estimate(run, &estimate, jobs);
    return rc;
}

static ut_status replay_all(replay_run *run, ut_err *err)
{
    ut_status rc = find_files(run, err);
    if (rc == UT_OK)
        rc = place_files(run, err);
    if (rc == UT_OK)
        rc = load_recognition(run, err);
    int64_t jobs = ut_args_int(run->args, "jobs");
    jobs = jobs ? jobs : ut_cores();
    if (rc == UT_OK && ut_args_flag(run->args, "dry-run"))
        return dry_run(run, (int)jobs, err);
    if (rc == UT_OK)
        rc = start_outbox(run, err);
    double total_s = 0;
    for (size_t i = 0; rc == UT_OK && i < run->paths.count; i++)
        total_s += run->items[i].duration_s; /* NAN where one is unknown: the bar then has no end */
    if (rc == UT_OK)
        rc = ut_progress_open("replay", "s", isnan(total_s) ? 0 : (uint64_t)total_s, &run->progress);
    if (rc == UT_OK)
        rc = ut_parallel((int)jobs, run->paths.count, replay_one, run, err);
    ut_progress_close(&run->progress);
    return rc;
}

static int replay_verb(const ut_args *args)
{
    ut_err err = {0};
    const char *channel = ut_args_text(args, "channel");
    if (!ut_replay_channel_ok(channel))
        return ut_cli_usage(args, "--channel: %s: 1 to 63 of A-Z a-z 0-9 . _ -", channel);
    int64_t start_ns;
    if (strcmp(ut_args_text(args, "start"), "name") != 0 &&
        ut_time_parse(ut_args_text(args, "start"), &start_ns, &err) != UT_OK)
        return ut_cli_usage(args, "--start: %s", err.text);
    replay_run run = {.args = args,
                      .options = {.store = ut_args_store(args),
                                  .channel = channel,
                                  .stopped = ut_cli_stopped,
                                  .progress = on_progress},
                      .lock = PTHREAD_MUTEX_INITIALIZER};
    run.options.arg = &run;
    static const char *const of_the_worker[] = {"jobs", "separator", "backend", "params", "events"};
    for (size_t i = 0; ut_args_flag(args, "submit") && i < sizeof of_the_worker / sizeof *of_the_worker; i++)
        if (ut_args_given(args, of_the_worker[i]))
            return ut_cli_usage(args, "--%s: not with --submit: the workers' configuration says it", of_the_worker[i]);
    if (ut_args_flag(args, "submit")) {
        ut_status submitted = submit_all(&run, &err);
        free(run.items);
        free(run.channels);
        ut_paths_clear(&run.paths);
        return submitted == UT_OK ? 0 : ut_cli_fail(args, &err);
    }
    bool left = false;
    double before_s = ut_monotonic_s();
    ut_status rc = replay_all(&run, &err);
    ut_outbox_stop(&run.outbox, DRAIN_S, &left);
    int exit_code = rc != UT_OK || run.failed || left ? 1 : 0;
    if (rc == UT_E_STOPPED)
        fprintf(stderr, "undertone: replay: stopped; the same command goes on from here\n");
    else if (rc != UT_OK)
        ut_cli_fail(args, &err);
    if (left)
        fprintf(stderr, "undertone: replay: events are left in the store: %s\n", ut_args_text(args, "events"));
    if (rc == UT_OK && !ut_args_json(args) && !ut_args_flag(args, "dry-run"))
        printf("%zu file%s (%zu done before, %zu failed): %.1f s of audio in %.1f s, %zu new airplays\n",
               run.paths.count, run.paths.count == 1 ? "" : "s", run.skipped, run.failed, run.analysed_s,
               ut_monotonic_s() - before_s, run.added);
    free(run.items);
    free(run.channels);
    ut_paths_clear(&run.paths);
    ut_index_close(&run.index);
    ut_model_close(&run.model);
    return exit_code;
}

static const ut_opt replay_options[] = {
    {.name = "channel",
     .kind = UT_OPT_TEXT,
     .value = "ID|auto",
     .fallback = "auto",
     .help = "the channel they were recorded from; auto: from a sidecar FILE.json, else what stands before the time in "
             "the name, else the folder"},
    {.name = "start",
     .kind = UT_OPT_TEXT,
     .value = "TIME|name",
     .fallback = "name",
     .help = "when the first file began, RFC 3339, each next following on; name: from a sidecar FILE.json, else each "
             "file's name, such as news1-20261121T201500Z.ts, UTC"},
    {.name = "dry-run", .kind = UT_OPT_FLAG, .help = "writes nothing; says how many hours, how long and how much disk"},
    {.name = "list", .kind = UT_OPT_TEXT, .value = "FILE", .help = "reads further paths from a file"},
    {.name = "jobs",
     .letter = 'j',
     .kind = UT_OPT_INT,
     .value = "N",
     .fallback = "0",
     .min = 0,
     .max = 1024,
     .help = "files at a time; 0: one per core"},
    {.name = "submit",
     .kind = UT_OPT_FLAG,
     .help =
         "puts the files as jobs into Kafka (kafka.brokers), for `undertone worker`, instead of replaying them here"},
    {.name = "separator", .kind = UT_OPT_TEXT, .value = "MODEL|none", .help = "default: as configured"},
    {.name = "backend", .kind = UT_OPT_CHOICE, .value = "auto|ref|onednn|cuda", .help = "default: as configured"},
    {.name = "params", .kind = UT_OPT_CHOICE, .value = "p1|p2|p3", .help = "default: as configured"},
    {.name = "events",
     .kind = UT_OPT_TEXT,
     .value = "SINK",
     .help = "publishes the store's events meanwhile: jsonl:PATH, jsonl:-, kafka: or kafka:HOST:PORT,…"},
    {0},
};

const ut_verb ut_verb_replay = {
    .name = "replay",
    .summary = "run recordings of a channel through recognition into the store; resumable",
    .arguments = "PATH|URI…",
    .min_arguments = 0,
    .max_arguments = -1,
    .options = replay_options,
    .examples = "undertone replay /archive/news1/2026-11-21 --channel news1 --start 2026-11-21T06:00:00Z\n"
                "undertone replay /archive/news1 --channel news1 --start name --events jsonl:events.jsonl\n"
                "undertone replay /archive/news1 --channel news1 --start name --submit --config undertone.yaml\n"
                "undertone replay /archive --dry-run",
    .run = replay_verb,
};
