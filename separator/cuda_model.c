#include "separator/cuda_model.h"

#include <stdlib.h>

static const utc_op ops[UT_OP_COUNT] = {
    [UT_OP_CONV] = UTC_CONV,
    [UT_OP_DECONV] = UTC_DECONV,
    [UT_OP_AFFINE] = UTC_AFFINE,
    [UT_OP_ACT] = UTC_ACT,
    [UT_OP_CONCAT] = UTC_CONCAT,
    [UT_OP_CONCAT_COLUMNS] = UTC_CONCAT_COLUMNS,
    [UT_OP_SLICE_COLUMNS] = UTC_SLICE_COLUMNS,
    [UT_OP_SLICE_CHANNELS] = UTC_SLICE_CHANNELS,
    [UT_OP_DECIMATE] = UTC_DECIMATE,
    [UT_OP_AVGPOOL] = UTC_AVGPOOL,
    [UT_OP_UPSAMPLE_LINEAR] = UTC_UPSAMPLE_LINEAR,
    [UT_OP_DEPTH_TO_SPACE] = UTC_DEPTH_TO_SPACE,
    [UT_OP_ADD] = UTC_ADD,
    [UT_OP_MUL] = UTC_MUL,
};

static const utc_act acts[] = {
    [UT_ACT_NONE] = UTC_LINEAR,           [UT_ACT_RELU] = UTC_RELU,
    [UT_ACT_SIGMOID] = UTC_SIGMOID,       [UT_ACT_TANH] = UTC_TANH,
    [UT_ACT_LEAKY_RELU] = UTC_LEAKY_RELU,
};

static utc_shape to_shape(ut_shape s)
{
    return (utc_shape){(uint32_t)s.rows, (uint32_t)s.columns, (uint32_t)s.channels};
}

static utc_node to_node(const ut_graph *g, size_t i)
{
    const ut_node *from = &g->nodes[i];
    utc_node to = {.op = ops[from->op],
                   .act = acts[from->act],
                   .alpha = from->alpha,
                   .in_count = (uint32_t)from->in_count,
                   .from = (uint32_t)from->from,
                   .to = (uint32_t)from->to,
                   .w = from->w,
                   .b = from->b,
                   .shape = to_shape(g->values[i + 1].shape)};
    for (size_t k = 0; k < from->in_count; k++)
        to.in[k] = (uint32_t)from->in[k];
    for (size_t axis = 0; axis < 2; axis++) {
        to.stride[axis] = (uint32_t)from->stride[axis];
        to.kernel[axis] = (uint32_t)from->kernel[axis];
    }
    for (size_t k = 0; k < 4; k++)
        to.pad[k] = (uint32_t)from->pad[k];
    return to;
}

ut_status ut_cuda_model_open(const ut_cuda *cuda, const ut_graph *graph, const ut_domain *domain, bool bf16,
                             size_t *batch, utc_model **out, ut_err *err)
{
    utc_error problem = {0};
    int code = UTC_E_MEMORY;
    utc_node *nodes = calloc(graph->node_count, sizeof *nodes);
    if (!nodes)
        return ut_fail(err, UT_E_NOMEM, "cuda: %zu nodes", graph->node_count);
    for (size_t i = 0; i < graph->node_count; i++)
        nodes[i] = to_node(graph, i);
    utc_model_options options = {
        .nodes = nodes, .node_count = graph->node_count, .input = to_shape(graph->values[0].shape), .bf16 = bf16};
    if (domain) {
        options.domain = domain->kind == UT_DOMAIN_MASK ? UTC_MASK : UTC_WAVE;
        options.block = domain->block;
        options.fft = domain->fft;
        options.hop = domain->hop;
        options.frames = domain->frames;
    }
    for (; *batch > 0; *batch /= 2) {
        options.max_batch = *batch;
        code = cuda->api->model_open(cuda->context, &options, out, &problem);
        if (code != UTC_E_MEMORY)
            break;
    }
    free(nodes);
    return code == UTC_OK ? UT_OK : ut_fail(err, ut_cuda_status(code), "cuda: %s", problem.text);
}
