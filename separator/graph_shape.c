#include "separator/graph.h"

/* Bounds that keep a hostile file from making us allocate or compute without end: the largest value of our own
 * networks has 5 M numbers. */
#define DIM_LIMIT ((size_t)1 << 24)
#define VALUE_LIMIT ((size_t)1 << 27)

size_t ut_shape_count(ut_shape s)
{
    return s.rows * s.columns * s.channels;
}

bool ut_shape_same(ut_shape a, ut_shape b)
{
    return a.rows == b.rows && a.columns == b.columns && a.channels == b.channels;
}

static bool within_limits(ut_shape s)
{
    size_t count;
    return s.rows && s.columns && s.channels && s.rows <= DIM_LIMIT && s.columns <= DIM_LIMIT &&
           s.channels <= DIM_LIMIT && ut_mul_ok(s.rows, s.columns, &count) && ut_mul_ok(count, s.channels, &count) &&
           count <= VALUE_LIMIT;
}

static ut_status bind_bias(ut_node *node, const ut_tensor *b, size_t channels, ut_err *err)
{
    if (b && (b->rank != 1 || b->dims[0] != channels))
        return ut_fail(err, UT_E_CORRUPT, "bias \"%.40s\" does not have %zu numbers", b->name, channels);
    node->b = b ? b->data : NULL;
    return UT_OK;
}

/* Output length of a convolution along one axis; 0 if the kernel does not fit. */
static size_t conv_length(size_t n, size_t before, size_t after, size_t kernel, size_t stride)
{
    return n + before + after < kernel ? 0 : (n + before + after - kernel) / stride + 1;
}

static size_t deconv_length(size_t n, size_t before, size_t after, size_t kernel, size_t stride)
{
    size_t full = (n - 1) * stride + kernel;
    return full <= before + after ? 0 : full - before - after;
}

static ut_status infer_conv(ut_node *node, ut_shape in, const ut_tensor *w, const ut_tensor *b, ut_shape *out,
                            double *macs, ut_err *err)
{
    bool forward = node->op == UT_OP_CONV;
    size_t inner = forward ? 1 : 0;
    if (!w || w->rank != 4)
        return ut_fail(err, UT_E_CORRUPT, "w is not a tensor of rank 4");
    if (w->dims[inner] != in.channels)
        return ut_fail(err, UT_E_CORRUPT, "w takes %zu channels, the input has %zu", w->dims[inner], in.channels);
    node->w = w->data;
    node->kernel[0] = w->dims[2];
    node->kernel[1] = w->dims[3];
    if (w->dims[2] > DIM_LIMIT || w->dims[3] > DIM_LIMIT || node->stride[0] == 0 || node->stride[1] == 0)
        return ut_fail(err, UT_E_CORRUPT, "bad kernel or stride");
    size_t (*length)(size_t, size_t, size_t, size_t, size_t) = forward ? conv_length : deconv_length;
    out->rows = length(in.rows, node->pad[0], node->pad[1], node->kernel[0], node->stride[0]);
    out->columns = length(in.columns, node->pad[2], node->pad[3], node->kernel[1], node->stride[1]);
    out->channels = w->dims[1 - inner];
    if (!within_limits(*out))
        return ut_fail(err, UT_E_CORRUPT, "output of %zux%zux%zu", out->rows, out->columns, out->channels);
    *macs += (double)w->count * (forward ? (double)(out->rows * out->columns) : (double)(in.rows * in.columns));
    return bind_bias(node, b, out->channels, err);
}

static ut_status infer_affine(ut_node *node, ut_shape in, const ut_tensor *w, const ut_tensor *b, ut_err *err)
{
    if (!w || w->rank != 1 || w->dims[0] != in.channels)
        return ut_fail(err, UT_E_CORRUPT, "w does not have %zu numbers", in.channels);
    node->w = w->data;
    return bind_bias(node, b, in.channels, err);
}

static ut_status infer_join(const ut_node *node, const ut_value *values, ut_shape *out, ut_err *err)
{
    bool columns = node->op == UT_OP_CONCAT_COLUMNS;
    *out = values[node->in[0]].shape;
    for (size_t i = 1; i < node->in_count; i++) {
        ut_shape next = values[node->in[i]].shape;
        if (next.rows != out->rows || (columns ? next.channels != out->channels : next.columns != out->columns))
            return ut_fail(err, UT_E_CORRUPT, "input \"%s\" does not fit \"%s\"", values[node->in[i]].name,
                           values[node->in[0]].name);
        *(columns ? &out->columns : &out->channels) += columns ? next.columns : next.channels;
        if (!within_limits(*out))
            return ut_fail(err, UT_E_CORRUPT, "output of %zux%zux%zu", out->rows, out->columns, out->channels);
    }
    return UT_OK;
}

static ut_status infer_slice(const ut_node *node, size_t *axis, ut_err *err)
{
    if (node->to > *axis)
        return ut_fail(err, UT_E_CORRUPT, "range up to %zu of %zu", node->to, *axis);
    *axis = node->to - node->from;
    return UT_OK;
}

static ut_status infer_stride(const ut_node *node, ut_shape in, ut_shape *out, ut_err *err)
{
    size_t r = node->stride[0], c = node->stride[1];
    if (r == 0 || c == 0)
        return ut_fail(err, UT_E_CORRUPT, "stride or block of 0");
    if (node->op == UT_OP_DECIMATE)
        *out = (ut_shape){(in.rows + r - 1) / r, (in.columns + c - 1) / c, in.channels};
    else if (node->op == UT_OP_AVGPOOL)
        *out = (ut_shape){in.rows / r, in.columns / c, in.channels};
    else if (in.channels % (r * c) != 0)
        return ut_fail(err, UT_E_CORRUPT, "%zu channels do not fill blocks of %zux%zu", in.channels, r, c);
    else
        *out = (ut_shape){in.rows * r, in.columns * c, in.channels / (r * c)};
    return UT_OK;
}

static ut_status infer(ut_node *node, const ut_value *values, const ut_tensor *w, const ut_tensor *b, ut_shape *out,
                       double *macs, ut_err *err)
{
    ut_shape in = *out = values[node->in[0]].shape;
    switch (node->op) {
    case UT_OP_CONV:
    case UT_OP_DECONV:
        return infer_conv(node, in, w, b, out, macs, err);
    case UT_OP_AFFINE:
        return infer_affine(node, in, w, b, err);
    case UT_OP_CONCAT:
    case UT_OP_CONCAT_COLUMNS:
        return infer_join(node, values, out, err);
    case UT_OP_SLICE_COLUMNS:
        return infer_slice(node, &out->columns, err);
    case UT_OP_SLICE_CHANNELS:
        return infer_slice(node, &out->channels, err);
    case UT_OP_DECIMATE:
    case UT_OP_AVGPOOL:
    case UT_OP_DEPTH_TO_SPACE:
        return infer_stride(node, in, out, err);
    case UT_OP_UPSAMPLE_LINEAR:
        out->columns *= 2;
        return UT_OK;
    case UT_OP_ADD:
    case UT_OP_MUL:
        return ut_shape_same(in, values[node->in[1]].shape) ? UT_OK
                                                            : ut_fail(err, UT_E_CORRUPT, "the inputs differ in shape");
    default:
        return UT_OK; /* act */
    }
}

ut_status ut_node_infer(ut_node *node, const ut_value *values, const ut_tensor *w, const ut_tensor *b, ut_shape *out,
                        double *macs, ut_err *err)
{
    ut_shape shape;
    ut_status rc = infer(node, values, w, b, &shape, macs, err);
    if (rc != UT_OK)
        return rc;
    if (!within_limits(shape))
        return ut_fail(err, UT_E_CORRUPT, "output of %zux%zux%zu", shape.rows, shape.columns, shape.channels);
    *out = shape;
    return UT_OK;
}
