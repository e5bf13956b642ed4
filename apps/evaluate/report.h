/* The result of an evaluation as a Markdown page and as JSON. */
#ifndef UT_APPS_EVALUATE_REPORT_H
#define UT_APPS_EVALUATE_REPORT_H

#include <stdio.h>

#include "apps/evaluate/evaluate.h"

void ut_eval_report_text(FILE *out, const ut_eval_material *material, const ut_eval_plan *plan,
                         const ut_eval_result *result);
UT_CHECK ut_status ut_eval_report_json(FILE *out, const ut_eval_material *material, const ut_eval_plan *plan,
                                       const ut_eval_result *result, ut_err *err);

#endif
