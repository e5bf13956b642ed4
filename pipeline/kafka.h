/* What everything that talks to Kafka shares: properties, topics, the way a client is opened. librdkafka's types are
 * seen by the files of pipeline/kafka*.c and sink_kafka.c alone, and by their tests.
 *
 * A client is used by one thread, but for its log, which is ours. */
#ifndef UT_PIPELINE_KAFKA_H
#define UT_PIPELINE_KAFKA_H

#include <librdkafka/rdkafka.h>

#include "core/config.h"
#include "core/types.h"

/* Topics, without their prefix. */
#define UT_TOPIC_IDENTIFICATION "identification.v1" /* key: channel */
#define UT_TOPIC_CUE "cue.v1"                       /* later revisions of cues; key: channel */
#define UT_TOPIC_CUE_LATEST "cue-latest.v1"         /* compacted; key: cue_id */
#define UT_TOPIC_CAPTURE "capture.v1"               /* key: channel */
#define UT_TOPIC_AUDIT "audit.v1"                   /* key: channel */
#define UT_TOPIC_OTHER "other.v1"                   /* of types that this version does not know */
#define UT_TOPIC_DEAD "dlq.v1"                      /* what the cluster refused for good */

typedef struct {
    const char *name; /* without prefix */
    int partitions;   /* 0: as configured */
    bool compacted;
} ut_kafka_topic;

/* "PREFIX.NAME". */
void ut_kafka_name(const ut_config *config, const char *name, char *out, size_t size);

/* Opens a client. `brokers` NULL or "": those of the configuration. `own` are the properties that the caller depends
 * on, name and value in turn, ending with NULL: a configured property of that name is UT_E_ARG. `defaults` in the same
 * form are what the configuration may change. `opaque` is given to the callbacks that `prepare` (may be NULL) sets. No
 * broker need be there. */
typedef struct {
    rd_kafka_type_t type;
    const char *brokers;
    const char *const *own, *const *defaults;
    void (*prepare)(rd_kafka_conf_t *conf);
    void *opaque;
} ut_kafka_client;
UT_CHECK ut_status ut_kafka_open(const ut_config *config, const ut_kafka_client *client, rd_kafka_t **out, ut_err *err);

/* As rd_kafka_poll and rd_kafka_consumer_poll, which wait by the wall clock: one that is set back meanwhile would hold
 * them for as long. */
void ut_kafka_serve(rd_kafka_t *client, int timeout_ms);
rd_kafka_message_t *ut_kafka_next(rd_kafka_t *client, int timeout_ms); /* NULL: nothing came */

/* Asks the cluster for its brokers; UT_E_IO if none answers within some seconds. */
UT_CHECK ut_status ut_kafka_ping(const ut_config *config, int *brokers, ut_err *err);

/* Makes those topics that are not there yet, if the configuration wants it. Waits for the cluster for at most
 * timeout_s: UT_E_IO, to be tried again. What the cluster refuses to make is logged. */
UT_CHECK ut_status ut_kafka_make_topics(rd_kafka_t *client, const ut_config *config, const ut_kafka_topic *topics,
                                        size_t count, double timeout_s, ut_err *err);

/* What a failure means for one who may try again. */
typedef enum { UT_KAFKA_LATER, UT_KAFKA_NEVER } ut_kafka_verdict;
/* UT_KAFKA_NEVER: the cluster will never take this very message (too large, not a record). */
ut_kafka_verdict ut_kafka_judge(rd_kafka_resp_err_t code);

/* CloudEvents 1.0, binary mode: the attributes of an event as headers, and back. *out takes copies; UT_E_CORRUPT if it
 * is no event of ours. Never trusts its input. */
UT_CHECK ut_status ut_kafka_headers(const ut_event *event, rd_kafka_headers_t **out, ut_err *err);
UT_CHECK ut_status ut_kafka_event_read(const rd_kafka_headers_t *headers, const void *value, size_t size, ut_event *out,
                                       ut_err *err);
UT_CHECK ut_status ut_kafka_event(const rd_kafka_message_t *message, ut_event *out, ut_err *err);

#endif
