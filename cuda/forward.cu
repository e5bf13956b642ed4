/* One batch through a model: launches only. */
#include "cuda/conv.h"
#include "cuda/conv_mma.h"
#include "cuda/launch.h"
#include "cuda/model.h"
#include "cuda/plain.h"
#include "cuda/stft.h"

namespace utc
{

/* Full scale is 1. What is louder than this is a broken decoder, and would overflow inside a network. */
static const float SAMPLE_LIMIT = 16;

static Numbers numbers(const utc_model *m, const Lane *lane, uint32_t value)
{
    const Value *v = &m->program.values[value];
    Numbers n = {lane->memory + v->offset * lane->capacity, v->half};
    return n;
}

static Input input(const utc_model *m, const Lane *lane, const View *view)
{
    Input in = {};
    in.count = view->count;
    for (int i = 0; i < view->count; i++) {
        utc_shape s = m->program.values[view->value[i]].shape;
        Source *part = &in.parts[i];
        part->from = numbers(m, lane, view->value[i]);
        part->rows = (int)s.rows;
        part->columns = (int)s.columns;
        part->channels = (int)s.channels;
        part->step[0] = (int)view->step[i][0];
        part->step[1] = (int)view->step[i][1];
        part->up = view->up[i];
        in.rows = (part->rows + part->step[0] - 1) / part->step[0];
        in.columns = part->up ? 2 * part->columns : (part->columns + part->step[1] - 1) / part->step[1];
        in.channels += part->channels;
    }
    return in;
}

static rt_error run_conv(const utc_model *m, const Lane *lane, const Step *step, const Packed *packed, size_t count)
{
    const utc_node *node = step->node;
    Conv k = {};
    k.in = input(m, lane, &step->view);
    k.out = numbers(m, lane, step->out);
    k.out_rows = (int)node->shape.rows;
    k.out_columns = (int)node->shape.columns;
    k.out_channels = (int)node->shape.channels;
    for (int axis = 0; axis < 2; axis++) {
        k.kernel[axis] = (int)node->kernel[axis];
        k.stride[axis] = (int)node->stride[axis];
        k.pad[axis] = (int)node->pad[2 * axis];
    }
    k.transposed = node->op == UTC_DECONV;
    k.act = node->act;
    k.alpha = node->alpha;
    k.weights = packed->w;
    k.bias = packed->b;
    k.count = count * node->shape.rows * node->shape.columns;
    Grid grid = {blocks_of(k.count * ((k.out_channels + Conv::WIDE - 1) / Conv::WIDE), Conv::THREADS), 1, 1};
    return launch(k, grid, lane->stream);
}

template <int TILE>
static rt_error run_tile(const utc_model *m, const Lane *lane, const Step *step, const Packed *packed, size_t count)
{
    const utc_node *node = step->node;
    const Mma *mma = packed->mma;
    ConvMma<TILE> k = {};
    k.in = input(m, lane, &step->view);
    k.out = numbers(m, lane, step->out);
    k.out_rows = (int)node->shape.rows;
    k.out_columns = (int)node->shape.columns;
    k.out_channels = (int)node->shape.channels;
    for (int axis = 0; axis < 2; axis++) {
        k.in_stride[axis] = mma->in_stride[axis];
        k.out_stride[axis] = mma->out_stride[axis];
    }
    k.phases = mma->phases;
    k.taps = mma->taps;
    k.weights = mma->weights;
    k.padded_columns = mma->padded_columns;
    k.bias = packed->b;
    k.act = node->act;
    k.alpha = node->alpha;
    k.count = (int)count;
    Grid grid = {blocks_of(count * mma->positions, MMA_ROWS), (unsigned)(mma->padded_columns / ConvMma<TILE>::COLUMNS),
                 (unsigned)mma->phase_count};
    return launch(k, grid, lane->stream);
}

static rt_error run_mma(const utc_model *m, const Lane *lane, const Step *step, const Packed *packed, size_t count)
{
    switch (packed->mma->tile) {
    case 2:
        return run_tile<2>(m, lane, step, packed, count);
    case 3:
        return run_tile<3>(m, lane, step, packed, count);
    case 4:
        return run_tile<4>(m, lane, step, packed, count);
    case 5:
        return run_tile<5>(m, lane, step, packed, count);
    case 6:
        return run_tile<6>(m, lane, step, packed, count);
    default:
        return run_tile<8>(m, lane, step, packed, count);
    }
}

static Shape shape(utc_shape s)
{
    Shape out = {(int)s.rows, (int)s.columns, (int)s.channels};
    return out;
}

static rt_error run_plain(const utc_model *m, const Lane *lane, const Step *step, const Packed *packed, size_t count)
{
    const utc_node *node = step->node;
    Plain k = {};
    k.op = node->op;
    k.act = node->act;
    k.alpha = node->alpha;
    k.in_count = (int)node->in_count;
    for (uint32_t i = 0; i < node->in_count; i++) {
        k.in[i] = numbers(m, lane, node->in[i]);
        k.from[i] = shape(m->program.values[node->in[i]].shape);
    }
    k.out = numbers(m, lane, step->out);
    k.to = shape(node->shape);
    k.stride[0] = (int)node->stride[0];
    k.stride[1] = (int)node->stride[1];
    k.offset = (int)node->from;
    k.w = packed->w;
    k.b = packed->b;
    k.count = count * count_of(node->shape);
    Grid grid = {blocks_of(k.count, Plain::THREADS), 1, 1};
    return launch(k, grid, lane->stream);
}

/* What came in becomes the network's input. */
static rt_error run_input(const utc_model *m, const Lane *lane, size_t count, int s16)
{
    const utc_model_options *o = &m->options;
    float *x = (float *)numbers(m, lane, 0).data;
    Ingest in = {lane->staging, s16, o->domain == UTC_VALUES ? 0 : SAMPLE_LIMIT,
                 o->domain == UTC_MASK ? lane->audio : x, count * m->in_count};
    Grid all = {blocks_of(in.count, Ingest::THREADS), 1, 1};
    rt_error problem = launch(in, all, lane->stream);
    if (problem || o->domain != UTC_MASK)
        return problem;
    Stft stft = {lane->audio, m->window,   m->twiddles,    lane->spectra,     x,
                 (int)o->fft, (int)o->hop, (int)o->frames, (int)(o->fft / 2), o->block};
    Grid frames = {(unsigned)o->frames, (unsigned)count, 1};
    return launch(stft, frames, lane->stream);
}

static rt_error run_output(const utc_model *m, const Lane *lane, size_t count)
{
    const utc_model_options *o = &m->options;
    if (o->domain != UTC_MASK)
        return NULL;
    const float *mask = (const float *)numbers(m, lane, (uint32_t)o->node_count).data;
    MaskedFrames frames = {lane->spectra, mask, m->window, m->twiddles, lane->windowed, (int)o->fft, (int)o->frames};
    Grid each = {(unsigned)o->frames, (unsigned)count, 1};
    rt_error problem = launch(frames, each, lane->stream);
    if (problem)
        return problem;
    OverlapAdd add = {lane->windowed, m->inverse,     lane->out, (int)o->fft,
                      (int)o->hop,    (int)o->frames, o->block,  count * o->block};
    Grid all = {blocks_of(add.count, OverlapAdd::THREADS), 1, 1};
    return launch(add, all, lane->stream);
}

rt_error enqueue(const utc_model *model, const Lane *lane, size_t count, int s16)
{
    rt_error problem = run_input(model, lane, count, s16);
    for (size_t i = 0; i < model->program.step_count && !problem; i++) {
        const Step *step = &model->program.steps[i];
        const Packed *packed = &model->packed[i];
        if (packed->mma)
            problem = run_mma(model, lane, step, packed, count);
        else if (is_conv(step->node))
            problem = run_conv(model, lane, step, packed, count);
        else
            problem = run_plain(model, lane, step, packed, count);
    }
    return problem ? problem : run_output(model, lane, count);
}

float *lane_result(const utc_model *model, const Lane *lane)
{
    if (model->options.domain == UTC_MASK)
        return lane->out;
    return (float *)numbers(model, lane, (uint32_t)model->options.node_count).data;
}

} // namespace utc
