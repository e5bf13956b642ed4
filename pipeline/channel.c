#include "pipeline/channel.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "cuesheet/cue.h"

#define HISTORY ((size_t)90 * UT_RATE_HZ)    /* samples kept for a change of catalogue */
#define LOOK ((int64_t)UT_RATE_HZ)           /* samples between looks for one */
#define PATIENCE ((int64_t)600 * UT_RATE_HZ) /* how long music without an end may put it off */
#define CHECKPOINT ((int64_t)60 * UT_RATE_HZ)
#define RECOVERY ((int64_t)10 * UT_RATE_HZ) /* from a failure of the recogniser to the next try */

struct ut_channel {
    char id[64];
    ut_channel_options options;
    ut_versions versions;

    ut_snapshot *snapshot; /* the index that the analyser uses */
    ut_analyser *analyser; /* NULL between segments, and after a failure */
    ut_segment capture;    /* as it began */
    ut_journal_segment *segment;
    int64_t lost;      /* samples since a failure of the recogniser; they count as not captured */
    int64_t position;  /* of the next sample */
    int64_t committed; /* position at the last commit */
    int64_t looked;    /* position at the last look at the catalogue */
    int64_t outdated;  /* position since which a newer one waits; -1: none */

    float *history; /* ring: the sample at position p is at p % HISTORY */
    ut_finding *pending;
    size_t count, capacity;

    pthread_mutex_t lock;
    ut_channel_stats stats;
};

ut_status ut_channel_open(const ut_channel_options *options, const char *id, ut_channel **out, ut_err *err)
{
    ut_channel *ch = calloc(1, sizeof *ch);
    if (!ch || !(ch->history = malloc(HISTORY * sizeof *ch->history))) {
        free(ch);
        return ut_fail(err, UT_E_NOMEM, "channel %s", id);
    }
    snprintf(ch->id, sizeof ch->id, "%s", id);
    ch->options = *options;
    snprintf(ch->versions.params, sizeof ch->versions.params, "%s", options->params);
    if (options->model)
        snprintf(ch->versions.model_hash, sizeof ch->versions.model_hash, "%s",
                 ut_model_describe(options->model)->hash);
    pthread_mutex_init(&ch->lock, NULL);
    *out = ch;
    return UT_OK;
}

static void drop_pending(ut_channel *ch)
{
    for (size_t i = 0; i < ch->count; i++)
        free(ch->pending[i].trail);
    ch->count = 0;
}

void ut_channel_close(ut_channel **channel)
{
    ut_channel *ch = channel ? *channel : NULL;
    if (!ch)
        return;
    ut_analyser_close(&ch->analyser);
    ut_snapshot_unref(&ch->snapshot);
    pthread_mutex_destroy(&ch->lock);
    drop_pending(ch);
    free(ch->history);
    free(ch->pending);
    free(ch);
    *channel = NULL;
}

static void count_identification(ut_channel *ch, const ut_identification *what)
{
    ut_cue_rules rules = ut_cue_rules_default();
    double seconds = (double)(what->end_sample - what->start_sample) / UT_RATE_HZ;
    pthread_mutex_lock(&ch->lock);
    ch->stats.cues[what->outcome]++;
    if (what->outcome == UT_UNIDENTIFIED)
        ch->stats.unidentified_s += seconds;
    else
        ch->stats.music_s[ut_use_decide(what->music_lufs, what->speech_lufs, &rules)] += seconds;
    pthread_mutex_unlock(&ch->lock);
}

static ut_status on_identification(void *arg, const ut_identification *what)
{
    ut_channel *ch = arg;
    if (ch->count == ch->capacity) {
        size_t capacity = ch->capacity ? 2 * ch->capacity : 16;
        ut_finding *grown = reallocarray(ch->pending, capacity, sizeof *grown);
        if (!grown)
            return UT_E_NOMEM;
        ch->pending = grown;
        ch->capacity = capacity;
    }
    ch->pending[ch->count++] = (ut_finding){.what = *what};
    count_identification(ch, what);
    return UT_OK;
}

static ut_status on_trail(void *arg, uint8_t *trail, size_t size)
{
    ut_channel *ch = arg;
    if (ch->count == 0) {
        free(trail);
        return UT_OK;
    }
    ut_finding *last = &ch->pending[ch->count - 1];
    free(last->trail);
    last->trail = trail;
    last->trail_size = size;
    return UT_OK;
}

static ut_status commit(ut_channel *ch, int64_t resume_sample, bool done, ut_err *err)
{
    ut_checkpoint checkpoint = {.resume_sample = resume_sample, .done = done};
    ut_status rc =
        ut_journal_commit(ch->options.journal, ch->segment, &ch->versions, ch->pending, ch->count, &checkpoint, err);
    if (rc != UT_OK)
        return rc;
    ch->count = 0;
    ch->committed = ch->position;
    return UT_OK;
}

static ut_status push(ut_channel *ch, const float *samples, size_t frames, ut_err *err)
{
    double before_s = ut_monotonic_s();
    ut_status rc = ut_analyser_push(ch->analyser, samples, frames, err);
    pthread_mutex_lock(&ch->lock);
    ch->stats.analysis_s += ut_monotonic_s() - before_s;
    pthread_mutex_unlock(&ch->lock);
    return rc;
}

/* Opens an analyser over the catalogue in force. The old snapshot stays in *ch until the caller has closed what uses
 * it. */
static ut_status open_analyser(ut_channel *ch, int64_t first_sample, ut_analyser **analyser, ut_snapshot **snapshot,
                               ut_err *err)
{
    ut_snapshot *taken = ut_catalogue_take(ch->options.catalogue);
    ut_analyser_options options = {
        .index = ut_snapshot_index(taken),
        .model = ch->options.model,
        .backend = ch->options.backend,
        .precision = ch->options.precision,
        .unidentified = ch->options.unidentified,
        .max_log10_e = ch->options.max_log10_e,
        .keep = ch->options.keep_trails ? on_trail : NULL,
    };
    ut_status rc = ut_analyser_open(&options, first_sample, on_identification, ch, analyser, err);
    if (rc != UT_OK) {
        ut_snapshot_unref(&taken);
        return rc;
    }
    ch->versions.catalogue_version = ut_index_describe(options.index).catalogue_version;
    *snapshot = taken;
    return UT_OK;
}

static void install(ut_channel *ch, ut_analyser *analyser, ut_snapshot *snapshot)
{
    ut_analyser_close(&ch->analyser);
    ut_snapshot_unref(&ch->snapshot);
    ch->analyser = analyser;
    ch->snapshot = snapshot;
    ch->outdated = -1;
}

/* Feeds the history from `first` to the present position. */
static ut_status catch_up(ut_channel *ch, int64_t first, ut_err *err)
{
    ut_status rc = UT_OK;
    while (first < ch->position && rc == UT_OK) {
        size_t at = (size_t)(first % (int64_t)HISTORY);
        size_t frames = (size_t)(ch->position - first);
        if (frames > HISTORY - at)
            frames = HISTORY - at;
        rc = push(ch, ch->history + at, frames, err);
        first += (int64_t)frames;
    }
    return rc;
}

/* Goes over to the new catalogue where the old analyser has nothing open that began before the history. It then closes
 * without a conclusion: the new one hears everything since its resume sample, and what both emit has the same ids. */
static ut_status change_catalogue(ut_channel *ch, ut_err *err)
{
    int64_t oldest = ch->position > (int64_t)HISTORY ? ch->position - (int64_t)HISTORY : 0;
    int64_t first = ut_analyser_resume_sample(ch->analyser);
    bool forced = first < oldest;
    if (forced && ch->position - ch->outdated < PATIENCE)
        return UT_OK;
    if (forced) {
        ut_status rc = ut_analyser_finish(ch->analyser, err);
        if (rc == UT_OK)
            rc = commit(ch, oldest, false, err); /* under the versions that made it */
        if (rc != UT_OK)
            return rc;
        first = oldest;
    }
    ut_analyser *analyser;
    ut_snapshot *snapshot;
    ut_status rc = open_analyser(ch, first, &analyser, &snapshot, err);
    if (rc != UT_OK)
        return rc;
    install(ch, analyser, snapshot);
    ut_log(UT_LOG_INFO, "channel", "catalogue_changed", "channel=%s version=%lld", ch->id,
           (long long)ch->versions.catalogue_version);
    return catch_up(ch, first, err);
}

static ut_status look_for_catalogue(ut_channel *ch, ut_err *err)
{
    ch->looked = ch->position;
    ut_snapshot *now = ut_catalogue_take(ch->options.catalogue);
    bool same = ut_snapshot_index(now) == ut_snapshot_index(ch->snapshot);
    ut_snapshot_unref(&now);
    if (same)
        return UT_OK;
    if (ch->outdated < 0)
        ch->outdated = ch->position;
    return change_catalogue(ch, err);
}

static void remember(ut_channel *ch, const float *samples, size_t frames)
{
    for (size_t done = 0; done < frames;) {
        size_t at = (size_t)((ch->position + (int64_t)done) % (int64_t)HISTORY);
        size_t n = frames - done < HISTORY - at ? frames - done : HISTORY - at;
        memcpy(ch->history + at, samples + done, n * sizeof *samples);
        done += n;
    }
    ch->position += (int64_t)frames;
}

static ut_status begin(ut_channel *ch, const ut_segment *segment, ut_err *err)
{
    ut_analyser *analyser;
    ut_snapshot *snapshot;
    ch->capture = *segment;
    ch->position = ch->committed = ch->looked = 0;
    ut_status rc = ut_journal_begin(ch->options.journal, segment, &ch->segment, err);
    if (rc == UT_OK)
        rc = open_analyser(ch, 0, &analyser, &snapshot, err);
    if (rc == UT_OK)
        install(ch, analyser, snapshot);
    return rc;
}

/* What was lost since a failure becomes a gap, and the next segment begins where it ends. */
static ut_status record_loss(ut_channel *ch, ut_err *err)
{
    if (ch->lost == 0)
        return UT_OK;
    ut_gap gap = {.start_ns = ch->capture.start_ns,
                  .end_ns = ut_sample_to_ns(ch->capture.start_ns, ch->lost),
                  .reason = "analysis"};
    memcpy(gap.channel, ch->id, sizeof gap.channel);
    ut_status rc = ut_journal_gap(ch->options.journal, &gap, err);
    if (rc != UT_OK)
        return rc;
    ch->capture.start_ns = gap.end_ns;
    ch->lost = 0;
    return UT_OK;
}

static ut_status take_audio(ut_channel *ch, const float *samples, size_t frames, ut_err *err)
{
    ut_status rc = UT_OK;
    if (!ch->analyser) {
        ch->lost += (int64_t)frames;
        if (ch->lost < RECOVERY)
            return UT_OK;
        rc = record_loss(ch, err);
        return rc == UT_OK ? begin(ch, &ch->capture, err) : rc;
    }
    remember(ch, samples, frames);
    rc = push(ch, samples, frames, err);
    pthread_mutex_lock(&ch->lock);
    ch->stats.samples += (int64_t)frames;
    pthread_mutex_unlock(&ch->lock);
    if (rc == UT_OK && (ch->count > 0 || ch->position - ch->committed >= CHECKPOINT))
        rc = commit(ch, ut_analyser_resume_sample(ch->analyser), false, err);
    if (rc == UT_OK && ch->position - ch->looked >= LOOK)
        rc = look_for_catalogue(ch, err);
    return rc;
}

ut_status ut_channel_finish(ut_channel *ch, ut_err *err)
{
    ut_status rc = record_loss(ch, err);
    if (rc != UT_OK || !ch->segment)
        return rc;
    if (ch->analyser && (rc = ut_analyser_finish(ch->analyser, err)) == UT_OK)
        rc = commit(ch, ch->position, true, err);
    ut_analyser_close(&ch->analyser);
    ut_snapshot_unref(&ch->snapshot);
    if (rc == UT_OK)
        rc = ut_journal_end(ch->options.journal, &ch->segment, ch->position, err);
    return rc;
}

ut_status ut_channel_abandon(ut_channel *ch, ut_err *err)
{
    ut_analyser_close(&ch->analyser);
    ut_snapshot_unref(&ch->snapshot);
    drop_pending(ch);
    return ch->segment ? ut_journal_abandon(ch->options.journal, &ch->segment, err) : UT_OK;
}

/* The recogniser has failed: what it gave so far is kept, the segment ends, and what follows counts as lost until it
 * works. */
static void give_up(ut_channel *ch)
{
    pthread_mutex_lock(&ch->lock);
    ch->stats.failures++;
    pthread_mutex_unlock(&ch->lock);
    ut_analyser_close(&ch->analyser);
    ut_snapshot_unref(&ch->snapshot);
    ut_err err = {0};
    char quoted[512];
    ut_status rc = ch->segment && ch->count ? commit(ch, ch->committed, false, &err) : UT_OK;
    if (rc == UT_OK && ch->segment)
        rc = ut_journal_end(ch->options.journal, &ch->segment, ch->position, &err);
    ch->capture.start_ns = ut_sample_to_ns(ch->capture.start_ns, ch->position);
    ch->position = 0;
    drop_pending(ch);
    if (rc != UT_OK)
        ut_log(UT_LOG_ERROR, "channel", "airplays_lost", "channel=%s error=%s", ch->id,
               ut_log_quote(quoted, sizeof quoted, err.text));
}

ut_status ut_channel_take(ut_channel *ch, const ut_capture_item *item, ut_err *err)
{
    ut_status rc = UT_OK;
    switch (item->kind) {
    case UT_CAPTURE_SEGMENT:
        rc = ut_channel_finish(ch, err);
        if (rc == UT_OK)
            rc = begin(ch, item->segment, err);
        break;
    case UT_CAPTURE_AUDIO:
        rc = take_audio(ch, item->samples, item->frames, err);
        break;
    case UT_CAPTURE_GAP:
        rc = ut_channel_finish(ch, err);
        if (rc == UT_OK)
            rc = ut_journal_gap(ch->options.journal, item->gap, err);
        break;
    case UT_CAPTURE_EVENTS:
        return ut_journal_airings(ch->options.journal, item->airings, item->airing_count, err);
    }
    if (rc != UT_OK)
        give_up(ch);
    return rc;
}

ut_channel_stats ut_channel_describe(ut_channel *ch)
{
    pthread_mutex_lock(&ch->lock);
    ut_channel_stats stats = ch->stats;
    pthread_mutex_unlock(&ch->lock);
    return stats;
}
