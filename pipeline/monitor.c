#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "pipeline/monitor_state.h"
#include "pipeline/owner.h"
#include "pipeline/recognition.h"
#include "pipeline/rules.h"

enum { NAP_MS = 20, BURST = 16, HANG_MS = 60000, DEVICE_THREADS = 256 };
#define DRAIN_S 30.0
#define LOOK_S 10.0 /* between looks at the store's figures */
#define HINT_S 0.5  /* between looks whether the store announced a change */
#define REST_S 2.0  /* between a load of the catalogue and the next, at least */

int64_t ut_monitor_now_ms(void)
{
    return (int64_t)(ut_monotonic_s() * 1000);
}

static void report(ut_monitor_channel *ch, const char *event, const ut_err *err)
{
    unsigned long held = 0;
    char quoted[512];
    if (ut_log_admit(&ch->failures, 10, &held))
        ut_log(UT_LOG_ERROR, "monitor", event, "channel=%s held=%lu error=%s", ch->id, held,
               ut_log_quote(quoted, sizeof quoted, err->text));
}

static void end_channel(ut_monitor_channel *ch)
{
    ut_err err = {0};
    if (ut_channel_finish(ch->channel, &err) != UT_OK)
        report(ch, "conclusion_failed", &err);
    ch->ended = true;
}

/* Takes some of what waits; true if there was something. */
static bool serve(ut_monitor *m, ut_monitor_channel *ch)
{
    int taken = 0;
    if (ch->discard) {
        ut_err err = {0};
        if (ut_channel_abandon(ch->channel, &err) != UT_OK)
            report(ch, "abandon_failed", &err);
        ch->ended = true;
        return true;
    }
    for (; taken < BURST; taken++) {
        ut_capture_item item;
        ut_err err = {0};
        ut_status rc = m->capture->read(ch->capture, 0, &item, &err);
        if (rc == UT_OK && ut_channel_take(ch->channel, &item, &err) != UT_OK)
            report(ch, "analysis_failed", &err);
        if (rc == UT_E_STOPPED)
            end_channel(ch);
        else if (rc != UT_OK && rc != UT_E_BUSY)
            report(ch, "capture_failed", &err);
        if (rc != UT_OK)
            break;
    }
    return taken > 0;
}

static void *worker_main(void *arg)
{
    ut_monitor_worker *w = arg;
    ut_monitor *m = w->monitor;
    for (bool live = true; live;) {
        bool busy = false;
        live = m->options.parked && !m->closing;
        w->heartbeat_ms = ut_monitor_now_ms();
        bool late = ut_monitor_now_ms() >= m->deadline_ms;
        for (size_t i = w->number; i < m->channel_count; i += m->worker_count) {
            ut_monitor_channel *ch = &m->channels[i];
            if (ch->ended)
                continue;
            if (late)
                end_channel(ch);
            else
                busy |= serve(m, ch);
            live |= !ch->ended;
            w->heartbeat_ms = ut_monitor_now_ms();
        }
        if (live && !busy)
            usleep(NAP_MS * 1000);
    }
    w->finished = true;
    return NULL;
}

/* --- the catalogue's follower --------------------------------------------------------------- */

static void look(ut_monitor *m, ut_store **store, bool refresh)
{
    ut_err err = {0};
    ut_store_stats stats;
    bool changed = false;
    char quoted[512];
    ut_status rc = *store ? UT_OK : ut_store_open(m->options.store, UT_STORE_READ, store, &err);
    if (rc == UT_OK && refresh)
        rc = ut_catalogue_refresh(m->catalogue, *store, &changed, &err);
    if (rc == UT_OK)
        rc = ut_store_describe(*store, &stats, &err);
    pthread_mutex_lock(&m->lock);
    m->store_known = rc == UT_OK;
    if (rc == UT_OK)
        m->store_stats = stats;
    pthread_mutex_unlock(&m->lock);
    if (rc != UT_OK) {
        ut_log(UT_LOG_WARN, "monitor", "catalogue_not_read", "error=%s", ut_log_quote(quoted, sizeof quoted, err.text));
        ut_store_close(store);
    }
    if (changed) {
        ut_log(UT_LOG_INFO, "monitor", "catalogue_loaded", "version=%" PRId64, stats.catalogue_version);
        if (*store)
            ut_catalogue_tidy(m->catalogue, *store);
    }
}

/* Waits until `until_s` (monotonic), or for a reload or the stop to be asked for; false if the monitor stops. */
static bool nap(ut_monitor *m, double until_s, bool *asked)
{
    struct timespec ts = {.tv_sec = (time_t)until_s};
    ts.tv_nsec = (long)((until_s - (double)ts.tv_sec) * 1e9);
    pthread_mutex_lock(&m->lock);
    int rc = 0;
    while (rc == 0 && !m->stopping && !m->reload)
        rc = pthread_cond_timedwait(&m->wake, &m->lock, &ts);
    *asked = m->reload;
    m->reload = false;
    bool go_on = !m->stopping;
    pthread_mutex_unlock(&m->lock);
    return go_on;
}

/* Waits until `until_s`; false if the monitor stops. *asked: a reload was asked for, or the store announced a change
 * and it is `rested_s` or later: who fills a catalogue announces every recording. */
static bool follower_wait(ut_monitor *m, ut_store *store, double until_s, double rested_s, bool *asked)
{
    bool go_on, told = false;
    double now_s;
    do {
        go_on = nap(m, fmin(until_s, ut_monotonic_s() + HINT_S), asked);
        told |= store && ut_store_catalogue_hint(store);
        now_s = ut_monotonic_s();
        *asked |= told && now_s >= rested_s;
    } while (go_on && !*asked && now_s < until_s);
    return go_on;
}

static void *follower_main(void *arg)
{
    ut_monitor *m = arg;
    ut_store *store = NULL;
    double reload_s = m->options.config->recognition.reload_s, reloaded_s = ut_monotonic_s(), took_s = 0;
    bool refresh = true;
    do {
        double began_s = ut_monotonic_s();
        look(m, &store, refresh);
        if (refresh) {
            reloaded_s = ut_monotonic_s();
            took_s = reloaded_s - began_s;
        }
        bool asked = false;
        double rest_s = fmin(reload_s, fmax(REST_S, 4 * took_s));
        if (!follower_wait(m, store, ut_monotonic_s() + fmin(reload_s, LOOK_S), reloaded_s + rest_s, &asked))
            break;
        refresh = asked || ut_monotonic_s() - reloaded_s >= reload_s;
    } while (true);
    ut_store_close(&store);
    return NULL;
}

/* --- opening and closing -------------------------------------------------------------------- */

static ut_status open_catalogue(ut_monitor *m, ut_err *err)
{
    ut_store *store = NULL;
    ut_status rc = ut_store_open(m->options.store, UT_STORE_CREATE, &store, err);
    if (rc == UT_OK)
        rc = ut_catalogue_open(store, m->options.config->recognition.params, &m->catalogue, err);
    ut_store_close(&store);
    return rc;
}

static ut_status open_writers(ut_monitor *m, ut_err *err)
{
    const ut_config *config = m->options.config;
    ut_outbox_options outbox = {.store = m->options.store,
                                .sinks = config->events.sinks,
                                .sink_count = config->events.sink_count,
                                .config = config,
                                .retry_min_s = config->events.retry_min_s,
                                .retry_max_s = config->events.retry_max_s};
    ut_status rc = UT_OK;
    if (outbox.sink_count) /* without one, events wait in the store for the day there is */
        rc = ut_outbox_start(&outbox, &m->outbox, err);
    if (rc != UT_OK)
        return rc;
    char owner[UT_OWNER_SIZE];
    ut_owner_make(owner);
    rc = ut_journal_start(m->options.store, m->options.parked ? owner : NULL, m->outbox, &m->journal, err);
    if (rc == UT_OK)
        ut_journal_follow(m->journal, ut_rules_follow);
    return rc;
}

static ut_supervisor_options capture_options(const ut_monitor *m, const ut_channel_config *channel)
{
    const ut_config *config = m->options.config;
    ut_supervisor_options options = ut_supervisor_defaults();
    options.channel = channel->id;
    options.uri = channel->uri;
    options.program = (int)channel->program;
    options.pid = (int)channel->pid;
    options.language = channel->language;
    options.drop_centre = channel->drop_centre;
    options.connect_timeout_s = config->capture.connect_timeout_s;
    options.no_data_timeout_s = config->capture.no_data_timeout_s;
    options.retry_min_s = config->capture.retry_min_s;
    options.retry_max_s = config->capture.retry_max_s;
    options.ring_s = config->capture.ring_s;
    options.pts_tolerance_s = config->capture.pts_tolerance_ms / 1000;
    options.silence_s = config->capture.silence_s;
    options.rebuild_when_silent = config->capture.rebuild_when_silent;
    options.once = m->options.once;
    return options;
}

/* Nobody listened: what no segment and no gap accounts for, up to until_ns. */
static ut_status record_absence(ut_monitor *m, ut_store *store, const char *channel, const char *reason,
                                int64_t until_ns, ut_err *err)
{
    ut_gap gap = {.end_ns = until_ns};
    ut_status rc = ut_store_captured_until(store, channel, &gap.start_ns, err);
    if (rc == UT_E_NOTFOUND || (rc == UT_OK && gap.start_ns >= gap.end_ns))
        return UT_OK;
    snprintf(gap.reason, sizeof gap.reason, "%s", reason);
    snprintf(gap.channel, sizeof gap.channel, "%s", channel);
    return rc == UT_OK ? ut_journal_gap(m->journal, &gap, err) : rc;
}

static ut_channel_options recognition_options(const ut_monitor *m)
{
    const ut_config *config = m->options.config;
    return (ut_channel_options){
        .catalogue = m->catalogue,
        .params = config->recognition.params,
        .model = m->model,
        .backend = config->separator.backend,
        .precision = ut_recognition_precision(config->separator.precision),
        .unidentified = config->recognition.unidentified,
        .max_log10_e = config->recognition.max_log10_e,
        .keep_trails = config->recognition.keep_trails,
        .journal = m->journal,
    };
}

ut_status ut_monitor_open_channel(ut_monitor *m, ut_store *store, ut_monitor_channel *ch, const char *reason,
                                  ut_err *err)
{
    ut_channel_options recognition = recognition_options(m);
    ut_supervisor_options options = capture_options(m, ch->config);
    ut_supervisor *capture = NULL;
    ut_channel *channel = NULL;
    options.since_ns = ut_now_ns();
    ut_status rc = ut_channel_open(&recognition, ch->id, &channel, err);
    if (rc == UT_OK)
        rc = record_absence(m, store, ch->id, reason, options.since_ns, err);
    if (rc == UT_OK)
        rc = m->capture->open(&options, &capture, err);
    if (rc != UT_OK) {
        ut_channel_close(&channel);
        return rc;
    }
    pthread_mutex_lock(&m->lock);
    ch->capture = capture;
    ch->channel = channel;
    pthread_mutex_unlock(&m->lock);
    ch->discard = false;
    ch->ended = false;
    return UT_OK;
}

static ut_status open_channels(ut_monitor *m, ut_err *err)
{
    const ut_config *config = m->options.config;
    ut_store *store = NULL;
    m->channels = calloc(config->channel_count ? config->channel_count : 1, sizeof *m->channels);
    if (!m->channels)
        return ut_fail(err, UT_E_NOMEM, "monitor: %zu channels", config->channel_count);
    ut_status rc = ut_store_open(m->options.store, UT_STORE_READ, &store, err);
    for (size_t i = 0; i < config->channel_count && rc == UT_OK; i++) {
        if (!config->channels[i].enabled)
            continue;
        ut_monitor_channel *ch = &m->channels[m->channel_count++];
        snprintf(ch->id, sizeof ch->id, "%s", config->channels[i].id);
        ch->config = &config->channels[i];
        ch->ended = true;
        if (!m->options.parked)
            rc = ut_monitor_open_channel(m, store, ch, "restart", err);
    }
    ut_store_close(&store);
    if (rc == UT_OK && m->channel_count == 0)
        rc = ut_fail(err, UT_E_ARG, "monitor: no enabled channel is configured");
    return rc;
}

static ut_status start_threads(ut_monitor *m, ut_err *err)
{
    int64_t wanted = m->options.config->recognition.threads;
    if (wanted <= 0)
        wanted = m->model && ut_separator_gathers(m->options.config->separator.backend) ? DEVICE_THREADS
                                                                                        : sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = wanted > 1 ? (size_t)wanted : 1;
    m->worker_count = count < m->channel_count ? count : m->channel_count;
    if (!(m->workers = calloc(m->worker_count, sizeof *m->workers)))
        return ut_fail(err, UT_E_NOMEM, "monitor: %zu workers", m->worker_count);
    sigset_t all, before; /* signals are the main thread's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool failed = false;
    for (size_t i = 0; i < m->worker_count && !failed; i++) {
        ut_monitor_worker *w = &m->workers[i];
        w->monitor = m;
        w->number = i;
        w->heartbeat_ms = ut_monitor_now_ms();
        failed = pthread_create(&w->thread, NULL, worker_main, w) != 0;
        w->started = !failed;
    }
    failed = failed || pthread_create(&m->follower, NULL, follower_main, m) != 0;
    m->follower_started = !failed;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed ? ut_fail(err, UT_E_NOMEM, "monitor: threads") : UT_OK;
}

ut_status ut_monitor_open(const ut_monitor_options *options, ut_monitor **out, ut_err *err)
{
    ut_monitor *m = calloc(1, sizeof *m);
    if (!m)
        return ut_fail(err, UT_E_NOMEM, "monitor");
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&m->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&m->lock, NULL);
    m->options = *options;
    m->options.drain_s = options->drain_s > 0 ? options->drain_s : DRAIN_S;
    m->capture = options->capture;
    m->deadline_ms = INT64_MAX;
    ut_status rc = ut_recognition_model(options->config->separator.model, &m->model, err);
    if (rc == UT_OK)
        rc = open_catalogue(m, err);
    if (rc == UT_OK)
        rc = open_writers(m, err);
    if (rc == UT_OK)
        rc = open_channels(m, err);
    if (rc == UT_OK)
        rc = start_threads(m, err);
    ut_metrics_source source = {.render = ut_monitor_render, .healthy = ut_monitor_healthy, .arg = m};
    if (rc == UT_OK && options->config->metrics.listen)
        rc = ut_metrics_start(options->config->metrics.listen, &source, &m->metrics, err);
    if (rc != UT_OK) {
        ut_err ignored;
        ut_status closed = ut_monitor_close(&m, &ignored);
        (void)closed; /* the first failure is the one to tell */
        return rc;
    }
    *out = m;
    return UT_OK;
}

void ut_monitor_reload(ut_monitor *m)
{
    pthread_mutex_lock(&m->lock);
    m->reload = true;
    pthread_cond_signal(&m->wake);
    pthread_mutex_unlock(&m->lock);
}

bool ut_monitor_alive(ut_monitor *m)
{
    for (size_t i = 0; i < m->worker_count; i++) {
        ut_monitor_worker *w = &m->workers[i];
        if (!w->finished && ut_monitor_now_ms() - w->heartbeat_ms > HANG_MS)
            return false;
    }
    return true;
}

bool ut_monitor_ended(ut_monitor *m)
{
    for (size_t i = 0; i < m->channel_count; i++)
        if (!m->channels[i].ended)
            return false;
    return true;
}

int ut_monitor_port(const ut_monitor *m)
{
    return m->metrics ? ut_metrics_port(m->metrics) : 0;
}

/* Capture ends and the workers conclude what they have. */
static void stop_threads(ut_monitor *m)
{
    m->closing = true;
    for (size_t i = 0; i < m->channel_count; i++)
        if (m->channels[i].capture)
            m->capture->stop(m->channels[i].capture);
    m->deadline_ms = ut_monitor_now_ms() + (int64_t)(m->options.drain_s * 600);
    pthread_mutex_lock(&m->lock);
    m->stopping = true;
    pthread_cond_signal(&m->wake);
    pthread_mutex_unlock(&m->lock);
    for (size_t i = 0; m->workers && i < m->worker_count; i++)
        if (m->workers[i].started)
            pthread_join(m->workers[i].thread, NULL);
    if (m->follower_started)
        pthread_join(m->follower, NULL);
}

ut_status ut_monitor_close(ut_monitor **monitor, ut_err *err)
{
    ut_monitor *m = monitor ? *monitor : NULL;
    if (!m)
        return UT_OK;
    size_t lost = 0;
    stop_threads(m);
    ut_metrics_stop(&m->metrics);
    ut_journal_stop(&m->journal, m->options.drain_s * 0.2, &lost);
    bool left = false;
    ut_outbox_stop(&m->outbox, m->options.drain_s * 0.2, &left);
    if (left)
        ut_log(UT_LOG_WARN, "monitor", "events_left", "where=store");
    for (size_t i = 0; i < m->channel_count; i++) {
        if (m->channels[i].capture)
            m->capture->close(&m->channels[i].capture);
        ut_channel_close(&m->channels[i].channel);
    }
    ut_catalogue_close(&m->catalogue);
    ut_model_close(&m->model);
    pthread_cond_destroy(&m->wake);
    pthread_mutex_destroy(&m->lock);
    free(m->channels);
    free(m->workers);
    free(m);
    *monitor = NULL;
    return lost ? ut_fail(err, UT_E_IO, "monitor: %zu entries could not be written to the store", lost) : UT_OK;
}
