#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/cli.h"
#include "apps/event_line.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/log.h"
#include "pipeline/event.h"
#include "pipeline/kafka_reader.h"
#include "pipeline/outbox.h"
#include "pipeline/republish.h"

enum { NAP_MS = 300, BATCH = 64, TOPICS_MAX = 16 };
#define DRAIN_S 60.0
#define LINE_LIMIT ((size_t)64 << 20)

/* --- tail ------------------------------------------------------------------------------------ */

typedef struct {
    const ut_args *args;
    const char *channel, *type; /* NULL: any */
    int64_t from_ns;            /* UT_KAFKA_FIRST: from the beginning; UT_KAFKA_END: new ones only */
    int64_t left;               /* events still to print */
    bool follow;
} tail;

/* False: that was the last one wanted, or nobody reads any more. */
static ut_status show(tail *t, const ut_event *event, bool *more, ut_err *err)
{
    *more = true;
    if ((t->channel && strcmp(t->channel, event->key) != 0) || (t->type && !strstr(event->type, t->type)))
        return UT_OK;
    if (ut_args_json(t->args)) {
        char *line;
        ut_status rc = ut_event_envelope(event, &line, err);
        if (rc != UT_OK)
            return rc;
        puts(line);
        free(line);
    } else {
        ut_event_print(stdout, event);
    }
    if (fflush(stdout) != 0)
        return ut_fail(err, UT_E_IO, "stdout: %s", strerror(errno));
    *more = --t->left > 0;
    return UT_OK;
}

/* What is no event of ours is told and passed over. */
static ut_status show_message(tail *t, const rd_kafka_message_t *message, bool *more, ut_err *err)
{
    ut_event event;
    ut_err own = {0};
    *more = true;
    if (ut_kafka_event(message, &event, &own) != UT_OK) {
        ut_log(UT_LOG_WARN, "events", "not_an_event", "topic=%s partition=%d offset=%" PRId64 " error=\"%s\"",
               rd_kafka_topic_name(message->rkt), message->partition, message->offset, own.text);
        return UT_OK;
    }
    ut_status rc = show(t, &event, more, err);
    if (rc == UT_E_CORRUPT) {
        ut_log(UT_LOG_WARN, "events", "not_an_event", "id=%s error=\"its value is no JSON\"", event.id);
        rc = UT_OK;
    }
    ut_event_clear(&event);
    return rc;
}

/* "identification.v1,capture.v1" in place. */
static size_t split_topics(char *list, const char **topics, size_t capacity)
{
    size_t count = 0;
    char *rest = NULL;
    for (char *name = strtok_r(list, ",", &rest); name && count < capacity; name = strtok_r(NULL, ",", &rest))
        topics[count++] = name;
    return count;
}

static ut_status tail_kafka(tail *t, const char *brokers, ut_err *err)
{
    const char *topics[TOPICS_MAX];
    ut_kafka_reader *reader = NULL;
    char *list = strdup(ut_args_text(t->args, "topics"));
    if (!list)
        return ut_fail(err, UT_E_NOMEM, "topics");
    ut_kafka_reader_options options = {
        .brokers = brokers,
        .topics = topics,
        .topic_count = split_topics(list, topics, TOPICS_MAX),
        .from_ns = t->from_ns,
    };
    ut_status rc = options.topic_count ? ut_kafka_reader_open(ut_args_config(t->args), &options, &reader, err)
                                       : ut_fail(err, UT_E_ARG, "--topics: none is named");
    bool more = true;
    while (rc == UT_OK && more && !ut_cli_stopped() && (t->follow || !ut_kafka_reader_at_end(reader))) {
        rd_kafka_message_t *message = NULL;
        rc = ut_kafka_reader_next(reader, NAP_MS, &message, err);
        if (rc == UT_OK) {
            rc = show_message(t, message, &more, err);
            rd_kafka_message_destroy(message);
        } else if (rc == UT_E_BUSY) {
            rc = UT_OK;
        } else if (t->follow && err->retriable) { /* librdkafka goes on by itself */
            ut_log(UT_LOG_WARN, "events", "kafka", "error=\"%s\"", err->text);
            rc = UT_OK;
        }
    }
    ut_kafka_reader_close(&reader);
    free(list);
    return rc;
}

static ut_status tail_outbox(tail *t, ut_err *err)
{
    ut_store *store = NULL;
    ut_event events[BATCH];
    size_t got = 0;
    int64_t after = 0;
    bool more = true, new_only = t->from_ns == UT_KAFKA_END;
    ut_status rc = ut_store_open(ut_args_store(t->args), UT_STORE_READ, &store, err);
    while (rc == UT_OK && more && !ut_cli_stopped()) {
        rc = ut_store_outbox_peek(store, after, events, BATCH, &got, err);
        for (size_t i = 0; rc == UT_OK && i < got; i++) {
            after = events[i].seq;
            if (more && !new_only && events[i].time_ns >= t->from_ns)
                rc = show(t, &events[i], &more, err);
        }
        for (size_t i = 0; i < got; i++)
            ut_event_clear(&events[i]);
        if (rc != UT_OK || got)
            continue;
        new_only = false;
        if (!t->follow)
            break;
        poll(NULL, 0, NAP_MS);
    }
    ut_store_close(&store);
    return rc;
}

/* Whole lines only: what is being written is read once it is there. */
static ut_status tail_jsonl(tail *t, const char *path, ut_err *err)
{
    char *line = NULL;
    size_t capacity = 0, number = 0;
    bool more = true;
    FILE *file = fopen(path, "r");
    if (!file)
        return ut_fail(err, errno == ENOENT ? UT_E_NOTFOUND : UT_E_IO, "%s: %s", path, strerror(errno));
    if (t->from_ns == UT_KAFKA_END)
        fseek(file, 0, SEEK_END);
    ut_status rc = UT_OK;
    while (rc == UT_OK && more && !ut_cli_stopped()) {
        long at = ftell(file);
        ssize_t size = getline(&line, &capacity, file);
        if (size > 0 && line[size - 1] == '\n') {
            ut_event event;
            number++;
            if ((rc = ut_event_read(line, (size_t)size, &event, err)) != UT_OK) {
                ut_err_prefix(err, "%s: line %zu", path, number);
            } else {
                rc = event.time_ns >= t->from_ns ? show(t, &event, &more, err) : UT_OK;
                ut_event_clear(&event);
            }
            continue;
        }
        if (ferror(file))
            rc = ut_fail(err, UT_E_IO, "%s: %s", path, strerror(errno));
        else if (!t->follow)
            break;
        clearerr(file);
        if (at >= 0)
            fseek(file, at, SEEK_SET);
        poll(NULL, 0, NAP_MS);
    }
    free(line);
    fclose(file);
    return rc;
}

static int run_tail(const ut_args *args)
{
    ut_err err = {0};
    const char *brokers = ut_args_config(args)->kafka.brokers;
    const char *source = ut_args_count(args) ? ut_args_at(args, 0) : brokers ? "kafka:" : "outbox";
    const char *from = ut_args_text(args, "from");
    tail t = {.args = args,
              .channel = ut_args_text(args, "channel"),
              .type = ut_args_text(args, "type"),
              .left = ut_args_given(args, "count") ? ut_args_int(args, "count") : INT64_MAX,
              .follow = ut_args_flag(args, "follow")};
    t.from_ns = t.follow ? UT_KAFKA_END : UT_KAFKA_FIRST;
    if (from && strcmp(from, "beginning") == 0)
        t.from_ns = UT_KAFKA_FIRST;
    else if (from && ut_time_parse(from, &t.from_ns, &err) != UT_OK)
        return ut_cli_usage(args, "--from: %s", err.text);
    ut_status rc;
    if (strncmp(source, "kafka:", 6) == 0)
        rc = tail_kafka(&t, source + 6, &err);
    else if (strncmp(source, "jsonl:", 6) == 0 && source[6])
        rc = tail_jsonl(&t, source + 6, &err);
    else if (strcmp(source, "outbox") == 0)
        rc = tail_outbox(&t, &err);
    else
        return ut_cli_usage(args, "%s: allowed: kafka:, kafka:HOST:PORT,…, outbox, jsonl:PATH", source);
    return rc == UT_OK ? 0 : ut_cli_fail(args, &err);
}

static const ut_opt tail_options[] = {
    {.name = "follow", .letter = 'f', .kind = UT_OPT_FLAG, .help = "waits for further events, until it is stopped"},
    {.name = "from",
     .kind = UT_OPT_TEXT,
     .value = "TIME|beginning",
     .help = "where to begin: of Kafka by the time of publication, else of the event; default: at the beginning, with "
             "--follow only what is new"},
    {.name = "channel", .kind = UT_OPT_TEXT, .value = "ID", .help = "only events of this channel"},
    {.name = "type", .kind = UT_OPT_TEXT, .value = "TEXT", .help = "only events whose type has this in it"},
    {.name = "count",
     .letter = 'n',
     .kind = UT_OPT_INT,
     .value = "N",
     .min = 1,
     .max = 1e15,
     .help = "ends after so many events"},
    {.name = "topics",
     .kind = UT_OPT_TEXT,
     .value = "NAME,…",
     .fallback = UT_TOPIC_IDENTIFICATION "," UT_TOPIC_CUE "," UT_TOPIC_CAPTURE "," UT_TOPIC_AUDIT,
     .help = "topics of Kafka, without their prefix"},
    {0},
};

const ut_verb ut_verb_events_tail = {
    .name = "events tail",
    .summary = "print events: of Kafka, of the store's outbox, or of a file",
    .arguments = "[kafka:|kafka:HOST:PORT,…|outbox|jsonl:PATH]",
    .max_arguments = 1,
    .options = tail_options,
    .examples = "undertone events tail --follow --config /etc/undertone/undertone.yaml\n"
                "undertone events tail outbox --json | jq .data\n"
                "undertone events tail kafka:localhost:9092 --topics dlq.v1",
    .run = run_tail,
};

/* --- republish ------------------------------------------------------------------------------- */

static ut_status publish(const ut_args *args, bool *left, ut_err *err)
{
    char *sink = (char *)ut_args_text(args, "events");
    ut_outbox *outbox = NULL;
    ut_outbox_options options = {
        .store = ut_args_store(args), .sinks = &sink, .sink_count = 1, .config = ut_args_config(args)};
    ut_status rc = ut_outbox_start(&options, &outbox, err);
    if (rc == UT_OK)
        ut_outbox_stop(&outbox, DRAIN_S, left);
    return rc;
}

static int run_republish(const ut_args *args)
{
    ut_err err = {0};
    int64_t from_ns, to_ns;
    const char *from = ut_args_text(args, "from"), *to = ut_args_text(args, "to");
    if (!from || !to)
        return ut_cli_usage(args, "--from and --to are needed");
    if (ut_time_parse(from, &from_ns, &err) != UT_OK)
        return ut_cli_usage(args, "--from: %s", err.text);
    if (ut_time_parse(to, &to_ns, &err) != UT_OK)
        return ut_cli_usage(args, "--to: %s", err.text);
    if (to_ns <= from_ns)
        return ut_cli_usage(args, "--to %s: not after --from %s", to, from);
    ut_store *store = NULL;
    ut_republished done = {0};
    bool left = false;
    ut_status rc = ut_store_open(ut_args_store(args), UT_STORE_WRITE, &store, &err);
    if (rc == UT_OK)
        rc = ut_republish(store, ut_args_text(args, "channel"), from_ns, to_ns, &done, &err);
    ut_store_close(&store);
    if (rc == UT_OK && ut_args_given(args, "events"))
        rc = publish(args, &left, &err);
    if (rc != UT_OK)
        return ut_cli_fail(args, &err);
    if (ut_args_json(args))
        printf("{\"airplays\":%zu,\"gaps\":%zu,\"added\":%zu,\"published\":%s}\n", done.airplays, done.gaps, done.added,
               ut_args_given(args, "events") && !left ? "true" : "false");
    else
        printf("%zu airplays and %zu gaps: %zu events %s\n", done.airplays, done.gaps, done.added,
               !ut_args_given(args, "events") ? "wait in the outbox for a running monitor or --events"
               : left                         ? "are in the outbox; not all could be published"
                                              : "published");
    return left ? 1 : 0;
}

static const ut_opt republish_options[] = {
    {.name = "from", .kind = UT_OPT_TEXT, .value = "TIME", .help = "start of the range of air, RFC 3339 (needed)"},
    {.name = "to", .kind = UT_OPT_TEXT, .value = "TIME", .help = "its end (needed)"},
    {.name = "channel", .kind = UT_OPT_TEXT, .value = "ID", .help = "only this channel"},
    {.name = "events",
     .kind = UT_OPT_TEXT,
     .value = "SINK",
     .help = "publishes the outbox at once: kafka:, kafka:HOST:PORT,…, jsonl:PATH or jsonl:-; else the monitor on this "
             "store does"},
    {0},
};

const ut_verb ut_verb_events_republish = {
    .name = "events republish",
    .summary = "publish the events of a range of air once more, with the same ids",
    .arguments = "",
    .options = republish_options,
    .examples = "undertone events republish --from 2026-11-21T00:00:00Z --to 2026-11-22T00:00:00Z --events kafka:",
    .run = run_republish,
};
