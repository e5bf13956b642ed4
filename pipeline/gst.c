#include "pipeline/gst.h"

#include <pthread.h>
#include <string.h>

#include "core/log.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char init_error[200];

static void log_quietly(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer arg)
{
    (void)level;
    (void)arg;
    char quoted[300];
    ut_log(UT_LOG_DEBUG, "gstreamer", "message", "domain=%s text=%s", domain ? domain : "-",
           ut_log_quote(quoted, sizeof quoted, text ? text : ""));
}

/* The same stream must give the same samples on every machine, so which decoder takes it is ours to say, not a matter
 * of what else happens to be installed. liba52 and libfaad apply dynamic-range control or downmix on their own. */
static void fix_ranks(void)
{
    static const struct {
        const char *factory;
        guint rank;
    } ranks[] = {
        {"avdec_opus", GST_RANK_PRIMARY}, /* twice as fast as libopus, 77 dB from it */
        {"opusdec", GST_RANK_MARGINAL},
        {"a52dec", GST_RANK_NONE},
        {"faad", GST_RANK_NONE},
        {"dtsdec", GST_RANK_NONE},
        {"avdec_ac3", GST_RANK_PRIMARY},
        {"avdec_eac3", GST_RANK_PRIMARY},
        {"avdec_mp2float", GST_RANK_PRIMARY},
        {"avdec_dca", GST_RANK_PRIMARY},
        {"mpg123audiodec", GST_RANK_PRIMARY},
        {"avdec_mp3", GST_RANK_MARGINAL},
    };
    for (size_t i = 0; i < sizeof ranks / sizeof ranks[0]; i++) {
        GstPluginFeature *feature = gst_registry_lookup_feature(gst_registry_get(), ranks[i].factory);
        if (feature) {
            gst_plugin_feature_set_rank(feature, ranks[i].rank);
            gst_object_unref(feature);
        }
    }
}

static void init(void)
{
    GError *error = NULL;
    if (!gst_init_check(NULL, NULL, &error)) {
        g_strlcpy(init_error, error ? error->message : "unknown reason", sizeof init_error);
        g_clear_error(&error);
        return;
    }
    g_log_set_default_handler(log_quietly, NULL);
    fix_ranks();
}

ut_status ut_gst_init(ut_err *err)
{
    pthread_once(&once, init);
    if (init_error[0])
        return ut_fail(err, UT_E_UNSUPPORTED, "GStreamer does not start: %s", init_error);
    return UT_OK;
}

/* The Debian package of the elements that we name ourselves. */
static const char *package_of(const char *factory)
{
    static const char *const packages[][2] = {
        {"srt", "gstreamer1.0-plugins-bad"},   {"hls", "gstreamer1.0-plugins-bad"},
        {"ts", "gstreamer1.0-plugins-bad"},    {"alsa", "gstreamer1.0-alsa"},
        {"rt", "gstreamer1.0-plugins-good"},   {"udp", "gstreamer1.0-plugins-good"},
        {"soup", "gstreamer1.0-plugins-good"}, {"avdec", "gstreamer1.0-libav"},
    };
    for (size_t i = 0; i < sizeof packages / sizeof packages[0]; i++)
        if (strncmp(factory, packages[i][0], strlen(packages[i][0])) == 0)
            return packages[i][1];
    return "gstreamer1.0-plugins-base";
}

ut_status ut_gst_make(GstBin *bin, const char *factory, GstElement **out, ut_err *err)
{
    GstElement *element = gst_element_factory_make(factory, NULL);
    if (!element)
        return ut_fail(err, UT_E_UNSUPPORTED, "GStreamer has no element %s: install %s", factory, package_of(factory));
    gst_bin_add(bin, element);
    *out = element;
    return UT_OK;
}

static ut_status status_of(const GError *error)
{
    if (error->domain == GST_RESOURCE_ERROR)
        return error->code == GST_RESOURCE_ERROR_NOT_FOUND        ? UT_E_NOTFOUND
               : error->code == GST_RESOURCE_ERROR_NOT_AUTHORIZED ? UT_E_ARG
                                                                  : UT_E_IO;
    if (error->domain == GST_CORE_ERROR)
        return UT_E_UNSUPPORTED;
    if (error->domain == GST_STREAM_ERROR)
        switch (error->code) {
        case GST_STREAM_ERROR_TYPE_NOT_FOUND:
        case GST_STREAM_ERROR_WRONG_TYPE:
        case GST_STREAM_ERROR_CODEC_NOT_FOUND:
        case GST_STREAM_ERROR_DECRYPT:
        case GST_STREAM_ERROR_DECRYPT_NOKEY:
            return UT_E_UNSUPPORTED;
        default:
            return UT_E_CORRUPT;
        }
    return UT_E_IO;
}

static bool is_stream_error(const GError *error, int code)
{
    return error->domain == GST_STREAM_ERROR && error->code == code;
}

/* What follows the place in GStreamer's sources in a debug text: "FILE(LINE): FUNCTION (): PATH:\nDETAIL". */
static const char *detail_of(const char *debug)
{
    const char *detail = debug ? strchr(debug, '\n') : NULL;
    return detail && !strstr(detail, "streaming stopped") ? detail + 1 : "";
}

/* One line, without the full stop. */
static void tidy(gchar *text)
{
    g_strstrip(g_strdelimit(text, "\r\n\t", ' '));
    size_t size = strlen(text);
    if (size && text[size - 1] == '.')
        text[size - 1] = '\0';
}

ut_status ut_gst_fail(ut_err *err, const char *what, GstMessage *message)
{
    GError *error = NULL;
    gchar *debug = NULL;
    gst_message_parse_error(message, &error, &debug);
    ut_status rc = status_of(error);
    gchar *text = g_strdup(error->message), *detail = g_strdup(detail_of(debug));
    tidy(text);
    tidy(detail);
    if (is_stream_error(error, GST_STREAM_ERROR_TYPE_NOT_FOUND) || is_stream_error(error, GST_STREAM_ERROR_WRONG_TYPE))
        ut_fail(err, rc, "%s: not media of a known kind", what);
    else if (is_stream_error(error, GST_STREAM_ERROR_FAILED) &&
             GST_OBJECT_FLAG_IS_SET(GST_MESSAGE_SRC(message), GST_ELEMENT_FLAG_SOURCE))
        /* souphttpsrc says no more than "internal data stream error" when nobody answers */
        rc = ut_fail(err, UT_E_IO, "%s: cannot be reached or read", what);
    else
        ut_fail(err, rc, *detail ? "%s: %s (%s)" : "%s: %s", what, text, detail);
    if (err)
        err->retriable = rc == UT_E_IO || rc == UT_E_NOTFOUND;
    g_free(text);
    g_free(detail);
    g_clear_error(&error);
    g_free(debug);
    return rc;
}

bool ut_gst_is_uri(const char *text)
{
    if (strncmp(text, "alsa:", 5) == 0 || strncmp(text, "test:", 5) == 0)
        return true;
    const char *colon = strstr(text, "://");
    if (!colon || colon == text)
        return false;
    for (const char *c = text; c < colon; c++)
        if (!g_ascii_isalnum(*c) && *c != '+' && *c != '-' && *c != '.')
            return false;
    return true;
}
