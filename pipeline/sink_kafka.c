/* Events to Kafka: an idempotent producer, acknowledged by all replicas in sync, in order per channel. The client stays
 * open while the cluster is away: what librdkafka repeats by itself, the brokers take once.
 *
 * What the cluster refuses for good must not hold back the rest. A refusal may be of the batch that a message was in,
 * so it is tried alone; then it goes to the topic of dead letters, whole, or if that is refused too, as a note. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "pipeline/kafka.h"
#include "pipeline/sink.h"

#define FLUSH_S 2.0
#define TOPICS_S 3.0

typedef enum { AS_USUAL, ALONE, DEAD, DEAD_NOTE } attempt;

/* One message under way, from send to its delivery report. */
typedef struct letter {
    struct letter *before, *after; /* of all that the sink owns */
    struct letter *next;           /* of those refused */
    struct sink_kafka *sink;
    ut_event event; /* a copy */
    char *note;     /* what is sent instead of its value; NULL: the value */
    const char *topic;
    char key[64];
    attempt tried;
    rd_kafka_resp_err_t refusal;
} letter;

typedef struct sink_kafka {
    const ut_config *config;
    char *brokers;
    rd_kafka_t *client;
    bool topics_made;
    letter *letters;
    letter *refused, **refused_end;
    size_t waiting; /* without delivery report */
    size_t failed;  /* since the last flush */
    rd_kafka_resp_err_t last_failure;
    char trouble[200]; /* what librdkafka last said of its connections */
    void *file;        /* of dead letters: a JSONL sink; NULL: none, or not open */
    ut_sink_stats stats;
} sink_kafka;

static const ut_kafka_topic topics[] = {
    {.name = UT_TOPIC_IDENTIFICATION}, {.name = UT_TOPIC_CUE},   {.name = UT_TOPIC_CUE_LATEST, .compacted = true},
    {.name = UT_TOPIC_CAPTURE},        {.name = UT_TOPIC_AUDIT}, {.name = UT_TOPIC_OTHER},
    {.name = UT_TOPIC_DEAD},
};

/* Where a type goes; the first prefix that fits. */
static const struct {
    const char *type, *topic;
    bool latest; /* also to the compacted topic */
} routes[] = {
    {"org.undertone.cue.identified.", UT_TOPIC_IDENTIFICATION, true},
    {"org.undertone.cue.", UT_TOPIC_CUE, true},
    {"org.undertone.capture.", UT_TOPIC_CAPTURE, false},
    {"org.undertone.audit.", UT_TOPIC_AUDIT, false},
    {"", UT_TOPIC_OTHER, false},
};

/* --- letters --------------------------------------------------------------------------------- */

static letter *letter_new(sink_kafka *sink, const ut_event *event, const char *topic, const char *key)
{
    letter *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    made->event = *event;
    if (!(made->event.json = strdup(event->json))) {
        free(made);
        return NULL;
    }
    made->sink = sink;
    made->topic = topic;
    snprintf(made->key, sizeof made->key, "%s", key);
    made->after = sink->letters;
    if (made->after)
        made->after->before = made;
    sink->letters = made;
    return made;
}

static void letter_destroy(letter *done)
{
    ut_event_clear(&done->event);
    free(done->note);
    free(done);
}

static void letter_free(letter *done)
{
    if (done->before)
        done->before->after = done->after;
    else
        done->sink->letters = done->after;
    if (done->after)
        done->after->before = done->before;
    letter_destroy(done);
}

static void refuse(letter *l, rd_kafka_resp_err_t code)
{
    sink_kafka *sink = l->sink;
    l->refusal = code;
    l->next = NULL;
    *sink->refused_end = l;
    sink->refused_end = &l->next;
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    (void)client;
    (void)opaque;
    letter *l = message->_private;
    sink_kafka *sink = l->sink;
    sink->waiting--;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        letter_free(l);
    } else if (ut_kafka_judge(message->err) == UT_KAFKA_NEVER) {
        refuse(l, message->err);
    } else {
        sink->failed++;
        sink->stats.failed +=
            message->err != RD_KAFKA_RESP_ERR__PURGE_QUEUE && message->err != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
        sink->last_failure = message->err;
        letter_free(l);
    }
}

static void on_error(rd_kafka_t *client, int code, const char *text, void *opaque)
{
    (void)client;
    (void)code;
    sink_kafka *sink = opaque;
    snprintf(sink->trouble, sizeof sink->trouble, "%s", text);
}

static ut_status add_header(rd_kafka_headers_t *headers, const char *name, const char *value, ut_err *err)
{
    if (rd_kafka_header_add(headers, name, -1, value, -1) == RD_KAFKA_RESP_ERR_NO_ERROR)
        return UT_OK;
    return ut_fail(err, UT_E_NOMEM, "kafka: header %s", name);
}

static ut_status make_headers(const letter *l, rd_kafka_headers_t **out, ut_err *err)
{
    char origin[256];
    rd_kafka_headers_t *headers = NULL;
    ut_status rc = ut_kafka_headers(&l->event, &headers, err);
    if (rc == UT_OK && l->tried >= DEAD) {
        ut_kafka_name(l->sink->config, l->topic, origin, sizeof origin);
        rc = add_header(headers, "undertone_topic", origin, err);
        if (rc == UT_OK)
            rc = add_header(headers, "undertone_error", rd_kafka_err2name(l->refusal), err);
        if (rc == UT_OK)
            rc = add_header(headers, "undertone_attempts", "2", err);
        if (rc == UT_OK && l->note)
            rc = add_header(headers, "undertone_note", "true", err);
    }
    if (rc == UT_OK)
        *out = headers;
    else if (headers)
        rd_kafka_headers_destroy(headers);
    return rc;
}

/* Hands a letter to librdkafka, which then owns it until its delivery report; on failure it is freed. */
static ut_status produce(letter *l, ut_err *err)
{
    sink_kafka *sink = l->sink;
    char topic[256];
    rd_kafka_headers_t *headers = NULL;
    const char *value = l->note ? l->note : l->event.json;
    ut_kafka_name(sink->config, l->tried >= DEAD ? UT_TOPIC_DEAD : l->topic, topic, sizeof topic);
    ut_status rc = make_headers(l, &headers, err);
    if (rc != UT_OK) {
        letter_free(l);
        return rc;
    }
    rd_kafka_resp_err_t code;
    double until_s = ut_monotonic_s() + FLUSH_S;
    do { /* no time stamp of the event's: by that a broker would delete an archive's events as too old */
        code = rd_kafka_producev(sink->client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(l->key, strlen(l->key)),
                                 RD_KAFKA_V_VALUE((void *)value, strlen(value)), RD_KAFKA_V_HEADERS(headers),
                                 RD_KAFKA_V_OPAQUE(l), RD_KAFKA_V_END);
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            ut_kafka_serve(sink->client, 50);
    } while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && ut_monotonic_s() < until_s);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        sink->waiting++;
        return UT_OK;
    }
    rd_kafka_headers_destroy(headers);
    if (ut_kafka_judge(code) == UT_KAFKA_NEVER) { /* larger than the client's own limit */
        refuse(l, code);
        return UT_OK;
    }
    rc = ut_fail(err, UT_E_IO, "kafka: event %s: %s", l->event.id, rd_kafka_err2str(code));
    letter_free(l);
    return rc;
}

/* --- dead letters ---------------------------------------------------------------------------- */

static char *make_note(const letter *l)
{
    json_t *note =
        json_pack("{s:s, s:s, s:s, s:s, s:I}", "event_id", l->event.id, "event_type", l->event.type, "channel",
                  l->event.key, "error", rd_kafka_err2name(l->refusal), "bytes", (json_int_t)strlen(l->event.json));
    char *text = note ? json_dumps(note, JSON_COMPACT) : NULL;
    json_decref(note);
    return text;
}

/* Whole, into the file of dead letters, if one is configured and it can be written. */
static bool write_to_file(sink_kafka *sink, const letter *l)
{
    const char *path = sink->config->kafka.dead_letters;
    ut_err err = {0};
    char quoted[512];
    if (!path)
        return false;
    ut_status rc = sink->file ? UT_OK : ut_sink_jsonl.open(path, sink->config, &sink->file, &err);
    if (rc == UT_OK)
        rc = ut_sink_jsonl.send(sink->file, &l->event, &err);
    if (rc == UT_OK)
        rc = ut_sink_jsonl.flush(sink->file, &err);
    if (rc != UT_OK)
        ut_log(UT_LOG_ERROR, "kafka", "dead_letter_not_written", "event=%s error=%s", l->event.id,
               ut_log_quote(quoted, sizeof quoted, err.text));
    return rc == UT_OK;
}

static void bury(letter *l)
{
    sink_kafka *sink = l->sink;
    bool filed = write_to_file(sink, l);
    sink->stats.dead++;
    ut_log(UT_LOG_ERROR, "kafka", "dead_letter", "event=%s type=%s channel=%s bytes=%zu error=%s file=%s", l->event.id,
           l->event.type, l->event.key, strlen(l->event.json), rd_kafka_err2name(l->refusal), filed ? "yes" : "no");
}

/* The next attempt with the letter that was refused first. */
static ut_status next_attempt(sink_kafka *sink, ut_err *err)
{
    letter *l = sink->refused;
    sink->refused = l->next;
    if (!sink->refused)
        sink->refused_end = &sink->refused;
    if (l->tried == AS_USUAL) {
        l->tried = ALONE;
    } else if (l->tried == ALONE) {
        l->tried = DEAD;
        bury(l);
    } else if (l->tried == DEAD && (l->note = make_note(l))) {
        l->tried = DEAD_NOTE;
    } else {
        ut_log(UT_LOG_ERROR, "kafka", "dead_letter_refused", "event=%s", l->event.id);
        letter_free(l);
        return UT_OK;
    }
    return produce(l, err);
}

/* --- the sink -------------------------------------------------------------------------------- */

static void prepare(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_error_cb(conf, on_error);
}

static void kafka_close(void *self)
{
    sink_kafka *sink = self;
    if (!sink)
        return;
    if (sink->client) {
        rd_kafka_purge(sink->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(sink->client, 500);
        rd_kafka_destroy(sink->client);
    }
    for (letter *l = sink->letters, *after; l; l = after) { /* without delivery report: it will not come any more */
        after = l->after;
        letter_destroy(l);
    }
    ut_sink_jsonl.close(sink->file);
    free(sink->brokers);
    free(sink);
}

static ut_status kafka_open(const char *target, const ut_config *config, void **out, ut_err *err)
{
    static const char *const own[] = {"enable.idempotence", "true", "acks", "all", NULL};
    /* Never given up: the outbox does not, and only so long can what was repeated be taken once. A batch is smaller
     * than any sane limit of a topic, so that one of several messages is not refused for its size. */
    static const char *const defaults[] = {
        "message.timeout.ms", "0", "compression.type", "zstd", "batch.size", "65536", "linger.ms", "5", NULL};
    sink_kafka *sink = calloc(1, sizeof *sink);
    if (!sink || !(sink->brokers = strdup(*target ? target : config->kafka.brokers ? config->kafka.brokers : ""))) {
        free(sink);
        return ut_fail(err, UT_E_NOMEM, "kafka: %s", target);
    }
    sink->config = config;
    sink->refused_end = &sink->refused;
    ut_kafka_client client = {.type = RD_KAFKA_PRODUCER,
                              .brokers = target,
                              .own = own,
                              .defaults = defaults,
                              .prepare = prepare,
                              .opaque = sink};
    ut_status rc = ut_kafka_open(config, &client, &sink->client, err);
    if (rc != UT_OK) {
        kafka_close(sink);
        return rc;
    }
    *out = sink;
    return UT_OK;
}

static ut_status send_to(sink_kafka *sink, const ut_event *event, const char *topic, const char *key, ut_err *err)
{
    letter *l = letter_new(sink, event, topic, key);
    return l ? produce(l, err) : ut_fail(err, UT_E_NOMEM, "kafka: event %s", event->id);
}

/* The value's cue_id: what a cue's revisions have in common. False if it has none. */
static bool cue_id(const ut_event *event, char *out, size_t size)
{
    json_t *value = json_loads(event->json, 0, NULL);
    const char *id = json_string_value(json_object_get(value, "cue_id"));
    bool found = id && *id && strlen(id) < size;
    if (found)
        snprintf(out, size, "%s", id);
    json_decref(value);
    return found;
}

static ut_status kafka_send(void *self, const ut_event *event, ut_err *err)
{
    sink_kafka *sink = self;
    ut_status rc = UT_OK;
    if (!sink->topics_made) {
        rc = ut_kafka_make_topics(sink->client, sink->config, topics, sizeof topics / sizeof *topics, TOPICS_S, err);
        if (rc != UT_OK)
            return rc;
        sink->topics_made = true;
    }
    size_t way = 0;
    while (strncmp(event->type, routes[way].type, strlen(routes[way].type)) != 0)
        way++;
    char id[64];
    rc = send_to(sink, event, routes[way].topic, event->key, err);
    if (rc == UT_OK && routes[way].latest && cue_id(event, id, sizeof id))
        rc = send_to(sink, event, UT_TOPIC_CUE_LATEST, id, err);
    return rc;
}

static ut_status failed(sink_kafka *sink, const char *why, ut_err *err)
{
    ut_status rc = ut_fail(err, UT_E_IO, "kafka: %s: %s", sink->brokers, why);
    if (err)
        err->retriable = true;
    return rc;
}

static ut_status kafka_flush(void *self, ut_err *err)
{
    sink_kafka *sink = self;
    double until_s = ut_monotonic_s() + FLUSH_S;
    char why[300];
    for (;;) {
        while (sink->waiting && ut_monotonic_s() < until_s)
            ut_kafka_serve(sink->client, 20);
        if (rd_kafka_fatal_error(sink->client, why, sizeof why) != RD_KAFKA_RESP_ERR_NO_ERROR)
            return failed(sink, why, err);
        if (sink->failed)
            return failed(sink, rd_kafka_err2str(sink->last_failure), err);
        if (sink->waiting)
            return ut_fail(err, UT_E_BUSY, "kafka: %s: %zu messages are not delivered yet%s%s", sink->brokers,
                           sink->waiting, *sink->trouble ? ": " : "", sink->trouble);
        *sink->trouble = '\0';
        if (!sink->refused)
            return UT_OK;
        ut_status rc = next_attempt(sink, err);
        if (rc != UT_OK)
            return rc;
    }
}

static void kafka_describe(void *self, ut_sink_stats *out)
{
    *out = ((sink_kafka *)self)->stats;
}

const ut_sink_ops ut_sink_kafka = {
    .scheme = "kafka",
    .bare = true,
    .open = kafka_open,
    .send = kafka_send,
    .flush = kafka_flush,
    .close = kafka_close,
    .describe = kafka_describe,
};
