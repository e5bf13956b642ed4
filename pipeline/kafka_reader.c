#include "pipeline/kafka_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MS = 10000 };

struct ut_kafka_reader {
    rd_kafka_t *client;
    rd_kafka_topic_partition_list_t *parts;
    bool *ended; /* of parts, by their order there */
    int open;    /* how many have not ended */
    char trouble[200];
};

static void on_error(rd_kafka_t *client, int code, const char *text, void *opaque)
{
    (void)client;
    (void)code;
    ut_kafka_reader *reader = opaque;
    snprintf(reader->trouble, sizeof reader->trouble, "%s", text);
}

static void prepare(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_error_cb(conf, on_error);
}

static ut_status no_answer(ut_kafka_reader *reader, rd_kafka_resp_err_t code, ut_err *err)
{
    rd_kafka_poll(reader->client, 0);
    ut_status rc = ut_fail(err, UT_E_IO, "kafka: %s", *reader->trouble ? reader->trouble : rd_kafka_err2str(code));
    if (err)
        err->retriable = true;
    return rc;
}

/* The partitions of those topics that are there. One request for all topics: asking for one by name could make it. */
static ut_status find_partitions(ut_kafka_reader *reader, const ut_config *config,
                                 const ut_kafka_reader_options *options, ut_err *err)
{
    const struct rd_kafka_metadata *found = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(reader->client, 1, NULL, &found, ANSWER_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return no_answer(reader, code, err);
    for (int t = 0; t < found->topic_cnt; t++)
        for (size_t i = 0; i < options->topic_count; i++) {
            char name[256];
            ut_kafka_name(config, options->topics[i], name, sizeof name);
            if (strcmp(found->topics[t].topic, name) != 0)
                continue;
            for (int p = 0; p < found->topics[t].partition_cnt; p++)
                rd_kafka_topic_partition_list_add(reader->parts, name, found->topics[t].partitions[p].id)->offset =
                    options->from_ns == UT_KAFKA_END     ? RD_KAFKA_OFFSET_END
                    : options->from_ns == UT_KAFKA_FIRST ? RD_KAFKA_OFFSET_BEGINNING
                                                         : options->from_ns / 1000000;
        }
    rd_kafka_metadata_destroy(found);
    char name[256];
    if (reader->parts->cnt == 0) {
        ut_kafka_name(config, options->topics[0], name, sizeof name);
        return ut_fail(err, UT_E_NOTFOUND, "kafka: %s%s: no such topic", name,
                       options->topic_count > 1 ? " and others" : "");
    }
    if (options->from_ns < 0)
        return UT_OK;
    code = rd_kafka_offsets_for_times(reader->client, reader->parts, ANSWER_MS);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? UT_OK : no_answer(reader, code, err);
}

ut_status ut_kafka_reader_open(const ut_config *config, const ut_kafka_reader_options *options, ut_kafka_reader **out,
                               ut_err *err)
{
    /* librdkafka wants a group even where none is joined. */
    static const char *const own[] = {"enable.partition.eof", "true", "enable.auto.commit", "false", NULL};
    static const char *const defaults[] = {"group.id", "undertone-reader", "allow.auto.create.topics", "false", NULL};
    ut_kafka_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return ut_fail(err, UT_E_NOMEM, "kafka: reader");
    ut_kafka_client client = {.type = RD_KAFKA_CONSUMER,
                              .brokers = options->brokers,
                              .own = own,
                              .defaults = defaults,
                              .prepare = prepare,
                              .opaque = reader};
    ut_status rc = ut_kafka_open(config, &client, &reader->client, err);
    if (rc == UT_OK) {
        rd_kafka_poll_set_consumer(reader->client);
        reader->parts = rd_kafka_topic_partition_list_new(8);
        rc = find_partitions(reader, config, options, err);
    }
    if (rc == UT_OK && !(reader->ended = calloc((size_t)reader->parts->cnt, sizeof *reader->ended)))
        rc = ut_fail(err, UT_E_NOMEM, "kafka: %d partitions", reader->parts->cnt);
    if (rc == UT_OK) {
        reader->open = reader->parts->cnt;
        rd_kafka_resp_err_t code = rd_kafka_assign(reader->client, reader->parts);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            rc = no_answer(reader, code, err);
    }
    if (rc != UT_OK) {
        ut_kafka_reader_close(&reader);
        return rc;
    }
    *out = reader;
    return UT_OK;
}

void ut_kafka_reader_close(ut_kafka_reader **slot)
{
    ut_kafka_reader *reader = slot ? *slot : NULL;
    if (!reader)
        return;
    if (reader->client) {
        rd_kafka_consumer_close(reader->client);
        rd_kafka_destroy(reader->client);
    }
    if (reader->parts)
        rd_kafka_topic_partition_list_destroy(reader->parts);
    free(reader->ended);
    free(reader);
    *slot = NULL;
}

static void mark(ut_kafka_reader *reader, const rd_kafka_message_t *message, bool ended)
{
    const char *topic = rd_kafka_topic_name(message->rkt);
    for (int i = 0; i < reader->parts->cnt; i++) {
        const rd_kafka_topic_partition_t *part = &reader->parts->elems[i];
        if (part->partition != message->partition || strcmp(part->topic, topic) != 0 || reader->ended[i] == ended)
            continue;
        reader->ended[i] = ended;
        reader->open += ended ? -1 : 1;
    }
}

ut_status ut_kafka_reader_next(ut_kafka_reader *reader, int timeout_ms, rd_kafka_message_t **out, ut_err *err)
{
    rd_kafka_message_t *message = ut_kafka_next(reader->client, timeout_ms);
    if (!message)
        return ut_fail(err, UT_E_BUSY, "kafka: nothing new");
    ut_status rc = UT_OK;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        mark(reader, message, true);
        rc = ut_fail(err, UT_E_BUSY, "kafka: end of a partition");
    } else if (message->err) {
        rc = ut_fail(err, UT_E_IO, "kafka: %s", rd_kafka_message_errstr(message));
        if (err)
            err->retriable = true;
    } else {
        mark(reader, message, false);
        *reader->trouble = '\0';
        *out = message;
        return UT_OK;
    }
    rd_kafka_message_destroy(message);
    return rc;
}

bool ut_kafka_reader_at_end(const ut_kafka_reader *reader)
{
    return reader->open == 0;
}

const char *ut_kafka_reader_trouble(const ut_kafka_reader *reader)
{
    return reader->trouble;
}
