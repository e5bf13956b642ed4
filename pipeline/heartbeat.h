/* A process tells the store that it is alive and what it does, for `undertone status` and for the others on that store.
 * One thread. A store that is away costs a line in the log. */
#ifndef UT_PIPELINE_HEARTBEAT_H
#define UT_PIPELINE_HEARTBEAT_H

#include "pipeline/owner.h"

#define UT_HEARTBEAT_S 2.0     /* between two beats */
#define UT_HEARTBEAT_DEAD_S 15 /* without a beat: taken for dead */

typedef struct ut_heartbeat ut_heartbeat;

/* kind: "monitor", "worker". Removes what dead processes of this machine left. */
UT_CHECK ut_status ut_heartbeat_open(const char *dsn, const char *kind, ut_heartbeat **out, ut_err *err);
/* Removes its entry. */
void ut_heartbeat_close(ut_heartbeat **heartbeat);
const char *ut_heartbeat_id(const ut_heartbeat *heartbeat); /* HOST:PID:START */
/* True every UT_HEARTBEAT_S: time for the next beat. */
bool ut_heartbeat_due(const ut_heartbeat *heartbeat);
void ut_heartbeat_beat(ut_heartbeat *heartbeat, const char *state_json);

#endif
