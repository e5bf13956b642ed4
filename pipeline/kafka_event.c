/* Events as Kafka messages: CloudEvents 1.0, binary content mode. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "pipeline/kafka.h"

ut_status ut_kafka_headers(const ut_event *event, rd_kafka_headers_t **out, ut_err *err)
{
    char time[40], schema[128];
    snprintf(schema, sizeof schema, "urn:undertone:schema:%s", event->type);
    const char *const attributes[][2] = {
        {"ce_specversion", "1.0"},
        {"ce_id", event->id},
        {"ce_source", "/undertone"},
        {"ce_type", event->type},
        {"ce_subject", event->key},
        {"ce_time", ut_time_format_ns(event->time_ns, time, sizeof time)},
        {"ce_dataschema", schema},
        {"ce_partitionkey", event->key},
        {"content-type", "application/json"},
    };
    enum { COUNT = sizeof attributes / sizeof *attributes };
    rd_kafka_headers_t *headers = rd_kafka_headers_new(COUNT);
    for (size_t i = 0; headers && i < COUNT; i++) {
        if (rd_kafka_header_add(headers, attributes[i][0], -1, attributes[i][1], -1) == RD_KAFKA_RESP_ERR_NO_ERROR)
            continue;
        rd_kafka_headers_destroy(headers);
        headers = NULL;
    }
    if (!headers)
        return ut_fail(err, UT_E_NOMEM, "kafka: headers of event %s", event->id);
    *out = headers;
    return UT_OK;
}

/* A header as text; UT_E_CORRUPT if it is missing, too long, or not text. */
static ut_status read_header(const rd_kafka_headers_t *headers, const char *name, char *out, size_t size, ut_err *err)
{
    const void *value = NULL;
    size_t length = 0;
    if (!headers || rd_kafka_header_get_last(headers, name, &value, &length) != RD_KAFKA_RESP_ERR_NO_ERROR || !value)
        return ut_fail(err, UT_E_CORRUPT, "no header %s", name);
    if (length >= size || memchr(value, 0, length) || ut_utf8_span(value, length) != length)
        return ut_fail(err, UT_E_CORRUPT, "header %s: not text of at most %zu bytes", name, size - 1);
    memcpy(out, value, length);
    out[length] = '\0';
    return UT_OK;
}

ut_status ut_kafka_event_read(const rd_kafka_headers_t *headers, const void *value, size_t size, ut_event *out,
                              ut_err *err)
{
    char time[64], version[16];
    ut_event event = {0};
    ut_status rc = read_header(headers, "ce_specversion", version, sizeof version, err);
    if (rc == UT_OK)
        rc = read_header(headers, "ce_id", event.id, sizeof event.id, err);
    if (rc == UT_OK)
        rc = read_header(headers, "ce_type", event.type, sizeof event.type, err);
    if (rc == UT_OK)
        rc = read_header(headers, "ce_subject", event.key, sizeof event.key, err);
    if (rc == UT_OK)
        rc = read_header(headers, "ce_time", time, sizeof time, err);
    if (rc == UT_OK && strcmp(version, "1.0") != 0)
        rc = ut_fail(err, UT_E_CORRUPT, "ce_specversion %s: not 1.0", version);
    if (rc == UT_OK && ut_time_parse(time, &event.time_ns, NULL) != UT_OK)
        rc = ut_fail(err, UT_E_CORRUPT, "ce_time %s: no time", time);
    if (rc == UT_OK && (!value || memchr(value, 0, size)))
        rc = ut_fail(err, UT_E_CORRUPT, "event %s: no value", event.id);
    if (rc != UT_OK)
        return rc;
    if (!(event.json = strndup(value, size)))
        return ut_fail(err, UT_E_NOMEM, "event %s: %zu bytes", event.id, size);
    *out = event;
    return UT_OK;
}

ut_status ut_kafka_event(const rd_kafka_message_t *message, ut_event *out, ut_err *err)
{
    rd_kafka_headers_t *headers = NULL;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        headers = NULL;
    ut_status rc = ut_kafka_event_read(headers, message->payload, message->len, out, err);
    if (rc == UT_OK)
        out->seq = message->offset;
    return rc;
}
