/* The monitor's real source of audio. On its own, so that a test which brings another needs no GStreamer. */
#include "pipeline/monitor.h"

const ut_capture_ops ut_capture_supervisor = {
    .open = ut_supervisor_open,
    .close = ut_supervisor_close,
    .stop = ut_supervisor_stop,
    .read = ut_supervisor_read,
    .status = ut_supervisor_status,
};
