/* The name that a process holds leases by. */
#ifndef UT_PIPELINE_OWNER_H
#define UT_PIPELINE_OWNER_H

#include "db/store.h"

/* HOST:PID:START of this process. */
void ut_owner_make(char out[UT_OWNER_SIZE]);
/* The owner was a process of this machine, and is no more. What follows the START is not looked at. */
bool ut_owner_is_dead(const char *owner);
/* The name of this machine, without a colon. */
void ut_owner_host(char out[65]);

#endif
