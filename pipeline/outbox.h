/* The outbox thread: takes events from the store, publishes them to every sink, and acknowledges
 * them in the store once all sinks have them safe. At least once: a crash between publishing and
 * acknowledging repeats events, whose ids are their deduplication keys. It never blocks capture,
 * which only writes to the store; a sink that is away is retried with back-off for ever, and holds
 * the others back by one batch at most. Of several processes on one store one publishes at a time, by a lease in the
 * store, so that the order of events holds. */
#ifndef UT_PIPELINE_OUTBOX_H
#define UT_PIPELINE_OUTBOX_H

#include "pipeline/sink.h"

typedef struct ut_outbox ut_outbox;

typedef struct {
    const char *store;  /* DSN; the thread opens its own handle */
    char *const *sinks; /* "jsonl:PATH"; copied */
    size_t sink_count;
    const ut_config *config;            /* borrowed until ut_outbox_stop; NULL: the defaults */
    double poll_s;                      /* how often an idle thread looks for events of other processes; 0: 1 s */
    double retry_min_s;                 /* back-off after a failure, doubling; 0: 0.1 s */
    double retry_max_s;                 /* 0: 30 s */
    const ut_sink_ops *const *registry; /* NULL: the built-in sinks */
} ut_outbox_options;

/* Starts the thread. A sink that cannot be opened and would not open later either (a folder that is
 * not there) fails here. */
UT_CHECK ut_status ut_outbox_start(const ut_outbox_options *options, ut_outbox **out, ut_err *err);
/* Tells it that there are new events. Any thread; never blocks for long. */
void ut_outbox_wake(ut_outbox *outbox);
/* Publishes what is there for at most drain_s seconds, ends the thread, closes. What is left stays
 * in the store. *left, if not NULL, tells whether something is. */
void ut_outbox_stop(ut_outbox **outbox, double drain_s, bool *left);

typedef struct {
    uint64_t published;  /* acknowledged events */
    uint64_t failures;   /* of sinks and of the store */
    ut_sink_stats sinks; /* all together */
    bool healthy;        /* the last round worked */
} ut_outbox_stats;
ut_outbox_stats ut_outbox_describe(ut_outbox *outbox); /* any thread */

#endif
