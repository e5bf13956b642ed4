/* Weights in the form the kernels read, on the device. */
#include <stdlib.h>

#include "cuda/model.h"

namespace utc
{

int out_of_memory(utc_error *err, const char *what, size_t bytes, rt_error problem)
{
    return fail(err, UTC_E_MEMORY, "%s: %zu bytes: %s", what, bytes, problem ? problem : "out of memory");
}

int reads_half(const Program *p, const Step *step)
{
    int half = 1;
    for (int i = 0; i < step->view.count; i++)
        half = half && p->values[step->view.value[i]].half;
    return half;
}

int upload(utc_model *m, const void *from, size_t bytes, void **out, utc_error *err)
{
    rt_error problem = rt_alloc(out, bytes);
    if (problem)
        return out_of_memory(err, "weights", bytes, problem);
    m->bytes += bytes;
    if ((problem = rt_copy_in(NULL, *out, from, bytes)) || (problem = rt_wait(NULL)))
        return fail(err, UTC_E_DEVICE, "weights: %s", problem);
    return UTC_OK;
}

static int upload_floats(utc_model *m, const float *from, size_t count, float **out, utc_error *err)
{
    return upload(m, from, count * sizeof *from, (void **)out, err);
}

/* conv (out, in, taps) and deconv (in, out, taps) both become (taps, in, out). */
static int pack_conv(utc_model *m, const Step *step, Packed *packed, utc_error *err)
{
    const utc_node *node = step->node;
    size_t in = m->program.values[node->in[0]].shape.channels, out = node->shape.channels;
    size_t taps = (size_t)node->kernel[0] * node->kernel[1], count = taps * in * out;
    int half = reads_half(&m->program, step);
    float *w = (float *)malloc(count * sizeof *w);
    if (!w)
        return out_of_memory(err, "weights", count * sizeof *w, NULL);
    for (size_t t = 0; t < taps; t++)
        for (size_t k = 0; k < in; k++)
            for (size_t o = 0; o < out; o++) {
                float v = node->w[(node->op == UTC_CONV ? o * in + k : k * out + o) * taps + t];
                w[(t * in + k) * out + o] = half ? from_bf16(to_bf16(v)) : v;
            }
    int rc = upload_floats(m, w, count, &packed->w, err);
    free(w);
    return rc;
}

int weights_open(utc_model *m, utc_error *err)
{
    int rc = UTC_OK;
    m->packed = (Packed *)calloc(m->program.step_count, sizeof *m->packed);
    if (!m->packed)
        return out_of_memory(err, "weights", m->program.step_count, NULL);
    for (size_t i = 0; i < m->program.step_count && rc == UTC_OK; i++) {
        const Step *step = &m->program.steps[i];
        const utc_node *node = step->node;
        size_t channels = node->shape.channels;
        if (is_conv(node))
            rc = mma_open(m, step, &m->packed[i].mma, err);
        if (rc == UTC_OK && is_conv(node) && !m->packed[i].mma)
            rc = pack_conv(m, step, &m->packed[i], err);
        if (rc == UTC_OK && node->op == UTC_AFFINE)
            rc = upload_floats(m, node->w, channels, &m->packed[i].w, err);
        if (rc == UTC_OK && node->b)
            rc = upload_floats(m, node->b, channels, &m->packed[i].b, err);
    }
    return rc;
}

void weights_close(utc_model *m)
{
    for (size_t i = 0; m->packed && i < m->program.step_count; i++) {
        rt_free(m->packed[i].w);
        rt_free(m->packed[i].b);
        mma_close(m->packed[i].mma);
    }
    free(m->packed);
    m->packed = NULL;
}

} // namespace utc
