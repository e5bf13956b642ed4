/* The memory-bound ops of the onednn backend: vectorised loops over f32 and bf16 buffers. Arithmetic is in f32; bf16 is
 * rounded to nearest even. */
#ifndef UT_SEPARATOR_ONEDNN_OPS_H
#define UT_SEPARATOR_ONEDNN_OPS_H

#include "separator/graph.h"

/* Dense numbers of one type. */
typedef struct {
    void *data;
    bool bf16;
} ut_numbers;

void ut_ops_cast(ut_numbers in, ut_numbers out, size_t count);
void ut_ops_upsample(ut_numbers in, ut_shape from, ut_numbers out);
void ut_ops_average(const ut_node *node, ut_numbers in, ut_shape from, ut_numbers out, ut_shape to);
/* act, affine, add, mul; b is read by add and mul. */
void ut_ops_elementwise(const ut_node *node, ut_numbers a, ut_numbers b, ut_numbers out, ut_shape to);

#endif
