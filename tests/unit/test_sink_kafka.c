/* The Kafka sink against the cluster that librdkafka brings for tests: what arrives and where, the order while
 * requests fail, and what happens to an event that no broker will take. Real brokers: tests/integration/kafka. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "pipeline/kafka.h"
#include "pipeline/sink.h"
#include <cmocka.h>

#include <librdkafka/rdkafka_mock.h> /* after rdkafka.h */

enum { PRODUCE = 0 }; /* request key of the protocol */

static rd_kafka_t *holder; /* of the mock cluster */
static rd_kafka_mock_cluster_t *cluster;
static ut_config *config;
static char folder[64], dead_path[96];

static ut_config *parse(const char *yaml)
{
    ut_config *parsed = NULL;
    ut_err err = {0};
    if (ut_config_parse(yaml, strlen(yaml), "test.yaml", &parsed, &err) != UT_OK)
        fail_msg("%s", err.text);
    return parsed;
}

static int setup(void **state)
{
    (void)state;
    char why[200], yaml[600];
    ut_log_set_level(UT_LOG_OFF);
    strcpy(folder, "/tmp/ut-kafka-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(dead_path, sizeof dead_path, "%s/dead.jsonl", folder);
    holder = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof why);
    assert_non_null(holder);
    cluster = rd_kafka_mock_cluster_new(holder, 1);
    assert_non_null(cluster);
    rd_kafka_mock_cluster_bootstraps(cluster);
    snprintf(yaml, sizeof yaml,
             "kafka:\n  brokers: '%s'\n  create_topics: false\n  topic_prefix: t\n  dead_letters: '%s'\n"
             "  properties: [retry.backoff.ms=5, message.max.bytes=4000]\n",
             rd_kafka_mock_cluster_bootstraps(cluster), dead_path);
    config = parse(yaml);
    const char *const names[] = {"t.identification.v1", "t.cue.v1",   "t.cue-latest.v1", "t.capture.v1",
                                 "t.audit.v1",          "t.other.v1", "t.dlq.v1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(rd_kafka_mock_topic_create(cluster, names[i], 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    ut_config_close(&config);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(holder);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static ut_event make(int n, const char *type, size_t filler)
{
    ut_event event = {.key = "one", .time_ns = INT64_C(1795000000123456789) + n};
    snprintf(event.type, sizeof event.type, "%s", type);
    snprintf(event.id, sizeof event.id, "00000000-0000-8000-8000-%012d", n);
    char *filling = calloc(1, filler + 1);
    memset(filling, 'x', filler);
    if (asprintf(&event.json, "{\"n\":%d,\"cue_id\":\"cue-%d\",\"filler\":\"%s\"}", n, n / 2, filling) < 0)
        abort();
    free(filling);
    return event;
}

static void *open_sink(void)
{
    void *self = NULL;
    ut_err err = {0};
    if (ut_sink_kafka.open("", config, &self, &err) != UT_OK)
        fail_msg("%s", err.text);
    return self;
}

static void send_one(void *self, int n, const char *type, size_t filler)
{
    ut_err err = {0};
    ut_event event = make(n, type, filler);
    if (ut_sink_kafka.send(self, &event, &err) != UT_OK)
        fail_msg("%s", err.text);
    ut_event_clear(&event);
}

/* As the outbox does: again while the answer is "not yet". */
static ut_status flush_all(void *self)
{
    ut_err err = {0};
    ut_status rc;
    double until_s = ut_monotonic_s() + 60;
    while ((rc = ut_sink_kafka.flush(self, &err)) == UT_E_BUSY && ut_monotonic_s() < until_s)
        ;
    if (rc != UT_OK)
        print_message("%s\n", err.text);
    return rc;
}

typedef struct {
    int n;
    char key[64];
    char error[64];
    ut_event event;
} arrival;

/* What a topic holds, in order. */
static size_t read_topic(const char *topic, arrival *out, size_t capacity)
{
    char why[200];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster), why, sizeof why);
    rd_kafka_conf_set(conf, "group.id", "reader", why, sizeof why);
    rd_kafka_conf_set(conf, "enable.partition.eof", "true", why, sizeof why);
    rd_kafka_conf_set(conf, "auto.offset.reset", "earliest", why, sizeof why);
    rd_kafka_t *reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    rd_kafka_topic_partition_list_t *from = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(from, topic, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(reader, from);
    rd_kafka_topic_partition_list_destroy(from);
    size_t count = 0;
    for (bool end = false; !end;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, 10000);
        assert_non_null(message);
        end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        if (!message->err) {
            arrival *a = &out[count++];
            ut_err err = {0};
            rd_kafka_headers_t *headers = NULL;
            const void *error = NULL;
            size_t size;
            assert_true(count <= capacity);
            *a = (arrival){0};
            memcpy(a->key, message->key, message->key_len);
            if (ut_kafka_event(message, &a->event, &err) != UT_OK)
                fail_msg("%s", err.text);
            a->n = atoi(a->event.id + 24);
            rd_kafka_message_headers(message, &headers);
            if (!rd_kafka_header_get_last(headers, "undertone_error", &error, &size))
                snprintf(a->error, sizeof a->error, "%s", (const char *)error);
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_destroy(reader);
    return count;
}

static void clear(arrival *arrivals, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ut_event_clear(&arrivals[i].event);
}

static void every_type_has_its_topic_and_key(void **state)
{
    (void)state;
    static const struct {
        const char *type, *topic;
        bool latest;
    } cases[] = {
        {"org.undertone.cue.identified.v1", "t.identification.v1", true},
        {"org.undertone.cue.approved.v1", "t.cue.v1", true},
        {"org.undertone.capture.gap.v1", "t.capture.v1", false},
        {"org.undertone.audit.finding.v1", "t.audit.v1", false},
        {"com.example.new", "t.other.v1", false},
    };
    void *self = open_sink();
    for (int i = 0; i < 5; i++)
        send_one(self, i, cases[i].type, 0);
    assert_int_equal(flush_all(self), UT_OK);
    ut_sink_kafka.close(self);
    arrival got[8];
    for (int i = 0; i < 5; i++) {
        assert_int_equal(read_topic(cases[i].topic, got, 8), 1);
        ut_event sent = make(i, cases[i].type, 0);
        assert_string_equal(got[0].key, "one");
        assert_string_equal(got[0].event.id, sent.id);
        assert_string_equal(got[0].event.type, sent.type);
        assert_string_equal(got[0].event.key, sent.key);
        assert_string_equal(got[0].event.json, sent.json);
        assert_int_equal(got[0].event.time_ns, sent.time_ns);
        ut_event_clear(&sent);
        clear(got, 1);
    }
    assert_int_equal(read_topic("t.cue-latest.v1", got, 8), 2);
    assert_string_equal(got[0].key, "cue-0");
    clear(got, 2);
}

/* Errors that pass, on half of the requests, and a broker that goes: each event once, in order. */
static void order_is_kept_through_failures(void **state)
{
    (void)state;
    enum { COUNT = 400 };
    static arrival got[2 * COUNT];
    void *self = open_sink();
    for (int n = 0; n < COUNT; n++) {
        if (n % 40 == 0)
            rd_kafka_mock_push_request_errors(cluster, PRODUCE, 2, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                              RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
        if (n == 210)
            rd_kafka_mock_broker_set_down(cluster, 1);
        send_one(self, n, "org.undertone.capture.gap.v1", 0);
        if (n == 240) {
            ut_err err = {0};
            assert_int_equal(ut_sink_kafka.flush(self, &err), UT_E_BUSY);
            assert_non_null(strstr(err.text, "not delivered yet"));
            rd_kafka_mock_broker_set_up(cluster, 1);
        }
        if (n % 50 == 49)
            assert_int_equal(flush_all(self), UT_OK);
    }
    ut_sink_kafka.close(self);
    assert_int_equal(read_topic("t.capture.v1", got, 2 * COUNT), COUNT);
    for (int n = 0; n < COUNT; n++)
        assert_int_equal(got[n].n, n);
    clear(got, COUNT);
}

static int count_lines(const char *path)
{
    char *text;
    size_t size;
    int lines = 0;
    assert_int_equal(ut_file_read(path, 1 << 20, &text, &size, NULL), UT_OK);
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    free(text);
    return lines;
}

/* An event that no broker takes goes to the dead letters; those around it arrive. */
static void a_refused_event_holds_nothing_back(void **state)
{
    (void)state;
    static arrival got[16];
    void *self = open_sink();
    for (int n = 0; n < 5; n++)
        send_one(self, n, "org.undertone.capture.gap.v1", n == 2 ? 10000 : 0); /* above message.max.bytes */
    assert_int_equal(flush_all(self), UT_OK);
    /* Refused by the broker, as part of a batch and then alone. */
    rd_kafka_mock_push_request_errors(cluster, PRODUCE, 2, RD_KAFKA_RESP_ERR_INVALID_RECORD,
                                      RD_KAFKA_RESP_ERR_INVALID_RECORD);
    send_one(self, 5, "org.undertone.capture.gap.v1", 0);
    assert_int_equal(flush_all(self), UT_OK);
    ut_sink_stats stats;
    ut_sink_kafka.describe(self, &stats);
    assert_int_equal(stats.dead, 2);
    ut_sink_kafka.close(self);
    assert_int_equal(read_topic("t.capture.v1", got, 16), 4);
    clear(got, 4);
    assert_int_equal(read_topic("t.dlq.v1", got, 16), 2);
    assert_int_equal(got[0].n, 2);
    assert_string_equal(got[0].error, "MSG_SIZE_TOO_LARGE");
    assert_non_null(strstr(got[0].event.json, "\"bytes\":1003")); /* a note of it: the whole would not fit either */
    assert_int_equal(got[1].n, 5);
    assert_string_equal(got[1].error, "INVALID_RECORD");
    assert_non_null(strstr(got[1].event.json, "\"n\":5"));
    clear(got, 2);
    assert_int_equal(count_lines(dead_path), 2);
}

/* A refusal of the batch is not one of its messages. */
static void a_refused_batch_is_tried_one_by_one(void **state)
{
    (void)state;
    static arrival got[16];
    void *self = open_sink();
    rd_kafka_mock_push_request_errors(cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    for (int n = 0; n < 6; n++)
        send_one(self, n, "org.undertone.capture.gap.v1", 0);
    assert_int_equal(flush_all(self), UT_OK);
    ut_sink_stats stats;
    ut_sink_kafka.describe(self, &stats);
    assert_int_equal(stats.dead, 0);
    ut_sink_kafka.close(self);
    assert_int_equal(read_topic("t.capture.v1", got, 16), 6);
    for (int n = 0; n < 6; n++)
        assert_int_equal(got[n].n, n);
    clear(got, 6);
}

static void settings_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *says;
    } cases[] = {
        {"kafka: {topic_prefix: x}\n", "no brokers: set kafka.brokers"},
        {"kafka: {brokers: b, properties: [nonsense.name=1]}\n", "nonsense.name=1: No such configuration property"},
        {"kafka: {brokers: b, properties: [acks=1]}\n", "acks: undertone depends on all"},
        {"kafka: {brokers: b, properties: [security.protocol=SASL_SSL, sasl.mechanism=NONE, sasl.password=hunter2]}\n",
         "kafka: "},
        {"kafka: {brokers: b, properties_file: /nonexistent/p}\n", "kafka.properties_file: /nonexistent/p"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ut_config *bad = parse(cases[i].yaml);
        void *self = NULL;
        ut_err err = {0};
        assert_true(ut_sink_kafka.open("", bad, &self, &err) != UT_OK);
        assert_false(err.retriable);
        if (!strstr(err.text, cases[i].says) || strstr(err.text, "hunter2"))
            fail_msg("%s", err.text);
        ut_config_close(&bad);
    }
    /* SCRAM over TLS, its password from a file, as in docs/EVENTS.md. */
    char path[96], yaml[400];
    static const char secrets[] = "# for undertone\nsasl.username=undertone\nsasl.password=hunter2\n";
    snprintf(path, sizeof path, "%s/secrets", folder);
    assert_int_equal(ut_file_write(path, secrets, sizeof secrets - 1, NULL), UT_OK);
    snprintf(yaml, sizeof yaml,
             "kafka:\n  brokers: 'localhost:1'\n  properties_file: %s\n  properties: [security.protocol=SASL_SSL, "
             "sasl.mechanism=SCRAM-SHA-512, compression.type=lz4]\n",
             path);
    ut_config *good = parse(yaml);
    void *self = NULL;
    ut_err err = {0};
    if (ut_sink_kafka.open("", good, &self, &err) != UT_OK)
        fail_msg("%s", err.text);
    ut_sink_kafka.close(self);
    ut_config_close(&good);
}

static void closing_drops_what_is_under_way(void **state)
{
    (void)state;
    rd_kafka_mock_broker_set_down(cluster, 1);
    void *self = open_sink();
    for (int n = 0; n < 100; n++)
        send_one(self, n, "org.undertone.cue.identified.v1", 0);
    double before_s = ut_monotonic_s();
    assert_int_equal(ut_sink_kafka.flush(self, NULL), UT_E_BUSY);
    ut_sink_kafka.close(self); /* the address sanitizer tells whether all was freed */
    assert_true(ut_monotonic_s() - before_s < 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_type_has_its_topic_and_key, setup, teardown),
        cmocka_unit_test_setup_teardown(order_is_kept_through_failures, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refused_event_holds_nothing_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refused_batch_is_tried_one_by_one, setup, teardown),
        cmocka_unit_test_setup_teardown(settings_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(closing_drops_what_is_under_way, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
