/* The feed of one live channel: decoded buffers in, items for the reader out (converted, cut into segments, anchored to
 * UTC, with gaps). It lives as long as the channel; pipelines come and go.
 *
 * push is called by GStreamer's streaming thread, read by the reader, the rest by the supervisor; all may run at once.
 */
#ifndef UT_PIPELINE_FEED_H
#define UT_PIPELINE_FEED_H

#include <gst/gst.h>

#include "pipeline/source.h"
#include "pipeline/supervisor.h"

typedef struct ut_feed ut_feed;

UT_CHECK ut_status ut_feed_open(const ut_supervisor_options *options, const ut_source_info *source, ut_feed **out,
                                ut_err *err);
void ut_feed_close(ut_feed **feed);

/* One decoded buffer. jumped: the demuxer's input jumped before it. Never blocks, unless the source is paced and the
 * ring full. */
void ut_feed_push(ut_feed *feed, GstSample *sample, bool jumped);
/* Nothing waits any more, so that a pipeline can be stopped (true); from here on it may again (false). */
void ut_feed_wake(ut_feed *feed, bool awake);
/* The source is gone: its segment ends; what is not captured from here on has this reason (of static storage). Not
 * while a pipeline may push. */
void ut_feed_break(ut_feed *feed, const char *reason);
/* Records what is missing so far as a piece of the gap, if a piece is due. */
void ut_feed_note_gap(ut_feed *feed);
/* Nothing more comes; gap: what is missing up to now is recorded. Not while a pipeline may push. */
void ut_feed_finish(ut_feed *feed, bool gap);

/* Since the last audio, or since the feed was opened. */
double ut_feed_quiet_s(ut_feed *feed);
/* Samples captured since the feed was opened. */
uint64_t ut_feed_samples(ut_feed *feed);
/* Digital silence for at least the configured time. */
bool ut_feed_silent(ut_feed *feed);
/* Fills all of `out` but rebuilds and problem. */
void ut_feed_status(ut_feed *feed, ut_capture_status *out);

/* As ut_supervisor_read. */
UT_CHECK ut_status ut_feed_read(ut_feed *feed, int timeout_ms, ut_capture_item *item, ut_err *err);

#endif
