/* What the monitor tells Prometheus. Labels are channel ids and fixed words only, never titles. */
#include <inttypes.h>
#include <stdlib.h>

#include "cuesheet/cue.h"
#include "pipeline/monitor_state.h"

typedef struct {
    ut_capture_status capture;
    ut_channel_stats channel;
    bool owned; /* by this monitor: else another tells of it */
} channel_figures;

typedef double (*figure_fn)(const channel_figures *figures);

#define FIGURE(name, expression)                                                                                       \
    static double name(const channel_figures *f)                                                                       \
    {                                                                                                                  \
        return (double)(expression);                                                                                   \
    }
FIGURE(capture_up, f->capture.up)
FIGURE(capture_silent, f->capture.silent)
FIGURE(gap_seconds, f->capture.gap_s)
FIGURE(discontinuities, f->capture.discontinuities)
FIGURE(rebuilds, f->capture.rebuilds)
FIGURE(dropped_seconds, (double)f->capture.dropped_samples / UT_RATE_HZ)
FIGURE(lag_seconds, f->capture.lag_s)
FIGURE(audio_seconds, (double)f->channel.samples / UT_RATE_HZ)
FIGURE(analysis_seconds, f->channel.analysis_s)
FIGURE(unidentified_seconds, f->channel.unidentified_s)
FIGURE(failures, f->channel.failures)

static const struct {
    const char *name, *type, *help;
    figure_fn figure;
} per_channel[] = {
    {"undertone_capture_up", "gauge", "1 while audio comes in.", capture_up},
    {"undertone_capture_silent", "gauge", "1 while the audio is digital silence.", capture_silent},
    {"undertone_capture_gap_seconds_total", "counter", "Time that was not captured.", gap_seconds},
    {"undertone_capture_rebuilds_total", "counter", "Times the source was built anew.", rebuilds},
    {"undertone_capture_dropped_seconds_total", "counter", "Audio dropped because analysis was behind.",
     dropped_seconds},
    {"undertone_stream_discontinuities_total", "counter", "Jumps of the stream's time.", discontinuities},
    {"undertone_audio_lag_seconds", "gauge", "Captured audio that waits for analysis.", lag_seconds},
    {"undertone_audio_seconds_total", "counter", "Audio analysed.", audio_seconds},
    {"undertone_analysis_duration_seconds_total", "counter", "Time spent separating and matching it.",
     analysis_seconds},
    {"undertone_analysis_failures_total", "counter", "Failures of the recogniser.", failures},
    {"undertone_unidentified_music_seconds_total", "counter", "Music that nothing identified.", unidentified_seconds},
};

static void render_channels(ut_monitor *m, const channel_figures *figures, FILE *out)
{
    for (size_t i = 0; i < sizeof per_channel / sizeof *per_channel; i++) {
        ut_metrics_head(out, per_channel[i].name, per_channel[i].type, per_channel[i].help);
        for (size_t c = 0; c < m->channel_count; c++)
            if (figures[c].owned)
                fprintf(out, "%s{channel=\"%s\"} %.10g\n", per_channel[i].name, m->channels[c].id,
                        per_channel[i].figure(&figures[c]));
    }
    ut_metrics_head(out, "undertone_music_seconds_total", "counter", "Identified music by its use.");
    for (size_t c = 0; c < m->channel_count; c++)
        for (int use = 0; figures[c].owned && use < 4; use++)
            fprintf(out, "undertone_music_seconds_total{channel=\"%s\",class=\"%s\"} %.10g\n", m->channels[c].id,
                    ut_use_name((ut_use)use), figures[c].channel.music_s[use]);
    ut_metrics_head(out, "undertone_cues_total", "counter", "Stretches of music by outcome.");
    for (size_t c = 0; c < m->channel_count; c++)
        for (int outcome = 0; figures[c].owned && outcome < 3; outcome++)
            fprintf(out, "undertone_cues_total{channel=\"%s\",status=\"%s\"} %" PRIu64 "\n", m->channels[c].id,
                    ut_outcome_name((ut_outcome)outcome), figures[c].channel.cues[outcome]);
}

static void one(FILE *out, const char *name, const char *type, const char *help, double value)
{
    ut_metrics_head(out, name, type, help);
    fprintf(out, "%s %.10g\n", name, value);
}

static void render_store(ut_monitor *m, FILE *out)
{
    ut_journal_stats journal = ut_journal_describe(m->journal);
    one(out, "undertone_store_pending", "gauge", "Entries that wait for the store.", (double)journal.pending);
    one(out, "undertone_store_failures_total", "counter", "Failed writes to the store.", (double)journal.failures);
    one(out, "undertone_store_refused_total", "counter", "Entries the store would not take.", (double)journal.refused);
    if (m->outbox) {
        ut_outbox_stats outbox = ut_outbox_describe(m->outbox);
        one(out, "undertone_outbox_published_total", "counter", "Events acknowledged.", (double)outbox.published);
        one(out, "undertone_outbox_failures_total", "counter", "Failed rounds of publishing.", (double)outbox.failures);
        one(out, "undertone_kafka_delivery_errors_total", "counter", "Failed deliveries of events to Kafka.",
            (double)outbox.sinks.failed);
        one(out, "undertone_kafka_dead_letters_total", "counter", "Events that Kafka refused for good.",
            (double)outbox.sinks.dead);
    }
    pthread_mutex_lock(&m->lock);
    ut_store_stats stats = m->store_stats;
    bool known = m->store_known;
    pthread_mutex_unlock(&m->lock);
    if (known)
        one(out, "undertone_outbox_pending", "gauge", "Events not yet acknowledged.", (double)stats.outbox_pending);
}

static void render_catalogue(ut_monitor *m, FILE *out)
{
    ut_snapshot *snapshot = ut_catalogue_take(m->catalogue);
    ut_index_info info = ut_index_describe(ut_snapshot_index(snapshot));
    ut_snapshot_unref(&snapshot);
    one(out, "undertone_catalogue_recordings", "gauge", "Recordings that can be recognised.", (double)info.recordings);
    one(out, "undertone_catalogue_version", "gauge", "Version of the catalogue in force.",
        (double)info.catalogue_version);
    ut_metrics_head(out, "undertone_build_info", "gauge", "Version of the program and hash of the model.");
    fprintf(out, "undertone_build_info{version=\"%s\",model=\"%s\"} 1\n", UT_VERSION,
            m->model ? ut_model_describe(m->model)->hash : "none");
}

void ut_monitor_render(void *arg, FILE *out)
{
    ut_monitor *m = arg;
    channel_figures *figures = calloc(m->channel_count, sizeof *figures);
    if (!figures)
        return;
    pthread_mutex_lock(&m->lock); /* a channel may leave */
    for (size_t c = 0; c < m->channel_count; c++) {
        if (!m->channels[c].capture)
            continue;
        m->capture->status(m->channels[c].capture, &figures[c].capture);
        figures[c].channel = ut_channel_describe(m->channels[c].channel);
        figures[c].owned = true;
    }
    pthread_mutex_unlock(&m->lock);
    render_channels(m, figures, out);
    free(figures);
    render_store(m, out);
    render_catalogue(m, out);
}

/* A channel that is off air is the channel's trouble; this is about the program: it works, and what it finds is
 * written. */
bool ut_monitor_healthy(void *arg, FILE *out)
{
    ut_monitor *m = arg;
    if (!ut_monitor_alive(m)) {
        fputs("a worker hangs", out);
        return false;
    }
    ut_journal_stats journal = ut_journal_describe(m->journal);
    if (!journal.healthy) {
        fprintf(out, "the store takes no writes, %zu entries wait", journal.pending);
        return false;
    }
    return true;
}
