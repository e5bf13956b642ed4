/* A transposed convolution as a convolution: output positions of one phase (position modulo stride) are a plain
 * convolution of the input, so all phases are computed as channels of one convolution, then interleaved. */
#ifndef UT_SEPARATOR_ONEDNN_DECONV_H
#define UT_SEPARATOR_ONEDNN_DECONV_H

#include "separator/onednn_conv.h"

typedef struct {
    ut_conv_spec conv; /* its weights and bias are ours */
    float *weights, *bias;
    size_t stride[2];
    size_t skip[2]; /* rows and columns of the interleaved result that come before the output */
} ut_deconv;

/* Fills all of `conv` but the types. */
UT_CHECK ut_status ut_deconv_open(const ut_node *node, ut_shape in, ut_shape out, ut_deconv *deconv, ut_err *err);
void ut_deconv_close(ut_deconv *deconv);
/* phases: shape conv.out; out: the transposed convolution's output; `element`: bytes of a number. */
void ut_deconv_interleave(const ut_deconv *deconv, const void *phases, void *out, ut_shape to, size_t element);

#endif
