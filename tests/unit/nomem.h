/* Allocations that fail on purpose. A test program that links nomem.c sends the allocations of our objects there (the
 * linker's --wrap, tests/unit/core.cmake); those inside libraries go on as they are. */
#ifndef UT_TESTS_NOMEM_H
#define UT_TESTS_NOMEM_H

#include "core/status.h"

/* What is tried with its n-th allocation failing, for all n: must give UT_E_NOMEM then, and UT_OK once none fails.
 * What it opens it closes, so that a leak shows. */
typedef ut_status (*nomem_attempt)(void);
void nomem_each(nomem_attempt attempt);

/* No allocation fails between the two, nor is counted: for what an attempt needs but does not try. */
long nomem_pause(void);
void nomem_resume(long paused);

#endif
