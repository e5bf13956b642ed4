#include "pipeline/feed.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <gst/audio/audio.h>

#include "core/clock.h"
#include "core/config.h"
#include "core/log.h"
#include "pipeline/capture_ring.h"
#include "pipeline/convert.h"
#include "pipeline/timeline.h"

#define GAP_PIECE_S 60
#define JUMP_ECHO (UT_RATE_HZ / 2) /* the demuxer's jump comes a PES after the same jump of the time stamps */
#define GAP_MIN_NS (20 * 1000000)  /* less is the inexactness of an arrival, not a gap */
#define ROOM_TO_BEGIN (UT_RATE_HZ / UT_SLOT_FRAMES)
#define SETTLE_S 1.0
#define SETTLE_BURST_S 3.0 /* HLS and HTTP begin with what they have kept */
#define SILENT_PEAK 1e-4F  /* -80 dBFS: the dither of an encoder that gets nothing */

struct ut_feed {
    char channel[64];
    char source[512];
    bool drop_centre, paced;
    double silence_s;
    ut_capture_ring *ring;

    pthread_mutex_t lock; /* guards what follows */
    ut_timeline timeline;
    ut_convert *convert; /* of the open segment */
    GstAudioInfo format;
    ut_slot *filling;  /* reserved audio slot, partly filled */
    ut_slot *gap_slot; /* committed, to be settled with the segment; NULL: none */
    ut_slot *segment_slot;
    const char *reason;    /* of the gap that is open while no segment is */
    double heard_s;        /* monotonic time of the last audio */
    double silent_since_s; /* NAN: not silent */
    double power;          /* of about the last second */
    ut_capture_status status;
};

ut_status ut_feed_open(const ut_supervisor_options *options, const ut_source_info *source, ut_feed **out, ut_err *err)
{
    ut_feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return ut_fail(err, UT_E_NOMEM, "%s: feed", options->channel);
    size_t slots = (size_t)ceil(options->ring_s * UT_RATE_HZ / UT_SLOT_FRAMES) + ROOM_TO_BEGIN;
    ut_status rc = ut_capture_ring_open(slots, &feed->ring, err);
    if (rc != UT_OK) {
        free(feed);
        return rc;
    }
    pthread_mutex_init(&feed->lock, NULL);
    g_strlcpy(feed->channel, options->channel, sizeof feed->channel);
    ut_redact(options->uri, feed->source, sizeof feed->source);
    feed->drop_centre = options->drop_centre;
    feed->silence_s = options->silence_s;
    feed->paced = source->paced;
    bool burst = source->kind == UT_SOURCE_HLS || source->kind == UT_SOURCE_HTTP;
    ut_timeline_init(&feed->timeline, options->since_ns ? options->since_ns : ut_now_ns(),
                     (int64_t)(options->pts_tolerance_s * UT_NS_PER_S), source->uncertainty_ms * 1000000,
                     (int64_t)((burst ? SETTLE_BURST_S : SETTLE_S) * UT_NS_PER_S));
    feed->reason = "connect";
    feed->heard_s = ut_monotonic_s();
    feed->silent_since_s = NAN;
    *out = feed;
    return UT_OK;
}

void ut_feed_close(ut_feed **feed)
{
    if (!*feed)
        return;
    ut_convert_close(&(*feed)->convert);
    ut_capture_ring_close(&(*feed)->ring);
    pthread_mutex_destroy(&(*feed)->lock);
    free(*feed);
    *feed = NULL;
}

/* --- segments and gaps; under the lock ------------------------------------------------------------------------ */

static void fill_gap(ut_feed *feed, ut_slot *slot, int64_t start_ns, int64_t end_ns)
{
    slot->of.gap = (ut_gap){.start_ns = start_ns, .end_ns = end_ns};
    g_strlcpy(slot->of.gap.channel, feed->channel, sizeof slot->of.gap.channel);
    g_strlcpy(slot->of.gap.reason, feed->reason, sizeof slot->of.gap.reason);
    if (end_ns > start_ns)
        feed->status.gap_s += (double)(end_ns - start_ns) / UT_NS_PER_S;
}

/* The anchor is final: the gap before the segment and its start are known, and the reader may have them. */
static void settle(ut_feed *feed)
{
    int64_t start_ns = feed->timeline.anchor_ns;
    if (feed->gap_slot) {
        int64_t from_ns = feed->gap_slot->of.gap.start_ns;
        bool none = start_ns - from_ns < GAP_MIN_NS;
        feed->gap_slot->of.gap.end_ns = start_ns;
        if (!none)
            feed->status.gap_s += (double)(start_ns - from_ns) / UT_NS_PER_S;
        ut_capture_ring_settle(feed->ring, feed->gap_slot, none);
    }
    feed->segment_slot->of.segment.start_ns = start_ns;
    ut_capture_ring_settle(feed->ring, feed->segment_slot, false);
    feed->gap_slot = feed->segment_slot = NULL;
}

/* False if the ring has no room for it: not for a second of audio, lest a slow reader get nothing but crumbs. */
static bool begin_segment(ut_feed *feed, int64_t now_ns)
{
    if (ut_capture_ring_room(feed->ring) < ROOM_TO_BEGIN)
        return false;
    feed->gap_slot = ut_capture_ring_reserve(feed->ring, UT_CAPTURE_GAP);
    if (!feed->gap_slot)
        return false;
    fill_gap(feed, feed->gap_slot, feed->timeline.end_ns, feed->timeline.end_ns);
    ut_capture_ring_commit(feed->ring, false);
    feed->segment_slot = ut_capture_ring_reserve(feed->ring, UT_CAPTURE_SEGMENT);
    if (!feed->segment_slot) {
        ut_capture_ring_settle(feed->ring, feed->gap_slot, true);
        feed->gap_slot = NULL;
        return false;
    }
    ut_segment *segment = &feed->segment_slot->of.segment;
    *segment = (ut_segment){.time_source = "arrival", .uncertainty_ms = feed->timeline.uncertainty_ns / 1000000};
    g_strlcpy(segment->channel, feed->channel, sizeof segment->channel);
    g_strlcpy(segment->source, feed->source, sizeof segment->source);
    ut_capture_ring_commit(feed->ring, false);
    ut_timeline_begin(&feed->timeline, now_ns);
    feed->status.segments++;
    return true;
}

static void pass_on(ut_feed *feed)
{
    if (feed->filling && feed->filling->frames)
        ut_capture_ring_commit(feed->ring, true);
    feed->filling = NULL;
}

/* Puts samples into the ring; gives how many found room. */
static size_t store(ut_feed *feed, const float *samples, size_t frames)
{
    size_t done = 0;
    while (done < frames) {
        if (!feed->filling) {
            feed->filling = ut_capture_ring_reserve(feed->ring, UT_CAPTURE_AUDIO);
            if (!feed->filling)
                break;
            feed->filling->frames = 0;
            feed->filling->first_sample = feed->timeline.samples + (int64_t)done;
        }
        size_t room = UT_SLOT_FRAMES - feed->filling->frames, take = frames - done < room ? frames - done : room;
        memcpy(feed->filling->of.samples + feed->filling->frames, samples + done, take * sizeof *samples);
        feed->filling->frames += take;
        done += take;
        if (feed->filling->frames == UT_SLOT_FRAMES)
            pass_on(feed);
    }
    return done;
}

static void end_segment(ut_feed *feed, const char *reason)
{
    if (feed->timeline.open) {
        const float *tail;
        size_t frames;
        if (feed->convert && ut_convert_push(feed->convert, NULL, 0, &tail, &frames, NULL) == UT_OK)
            feed->timeline.samples += (int64_t)store(feed, tail, frames);
        pass_on(feed);
        if (ut_timeline_end(&feed->timeline))
            settle(feed);
        feed->reason = reason;
        feed->timeline.reset = strcmp(reason, "clock") == 0;
    }
    ut_convert_close(&feed->convert);
}

/* --- the streaming thread ----------------------------------------------------------------------------------- */

static void measure(ut_feed *feed, const float *samples, size_t frames)
{
    float peak = 0;
    double sum = 0;
    for (size_t i = 0; i < frames; i++) {
        float level = fabsf(samples[i]);
        peak = level > peak ? level : peak;
        sum += (double)samples[i] * samples[i];
    }
    double now_s = ut_monotonic_s(), share = fmin(1.0, (double)frames / UT_RATE_HZ);
    if (frames)
        feed->power += share * (sum / (double)frames - feed->power);
    feed->heard_s = now_s;
    if (peak >= SILENT_PEAK)
        feed->silent_since_s = NAN;
    else if (isnan(feed->silent_since_s))
        feed->silent_since_s = now_s;
}

/* Makes the converter for the buffer; a change of format ends the segment. */
static bool follow_format(ut_feed *feed, GstSample *sample)
{
    GstAudioInfo format;
    GstCaps *caps = gst_sample_get_caps(sample);
    if (!caps || !gst_audio_info_from_caps(&format, caps))
        return false;
    if (feed->convert && !gst_audio_info_is_equal(&format, &feed->format)) {
        feed->status.discontinuities++;
        end_segment(feed, "format-change");
    }
    feed->format = format;
    return feed->convert || ut_convert_open(&format, UT_RATE_HZ, 1, feed->drop_centre, &feed->convert, NULL) == UT_OK;
}

static void take(ut_feed *feed, const float *in, size_t frames, int64_t now_ns, int64_t pts_ns)
{
    const float *out;
    size_t got;
    if (ut_convert_push(feed->convert, in, frames, &out, &got, NULL) != UT_OK)
        return;
    measure(feed, out, got);
    feed->status.samples += got;
    if (!feed->timeline.open && !begin_segment(feed, now_ns)) {
        feed->status.dropped_samples += got;
        ut_convert_close(&feed->convert);
        return;
    }
    size_t stored = store(feed, out, got);
    int64_t duration_ns = (int64_t)(frames * (uint64_t)UT_NS_PER_S / (uint64_t)feed->format.rate);
    ut_timeline_add(&feed->timeline, now_ns, pts_ns, duration_ns, stored);
    if (ut_timeline_settle(&feed->timeline, now_ns))
        settle(feed);
    if (stored < got) {
        feed->status.dropped_samples += got - stored;
        end_segment(feed, "overrun");
    }
}

void ut_feed_push(ut_feed *feed, GstSample *sample, bool jumped)
{
    GstMapInfo map;
    GstBuffer *buffer = gst_sample_get_buffer(sample);
    if (!buffer || !gst_buffer_map(buffer, &map, GST_MAP_READ))
        return;
    if (feed->paced)
        ut_capture_ring_wait_room(feed->ring, 2 + map.size / sizeof(float) / UT_SLOT_FRAMES);
    GstClockTime pts = GST_BUFFER_PTS(buffer);
    int64_t now_ns = ut_now_ns(), pts_ns = GST_CLOCK_TIME_IS_VALID(pts) ? (int64_t)pts : UT_TIMELINE_NO_PTS;
    pthread_mutex_lock(&feed->lock);
    bool echo = feed->timeline.samples < JUMP_ECHO;
    const char *cut = jumped && !echo ? "discontinuity" : ut_timeline_check(&feed->timeline, now_ns, pts_ns);
    if (cut) {
        feed->status.discontinuities++;
        end_segment(feed, cut);
    }
    if (follow_format(feed, sample))
        take(feed, (const float *)(const void *)map.data, map.size / (size_t)GST_AUDIO_INFO_BPF(&feed->format), now_ns,
             pts_ns);
    pthread_mutex_unlock(&feed->lock);
    gst_buffer_unmap(buffer, &map);
}

/* --- the supervisor ------------------------------------------------------------------------------------------ */

void ut_feed_wake(ut_feed *feed, bool awake)
{
    ut_capture_ring_wake_writer(feed->ring, awake);
}

void ut_feed_break(ut_feed *feed, const char *reason)
{
    pthread_mutex_lock(&feed->lock);
    end_segment(feed, reason);
    feed->silent_since_s = NAN; /* the next life of the source has its own time to be silent */
    pthread_mutex_unlock(&feed->lock);
}

static void put_gap(ut_feed *feed, int64_t now_ns)
{
    ut_slot *slot = ut_capture_ring_reserve(feed->ring, UT_CAPTURE_GAP);
    if (!slot)
        return; /* it stays open, and is recorded when there is room */
    fill_gap(feed, slot, feed->timeline.end_ns, now_ns);
    ut_capture_ring_commit(feed->ring, true);
    feed->timeline.end_ns = now_ns;
}

void ut_feed_note_gap(ut_feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    int64_t now_ns = ut_now_ns();
    if (!feed->timeline.open && now_ns - feed->timeline.end_ns >= GAP_PIECE_S * UT_NS_PER_S)
        put_gap(feed, now_ns);
    pthread_mutex_unlock(&feed->lock);
}

void ut_feed_finish(ut_feed *feed, bool gap)
{
    pthread_mutex_lock(&feed->lock);
    int64_t now_ns = ut_now_ns();
    bool down = !feed->timeline.open;
    end_segment(feed, "stop");
    if (gap && down && now_ns - feed->timeline.end_ns >= GAP_MIN_NS)
        put_gap(feed, now_ns);
    pthread_mutex_unlock(&feed->lock);
    ut_capture_ring_finish(feed->ring);
}

double ut_feed_quiet_s(ut_feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    double quiet_s = ut_monotonic_s() - feed->heard_s;
    pthread_mutex_unlock(&feed->lock);
    return quiet_s;
}

uint64_t ut_feed_samples(ut_feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    uint64_t samples = feed->status.samples;
    pthread_mutex_unlock(&feed->lock);
    return samples;
}

static bool is_silent(const ut_feed *feed)
{
    return feed->silence_s > 0 && feed->timeline.open && !isnan(feed->silent_since_s) &&
           ut_monotonic_s() - feed->silent_since_s >= feed->silence_s;
}

bool ut_feed_silent(ut_feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    bool silent = is_silent(feed);
    pthread_mutex_unlock(&feed->lock);
    return silent;
}

void ut_feed_status(ut_feed *feed, ut_capture_status *out)
{
    pthread_mutex_lock(&feed->lock);
    *out = feed->status;
    out->up = feed->timeline.open;
    out->silent = is_silent(feed);
    out->quiet_s = ut_monotonic_s() - feed->heard_s;
    out->level_dbfs = feed->power > 0 ? 10 * log10(feed->power) : -INFINITY;
    pthread_mutex_unlock(&feed->lock);
    out->lag_s = (double)ut_capture_ring_waiting(feed->ring) * UT_SLOT_FRAMES / UT_RATE_HZ;
}

/* --- the reader ------------------------------------------------------------------------------------------------- */

ut_status ut_feed_read(ut_feed *feed, int timeout_ms, ut_capture_item *item, ut_err *err)
{
    const ut_slot *slot;
    ut_status rc = ut_capture_ring_read(feed->ring, timeout_ms, &slot, err);
    if (rc != UT_OK)
        return rc;
    *item = (ut_capture_item){.kind = slot->kind};
    if (slot->kind == UT_CAPTURE_SEGMENT) {
        item->segment = &slot->of.segment;
    } else if (slot->kind == UT_CAPTURE_GAP) {
        item->gap = &slot->of.gap;
    } else {
        item->samples = slot->of.samples;
        item->frames = slot->frames;
        item->first_sample = slot->first_sample;
    }
    return UT_OK;
}
