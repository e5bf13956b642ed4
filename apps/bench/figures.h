/* What a benchmark found: a list of named figures, printed as a table or as JSON. */
#ifndef UT_APPS_BENCH_FIGURES_H
#define UT_APPS_BENCH_FIGURES_H

#include <stdio.h>

#include "core/status.h"

typedef struct {
    char stage[32]; /* "separator", "query", … */
    char what[96];  /* "unet, onednn-f32, batch 1" */
    double value;
    char unit[24]; /* "x real time", "ms", "bytes", "MiB" */
} ut_figure;

typedef struct {
    ut_figure *items;
    size_t count, capacity;
} ut_figures;

UT_CHECK ut_status ut_figures_add(ut_figures *figures, ut_err *err, const char *stage, double value, const char *unit,
                                  const char *fmt, ...) UT_PRINTF(6, 7);
void ut_figures_clear(ut_figures *figures);

/* Both name the machine and the build. */
void ut_figures_text(FILE *out, const ut_figures *figures);
UT_CHECK ut_status ut_figures_json(FILE *out, const ut_figures *figures, ut_err *err);

#endif
