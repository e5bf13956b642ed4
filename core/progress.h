/* A progress bar on stderr: drawn on a terminal only, at most ten times a second; silent otherwise.
 * Thread-safe: any thread may add. */
#ifndef UT_CORE_PROGRESS_H
#define UT_CORE_PROGRESS_H

#include <stdint.h>

#include "core/status.h"

typedef struct ut_progress ut_progress;
/* --quiet: no bar is drawn from now on. */
void ut_progress_silence(void);
/* `what` such as "catalogue add"; `unit` such as "files"; total 0 = unknown. Draws nothing in its first second. */
UT_CHECK ut_status ut_progress_open(const char *what, const char *unit, uint64_t total, ut_progress **out);
void ut_progress_add(ut_progress *progress, uint64_t done, const char *item);
void ut_progress_close(ut_progress **progress);

#endif
