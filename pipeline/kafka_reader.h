/* Reads topics from somewhere to their end, and on: every partition, outside any group. One thread. */
#ifndef UT_PIPELINE_KAFKA_READER_H
#define UT_PIPELINE_KAFKA_READER_H

#include "pipeline/kafka.h"

#define UT_KAFKA_FIRST INT64_C(-1)
#define UT_KAFKA_END INT64_C(-2)

typedef struct ut_kafka_reader ut_kafka_reader;

typedef struct {
    const char *brokers;       /* NULL or "": those of the configuration */
    const char *const *topics; /* without prefix; those that are not there are left out */
    size_t topic_count;
    int64_t from_ns; /* published then or later; or UT_KAFKA_FIRST, UT_KAFKA_END */
} ut_kafka_reader_options;

/* UT_E_IO: no broker answers; UT_E_NOTFOUND: none of the topics is there. */
UT_CHECK ut_status ut_kafka_reader_open(const ut_config *config, const ut_kafka_reader_options *options,
                                        ut_kafka_reader **out, ut_err *err);
void ut_kafka_reader_close(ut_kafka_reader **reader);

/* The next message, to be destroyed by the caller (rd_kafka_message_destroy). UT_E_BUSY: none within timeout_ms. Once
 * the end of all partitions is reached, ut_kafka_reader_at_end tells so. */
UT_CHECK ut_status ut_kafka_reader_next(ut_kafka_reader *reader, int timeout_ms, rd_kafka_message_t **out, ut_err *err);
bool ut_kafka_reader_at_end(const ut_kafka_reader *reader);
/* What librdkafka last said of its connections, "" if nothing; kept until the next message. */
const char *ut_kafka_reader_trouble(const ut_kafka_reader *reader);

#endif
