/* What true hypotheses look like peak by peak: the material from which train/evidence.py learns evidence_prior.h.
 *
 *     evidence_states MUSIC CATALOGUE SPEECH > STATES
 *
 * Mixes queries of MUSIC under SPEECH at 0 to -30 dB, separates them with the default model, and weighs each at the
 * place where it really is. Output, for both witnesses and for the mixture alone: a line "witnesses snr_db peaks"
 * for each query, then a line "cell state chance" for each peak of the reference. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "apps/evaluate/evaluate.h"
#include "apps/parallel.h"
#include "fingerprint/evidence.h"
#include "fingerprint/peak_stream.h"
#include "separator/stream.h"

enum { QUERIES = 150, PUSH_FRAMES = 16000 };
#define SECONDS 12.0

static const double SNR_DB[] = {0, -10, -20, -30};
enum { LEVELS = sizeof SNR_DB / sizeof *SNR_DB };

typedef struct {
    ut_eval_material *material;
    ut_separator **separators;
    pthread_mutex_t lock; /* of stdout */
} collection;

typedef struct {
    float *samples;
    size_t have;
} stem;

static ut_status keep_stem(void *arg, int64_t first, const float *mix, const float *music, size_t frames)
{
    (void)first;
    (void)mix;
    stem *s = arg;
    memcpy(s->samples + s->have, music, frames * sizeof *music);
    s->have += frames;
    return UT_OK;
}

static ut_status separate(ut_separator *separator, const ut_eval_query *query, float *music, ut_err *err)
{
    stem s = {.samples = music};
    ut_stream *stream = NULL;
    ut_status rc = ut_stream_open(separator, 0, 0, keep_stem, &s, &stream, err);
    if (rc == UT_OK)
        rc = ut_stream_push(stream, query->mix, query->frames, err);
    if (rc == UT_OK)
        rc = ut_stream_finish(stream, err);
    ut_stream_close(&stream);
    return rc;
}

static ut_status find_peaks(const ut_params *params, const float *audio, size_t frames, ut_peaks *out, ut_err *err)
{
    ut_peak_stream *stream = NULL;
    ut_status rc = ut_peak_stream_open(params, &params->query, 0, &stream, err);
    for (size_t at = 0; at < frames && rc == UT_OK; at += PUSH_FRAMES)
        rc = ut_peak_stream_push(stream, audio + at, frames - at < PUSH_FRAMES ? frames - at : PUSH_FRAMES, out, err);
    if (rc == UT_OK)
        rc = ut_peak_stream_finish(stream, out, err);
    ut_peak_stream_close(&stream);
    return rc;
}

/* Where on the index's timeline the query begins; -1 if the index lacks its track. */
static int64_t place_of(const ut_index *index, const ut_eval_material *material, const ut_eval_segment *segment)
{
    double frames_per_s = (double)index->params->rate_hz / index->params->hop;
    for (uint32_t i = 0; i < index->track_count; i++)
        if (index->tracks[i].recording_id == material->tracks[segment->track].id)
            return index->tracks[i].origin + llround(segment->source_s * frames_per_s);
    return -1;
}

typedef struct {
    ut_evidence_scratch *scratch;
    ut_query window;
} room;

static ut_status weigh(collection *c, room *r, double snr_db, int64_t begin, const ut_peaks *mix, const ut_peaks *music,
                       ut_err *err)
{
    const ut_index *index = c->material->index[0];
    int32_t frames = (int32_t)(SECONDS * index->params->rate_hz) / index->params->hop;
    ut_evidence evidence;
    ut_evidence_peak peaks[UT_EVIDENCE_PEAKS_MAX];
    ut_status rc = ut_query_set(&r->window, 0, frames, mix, music, err);
    if (rc != UT_OK || !ut_evidence_weigh(r->scratch, index, &r->window, begin, &evidence))
        return rc;
    size_t count = ut_evidence_list(r->scratch, peaks);
    pthread_mutex_lock(&c->lock);
    printf("%d %g %zu\n", music ? 2 : 1, snr_db, count);
    for (size_t i = 0; i < count; i++)
        printf("%d %d %.6g\n", peaks[i].cell, peaks[i].state, peaks[i].chance);
    pthread_mutex_unlock(&c->lock);
    return UT_OK;
}

static ut_status weigh_both(collection *c, double snr_db, const ut_eval_query *query, const float *music, ut_err *err)
{
    const ut_index *index = c->material->index[0];
    ut_peaks mix_peaks = {0}, music_peaks = {0};
    room r = {0};
    int64_t begin = place_of(index, c->material, &query->segments[0]);
    ut_status rc = find_peaks(index->params, query->mix, query->frames, &mix_peaks, err);
    if (rc == UT_OK)
        rc = find_peaks(index->params, music, query->frames, &music_peaks, err);
    if (rc == UT_OK)
        rc = ut_evidence_open(&r.scratch, err);
    if (rc == UT_OK)
        rc = ut_query_init(&r.window, index->params, err);
    if (rc == UT_OK && begin >= 0)
        rc = weigh(c, &r, snr_db, begin, &mix_peaks, &music_peaks, err);
    if (rc == UT_OK && begin >= 0)
        rc = weigh(c, &r, snr_db, begin, &mix_peaks, NULL, err);
    ut_query_clear(&r.window);
    ut_evidence_close(&r.scratch);
    ut_peaks_clear(&mix_peaks);
    ut_peaks_clear(&music_peaks);
    return rc;
}

static ut_status collect(void *arg, int worker, size_t task, ut_err *err)
{
    collection *c = arg;
    double snr_db = SNR_DB[task % LEVELS];
    ut_eval_recipe recipe = {.kind = UT_EVAL_MIXED, .snr_db = snr_db, .seconds = SECONDS, .seed = 1};
    ut_eval_query query = {0};
    ut_status rc = ut_eval_query_make(c->material, &recipe, task / LEVELS, &query, err);
    float *music = rc == UT_OK ? calloc(query.frames, sizeof *music) : NULL;
    if (rc == UT_OK && !music)
        rc = ut_fail(err, UT_E_NOMEM, "%zu samples", query.frames);
    if (rc == UT_OK)
        rc = separate(c->separators[worker], &query, music, err);
    if (rc == UT_OK)
        rc = weigh_both(c, snr_db, &query, music, err);
    free(music);
    ut_eval_query_clear(&query);
    return rc;
}

static ut_status run(char **folders, ut_err *err)
{
    int jobs = ut_cores();
    ut_eval_sources sources = {.music = folders[0],
                               .catalogue = folders[1],
                               .speech = folders[2],
                               .params = {ut_params_find("p3")},
                               .param_count = 1,
                               .jobs = jobs};
    collection c = {.lock = PTHREAD_MUTEX_INITIALIZER};
    ut_model *model = NULL;
    char path[4096];
    ut_status rc = ut_model_find("default", path, sizeof path, err);
    if (rc == UT_OK)
        rc = ut_model_load(path, &model, err);
    if (rc == UT_OK)
        rc = ut_eval_material_load(&sources, &c.material, err);
    if (rc == UT_OK && !(c.separators = calloc((size_t)jobs, sizeof *c.separators)))
        rc = ut_fail(err, UT_E_NOMEM, "%d separators", jobs);
    for (int i = 0; i < jobs && rc == UT_OK; i++)
        rc = ut_separator_open(model, "auto", UT_PRECISION_AUTO, 1, &c.separators[i], err);
    if (rc == UT_OK)
        rc = ut_parallel(jobs, (size_t)QUERIES * LEVELS, collect, &c, err);
    for (int i = 0; c.separators && i < jobs; i++)
        ut_separator_close(&c.separators[i]);
    free(c.separators);
    ut_eval_material_close(&c.material);
    ut_model_close(&model);
    return rc;
}

int main(int argc, char **argv)
{
    ut_err err = {.code = UT_OK};
    if (argc != 4) {
        fprintf(stderr, "usage: %s MUSIC CATALOGUE SPEECH\n", argv[0]);
        return 2;
    }
    if (run(argv + 1, &err) != UT_OK) {
        fprintf(stderr, "%s: %s\n", argv[0], err.text);
        return 1;
    }
    return 0;
}
