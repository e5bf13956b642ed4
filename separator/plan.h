/* Memory plan: buffers whose lifetimes do not meet share memory. First fit in order of definition. */
#ifndef UT_SEPARATOR_PLAN_H
#define UT_SEPARATOR_PLAN_H

#include "core/status.h"

/* Lives from step `first` to step `last`, both included. */
typedef struct {
    size_t bytes;
    size_t first, last;
    size_t offset; /* result, a multiple of UT_PLAN_ALIGN */
} ut_span;

#define UT_PLAN_ALIGN 64

/* UT_E_UNSUPPORTED if more than `limit` bytes are needed. */
UT_CHECK ut_status ut_plan_assign(ut_span *spans, size_t count, size_t limit, size_t *total, ut_err *err);

#endif
