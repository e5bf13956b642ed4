/* Small graphs over every op, whose results are integers: any backend must give them exactly. */
#ifndef UT_TESTS_OP_CASES_H
#define UT_TESTS_OP_CASES_H

#include "separator/backend.h"
#include "tests/unit/model_maker.h"

typedef struct {
    const char *what;
    void (*nodes)(maker *m); /* from "x" (rows × columns × 1) to "y" of the same shape */
    size_t rows, columns;
} op_case;

extern const op_case op_cases[];
extern const size_t op_case_count;
extern const op_case op_case_bf16; /* whose integers are exact in bf16 too */

/* Fails the test unless the backend gives what ref does. */
void op_case_check(const op_case *c, const ut_backend *backend, ut_precision precision);
/* Runs `x` through the graph; the result is malloc'd. */
float *backend_run(const ut_backend *backend, ut_precision precision, const ut_graph *graph, const float *x);
double snr_db(const float *truth, const float *got, size_t count);

#endif
