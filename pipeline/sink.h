/* Sinks: where events go. One ops table per family, one registry. A sink belongs to the outbox
 * thread.
 *
 * Retries are the outbox's, not the sink's: after any failure it closes the sink and opens it again
 * later. */
#ifndef UT_PIPELINE_SINK_H
#define UT_PIPELINE_SINK_H

#include "core/config.h"
#include "core/types.h"

typedef struct {
    uint64_t failed; /* deliveries that failed, and were or will be tried again */
    uint64_t dead;   /* events that were refused for good and put aside */
} ut_sink_stats;

typedef struct {
    const char *scheme; /* "jsonl" of "jsonl:PATH" */
    bool bare;          /* the target may be empty */
    /* `target` is what follows the colon. `config` outlives the sink. */
    ut_status (*open)(const char *target, const ut_config *config, void **self, ut_err *err);
    /* Takes an event, which is borrowed for the call. Need not be durable yet. */
    ut_status (*send)(void *self, const ut_event *event, ut_err *err);
    /* On UT_OK everything sent is where it survives a crash. On failure nothing sent since the last
     * flush counts, but for UT_E_BUSY: not yet, to be called again. Takes a few seconds at most. */
    ut_status (*flush)(void *self, ut_err *err);
    void (*close)(void *self);
    void (*describe)(void *self, ut_sink_stats *out); /* since it was opened; may be NULL */
} ut_sink_ops;

extern const ut_sink_ops ut_sink_jsonl; /* jsonl:PATH, jsonl:- */
extern const ut_sink_ops ut_sink_kafka; /* kafka:, kafka:HOST:PORT,… */

/* Finds the family of "scheme:target" in `registry` (ends with NULL; NULL: the built-in ones).
 * UT_E_ARG names the known ones. */
UT_CHECK ut_status ut_sink_find(const ut_sink_ops *const *registry, const char *spec, const ut_sink_ops **ops,
                                const char **target, ut_err *err);

#endif
