/* Live channels spread over monitors by a consumer group of Kafka: each channel has an empty topic of one partition,
 * and who is assigned the partition is to capture the channel. One thread. */
#ifndef UT_PIPELINE_CHANNEL_GROUP_H
#define UT_PIPELINE_CHANNEL_GROUP_H

#include "core/config.h"

typedef struct ut_channel_group ut_channel_group;

typedef struct {
    const ut_config *config; /* its enabled channels; borrowed */
    const char *group;
    /* A channel goes to another member: when this returns, it must have been given up. In ut_channel_group_poll and
     * close. */
    void (*revoked)(void *arg, size_t channel);
    void *arg;
} ut_channel_group_options;

/* Joins the group. */
UT_CHECK ut_status ut_channel_group_open(const ut_channel_group_options *options, ut_channel_group **out, ut_err *err);
/* Leaves it; what it had is revoked. */
void ut_channel_group_close(ut_channel_group **group);
/* To be called often. */
void ut_channel_group_poll(ut_channel_group *group, int timeout_ms);
/* The channel (by its index in the configuration) is this member's. */
bool ut_channel_group_has(const ut_channel_group *group, size_t channel);
/* False while the member is cut off from the group: what it has is then neither given nor taken. */
bool ut_channel_group_connected(const ut_channel_group *group);

#endif
