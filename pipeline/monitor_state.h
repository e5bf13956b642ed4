/* The monitor's inside, shared by its files. Private to the monitor. */
#ifndef UT_PIPELINE_MONITOR_STATE_H
#define UT_PIPELINE_MONITOR_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/log.h"
#include "pipeline/channel.h"
#include "pipeline/metrics.h"
#include "pipeline/monitor.h"

typedef struct {
    char id[64];
    const ut_channel_config *config;
    ut_supervisor *capture; /* these two are set, and cleared while ended, under the lock; NULL: parked */
    ut_channel *channel;
    atomic_bool ended;     /* its worker is done with it */
    atomic_bool discard;   /* what is open is another's by now: not to be concluded */
    bool leaving;          /* given up, but its worker did not end in time; ut_monitor_own's thread */
    ut_log_limit failures; /* its worker's */
} ut_monitor_channel;

typedef struct {
    struct ut_monitor *monitor;
    size_t number; /* serves channels number, number + workers, … */
    pthread_t thread;
    bool started;
    atomic_bool finished;
    _Atomic int64_t heartbeat_ms; /* monotonic */
} ut_monitor_worker;

struct ut_monitor {
    ut_monitor_options options;
    const ut_capture_ops *capture;
    ut_model *model;
    ut_catalogue *catalogue;
    ut_outbox *outbox;
    ut_journal *journal;
    ut_metrics *metrics;
    ut_monitor_channel *channels;
    size_t channel_count;
    ut_monitor_worker *workers;
    size_t worker_count;
    atomic_bool closing;         /* no channel will be owned any more */
    _Atomic int64_t deadline_ms; /* of the workers' drain, monotonic; INT64_MAX while running */

    pthread_t follower; /* looks after the catalogue and the store's figures */
    bool follower_started;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    bool stopping, reload;
    ut_store_stats store_stats;
    bool store_known;
};

int64_t ut_monitor_now_ms(void);
/* Puts a channel to work. Its worker sees it once `ended` is false. */
UT_CHECK ut_status ut_monitor_open_channel(ut_monitor *monitor, ut_store *store, ut_monitor_channel *channel,
                                           const char *reason, ut_err *err);
/* Callbacks of the metrics endpoint. */
void ut_monitor_render(void *monitor, FILE *out);
bool ut_monitor_healthy(void *monitor, FILE *out);

#endif
