/* Watches the time stamps of one elementary stream of an MPEG transport stream as its bytes go by.
 *
 * GStreamer's tsdemux maps the time stamps of a live stream onto the local clock and in doing so hides jumps: an
 * encoder that starts again at 0 goes on as if nothing had happened. The raw 33-bit PTS of the PES headers tell.
 *
 * Never trusts its input. One thread. */
#ifndef UT_PIPELINE_TS_WATCH_H
#define UT_PIPELINE_TS_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UT_TS_PACKET 188

typedef struct {
    int pid;           /* the stream to watch */
    int64_t tolerance; /* in units of 90 kHz */
    uint8_t held[UT_TS_PACKET];
    size_t held_size; /* of a packet cut by the end of a push */
    int64_t pts;      /* of the last PES; -1: none yet */
    int64_t step;     /* the longest usual distance from one PES to the next */
    bool jumped;      /* the last PES was the first after a jump */
    int counter;      /* continuity counter expected next; -1: any */
    uint64_t jumps;   /* found so far */
    uint64_t lost;    /* breaks of the continuity counter */
} ut_ts_watch;

void ut_ts_watch_init(ut_ts_watch *watch, int pid, double tolerance_s);

/* Looks at the next bytes. True if a jump lies behind: the PES after the jump is complete, so a demuxer, which gives a
 * PES when the next one starts, gives audio from after the jump from now on. A wrap of the 33 bits is no jump. */
bool ut_ts_watch_push(ut_ts_watch *watch, const uint8_t *data, size_t size);

#endif
