/* Work over cores: a counter, and as many threads as there are jobs. */
#ifndef UT_APPS_PARALLEL_H
#define UT_APPS_PARALLEL_H

#include "core/status.h"

/* Does item `index` on worker 0 … jobs-1. A status other than UT_OK ends the whole. */
typedef ut_status (*ut_parallel_fn)(void *arg, int worker, size_t index, ut_err *err);

/* Items are taken in order, by `jobs` threads (by the caller alone if 1). Gives the failure of the
 * lowest index that failed; the items after it may or may not have been done. UT_E_STOPPED after
 * SIGINT or SIGTERM. */
UT_CHECK ut_status ut_parallel(int jobs, size_t count, ut_parallel_fn fn, void *arg, ut_err *err);

/* How many cores this process may use; at least 1. */
int ut_cores(void);

#endif
