#include "separator/stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/fft.h"
#include "separator/model.h"

/* Blocks that one run may take when a push brings enough audio; live pushes bring less. */
#define STREAM_BATCH 4
#define GRID 4096

struct ut_stream {
    ut_separator *separator;
    size_t block, hop, crop; /* of a block, [crop, crop + hop) is kept */
    size_t batch;
    ut_stems_fn emit;
    void *arg;
    int64_t first; /* no sample before is emitted */
    int64_t start; /* sample index of buffer[0]: always where the next block begins */
    int64_t end;   /* sample index after the last pushed */
    size_t held;   /* samples in buffer */
    float *buffer; /* (block + (batch-1) × hop) of mixture */
    float *music;  /* (batch, block) */
    bool finished;
};

static int64_t floor_to(int64_t n, int64_t step)
{
    int64_t rest = n % step;
    return n - (rest < 0 ? rest + step : rest);
}

size_t ut_stream_hop_default(const ut_model *model)
{
    const ut_domain *d = &model->domain;
    size_t half = d->block / 2, grid = GRID % d->hop == 0 && half >= GRID ? GRID : d->hop;
    return half < grid ? grid : half / grid * grid;
}

ut_status ut_stream_open(ut_separator *separator, size_t hop, int64_t first_sample, ut_stems_fn emit, void *arg,
                         ut_stream **out, ut_err *err)
{
    const ut_model *model = ut_separator_model(separator);
    size_t block = model->domain.block;
    if (hop == 0)
        hop = ut_stream_hop_default(model);
    if (hop > block || hop % model->domain.hop != 0)
        return ut_fail(err, UT_E_ARG, "stream: hop %zu is no multiple of %zu up to %zu", hop, model->domain.hop, block);
    if (first_sample % (int64_t)hop != 0)
        return ut_fail(err, UT_E_ARG, "stream: first sample %lld is not on the grid of %zu", (long long)first_sample,
                       hop);
    ut_stream *s = calloc(1, sizeof *s);
    if (!s)
        return ut_fail(err, UT_E_NOMEM, "stream");
    s->separator = separator;
    s->block = block;
    s->hop = hop;
    s->crop = (block - hop) / 2;
    s->batch = ut_separator_max_batch(separator) < STREAM_BATCH ? ut_separator_max_batch(separator) : STREAM_BATCH;
    s->emit = emit;
    s->arg = arg;
    s->first = s->end = first_sample;
    s->start = floor_to(first_sample - (int64_t)s->crop, (int64_t)hop);
    s->held = (size_t)(first_sample - s->start); /* silence before the first sample */
    s->buffer = ut_alloc_floats(block + (s->batch - 1) * hop);
    s->music = ut_alloc_floats(block * s->batch);
    if (!s->buffer || !s->music) {
        ut_stream_close(&s);
        return ut_fail(err, UT_E_NOMEM, "stream: blocks of %zu", block);
    }
    *out = s;
    return UT_OK;
}

void ut_stream_close(ut_stream **stream)
{
    ut_stream *s = *stream;
    if (!s)
        return;
    free(s->buffer);
    free(s->music);
    free(s);
    *stream = NULL;
}

size_t ut_stream_context(const ut_stream *s)
{
    size_t past = s->crop + s->hop - 1, future = s->block - 1 - s->crop;
    size_t reach = past > future ? past : future;
    return (reach + s->hop - 1) / s->hop * s->hop;
}

/* Emits the kept part of the block at s->start, up to `limit` (a sample index). */
static ut_status emit_block(ut_stream *s, const float *mix, const float *music, int64_t start, int64_t limit)
{
    int64_t from = start + (int64_t)s->crop, to = from + (int64_t)s->hop;
    if (from < s->first)
        from = s->first;
    if (to > limit)
        to = limit;
    if (from >= to)
        return UT_OK;
    size_t skip = (size_t)(from - start);
    return s->emit(s->arg, from, mix + skip, music + skip, (size_t)(to - from));
}

/* Runs `count` blocks from the start of the buffer, emits them and moves on. */
static ut_status run_blocks(ut_stream *s, size_t count, int64_t limit, ut_err *err)
{
    const float *mix[STREAM_BATCH] = {NULL};
    float *music[STREAM_BATCH] = {NULL};
    for (size_t i = 0; i < count; i++) {
        mix[i] = s->buffer + i * s->hop;
        music[i] = s->music + i * s->block;
    }
    ut_status rc = ut_separator_run(s->separator, mix, music, count, err);
    for (size_t i = 0; i < count && rc == UT_OK; i++)
        rc = emit_block(s, mix[i], music[i], s->start + (int64_t)(i * s->hop), limit);
    size_t used = count * s->hop;
    s->start += (int64_t)used;
    s->held = s->held > used ? s->held - used : 0;
    memmove(s->buffer, s->buffer + used, s->held * sizeof *s->buffer);
    return rc;
}

static size_t blocks_ready(const ut_stream *s)
{
    return s->held < s->block ? 0 : (s->held - s->block) / s->hop + 1;
}

ut_status ut_stream_push(ut_stream *s, const float *mix, size_t frames, ut_err *err)
{
    size_t capacity = s->block + (s->batch - 1) * s->hop;
    if (s->finished)
        return ut_fail(err, UT_E_ARG, "stream: push after finish");
    while (frames > 0) {
        size_t take = capacity - s->held < frames ? capacity - s->held : frames;
        for (size_t i = 0; i < take; i++)
            s->buffer[s->held + i] = isfinite(mix[i]) ? mix[i] : 0;
        s->held += take;
        s->end += (int64_t)take;
        mix += take;
        frames -= take;
        size_t ready = blocks_ready(s);
        ut_status rc = ready ? run_blocks(s, ready, INT64_MAX, err) : UT_OK;
        if (rc != UT_OK)
            return rc;
    }
    return UT_OK;
}

ut_status ut_stream_finish(ut_stream *s, ut_err *err)
{
    s->finished = true;
    while (s->end > s->first && s->start + (int64_t)s->crop < s->end) {
        memset(s->buffer + s->held, 0, (s->block - s->held) * sizeof *s->buffer);
        ut_status rc = run_blocks(s, 1, s->end, err);
        if (rc != UT_OK)
            return rc;
    }
    return UT_OK;
}

typedef struct {
    float *samples;
    size_t frames, have;
} collected;

static ut_status collect_music(void *arg, int64_t first, const float *mix, const float *music, size_t frames)
{
    (void)mix;
    collected *c = arg;
    if (first != (int64_t)c->have || frames > c->frames - c->have)
        return UT_E_CORRUPT;
    memcpy(c->samples + c->have, music, frames * sizeof *music);
    c->have += frames;
    return UT_OK;
}

ut_status ut_stream_whole(ut_separator *separator, const float *mix, size_t frames, float *music, ut_err *err)
{
    collected c = {.samples = music, .frames = frames};
    ut_stream *stream = NULL;
    ut_status rc = ut_stream_open(separator, 0, 0, collect_music, &c, &stream, err);
    if (rc == UT_OK)
        rc = ut_stream_push(stream, mix, frames, err);
    if (rc == UT_OK)
        rc = ut_stream_finish(stream, err);
    if (rc == UT_OK && c.have != c.frames)
        rc = ut_fail(err, UT_E_CORRUPT, "separator: %zu of %zu samples", c.have, c.frames);
    ut_stream_close(&stream);
    return rc;
}
