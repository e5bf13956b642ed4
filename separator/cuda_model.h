/* A graph as the library of cuda/ takes it. */
#ifndef UT_SEPARATOR_CUDA_MODEL_H
#define UT_SEPARATOR_CUDA_MODEL_H

#include "separator/cuda_library.h"
#include "separator/domain.h"

/* Opens the graph (domain NULL: without transforms) for *batch blocks, or for as many as fit in the device's memory:
 * then *batch is less. The caller closes it with cuda->api->model_close. */
UT_CHECK ut_status ut_cuda_model_open(const ut_cuda *cuda, const ut_graph *graph, const ut_domain *domain, bool bf16,
                                      size_t *batch, utc_model **out, ut_err *err);

#endif
