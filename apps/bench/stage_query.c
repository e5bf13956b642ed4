#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "apps/bench/stages.h"
#include "apps/evaluate/made_up.h"
#include "apps/evaluate/signal.h"
#include "apps/evaluate/synth.h"
#include "apps/machine.h"
#include "core/types.h"
#include "fingerprint/track.h"
#include "pipeline/analyser.h"

enum {
    PUSH_FRAMES = 4096,
    KNOWN = 8, /* real fingerprints among the synthetic ones; queries are made of them */
    TRACK_S = 60,
    TRACK_FRAMES = TRACK_S * UT_RATE_HZ,
    QUERY_S = 12,
    QUERY_FRAMES = QUERY_S * UT_RATE_HZ,
};

static ut_status fingerprint_of(const ut_params *params, const float *music, size_t frames, ut_fingerprint **out,
                                ut_err *err)
{
    ut_fingerprinter *printer = NULL;
    ut_status rc = ut_fingerprinter_open(params, &printer, err);
    if (rc == UT_OK)
        rc = ut_fingerprinter_push(printer, music, frames, err);
    if (rc == UT_OK)
        rc = ut_fingerprinter_finish(printer, out, err);
    ut_fingerprinter_close(&printer);
    return rc;
}

ut_status ut_bench_index(const ut_params *params, size_t tracks, ut_index **out, ut_err *err)
{
    ut_index_builder *builder = NULL;
    float *music = malloc(TRACK_FRAMES * sizeof *music);
    ut_status rc =
        music ? ut_index_builder_open(params, &builder, err) : ut_fail(err, UT_E_NOMEM, "%d samples", TRACK_FRAMES);
    for (size_t i = 0; i < tracks && rc == UT_OK; i++) {
        ut_fingerprint *print = NULL;
        if (i < KNOWN) {
            ut_synth_music(i + 1, music, TRACK_FRAMES);
            rc = fingerprint_of(params, music, TRACK_FRAMES, &print, err);
        } else {
            rc = ut_made_up_track(params, i, 240, &print, err);
        }
        if (rc == UT_OK)
            rc = ut_index_builder_add(builder, (int64_t)i + 1, print, err);
        ut_fingerprint_close(&print);
    }
    if (rc == UT_OK)
        rc = ut_index_builder_finish(builder, 1, out, err);
    ut_index_builder_close(&builder);
    free(music);
    return rc;
}

/* --- query --------------------------------------------------------------------------------------- */

static ut_status count(void *arg, const ut_identification *what)
{
    *(size_t *)arg += what->outcome == UT_IDENTIFIED;
    return UT_OK;
}

/* music: NULL for the mixture alone. */
static ut_status query_once(const ut_index *index, const float *mix, const float *music, size_t *found, ut_err *err)
{
    ut_tracker *tracker = NULL;
    ut_tracker_options options = {.first_sample = 0};
    ut_status rc = ut_tracker_open(index, &options, count, found, &tracker, err);
    for (size_t at = 0; at < QUERY_FRAMES && rc == UT_OK; at += PUSH_FRAMES) {
        size_t n = QUERY_FRAMES - at < PUSH_FRAMES ? QUERY_FRAMES - at : PUSH_FRAMES;
        rc = ut_tracker_push(tracker, mix + at, music ? music + at : NULL, n, err);
    }
    if (rc == UT_OK)
        rc = ut_tracker_finish(tracker, err);
    ut_tracker_close(&tracker);
    return rc;
}

/* Milliseconds of a query, mean over `seconds` of running. Music under speech at 0 dB; the second witness has the
 * speech 10 dB down, as a separator leaves it. */
static ut_status time_queries(const ut_index *index, bool joint, double seconds, double *ms, double *identified,
                              ut_err *err)
{
    float *mix = calloc((size_t)3 * QUERY_FRAMES, sizeof *mix);
    float *music = mix ? mix + QUERY_FRAMES : NULL, *sound = mix ? music + QUERY_FRAMES : NULL;
    size_t runs = 0, found = 0;
    double spent_s = 0;
    ut_status rc = mix ? UT_OK : ut_fail(err, UT_E_NOMEM, "%d samples", QUERY_FRAMES);
    while (rc == UT_OK && (spent_s < seconds || runs < KNOWN)) {
        memset(mix, 0, (size_t)2 * QUERY_FRAMES * sizeof *mix);
        ut_synth_music(runs % KNOWN + 1, sound, QUERY_FRAMES);
        ut_add_at(sound, QUERY_FRAMES, 0.07, mix);
        ut_add_at(sound, QUERY_FRAMES, 0.07, music);
        ut_synth_speech(runs + 1, sound, QUERY_FRAMES);
        ut_add_at(sound, QUERY_FRAMES, 0.07, mix);
        ut_add_at(sound, QUERY_FRAMES, 0.022, music);
        double begin_s = ut_machine_cpu_s();
        rc = query_once(index, mix, joint ? music : NULL, &found, err);
        spent_s += ut_machine_cpu_s() - begin_s;
        runs++;
    }
    *ms = runs ? 1000.0 * spent_s / (double)runs : 0;
    *identified = runs ? 100.0 * (double)found / (double)runs : 0;
    free(mix);
    return rc;
}

static ut_status query_figures(const ut_params *params, size_t tracks, double seconds, ut_figures *figures, ut_err *err)
{
    const char *name = ut_params_name(params);
    ut_index *index = NULL;
    double begin_s = ut_machine_cpu_s(), ms = 0, identified = 0;
    ut_status rc = ut_bench_index(params, tracks, &index, err);
    if (rc != UT_OK)
        return rc;
    double built_s = ut_machine_cpu_s() - begin_s;
    ut_index_info info = ut_index_describe(index);
    for (int joint = 0; joint < 2 && rc == UT_OK; joint++) {
        rc = time_queries(index, joint, seconds, &ms, &identified, err);
        if (rc == UT_OK)
            rc = ut_figures_add(figures, err, "query", ms, "ms", "%s, 12 s of %s against %zu tracks (%.0f %% found)",
                                name, joint ? "both witnesses" : "the mixture", tracks, identified);
    }
    if (rc == UT_OK && tracks > KNOWN)
        rc = ut_figures_add(figures, err, "query", (double)info.bytes / (double)tracks, "bytes",
                            "%s, of a four-minute track in the index", name);
    if (rc == UT_OK && tracks > KNOWN)
        rc = ut_figures_add(figures, err, "query", built_s, "s", "%s, making tracks and index of %zu", name, tracks);
    ut_index_close(&index);
    return rc;
}

ut_status ut_bench_query(const ut_params *params, size_t tracks, double seconds, ut_figures *figures, ut_err *err)
{
    ut_status rc = query_figures(params, KNOWN, seconds, figures, err);
    return rc == UT_OK && tracks > KNOWN ? query_figures(params, tracks, seconds, figures, err) : rc;
}

/* --- analyser ------------------------------------------------------------------------------------- */

static ut_status analyse_for(const ut_analyser_options *options, const float *mix, double seconds, double *realtime,
                             ut_err *err)
{
    ut_analyser *analyser = NULL;
    size_t found = 0;
    double audio_s = 0, spent_s = 0;
    ut_status rc = ut_analyser_open(options, 0, count, &found, &analyser, err);
    double begin_s = ut_machine_cpu_s();
    while (rc == UT_OK && spent_s < seconds) {
        rc = ut_analyser_push(analyser, mix, TRACK_FRAMES, err);
        audio_s += TRACK_S;
        spent_s = ut_machine_cpu_s() - begin_s;
    }
    *realtime = spent_s > 0 ? audio_s / spent_s : 0;
    ut_analyser_close(&analyser);
    return rc;
}

ut_status ut_bench_analyser(const ut_model *model, double seconds, ut_figures *figures, ut_err *err)
{
    ut_index *index = NULL;
    double realtime = 0;
    float *mix = calloc(2 * TRACK_FRAMES, sizeof *mix);
    ut_status rc = mix ? ut_bench_index(ut_params_find("p3"), KNOWN, &index, err)
                       : ut_fail(err, UT_E_NOMEM, "%d samples", TRACK_FRAMES);
    if (rc == UT_OK) {
        ut_synth_music(1, mix + TRACK_FRAMES, TRACK_FRAMES);
        ut_synth_speech(1, mix, TRACK_FRAMES);
        ut_add_at(mix + TRACK_FRAMES, TRACK_FRAMES, 0.03, mix);
    }
    for (int separated = 0; separated <= (model != NULL) && rc == UT_OK; separated++) {
        ut_analyser_options options = {
            .index = index, .model = separated ? model : NULL, .backend = "auto", .unidentified = true};
        rc = analyse_for(&options, mix, seconds, &realtime, err);
        if (rc == UT_OK)
            rc = ut_figures_add(figures, err, "analyser", realtime, "x real time", "samples to identifications, %s",
                                separated ? "with separation" : "the mixture alone");
    }
    ut_index_close(&index);
    free(mix);
    return rc;
}
