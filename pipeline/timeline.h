/* When the samples of a live channel were on air: cuts what arrives into segments without discontinuity and anchors
 * each to UTC. Pure logic on times that it is given, so that tests own the clock. One thread at a time.
 *
 * The anchor is an arrival time. A source that starts with a burst (SRT, HLS and Icecast send what they have kept)
 * delivers audio older than its arrival, so the anchor is the earliest that any arrival of the first moments
 * allows: after them it is settled, and stays. If the arrival then moves away from the count of samples by more than
 * the source's uncertainty (a drifting clock, lost samples, a step of the system clock), a new segment is due.
 *
 * A segment that seems to start a little before the last one ended is taken to follow it; one that starts well before
 * it (a source that sends again what it had sent) does overlap it, and says so. */
#ifndef UT_PIPELINE_TIMELINE_H
#define UT_PIPELINE_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UT_TIMELINE_NO_PTS INT64_MIN

typedef struct {
    int64_t tolerance_ns;   /* of the time stamps from one buffer to the next */
    int64_t uncertainty_ns; /* of arrivals */
    int64_t settle_ns;      /* after the first arrival of a segment */
    bool open;              /* a segment is open */
    bool settled;
    int64_t first_ns;  /* arrival of its first buffer */
    int64_t anchor_ns; /* UTC of its sample 0 */
    int64_t samples;   /* so far, at UT_RATE_HZ */
    int64_t pts_ns;    /* expected next */
    int64_t lag_ns;    /* least that an arrival was behind the count of samples in this window */
    int64_t window_ns; /* arrival that opened the window */
    int64_t end_ns;    /* UTC of the end of the last segment; where capture began before the first */
    bool reset;        /* the next anchor need not come after end_ns: the first, or the clock moved */
} ut_timeline;

void ut_timeline_init(ut_timeline *timeline, int64_t now_ns, int64_t tolerance_ns, int64_t uncertainty_ns,
                      int64_t settle_ns);

/* Why a buffer that arrived at now_ns with this time stamp cannot continue the open segment: "discontinuity", "clock",
 * or NULL if it can (or none is open). */
const char *ut_timeline_check(const ut_timeline *timeline, int64_t now_ns, int64_t pts_ns);

/* Opens a segment with a buffer that arrived at now_ns. */
void ut_timeline_begin(ut_timeline *timeline, int64_t now_ns);
/* Adds the buffer's samples (at UT_RATE_HZ) and its length in the stream's own time. */
void ut_timeline_add(ut_timeline *timeline, int64_t now_ns, int64_t pts_ns, int64_t duration_ns, size_t samples);
/* True once, when the anchor has settled: anchor_ns is final. */
bool ut_timeline_settle(ut_timeline *timeline, int64_t now_ns);
/* Ends the open segment; settles it first if it was not. True if it had to be settled. */
bool ut_timeline_end(ut_timeline *timeline);

#endif
