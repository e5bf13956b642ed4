#include "apps/bench/stages.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gst/app/gstappsrc.h>
#include <gst/gst.h>

#include "apps/evaluate/synth.h"
#include "apps/machine.h"
#include "core/types.h"
#include "fingerprint/fingerprint.h"
#include "pipeline/ingest.h"
#include "pipeline/media.h"
#include "separator/bench.h"
#include "separator/stream.h"

enum { PUSH_FRAMES = 4096, TRACK_S = 240, TRACK_FRAMES = TRACK_S * UT_RATE_HZ };

/* --- made-up files -----------------------------------------------------------------------------
 */

/* A transport stream with MP2 audio, as a broadcast recorder writes them. */
static ut_status write_ts(const char *path, const float *mono, size_t frames, ut_err *err)
{
    char *launch =
        g_strdup_printf("appsrc name=in format=time "
                        "caps=audio/x-raw,format=F32LE,rate=16000,channels=1,layout=interleaved ! audioconvert ! "
                        "audioresample ! audio/x-raw,rate=48000,channels=2 ! twolamemp2enc bitrate=192 ! "
                        "audio/mpeg,rate=48000 ! mpegaudioparse ! mpegtsmux ! filesink location=\"%s\"",
                        path);
    GError *error = NULL;
    gst_init(NULL, NULL);
    GstElement *pipeline = gst_parse_launch(launch, &error);
    g_free(launch);
    if (error) {
        ut_status rc = ut_fail(err, UT_E_UNSUPPORTED, "%s: %s", path, error->message);
        g_error_free(error);
        return rc;
    }
    GstElement *source = gst_bin_get_by_name(GST_BIN(pipeline), "in");
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, frames * sizeof *mono, NULL);
    gst_buffer_fill(buffer, 0, mono, frames * sizeof *mono);
    GST_BUFFER_PTS(buffer) = 0;
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    gst_app_src_push_buffer(GST_APP_SRC(source), buffer);
    gst_app_src_end_of_stream(GST_APP_SRC(source));
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *message = gst_bus_timed_pop_filtered(bus, 120 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    bool ok = message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
    if (message)
        gst_message_unref(message);
    gst_object_unref(bus);
    gst_object_unref(source);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
    return ok ? UT_OK : ut_fail(err, UT_E_IO, "%s: cannot be written", path);
}

/* A scratch folder with `count` tracks; removed by scratch_remove. */
typedef struct {
    char folder[64];
    char paths[4][96];
    size_t count;
} scratch;

static void scratch_remove(scratch *s)
{
    static const char *const others[] = {"store.db", "store.db-wal", "store.db-shm"};
    char path[128];
    for (size_t i = 0; i < s->count; i++)
        unlink(s->paths[i]);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", s->folder, others[i]);
        unlink(path);
    }
    rmdir(s->folder);
}

static ut_status scratch_make(size_t count, scratch *out, ut_err *err)
{
    scratch s = {.folder = "/tmp/undertone-bench-XXXXXX"};
    float *music = malloc(TRACK_FRAMES * sizeof *music);
    if (!music || !mkdtemp(s.folder)) {
        free(music);
        return ut_fail(err, UT_E_IO, "%s: cannot be made", s.folder);
    }
    ut_status rc = UT_OK;
    for (; s.count < count && rc == UT_OK; s.count++) {
        char path[sizeof s.paths[0]];
        snprintf(path, sizeof path, "%s/%zu.ts", s.folder, s.count);
        memcpy(s.paths[s.count], path, sizeof path);
        ut_synth_music(s.count + 1, music, TRACK_FRAMES);
        rc = write_ts(s.paths[s.count], music, TRACK_FRAMES, err);
    }
    free(music);
    if (rc != UT_OK)
        scratch_remove(&s);
    else
        *out = s;
    return rc;
}

/* --- decode
 * ---------------------------------------------------------------------------------------- */

static ut_status decode_once(const char *path, double *audio_s, ut_err *err)
{
    float samples[PUSH_FRAMES];
    ut_media *media = NULL;
    ut_media_options options = {.rate_hz = UT_RATE_HZ, .channels = 1};
    size_t got = 0;
    ut_status rc = ut_media_open(path, &options, &media, err);
    while (rc == UT_OK && (rc = ut_media_read(media, samples, PUSH_FRAMES, &got, err)) == UT_OK && got > 0)
        *audio_s += (double)got / UT_RATE_HZ;
    ut_media_close(&media);
    return rc;
}

ut_status ut_bench_decode(const char *file, double seconds, ut_figures *figures, ut_err *err)
{
    scratch s = {.count = 0};
    ut_status rc = file ? UT_OK : scratch_make(1, &s, err);
    double audio_s = 0, begin_s = ut_machine_cpu_s(), spent_s = 0;
    do {
        if (rc == UT_OK)
            rc = decode_once(file ? file : s.paths[0], &audio_s, err);
        spent_s = ut_machine_cpu_s() - begin_s;
    } while (rc == UT_OK && spent_s < seconds);
    if (!file && s.count)
        scratch_remove(&s);
    if (rc == UT_OK)
        rc = ut_figures_add(figures, err, "decode", audio_s / spent_s, "x real time", "%s",
                            file ? file : "MPEG-TS, MP2 192 kbit/s stereo to 16 kHz mono");
    return rc;
}

/* --- separator
 * --------------------------------------------------------------------------------------- */

static ut_status drop(void *arg, int64_t first, const float *mix, const float *music, size_t frames)
{
    (void)arg, (void)first, (void)mix, (void)music, (void)frames;
    return UT_OK;
}

static ut_status separator_streamed(const ut_model *model, double seconds, ut_figures *figures, ut_err *err)
{
    enum { SPEECH_FRAMES = 10 * UT_RATE_HZ };
    ut_separator *separator = NULL;
    ut_stream *stream = NULL;
    double audio_s = 0, spent_s = 0;
    float *speech = malloc(SPEECH_FRAMES * sizeof *speech);
    ut_status rc = speech ? UT_OK : ut_fail(err, UT_E_NOMEM, "%d samples", SPEECH_FRAMES);
    if (rc == UT_OK)
        ut_synth_speech(1, speech, SPEECH_FRAMES);
    if (rc == UT_OK)
        rc = ut_separator_open(model, "auto", UT_PRECISION_AUTO, 1, &separator, err);
    if (rc == UT_OK)
        rc = ut_stream_open(separator, 0, 0, drop, NULL, &stream, err);
    double begin_s = ut_machine_cpu_s();
    while (rc == UT_OK && spent_s < seconds) {
        rc = ut_stream_push(stream, speech, SPEECH_FRAMES, err);
        audio_s += (double)SPEECH_FRAMES / UT_RATE_HZ;
        spent_s = ut_machine_cpu_s() - begin_s;
    }
    if (rc == UT_OK)
        rc =
            ut_figures_add(figures, err, "separator", audio_s / spent_s, "x real time", "%s, %s, as streamed (overlap)",
                           ut_model_describe(model)->name, ut_separator_backend(separator));
    ut_stream_close(&stream);
    ut_separator_close(&separator);
    free(speech);
    return rc;
}

ut_status ut_bench_separator(const ut_model *model, double seconds, ut_figures *figures, ut_err *err)
{
    static const ut_precision precisions[] = {UT_PRECISION_F32, UT_PRECISION_BF16};
    const char *name = ut_model_describe(model)->name;
    for (size_t i = 0; i < 4; i++) {
        ut_separator_speed speed;
        ut_status rc = ut_separator_measure(model, "onednn", precisions[i / 2], i % 2 ? 4 : 1, seconds, &speed, err);
        if (rc == UT_E_UNSUPPORTED)
            continue;
        if (rc == UT_OK)
            rc = ut_figures_add(figures, err, "separator", speed.realtime, "x real time",
                                "%s, %s, batch %zu, no overlap, best run", name, speed.backend, speed.batch);
        if (rc == UT_OK)
            rc = ut_figures_add(figures, err, "separator", speed.realtime_mean, "x real time",
                                "%s, %s, batch %zu, no overlap, mean", name, speed.backend, speed.batch);
        if (rc != UT_OK)
            return rc;
    }
    return separator_streamed(model, seconds, figures, err);
}

/* --- fingerprint
 * ------------------------------------------------------------------------------------- */

static ut_status fingerprint_once(const ut_params *params, const float *music, size_t *bytes, ut_err *err)
{
    ut_fingerprinter *printer = NULL;
    ut_fingerprint *print = NULL;
    uint8_t *data = NULL;
    ut_status rc = ut_fingerprinter_open(params, &printer, err);
    for (size_t at = 0; at < TRACK_FRAMES && rc == UT_OK; at += PUSH_FRAMES)
        rc = ut_fingerprinter_push(printer, music + at,
                                   TRACK_FRAMES - at < PUSH_FRAMES ? TRACK_FRAMES - at : PUSH_FRAMES, err);
    if (rc == UT_OK)
        rc = ut_fingerprinter_finish(printer, &print, err);
    if (rc == UT_OK)
        rc = ut_fingerprint_encode(print, &data, bytes, err);
    free(data);
    ut_fingerprint_close(&print);
    ut_fingerprinter_close(&printer);
    return rc;
}

ut_status ut_bench_fingerprint(const ut_params *params, double seconds, ut_figures *figures, ut_err *err)
{
    float *music = malloc(TRACK_FRAMES * sizeof *music);
    size_t bytes = 0, runs = 0;
    double begin_s = 0, spent_s = 0;
    ut_status rc = music ? UT_OK : ut_fail(err, UT_E_NOMEM, "%d samples", TRACK_FRAMES);
    if (rc == UT_OK)
        ut_synth_music(1, music, TRACK_FRAMES);
    begin_s = ut_machine_cpu_s();
    while (rc == UT_OK && spent_s < seconds) {
        rc = fingerprint_once(params, music, &bytes, err);
        spent_s = ut_machine_cpu_s() - begin_s;
        runs++;
    }
    const char *name = ut_params_name(params);
    if (rc == UT_OK)
        rc = ut_figures_add(figures, err, "fingerprint", (double)runs * TRACK_S / spent_s, "x real time",
                            "%s, catalogue track to landmarks", name);
    if (rc == UT_OK)
        rc = ut_figures_add(figures, err, "fingerprint", (double)bytes, "bytes", "%s, of 4 minutes, as stored", name);
    free(music);
    return rc;
}

/* --- catalogue add
 * ------------------------------------------------------------------------------------- */

static void add_failed(void *arg, const char *path, const ut_err *why)
{
    (void)path;
    *(ut_err *)arg = *why;
}

static ut_status add_all(const scratch *s, ut_figures *figures, ut_err *err)
{
    const ut_params *params[] = {ut_params_find("p3")};
    char dsn[128], *paths[4];
    ut_store *store = NULL;
    ut_store_stats stats = {0};
    ut_ingest_result result = {0};
    ut_err failure = {.code = UT_OK};
    ut_ingest_options options = {.params = params, .params_count = 1, .jobs = 1, .failed = add_failed, .arg = &failure};
    for (size_t i = 0; i < s->count; i++)
        paths[i] = (char *)s->paths[i];
    snprintf(dsn, sizeof dsn, "sqlite:%s/store.db", s->folder);
    ut_status rc = ut_store_open(dsn, UT_STORE_CREATE, &store, err);
    double begin_s = ut_machine_cpu_s();
    if (rc == UT_OK)
        rc = ut_ingest(store, paths, NULL, s->count, &options, &result, err);
    double spent_s = ut_machine_cpu_s() - begin_s;
    if (rc == UT_OK && failure.code != UT_OK) {
        rc = failure.code;
        *err = failure;
    }
    if (rc == UT_OK)
        rc = ut_store_describe(store, &stats, err);
    ut_store_close(&store);
    if (rc == UT_OK)
        rc = ut_figures_add(figures, err, "catalogue", result.audio_s / spent_s, "x real time",
                            "add, MPEG-TS with MP2 to stored p3 fingerprint");
    if (rc == UT_OK && stats.recordings > 0)
        rc = ut_figures_add(figures, err, "catalogue", (double)stats.fingerprint_bytes / (double)stats.recordings,
                            "bytes", "p3 of a four-minute track in the store");
    return rc;
}

ut_status ut_bench_add(ut_figures *figures, ut_err *err)
{
    scratch s = {.count = 0};
    ut_status rc = scratch_make(4, &s, err);
    if (rc != UT_OK)
        return rc;
    rc = add_all(&s, figures, err);
    scratch_remove(&s);
    return rc;
}
