#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "apps/cli.h"
#include "apps/parallel.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/log.h"
#include "cuesheet/json.h"
#include "pipeline/catalogue.h"
#include "pipeline/heartbeat.h"
#include "pipeline/jobs.h"
#include "pipeline/outbox.h"
#include "pipeline/recognition.h"
#include "pipeline/recorder.h"
#include "pipeline/replay.h"

enum { SLOTS = 256, POLL_MS = 100, TRIES = 3 };
#define DRAIN_S 30.0
#define RETRY_S 2.0

/* One job at a time, on a thread of its own. */
typedef struct {
    struct worker *worker;
    pthread_t thread;
    bool busy; /* main thread: there is a job, and the thread is to be joined */
    ut_job job;
    ut_ticket *ticket;
    ut_snapshot *snapshot;
    atomic_bool ended;
    _Atomic double done_s;
    ut_replay_result result; /* once ended, as are these */
    ut_status rc;
    ut_err err;
} slot;

typedef struct worker {
    const ut_args *args;
    const char *params;
    ut_model *model;
    ut_catalogue *catalogue;
    ut_outbox *outbox;
    ut_job_queue *queue;
    ut_heartbeat *heartbeat;
    ut_store *store; /* main thread's, for the catalogue */
    slot *slots;
    size_t slot_count, busy, done, failed;
    double idle_since_s;
} worker;

/* --- a job's thread -------------------------------------------------------------------------- */

static _Thread_local slot *mine; /* ut_replay_file asks without an argument whether to stop */

static bool give_up(void)
{
    return ut_cli_stopped() || ut_ticket_lost(mine->ticket);
}

static void on_progress(void *arg, double seconds)
{
    slot *s = arg;
    s->done_s = s->done_s + seconds;
}

/* A store that is away says nothing against the job. */
static bool store_is_there(const char *dsn)
{
    ut_store *store = NULL;
    bool there = ut_store_open(dsn, UT_STORE_READ, &store, NULL) == UT_OK;
    ut_store_close(&store);
    return there;
}

static bool for_good(ut_status rc)
{
    return rc == UT_E_CORRUPT || rc == UT_E_NOTFOUND || rc == UT_E_UNSUPPORTED || rc == UT_E_ARG;
}

static void wait_a_while(double seconds)
{
    for (double until_s = ut_monotonic_s() + seconds; ut_monotonic_s() < until_s && !give_up();)
        usleep(50000);
}

static void *slot_main(void *arg)
{
    slot *s = mine = arg;
    const worker *w = s->worker;
    const ut_config *config = ut_args_config(w->args);
    ut_replay_options options = {
        .store = ut_args_store(w->args),
        .channel = s->job.channel,
        .analyser = {.index = ut_snapshot_index(s->snapshot),
                     .model = w->model,
                     .backend = config->separator.backend,
                     .precision = ut_recognition_precision(config->separator.precision),
                     .unidentified = config->recognition.unidentified,
                     .max_log10_e = config->recognition.max_log10_e,
                     .keep = config->recognition.keep_trails ? ut_recorder_keep : NULL},
        .params = w->params,
        .commit_s = ut_args_real(w->args, "checkpoint"),
        .stopped = give_up,
        .progress = on_progress,
        .arg = s,
        .outbox = w->outbox,
    };
    ut_replay_item item = {.path = s->job.path, .start_ns = s->job.start_ns, .duration_s = s->job.duration_s};
    for (int tries = 0;;) {
        s->done_s = 0;
        s->err = (ut_err){0};
        s->rc = ut_replay_file(&options, &item, &s->result, &s->err);
        if (s->rc == UT_OK || s->rc == UT_E_STOPPED || give_up())
            break;
        bool there = store_is_there(options.store);
        if (there && (for_good(s->rc) || ++tries >= TRIES))
            break;
        ut_log(UT_LOG_WARN, "worker", "job_again", "job=%s store=%s error=\"%s\"", s->job.id, there ? "there" : "away",
               s->err.text);
        wait_a_while(RETRY_S);
    }
    s->ended = true;
    return NULL;
}

/* --- the main thread ------------------------------------------------------------------------- */

static void report(const worker *w, const slot *s, const char *end)
{
    char start[40];
    if (!ut_args_json(w->args)) {
        ut_log(UT_LOG_INFO, "worker", "job_ended", "job=%s channel=%s end=%s analysed_s=%.1f added=%zu", s->job.id,
               s->job.channel, end, s->result.analysed_s, s->result.added);
        return;
    }
    json_t *line =
        json_pack("{s:s, s:s, s:o, s:s, s:s, s:b, s:f, s:f, s:i}", "job_id", s->job.id, "channel", s->job.channel,
                  "file", ut_json_text(s->job.path), "start_utc", ut_time_format(s->job.start_ns, start, sizeof start),
                  "end", end, "skipped", s->result.skipped, "resumed_s", s->result.resumed_s, "analysed_s",
                  s->result.analysed_s, "added", (int)s->result.added);
    if (s->rc != UT_OK && line)
        json_object_set_new(line, "error", ut_json_text(s->err.text));
    char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    if (text)
        puts(text);
    fflush(stdout);
    free(text);
    json_decref(line);
}

static ut_status start_job(worker *w, ut_job *job, ut_ticket **ticket, ut_err *err)
{
    slot *s = w->slots;
    while (s->busy)
        s++;
    bool changed = false;
    ut_status rc = ut_catalogue_refresh(w->catalogue, w->store, &changed, err);
    if (rc != UT_OK)
        ut_log(UT_LOG_WARN, "worker", "catalogue_not_read", "error=\"%s\"", err->text);
    *s = (slot){.worker = w, .job = *job, .ticket = *ticket, .snapshot = ut_catalogue_take(w->catalogue)};
    *ticket = NULL;
    sigset_t all, before; /* signals are the main thread's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&s->thread, NULL, slot_main, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return ut_fail(err, UT_E_NOMEM, "worker: thread");
    s->busy = true;
    w->busy++;
    ut_log(UT_LOG_INFO, "worker", "job_begins", "job=%s channel=%s", s->job.id, s->job.channel);
    return UT_OK;
}

static ut_status end_job(worker *w, slot *s, ut_err *err)
{
    pthread_join(s->thread, NULL);
    bool left = s->rc == UT_E_STOPPED || (s->rc != UT_OK && (ut_cli_stopped() || ut_ticket_lost(s->ticket)));
    ut_job_end end = s->rc == UT_OK ? UT_JOB_DONE : left ? UT_JOB_LATER : UT_JOB_FAILED;
    report(w, s, end == UT_JOB_DONE ? "done" : end == UT_JOB_FAILED ? "failed" : "given up");
    if (end == UT_JOB_FAILED)
        ut_log(UT_LOG_ERROR, "worker", "job_failed", "job=%s error=\"%s\"", s->job.id, s->err.text);
    w->done += end == UT_JOB_DONE;
    w->failed += end == UT_JOB_FAILED;
    ut_status rc = ut_job_queue_settle(w->queue, &s->ticket, &s->job, end, s->err.text, err);
    ut_job_clear(&s->job);
    ut_snapshot_unref(&s->snapshot);
    s->busy = false;
    w->busy--;
    w->idle_since_s = ut_monotonic_s();
    return rc;
}

/* A commit that failed is the next holder's work once more, and no reason to end. */
static void end_jobs(worker *w)
{
    for (size_t i = 0; i < w->slot_count; i++) {
        ut_err err = {0};
        if (w->slots[i].busy && w->slots[i].ended && end_job(w, &w->slots[i], &err) != UT_OK)
            ut_log(UT_LOG_WARN, "worker", "not_committed", "error=\"%s\"", err.text);
    }
}

static void beat(worker *w)
{
    if (!ut_heartbeat_due(w->heartbeat))
        return;
    json_t *jobs = json_array();
    for (size_t i = 0; i < w->slot_count; i++) {
        const slot *s = &w->slots[i];
        if (s->busy)
            json_array_append_new(jobs, json_pack("{s:s, s:s, s:o, s:f, s:o}", "job_id", s->job.id, "channel",
                                                  s->job.channel, "path", ut_json_text(s->job.path), "done_s",
                                                  (double)s->done_s, "duration_s", ut_json_real(s->job.duration_s)));
    }
    json_t *state = json_pack("{s:o, s:I, s:I, s:i}", "jobs", jobs, "done", (json_int_t)w->done, "failed",
                              (json_int_t)w->failed, "partitions", ut_job_queue_partitions(w->queue));
    char *text = state ? json_dumps(state, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    json_decref(state);
    if (text)
        ut_heartbeat_beat(w->heartbeat, text);
    free(text);
}

static ut_status work(worker *w, ut_err *err)
{
    double idle_s = ut_args_given(w->args, "idle") ? ut_args_real(w->args, "idle") : INFINITY;
    w->idle_since_s = ut_monotonic_s();
    sd_notify(0, "READY=1");
    while (!ut_cli_stopped()) {
        ut_job job;
        ut_ticket *ticket = NULL;
        ut_status rc = ut_job_queue_take(w->queue, w->busy < w->slot_count, POLL_MS, &job, &ticket, err);
        if (rc == UT_OK)
            rc = start_job(w, &job, &ticket, err);
        else if (rc == UT_E_BUSY)
            rc = UT_OK;
        else if (err->retriable) {
            ut_log(UT_LOG_WARN, "worker", "kafka", "error=\"%s\"", err->text);
            rc = UT_OK;
        }
        if (rc != UT_OK)
            return rc;
        end_jobs(w);
        beat(w);
        sd_notify(0, "WATCHDOG=1");
        if (w->busy == 0 && ut_monotonic_s() - w->idle_since_s >= idle_s)
            break;
    }
    return UT_OK;
}

static ut_status open_worker(worker *w, ut_err *err)
{
    const ut_config *config = ut_args_config(w->args);
    const char *dsn = ut_args_store(w->args);
    int64_t jobs = ut_args_int(w->args, "jobs");
    w->params = config->recognition.params;
    w->slot_count = jobs ? (size_t)jobs : (size_t)ut_cores();
    w->slot_count = w->slot_count < SLOTS ? w->slot_count : SLOTS;
    if (!(w->slots = calloc(w->slot_count, sizeof *w->slots)))
        return ut_fail(err, UT_E_NOMEM, "worker: %zu jobs", w->slot_count);
    ut_status rc = ut_store_open(dsn, UT_STORE_CREATE, &w->store, err);
    if (rc == UT_OK)
        rc = ut_catalogue_open(w->store, w->params, &w->catalogue, err);
    if (rc == UT_OK)
        rc = ut_recognition_model(config->separator.model, &w->model, err);
    if (rc == UT_OK)
        rc = ut_heartbeat_open(dsn, "worker", &w->heartbeat, err);
    ut_outbox_options outbox = {.store = dsn,
                                .sinks = config->events.sinks,
                                .sink_count = config->events.sink_count,
                                .config = config,
                                .retry_min_s = config->events.retry_min_s,
                                .retry_max_s = config->events.retry_max_s};
    if (rc == UT_OK && outbox.sink_count)
        rc = ut_outbox_start(&outbox, &w->outbox, err);
    if (rc == UT_OK)
        rc = ut_job_queue_open(config, ut_args_text(w->args, "group"), &w->queue, err);
    return rc;
}

static void close_worker(worker *w, bool *left)
{
    for (size_t i = 0; i < w->slot_count; i++) {
        while (w->slots[i].busy && !w->slots[i].ended)
            usleep(20000); /* it stops within a second of audio */
    }
    if (w->slots)
        end_jobs(w);
    ut_job_queue_close(&w->queue);
    ut_outbox_stop(&w->outbox, DRAIN_S, left);
    ut_heartbeat_close(&w->heartbeat);
    ut_catalogue_close(&w->catalogue);
    ut_store_close(&w->store);
    ut_model_close(&w->model);
    free(w->slots);
}

static int run(const ut_args *args)
{
    ut_err err = {0};
    bool left = false;
    worker w = {.args = args};
    ut_status rc = open_worker(&w, &err);
    if (rc == UT_OK) {
        ut_log(UT_LOG_INFO, "worker", "started", "id=%s jobs=%zu", ut_heartbeat_id(w.heartbeat), w.slot_count);
        rc = work(&w, &err);
    }
    close_worker(&w, &left);
    if (left)
        ut_log(UT_LOG_WARN, "worker", "events_left", "where=store");
    if (rc != UT_OK)
        return ut_cli_fail(args, &err);
    if (!ut_args_json(args))
        printf("%zu jobs done, %zu failed\n", w.done, w.failed);
    return w.failed ? 1 : 0;
}

static const ut_opt options[] = {
    {.name = "group",
     .kind = UT_OPT_TEXT,
     .value = "NAME",
     .fallback = "workers",
     .help = "the consumer group, after the topic prefix: each job goes to one worker of it"},
    {.name = "jobs",
     .letter = 'j',
     .kind = UT_OPT_INT,
     .value = "N",
     .fallback = "0",
     .min = 0,
     .max = SLOTS,
     .help = "recordings at a time; 0: one per core"},
    {.name = "idle",
     .kind = UT_OPT_REAL,
     .value = "SECONDS",
     .min = 0.1,
     .max = 1e9,
     .help = "ends after so long without a job; else it waits for ever"},
    {.name = "checkpoint",
     .kind = UT_OPT_REAL,
     .value = "SECONDS",
     .fallback = "60",
     .min = 1,
     .max = 3600,
     .help = "audio between two checkpoints: what may have to be done again after a crash"},
    {0},
};

const ut_verb ut_verb_worker = {
    .name = "worker",
    .summary = "replay recordings that `replay --submit` put into Kafka, as one of a group",
    .arguments = "",
    .options = options,
    .examples = "undertone worker --config /etc/undertone/undertone.yaml\n"
                "undertone worker --jobs 4 --idle 60 --config undertone.yaml",
    .run = run,
};
