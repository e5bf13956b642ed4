#include "pipeline/journal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/log.h"
#include "pipeline/recorder.h"

#define RETRY_MIN_S 0.1
#define RETRY_MAX_S 10.0

struct ut_journal_segment {
    ut_segment segment; /* its id is set, and read, by the journal thread alone */
};

typedef enum { ENTRY_BEGIN, ENTRY_COMMIT, ENTRY_END, ENTRY_ABANDON, ENTRY_GAP, ENTRY_AIRINGS } entry_kind;

typedef struct entry {
    struct entry *next;
    entry_kind kind;
    ut_journal_segment *segment;
    ut_versions versions;
    ut_checkpoint checkpoint;
    int64_t sample_count;
    ut_gap gap;
    ut_airing *airings;
    size_t airing_count;
    size_t count;
    ut_finding items[];
} entry;

struct ut_journal {
    char *dsn;
    char owner[UT_OWNER_SIZE]; /* "": nobody in particular */
    ut_outbox *outbox;
    ut_store *store; /* journal thread only */
    ut_journal_follow_fn follow;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    entry *first, **last;
    bool stopping;
    double deadline_s;
    ut_journal_stats stats;
};

/* The entry keeps its trails: the write may have to be repeated. */
static ut_status emit(ut_recorder *recorder, const ut_finding *found)
{
    ut_status rc = ut_recorder_emit(recorder, &found->what);
    if (rc != UT_OK || !found->trail)
        return rc;
    uint8_t *copy = malloc(found->trail_size);
    if (!copy)
        return UT_E_NOMEM;
    memcpy(copy, found->trail, found->trail_size);
    return ut_recorder_keep(recorder, copy, found->trail_size);
}

static ut_status write_commit(ut_journal *journal, const entry *e, ut_err *err)
{
    ut_recorder *recorder = NULL;
    ut_status rc = ut_recorder_open(&e->segment->segment, &e->versions, &recorder, err);
    for (size_t i = 0; rc == UT_OK && i < e->count; i++)
        if ((rc = emit(recorder, &e->items[i])) != UT_OK)
            ut_fail(err, rc, "journal: %zu airplays", e->count);
    if (rc == UT_OK)
        rc = ut_recorder_commit(recorder, journal->store, &e->checkpoint, NULL, err);
    if (rc == UT_OK && e->count && journal->follow)
        journal->follow(journal->store, e->segment->segment.channel,
                        ut_sample_to_ns(e->segment->segment.start_ns, e->items[0].what.start_sample));
    ut_recorder_close(&recorder);
    return rc;
}

static ut_status write_gap(ut_journal *journal, const entry *e, ut_err *err)
{
    ut_event event;
    ut_status rc = ut_event_of_gap(&e->gap, &event, err);
    if (rc != UT_OK)
        return rc;
    rc = ut_store_gap_put(journal->store, &e->gap, &event, err);
    ut_event_clear(&event);
    return rc;
}

static ut_status reach_store(ut_journal *journal, ut_store_mode mode, ut_err *err)
{
    if (journal->store)
        return UT_OK;
    ut_status rc = ut_store_open(journal->dsn, mode, &journal->store, err);
    if (rc == UT_OK && journal->owner[0])
        ut_store_write_as(journal->store, journal->owner);
    return rc;
}

/* A channel is captured, or no more. Given again where the write is tried again: the event has the same id. */
static ut_status tell_state(ut_journal *journal, const ut_segment *segment, bool up, ut_err *err)
{
    ut_event event;
    size_t added;
    ut_status rc = ut_event_of_state(segment, up, &event, err);
    if (rc != UT_OK)
        return rc;
    rc = ut_store_outbox_put(journal->store, &event, 1, &added, err);
    ut_event_clear(&event);
    return rc;
}

static ut_status write_begin(ut_journal *journal, const entry *e, ut_err *err)
{
    ut_status rc = ut_store_segment_put(journal->store, &e->segment->segment, err);
    return rc == UT_OK ? tell_state(journal, &e->segment->segment, true, err) : rc;
}

static ut_status write_end(ut_journal *journal, const entry *e, ut_err *err)
{
    e->segment->segment.sample_count = e->sample_count;
    ut_status rc = ut_store_segment_end(journal->store, e->segment->segment.id, e->sample_count, err);
    return rc == UT_OK ? tell_state(journal, &e->segment->segment, false, err) : rc;
}

static ut_status write_entry(ut_journal *journal, const entry *e, ut_err *err)
{
    ut_status rc = reach_store(journal, UT_STORE_WRITE, err);
    if (rc != UT_OK)
        return rc;
    switch (e->kind) {
    case ENTRY_BEGIN:
        return write_begin(journal, e, err);
    case ENTRY_COMMIT:
        return write_commit(journal, e, err);
    case ENTRY_END:
        return write_end(journal, e, err);
    case ENTRY_ABANDON:
        return UT_OK;
    case ENTRY_GAP:
        return write_gap(journal, e, err);
    case ENTRY_AIRINGS:
        return ut_store_airing_put(journal->store, e->airings, e->airing_count, false, &(ut_airing_change){0}, err);
    }
    return UT_OK;
}

static void entry_free(entry *e)
{
    for (size_t i = 0; i < e->count; i++)
        free(e->items[i].trail);
    for (size_t i = 0; i < e->airing_count; i++)
        ut_airing_clear(&e->airings[i]);
    free(e->airings);
    free(e);
}

/* Takes the first entry off the queue. */
static void entry_done(ut_journal *journal, ut_status rc)
{
    pthread_mutex_lock(&journal->lock);
    entry *e = journal->first;
    journal->first = e->next;
    if (!journal->first)
        journal->last = &journal->first;
    journal->stats.pending--;
    journal->stats.healthy = true;
    if (rc == UT_OK)
        journal->stats.written++;
    else
        journal->stats.refused++;
    pthread_mutex_unlock(&journal->lock);
    if (e->kind == ENTRY_END || e->kind == ENTRY_ABANDON)
        free(e->segment);
    entry_free(e);
}

/* True if the entry is dealt with: written, or of a kind that no retry will ever write. */
static bool settle(ut_journal *journal, const entry *e, double retry_s)
{
    ut_err err = {0};
    char quoted[512];
    ut_status rc = write_entry(journal, e, &err);
    if (rc == UT_OK || rc == UT_E_ARG) {
        if (rc != UT_OK)
            ut_log(UT_LOG_ERROR, "journal", "refused", "error=%s", ut_log_quote(quoted, sizeof quoted, err.text));
        entry_done(journal, rc);
        ut_outbox_wake(journal->outbox);
        return true;
    }
    pthread_mutex_lock(&journal->lock);
    bool first = journal->stats.healthy;
    size_t pending = journal->stats.pending;
    journal->stats.healthy = false;
    journal->stats.failures++;
    pthread_mutex_unlock(&journal->lock);
    if (rc != UT_E_BUSY)
        ut_store_close(&journal->store); /* a fresh handle may fare better: the file was moved, the server is back */
    ut_log(first ? UT_LOG_WARN : UT_LOG_DEBUG, "journal", "write_failed", "pending=%zu retry_s=%.1f error=%s", pending,
           retry_s, ut_log_quote(quoted, sizeof quoted, err.text));
    return false;
}

/* Waits with the lock held, until `until_s` (monotonic) or a wake-up. */
static void wait_until(ut_journal *journal, double until_s)
{
    struct timespec ts = {.tv_sec = (time_t)until_s};
    ts.tv_nsec = (long)((until_s - (double)ts.tv_sec) * 1e9);
    pthread_cond_timedwait(&journal->wake, &journal->lock, &ts);
}

/* The first entry once there is one; NULL if the thread is to end. */
static entry *next_entry(ut_journal *journal, double not_before_s)
{
    pthread_mutex_lock(&journal->lock);
    entry *e = NULL;
    for (;;) {
        double now = ut_monotonic_s();
        if (journal->stopping && (!journal->first || now >= journal->deadline_s))
            break;
        if (journal->first && now >= not_before_s) {
            e = journal->first;
            break;
        }
        double until_s = journal->first ? not_before_s : now + 3600;
        if (journal->stopping && journal->deadline_s < until_s)
            until_s = journal->deadline_s;
        wait_until(journal, until_s);
    }
    pthread_mutex_unlock(&journal->lock);
    return e;
}

static void *journal_main(void *arg)
{
    ut_journal *journal = arg;
    double retry_s = RETRY_MIN_S, not_before_s = 0;
    for (entry *e; (e = next_entry(journal, not_before_s));) {
        if (settle(journal, e, retry_s)) {
            retry_s = RETRY_MIN_S;
            not_before_s = 0;
        } else {
            not_before_s = ut_monotonic_s() + retry_s;
            retry_s = retry_s * 2 < RETRY_MAX_S ? retry_s * 2 : RETRY_MAX_S;
        }
    }
    return NULL;
}

static int start_thread(ut_journal *journal)
{
    sigset_t all, before; /* signals are the main thread's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&journal->thread, NULL, journal_main, journal);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

static void journal_free(ut_journal *journal)
{
    ut_store_close(&journal->store);
    pthread_cond_destroy(&journal->wake);
    pthread_mutex_destroy(&journal->lock);
    free(journal->dsn);
    free(journal);
}

ut_status ut_journal_start(const char *dsn, const char *owner, ut_outbox *outbox, ut_journal **out, ut_err *err)
{
    ut_journal *journal = calloc(1, sizeof *journal);
    if (!journal)
        return ut_fail(err, UT_E_NOMEM, "journal");
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&journal->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&journal->lock, NULL);
    journal->last = &journal->first;
    journal->outbox = outbox;
    snprintf(journal->owner, sizeof journal->owner, "%s", owner ? owner : "");
    journal->stats.healthy = true;
    ut_status rc = UT_OK;
    if (!(journal->dsn = strdup(dsn)))
        rc = ut_fail(err, UT_E_NOMEM, "journal");
    if (rc == UT_OK)
        rc = reach_store(journal, UT_STORE_CREATE, err);
    if (rc == UT_OK && start_thread(journal) != 0)
        rc = ut_fail(err, UT_E_NOMEM, "journal: thread");
    if (rc != UT_OK) {
        journal_free(journal);
        return rc;
    }
    *out = journal;
    return UT_OK;
}

void ut_journal_follow(ut_journal *journal, ut_journal_follow_fn follow)
{
    pthread_mutex_lock(&journal->lock);
    journal->follow = follow;
    pthread_mutex_unlock(&journal->lock);
}

void ut_journal_stop(ut_journal **slot, double drain_s, size_t *lost)
{
    ut_journal *journal = slot ? *slot : NULL;
    if (!journal)
        return;
    pthread_mutex_lock(&journal->lock);
    journal->stopping = true;
    journal->deadline_s = ut_monotonic_s() + drain_s;
    pthread_cond_signal(&journal->wake);
    pthread_mutex_unlock(&journal->lock);
    pthread_join(journal->thread, NULL);
    if (lost)
        *lost = journal->stats.pending;
    while (journal->first)
        entry_done(journal, UT_E_STOPPED);
    journal_free(journal);
    *slot = NULL;
}

static entry *entry_new(entry_kind kind, size_t count, ut_err *err)
{
    size_t bytes;
    entry *e = NULL;
    if (ut_mul_ok(count, sizeof e->items[0], &bytes))
        e = calloc(1, sizeof *e + bytes);
    if (!e) {
        ut_fail(err, UT_E_NOMEM, "journal: entry of %zu airplays", count);
        return NULL;
    }
    e->kind = kind;
    e->count = count;
    return e;
}

static void entry_put(ut_journal *journal, entry *e)
{
    pthread_mutex_lock(&journal->lock);
    *journal->last = e;
    journal->last = &e->next;
    journal->stats.pending++;
    pthread_cond_signal(&journal->wake);
    pthread_mutex_unlock(&journal->lock);
}

ut_status ut_journal_begin(ut_journal *journal, const ut_segment *segment, ut_journal_segment **out, ut_err *err)
{
    ut_journal_segment *made = malloc(sizeof *made);
    entry *e = entry_new(ENTRY_BEGIN, 0, err);
    if (!made || !e) {
        free(made);
        free(e);
        return ut_fail(err, UT_E_NOMEM, "journal: segment of %s", segment->channel);
    }
    made->segment = *segment;
    e->segment = made;
    entry_put(journal, e);
    *out = made;
    return UT_OK;
}

ut_status ut_journal_commit(ut_journal *journal, ut_journal_segment *segment, const ut_versions *versions,
                            const ut_finding *items, size_t count, const ut_checkpoint *checkpoint, ut_err *err)
{
    entry *e = entry_new(ENTRY_COMMIT, count, err);
    if (!e)
        return UT_E_NOMEM;
    e->segment = segment;
    e->versions = *versions;
    e->checkpoint = *checkpoint;
    if (count)
        memcpy(e->items, items, count * sizeof *items);
    entry_put(journal, e);
    return UT_OK;
}

ut_status ut_journal_end(ut_journal *journal, ut_journal_segment **segment, int64_t sample_count, ut_err *err)
{
    entry *e = entry_new(ENTRY_END, 0, err);
    if (!e)
        return UT_E_NOMEM;
    e->segment = *segment;
    e->sample_count = sample_count;
    entry_put(journal, e);
    *segment = NULL;
    return UT_OK;
}

ut_status ut_journal_abandon(ut_journal *journal, ut_journal_segment **segment, ut_err *err)
{
    entry *e = entry_new(ENTRY_ABANDON, 0, err);
    if (!e)
        return UT_E_NOMEM;
    e->segment = *segment;
    entry_put(journal, e);
    *segment = NULL;
    return UT_OK;
}

ut_status ut_journal_gap(ut_journal *journal, const ut_gap *gap, ut_err *err)
{
    entry *e = entry_new(ENTRY_GAP, 0, err);
    if (!e)
        return UT_E_NOMEM;
    e->gap = *gap;
    entry_put(journal, e);
    return UT_OK;
}

ut_status ut_journal_airings(ut_journal *journal, const ut_airing *airings, size_t count, ut_err *err)
{
    ut_status rc = UT_OK;
    entry *e = entry_new(ENTRY_AIRINGS, 0, err);
    if (!e)
        return UT_E_NOMEM;
    if (!(e->airings = calloc(count, sizeof *e->airings)))
        rc = ut_fail(err, UT_E_NOMEM, "journal: %zu programmes", count);
    for (size_t i = 0; rc == UT_OK && i < count; i++, e->airing_count += rc == UT_OK)
        rc = ut_airing_copy(&airings[i], &e->airings[i], err);
    if (rc != UT_OK) {
        entry_free(e);
        return rc;
    }
    entry_put(journal, e);
    return UT_OK;
}

ut_journal_stats ut_journal_describe(ut_journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    ut_journal_stats stats = journal->stats;
    pthread_mutex_unlock(&journal->lock);
    return stats;
}
