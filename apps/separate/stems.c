#include "apps/separate/stems.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/separate/wav.h"
#include "core/resample.h"
#include "core/types.h"
#include "separator/stream.h"

#define CHANNELS_MAX 32
#define BATCH 4

/* Interleaved frames, first in first out. */
typedef struct {
    float *data;
    size_t frames, capacity;
    size_t channels;
} queue;

/* Room for `frames` more at the end, or NULL. */
static float *queue_room(queue *q, size_t frames)
{
    size_t need = q->frames + frames, bytes;
    if (need > q->capacity) {
        size_t capacity = need + need / 2;
        float *grown = ut_mul_ok(capacity, q->channels * sizeof *q->data, &bytes) ? realloc(q->data, bytes) : NULL;
        if (!grown)
            return NULL;
        q->data = grown;
        q->capacity = capacity;
    }
    return q->data + q->frames * q->channels;
}

static void queue_drop(queue *q, size_t frames)
{
    q->frames -= frames;
    memmove(q->data, q->data + frames * q->channels, q->frames * q->channels * sizeof *q->data);
}

typedef struct work work;

/* One channel of the music at the model's rate; where its stream emits to. */
typedef struct {
    work *all;
    ut_stream *stream;
    float *plane; /* one channel of what is pushed */
    size_t number;
    size_t emitted; /* frames it has put into music_queue */
} channel;

struct work {
    const ut_stems_options *options;
    ut_media *media;
    size_t channels;
    ut_separator *separator;
    channel channel[CHANNELS_MAX];
    ut_resampler *down, *up; /* NULL if the file has the model's rate */
    float *read;             /* one second, interleaved */
    float *narrow;           /* the same at the model's rate */
    size_t narrow_capacity;
    queue original;    /* frames that still wait for their music */
    queue music_queue; /* at the model's rate */
    queue wide;        /* music at the file's rate, not yet written */
    uint64_t frames_in, frames_out;
    ut_wav *music, *speech;
};

static ut_status collect(void *arg, int64_t first, const float *mix, const float *music, size_t frames)
{
    channel *c = arg;
    queue *q = &c->all->music_queue;
    size_t missing = c->emitted + frames > q->frames ? c->emitted + frames - q->frames : 0;
    (void)first;
    (void)mix;
    if (!queue_room(q, missing))
        return UT_E_NOMEM;
    q->frames += missing;
    for (size_t i = 0; i < frames; i++)
        q->data[(c->emitted + i) * q->channels + c->number] = music[i];
    c->emitted += frames;
    return UT_OK;
}

static ut_status open_streams(work *w, ut_err *err)
{
    ut_status rc = UT_OK;
    for (size_t i = 0; i < w->channels && rc == UT_OK; i++) {
        w->channel[i] = (channel){.all = w, .number = i, .plane = malloc(w->narrow_capacity * sizeof(float))};
        rc = w->channel[i].plane
                 ? ut_stream_open(w->separator, 0, 0, collect, &w->channel[i], &w->channel[i].stream, err)
                 : ut_fail(err, UT_E_NOMEM, "separate: %zu frames", w->narrow_capacity);
    }
    return rc;
}

/* The two ways between the file's rate and the model's, if they differ; room for one second. */
static ut_status open_rates(work *w, const ut_media_info *info, ut_err *err)
{
    ut_status rc;
    w->narrow_capacity = (size_t)info->rate_hz;
    if (info->rate_hz != UT_RATE_HZ) {
        if ((rc = ut_resampler_open(info->rate_hz, UT_RATE_HZ, info->channels, &w->down, err)) != UT_OK ||
            (rc = ut_resampler_open(UT_RATE_HZ, info->rate_hz, info->channels, &w->up, err)) != UT_OK)
            return rc;
        w->narrow_capacity = ut_resampler_bound(w->down, (size_t)info->rate_hz);
    }
    w->read = malloc((size_t)info->rate_hz * w->channels * sizeof *w->read);
    w->narrow = malloc(w->narrow_capacity * w->channels * sizeof *w->narrow);
    return w->read && w->narrow
               ? UT_OK
               : ut_fail(err, UT_E_NOMEM, "separate: %d channels of %d Hz", info->channels, info->rate_hz);
}

static ut_status open_work(work *w, const char *path, ut_err *err)
{
    const ut_stems_options *o = w->options;
    ut_media_options as_is = {0};
    ut_status rc = ut_media_open(path, &as_is, &w->media, err);
    if (rc != UT_OK)
        return rc;
    const ut_media_info *info = ut_media_describe(w->media);
    if (info->channels < 1 || info->channels > CHANNELS_MAX)
        return ut_fail(err, UT_E_UNSUPPORTED, "%s: %d channels (at most %d)", path, info->channels, CHANNELS_MAX);
    w->channels = w->original.channels = w->music_queue.channels = w->wide.channels = (size_t)info->channels;
    if ((rc = open_rates(w, info, err)) != UT_OK)
        return rc;
    ut_wav_format format = {
        .rate_hz = info->rate_hz, .channels = info->channels, .floats = o->floats, .duration_s = info->duration_s};
    if ((rc = ut_separator_open(o->model, o->backend, o->precision, BATCH, &w->separator, err)) != UT_OK ||
        (rc = open_streams(w, err)) != UT_OK || (rc = ut_wav_open(o->music, &format, &w->music, err)) != UT_OK)
        return rc;
    return o->speech ? ut_wav_open(o->speech, &format, &w->speech, err) : UT_OK;
}

static void close_work(work *w)
{
    for (size_t i = 0; i < w->channels; i++) {
        ut_stream_close(&w->channel[i].stream);
        free(w->channel[i].plane);
    }
    ut_wav_close(&w->music);
    ut_wav_close(&w->speech);
    ut_separator_close(&w->separator);
    ut_resampler_close(&w->down);
    ut_resampler_close(&w->up);
    ut_media_close(&w->media);
    free(w->read);
    free(w->narrow);
    free(w->original.data);
    free(w->music_queue.data);
    free(w->wide.data);
}

/* Writes what has both its music and its original. */
static ut_status write_ready(work *w, ut_err *err)
{
    size_t frames = w->wide.frames < w->original.frames ? w->wide.frames : w->original.frames;
    ut_status rc = ut_wav_write(w->music, w->wide.data, frames, err);
    for (size_t i = 0; i < frames * w->channels; i++)
        w->original.data[i] -= w->wide.data[i];
    if (rc == UT_OK && w->speech)
        rc = ut_wav_write(w->speech, w->original.data, frames, err);
    queue_drop(&w->wide, frames);
    queue_drop(&w->original, frames);
    w->frames_out += frames;
    return rc;
}

/* Takes `frames` frames of music (0: the tail) to the file's rate. */
static ut_status widen(work *w, size_t frames, ut_err *err)
{
    size_t got = frames, bound = w->up ? ut_resampler_bound(w->up, frames) : frames;
    float *to = queue_room(&w->wide, bound);
    if (!to)
        return ut_fail(err, UT_E_NOMEM, "separate: %zu frames", bound);
    if (!w->up)
        memcpy(to, w->music_queue.data, frames * w->channels * sizeof *to);
    ut_status rc = w->up ? ut_resampler_push(w->up, frames ? w->music_queue.data : NULL, frames, to, &got, err) : UT_OK;
    if (rc == UT_OK)
        w->wide.frames += got;
    return rc;
}

/* Passes on the music that every channel has by now. */
static ut_status pass_music(work *w, ut_err *err)
{
    size_t ready = w->channel[0].emitted;
    ut_status rc = ready ? widen(w, ready, err) : UT_OK;
    if (rc != UT_OK)
        return rc;
    queue_drop(&w->music_queue, ready);
    for (size_t i = 0; i < w->channels; i++)
        w->channel[i].emitted -= ready;
    return write_ready(w, err);
}

/* Separates `frames` frames of the model's rate; the channels stay in step. */
static ut_status separate(work *w, const float *interleaved, size_t frames, ut_err *err)
{
    for (size_t i = 0; i < w->channels; i++) {
        for (size_t k = 0; k < frames; k++)
            w->channel[i].plane[k] = interleaved[k * w->channels + i];
        ut_status rc = ut_stream_push(w->channel[i].stream, w->channel[i].plane, frames, err);
        if (rc != UT_OK)
            return rc;
    }
    return pass_music(w, err);
}

static ut_status push(work *w, const float *frames_in, size_t frames, ut_err *err)
{
    size_t got = frames;
    if (!w->down)
        return separate(w, frames_in, frames, err);
    ut_status rc = ut_resampler_push(w->down, frames_in, frames, w->narrow, &got, err);
    return rc == UT_OK ? separate(w, w->narrow, got, err) : rc;
}

static ut_status finish(work *w, ut_err *err)
{
    ut_status rc = w->down ? push(w, NULL, 0, err) : UT_OK;
    for (size_t i = 0; i < w->channels && rc == UT_OK; i++)
        rc = ut_stream_finish(w->channel[i].stream, err);
    if (rc == UT_OK)
        rc = pass_music(w, err);
    if (rc == UT_OK && w->up && (rc = widen(w, 0, err)) == UT_OK)
        rc = write_ready(w, err);
    if (rc != UT_OK || !w->original.frames)
        return rc;
    /* The resamplers' rounding may leave a frame or two without music. */
    size_t left = w->original.frames;
    float *silence = queue_room(&w->wide, left);
    if (!silence)
        return ut_fail(err, UT_E_NOMEM, "separate: %zu frames", left);
    memset(silence, 0, left * w->channels * sizeof *silence);
    w->wide.frames += left;
    return write_ready(w, err);
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
            return finish(w, err);
        if (o->stopped && o->stopped())
            return ut_fail(err, UT_E_STOPPED, "stopped");
        float *keep = queue_room(&w->original, got);
        if (!keep)
            return ut_fail(err, UT_E_NOMEM, "separate: %zu frames", got);
        memcpy(keep, w->read, got * w->channels * sizeof *keep);
        w->original.frames += got;
        w->frames_in += got;
        if ((rc = push(w, w->read, got, err)) != UT_OK)
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
        snprintf(out->backend, sizeof out->backend, "%s", ut_separator_backend(w.separator));
    }
    close_work(&w);
    return rc;
}
