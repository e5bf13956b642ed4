/* A worker's side of the jobs' topic: a member of a consumer group whose partitions are paused while their job is under
 * way, so that the member stays alive in the group however long that takes. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "pipeline/jobs.h"
#include "pipeline/kafka.h"

#define TOPICS_S 10.0

struct ut_ticket {
    ut_ticket *next;
    char topic[256];
    int32_t partition;
    int64_t offset;
    atomic_bool lost;
};

struct ut_job_queue {
    const ut_config *config;
    rd_kafka_t *client, *letters; /* consumer; producer of dead letters */
    ut_ticket *out;
    bool paused; /* all partitions: there is no room */
    int partitions;
};

/* --- partitions come and go ------------------------------------------------------------------ */

static ut_ticket *ticket_of(const ut_job_queue *queue, const char *topic, int32_t partition)
{
    ut_ticket *t = queue->out;
    while (t && (t->partition != partition || strcmp(t->topic, topic) != 0))
        t = t->next;
    return t;
}

/* A lost ticket is told to its job at once; that what it wrote last is written before another worker begins would be
 * nicer, but need not be: both write the same. */
static void lose(ut_job_queue *queue, const rd_kafka_topic_partition_list_t *parts)
{
    for (int i = 0; i < parts->cnt; i++) {
        ut_ticket *t = ticket_of(queue, parts->elems[i].topic, parts->elems[i].partition);
        if (t)
            t->lost = true;
    }
}

static void log_rebalance(const char *event, int count)
{
    ut_log(UT_LOG_INFO, "jobs", event, "partitions=%d", count);
}

static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *parts,
                         void *opaque)
{
    ut_job_queue *queue = opaque;
    rd_kafka_error_t *error;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        error = rd_kafka_incremental_assign(client, parts);
        queue->partitions += parts->cnt;
        if (queue->paused)
            rd_kafka_pause_partitions(client, parts);
        log_rebalance("assigned", parts->cnt);
    } else {
        lose(queue, parts);
        error = rd_kafka_incremental_unassign(client, parts);
        queue->partitions -= parts->cnt;
        log_rebalance(rd_kafka_assignment_lost(client) ? "lost" : "revoked", parts->cnt);
    }
    if (error) {
        ut_log(UT_LOG_WARN, "jobs", "rebalance_failed", "error=\"%s\"", rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
    }
}

static void prepare(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
}

/* --- opening --------------------------------------------------------------------------------- */

static ut_status open_consumer(ut_job_queue *queue, const char *group, ut_err *err)
{
    char name[256], session_ms[24], beat_ms[24];
    double session_s = queue->config->kafka.session_timeout_s;
    ut_kafka_name(queue->config, group, name, sizeof name);
    snprintf(session_ms, sizeof session_ms, "%.0f", session_s * 1000);
    snprintf(beat_ms, sizeof beat_ms, "%.0f", session_s * 1000 / 3);
    const char *own[] = {"group.id",
                         name,
                         "enable.auto.commit",
                         "false",
                         "enable.auto.offset.store",
                         "false",
                         "auto.offset.reset",
                         "earliest",
                         "partition.assignment.strategy",
                         "cooperative-sticky",
                         "session.timeout.ms",
                         session_ms,
                         "heartbeat.interval.ms",
                         beat_ms,
                         NULL};
    static const char *const defaults[] = {"allow.auto.create.topics", "false", "queued.max.messages.kbytes", "256",
                                           NULL};
    ut_kafka_client want = {
        .type = RD_KAFKA_CONSUMER, .own = own, .defaults = defaults, .prepare = prepare, .opaque = queue};
    return ut_kafka_open(queue->config, &want, &queue->client, err);
}

static ut_status subscribe(ut_job_queue *queue, ut_err *err)
{
    char topic[256];
    ut_kafka_name(queue->config, UT_TOPIC_JOBS, topic, sizeof topic);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(queue->client, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return code ? ut_fail(err, UT_E_IO, "kafka: %s: %s", topic, rd_kafka_err2str(code)) : UT_OK;
}

ut_status ut_job_queue_open(const ut_config *config, const char *group, ut_job_queue **out, ut_err *err)
{
    static const char *const own[] = {"enable.idempotence", "true", "acks", "all", NULL};
    static const char *const defaults[] = {"message.timeout.ms", "30000", NULL};
    static const ut_kafka_topic topics[] = {{.name = UT_TOPIC_JOBS}, {.name = UT_TOPIC_DEAD}};
    ut_job_queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return ut_fail(err, UT_E_NOMEM, "jobs");
    queue->config = config;
    ut_kafka_client letters = {.type = RD_KAFKA_PRODUCER, .own = own, .defaults = defaults};
    ut_status rc = ut_kafka_open(config, &letters, &queue->letters, err);
    if (rc == UT_OK)
        rc = ut_kafka_make_topics(queue->letters, config, topics, 2, TOPICS_S, err);
    if (rc == UT_OK)
        rc = open_consumer(queue, group, err);
    if (rc == UT_OK) {
        rd_kafka_poll_set_consumer(queue->client);
        rc = subscribe(queue, err);
    }
    if (rc != UT_OK) {
        ut_job_queue_close(&queue);
        return rc;
    }
    *out = queue;
    return UT_OK;
}

void ut_job_queue_close(ut_job_queue **slot)
{
    ut_job_queue *queue = slot ? *slot : NULL;
    if (!queue)
        return;
    if (queue->client) {
        rd_kafka_consumer_close(queue->client);
        rd_kafka_destroy(queue->client);
    }
    if (queue->letters) {
        rd_kafka_flush(queue->letters, 5000);
        rd_kafka_destroy(queue->letters);
    }
    free(queue);
    *slot = NULL;
}

/* --- jobs ------------------------------------------------------------------------------------ */

/* Pauses or resumes all partitions but those with a job under way, which stay paused. */
static void set_paused(ut_job_queue *queue, bool paused)
{
    rd_kafka_topic_partition_list_t *parts = NULL;
    if (queue->paused == paused || rd_kafka_assignment(queue->client, &parts))
        return;
    for (int i = parts->cnt - 1; i >= 0; i--)
        if (ticket_of(queue, parts->elems[i].topic, parts->elems[i].partition))
            rd_kafka_topic_partition_list_del_by_idx(parts, i);
    if (paused)
        rd_kafka_pause_partitions(queue->client, parts);
    else
        rd_kafka_resume_partitions(queue->client, parts);
    rd_kafka_topic_partition_list_destroy(parts);
    queue->paused = paused;
}

static void one_partition(rd_kafka_t *client, const char *topic, int32_t partition, bool paused)
{
    rd_kafka_topic_partition_list_t *one = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(one, topic, partition);
    if (paused)
        rd_kafka_pause_partitions(client, one);
    else
        rd_kafka_resume_partitions(client, one);
    rd_kafka_topic_partition_list_destroy(one);
}

static void bury(ut_job_queue *queue, const char *topic, const void *value, size_t size, const char *why)
{
    char dead[256];
    ut_kafka_name(queue->config, UT_TOPIC_DEAD, dead, sizeof dead);
    rd_kafka_resp_err_t code =
        rd_kafka_producev(queue->letters, RD_KAFKA_V_TOPIC(dead), RD_KAFKA_V_VALUE((void *)value, size),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADER("undertone_topic", topic, -1),
                          RD_KAFKA_V_HEADER("undertone_error", why, -1), RD_KAFKA_V_END);
    ut_log(UT_LOG_ERROR, "jobs", "dead_letter", "why=\"%s\" written=%s", why, code ? rd_kafka_err2str(code) : "yes");
    rd_kafka_poll(queue->letters, 0);
}

static ut_status commit(ut_job_queue *queue, const char *topic, int32_t partition, int64_t offset, ut_err *err)
{
    rd_kafka_topic_partition_list_t *one = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(one, topic, partition)->offset = offset + 1;
    rd_kafka_resp_err_t code = rd_kafka_commit(queue->client, one, 0);
    rd_kafka_topic_partition_list_destroy(one);
    return code ? ut_fail(err, UT_E_IO, "kafka: %s [%d]: not committed: %s", topic, partition, rd_kafka_err2str(code))
                : UT_OK;
}

static ut_status take(ut_job_queue *queue, const rd_kafka_message_t *message, ut_job *job, ut_ticket **ticket,
                      ut_err *err)
{
    const char *topic = rd_kafka_topic_name(message->rkt);
    ut_err own = {0};
    ut_status rc = ut_job_read(message->payload, message->len, job, &own);
    if (rc == UT_E_CORRUPT) {
        bury(queue, topic, message->payload, message->len, own.text);
        rc = commit(queue, topic, message->partition, message->offset, err);
        return rc == UT_OK ? ut_fail(err, UT_E_BUSY, "jobs: what came was no job") : rc;
    }
    ut_ticket *made = rc == UT_OK ? calloc(1, sizeof *made) : NULL;
    if (!made) {
        ut_job_clear(job);
        return ut_fail(err, UT_E_NOMEM, "jobs: a job");
    }
    snprintf(made->topic, sizeof made->topic, "%s", topic);
    made->partition = message->partition;
    made->offset = message->offset;
    made->next = queue->out;
    queue->out = made;
    one_partition(queue->client, topic, message->partition, true);
    *ticket = made;
    return UT_OK;
}

ut_status ut_job_queue_take(ut_job_queue *queue, bool want, int timeout_ms, ut_job *job, ut_ticket **ticket,
                            ut_err *err)
{
    set_paused(queue, !want);
    rd_kafka_message_t *message = ut_kafka_next(queue->client, timeout_ms);
    if (!message)
        return ut_fail(err, UT_E_BUSY, "jobs: none");
    ut_status rc;
    if (message->err) {
        rc = ut_fail(err, UT_E_IO, "kafka: jobs: %s", rd_kafka_message_errstr(message));
        if (err)
            err->retriable = true;
    } else {
        rc = take(queue, message, job, ticket, err);
    }
    rd_kafka_message_destroy(message);
    return rc;
}

bool ut_ticket_lost(const ut_ticket *ticket)
{
    return ticket->lost;
}

ut_status ut_job_queue_settle(ut_job_queue *queue, ut_ticket **slot, const ut_job *job, ut_job_end end, const char *why,
                              ut_err *err)
{
    ut_ticket *ticket = *slot;
    ut_status rc = UT_OK;
    char *json = NULL;
    for (ut_ticket **at = &queue->out; *at; at = &(*at)->next)
        if (*at == ticket) {
            *at = ticket->next;
            break;
        }
    if (end == UT_JOB_FAILED && !ticket->lost && ut_job_write(job, &json, NULL) == UT_OK)
        bury(queue, ticket->topic, json, strlen(json), why);
    if (end != UT_JOB_LATER && !ticket->lost)
        rc = commit(queue, ticket->topic, ticket->partition, ticket->offset, err);
    if (!ticket->lost && !queue->paused)
        one_partition(queue->client, ticket->topic, ticket->partition, false);
    free(json);
    free(ticket);
    *slot = NULL;
    return rc;
}

int ut_job_queue_partitions(const ut_job_queue *queue)
{
    return queue->partitions;
}
