#include "pipeline/replay.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/config.h"
#include "core/log.h"
#include "pipeline/media.h"
#include "pipeline/recorder.h"
#include "pipeline/rules.h"

enum { CHUNK = UT_RATE_HZ };
#define COMMIT_S 60.0
#define BUSY_TRIES 30 /* each has waited for the lock itself */

typedef struct {
    const ut_replay_options *options;
    ut_store *store;
    ut_segment segment;
    ut_checkpoint checkpoint; /* as committed */
    ut_media *media;
    ut_recorder *recorder;
    ut_analyser *analyser;
    float *chunk;
    int64_t position; /* of the next sample to read */
    size_t added;
} replay;

static bool stopped(const replay *r)
{
    return r->options->stopped && r->options->stopped();
}

static void progress(const replay *r, double seconds)
{
    if (r->options->progress && seconds > 0)
        r->options->progress(r->options->arg, seconds);
}

/* Commits what is pending with the checkpoint. Another process may hold the store for a while. */
static ut_status commit(replay *r, bool done, ut_err *err)
{
    ut_checkpoint checkpoint = {
        .resume_sample = done ? r->position : ut_analyser_resume_sample(r->analyser),
        .done = done,
    };
    size_t added = 0;
    ut_status rc = UT_E_BUSY;
    for (int i = 0; rc == UT_E_BUSY && i < BUSY_TRIES && (i == 0 || !stopped(r)); i++)
        rc = ut_recorder_commit(r->recorder, r->store, &checkpoint, &added, err);
    if (rc != UT_OK)
        return rc;
    if (added)
        ut_rules_follow(r->store, r->segment.channel,
                        ut_sample_to_ns(r->segment.start_ns, r->checkpoint.resume_sample));
    r->checkpoint = checkpoint;
    r->added += added;
    if (added && r->options->outbox)
        ut_outbox_wake(r->options->outbox);
    return UT_OK;
}

/* The same file under another spelling of its path is the same segment. Passwords do not go into
 * the store. */
static void name_source(const char *path, char *source, size_t size)
{
    char real[PATH_MAX];
    const char *name = realpath(path, real) ? real : path;
    ut_redact(name, source, size);
}

static ut_status begin(replay *r, const ut_replay_item *item, ut_err *err)
{
    ut_status rc = ut_store_open(r->options->store, UT_STORE_CREATE, &r->store, err);
    if (rc != UT_OK)
        return rc;
    r->segment = (ut_segment){.start_ns = item->start_ns, .time_source = "given"};
    snprintf(r->segment.channel, sizeof r->segment.channel, "%s", r->options->channel);
    name_source(item->path, r->segment.source, sizeof r->segment.source);
    rc = ut_store_segment_put(r->store, &r->segment, err);
    if (rc == UT_OK)
        rc = ut_store_checkpoint_get(r->store, r->segment.id, &r->checkpoint, err);
    return rc;
}

static ut_status open_chain(replay *r, const ut_replay_item *item, ut_err *err)
{
    ut_versions versions = {.catalogue_version = ut_index_describe(r->options->analyser.index).catalogue_version};
    snprintf(versions.params, sizeof versions.params, "%s", r->options->params);
    if (r->options->analyser.model)
        snprintf(versions.model_hash, sizeof versions.model_hash, "%s",
                 ut_model_describe(r->options->analyser.model)->hash);
    const ut_media_options as_analysed = {.rate_hz = UT_RATE_HZ, .channels = 1, .events_of = r->options->channel};
    ut_status rc = ut_media_open(item->path, &as_analysed, &r->media, err);
    if (rc == UT_OK)
        rc = ut_recorder_open(&r->segment, &versions, &r->recorder, err);
    if (rc == UT_OK)
        rc = ut_analyser_open(&r->options->analyser, r->checkpoint.resume_sample, ut_recorder_emit, r->recorder,
                              &r->analyser, err);
    if (rc == UT_OK && !(r->chunk = malloc(CHUNK * sizeof *r->chunk)))
        rc = ut_fail(err, UT_E_NOMEM, "replay: %d samples", CHUNK);
    return rc;
}

/* Reads up to a chunk. Decoders land on sample positions only approximately, so a resumed run
 * decodes from the start and passes over what is done. */
static ut_status read_chunk(replay *r, size_t *got, ut_err *err)
{
    int64_t skip = r->checkpoint.resume_sample - r->position;
    size_t want = skip > 0 && skip < CHUNK ? (size_t)skip : CHUNK;
    return ut_media_read(r->media, r->chunk, want, got, err);
}

static ut_status analyse(replay *r, const int64_t resume, ut_err *err)
{
    double commit_s = r->options->commit_s > 0 ? r->options->commit_s : COMMIT_S;
    int64_t interval = (int64_t)(commit_s * UT_RATE_HZ), committed_at = resume;
    for (;;) {
        size_t got = 0;
        if (stopped(r))
            return ut_fail(err, UT_E_STOPPED, "stopped");
        ut_status rc = read_chunk(r, &got, err);
        if (rc != UT_OK || got == 0)
            return rc;
        if (r->position >= resume && (rc = ut_analyser_push(r->analyser, r->chunk, got, err)) != UT_OK)
            return rc;
        r->position += (int64_t)got;
        progress(r, (double)got / UT_RATE_HZ);
        if (ut_recorder_pending(r->recorder) == 0 && r->position - committed_at < interval)
            continue;
        if (r->position <= resume)
            continue;
        committed_at = r->position;
        if ((rc = commit(r, false, err)) != UT_OK)
            return rc;
    }
}

/* What a transport stream announced of its programmes. A recording without a proper table is no worse for it. */
static void keep_events(replay *r)
{
    ut_schedule schedule = {0};
    ut_airing_change change;
    ut_err err = {0};
    char quoted[512];
    if (!ut_media_events(r->media, &schedule))
        return;
    if (ut_store_airing_put(r->store, schedule.items, schedule.count, false, &change, &err) != UT_OK)
        ut_log(UT_LOG_WARN, "replay", "programmes_not_kept", "channel=%s error=%s", r->segment.channel,
               ut_log_quote(quoted, sizeof quoted, err.text));
    ut_schedule_clear(&schedule);
}

/* What can be kept is kept, whatever ended the analysis. */
static ut_status end(replay *r, ut_status rc, ut_err *err)
{
    if (rc == UT_OK || rc == UT_E_CORRUPT) {
        ut_err own = {0};
        ut_status end_rc = ut_analyser_finish(r->analyser, &own);
        if (end_rc == UT_OK && rc == UT_OK)
            end_rc = ut_store_segment_end(r->store, r->segment.id, r->position, &own);
        if (end_rc == UT_OK)
            keep_events(r);
        if (end_rc == UT_OK)
            end_rc = commit(r, rc == UT_OK, &own);
        if (rc == UT_OK && end_rc != UT_OK && err)
            *err = own;
        return rc == UT_OK ? end_rc : rc;
    }
    if (rc == UT_E_STOPPED && r->position > r->checkpoint.resume_sample) {
        ut_status kept = commit(r, false, NULL);
        if (kept != UT_OK)
            ut_log(UT_LOG_WARN, "replay", "checkpoint_failed", "status=%s", ut_status_name(kept));
    }
    return rc;
}

static void replay_clear(replay *r)
{
    ut_analyser_close(&r->analyser);
    ut_recorder_close(&r->recorder);
    ut_media_close(&r->media);
    ut_store_close(&r->store);
    free(r->chunk);
}

ut_status ut_replay_file(const ut_replay_options *options, const ut_replay_item *item, ut_replay_result *result,
                         ut_err *err)
{
    replay r = {.options = options};
    ut_replay_result made = {0};
    ut_status rc = begin(&r, item, err);
    if (rc == UT_OK && r.checkpoint.done) {
        made.skipped = true;
        progress(&r, isnan(item->duration_s) ? 0 : item->duration_s);
    } else if (rc == UT_OK && (rc = open_chain(&r, item, err)) == UT_OK) {
        int64_t resume = r.checkpoint.resume_sample;
        rc = end(&r, analyse(&r, resume, err), err);
        made.resumed_s = (double)resume / UT_RATE_HZ;
        made.analysed_s = r.position > resume ? (double)(r.position - resume) / UT_RATE_HZ : 0;
        made.added = r.added;
    }
    replay_clear(&r);
    if (rc == UT_OK || rc == UT_E_STOPPED || rc == UT_E_CORRUPT)
        *result = made;
    return rc;
}
