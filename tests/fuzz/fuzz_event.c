/* Events as others may have written them: a line of a file, and the headers and value of a Kafka message. What is read
 * must be writable again. Input: a value, then header names and values, each ended by a NUL. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/event.h"
#include "pipeline/kafka.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(ut_event *event)
{
    char *line = NULL;
    ut_event again;
    if (ut_event_envelope(event, &line, NULL) == UT_OK) {
        if (ut_event_read(line, strlen(line), &again, NULL) != UT_OK || strcmp(again.id, event->id) != 0)
            abort();
        ut_event_clear(&again);
    }
    free(line);
    ut_event_clear(event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    ut_event event;
    ut_err err;
    if (ut_event_read(text, size, &event, &err) == UT_OK)
        write_again(&event);
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    size_t value_size = strnlen(text, size), at = value_size + 1;
    while (at < size) {
        size_t name = strnlen(text + at, size - at), value_at = at + name + 1;
        if (value_at >= size)
            break;
        size_t value = strnlen(text + value_at, size - value_at);
        rd_kafka_header_add(headers, text + at, (ssize_t)name, text + value_at, (ssize_t)value);
        at = value_at + value + 1;
    }
    if (ut_kafka_event_read(headers, data, value_size, &event, &err) == UT_OK)
        write_again(&event);
    rd_kafka_headers_destroy(headers);
    return 0;
}
