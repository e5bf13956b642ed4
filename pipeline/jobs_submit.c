/* Jobs into their topic, and how many wait there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/jobs.h"
#include "pipeline/kafka.h"

enum { ANSWER_MS = 10000 };
#define TOPICS_S 10.0

typedef struct {
    size_t waiting, delivered;
    rd_kafka_resp_err_t failure;
    char trouble[200];
    void (*progress)(void *arg);
    void *arg;
} submission;

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    (void)client;
    submission *s = opaque;
    s->waiting--;
    if (message->err) {
        s->failure = message->err;
        return;
    }
    s->delivered++;
    if (s->progress)
        s->progress(s->arg);
}

static void on_error(rd_kafka_t *client, int code, const char *text, void *opaque)
{
    (void)client;
    (void)code;
    submission *s = opaque;
    snprintf(s->trouble, sizeof s->trouble, "%s", text);
}

static void prepare(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_error_cb(conf, on_error);
}

static ut_status put(rd_kafka_t *client, submission *s, const char *topic, const ut_job *job, ut_err *err)
{
    char *json;
    ut_status rc = ut_job_write(job, &json, err);
    if (rc != UT_OK)
        return rc;
    rd_kafka_resp_err_t code;
    do {
        code = rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(job->id, strlen(job->id)),
                                 RD_KAFKA_V_VALUE(json, strlen(json)),
                                 RD_KAFKA_V_HEADER("content-type", "application/json", -1),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        rd_kafka_poll(client, code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? 100 : 0);
    } while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL);
    free(json);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return ut_fail(err, UT_E_IO, "kafka: job %s: %s", job->path, rd_kafka_err2str(code));
    s->waiting++;
    return UT_OK;
}

ut_status ut_jobs_submit(const ut_config *config, const ut_job *jobs, size_t count, bool (*stopped)(void),
                         void (*progress)(void *arg), void *arg, ut_err *err)
{
    static const char *const own[] = {"enable.idempotence", "true", "acks", "all", NULL};
    static const char *const defaults[] = {"message.timeout.ms", "60000", NULL};
    static const ut_kafka_topic topics[] = {{.name = UT_TOPIC_JOBS}, {.name = "dlq.v1"}};
    submission s = {.progress = progress, .arg = arg};
    ut_kafka_client want = {
        .type = RD_KAFKA_PRODUCER, .own = own, .defaults = defaults, .prepare = prepare, .opaque = &s};
    rd_kafka_t *client = NULL;
    char topic[256];
    ut_kafka_name(config, UT_TOPIC_JOBS, topic, sizeof topic);
    ut_status rc = ut_kafka_open(config, &want, &client, err);
    if (rc == UT_OK)
        rc = ut_kafka_make_topics(client, config, topics, 2, TOPICS_S, err);
    for (size_t i = 0; rc == UT_OK && i < count; i++)
        rc = put(client, &s, topic, &jobs[i], err);
    while (rc == UT_OK && s.waiting && !s.failure) {
        rd_kafka_poll(client, 100);
        if (stopped && stopped())
            rc = ut_fail(err, UT_E_STOPPED, "stopped: %zu of %zu jobs are submitted", s.delivered, count);
    }
    if (rc == UT_OK && s.failure)
        rc = ut_fail(err, UT_E_IO, "kafka: %zu of %zu jobs are submitted: %s", s.delivered, count,
                     *s.trouble ? s.trouble : rd_kafka_err2str(s.failure));
    if (client) {
        rd_kafka_purge(client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        s.progress = NULL;
        rd_kafka_flush(client, 500);
        rd_kafka_destroy(client);
    }
    return rc;
}

/* --- what waits ------------------------------------------------------------------------------ */

static ut_status sum_up(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *parts, int64_t *count, ut_err *err)
{
    int64_t sum = 0;
    for (int i = 0; i < parts->cnt; i++) {
        int64_t low = 0, high = 0, next = parts->elems[i].offset;
        rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(client, parts->elems[i].topic,
                                                                    parts->elems[i].partition, &low, &high, ANSWER_MS);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            return ut_fail(err, UT_E_IO, "kafka: jobs: %s", rd_kafka_err2str(code));
        sum += high - (next > low ? next : low);
    }
    *count = sum;
    return UT_OK;
}

ut_status ut_jobs_waiting(const ut_config *config, const char *group, int64_t *count, ut_err *err)
{
    char topic[256], name[256];
    rd_kafka_t *client = NULL;
    const struct rd_kafka_metadata *found = NULL;
    ut_kafka_name(config, UT_TOPIC_JOBS, topic, sizeof topic);
    ut_kafka_name(config, group, name, sizeof name);
    const char *own[] = {"group.id", name, "enable.auto.commit", "false", NULL};
    static const char *const defaults[] = {"allow.auto.create.topics", "false", NULL};
    ut_kafka_client want = {.type = RD_KAFKA_CONSUMER, .own = own, .defaults = defaults};
    ut_status rc = ut_kafka_open(config, &want, &client, err);
    if (rc != UT_OK)
        return rc;
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(8);
    rd_kafka_resp_err_t code = rd_kafka_metadata(client, 1, NULL, &found, ANSWER_MS);
    for (int t = 0; !code && t < found->topic_cnt; t++)
        for (int p = 0; strcmp(found->topics[t].topic, topic) == 0 && p < found->topics[t].partition_cnt; p++)
            rd_kafka_topic_partition_list_add(parts, topic, found->topics[t].partitions[p].id);
    if (!code && parts->cnt)
        code = rd_kafka_committed(client, parts, ANSWER_MS);
    rc = code ? ut_fail(err, UT_E_IO, "kafka: jobs: %s", rd_kafka_err2str(code)) : sum_up(client, parts, count, err);
    if (found)
        rd_kafka_metadata_destroy(found);
    rd_kafka_topic_partition_list_destroy(parts);
    rd_kafka_destroy(client);
    return rc;
}
