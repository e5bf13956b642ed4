/* `undertone run --group`: which of the configured channels this monitor captures.
 *
 * Two things decide. The consumer group of Kafka says whose a channel is to be; a lease in the store says whose it is.
 * Who is assigned a channel waits for its lease: a monitor that is cut off from Kafka, but not from the store, keeps
 * its channels, and nobody captures them twice; while nothing can be reached, everybody goes on with what they have. */
#ifndef UT_APPS_RUN_GROUP_H
#define UT_APPS_RUN_GROUP_H

#include "pipeline/monitor.h"

typedef struct ut_run_group ut_run_group;

UT_CHECK ut_status ut_run_group_open(const ut_config *config, const char *dsn, const char *group, ut_monitor *monitor,
                                     ut_run_group **out, ut_err *err);
/* Leaves the group: channels are concluded and go to others. */
void ut_run_group_close(ut_run_group **group);
/* To be called often; waits for up to timeout_ms. */
void ut_run_group_tend(ut_run_group *group, int timeout_ms);

#endif
