#include "separator/onednn_conv.h"

#include <stdlib.h>
#include <string.h>

struct ut_conv {
    const char *name;
    dnnl_primitive_t primitive;
    dnnl_memory_t src, weights, bias, dst, scratch;
    size_t halo_bytes; /* before src */
    size_t scratch_bytes;
    char kernel[64];
};

static ut_status dnn_fail(ut_err *err, dnnl_status_t problem, const char *what, const char *name)
{
    return ut_fail(err, problem == dnnl_out_of_memory ? UT_E_NOMEM : UT_E_DEVICE, "onednn: %s: \"%s\": status %d", what,
                   name, (int)problem);
}

ut_status ut_dnn_open(ut_dnn *dnn, ut_err *err)
{
    dnnl_status_t problem;
    if ((problem = dnnl_engine_create(&dnn->engine, dnnl_cpu, 0)) != dnnl_success ||
        (problem = dnnl_stream_create(&dnn->stream, dnn->engine, dnnl_stream_default_flags)) != dnnl_success)
        return dnn_fail(err, problem, "open", "cpu");
    return UT_OK;
}

void ut_dnn_close(ut_dnn *dnn)
{
    if (dnn->stream)
        dnnl_stream_destroy(dnn->stream);
    if (dnn->engine)
        dnnl_engine_destroy(dnn->engine);
    *dnn = (ut_dnn){0};
}

bool ut_conv_wants_halo(const ut_conv_spec *s)
{
    return s->in.rows == 1 && s->kernel[0] == 1 && s->pad[0] == 0 && s->pad[1] == 0;
}

/* Shapes in oneDNN's order. One row: three dimensions (nwc), else four (nhwc). */
typedef struct {
    int rank;
    dnnl_dims_t src, weights, bias, dst, stride, before, after;
    dnnl_format_tag_t layout, weights_layout;
} geometry;

static geometry describe(const ut_conv_spec *s)
{
    dnnl_dim_t in = (dnnl_dim_t)s->in.channels, out = (dnnl_dim_t)s->out.channels;
    if (ut_conv_wants_halo(s))
        return (geometry){.rank = 3,
                          .src = {1, in, (dnnl_dim_t)(s->in.columns + s->pad[2] + s->pad[3])},
                          .weights = {out, in, (dnnl_dim_t)s->kernel[1]},
                          .bias = {out},
                          .dst = {1, out, (dnnl_dim_t)s->out.columns},
                          .stride = {(dnnl_dim_t)s->stride[1]},
                          .layout = dnnl_nwc,
                          .weights_layout = dnnl_oiw};
    return (geometry){.rank = 4,
                      .src = {1, in, (dnnl_dim_t)s->in.rows, (dnnl_dim_t)s->in.columns},
                      .weights = {out, in, (dnnl_dim_t)s->kernel[0], (dnnl_dim_t)s->kernel[1]},
                      .bias = {out},
                      .dst = {1, out, (dnnl_dim_t)s->out.rows, (dnnl_dim_t)s->out.columns},
                      .stride = {(dnnl_dim_t)s->stride[0], (dnnl_dim_t)s->stride[1]},
                      .before = {(dnnl_dim_t)s->pad[0], (dnnl_dim_t)s->pad[2]},
                      .after = {(dnnl_dim_t)s->pad[1], (dnnl_dim_t)s->pad[3]},
                      .layout = dnnl_nhwc,
                      .weights_layout = dnnl_oihw};
}

static dnnl_status_t append_activation(dnnl_post_ops_t ops, const ut_conv_spec *s)
{
    switch (s->act) {
    case UT_ACT_RELU:
        return dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_relu, 0, 0);
    case UT_ACT_LEAKY_RELU:
        return dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_relu, s->alpha, 0);
    case UT_ACT_SIGMOID:
        return dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_logistic, 0, 0);
    case UT_ACT_TANH:
        return dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_tanh, 0, 0);
    default:
        return dnnl_success;
    }
}

static dnnl_status_t make_attributes(const ut_conv_spec *s, dnnl_primitive_attr_t *out)
{
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t problem = dnnl_primitive_attr_create(out);
    if (problem == dnnl_success)
        problem = dnnl_primitive_attr_set_scratchpad_mode(*out, dnnl_scratchpad_mode_user);
    if (problem == dnnl_success)
        problem = dnnl_post_ops_create(&ops);
    if (problem == dnnl_success)
        problem = append_activation(ops, s);
    if (problem == dnnl_success)
        problem = dnnl_primitive_attr_set_post_ops(*out, ops);
    if (ops)
        dnnl_post_ops_destroy(ops);
    return problem;
}

static dnnl_status_t choose_kernel(const ut_dnn *dnn, const ut_conv_spec *s, const geometry *g,
                                   dnnl_primitive_desc_t *out)
{
    dnnl_memory_desc_t src, weights, bias, dst;
    dnnl_convolution_desc_t conv;
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_data_type_t in_type = s->bf16 ? dnnl_bf16 : dnnl_f32, out_type = s->bf16_out ? dnnl_bf16 : dnnl_f32;
    dnnl_status_t problem;
    if ((problem = dnnl_memory_desc_init_by_tag(&src, g->rank, g->src, in_type, g->layout)) == dnnl_success &&
        (problem = dnnl_memory_desc_init_by_tag(&weights, g->rank, g->weights, in_type, dnnl_format_tag_any)) ==
            dnnl_success &&
        (problem = dnnl_memory_desc_init_by_tag(&bias, 1, g->bias, dnnl_f32, dnnl_a)) == dnnl_success &&
        (problem = dnnl_memory_desc_init_by_tag(&dst, g->rank, g->dst, out_type, g->layout)) == dnnl_success &&
        (problem = dnnl_convolution_forward_desc_init(&conv, dnnl_forward_inference, dnnl_convolution_direct, &src,
                                                      &weights, s->bias ? &bias : NULL, &dst, g->stride, g->before,
                                                      g->after)) == dnnl_success &&
        (problem = make_attributes(s, &attributes)) == dnnl_success)
        problem = dnnl_primitive_desc_create(out, &conv, attributes, dnn->engine, NULL);
    if (attributes)
        dnnl_primitive_attr_destroy(attributes);
    return problem;
}

/* Packs the weights into the layout that the kernel wants. */
static dnnl_status_t pack(ut_conv *c, const ut_dnn *dnn, const ut_conv_spec *s, const geometry *g,
                          const dnnl_memory_desc_t *wanted)
{
    dnnl_memory_desc_t plain;
    dnnl_memory_t from = NULL;
    dnnl_primitive_desc_t reorder_desc = NULL;
    dnnl_primitive_t reorder = NULL;
    dnnl_status_t problem;
    if ((problem = dnnl_memory_create(&c->weights, wanted, dnn->engine, DNNL_MEMORY_ALLOCATE)) == dnnl_success &&
        (problem = dnnl_memory_desc_init_by_tag(&plain, g->rank, g->weights, dnnl_f32, g->weights_layout)) ==
            dnnl_success &&
        (problem = dnnl_memory_create(&from, &plain, dnn->engine, (void *)s->weights)) == dnnl_success &&
        (problem = dnnl_reorder_primitive_desc_create(&reorder_desc, &plain, dnn->engine, wanted, dnn->engine, NULL)) ==
            dnnl_success &&
        (problem = dnnl_primitive_create(&reorder, reorder_desc)) == dnnl_success) {
        dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, c->weights}};
        if ((problem = dnnl_primitive_execute(reorder, dnn->stream, 2, args)) == dnnl_success)
            problem = dnnl_stream_wait(dnn->stream);
    }
    if (reorder)
        dnnl_primitive_destroy(reorder);
    if (reorder_desc)
        dnnl_primitive_desc_destroy(reorder_desc);
    if (from)
        dnnl_memory_destroy(from);
    return problem;
}

static dnnl_status_t make_bias(ut_conv *c, const ut_dnn *dnn, const float *bias, const dnnl_memory_desc_t *layout)
{
    void *to = NULL;
    dnnl_status_t problem = dnnl_memory_create(&c->bias, layout, dnn->engine, DNNL_MEMORY_ALLOCATE);
    if (problem == dnnl_success && (problem = dnnl_memory_get_data_handle(c->bias, &to)) == dnnl_success)
        memcpy(to, bias, (size_t)layout->dims[0] * sizeof *bias);
    return problem;
}

static dnnl_status_t make_memories(ut_conv *c, const ut_dnn *dnn, const ut_conv_spec *s, const geometry *g,
                                   dnnl_primitive_desc_t desc)
{
    const dnnl_memory_desc_t *scratch = dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0);
    dnnl_status_t problem;
    c->scratch_bytes = dnnl_memory_desc_get_size(scratch);
    if ((problem = dnnl_memory_create(&c->src, dnnl_primitive_desc_query_md(desc, dnnl_query_src_md, 0), dnn->engine,
                                      DNNL_MEMORY_NONE)) != dnnl_success ||
        (problem = dnnl_memory_create(&c->dst, dnnl_primitive_desc_query_md(desc, dnnl_query_dst_md, 0), dnn->engine,
                                      DNNL_MEMORY_NONE)) != dnnl_success ||
        (problem = dnnl_memory_create(&c->scratch, scratch, dnn->engine, DNNL_MEMORY_NONE)) != dnnl_success ||
        (problem = pack(c, dnn, s, g, dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0))) != dnnl_success)
        return problem;
    return s->bias ? make_bias(c, dnn, s->bias, dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 1))
                   : dnnl_success;
}

ut_status ut_conv_open(const ut_dnn *dnn, const ut_conv_spec *spec, ut_conv **out, ut_err *err)
{
    geometry g = describe(spec);
    dnnl_primitive_desc_t desc = NULL;
    const char *kernel = NULL;
    dnnl_status_t problem;
    ut_conv *c = calloc(1, sizeof *c);
    if (!c)
        return ut_fail(err, UT_E_NOMEM, "onednn: \"%s\"", spec->name);
    c->name = spec->name;
    if (ut_conv_wants_halo(spec))
        c->halo_bytes = spec->pad[2] * spec->in.channels * (spec->bf16 ? 2 : 4);
    if ((problem = choose_kernel(dnn, spec, &g, &desc)) == dnnl_success &&
        (problem = dnnl_primitive_create(&c->primitive, desc)) == dnnl_success &&
        (problem = dnnl_primitive_desc_query(desc, dnnl_query_impl_info_str, 0, &kernel)) == dnnl_success &&
        (problem = make_memories(c, dnn, spec, &g, desc)) == dnnl_success)
        strncpy(c->kernel, kernel, sizeof c->kernel - 1);
    if (desc)
        dnnl_primitive_desc_destroy(desc);
    if (problem != dnnl_success) {
        ut_conv_close(&c);
        return dnn_fail(err, problem, "convolution", spec->name);
    }
    *out = c;
    return UT_OK;
}

void ut_conv_close(ut_conv **conv)
{
    ut_conv *c = *conv;
    if (!c)
        return;
    dnnl_memory_t memories[] = {c->src, c->weights, c->bias, c->dst, c->scratch};
    for (size_t i = 0; i < sizeof memories / sizeof *memories; i++)
        if (memories[i])
            dnnl_memory_destroy(memories[i]);
    if (c->primitive)
        dnnl_primitive_destroy(c->primitive);
    free(c);
    *conv = NULL;
}

ut_status ut_conv_run(ut_conv *c, const ut_dnn *dnn, const void *src, void *dst, void *scratch, ut_err *err)
{
    dnnl_exec_arg_t args[5] = {{DNNL_ARG_SRC, c->src},
                               {DNNL_ARG_WEIGHTS, c->weights},
                               {DNNL_ARG_DST, c->dst},
                               {DNNL_ARG_SCRATCHPAD, c->scratch},
                               {DNNL_ARG_BIAS, c->bias}};
    dnnl_status_t problem;
    if ((problem = dnnl_memory_set_data_handle(c->src, (char *)src - c->halo_bytes)) != dnnl_success ||
        (problem = dnnl_memory_set_data_handle(c->dst, dst)) != dnnl_success ||
        (problem = dnnl_memory_set_data_handle(c->scratch, scratch)) != dnnl_success ||
        (problem = dnnl_primitive_execute(c->primitive, dnn->stream, c->bias ? 5 : 4, args)) != dnnl_success ||
        (problem = dnnl_stream_wait(dnn->stream)) != dnnl_success)
        return dnn_fail(err, problem, "run", c->name);
    return UT_OK;
}

size_t ut_conv_scratch(const ut_conv *c)
{
    return c->scratch_bytes;
}

const char *ut_conv_kernel(const ut_conv *c)
{
    return c->kernel;
}
