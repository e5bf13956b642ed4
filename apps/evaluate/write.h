/* The queries of an evaluation as files, for other programs to be asked the very same. */
#ifndef UT_APPS_EVALUATE_WRITE_H
#define UT_APPS_EVALUATE_WRITE_H

#include "apps/evaluate/evaluate.h"

/* Writes into `folder`, which is made: a WAV for each query; queries.jsonl, a line for each with its file, condition,
 * length and music; catalogue.txt, the tracks that the catalogue holds, and catalogue-without.txt, those that it holds
 * where the music is absent. */
UT_CHECK ut_status ut_eval_write(const ut_eval_material *material, const ut_eval_plan *plan, const char *folder,
                                 ut_err *err);

#endif
