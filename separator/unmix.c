#include "separator/unmix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/resample.h"
#include "core/types.h"
#include "separator/stream.h"

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
    if (need > q->capacity || !q->data) {
        size_t capacity = need + need / 2 + 1;
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

/* One channel of the music at the model's rate; where its stream emits to. */
typedef struct {
    ut_unmix *all;
    ut_stream *stream;
    float *plane; /* one channel of what is pushed */
    size_t number;
    size_t emitted; /* frames it has put into narrow_music */
} channel;

struct ut_unmix {
    ut_unmix_fn emit;
    void *arg;
    size_t rate, channels; /* rate: frames that are taken at a time, too */
    ut_separator *separator;
    channel channel[UT_UNMIX_CHANNELS];
    ut_resampler *down, *up; /* NULL if the audio has the model's rate */
    float *narrow;           /* what is pushed, at the model's rate */
    size_t narrow_capacity;
    queue original;     /* frames that still wait for their music */
    queue narrow_music; /* at the model's rate */
    queue wide_music;   /* at the audio's rate, not yet emitted */
    size_t latency;
};

static ut_status collect(void *arg, int64_t first, const float *mix, const float *music, size_t frames)
{
    channel *c = arg;
    queue *q = &c->all->narrow_music;
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

/* The most frames that a converter holds back, in frames of its input; it goes by counts alone, so silence tells. */
static ut_status held_back(int from_hz, int to_hz, size_t *held, ut_err *err)
{
    enum { SECONDS = 2, PIECES = 1000 };
    ut_resampler *resampler = NULL;
    size_t piece = (size_t)from_hz / PIECES, in = 0, made = 0, most = 0, got = 0;
    ut_status rc = ut_resampler_open(from_hz, to_hz, 1, &resampler, err);
    size_t room = rc == UT_OK ? ut_resampler_bound(resampler, piece) : 0;
    float *silence = calloc(piece ? piece : 1, sizeof *silence), *out = calloc(room ? room : 1, sizeof *out);
    if (rc == UT_OK && (!silence || !out))
        rc = ut_fail(err, UT_E_NOMEM, "unmix: %zu frames", room);
    for (int i = 0; rc == UT_OK && i < SECONDS * PIECES; i++) {
        rc = ut_resampler_push(resampler, silence, piece, out, &got, err);
        in += piece;
        made += got;
        size_t passed = (size_t)((double)made * from_hz / to_hz);
        most = rc == UT_OK && in > passed && in - passed > most ? in - passed : most;
    }
    free(silence);
    free(out);
    ut_resampler_close(&resampler);
    if (rc == UT_OK)
        *held = most;
    return rc;
}

/* A sample waits for its block, and on both ways for the converters. */
static ut_status latency_set(ut_unmix *u, const ut_model *model, ut_err *err)
{
    size_t block = ut_model_describe(model)->block, hop = ut_stream_hop_default(model), down = 0, up = 0;
    double wait = (double)(block - (block - hop) / 2);
    ut_status rc = UT_OK;
    if (u->down && ((rc = held_back((int)u->rate, UT_RATE_HZ, &down, err)) != UT_OK ||
                    (rc = held_back(UT_RATE_HZ, (int)u->rate, &up, err)) != UT_OK))
        return rc;
    u->latency = down + (size_t)((wait + (double)up) * (double)u->rate / UT_RATE_HZ) + 1;
    return UT_OK;
}

static ut_status open_streams(ut_unmix *u, ut_err *err)
{
    ut_status rc = UT_OK;
    for (size_t i = 0; i < u->channels && rc == UT_OK; i++) {
        u->channel[i] = (channel){.all = u, .number = i, .plane = malloc(u->narrow_capacity * sizeof(float))};
        rc = u->channel[i].plane
                 ? ut_stream_open(u->separator, 0, 0, collect, &u->channel[i], &u->channel[i].stream, err)
                 : ut_fail(err, UT_E_NOMEM, "unmix: %zu frames", u->narrow_capacity);
    }
    return rc;
}

/* The two ways between the audio's rate and the model's, if they differ; room for one second. */
static ut_status open_rates(ut_unmix *u, int rate_hz, int channels, ut_err *err)
{
    ut_status rc;
    u->narrow_capacity = (size_t)rate_hz;
    if (rate_hz != UT_RATE_HZ) {
        if ((rc = ut_resampler_open(rate_hz, UT_RATE_HZ, channels, &u->down, err)) != UT_OK ||
            (rc = ut_resampler_open(UT_RATE_HZ, rate_hz, channels, &u->up, err)) != UT_OK)
            return rc;
        u->narrow_capacity = ut_resampler_bound(u->down, (size_t)rate_hz);
    }
    u->narrow = malloc(u->narrow_capacity * u->channels * sizeof *u->narrow);
    return u->narrow ? UT_OK : ut_fail(err, UT_E_NOMEM, "unmix: %d channels of %d Hz", channels, rate_hz);
}

ut_status ut_unmix_open(const ut_model *model, const char *backend, ut_precision precision, int rate_hz, int channels,
                        ut_unmix_fn emit, void *arg, ut_unmix **out, ut_err *err)
{
    if (channels < 1 || channels > UT_UNMIX_CHANNELS)
        return ut_fail(err, UT_E_UNSUPPORTED, "separate: %d channels (at most %d)", channels, UT_UNMIX_CHANNELS);
    if (rate_hz < 1000 || rate_hz > 384000)
        return ut_fail(err, UT_E_UNSUPPORTED, "separate: %d Hz (1000 to 384000)", rate_hz);
    ut_unmix *u = calloc(1, sizeof *u);
    if (!u)
        return ut_fail(err, UT_E_NOMEM, "separate: out of memory");
    u->emit = emit;
    u->arg = arg;
    u->rate = (size_t)rate_hz;
    u->channels = u->original.channels = u->narrow_music.channels = u->wide_music.channels = (size_t)channels;
    ut_status rc = open_rates(u, rate_hz, channels, err);
    if (rc == UT_OK)
        rc = ut_separator_open(model, backend, precision, BATCH, &u->separator, err);
    if (rc == UT_OK)
        rc = open_streams(u, err);
    if (rc == UT_OK)
        rc = latency_set(u, model, err);
    if (rc == UT_OK)
        *out = u;
    else
        ut_unmix_close(&u);
    return rc;
}

/* Everything that remembers audio. */
static void close_state(ut_unmix *u)
{
    for (size_t i = 0; i < u->channels; i++) {
        ut_stream_close(&u->channel[i].stream);
        free(u->channel[i].plane);
        u->channel[i].plane = NULL;
    }
    ut_resampler_close(&u->down);
    ut_resampler_close(&u->up);
    free(u->narrow);
    u->narrow = NULL;
    u->original.frames = u->narrow_music.frames = u->wide_music.frames = 0;
}

ut_status ut_unmix_restart(ut_unmix *unmix, ut_err *err)
{
    close_state(unmix);
    ut_status rc = open_rates(unmix, (int)unmix->rate, (int)unmix->channels, err);
    return rc == UT_OK ? open_streams(unmix, err) : rc;
}

void ut_unmix_close(ut_unmix **unmix)
{
    ut_unmix *u = *unmix;
    if (!u)
        return;
    close_state(u);
    ut_separator_close(&u->separator);
    free(u->original.data);
    free(u->narrow_music.data);
    free(u->wide_music.data);
    free(u);
    *unmix = NULL;
}

const char *ut_unmix_backend(const ut_unmix *unmix)
{
    return ut_separator_backend(unmix->separator);
}

size_t ut_unmix_latency(const ut_unmix *unmix)
{
    return unmix->latency;
}

/* Emits what has both its music and its original. */
static ut_status emit_ready(ut_unmix *u, ut_err *err)
{
    size_t frames = u->wide_music.frames < u->original.frames ? u->wide_music.frames : u->original.frames;
    ut_status rc = frames ? u->emit(u->arg, u->original.data, u->wide_music.data, frames, err) : UT_OK;
    if (frames) {
        queue_drop(&u->wide_music, frames);
        queue_drop(&u->original, frames);
    }
    return rc;
}

/* Takes `frames` frames of music (0: the tail) to the audio's rate. */
static ut_status widen(ut_unmix *u, size_t frames, ut_err *err)
{
    size_t got = frames, bound = u->up ? ut_resampler_bound(u->up, frames) : frames;
    float *to = queue_room(&u->wide_music, bound);
    if (!to)
        return ut_fail(err, UT_E_NOMEM, "separate: %zu frames", bound);
    if (!u->up)
        memcpy(to, u->narrow_music.data, frames * u->channels * sizeof *to);
    ut_status rc =
        u->up ? ut_resampler_push(u->up, frames ? u->narrow_music.data : NULL, frames, to, &got, err) : UT_OK;
    if (rc == UT_OK)
        u->wide_music.frames += got;
    return rc;
}

/* Passes on the music that every channel has by now. */
static ut_status pass_music(ut_unmix *u, ut_err *err)
{
    size_t ready = u->channel[0].emitted;
    ut_status rc = ready ? widen(u, ready, err) : UT_OK;
    if (rc != UT_OK)
        return rc;
    if (ready)
        queue_drop(&u->narrow_music, ready);
    for (size_t i = 0; i < u->channels; i++)
        u->channel[i].emitted -= ready;
    return emit_ready(u, err);
}

/* Separates `frames` frames of the model's rate; the channels stay in step. */
static ut_status separate(ut_unmix *u, const float *interleaved, size_t frames, ut_err *err)
{
    for (size_t i = 0; i < u->channels; i++) {
        for (size_t k = 0; k < frames; k++)
            u->channel[i].plane[k] = interleaved[k * u->channels + i];
        ut_status rc = ut_stream_push(u->channel[i].stream, u->channel[i].plane, frames, err);
        if (rc != UT_OK)
            return rc;
    }
    return pass_music(u, err);
}

/* interleaved = NULL, frames = 0: the converter's tail. */
static ut_status take(ut_unmix *u, const float *interleaved, size_t frames, ut_err *err)
{
    size_t got = frames;
    if (!u->down)
        return separate(u, interleaved, frames, err);
    ut_status rc = ut_resampler_push(u->down, interleaved, frames, u->narrow, &got, err);
    return rc == UT_OK ? separate(u, u->narrow, got, err) : rc;
}

ut_status ut_unmix_push(ut_unmix *unmix, const float *interleaved, size_t frames, ut_err *err)
{
    while (frames > 0) {
        size_t now = frames < unmix->rate ? frames : unmix->rate;
        float *keep = queue_room(&unmix->original, now);
        if (!keep)
            return ut_fail(err, UT_E_NOMEM, "separate: %zu frames", now);
        memcpy(keep, interleaved, now * unmix->channels * sizeof *keep);
        unmix->original.frames += now;
        ut_status rc = take(unmix, interleaved, now, err);
        if (rc != UT_OK)
            return rc;
        interleaved += now * unmix->channels;
        frames -= now;
    }
    return UT_OK;
}

ut_status ut_unmix_finish(ut_unmix *unmix, ut_err *err)
{
    ut_unmix *u = unmix;
    ut_status rc = u->down ? take(u, NULL, 0, err) : UT_OK;
    for (size_t i = 0; i < u->channels && rc == UT_OK; i++)
        rc = ut_stream_finish(u->channel[i].stream, err);
    if (rc == UT_OK)
        rc = pass_music(u, err);
    if (rc == UT_OK && u->up && (rc = widen(u, 0, err)) == UT_OK)
        rc = emit_ready(u, err);
    if (rc != UT_OK || !u->original.frames)
        return rc;
    /* The converters' rounding may leave a frame or two without music. */
    size_t left = u->original.frames;
    float *silence = queue_room(&u->wide_music, left);
    if (!silence)
        return ut_fail(err, UT_E_NOMEM, "separate: %zu frames", left);
    memset(silence, 0, left * u->channels * sizeof *silence);
    u->wide_music.frames += left;
    return emit_ready(u, err);
}
