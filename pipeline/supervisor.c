#include "pipeline/supervisor.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/config.h"
#include "core/log.h"
#include "pipeline/backoff.h"
#include "pipeline/decode.h"
#include "pipeline/feed.h"
#include "pipeline/gst.h"

#define POLL_MS 100
#define STEADY_S 60 /* audio for so long makes the back-off start again */

/* One life of the source. */
typedef struct {
    GstElement *pipeline;
    GstBus *bus;
    ut_decode *decode;
} attempt;

struct ut_supervisor {
    ut_supervisor_options options; /* strings owned */
    char shown[512];               /* the URI without passwords */
    ut_source_info source;
    ut_feed *feed;
    ut_backoff backoff;
    int program; /* asked for, or found to have the asked PID */
    pthread_t thread;
    bool started;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t stopped;
    bool stop;
    ut_decode *decode; /* of the attempt under way, for the streaming thread */
    uint64_t rebuilds;
    char problem[200];
    ut_schedule events; /* that wait for the reader */

    ut_schedule given; /* the reader's */
};

ut_supervisor_options ut_supervisor_defaults(void)
{
    return (ut_supervisor_options){.connect_timeout_s = 10,
                                   .no_data_timeout_s = 5,
                                   .retry_min_s = 0.5,
                                   .retry_max_s = 30,
                                   .ring_s = 30,
                                   .pts_tolerance_s = 0.1,
                                   .silence_s = 60};
}

static bool is_stopped(ut_supervisor *s)
{
    pthread_mutex_lock(&s->lock);
    bool stop = s->stop;
    pthread_mutex_unlock(&s->lock);
    return stop;
}

static void set_problem(ut_supervisor *s, const char *text)
{
    pthread_mutex_lock(&s->lock);
    g_strlcpy(s->problem, text, sizeof s->problem);
    pthread_mutex_unlock(&s->lock);
}

/* --- one attempt ---------------------------------------------------------------------------------------------- */

static GstFlowReturn on_sample(GstAppSink *sink, gpointer arg)
{
    ut_supervisor *s = arg;
    GstSample *sample = gst_app_sink_pull_sample(sink);
    if (!sample)
        return GST_FLOW_EOS;
    pthread_mutex_lock(&s->lock);
    ut_decode *decode = s->decode;
    pthread_mutex_unlock(&s->lock);
    ut_feed_push(s->feed, sample, ut_decode_take_jump(decode));
    gst_sample_unref(sample);
    return GST_FLOW_OK;
}

static void attempt_close(ut_supervisor *s, attempt *a)
{
    ut_feed_wake(s->feed, true);
    gst_element_set_state(a->pipeline, GST_STATE_NULL);
    ut_feed_wake(s->feed, false);
    g_clear_pointer(&a->bus, gst_object_unref);
    ut_decode_close(&a->decode);
    g_clear_pointer(&a->pipeline, gst_object_unref);
}

static ut_status attempt_open(ut_supervisor *s, attempt *a, ut_err *err)
{
    GstElement *sink;
    *a = (attempt){.pipeline = gst_pipeline_new(NULL)};
    a->bus = gst_element_get_bus(a->pipeline);
    ut_choice choice = {.program = s->program, .pid = s->options.pid, .language = s->options.language};
    ut_status rc = ut_decode_open(GST_BIN(a->pipeline), &choice, &a->decode, &sink, err);
    if (rc == UT_OK)
        rc = ut_decode_follow_events(a->decode, s->options.channel, err);
    if (rc == UT_OK)
        rc = ut_source_build(GST_BIN(a->pipeline), s->options.uri, a->decode, err);
    if (rc != UT_OK) {
        attempt_close(s, a);
        return rc;
    }
    ut_decode_watch_jumps(a->decode, s->options.pts_tolerance_s);
    if (s->source.paced)
        g_object_set(sink, "sync", TRUE, NULL);
    GstAppSinkCallbacks callbacks = {.new_sample = on_sample};
    gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, s, NULL);
    pthread_mutex_lock(&s->lock);
    s->decode = a->decode;
    pthread_mutex_unlock(&s->lock);
    return UT_OK;
}

/* Reads the bus for up to POLL_MS. The reason to give up, or NULL. */
static const char *poll_bus(ut_supervisor *s, attempt *a, ut_err *err)
{
    const char *reason = NULL;
    GstMessage *message = gst_bus_timed_pop(a->bus, POLL_MS * GST_MSECOND);
    for (; message; message = reason ? NULL : gst_bus_pop(a->bus)) {
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
            reason = "error";
            if (ut_decode_problem(a->decode, s->shown, true, err) == UT_OK)
                ut_gst_fail(err, s->shown, message);
        } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) {
            reason = "eos";
            if (ut_decode_problem(a->decode, s->shown, true, err) == UT_OK)
                ut_fail(err, UT_E_IO, "%s: the source ended", s->shown);
        }
        gst_message_unref(message);
    }
    if (!reason && ut_decode_problem(a->decode, s->shown, false, err) != UT_OK)
        reason = "error";
    return reason;
}

/* A passive source costs nobody anything while it waits, so it waits as long as the longest back-off; without data at
 * all, a fresh pipeline is only a precaution. */
static double patience_s(const ut_supervisor *s, bool heard)
{
    if (heard)
        return s->options.no_data_timeout_s;
    return s->source.passive ? fmax(s->options.connect_timeout_s, s->options.retry_max_s)
                             : s->options.connect_timeout_s;
}

static void take_events(ut_supervisor *s, attempt *a)
{
    ut_schedule events = {0};
    if (!ut_decode_events(a->decode, &events))
        return;
    pthread_mutex_lock(&s->lock);
    ut_schedule_clear(&s->events);
    s->events = events;
    pthread_mutex_unlock(&s->lock);
}

/* Watches until it is time to give up. */
static const char *watch(ut_supervisor *s, attempt *a, ut_err *err)
{
    double start_s = ut_monotonic_s();
    uint64_t before = ut_feed_samples(s->feed);
    bool heard = false;
    const char *reason = NULL;
    while (!reason && !is_stopped(s)) {
        reason = poll_bus(s, a, err);
        take_events(s, a);
        bool now_heard = ut_feed_samples(s->feed) != before;
        if (now_heard && !heard) {
            set_problem(s, "");
            ut_log(UT_LOG_INFO, "capture", "up", "channel=%s", s->options.channel);
        }
        heard |= now_heard;
        double since_s = ut_monotonic_s() - start_s;
        double quiet_s = heard ? ut_feed_quiet_s(s->feed) : since_s;
        if (heard && since_s > STEADY_S)
            ut_backoff_reset(&s->backoff);
        if (!reason && quiet_s > patience_s(s, heard)) {
            reason = "no-data";
            ut_fail(err, UT_E_IO, "%s: no audio for %.1f s", s->shown, quiet_s);
        } else if (!reason && s->options.rebuild_when_silent && ut_feed_silent(s->feed)) {
            reason = "silence";
            ut_fail(err, UT_E_IO, "%s: digital silence for %.0f s", s->shown, s->options.silence_s);
        }
        ut_feed_note_gap(s->feed);
    }
    return reason;
}

/* --- the thread ------------------------------------------------------------------------------------------------- */

static void wait_s(ut_supervisor *s, double seconds)
{
    double until_s = ut_monotonic_s() + seconds;
    while (ut_monotonic_s() < until_s && !is_stopped(s)) {
        /* Pieces of a gap fall due meanwhile. The wall clock may be set back: it must not say when this ends. */
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        int64_t ns = until.tv_nsec + (int64_t)(fmin(fmax(until_s - ut_monotonic_s(), 0), 1) * UT_NS_PER_S);
        until.tv_sec += (time_t)(ns / UT_NS_PER_S);
        until.tv_nsec = (long)(ns % UT_NS_PER_S);
        pthread_mutex_lock(&s->lock);
        if (!s->stop)
            pthread_cond_timedwait(&s->stopped, &s->lock, &until);
        pthread_mutex_unlock(&s->lock);
        ut_feed_note_gap(s->feed);
    }
}

/* One life of the source; false if there is to be no other. */
static bool live(ut_supervisor *s)
{
    attempt a;
    ut_err err = {0};
    const char *reason = "error";
    int other = 0;
    uint64_t before = ut_feed_samples(s->feed);
    if (attempt_open(s, &a, &err) == UT_OK) {
        if (gst_element_set_state(a.pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE && !poll_bus(s, &a, &err))
            ut_fail(&err, UT_E_IO, "%s: cannot be started", s->shown);
        else if (err.code == UT_OK)
            reason = watch(s, &a, &err);
        other = ut_decode_other_program(a.decode);
        attempt_close(s, &a);
    }
    if (!reason) /* stopped */
        return false;
    ut_feed_break(s->feed, reason);
    if (other && other != s->program) {
        s->program = other;
        return true;
    }
    bool heard = ut_feed_samples(s->feed) != before;
    if (s->options.once && strcmp(reason, "eos") == 0)
        return false;
    set_problem(s, err.text);
    pthread_mutex_lock(&s->lock);
    s->rebuilds++;
    pthread_mutex_unlock(&s->lock);
    bool at_once = s->source.passive && strcmp(reason, "error") != 0;
    double delay_s = at_once ? 0 : ut_backoff_next(&s->backoff);
    char quoted[400];
    ut_log(heard || !at_once ? UT_LOG_WARN : UT_LOG_DEBUG, "capture", "down",
           "channel=%s reason=%s retry_s=%.1f error=%s", s->options.channel, reason, delay_s,
           ut_log_quote(quoted, sizeof quoted, err.text));
    wait_s(s, delay_s);
    return true;
}

static void *run(void *arg)
{
    ut_supervisor *s = arg;
    while (!is_stopped(s) && live(s))
        continue;
    ut_feed_finish(s->feed, is_stopped(s));
    return NULL;
}

/* --- life ------------------------------------------------------------------------------------------------------ */

static uint64_t seed_of(const char *channel)
{
    return ((uint64_t)g_str_hash(channel) << 32) ^ (uint64_t)ut_now_ns();
}

/* Builds the pipeline once without starting it: what is wrong with the URI or the installation shows here. */
static ut_status try_build(ut_supervisor *s, ut_err *err)
{
    attempt a;
    ut_status rc = attempt_open(s, &a, err);
    if (rc == UT_OK)
        attempt_close(s, &a);
    return rc;
}

static ut_status check_options(const ut_supervisor_options *o, ut_err *err)
{
    if (!o->channel || !o->uri || o->connect_timeout_s <= 0 || o->no_data_timeout_s <= 0 || o->retry_min_s <= 0 ||
        o->retry_max_s < o->retry_min_s || o->ring_s <= 0 || o->ring_s > 3600 || o->pts_tolerance_s <= 0)
        return ut_fail(err, UT_E_ARG, "capture of %s: a setting is missing or out of range",
                       o->channel ? o->channel : "a channel without id");
    return UT_OK;
}

ut_status ut_supervisor_open(const ut_supervisor_options *options, ut_supervisor **out, ut_err *err)
{
    ut_source_info source;
    ut_status rc;
    if ((rc = check_options(options, err)) != UT_OK || (rc = ut_gst_init(err)) != UT_OK ||
        (rc = ut_source_describe(options->uri, &source, err)) != UT_OK)
        return rc;
    ut_supervisor *s = calloc(1, sizeof *s);
    if (!s)
        return ut_fail(err, UT_E_NOMEM, "%s: supervisor", options->channel);
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&s->stopped, &attributes);
    pthread_condattr_destroy(&attributes);
    s->options = *options;
    s->options.channel = g_strdup(options->channel);
    s->options.uri = g_strdup(options->uri);
    s->options.language = g_strdup(options->language);
    s->source = source;
    s->program = options->program;
    s->backoff = ut_backoff_make(options->retry_min_s, options->retry_max_s, seed_of(options->channel));
    ut_redact(options->uri, s->shown, sizeof s->shown);
    if ((rc = ut_feed_open(options, &source, &s->feed, err)) != UT_OK || (rc = try_build(s, err)) != UT_OK)
        goto fail;
    if (pthread_create(&s->thread, NULL, run, s) != 0) {
        rc = ut_fail(err, UT_E_NOMEM, "%s: no thread", options->channel);
        goto fail;
    }
    s->started = true;
    *out = s;
    return UT_OK;
fail:
    ut_supervisor_close(&s);
    return rc;
}

void ut_supervisor_stop(ut_supervisor *s)
{
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_broadcast(&s->stopped);
    pthread_mutex_unlock(&s->lock);
}

void ut_supervisor_close(ut_supervisor **supervisor)
{
    ut_supervisor *s = *supervisor;
    if (!s)
        return;
    if (s->started) {
        ut_supervisor_stop(s);
        pthread_join(s->thread, NULL);
    }
    ut_feed_close(&s->feed);
    ut_schedule_clear(&s->events);
    ut_schedule_clear(&s->given);
    pthread_cond_destroy(&s->stopped);
    pthread_mutex_destroy(&s->lock);
    g_free((gchar *)s->options.channel);
    g_free((gchar *)s->options.uri);
    g_free((gchar *)s->options.language);
    free(s);
    *supervisor = NULL;
}

ut_status ut_supervisor_read(ut_supervisor *supervisor, int timeout_ms, ut_capture_item *item, ut_err *err)
{
    ut_supervisor *s = supervisor;
    pthread_mutex_lock(&s->lock);
    bool events = s->events.count > 0;
    if (events) {
        ut_schedule_clear(&s->given);
        s->given = s->events;
        s->events = (ut_schedule){0};
    }
    pthread_mutex_unlock(&s->lock);
    if (events) {
        *item = (ut_capture_item){.kind = UT_CAPTURE_EVENTS, .airings = s->given.items, .airing_count = s->given.count};
        return UT_OK;
    }
    return ut_feed_read(supervisor->feed, timeout_ms, item, err);
}

void ut_supervisor_status(ut_supervisor *s, ut_capture_status *out)
{
    ut_feed_status(s->feed, out);
    pthread_mutex_lock(&s->lock);
    out->rebuilds = s->rebuilds;
    g_strlcpy(out->problem, s->problem, sizeof out->problem);
    pthread_mutex_unlock(&s->lock);
}
