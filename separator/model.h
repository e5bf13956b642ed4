/* A loaded model, as the backends and the stream see it. */
#ifndef UT_SEPARATOR_MODEL_H
#define UT_SEPARATOR_MODEL_H

#include "separator/domain.h"
#include "separator/graph.h"
#include "separator/separator.h"

struct ut_model {
    ut_tensors *tensors;
    ut_graph *graph;
    ut_domain domain;
    ut_model_info info;
};

/* As ut_model_load, from memory; `bytes` may go away. */
UT_CHECK ut_status ut_model_parse(const void *bytes, size_t size, ut_model **out, ut_err *err);

#endif
