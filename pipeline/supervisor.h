/* The supervisor: keeps one live channel captured, and says honestly when it was not.
 *
 * It builds the source, watches it with its own watchdog, and rebuilds it with jittered exponential back-off when it is
 * dead, stalled, ended or failed. What it captured comes out as items in order:
 *
 *   SEGMENT  a capture segment starts: its samples are numbered from 0 and follow each other without discontinuity.
 *            It ends at the next SEGMENT or GAP, or when the supervisor has stopped.
 *   AUDIO    the segment's next samples, mono at UT_RATE_HZ
 *   EVENTS   what the stream announces of its programmes (EIT present/following), each time that it says something new;
 *            between any two other items
 *   GAP      a stretch of time that was not captured, and why. A long one comes in pieces, each as soon as it is known,
 *            so that a crash leaves no more than GAP_PIECE_S of it unrecorded.
 *
 * A live source never waits: when the reader falls behind by more than the ring holds, audio is dropped, counted, and
 * the hole comes out as a GAP with the reason "overrun". A file played as a channel waits instead.
 *
 * Reasons of gaps: "connect" (first time), "no-data", "eos", "error", "overrun", "discontinuity", "format-change",
 * "silence", "clock". A network name, an error text or other detail goes to the log.
 *
 * Threads: one of its own and GStreamer's. read belongs to one thread; stop and status to any. */
#ifndef UT_PIPELINE_SUPERVISOR_H
#define UT_PIPELINE_SUPERVISOR_H

#include "core/types.h"

typedef struct ut_supervisor ut_supervisor;

typedef struct {
    const char *channel;      /* id; copied, as all strings here */
    const char *uri;          /* see pipeline/source.h */
    int program;              /* MPEG-TS programme number; 0: the first */
    int pid;                  /* MPEG-TS PID; 0: any */
    const char *language;     /* ISO 639; NULL: any */
    bool drop_centre;         /* 5.1: leave the centre out */
    double connect_timeout_s; /* from opening a source to its first audio */
    double no_data_timeout_s; /* without audio: the source is rebuilt */
    double retry_min_s;       /* back-off: doubles from here, with jitter, … */
    double retry_max_s;       /* … to here; back to the minimum after a minute of audio */
    double ring_s;            /* audio that may wait for the reader */
    double pts_tolerance_s;   /* a larger jump of the time stamps ends the segment */
    double silence_s;         /* digital silence for so long is reported as status; 0: never */
    bool rebuild_when_silent; /* and the source is rebuilt */
    int64_t since_ns;         /* UTC from when the channel is to be accounted for; 0: from now */
    bool once;                /* the end of the source is the end (files, tests): no rebuilding after EOS */
} ut_supervisor_options;
/* The defaults, with which `channel` and `uri` remain to be set: 10, 5, 0.5, 30, 30, 0.1, 60, false, false. */
ut_supervisor_options ut_supervisor_defaults(void);

/* Starts to capture. UT_E_ARG: the URI; UT_E_UNSUPPORTED: GStreamer or an element is missing. A source that is not
 * there (yet) is no error: it is retried. */
UT_CHECK ut_status ut_supervisor_open(const ut_supervisor_options *options, ut_supervisor **out, ut_err *err);
/* Stops and frees; what was not read is lost. */
void ut_supervisor_close(ut_supervisor **supervisor);
/* Capture ends; what is captured is still read, then read gives UT_E_STOPPED. Returns at once. */
void ut_supervisor_stop(ut_supervisor *supervisor);

typedef enum { UT_CAPTURE_SEGMENT, UT_CAPTURE_AUDIO, UT_CAPTURE_GAP, UT_CAPTURE_EVENTS } ut_capture_kind;

/* Borrowed until the next read. */
typedef struct {
    ut_capture_kind kind;
    const ut_segment *segment; /* SEGMENT: id 0, sample_count 0; source is the URI without passwords */
    const float *samples;      /* AUDIO */
    size_t frames;
    int64_t first_sample;     /* of the segment */
    const ut_gap *gap;        /* GAP */
    const ut_airing *airings; /* EVENTS */
    size_t airing_count;
} ut_capture_item;

/* The next item. UT_E_BUSY: none within timeout_ms; UT_E_STOPPED: stopped (or ended, with `once`) and all read. */
UT_CHECK ut_status ut_supervisor_read(ut_supervisor *supervisor, int timeout_ms, ut_capture_item *item, ut_err *err);

/* For metrics and the operator. */
typedef struct {
    bool up;                  /* audio comes */
    bool silent;              /* it is digital silence, for at least silence_s */
    double quiet_s;           /* since the last audio came */
    double lag_s;             /* audio that waits for the reader */
    double level_dbfs;        /* RMS of the last second; -INFINITY for silence */
    uint64_t samples;         /* captured, all segments */
    uint64_t dropped_samples; /* overrun */
    uint64_t segments;
    uint64_t discontinuities;
    uint64_t rebuilds;
    double gap_s;      /* not captured, all gaps */
    char problem[200]; /* why it is down; "" while it is up */
} ut_capture_status;
void ut_supervisor_status(ut_supervisor *supervisor, ut_capture_status *out);

#endif
