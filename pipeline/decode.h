/* The decoding part of a capture pipeline: whatever bytes it is fed, one audio stream of them as decoded interleaved
 * float.
 *
 *   bytes ─► parsebin ─► the chosen elementary stream ─► parser's output ─► decoder ─► audioconvert ─► appsink
 *
 * Only the chosen stream is decoded; pictures are not even parsed. Selection happens in GStreamer's streaming thread;
 * the other calls belong to the owner's. */
#ifndef UT_PIPELINE_DECODE_H
#define UT_PIPELINE_DECODE_H

#include <gst/app/gstappsink.h>
#include <gst/gst.h>

#include "core/status.h"
#include "pipeline/programs.h"
#include "pipeline/schedule.h"

typedef struct ut_decode ut_decode;

typedef struct {
    int program;          /* MPEG-TS programme number; 0: the first of the PAT, or the one that has `pid` */
    int pid;              /* MPEG-TS PID; 0: any */
    const char *language; /* ISO 639; NULL: any */
} ut_choice;

/* An audio stream that is there to choose. */
typedef struct {
    int pid; /* 0 if the container has none */
    char language[8];
    char codec[64];
    int rate_hz, channels; /* 0 if not yet known */
    bool chosen;
} ut_stream;
#define UT_STREAMS_MAX 64

/* Adds its elements to `pipeline`, and a sync handler to its bus. *sink is a borrowed appsink, to be set up by the
 * caller; it gives interleaved F32.
 */
UT_CHECK ut_status ut_decode_open(GstBin *pipeline, const ut_choice *choice, ut_decode **out, GstElement **sink,
                                  ut_err *err);
/* After the pipeline went to GST_STATE_NULL. */
void ut_decode_close(ut_decode **decode);

/* Feeds it from `pad` (a source pad of an element of the same pipeline). `caps`: what the bytes are known to be, such
 * as "video/mpegts,systemstream=true"; NULL: it finds out. */
UT_CHECK ut_status ut_decode_feed(ut_decode *decode, GstPad *pad, const char *caps, ut_err *err);

/* Feeds it from an element that gives audio/x-raw. */
UT_CHECK ut_status ut_decode_feed_raw(ut_decode *decode, GstElement *element, ut_err *err);

/* Why no stream could be chosen: UT_OK if one was or if that is not yet known. Names the choices there are. at_end: the
 * pipeline ended or failed, so nothing more is to come. */
ut_status ut_decode_problem(ut_decode *decode, const char *what, bool at_end, ut_err *err);
/* The programme that has the asked PID, if it is another than the one that was opened; 0 otherwise. The remedy is to
 * open again with it, since a demuxer stays with its programme. */
int ut_decode_other_program(ut_decode *decode);
/* Live MPEG-TS: true once after each jump of the time stamps of the chosen stream by more than tolerance_s. Asked by
 * the streaming thread with each decoded buffer. */
void ut_decode_watch_jumps(ut_decode *decode, double tolerance_s);
bool ut_decode_take_jump(ut_decode *decode);
/* Collects what a transport stream announces (EIT present/following), as airings of `channel`. Before data flows. */
UT_CHECK ut_status ut_decode_follow_events(ut_decode *decode, const char *channel, ut_err *err);
/* The airings of the opened programme that were announced so far, if there is news since the last call; else false. */
bool ut_decode_events(ut_decode *decode, ut_schedule *out);
/* Pieces that the decoder could not decode. */
size_t ut_decode_damage(ut_decode *decode);
/* Name of the container, such as "video/mpegts"; "" while unknown. `size` of at least 64. */
void ut_decode_container(ut_decode *decode, char *name, size_t size);
/* True if the container has pictures too. */
bool ut_decode_has_video(ut_decode *decode);
/* Copies the streams found so far. */
size_t ut_decode_streams(ut_decode *decode, ut_stream *streams, size_t capacity);
/* Copies what the tables of a transport stream tell: all programmes, not only the opened one. */
void ut_decode_programs(ut_decode *decode, ut_programs *programs);

#endif
