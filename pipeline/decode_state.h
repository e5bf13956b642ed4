/* What the parts of the decoder share: its state, and what a stream is. Private to pipeline/decode*.c. */
#ifndef UT_PIPELINE_DECODE_STATE_H
#define UT_PIPELINE_DECODE_STATE_H

#include <pthread.h>

#include "pipeline/decode.h"
#include "pipeline/ts_watch.h"

typedef struct {
    GstPad *pad; /* owned */
    char *id;    /* GStreamer's stream id; owned */
    ut_stream stream;
    bool seen;       /* it had a buffer: its caps and tags are complete */
    bool silent;     /* it ended without one */
    unsigned waited; /* buffers in which it waited for a better one */
} ut_candidate;

struct ut_decode {
    GstBin *pipeline;
    GstElement *parsebin, *convert, *sink;
    ut_choice choice;
    char language[8];

    pthread_mutex_t lock; /* guards what follows: written by the streaming thread */
    ut_candidate candidates[UT_STREAMS_MAX];
    size_t candidate_count;
    bool exposed; /* the container is open and its streams are known */
    bool flowing; /* and data comes out */
    bool chosen, linked, video;
    char container[64];
    char unknown[96];
    ut_programs programs;
    size_t damage;
    double tolerance_s; /* of jumps */
    ut_ts_watch watch;  /* pid 0: it does not watch */
    bool jumped;
    ut_eit *eit;  /* NULL: events are not followed */
    bool watched; /* the bytes that come in are looked at */
};

/* Name of the caps' first structure; "" for none. */
const char *ut_decode_caps_name(const GstCaps *caps);
/* An elementary stream of pictures, as opposed to a container whose name also starts with "video/". */
bool ut_decode_is_picture(GstCaps *caps);
/* The codec in words. */
void ut_decode_describe_codec(const GstCaps *caps, char *text, size_t size);
/* The PID that a stream id of tsdemux ends in; 0 if there is none. */
int ut_decode_pid_of(const char *id);
/* From the pad's tags; left alone without one. */
void ut_decode_read_language(GstPad *pad, char *language, size_t size);
void ut_decode_read_caps(ut_candidate *c);
/* ISO 639-1 and both forms of 639-2 name the same language: "de", "ger", "deu". */
bool ut_decode_same_language(const char *a, const char *b);
/* Whether it is what was asked for. Under the lock. */
bool ut_decode_fits(const ut_decode *decode, const ut_candidate *c);

/* Has the bytes that go to the demuxer looked at, for jumps and events, once and for all. */
void ut_decode_watch_bytes(ut_decode *decode);
/* The bus's sync handler: counts damage, learns programmes. `arg` is the decoder. */
GstBusSyncReply ut_decode_on_message(GstBus *bus, GstMessage *message, gpointer arg);

#endif
