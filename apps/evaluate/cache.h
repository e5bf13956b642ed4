/* A folder of float arrays between runs: decoded files and separated queries, each under the digest
 * of what it was made from. It holds nothing that cannot be made again, and may be deleted at any
 * time. */
#ifndef UT_APPS_EVALUATE_CACHE_H
#define UT_APPS_EVALUATE_CACHE_H

#include <stddef.h>

#include "core/status.h"

/* folder NULL: nothing is ever found. *samples is malloc'd. False if it is not there or not
 * readable. */
UT_CHECK bool ut_cache_get(const char *folder, const char *key, float **samples, size_t *frames);
/* Does its best: a full disk costs the cache, not the run. */
void ut_cache_put(const char *folder, const char *key, const float *samples, size_t frames);

#endif
