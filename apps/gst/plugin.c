#include "apps/gst/separate.h"

static gboolean plugin_init(GstPlugin *plugin)
{
    return gst_element_register(plugin, "undertoneseparate", GST_RANK_NONE, ut_gst_separate_get_type());
}

/* GStreamer refuses a licence that is not on its list, which Apache-2.0 is not. */
#define PACKAGE "undertone"
GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, undertone, "Takes the speech off broadcast audio", plugin_init,
                  UT_VERSION, GST_LICENSE_UNKNOWN, "undertone", "undertone")
