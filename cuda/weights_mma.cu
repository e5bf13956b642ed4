/* Convolutions in the form that the tensor cores read. */
#include <stdlib.h>

#include "cuda/conv_mma.h"
#include "cuda/model.h"

namespace utc
{

enum { NARROWEST = 16 }; /* output channels below which most of a tile would be wasted */

/* Being packed, on the host. */
struct Packing {
    const utc_node *node;
    int in, out; /* channels */
    MmaPhase *phases;
    int phase_count;
    int *taps;    /* (taps, 2) of the table */
    int *indices; /* which of the kernel's */
    int tap_count, steps;
    size_t positions;
};

static int suits(const utc_model *m, const Step *step)
{
    const utc_node *node = step->node;
    int fits = m->context->info.tensor_bf16 && reads_half(&m->program, step) && node->shape.channels >= NARROWEST;
    for (int i = 0; i < step->view.count; i++)
        fits = fits && m->program.values[step->view.value[i]].shape.channels % 8 == 0;
    size_t positions = (size_t)node->shape.rows * node->shape.columns;
    return fits && positions * m->options.max_batch < (size_t)1 << 30 && node->stride[0] * node->stride[1] <= 1024;
}

/* The widest tile is the cheapest for a column, as long as it is filled: 32 columns' worth is each tile's own. */
static int choose_tile(int columns)
{
    static const int tiles[] = {2, 3, 4, 5, 6, 8};
    int best = 0, best_cost = 0;
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
        int wide = 16 * tiles[i], cost = (columns + wide - 1) / wide * (wide + 32);
        if (!best || cost <= best_cost) {
            best = tiles[i];
            best_cost = cost;
        }
    }
    return best;
}

/* Positions of a phase along one axis: of `count`, those that are `phase` modulo `stride`. */
static int along(uint32_t count, uint32_t phase, uint32_t stride)
{
    return count > phase ? (int)((count - phase + stride - 1) / stride) : 0;
}

/* The offset that a transposed convolution's tap has in a phase; false if it meets none of its positions. */
static int meets(int phase, int crop, int tap, int stride, int *offset)
{
    int at = phase + crop - tap;
    if (at % stride != 0)
        return 0;
    *offset = at / stride;
    return 1;
}

static void add_phase(Packing *p, int row, int column)
{
    const utc_node *node = p->node;
    int whole = node->op == UTC_CONV;
    MmaPhase *phase = &p->phases[p->phase_count++];
    *phase = MmaPhase();
    phase->offset[0] = row;
    phase->offset[1] = column;
    phase->rows = along(node->shape.rows, row, whole ? 1 : node->stride[0]);
    phase->columns = along(node->shape.columns, column, whole ? 1 : node->stride[1]);
    phase->first_tap = p->tap_count;
    for (int kr = 0; kr < (int)node->kernel[0]; kr++)
        for (int kc = 0; kc < (int)node->kernel[1]; kc++) {
            int *offset = &p->taps[2 * p->tap_count];
            offset[0] = kr - (int)node->pad[0];
            offset[1] = kc - (int)node->pad[2];
            if (!whole && (!meets(row, (int)node->pad[0], kr, (int)node->stride[0], &offset[0]) ||
                           !meets(column, (int)node->pad[2], kc, (int)node->stride[1], &offset[1])))
                continue;
            p->indices[p->tap_count++] = kr * (int)node->kernel[1] + kc;
        }
    phase->taps = p->tap_count - phase->first_tap;
    phase->first_step = p->steps;
    phase->steps = (phase->taps * p->in + MMA_K - 1) / MMA_K;
    p->steps += phase->steps;
    size_t positions = (size_t)phase->rows * phase->columns;
    p->positions = p->positions < positions ? positions : p->positions;
}

/* (steps, padded columns, MMA_K): a tile's share of a step is contiguous. */
static void fill(const Packing *p, int padded, bf16 *to)
{
    const utc_node *node = p->node;
    int taps = (int)(node->kernel[0] * node->kernel[1]);
    for (int f = 0; f < p->phase_count; f++) {
        const MmaPhase *phase = &p->phases[f];
        for (int s = 0; s < phase->steps; s++)
            for (int o = 0; o < padded; o++)
                for (int i = 0; i < MMA_K; i++, to++) {
                    int k = s * MMA_K + i, tap = k / p->in, channel = k % p->in;
                    *to = 0;
                    if (tap >= phase->taps || o >= p->out)
                        continue;
                    size_t pair = node->op == UTC_CONV ? (size_t)o * p->in + channel : (size_t)channel * p->out + o;
                    *to = to_bf16(node->w[pair * taps + p->indices[phase->first_tap + tap]]);
                }
    }
}

static int send(utc_model *m, const Packing *p, Mma *mma, utc_error *err)
{
    size_t count = (size_t)p->steps * mma->padded_columns * MMA_K;
    bf16 *weights = (bf16 *)malloc(count * sizeof *weights + 1);
    if (!weights)
        return out_of_memory(err, "weights", count * sizeof *weights, NULL);
    fill(p, mma->padded_columns, weights);
    int rc = upload(m, weights, count * sizeof *weights, (void **)&mma->weights, err);
    free(weights);
    if (rc == UTC_OK)
        rc = upload(m, p->taps, 2 * (size_t)p->tap_count * sizeof *p->taps, (void **)&mma->taps, err);
    if (rc == UTC_OK)
        rc = upload(m, p->phases, p->phase_count * sizeof *p->phases, (void **)&mma->phases, err);
    return rc;
}

static int pack(utc_model *m, const Step *step, Mma *mma, Packing *p, utc_error *err)
{
    const utc_node *node = step->node;
    int whole = node->op == UTC_CONV, rows = whole ? 1 : (int)node->stride[0],
        columns = whole ? 1 : (int)node->stride[1];
    size_t taps = (size_t)node->kernel[0] * node->kernel[1];
    p->node = node;
    p->in = (int)m->program.values[node->in[0]].shape.channels;
    p->out = (int)node->shape.channels;
    p->phases = (MmaPhase *)calloc((size_t)rows * columns, sizeof *p->phases);
    p->taps = (int *)calloc(2 * taps + 2, sizeof *p->taps);
    p->indices = (int *)calloc(taps + 1, sizeof *p->indices);
    if (!p->phases || !p->taps || !p->indices)
        return out_of_memory(err, "weights", taps, NULL);
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++)
            add_phase(p, r, c);
    mma->tile = choose_tile(p->out);
    mma->padded_columns = (p->out + 16 * mma->tile - 1) / (16 * mma->tile) * 16 * mma->tile;
    for (int axis = 0; axis < 2; axis++) {
        mma->in_stride[axis] = whole ? (int)node->stride[axis] : 1;
        mma->out_stride[axis] = whole ? 1 : (int)node->stride[axis];
    }
    mma->phase_count = p->phase_count;
    mma->positions = p->positions;
    return send(m, p, mma, err);
}

int mma_open(utc_model *m, const Step *step, Mma **out, utc_error *err)
{
    Packing p = {};
    if (!suits(m, step))
        return UTC_OK;
    *out = (Mma *)calloc(1, sizeof **out); /* weights_close frees it, whole or not */
    int rc = *out ? pack(m, step, *out, &p, err) : out_of_memory(err, "weights", sizeof **out, NULL);
    free(p.phases);
    free(p.taps);
    free(p.indices);
    return rc;
}

void mma_close(Mma *mma)
{
    if (!mma)
        return;
    rt_free(mma->phases);
    rt_free(mma->taps);
    rt_free(mma->weights);
    free(mma);
}

} // namespace utc
