#include "pipeline/analyser.h"

#include <math.h>
#include <stdlib.h>

#include "cuesheet/loudness.h"
#include "separator/stream.h"

enum {
    CHUNK = 4096,
    /* Audio the K-weighting filters hear before the first sample that counts, so that a resumed
       meter agrees. */
    METER_WARM_UP = UT_RATE_HZ,
};
/* A stretch longer than this gets the loudness of its latest part; the rest is what the tracker may
 * lag behind. */
#define METER_KEEP_S (2.5 * 3600)
#define METER_STRETCH_SAMPLES ((int64_t)2 * 3600 * UT_RATE_HZ)

struct ut_analyser {
    ut_separator *separator; /* NULL: mixture only */
    ut_stream *stream;
    ut_tracker *tracker;
    ut_meter *mix_meter;
    ut_meter *music_meter; /* NULL without a separator */
    ut_meter *speech_meter;
    float *speech;          /* CHUNK samples */
    int64_t warm_up;        /* how far an analyser is opened before the tracker's first sample */
    int64_t tracker_sample; /* of the first sample the tracker gets */
    int64_t skip;           /* samples pushed before the stream's grid begins */
    int64_t position;       /* mixture only: of the next sample */
    ut_identification_fn emit;
    ut_keep_fn keep;
    void *arg;
    ut_err inner; /* what failed, wherever in the chain of callbacks */
};

static ut_status on_identification(void *arg, const ut_identification *what)
{
    ut_analyser *a = arg;
    ut_identification full = *what;
    int64_t start = full.end_sample - METER_STRETCH_SAMPLES;
    if (start < full.start_sample)
        start = full.start_sample;
    full.mix_lufs = ut_meter_lufs(a->mix_meter, start, full.end_sample);
    full.music_lufs = a->music_meter ? ut_meter_lufs(a->music_meter, start, full.end_sample) : NAN;
    full.speech_lufs = a->speech_meter ? ut_meter_lufs(a->speech_meter, start, full.end_sample) : NAN;
    full.speech_share =
        a->speech_meter ? ut_meter_speech_share(a->speech_meter, a->music_meter, start, full.end_sample) : NAN;
    return a->emit(a->arg, &full);
}

static ut_status on_trail(void *arg, const ut_trail *trail)
{
    ut_analyser *a = arg;
    uint8_t *data = NULL;
    size_t size = 0;
    ut_status rc = ut_trail_encode(trail, &data, &size, &a->inner);
    return rc == UT_OK ? a->keep(a->arg, data, size) : rc;
}

static ut_status measure(ut_analyser *a, const float *mix, const float *music, size_t frames)
{
    ut_status rc = ut_meter_push(a->mix_meter, mix, frames, &a->inner);
    if (rc != UT_OK || !music)
        return rc;
    rc = ut_meter_push(a->music_meter, music, frames, &a->inner);
    for (size_t at = 0; at < frames && rc == UT_OK; at += CHUNK) {
        size_t n = frames - at < CHUNK ? frames - at : CHUNK;
        for (size_t i = 0; i < n; i++)
            a->speech[i] = mix[at + i] - music[at + i];
        rc = ut_meter_push(a->speech_meter, a->speech, n, &a->inner);
    }
    return rc;
}

/* Stems, or the mixture alone (music NULL), from sample `first` on. The meters come first: the
 * tracker may emit a stretch that ends in these very samples. */
static ut_status on_stems(void *arg, int64_t first, const float *mix, const float *music, size_t frames)
{
    ut_analyser *a = arg;
    ut_status rc = measure(a, mix, music, frames);
    if (rc != UT_OK)
        return rc;
    int64_t early = a->tracker_sample - first;
    if (early >= (int64_t)frames)
        return UT_OK;
    if (early > 0) {
        mix += early;
        music = music ? music + early : NULL;
        frames -= (size_t)early;
    }
    return ut_tracker_push(a->tracker, mix, music, frames, &a->inner);
}

static ut_status open_separator(ut_analyser *a, const ut_analyser_options *options, int64_t first_sample, ut_err *err)
{
    ut_status rc = ut_separator_open(options->model, options->backend, options->precision, 1, &a->separator, err);
    if (rc != UT_OK)
        return rc;
    int64_t hop = (int64_t)ut_stream_hop_default(options->model);
    int64_t grid = (first_sample + hop - 1) / hop * hop;
    a->skip = grid - first_sample;
    rc = ut_stream_open(a->separator, 0, grid, on_stems, a, &a->stream, err);
    if (rc == UT_OK)
        a->warm_up += hop + (int64_t)ut_stream_context(a->stream);
    return rc;
}

static ut_status open_meters(ut_analyser *a, int64_t first_sample, ut_err *err)
{
    ut_status rc = ut_meter_open(first_sample, METER_KEEP_S, &a->mix_meter, err);
    if (rc == UT_OK && a->separator)
        rc = ut_meter_open(first_sample, METER_KEEP_S, &a->music_meter, err);
    if (rc == UT_OK && a->separator)
        rc = ut_meter_open(first_sample, METER_KEEP_S, &a->speech_meter, err);
    if (rc == UT_OK && a->separator && !(a->speech = malloc(CHUNK * sizeof *a->speech)))
        rc = ut_fail(err, UT_E_NOMEM, "analyser: %d samples", CHUNK);
    return rc;
}

ut_status ut_analyser_open(const ut_analyser_options *options, int64_t first_sample, ut_identification_fn emit,
                           void *arg, ut_analyser **out, ut_err *err)
{
    if (!options->index || !emit || first_sample < 0)
        return ut_fail(err, UT_E_ARG, "analyser: first sample %lld", (long long)first_sample);
    ut_analyser *a = calloc(1, sizeof *a);
    if (!a)
        return ut_fail(err, UT_E_NOMEM, "analyser");
    *a = (ut_analyser){
        .emit = emit, .keep = options->keep, .arg = arg, .warm_up = METER_WARM_UP, .position = first_sample};
    ut_status rc = options->model ? open_separator(a, options, first_sample, err) : UT_OK;
    if (rc != UT_OK)
        goto fail;
    if ((rc = open_meters(a, first_sample + a->skip, err)) != UT_OK)
        goto fail;
    a->tracker_sample = first_sample > 0 ? first_sample + a->warm_up : 0;
    ut_tracker_options tracking = {.max_log10_e = options->max_log10_e,
                                   .unidentified = options->unidentified,
                                   .first_sample = a->tracker_sample,
                                   .keep = options->keep ? on_trail : NULL};
    if ((rc = ut_tracker_open(options->index, &tracking, on_identification, a, &a->tracker, err)) != UT_OK)
        goto fail;
    *out = a;
    return UT_OK;
fail:
    ut_analyser_close(&a);
    return rc;
}

void ut_analyser_close(ut_analyser **analyser)
{
    if (!analyser || !*analyser)
        return;
    ut_analyser *a = *analyser;
    ut_tracker_close(&a->tracker);
    ut_stream_close(&a->stream);
    ut_separator_close(&a->separator);
    ut_meter_close(&a->mix_meter);
    ut_meter_close(&a->music_meter);
    ut_meter_close(&a->speech_meter);
    free(a->speech);
    free(a);
    *analyser = NULL;
}

/* The reason is where it arose, in `inner`; a caller's emit gives none. */
static ut_status report(const ut_analyser *a, ut_status rc, ut_err *err)
{
    if (rc == UT_OK)
        return rc;
    if (a->inner.code != rc)
        return ut_fail(err, rc, "analysis stopped");
    if (err)
        *err = a->inner;
    return rc;
}

ut_status ut_analyser_push(ut_analyser *analyser, const float *mono, size_t frames, ut_err *err)
{
    ut_analyser *a = analyser;
    if (a->skip > 0) {
        size_t n = (int64_t)frames < a->skip ? frames : (size_t)a->skip;
        a->skip -= (int64_t)n;
        mono += n;
        frames -= n;
    }
    if (frames == 0)
        return UT_OK;
    a->inner.code = UT_OK;
    if (a->stream)
        return report(a, ut_stream_push(a->stream, mono, frames, &a->inner), err);
    int64_t first = a->position;
    a->position += (int64_t)frames;
    return report(a, on_stems(a, first, mono, NULL, frames), err);
}

ut_status ut_analyser_finish(ut_analyser *analyser, ut_err *err)
{
    ut_analyser *a = analyser;
    a->inner.code = UT_OK;
    ut_status rc = a->stream ? ut_stream_finish(a->stream, &a->inner) : UT_OK;
    if (rc == UT_OK)
        rc = ut_tracker_finish(a->tracker, &a->inner);
    return report(a, rc, err);
}

int64_t ut_analyser_resume_sample(const ut_analyser *analyser)
{
    int64_t sample = ut_tracker_resume_sample(analyser->tracker) - analyser->warm_up;
    return sample > 0 ? sample : 0;
}
