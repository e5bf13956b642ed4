/* Speed of a model on this machine: one thread, in its CPU time; blocks side by side (no overlap counted). */
#ifndef UT_SEPARATOR_BENCH_H
#define UT_SEPARATOR_BENCH_H

#include "separator/separator.h"

typedef struct {
    char backend[32];     /* "onednn-f32" */
    double realtime;      /* seconds of audio per second of CPU time, best run */
    double realtime_mean; /* over all runs */
    double gmacs;         /* multiply-accumulates per second, best run */
    size_t batch;
} ut_separator_speed;

/* Runs noise through a separator for about `seconds`. `batch`: blocks per run. */
UT_CHECK ut_status ut_separator_measure(const ut_model *model, const char *backend, ut_precision precision,
                                        size_t batch, double seconds, ut_separator_speed *out, ut_err *err);

#endif
