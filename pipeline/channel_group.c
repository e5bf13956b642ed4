#include "pipeline/channel_group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "pipeline/kafka.h"

#define TOPICS_S 10.0

struct ut_channel_group {
    ut_channel_group_options options;
    rd_kafka_t *client;
    bool *mine; /* by channel */
    bool connected;
};

static void topic_of(const ut_config *config, size_t channel, char *out, size_t size)
{
    char name[128];
    snprintf(name, sizeof name, "channel.%s", config->channels[channel].id);
    ut_kafka_name(config, name, out, size);
}

static size_t channel_of(const ut_channel_group *group, const char *topic)
{
    const ut_config *config = group->options.config;
    char name[256];
    size_t i = 0;
    for (; i < config->channel_count; i++) {
        topic_of(config, i, name, sizeof name);
        if (strcmp(name, topic) == 0)
            break;
    }
    return i;
}

static void take(ut_channel_group *group, const rd_kafka_topic_partition_list_t *parts)
{
    for (int i = 0; i < parts->cnt; i++) {
        size_t channel = channel_of(group, parts->elems[i].topic);
        if (channel == group->options.config->channel_count)
            continue;
        group->mine[channel] = true;
        ut_log(UT_LOG_INFO, "group", "assigned", "channel=%s", group->options.config->channels[channel].id);
    }
    group->connected = true;
}

static void give(ut_channel_group *group, const rd_kafka_topic_partition_list_t *parts, bool lost)
{
    for (int i = 0; i < parts->cnt; i++) {
        size_t channel = channel_of(group, parts->elems[i].topic);
        if (channel == group->options.config->channel_count || !group->mine[channel])
            continue;
        group->mine[channel] = false;
        ut_log(lost ? UT_LOG_WARN : UT_LOG_INFO, "group", lost ? "cut_off" : "revoked", "channel=%s",
               group->options.config->channels[channel].id);
        if (!lost)
            group->options.revoked(group->options.arg, channel);
    }
}

static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *parts,
                         void *opaque)
{
    ut_channel_group *group = opaque;
    rd_kafka_error_t *error;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        error = rd_kafka_incremental_assign(client, parts);
        take(group, parts);
    } else {
        bool lost = rd_kafka_assignment_lost(client);
        if (lost)
            group->connected = false;
        give(group, parts, lost);
        error = rd_kafka_incremental_unassign(client, parts);
    }
    if (error) {
        ut_log(UT_LOG_WARN, "group", "rebalance_failed", "error=\"%s\"", rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
    }
}

static void prepare(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
}

static ut_status open_client(ut_channel_group *group, ut_err *err)
{
    const ut_config *config = group->options.config;
    char name[256], session_ms[24], beat_ms[24];
    ut_kafka_name(config, group->options.group, name, sizeof name);
    snprintf(session_ms, sizeof session_ms, "%.0f", config->kafka.session_timeout_s * 1000);
    snprintf(beat_ms, sizeof beat_ms, "%.0f", config->kafka.session_timeout_s * 1000 / 3);
    const char *own[] = {"group.id",
                         name,
                         "enable.auto.commit",
                         "false",
                         "partition.assignment.strategy",
                         "cooperative-sticky",
                         "session.timeout.ms",
                         session_ms,
                         "heartbeat.interval.ms",
                         beat_ms,
                         NULL};
    static const char *const defaults[] = {"allow.auto.create.topics",
                                           "false",
                                           "fetch.wait.max.ms",
                                           "5000",
                                           "topic.metadata.refresh.interval.ms",
                                           "10000",
                                           NULL};
    ut_kafka_client want = {
        .type = RD_KAFKA_CONSUMER, .own = own, .defaults = defaults, .prepare = prepare, .opaque = group};
    return ut_kafka_open(config, &want, &group->client, err);
}

static ut_status make_topics(ut_channel_group *group, ut_err *err)
{
    const ut_config *config = group->options.config;
    ut_kafka_topic *topics = calloc(config->channel_count + 1, sizeof *topics);
    char(*names)[128] = calloc(config->channel_count + 1, sizeof *names);
    size_t count = 0;
    ut_status rc = topics && names ? UT_OK : ut_fail(err, UT_E_NOMEM, "group: %zu channels", config->channel_count);
    for (size_t i = 0; rc == UT_OK && i < config->channel_count; i++) {
        if (!config->channels[i].enabled)
            continue;
        snprintf(names[count], sizeof *names, "channel.%s", config->channels[i].id);
        topics[count] = (ut_kafka_topic){.name = names[count], .partitions = 1};
        count++;
    }
    if (rc == UT_OK)
        rc = ut_kafka_make_topics(group->client, config, topics, count, TOPICS_S, err);
    free(topics);
    free(names);
    return rc;
}

static ut_status subscribe(ut_channel_group *group, ut_err *err)
{
    const ut_config *config = group->options.config;
    char topic[256];
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new((int)config->channel_count);
    for (size_t i = 0; i < config->channel_count; i++) {
        if (!config->channels[i].enabled)
            continue;
        topic_of(config, i, topic, sizeof topic);
        rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
    }
    rd_kafka_resp_err_t code = rd_kafka_subscribe(group->client, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return code ? ut_fail(err, UT_E_IO, "kafka: group %s: %s", group->options.group, rd_kafka_err2str(code)) : UT_OK;
}

ut_status ut_channel_group_open(const ut_channel_group_options *options, ut_channel_group **out, ut_err *err)
{
    ut_channel_group *group = calloc(1, sizeof *group);
    if (!group || !(group->mine = calloc(options->config->channel_count + 1, sizeof *group->mine))) {
        free(group);
        return ut_fail(err, UT_E_NOMEM, "group");
    }
    group->options = *options;
    ut_status rc = open_client(group, err);
    if (rc == UT_OK) {
        rd_kafka_poll_set_consumer(group->client);
        rc = make_topics(group, err);
    }
    if (rc == UT_OK)
        rc = subscribe(group, err);
    if (rc != UT_OK) {
        ut_channel_group_close(&group);
        return rc;
    }
    *out = group;
    return UT_OK;
}

void ut_channel_group_close(ut_channel_group **slot)
{
    ut_channel_group *group = slot ? *slot : NULL;
    if (!group)
        return;
    if (group->client) {
        rd_kafka_consumer_close(group->client);
        rd_kafka_destroy(group->client);
    }
    free(group->mine);
    free(group);
    *slot = NULL;
}

void ut_channel_group_poll(ut_channel_group *group, int timeout_ms)
{
    rd_kafka_message_t *message = ut_kafka_next(group->client, timeout_ms);
    if (!message)
        return;
    if (message->err)
        ut_log(UT_LOG_DEBUG, "group", "kafka", "error=\"%s\"", rd_kafka_message_errstr(message));
    rd_kafka_message_destroy(message);
}

bool ut_channel_group_has(const ut_channel_group *group, size_t channel)
{
    return group->mine[channel];
}

bool ut_channel_group_connected(const ut_channel_group *group)
{
    return group->connected;
}
