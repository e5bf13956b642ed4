#include "apps/explain/audio.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/media.h"
#include "separator/stream.h"

enum { LONGEST_S = 3600 };

typedef struct {
    float *samples;
    size_t frames, room;
} buffer;

static ut_status append(buffer *b, const float *samples, size_t frames, const char *path, ut_err *err)
{
    if (b->frames + frames > (size_t)LONGEST_S * UT_RATE_HZ)
        return ut_fail(err, UT_E_ARG, "%s: longer than an hour: --from and --to choose a part", path);
    if (b->frames + frames > b->room) {
        size_t room = 2 * (b->frames + frames);
        float *more = realloc(b->samples, room * sizeof *more);
        if (!more)
            return ut_fail(err, UT_E_NOMEM, "%s: %zu samples", path, room);
        b->samples = more;
        b->room = room;
    }
    memcpy(b->samples + b->frames, samples, frames * sizeof *samples);
    b->frames += frames;
    return UT_OK;
}

static ut_status read_range(ut_media *media, const char *path, const ut_explain_source *source, buffer *b, ut_err *err)
{
    float second[UT_RATE_HZ];
    int64_t from = (int64_t)(source->from_s * UT_RATE_HZ), at = 0;
    int64_t to = isfinite(source->to_s) ? (int64_t)(source->to_s * UT_RATE_HZ) : INT64_MAX;
    size_t got = 0;
    ut_status rc = UT_OK;
    do {
        if (source->stopped && source->stopped())
            return ut_fail(err, UT_E_STOPPED, "stopped");
        if ((rc = ut_media_read(media, second, UT_RATE_HZ, &got, err)) != UT_OK)
            return rc;
        int64_t first = from > at ? from - at : 0, last = to - at < (int64_t)got ? to - at : (int64_t)got;
        if (last > first)
            rc = append(b, second + first, (size_t)(last - first), path, err);
        at += (int64_t)got;
    } while (rc == UT_OK && got > 0 && at < to);
    if (rc == UT_OK && b->frames == 0)
        rc = ut_fail(err, UT_E_ARG, "%s: ends at %.2f s, before the stretch from %.2f s", path, (double)at / UT_RATE_HZ,
                     source->from_s);
    return rc;
}

static ut_status separate(const ut_explain_source *source, const buffer *mix, float **music, ut_err *err)
{
    ut_separator *separator = NULL;
    float *out = calloc(mix->frames, sizeof *out);
    ut_status rc = out ? ut_separator_open(source->model, source->backend, source->precision, 1, &separator, err)
                       : ut_fail(err, UT_E_NOMEM, "%zu samples", mix->frames);
    if (rc == UT_OK)
        rc = ut_stream_whole(separator, mix->samples, mix->frames, out, err);
    ut_separator_close(&separator);
    if (rc == UT_OK)
        *music = out;
    else
        free(out);
    return rc;
}

ut_status ut_explain_load(const char *path, const ut_explain_source *source, ut_explain_audio *out, ut_err *err)
{
    buffer mix = {0};
    float *music = NULL;
    ut_media *media = NULL;
    ut_media_options options = {.rate_hz = UT_RATE_HZ, .channels = 1};
    ut_status rc = ut_media_open(path, &options, &media, err);
    if (rc == UT_OK)
        rc = read_range(media, path, source, &mix, err);
    ut_media_close(&media);
    if (rc == UT_OK && source->model)
        rc = separate(source, &mix, &music, err);
    if (rc != UT_OK) {
        free(mix.samples);
        return rc;
    }
    *out = (ut_explain_audio){.mix = mix.samples,
                              .music = music,
                              .frames = mix.frames,
                              .first_sample = (int64_t)(source->from_s * UT_RATE_HZ)};
    return UT_OK;
}

void ut_explain_audio_free(ut_explain_audio *audio)
{
    free((void *)audio->mix);
    free((void *)audio->music);
    *audio = (ut_explain_audio){0};
}
