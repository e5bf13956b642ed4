#include "pipeline/source.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/gst.h"

#define TS_CAPS "video/mpegts,systemstream=true"
#define SOCKET_BYTES (4 << 20) /* the kernel gives at most net.core.rmem_max */
#define HTTP_TIMEOUT_S 15

typedef ut_status (*build_fn)(GstBin *pipeline, const char *uri, ut_decode *decode, ut_err *err);

static ut_status build_udp(GstBin *pipeline, const char *uri, ut_decode *decode, ut_err *err);
static ut_status build_rtp(GstBin *pipeline, const char *uri, ut_decode *decode, ut_err *err);
static ut_status build_srt(GstBin *pipeline, const char *uri, ut_decode *decode, ut_err *err);
static ut_status build_hls(GstBin *pipeline, const char *uri, ut_decode *decode, ut_err *err);
static ut_status build_http(GstBin *pipeline, const char *uri, ut_decode *decode, ut_err *err);
static ut_status build_rtsp(GstBin *pipeline, const char *uri, ut_decode *decode, ut_err *err);
static ut_status build_alsa(GstBin *pipeline, const char *uri, ut_decode *decode, ut_err *err);
static ut_status build_file(GstBin *pipeline, const char *uri, ut_decode *decode, ut_err *err);
static ut_status build_test(GstBin *pipeline, const char *uri, ut_decode *decode, ut_err *err);

/* Uncertainty: what encoders, buffers and protocols of that kind usually add. It is stated, not measured. */
static const struct {
    ut_source_info info;
    build_fn build;
} kinds[] = {
    [UT_SOURCE_UDP] = {{.kind = UT_SOURCE_UDP, .name = "udp", .uncertainty_ms = 1000, .passive = true}, build_udp},
    [UT_SOURCE_RTP] = {{.kind = UT_SOURCE_RTP, .name = "rtp", .uncertainty_ms = 1000, .passive = true}, build_rtp},
    [UT_SOURCE_SRT] = {{.kind = UT_SOURCE_SRT, .name = "srt", .uncertainty_ms = 1000}, build_srt},
    [UT_SOURCE_HLS] = {{.kind = UT_SOURCE_HLS, .name = "hls", .uncertainty_ms = 30000}, build_hls},
    [UT_SOURCE_HTTP] = {{.kind = UT_SOURCE_HTTP, .name = "http", .uncertainty_ms = 10000}, build_http},
    [UT_SOURCE_RTSP] = {{.kind = UT_SOURCE_RTSP, .name = "rtsp", .uncertainty_ms = 1000}, build_rtsp},
    [UT_SOURCE_ALSA] = {{.kind = UT_SOURCE_ALSA, .name = "alsa", .uncertainty_ms = 100}, build_alsa},
    [UT_SOURCE_FILE] = {{.kind = UT_SOURCE_FILE, .name = "file", .uncertainty_ms = 100, .paced = true}, build_file},
    [UT_SOURCE_TEST] = {{.kind = UT_SOURCE_TEST, .name = "test", .uncertainty_ms = 100}, build_test},
};

/* --- what kind -------------------------------------------------------------------------------------------- */

static bool is_hls(const char *uri)
{
    const char *end = uri + strcspn(uri, "?#");
    return (end - uri > 5 && g_ascii_strncasecmp(end - 5, ".m3u8", 5) == 0) ||
           (end - uri > 4 && g_ascii_strncasecmp(end - 4, ".m3u", 4) == 0);
}

static bool has_query(const char *uri, const char *pair)
{
    const char *query = strchr(uri, '?');
    const char *found = query ? strstr(query, pair) : NULL;
    char end = found ? found[strlen(pair)] : 'x';
    return end == '\0' || end == '&' || end == '#';
}

ut_status ut_source_describe(const char *uri, ut_source_info *info, ut_err *err)
{
    static const struct {
        const char *prefix;
        ut_source_kind kind;
    } prefixes[] = {
        {"udp://", UT_SOURCE_UDP},    {"rtp://", UT_SOURCE_RTP},    {"srt://", UT_SOURCE_SRT},
        {"http://", UT_SOURCE_HTTP},  {"https://", UT_SOURCE_HTTP}, {"rtsp://", UT_SOURCE_RTSP},
        {"rtsps://", UT_SOURCE_RTSP}, {"rtspt://", UT_SOURCE_RTSP}, {"alsa:", UT_SOURCE_ALSA},
        {"test:", UT_SOURCE_TEST},    {"file:", UT_SOURCE_FILE},
    };
    ut_source_kind kind = UT_SOURCE_FILE;
    bool known = !strstr(uri, "://");
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (g_str_has_prefix(uri, prefixes[i].prefix)) {
            kind = prefixes[i].kind;
            known = true;
            break;
        }
    if (!known || !*uri)
        return ut_fail(err, UT_E_ARG, "%s: not a source: udp, rtp, srt, http(s), rtsp(s), alsa:DEVICE, file:PATH", uri);
    if (kind == UT_SOURCE_HTTP && is_hls(uri))
        kind = UT_SOURCE_HLS;
    *info = kinds[kind].info;
    if (kind == UT_SOURCE_SRT)
        info->passive = has_query(uri, "mode=listener");
    return UT_OK;
}

ut_status ut_source_build(GstBin *pipeline, const char *uri, ut_decode *decode, ut_err *err)
{
    ut_source_info info;
    ut_status rc = ut_source_describe(uri, &info, err);
    return rc == UT_OK ? kinds[info.kind].build(pipeline, uri, decode, err) : rc;
}

/* --- helpers ------------------------------------------------------------------------------------------------ */

static ut_status feed_from(GstElement *element, ut_decode *decode, const char *caps, ut_err *err)
{
    GstPad *pad = gst_element_get_static_pad(element, "src");
    ut_status rc = ut_decode_feed(decode, pad, caps, err);
    gst_object_unref(pad);
    return rc;
}

/* Only the first pad that appears is wanted: parsebin's sink takes one, and the others stay unlinked. */
static void on_first_pad(GstElement *element, GstPad *pad, ut_decode *decode)
{
    (void)element;
    GstCaps *caps = gst_pad_get_current_caps(pad);
    const char *name = caps ? gst_structure_get_name(gst_caps_get_structure(caps, 0)) : "";
    bool text = g_str_has_prefix(name, "text/") || g_str_has_prefix(name, "application/x-subtitle");
    if (!text && ut_decode_feed(decode, pad, NULL, NULL) != UT_OK)
        g_debug("a further pad stays unlinked");
    g_clear_pointer(&caps, gst_caps_unref);
}

/* --- MPEG-TS over UDP and RTP --------------------------------------------------------------------------------- */

/* scheme://[@]HOST:PORT[?iface=NAME]; "[v6]:PORT" too. */
static ut_status set_address(GstElement *udpsrc, const char *uri, ut_err *err)
{
    const char *at = strstr(uri, "://") + 3;
    at += *at == '@';
    size_t size = strcspn(at, "?#");
    gchar *address = g_strndup(at, size);
    gchar *query = at[size] == '?' ? g_strdup(at + size + 1) : g_strdup("");
    gchar *colon = strrchr(address, ':');
    char *end = NULL;
    unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;
    ut_status rc = UT_OK;
    if (!colon || *end || port < 1 || port > 65535) {
        rc = ut_fail(err, UT_E_ARG, "%s: no port: ADDRESS:PORT", uri);
    } else {
        *colon = '\0';
        gchar *host = g_strdup(address);
        g_strdelimit(host, "[]", ' ');
        g_strstrip(host);
        struct in6_addr binary;
        if (*host && inet_pton(AF_INET, host, &binary) != 1 && inet_pton(AF_INET6, host, &binary) != 1)
            rc = ut_fail(err, UT_E_ARG, "%s: %s is not an address", uri, host);
        else
            g_object_set(udpsrc, "address", *host ? host : "0.0.0.0", "port", (gint)port, NULL);
        g_free(host);
    }
    if (rc == UT_OK && g_str_has_prefix(query, "iface="))
        g_object_set(udpsrc, "multicast-iface", query + 6, NULL);
    else if (rc == UT_OK && *query)
        rc = ut_fail(err, UT_E_ARG, "%s: unknown option %s: iface=NAME", uri, query);
    g_free(address);
    g_free(query);
    return rc;
}

static ut_status make_udpsrc(GstBin *pipeline, const char *uri, GstElement **out, ut_err *err)
{
    ut_status rc = ut_gst_make(pipeline, "udpsrc", out, err);
    if (rc != UT_OK)
        return rc;
    g_object_set(*out, "buffer-size", SOCKET_BYTES, "mtu", 65536, NULL);
    return set_address(*out, uri, err);
}

static ut_status build_udp(GstBin *pipeline, const char *uri, ut_decode *decode, ut_err *err)
{
    GstElement *udpsrc;
    ut_status rc = make_udpsrc(pipeline, uri, &udpsrc, err);
    return rc == UT_OK ? feed_from(udpsrc, decode, TS_CAPS, err) : rc;
}

static ut_status build_rtp(GstBin *pipeline, const char *uri, ut_decode *decode, ut_err *err)
{
    GstElement *udpsrc, *jitter, *depay;
    ut_status rc;
    if ((rc = make_udpsrc(pipeline, uri, &udpsrc, err)) != UT_OK ||
        (rc = ut_gst_make(pipeline, "rtpjitterbuffer", &jitter, err)) != UT_OK ||
        (rc = ut_gst_make(pipeline, "rtpmp2tdepay", &depay, err)) != UT_OK)
        return rc;
    GstCaps *caps =
        gst_caps_from_string("application/x-rtp,media=video,encoding-name=MP2T,clock-rate=90000,payload=33");
    g_object_set(udpsrc, "caps", caps, NULL);
    gst_caps_unref(caps);
    if (!gst_element_link_many(udpsrc, jitter, depay, NULL))
        return ut_fail(err, UT_E_UNSUPPORTED, "%s: RTP elements do not link", uri);
    return feed_from(depay, decode, TS_CAPS, err);
}

/* --- MPEG-TS over SRT ----------------------------------------------------------------------------------------- */

static ut_status build_srt(GstBin *pipeline, const char *uri, ut_decode *decode, ut_err *err)
{
    GstElement *srtsrc;
    ut_status rc = ut_gst_make(pipeline, "srtsrc", &srtsrc, err);
    if (rc != UT_OK)
        return rc;
    /* Without keep-listening a listener ends when its first caller leaves. A lost caller is ours to reconnect: srtsrc
     * itself says so only ten seconds later. */
    bool listener = has_query(uri, "mode=listener");
    g_object_set(srtsrc, "uri", uri, "keep-listening", (gboolean)listener, "auto-reconnect", FALSE, NULL);
    return feed_from(srtsrc, decode, TS_CAPS, err);
}

/* --- HTTP --------------------------------------------------------------------------------------------------------- */

static ut_status make_http(GstBin *pipeline, const char *uri, GstElement **out, ut_err *err)
{
    ut_status rc = ut_gst_make(pipeline, "souphttpsrc", out, err);
    if (rc == UT_OK)
        g_object_set(*out, "location", uri, "timeout", HTTP_TIMEOUT_S, "retries", 0, "user-agent",
                     "undertone/" UT_VERSION, NULL);
    return rc;
}

static ut_status build_hls(GstBin *pipeline, const char *uri, ut_decode *decode, ut_err *err)
{
    GstElement *http, *demux;
    ut_status rc;
    if ((rc = make_http(pipeline, uri, &http, err)) != UT_OK ||
        (rc = ut_gst_make(pipeline, "hlsdemux", &demux, err)) != UT_OK)
        return rc;
    if (!gst_element_link(http, demux))
        return ut_fail(err, UT_E_UNSUPPORTED, "%s: HLS elements do not link", uri);
    g_signal_connect(demux, "pad-added", G_CALLBACK(on_first_pad), decode);
    return UT_OK;
}

static ut_status build_http(GstBin *pipeline, const char *uri, ut_decode *decode, ut_err *err)
{
    GstElement *http;
    ut_status rc = make_http(pipeline, uri, &http, err);
    if (rc != UT_OK)
        return rc;
    g_object_set(http, "is-live", TRUE, NULL);
    return feed_from(http, decode, NULL, err);
}

/* --- RTSP -----------------------------------------------------------------------------------------------------------
 */

/* Video is not even asked for. MPEG-TS in RTP calls itself video. */
static gboolean on_rtsp_stream(GstElement *rtspsrc, guint number, GstCaps *caps, gpointer arg)
{
    (void)rtspsrc;
    (void)number;
    (void)arg;
    const GstStructure *s = gst_caps_get_structure(caps, 0);
    const char *media = gst_structure_get_string(s, "media");
    const char *encoding = gst_structure_get_string(s, "encoding-name");
    return g_strcmp0(media, "audio") == 0 || g_strcmp0(encoding, "MP2T") == 0;
}

static ut_status build_rtsp(GstBin *pipeline, const char *uri, ut_decode *decode, ut_err *err)
{
    GstElement *rtspsrc;
    ut_status rc = ut_gst_make(pipeline, "rtspsrc", &rtspsrc, err);
    if (rc != UT_OK)
        return rc;
    g_object_set(rtspsrc, "location", uri, "latency", 500, NULL);
    g_signal_connect(rtspsrc, "select-stream", G_CALLBACK(on_rtsp_stream), NULL);
    g_signal_connect(rtspsrc, "pad-added", G_CALLBACK(on_first_pad), decode);
    return UT_OK;
}

/* --- sound card, file, test tone ------------------------------------------------------------------------------- */

static ut_status build_alsa(GstBin *pipeline, const char *uri, ut_decode *decode, ut_err *err)
{
    GstElement *alsasrc;
    ut_status rc = ut_gst_make(pipeline, "alsasrc", &alsasrc, err);
    if (rc != UT_OK)
        return rc;
    const char *device = uri + strlen("alsa:");
    g_object_set(alsasrc, "device", *device ? device : "default", NULL);
    return ut_decode_feed_raw(decode, alsasrc, err);
}

static ut_status build_file(GstBin *pipeline, const char *uri, ut_decode *decode, ut_err *err)
{
    GstElement *filesrc;
    ut_status rc = ut_gst_make(pipeline, "filesrc", &filesrc, err);
    if (rc != UT_OK)
        return rc;
    const char *path = g_str_has_prefix(uri, "file:") ? uri + strlen("file:") : uri;
    path += g_str_has_prefix(path, "//") ? 2 : 0;
    g_object_set(filesrc, "location", path, NULL);
    return feed_from(filesrc, decode, NULL, err);
}

static ut_status build_test(GstBin *pipeline, const char *uri, ut_decode *decode, ut_err *err)
{
    GstElement *tone;
    ut_status rc = ut_gst_make(pipeline, "audiotestsrc", &tone, err);
    if (rc != UT_OK)
        return rc;
    const char *what = uri + strlen("test:");
    if (strcmp(what, "silence") == 0) {
        gst_util_set_object_arg(G_OBJECT(tone), "wave", "silence");
    } else if (*what) {
        char *end;
        double tone_hz = g_ascii_strtod(what, &end);
        if (*end || !(tone_hz >= 1 && tone_hz <= 20000))
            return ut_fail(err, UT_E_ARG, "%s: test:silence or test:TONE_HZ", uri);
        g_object_set(tone, "freq", tone_hz, NULL);
    }
    g_object_set(tone, "is-live", TRUE, NULL);
    return ut_decode_feed_raw(decode, tone, err);
}
