/* GStreamer, set up once and kept quiet: no line of it reaches stderr unless GST_DEBUG asks for it. */
#ifndef UT_PIPELINE_GST_H
#define UT_PIPELINE_GST_H

#include <gst/gst.h>

#include "core/status.h"

/* Any thread, any number of times. UT_E_UNSUPPORTED if GStreamer cannot start. */
UT_CHECK ut_status ut_gst_init(ut_err *err);

/* Makes an element and adds it to `bin` (which then owns it). UT_E_UNSUPPORTED names the Debian package that has it. */
UT_CHECK ut_status ut_gst_make(GstBin *bin, const char *factory, GstElement **out, ut_err *err);

/* Turns an ERROR message of the bus into a status and one clear line about `what` (a path or URI). */
ut_status ut_gst_fail(ut_err *err, const char *what, GstMessage *message);

/* True if `text` is a URI ("scheme://…" or "alsa:…"), not a path. */
UT_CHECK bool ut_gst_is_uri(const char *text);

#endif
