/* The part of a live pipeline that brings the bytes: one builder per kind of URI.
 *
 *   udp://[@]ADDRESS:PORT[?iface=NAME]   MPEG-TS; ADDRESS is a multicast group to join, or a local one, or
 *                                        empty
 *   rtp://…  (same form)                 MPEG-TS in RTP (RFC 2250)
 *   srt://HOST:PORT                      MPEG-TS; we call. Query as in GStreamer's srtsrc
 *   srt://:PORT?mode=listener            MPEG-TS; we are called
 *   http(s)://….m3u8                     HLS
 *   http(s)://…                          Icecast and other HTTP audio
 *   rtsp(s)://…                          RTSP: its first audio stream, or MPEG-TS
 *   alsa:DEVICE                          sound card
 *   file:PATH, PATH                      a file, played at the speed of the clock
 *   test:[TONE_HZ|silence]               a test tone
 *
 * Everything here runs in the caller's thread. */
#ifndef UT_PIPELINE_SOURCE_H
#define UT_PIPELINE_SOURCE_H

#include <gst/gst.h>

#include "pipeline/decode.h"

typedef enum {
    UT_SOURCE_UDP,
    UT_SOURCE_RTP,
    UT_SOURCE_SRT,
    UT_SOURCE_HLS,
    UT_SOURCE_HTTP,
    UT_SOURCE_RTSP,
    UT_SOURCE_ALSA,
    UT_SOURCE_FILE,
    UT_SOURCE_TEST,
} ut_source_kind;

typedef struct {
    ut_source_kind kind;
    const char *name;       /* "udp", "rtp", … */
    int64_t uncertainty_ms; /* how far the arrival of a sample may be from its time on air */
    bool paced;             /* not live by itself: the sink must follow the clock */
    bool passive;           /* it waits for whoever sends: leaving it open costs nobody anything */
} ut_source_info;

/* UT_E_ARG: no URI of a kind above. */
UT_CHECK ut_status ut_source_describe(const char *uri, ut_source_info *info, ut_err *err);

/* Adds the elements that read `uri` to `pipeline` and has them feed `decode`, which must stay until the pipeline is
 * closed. UT_E_ARG: a URI that its kind cannot read; UT_E_UNSUPPORTED: an element is not installed. */
UT_CHECK ut_status ut_source_build(GstBin *pipeline, const char *uri, ut_decode *decode, ut_err *err);

#endif
