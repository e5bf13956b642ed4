#include "pipeline/kafka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"

enum { PING_MS = 5000, SERVE_NAP_NS = 1000000, NEXT_NAP_NS = 10000000 };
#define PROPERTIES_LIMIT ((size_t)1 << 20)

void ut_kafka_name(const ut_config *config, const char *name, char *out, size_t size)
{
    snprintf(out, size, "%s.%s", config->kafka.topic_prefix, name);
}

/* --- properties ------------------------------------------------------------------------------ */

static ut_status set(rd_kafka_conf_t *conf, const char *name, const char *value, ut_err *err)
{
    char why[200];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK)
        return UT_OK;
    char pair[300], shown[300]; /* librdkafka's own text may repeat the value */
    snprintf(pair, sizeof pair, "%s=%s", name, value);
    bool secret = strcmp(ut_redact_property(pair, shown, sizeof shown), pair) != 0;
    return ut_fail(err, UT_E_ARG, "kafka: %s%s%s", shown, secret ? "" : ": ", secret ? ": refused" : why);
}

static ut_status set_pairs(rd_kafka_conf_t *conf, const char *const *pairs, ut_err *err)
{
    ut_status rc = UT_OK;
    for (; rc == UT_OK && pairs && pairs[0]; pairs += 2)
        rc = set(conf, pairs[0], pairs[1], err);
    return rc;
}

/* One "name=value" of the user's. */
static ut_status set_given(rd_kafka_conf_t *conf, const char *property, const char *const *own, ut_err *err)
{
    char name[128];
    size_t size = strcspn(property, "=");
    if (!property[size] || size == 0 || size >= sizeof name)
        return ut_fail(err, UT_E_ARG, "kafka: %.40s: a property is NAME=VALUE", property);
    snprintf(name, sizeof name, "%.*s", (int)size, property);
    for (; own && own[0]; own += 2)
        if (strcmp(own[0], name) == 0 && strcmp(own[1], property + size + 1) != 0)
            return ut_fail(err, UT_E_ARG, "kafka: %s: undertone depends on %s and sets it itself", name, own[1]);
    return set(conf, name, property + size + 1, err);
}

static ut_status set_file(rd_kafka_conf_t *conf, const char *path, const char *const *own, ut_err *err)
{
    char *text, *rest = NULL;
    size_t size;
    ut_status rc = ut_file_read(path, PROPERTIES_LIMIT, &text, &size, err);
    if (rc != UT_OK) {
        ut_err_prefix(err, "kafka.properties_file: %s", path);
        return rc;
    }
    for (char *line = strtok_r(text, "\r\n", &rest); line && rc == UT_OK; line = strtok_r(NULL, "\r\n", &rest)) {
        line += strspn(line, " \t");
        if (*line && *line != '#' && (rc = set_given(conf, line, own, err)) != UT_OK)
            ut_err_prefix(err, "%s", path);
    }
    explicit_bzero(text, size);
    free(text);
    return rc;
}

static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    (void)client;
    char quoted[512];
    ut_log_level as = level <= LOG_ERR ? UT_LOG_WARN : level <= LOG_WARNING ? UT_LOG_INFO : UT_LOG_DEBUG;
    ut_log(as, "kafka", "librdkafka", "facility=%s text=%s", facility, ut_log_quote(quoted, sizeof quoted, text));
}

static bool is_set(const rd_kafka_conf_t *conf, const char *name, const char *unset)
{
    char value[32] = "";
    size_t size = sizeof value;
    /* A value that does not fit is one. */
    return rd_kafka_conf_get(conf, name, value, &size) == RD_KAFKA_CONF_OK && strcmp(value, unset) != 0;
}

static ut_status configure(const ut_config *config, const ut_kafka_client *want, rd_kafka_conf_t *conf, ut_err *err)
{
    static const char *const always[] = {"client.id",
                                         "undertone",
                                         "socket.keepalive.enable",
                                         "true",
                                         "reconnect.backoff.max.ms",
                                         "2000",
                                         "log.connection.close",
                                         "false",
                                         NULL};
    const char *brokers = want->brokers && *want->brokers ? want->brokers : config->kafka.brokers;
    ut_status rc = set_pairs(conf, always, err);
    if (rc == UT_OK)
        rc = set_pairs(conf, want->defaults, err);
    if (rc == UT_OK && brokers)
        rc = set(conf, "bootstrap.servers", brokers, err);
    for (size_t i = 0; rc == UT_OK && i < config->kafka.property_count; i++)
        rc = set_given(conf, config->kafka.properties[i], want->own, err);
    if (rc == UT_OK && config->kafka.properties_file)
        rc = set_file(conf, config->kafka.properties_file, want->own, err);
    if (rc == UT_OK)
        rc = set_pairs(conf, want->own, err);
    if (rc == UT_OK && !brokers && !is_set(conf, "bootstrap.servers", "") &&
        !is_set(conf, "test.mock.num.brokers", "0"))
        rc = ut_fail(err, UT_E_ARG, "kafka: no brokers: set kafka.brokers to HOST:PORT,…");
    return rc;
}

ut_status ut_kafka_open(const ut_config *config, const ut_kafka_client *want, rd_kafka_t **out, ut_err *err)
{
    char why[200];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_opaque(conf, want->opaque);
    if (want->prepare)
        want->prepare(conf);
    ut_status rc = configure(config, want, conf, err);
    rd_kafka_t *client = rc == UT_OK ? rd_kafka_new(want->type, conf, why, sizeof why) : NULL;
    if (!client) {
        rd_kafka_conf_destroy(conf);
        return rc == UT_OK ? ut_fail(err, UT_E_ARG, "kafka: %s", why) : rc;
    }
    *out = client;
    return UT_OK;
}

/* Asks again and again without waiting in librdkafka. */
static bool naps(double until_s, long nap_ns)
{
    const struct timespec ts = {0, nap_ns};
    if (ut_monotonic_s() >= until_s)
        return false;
    nanosleep(&ts, NULL);
    return true;
}

void ut_kafka_serve(rd_kafka_t *client, int timeout_ms)
{
    double until_s = ut_monotonic_s() + timeout_ms * 1e-3;
    while (rd_kafka_poll(client, 0) == 0 && naps(until_s, SERVE_NAP_NS))
        continue;
}

rd_kafka_message_t *ut_kafka_next(rd_kafka_t *client, int timeout_ms)
{
    double until_s = ut_monotonic_s() + timeout_ms * 1e-3;
    rd_kafka_message_t *message;
    while (!(message = rd_kafka_consumer_poll(client, 0)) && naps(until_s, NEXT_NAP_NS))
        continue;
    return message;
}

static void keep_trouble(rd_kafka_t *client, int code, const char *text, void *opaque)
{
    (void)client;
    (void)code;
    snprintf(opaque, sizeof(((ut_err *)0)->text), "%s", text);
}

static void prepare_ping(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_error_cb(conf, keep_trouble);
}

ut_status ut_kafka_ping(const ut_config *config, int *brokers, ut_err *err)
{
    char trouble[sizeof(((ut_err *)0)->text)] = "";
    ut_kafka_client client = {.type = RD_KAFKA_PRODUCER, .prepare = prepare_ping, .opaque = trouble};
    const struct rd_kafka_metadata *found = NULL;
    rd_kafka_t *asked = NULL;
    ut_status rc = ut_kafka_open(config, &client, &asked, err);
    if (rc != UT_OK)
        return rc;
    rd_kafka_resp_err_t code = rd_kafka_metadata(asked, 0, NULL, &found, PING_MS);
    rd_kafka_poll(asked, 0);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        *brokers = found->broker_cnt;
    else
        rc = ut_fail(err, UT_E_IO, "kafka: %s", *trouble ? trouble : rd_kafka_err2str(code));
    if (found)
        rd_kafka_metadata_destroy(found);
    rd_kafka_destroy(asked);
    return rc;
}

/* --- topics ---------------------------------------------------------------------------------- */

static rd_kafka_NewTopic_t *topic_new(const ut_config *config, const ut_kafka_topic *topic, char *why, size_t why_size)
{
    char name[256];
    ut_kafka_name(config, topic->name, name, sizeof name);
    int partitions = topic->partitions ? topic->partitions : (int)config->kafka.partitions;
    int copies = config->kafka.replication ? (int)config->kafka.replication : -1;
    rd_kafka_NewTopic_t *made = rd_kafka_NewTopic_new(name, partitions, copies, why, why_size);
    if (made && topic->compacted)
        rd_kafka_NewTopic_set_config(made, "cleanup.policy", "compact");
    return made;
}

static void report_topics(rd_kafka_event_t *event)
{
    size_t count = 0;
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
    const rd_kafka_topic_result_t **topics = rd_kafka_CreateTopics_result_topics(result, &count);
    char quoted[512];
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(topics[i]);
        const char *name = rd_kafka_topic_result_name(topics[i]);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            ut_log(UT_LOG_INFO, "kafka", "topic_made", "topic=%s", name);
        else if (code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            ut_log(UT_LOG_WARN, "kafka", "topic_not_made", "topic=%s error=%s", name,
                   ut_log_quote(quoted, sizeof quoted, rd_kafka_topic_result_error_string(topics[i])));
    }
}

static ut_status create(rd_kafka_t *client, rd_kafka_NewTopic_t **topics, size_t count, double timeout_s, ut_err *err)
{
    char why[200];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    int timeout_ms = (int)(timeout_s * 1000);
    rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, why, sizeof why);
    rd_kafka_AdminOptions_set_operation_timeout(options, timeout_ms, why, sizeof why);
    rd_kafka_CreateTopics(client, topics, count, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms + 1000);
    ut_status rc = UT_OK;
    if (!event || rd_kafka_event_error(event)) {
        rc = ut_fail(err, UT_E_IO, "kafka: topics: %s", event ? rd_kafka_event_error_string(event) : "no answer");
        if (err)
            err->retriable = true;
    } else {
        report_topics(event);
    }
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    return rc;
}

ut_status ut_kafka_make_topics(rd_kafka_t *client, const ut_config *config, const ut_kafka_topic *topics, size_t count,
                               double timeout_s, ut_err *err)
{
    if (!config->kafka.create_topics || count == 0)
        return UT_OK;
    char why[200] = "";
    size_t made = 0;
    rd_kafka_NewTopic_t **fresh = calloc(count, sizeof *fresh);
    if (!fresh)
        return ut_fail(err, UT_E_NOMEM, "kafka: %zu topics", count);
    while (made < count && (fresh[made] = topic_new(config, &topics[made], why, sizeof why)))
        made++;
    ut_status rc = made == count ? create(client, fresh, count, timeout_s, err)
                                 : ut_fail(err, UT_E_ARG, "kafka: topic %s: %s", topics[made].name, why);
    rd_kafka_NewTopic_destroy_array(fresh, made);
    free(fresh);
    return rc;
}

ut_kafka_verdict ut_kafka_judge(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
        return UT_KAFKA_NEVER;
    default:
        return UT_KAFKA_LATER;
    }
}
