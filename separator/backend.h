/* What a backend gives the separator: it runs the graph on blocks. One constant table each; separator.c lists them. */
#ifndef UT_SEPARATOR_BACKEND_H
#define UT_SEPARATOR_BACKEND_H

#include "separator/domain.h"
#include "separator/graph.h"
#include "separator/separator.h"

/* Most memory that one block's values may take, whatever the model file says. */
#define UT_BLOCK_MEMORY ((size_t)2 << 30)

typedef struct {
    const char *name;
    /* What AUTO stands for here; UT_E_UNSUPPORTED, with the reason, if this machine cannot. */
    ut_status (*precision)(ut_precision *precision, ut_err *err);
    /* `precision` is never AUTO. The graph is borrowed. domain: NULL, or that of the model; a backend that does not
     * transform ignores it. */
    ut_status (*open)(const ut_graph *graph, const ut_domain *domain, ut_precision precision, size_t max_batch,
                      void **self, ut_err *err);
    void (*close)(void *self); /* accepts NULL */
    /* Opened with a domain, it does the transforms too: blocks of samples in and out. */
    bool transforms;
    /* x[i], y[i]: dense, 64-byte aligned, of the graph's first and last shape (or blocks, see above). UT_E_DEVICE: this
     * backend is gone for good, and the same blocks can be run on another. */
    ut_status (*run)(void *self, const float *const *x, float *const *y, size_t count, ut_err *err);
} ut_backend;

extern const ut_backend ut_backend_cuda;
extern const ut_backend ut_backend_ref;
extern const ut_backend ut_backend_onednn;

#endif
