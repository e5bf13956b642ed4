/* The HTTP endpoint of a daemon: /metrics in Prometheus' text format, /healthz for a supervisor. Answers come from the
 * endpoint's own thread, through two callbacks that only read. */
#ifndef UT_PIPELINE_METRICS_H
#define UT_PIPELINE_METRICS_H

#include <stdio.h>

#include "core/status.h"

typedef struct ut_metrics ut_metrics;

typedef struct {
    void (*render)(void *arg, FILE *out);
    /* False: not healthy, with the reason written to `out`. */
    bool (*healthy)(void *arg, FILE *out);
    void *arg;
} ut_metrics_source;

/* listen: "ADDRESS:PORT", "[IPv6]:PORT"; port 0: any free one. The callbacks are called until ut_metrics_stop returns.
 */
UT_CHECK ut_status ut_metrics_start(const char *listen, const ut_metrics_source *source, ut_metrics **out, ut_err *err);
void ut_metrics_stop(ut_metrics **metrics);
int ut_metrics_port(const ut_metrics *metrics);

/* HELP and TYPE lines of a metric; its samples follow. */
void ut_metrics_head(FILE *out, const char *name, const char *type, const char *help);

#endif
