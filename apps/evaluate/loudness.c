#include "apps/evaluate/loudness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "apps/evaluate/material.h"
#include "apps/evaluate/random.h"
#include "apps/evaluate/statistics.h"
#include "apps/parallel.h"
#include "core/clock.h"
#include "core/progress.h"
#include "cuesheet/cue.h"
#include "cuesheet/loudness.h"
#include "separator/stream.h"

#define SPEECH_LUFS (-23.0)
#define LOUD_LUFS (-45.0) /* an excerpt below this is a pause: another is drawn */
enum { DRAWS = 50, CHUNK = 4096 };

typedef struct {
    const ut_loudness_plan *plan;
    ut_loudness_sample *samples;
    ut_separator **separators; /* one per worker */
    ut_progress *progress;
} running;

static ut_status lufs_of(const float *x, size_t frames, double *out, ut_err *err)
{
    ut_meter *meter = NULL;
    ut_status rc = ut_meter_open(0, (double)frames / UT_RATE_HZ + 1, &meter, err);
    if (rc == UT_OK)
        rc = ut_meter_push(meter, x, frames, err);
    if (rc == UT_OK)
        *out = ut_meter_lufs(meter, 0, (int64_t)frames);
    ut_meter_close(&meter);
    return rc;
}

/* An excerpt of a file drawn at random, brought to the wanted loudness. */
static ut_status draw(const ut_paths *paths, ut_random *random, size_t frames, double wanted_lufs, float *out,
                      double *true_lufs, ut_err *err)
{
    for (int i = 0; i < DRAWS; i++) {
        float *samples = NULL;
        size_t have = 0;
        double lufs = -70;
        const char *path = paths->items[ut_random_below(random, paths->count)];
        ut_status rc = ut_eval_decode(path, NULL, &samples, &have, err);
        if (rc == UT_OK && have > frames) {
            memcpy(out, samples + ut_random_below(random, have - frames), frames * sizeof *out);
            rc = lufs_of(out, frames, &lufs, err);
        }
        free(samples);
        if (rc != UT_OK)
            return rc;
        if (!(lufs > LOUD_LUFS))
            continue;
        float gain = (float)pow(10.0, (wanted_lufs - lufs) / 20.0);
        for (size_t k = 0; k < frames; k++)
            out[k] *= gain;
        return lufs_of(out, frames, true_lufs, err);
    }
    return ut_fail(err, UT_E_ARG, "%s …: %d excerpts in a row were too short or silent", paths->items[0], DRAWS);
}

typedef struct {
    ut_meter *music, *speech;
    float rest[CHUNK];
    ut_err *err;
} meters;

static ut_status on_stems(void *arg, int64_t first, const float *mix, const float *music, size_t frames)
{
    (void)first;
    meters *m = arg;
    ut_status rc = ut_meter_push(m->music, music, frames, m->err);
    for (size_t at = 0; at < frames && rc == UT_OK; at += CHUNK) {
        size_t n = frames - at < CHUNK ? frames - at : CHUNK;
        for (size_t i = 0; i < n; i++)
            m->rest[i] = mix[at + i] - music[at + i];
        rc = ut_meter_push(m->speech, m->rest, n, m->err);
    }
    return rc;
}

static ut_status separate(ut_separator *separator, const float *mix, size_t frames, ut_loudness_sample *sample,
                          ut_err *err)
{
    meters *m = calloc(1, sizeof *m);
    ut_stream *stream = NULL;
    double keep_s = (double)frames / UT_RATE_HZ + 60;
    if (!m)
        return ut_fail(err, UT_E_NOMEM, "loudness");
    m->err = err;
    ut_status rc = ut_meter_open(0, keep_s, &m->music, err);
    if (rc == UT_OK)
        rc = ut_meter_open(0, keep_s, &m->speech, err);
    if (rc == UT_OK)
        rc = ut_stream_open(separator, 0, 0, on_stems, m, &stream, err);
    if (rc == UT_OK)
        rc = ut_stream_push(stream, mix, frames, err);
    if (rc == UT_OK)
        rc = ut_stream_finish(stream, err);
    if (rc == UT_OK) {
        sample->music_found_lufs = ut_meter_lufs(m->music, 0, (int64_t)frames);
        sample->speech_found_lufs = ut_meter_lufs(m->speech, 0, (int64_t)frames);
    }
    ut_stream_close(&stream);
    ut_meter_close(&m->music);
    ut_meter_close(&m->speech);
    free(m);
    return rc;
}

/* The same excerpts at every level, so that the levels can be compared. */
static ut_status one(void *arg, int worker, size_t index, ut_err *err)
{
    running *r = arg;
    const ut_loudness_plan *plan = r->plan;
    size_t frames = (size_t)(plan->seconds * UT_RATE_HZ), level = index / plan->queries;
    ut_random random = ut_random_init(plan->seed, index % plan->queries);
    float *music = malloc(frames * sizeof *music), *speech = malloc(frames * sizeof *speech);
    ut_loudness_sample *sample = &r->samples[index];
    ut_status rc = music && speech ? UT_OK : ut_fail(err, UT_E_NOMEM, "loudness: %zu samples", frames);
    if (rc == UT_OK)
        rc = draw(&plan->music, &random, frames, SPEECH_LUFS + plan->levels_lu[level], music, &sample->music_lufs, err);
    if (rc == UT_OK)
        rc = draw(&plan->speech, &random, frames, SPEECH_LUFS, speech, &sample->speech_lufs, err);
    for (size_t i = 0; rc == UT_OK && i < frames; i++)
        music[i] += speech[i];
    if (rc == UT_OK)
        rc = separate(r->separators[worker], music, frames, sample, err);
    free(music);
    free(speech);
    ut_progress_add(r->progress, 1, NULL);
    return rc;
}

ut_status ut_loudness_run(const ut_loudness_plan *plan, ut_loudness_result *out, ut_err *err)
{
    size_t count = plan->level_count * plan->queries;
    double before_s = ut_monotonic_s();
    running r = {.plan = plan};
    r.samples = calloc(count, sizeof *r.samples);
    r.separators = calloc((size_t)plan->jobs, sizeof(ut_separator *));
    ut_status rc = r.samples && r.separators ? UT_OK : ut_fail(err, UT_E_NOMEM, "loudness: %zu mixtures", count);
    for (int i = 0; rc == UT_OK && i < plan->jobs; i++)
        rc = ut_separator_open(plan->model, plan->backend, plan->precision, 1, &r.separators[i], err);
    ut_loudness_result made = {.samples = r.samples};
    if (rc == UT_OK)
        snprintf(made.backend, sizeof made.backend, "%s", ut_separator_backend(r.separators[0]));
    if (rc == UT_OK)
        rc = ut_progress_open("evaluate loudness", "mixtures", count, &r.progress);
    if (rc == UT_OK)
        rc = ut_parallel(plan->jobs, count, one, &r, err);
    ut_progress_close(&r.progress);
    for (int i = 0; r.separators && i < plan->jobs; i++)
        ut_separator_close(&r.separators[i]);
    free(r.separators);
    made.wall_s = ut_monotonic_s() - before_s;
    if (rc == UT_OK)
        *out = made;
    else
        free(r.samples);
    return rc;
}

void ut_loudness_result_clear(ut_loudness_result *result)
{
    free(result->samples);
    *result = (ut_loudness_result){0};
}

static double error_of(const ut_loudness_sample *s, ut_loudness_kind kind)
{
    double music = s->music_found_lufs - s->music_lufs, speech = s->speech_found_lufs - s->speech_lufs;
    return kind == UT_LOUDNESS_MUSIC ? music : kind == UT_LOUDNESS_SPEECH ? speech : music - speech;
}

ut_status ut_loudness_error_of(const ut_loudness_plan *plan, const ut_loudness_result *result, size_t level,
                               ut_loudness_kind kind, ut_loudness_error *out, ut_err *err)
{
    double *errors = calloc(plan->queries, sizeof *errors), sum = 0;
    if (!errors)
        return ut_fail(err, UT_E_NOMEM, "loudness: %zu mixtures", plan->queries);
    for (size_t i = 0; i < plan->queries; i++) {
        errors[i] = error_of(&result->samples[level * plan->queries + i], kind);
        sum += fabs(errors[i]);
    }
    *out = (ut_loudness_error){.median = ut_quantile(errors, plan->queries, 0.5),
                               .low = ut_quantile(errors, plan->queries, 0.1),
                               .high = ut_quantile(errors, plan->queries, 0.9),
                               .mean_abs = sum / (double)plan->queries};
    free(errors);
    return UT_OK;
}

double ut_loudness_agreement(const ut_loudness_plan *plan, const ut_loudness_result *result, size_t level)
{
    ut_cue_rules rules = ut_cue_rules_default();
    size_t same = 0;
    for (size_t i = 0; i < plan->queries; i++) {
        const ut_loudness_sample *s = &result->samples[level * plan->queries + i];
        same += ut_use_decide(s->music_lufs, s->speech_lufs, &rules) ==
                ut_use_decide(s->music_found_lufs, s->speech_found_lufs, &rules);
    }
    return (double)same / (double)plan->queries;
}
