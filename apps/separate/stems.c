#include "apps/separate/stems.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "apps/separate/wav.h"
#include "separator/unmix.h"

typedef struct {
    const ut_stems_options *options;
    ut_media *media;
    ut_unmix *unmix;
    size_t channels;
    float *read; /* one second, interleaved */
    uint64_t frames_in;
    ut_wav *music, *speech;
} work;

static ut_status write_stems(void *arg, float *original, float *music, size_t frames, ut_err *err)
{
    work *w = arg;
    ut_status rc = ut_wav_write(w->music, music, frames, err);
    if (rc != UT_OK || !w->speech)
        return rc;
    for (size_t i = 0; i < frames * w->channels; i++)
        original[i] -= music[i];
    return ut_wav_write(w->speech, original, frames, err);
}

static ut_status open_work(work *w, const char *path, ut_err *err)
{
    const ut_stems_options *o = w->options;
    ut_media_options as_is = {0};
    ut_status rc = ut_media_open(path, &as_is, &w->media, err);
    if (rc != UT_OK)
        return rc;
    const ut_media_info *info = ut_media_describe(w->media);
    if ((rc = ut_unmix_open(o->model, o->backend, o->precision, info->rate_hz, info->channels, write_stems, w,
                            &w->unmix, err)) != UT_OK) {
        ut_err_prefix(err, "%s", path);
        return rc;
    }
    w->channels = (size_t)info->channels;
    w->read = malloc((size_t)info->rate_hz * w->channels * sizeof *w->read);
    if (!w->read)
        return ut_fail(err, UT_E_NOMEM, "%s: %d channels of %d Hz", path, info->channels, info->rate_hz);
    ut_wav_format format = {
        .rate_hz = info->rate_hz, .channels = info->channels, .floats = o->floats, .duration_s = info->duration_s};
    if ((rc = ut_wav_open(o->music, &format, &w->music, err)) != UT_OK)
        return rc;
    return o->speech ? ut_wav_open(o->speech, &format, &w->speech, err) : UT_OK;
}

static void close_work(work *w)
{
    ut_wav_close(&w->music);
    ut_wav_close(&w->speech);
    ut_unmix_close(&w->unmix);
    ut_media_close(&w->media);
    free(w->read);
}

static ut_status run(work *w, ut_err *err)
{
    const ut_stems_options *o = w->options;
    size_t second = (size_t)ut_media_describe(w->media)->rate_hz, got;
    for (;;) {
        ut_status rc = ut_media_read(w->media, w->read, second, &got, err);
        if (rc != UT_OK)
            return rc;
        if (got == 0)
            return ut_unmix_finish(w->unmix, err);
        if (o->stopped && o->stopped())
            return ut_fail(err, UT_E_STOPPED, "stopped");
        w->frames_in += got;
        if ((rc = ut_unmix_push(w->unmix, w->read, got, err)) != UT_OK)
            return rc;
        if (o->advance)
            o->advance(o->arg, (double)w->frames_in / (double)second, ut_media_describe(w->media)->duration_s);
    }
}

ut_status ut_stems_write(const char *path, const ut_stems_options *options, ut_stems_result *out, ut_err *err)
{
    work w = {.options = options};
    ut_status rc = open_work(&w, path, err);
    if (rc == UT_OK && (rc = run(&w, err)) == UT_OK && (rc = ut_wav_finish(&w.music, err)) == UT_OK && w.speech)
        rc = ut_wav_finish(&w.speech, err);
    if (rc == UT_OK) {
        const ut_media_info *info = ut_media_describe(w.media);
        *out = (ut_stems_result){
            .seconds = (double)w.frames_in / info->rate_hz, .rate_hz = info->rate_hz, .channels = info->channels};
        snprintf(out->backend, sizeof out->backend, "%s", ut_unmix_backend(w.unmix));
    }
    close_work(&w);
    return rc;
}
