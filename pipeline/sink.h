/* Sinks: where events go. One ops table per family, one registry. A sink belongs to the outbox
 * thread.
 *
 * Retries are the outbox's, not the sink's: after any failure it closes the sink and opens it again
 * later. */
#ifndef UT_PIPELINE_SINK_H
#define UT_PIPELINE_SINK_H

#include "core/types.h"

typedef struct {
    const char *scheme; /* "jsonl" of "jsonl:PATH" */
    /* `target` is what follows the colon. */
    ut_status (*open)(const char *target, void **self, ut_err *err);
    /* Takes an event, which is borrowed for the call. Need not be durable yet. */
    ut_status (*send)(void *self, const ut_event *event, ut_err *err);
    /* On UT_OK everything sent is where it survives a crash. On failure nothing sent since the last
     * flush counts. */
    ut_status (*flush)(void *self, ut_err *err);
    void (*close)(void *self);
} ut_sink_ops;

extern const ut_sink_ops ut_sink_jsonl; /* jsonl:PATH, jsonl:- */

/* Finds the family of "scheme:target" in `registry` (ends with NULL; NULL: the built-in ones).
 * UT_E_ARG names the known ones. */
UT_CHECK ut_status ut_sink_find(const ut_sink_ops *const *registry, const char *spec, const ut_sink_ops **ops,
                                const char **target, ut_err *err);

#endif
