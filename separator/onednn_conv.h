/* One convolution as a oneDNN primitive: created and packed at load, run without allocation. */
#ifndef UT_SEPARATOR_ONEDNN_CONV_H
#define UT_SEPARATOR_ONEDNN_CONV_H

#include <dnnl.h>

#include "separator/graph.h"

/* The engine is the CPU; the stream belongs to the thread that runs. */
typedef struct {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
} ut_dnn;

typedef struct {
    const char *name;    /* of the value it defines, for errors */
    bool bf16, bf16_out; /* input and weights; output. Sums are always f32 */
    ut_shape in, out;
    size_t kernel[2], stride[2], pad[4]; /* as in ut_node */
    ut_act act;
    float alpha;
    const float *weights; /* (out, in, kernel rows, kernel columns) */
    const float *bias;    /* may be NULL */
} ut_conv_spec;

typedef struct ut_conv ut_conv;

/* A convolution along one row reads its padding from memory: pad[2] zero columns before `src` and pad[3] after
 * its last. (oneDNN 2.6 falls back to scalar code for a 15-tap kernel with padding.) */
bool ut_conv_wants_halo(const ut_conv_spec *spec);
UT_CHECK ut_status ut_conv_open(const ut_dnn *dnn, const ut_conv_spec *spec, ut_conv **out, ut_err *err);
void ut_conv_close(ut_conv **conv);
/* src: the first column proper. `scratch`: ut_conv_scratch bytes. */
UT_CHECK ut_status ut_conv_run(ut_conv *conv, const ut_dnn *dnn, const void *src, void *dst, void *scratch,
                               ut_err *err);
size_t ut_conv_scratch(const ut_conv *conv);
/* oneDNN's name of the kernel it chose, such as "brgconv:avx512_core". */
const char *ut_conv_kernel(const ut_conv *conv);

UT_CHECK ut_status ut_dnn_open(ut_dnn *dnn, ut_err *err);
void ut_dnn_close(ut_dnn *dnn);

#endif
