/* Airtime without a single recording of the catalogue in it: what a monitor hears most of the day. Programmes of five
 * minutes are put together anew for every number out of speech, effects and music that is held out, so that the hours
 * are not copies of each other: other stretches, speeds, filters, levels, layers. */
#ifndef UT_APPS_EVALUATE_AIRTIME_H
#define UT_APPS_EVALUATE_AIRTIME_H

#include "apps/evaluate/query.h"

enum { UT_AIRTIME_S = 300 };

/* Programme `number` of a seed; the same one every time. To be released by ut_eval_query_clear. UT_E_ARG: no music is
 * held out, or none is long enough. Any thread. */
UT_CHECK ut_status ut_airtime_make(const ut_eval_material *material, uint64_t seed, size_t number, ut_eval_query *out,
                                   ut_err *err);

#endif
