/* The GStreamer element `undertoneseparate`: audio in, music (or what is not music) out, at the audio's own rate and
 * channel count. docs/GSTREAMER.md is its manual. */
#ifndef UT_APPS_GST_SEPARATE_H
#define UT_APPS_GST_SEPARATE_H

#include <gst/gst.h>

GType ut_gst_separate_get_type(void);

#endif
