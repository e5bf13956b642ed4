/* The network as typed nodes (docs/MODEL_FORMAT.md): parsed from JSON, every shape inferred and bounded, weights bound.
 * Immutable once open. Value 0 is `x`; node i defines value i+1; the last value is `y`. */
#ifndef UT_SEPARATOR_GRAPH_H
#define UT_SEPARATOR_GRAPH_H

#include "separator/safetensors.h"

#define UT_NODE_INPUTS 16
#define UT_NAME_SIZE 48

typedef enum {
    UT_OP_CONV,
    UT_OP_DECONV,
    UT_OP_AFFINE,
    UT_OP_ACT,
    UT_OP_CONCAT,
    UT_OP_CONCAT_COLUMNS,
    UT_OP_SLICE_COLUMNS,
    UT_OP_SLICE_CHANNELS,
    UT_OP_DECIMATE,
    UT_OP_AVGPOOL,
    UT_OP_UPSAMPLE_LINEAR,
    UT_OP_DEPTH_TO_SPACE,
    UT_OP_ADD,
    UT_OP_MUL,
    UT_OP_COUNT
} ut_op;

typedef enum { UT_ACT_NONE, UT_ACT_RELU, UT_ACT_SIGMOID, UT_ACT_TANH, UT_ACT_LEAKY_RELU } ut_act;

/* Channels innermost. */
typedef struct {
    size_t rows, columns, channels;
} ut_shape;

typedef struct {
    char name[UT_NAME_SIZE];
    ut_shape shape;
    size_t last_use; /* index of the last node that reads it; node_count for y */
} ut_value;

typedef struct {
    ut_op op;
    ut_act act;
    float alpha;
    size_t in[UT_NODE_INPUTS]; /* values */
    size_t in_count;
    size_t stride[2]; /* rows, columns; depth_to_space: its block */
    size_t kernel[2];
    size_t pad[4]; /* top, bottom, left, right; deconv: the crop */
    size_t from, to;
    const float *w, *b; /* as in the file; b may be NULL */
} ut_node;

typedef struct {
    ut_value *values;
    ut_node *nodes;
    size_t node_count; /* values: node_count + 1 */
    double macs;
} ut_graph;

/* `tensors` must outlive the graph. UT_E_CORRUPT names the node and the reason. */
UT_CHECK ut_status ut_graph_open(const char *json, ut_shape input, const ut_tensors *tensors, ut_graph **out,
                                 ut_err *err);
void ut_graph_close(ut_graph **graph);

const char *ut_op_name(ut_op op);
size_t ut_shape_count(ut_shape shape);
bool ut_shape_same(ut_shape a, ut_shape b);

/* Shape inference and weight binding of one parsed node (graph_shape.c): writes *out and adds to *macs. The text of the
 * error is the reason alone. */
UT_CHECK ut_status ut_node_infer(ut_node *node, const ut_value *values, const ut_tensor *w, const ut_tensor *b,
                                 ut_shape *out, double *macs, ut_err *err);

#endif
