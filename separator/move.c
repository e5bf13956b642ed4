#include "separator/move.h"

#include <string.h>

bool ut_move_can(ut_op op)
{
    return op == UT_OP_CONCAT || op == UT_OP_CONCAT_COLUMNS || op == UT_OP_SLICE_COLUMNS ||
           op == UT_OP_SLICE_CHANNELS || op == UT_OP_DECIMATE || op == UT_OP_DEPTH_TO_SPACE;
}

/* Short runs are the rule, and a call of memcpy costs more than they do. */
static inline void copy_run(char *restrict to, const char *restrict from, size_t bytes)
{
    if (bytes % 8 != 0 || bytes > 512) {
        memcpy(to, from, bytes);
        return;
    }
    for (size_t i = 0; i < bytes; i += 8)
        memcpy(to + i, from + i, 8);
}

/* Copies `count` runs of `bytes`; consecutive runs lie `to_step` and `from_step` bytes apart. */
static void copy_runs(char *to, size_t to_step, const char *from, size_t from_step, size_t bytes, size_t count)
{
    if (bytes == to_step && bytes == from_step) {
        memcpy(to, from, bytes * count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        copy_run(to + i * to_step, from + i * from_step, bytes);
}

static void concat(const ut_graph *g, const ut_node *node, const void *const *in, char *out, ut_shape to, size_t e)
{
    bool columns = node->op == UT_OP_CONCAT_COLUMNS;
    size_t runs = columns ? to.rows : to.rows * to.columns;
    size_t to_step = (columns ? to.columns * to.channels : to.channels) * e;
    for (size_t i = 0; i < node->in_count; i++) {
        ut_shape from = g->values[node->in[i]].shape;
        size_t bytes = (columns ? from.columns * from.channels : from.channels) * e;
        copy_runs(out, to_step, in[i], bytes, bytes, runs);
        out += bytes;
    }
}

static void decimate(const ut_node *node, const char *in, ut_shape from, char *out, ut_shape to, size_t e)
{
    size_t cell = from.channels * e;
    for (size_t r = 0; r < to.rows; r++)
        copy_runs(out + r * to.columns * cell, cell, in + r * node->stride[0] * from.columns * cell,
                  node->stride[1] * cell, cell, to.columns);
}

/* A row of a block's channels is contiguous in both: block columns × channels numbers. */
static void depth_to_space(const ut_node *node, const char *in, ut_shape from, char *out, ut_shape to, size_t e)
{
    size_t bytes = node->stride[1] * to.channels * e;
    for (size_t r = 0; r < to.rows; r++)
        copy_runs(out + r * to.columns * to.channels * e, bytes,
                  in + ((r / node->stride[0]) * from.columns * from.channels) * e + (r % node->stride[0]) * bytes,
                  from.channels * e, bytes, from.columns);
}

void ut_move(const ut_graph *g, const ut_node *node, const void *const *in, void *out, size_t e)
{
    ut_shape from = g->values[node->in[0]].shape, to = g->values[node - g->nodes + 1].shape;
    const char *first = in[0];
    switch (node->op) {
    case UT_OP_CONCAT:
    case UT_OP_CONCAT_COLUMNS:
        concat(g, node, in, out, to, e);
        break;
    case UT_OP_SLICE_COLUMNS:
        copy_runs(out, to.columns * to.channels * e, first + node->from * from.channels * e,
                  from.columns * from.channels * e, to.columns * to.channels * e, from.rows);
        break;
    case UT_OP_SLICE_CHANNELS:
        copy_runs(out, to.channels * e, first + node->from * e, from.channels * e, to.channels * e,
                  from.rows * from.columns);
        break;
    case UT_OP_DECIMATE:
        decimate(node, first, from, out, to, e);
        break;
    default:
        depth_to_space(node, first, from, out, to, e);
    }
}
