#include "pipeline/outbox.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/log.h"
#include "db/store.h"
#include "pipeline/owner.h"

#define BATCH 256
#define LEASE "outbox"
#define LEASE_S 12.0 /* how long a process that died holds the others of another machine back */
#define STANDBY_S 0.25

typedef struct {
    char *spec;
    const ut_sink_ops *ops;
    const char *target; /* within spec */
    void *self;         /* NULL while closed */
    bool sent;          /* the current batch, since the sink was opened */
    bool delivered;     /* the current batch is safe */
    ut_sink_stats told; /* by this self, at the last look */
} sink_slot;

struct ut_outbox {
    char *dsn;
    double poll_s, retry_min_s, retry_max_s;
    const ut_config *config;
    ut_config *defaults; /* owned; NULL if a configuration was given */
    sink_slot *sinks;
    size_t sink_count;

    ut_store *store; /* outbox thread only, as is the batch */
    ut_event batch[BATCH];
    size_t batch_count;
    bool drained; /* the last look found nothing more */
    bool standby; /* another process publishes from this store */
    char owner[UT_OWNER_SIZE];
    double renew_s; /* of the lease, monotonic; 0: not held */

    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    bool woken, stopping;
    bool last_look;    /* since stopping began, the store was looked at once more */
    double deadline_s; /* when stopping: monotonic end of the drain */
    ut_outbox_stats stats;
};

static void batch_clear(ut_outbox *box)
{
    for (size_t i = 0; i < box->batch_count; i++)
        ut_event_clear(&box->batch[i]);
    box->batch_count = 0;
}

static void sink_close(sink_slot *sink)
{
    if (sink->self)
        sink->ops->close(sink->self);
    sink->self = NULL;
    sink->sent = false;
    sink->told = (ut_sink_stats){0};
}

static void sink_count_up(ut_outbox *box, sink_slot *sink)
{
    ut_sink_stats now = {0};
    if (!sink->self || !sink->ops->describe)
        return;
    sink->ops->describe(sink->self, &now);
    pthread_mutex_lock(&box->lock);
    box->stats.sinks.failed += now.failed - sink->told.failed;
    box->stats.sinks.dead += now.dead - sink->told.dead;
    pthread_mutex_unlock(&box->lock);
    sink->told = now;
}

/* Publishes the batch to one sink, opening it first if need be. UT_E_BUSY: it is on its way. */
static ut_status sink_deliver(ut_outbox *box, sink_slot *sink, ut_err *err)
{
    ut_status rc = UT_OK;
    if (!sink->self)
        rc = sink->ops->open(sink->target, box->config, &sink->self, err);
    for (size_t i = 0; rc == UT_OK && !sink->sent && i < box->batch_count; i++)
        rc = sink->ops->send(sink->self, &box->batch[i], err);
    bool busy = false;
    if (rc == UT_OK) {
        sink->sent = true;
        rc = sink->ops->flush(sink->self, err);
        busy = rc == UT_E_BUSY;
    }
    sink_count_up(box, sink);
    if (rc == UT_OK)
        sink->delivered = true;
    else if (!busy)
        sink_close(sink);
    return rc;
}

static ut_status batch_fetch(ut_outbox *box, ut_err *err)
{
    ut_status rc = ut_store_outbox_peek(box->store, 0, box->batch, BATCH, &box->batch_count, err);
    for (size_t i = 0; i < box->sink_count; i++)
        box->sinks[i].sent = box->sinks[i].delivered = false;
    return rc;
}

/* Exactly the sequence numbers that were sent: in a shared store a lower one may become visible
 * later. */
static ut_status batch_acknowledge(ut_outbox *box, ut_err *err)
{
    int64_t seqs[BATCH];
    for (size_t i = 0; i < box->batch_count; i++)
        seqs[i] = box->batch[i].seq;
    ut_status rc = ut_store_outbox_ack(box->store, seqs, box->batch_count, err);
    if (rc != UT_OK)
        return rc;
    pthread_mutex_lock(&box->lock);
    box->stats.published += box->batch_count;
    pthread_mutex_unlock(&box->lock);
    batch_clear(box);
    return UT_OK;
}

/* A fresh handle may fare better: the file was moved, the server is back. */
static ut_status store_failed(ut_outbox *box, ut_status rc)
{
    if (rc != UT_OK && rc != UT_E_BUSY)
        ut_store_close(&box->store);
    return rc;
}

/* Takes or renews the lease: one process at a time publishes from a store, so that the order holds. */
static ut_status lead(ut_outbox *box, ut_err *err)
{
    bool held = true;
    char holder[UT_OWNER_SIZE];
    if (ut_monotonic_s() < box->renew_s)
        return UT_OK;
    ut_status rc = ut_store_lease_take(box->store, LEASE, box->owner, LEASE_S, &held, holder, err);
    if (rc == UT_OK && !held && ut_owner_is_dead(holder)) {
        rc = ut_store_lease_drop(box->store, LEASE, holder, err);
        if (rc == UT_OK)
            rc = ut_store_lease_take(box->store, LEASE, box->owner, LEASE_S, &held, holder, err);
    }
    if (rc != UT_OK)
        return rc;
    box->renew_s = held ? ut_monotonic_s() + LEASE_S / 4 : 0;
    if (!held && !box->standby) { /* what is under way is another's now */
        batch_clear(box);
        for (size_t i = 0; i < box->sink_count; i++)
            sink_close(&box->sinks[i]);
    }
    box->standby = !held;
    return UT_OK;
}

static void follow(ut_outbox *box)
{
    if (box->renew_s > 0 && box->store && ut_store_lease_drop(box->store, LEASE, box->owner, NULL) != UT_OK)
        ut_log(UT_LOG_DEBUG, "outbox", "lease_not_dropped", "owner=%s", box->owner);
    box->renew_s = 0;
}

/* What another process has yet to publish. */
static ut_status watch(ut_outbox *box, ut_err *err)
{
    ut_event first;
    size_t got = 0;
    ut_status rc = ut_store_outbox_peek(box->store, 0, &first, 1, &got, err);
    if (rc == UT_OK && got)
        ut_event_clear(&first);
    box->drained = rc == UT_OK && got == 0;
    return rc;
}

/* One round: fetch if there is no batch, publish it to the sinks that lack it, acknowledge. */
static ut_status outbox_round(ut_outbox *box, ut_err *err)
{
    ut_status rc = UT_OK;
    if (!box->store && (rc = ut_store_open(box->dsn, UT_STORE_WRITE, &box->store, err)) != UT_OK)
        return rc;
    if ((rc = lead(box, err)) != UT_OK || (box->standby && (rc = watch(box, err)) != UT_OK))
        return store_failed(box, rc);
    if (box->standby)
        return UT_OK;
    if (box->batch_count == 0 && (rc = batch_fetch(box, err)) != UT_OK)
        return store_failed(box, rc);
    box->drained = box->batch_count == 0;
    for (size_t i = 0; !box->drained && i < box->sink_count; i++) {
        if (box->sinks[i].delivered)
            continue;
        ut_err sink_err = {0};
        ut_status sink_rc = sink_deliver(box, &box->sinks[i], &sink_err);
        if (sink_rc != UT_OK && rc == UT_OK) {
            rc = sink_rc;
            *err = sink_err;
        }
    }
    if (rc != UT_OK && rc != UT_E_BUSY)
        follow(box); /* another may have better luck */
    if (rc != UT_OK || box->drained)
        return rc;
    return store_failed(box, batch_acknowledge(box, err));
}

static void report(ut_outbox *box, ut_status rc, const ut_err *err, double retry_s)
{
    pthread_mutex_lock(&box->lock);
    bool was_healthy = box->stats.healthy;
    box->stats.healthy = rc == UT_OK;
    box->stats.failures += rc != UT_OK;
    pthread_mutex_unlock(&box->lock);
    char quoted[512];
    if (rc != UT_OK)
        ut_log(was_healthy ? UT_LOG_WARN : UT_LOG_DEBUG, "outbox", "publish_failed", "retry_s=%.1f error=%s", retry_s,
               ut_log_quote(quoted, sizeof quoted, err->text));
    else if (!was_healthy)
        ut_log(UT_LOG_INFO, "outbox", "publishing_again", "sinks=%zu", box->sink_count);
}

/* Waits for up to `seconds`; a wake-up cuts it short if `for_events`. False if the thread is to
 * end. */
static bool outbox_wait(ut_outbox *box, double seconds, bool for_events)
{
    pthread_mutex_lock(&box->lock);
    double now = ut_monotonic_s(), until = now + seconds;
    for (; now < until; now = ut_monotonic_s()) {
        if (for_events && (box->woken || box->stopping))
            break;
        if (box->stopping && now >= box->deadline_s)
            break;
        double left = until - now;
        if (box->stopping && box->deadline_s < until)
            left = box->deadline_s - now;
        struct timespec ts;
        clock_gettime(CLOCK_MONOTONIC, &ts);
        int64_t ns = ts.tv_nsec + (int64_t)(left * 1e9);
        ts.tv_sec += (time_t)(ns / UT_NS_PER_S);
        ts.tv_nsec = (long)(ns % UT_NS_PER_S);
        pthread_cond_timedwait(&box->wake, &box->lock, &ts);
    }
    box->woken = false;
    bool more = !box->drained || !box->last_look;
    bool go_on = !box->stopping || (more && ut_monotonic_s() < box->deadline_s);
    box->last_look = box->stopping;
    pthread_mutex_unlock(&box->lock);
    return go_on;
}

static void *outbox_main(void *arg)
{
    ut_outbox *box = arg;
    double retry_s = box->retry_min_s;
    for (;;) {
        ut_err err = {0};
        ut_status rc = outbox_round(box, &err);
        report(box, rc, &err, retry_s);
        double pause_s = 0;
        if (rc != UT_OK) {
            pause_s = retry_s;
            retry_s = retry_s * 2 < box->retry_max_s ? retry_s * 2 : box->retry_max_s;
        } else {
            retry_s = box->retry_min_s;
            pause_s = box->standby ? STANDBY_S : box->drained ? box->poll_s : 0;
        }
        if (rc != UT_OK)
            box->drained = false;
        if (!outbox_wait(box, pause_s, rc == UT_OK && !box->standby))
            break;
    }
    follow(box);
    return NULL;
}

static void outbox_free(ut_outbox *box)
{
    batch_clear(box);
    ut_store_close(&box->store);
    for (size_t i = 0; box->sinks && i < box->sink_count; i++) {
        sink_close(&box->sinks[i]);
        free(box->sinks[i].spec);
    }
    pthread_cond_destroy(&box->wake);
    pthread_mutex_destroy(&box->lock);
    ut_config_close(&box->defaults);
    free(box->sinks);
    free(box->dsn);
    free(box);
}

/* A sink that may open later (a broker that is down, a file that another process holds) is no
 * reason not to start. */
static ut_status sinks_open(ut_outbox *box, const ut_outbox_options *options, ut_err *err)
{
    box->sinks = calloc(options->sink_count ? options->sink_count : 1, sizeof *box->sinks);
    if (!box->sinks)
        return ut_fail(err, UT_E_NOMEM, "outbox: %zu sinks", options->sink_count);
    box->sink_count = options->sink_count;
    for (size_t i = 0; i < box->sink_count; i++) {
        sink_slot *sink = &box->sinks[i];
        ut_err own = {0};
        if (!(sink->spec = strdup(options->sinks[i])))
            return ut_fail(err, UT_E_NOMEM, "outbox: sink %zu", i);
        ut_status rc = ut_sink_find(options->registry, sink->spec, &sink->ops, &sink->target, err);
        if (rc != UT_OK)
            return rc;
        rc = sink->ops->open(sink->target, box->config, &sink->self, &own);
        if (rc != UT_OK && !own.retriable) {
            if (err)
                *err = own;
            return rc;
        }
    }
    return UT_OK;
}

static int start_thread(ut_outbox *box)
{
    /* Signals are the main thread's; a closed pipe is an error code here, not a death. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&box->thread, NULL, outbox_main, box);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    box->started = failed == 0;
    return failed;
}

ut_status ut_outbox_start(const ut_outbox_options *options, ut_outbox **out, ut_err *err)
{
    ut_outbox *box = calloc(1, sizeof *box);
    if (!box)
        return ut_fail(err, UT_E_NOMEM, "outbox");
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&box->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&box->lock, NULL);
    box->poll_s = options->poll_s > 0 ? options->poll_s : 1.0;
    box->retry_min_s = options->retry_min_s > 0 ? options->retry_min_s : 0.1;
    box->retry_max_s = options->retry_max_s > 0 ? options->retry_max_s : 30.0;
    box->stats.healthy = true;
    static atomic_uint number; /* several in one process are several */
    char process[UT_OWNER_SIZE];
    ut_owner_make(process);
    snprintf(box->owner, sizeof box->owner, "%.100s:%u", process, number++);
    ut_status rc = UT_OK;
    box->config = options->config;
    if (!box->config && (rc = ut_config_default(&box->defaults, err)) == UT_OK)
        box->config = box->defaults;
    if (rc == UT_OK && !(box->dsn = strdup(options->store)))
        rc = ut_fail(err, UT_E_NOMEM, "outbox");
    if (rc == UT_OK)
        rc = sinks_open(box, options, err);
    if (rc == UT_OK)
        rc = ut_store_open(box->dsn, UT_STORE_WRITE, &box->store, err);
    if (rc == UT_OK && start_thread(box) != 0)
        rc = ut_fail(err, UT_E_NOMEM, "outbox: thread");
    if (rc != UT_OK) {
        outbox_free(box);
        return rc;
    }
    *out = box;
    return UT_OK;
}

void ut_outbox_wake(ut_outbox *box)
{
    if (!box)
        return;
    pthread_mutex_lock(&box->lock);
    box->woken = true;
    pthread_cond_signal(&box->wake);
    pthread_mutex_unlock(&box->lock);
}

void ut_outbox_stop(ut_outbox **outbox, double drain_s, bool *left)
{
    ut_outbox *box = outbox ? *outbox : NULL;
    if (!box)
        return;
    pthread_mutex_lock(&box->lock);
    box->stopping = true;
    box->woken = true;
    box->deadline_s = ut_monotonic_s() + drain_s;
    pthread_cond_signal(&box->wake);
    pthread_mutex_unlock(&box->lock);
    if (box->started)
        pthread_join(box->thread, NULL);
    if (left)
        *left = !box->drained;
    outbox_free(box);
    *outbox = NULL;
}

ut_outbox_stats ut_outbox_describe(ut_outbox *box)
{
    pthread_mutex_lock(&box->lock);
    ut_outbox_stats stats = box->stats;
    pthread_mutex_unlock(&box->lock);
    return stats;
}
