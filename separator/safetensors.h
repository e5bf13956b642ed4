/* Reader of safetensors files held in memory: named F32 and BF16 tensors and text metadata. Built for bytes nobody
 * vouches for: every offset, shape and size is checked, tensors must tile the data section without gap or overlap, keys
 * must be unique, weights finite. */
#ifndef UT_SEPARATOR_SAFETENSORS_H
#define UT_SEPARATOR_SAFETENSORS_H

#include "core/status.h"

#define UT_TENSOR_RANK 4

typedef struct ut_tensors ut_tensors;

/* Borrowed from its ut_tensors. BF16 is widened, so data is always float. */
typedef struct {
    const char *name;
    size_t rank;
    size_t dims[UT_TENSOR_RANK];
    size_t count;
    const float *data;
} ut_tensor;

/* Copies what it needs; `bytes` may go away. UT_E_CORRUPT says which tensor or field is wrong. */
UT_CHECK ut_status ut_tensors_parse(const void *bytes, size_t size, ut_tensors **out, ut_err *err);
void ut_tensors_close(ut_tensors **tensors);
/* NULL if there is none of that name. */
const ut_tensor *ut_tensors_find(const ut_tensors *tensors, const char *name);
/* A metadata value, or NULL. */
const char *ut_tensors_text(const ut_tensors *tensors, const char *key);
/* SHA-256 of the data section. */
const char *ut_tensors_hash(const ut_tensors *tensors);
/* Numbers in all tensors. */
size_t ut_tensors_total(const ut_tensors *tensors);

#endif
