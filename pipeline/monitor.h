/* The live monitor: every configured channel captured, recognised, written to the store, published.
 *
 *   supervisor (one per channel) → worker threads (channels spread over them) → journal (store thread) → outbox thread
 *
 * beside them a thread that follows the catalogue, and the metrics endpoint. Stopping runs from left to right: capture
 * ends, what was captured is analysed and concluded, written, published; each within its share of the drain time. */
#ifndef UT_PIPELINE_MONITOR_H
#define UT_PIPELINE_MONITOR_H

#include "core/config.h"
#include "pipeline/supervisor.h"

/* Where captured audio comes from; a test brings its own. */
typedef struct {
    ut_status (*open)(const ut_supervisor_options *options, ut_supervisor **out, ut_err *err);
    void (*close)(ut_supervisor **supervisor);
    void (*stop)(ut_supervisor *supervisor);
    ut_status (*read)(ut_supervisor *supervisor, int timeout_ms, ut_capture_item *item, ut_err *err);
    void (*status)(ut_supervisor *supervisor, ut_capture_status *out);
} ut_capture_ops;
extern const ut_capture_ops ut_capture_supervisor;

typedef struct {
    const ut_config *config; /* borrowed until ut_monitor_close */
    const char *store;       /* DSN */
    const ut_capture_ops *capture;
    bool once;      /* a source that ends is not rebuilt */
    bool parked;    /* no channel is captured until ut_monitor_own */
    double drain_s; /* 0: 30 */
} ut_monitor_options;

typedef struct ut_monitor ut_monitor;

/* Starts everything. What is wrong from the start (a model, a sink's folder, a port in use, a URI) fails here; a source
 * that is not there is no error. */
UT_CHECK ut_status ut_monitor_open(const ut_monitor_options *options, ut_monitor **out, ut_err *err);
/* With `parked`: captures a channel of the configuration, from now on. The time since it was last captured, by
 * whomever, is a gap with that reason. One thread, as ut_monitor_give_up and ut_monitor_close. */
UT_CHECK ut_status ut_monitor_own(ut_monitor *monitor, const char *channel, const char *reason, ut_err *err);
/* Stops to capture it; what was captured is concluded and written, for at most drain_s, or dropped with `discard`. */
UT_CHECK ut_status ut_monitor_give_up(ut_monitor *monitor, const char *channel, bool discard, ut_err *err);
/* What it captures, as JSON for `undertone status`: malloc'd; NULL if out of memory. */
char *ut_monitor_state(ut_monitor *monitor);
/* Looks at the catalogue now. Any thread. */
void ut_monitor_reload(ut_monitor *monitor);
/* True while the workers make progress. */
bool ut_monitor_alive(ut_monitor *monitor);
/* All sources have ended (with `once`). */
bool ut_monitor_ended(ut_monitor *monitor);
int ut_monitor_port(const ut_monitor *monitor); /* of the metrics endpoint; 0: none */
/* Drains and stops. UT_E_IO if something captured could not be written in time; events that could not be published stay
 * in the store and are no failure. */
UT_CHECK ut_status ut_monitor_close(ut_monitor **monitor, ut_err *err);

#endif
