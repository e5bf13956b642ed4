#include "core/config_key.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/zone.h"

/* --- rules
 * ------------------------------------------------------------------------------------------- */

static bool is_id(const char *value)
{
    size_t size = strlen(value);
    if (size < 1 || size > 63)
        return false;
    for (; *value; value++)
        if (!isalnum((unsigned char)*value) && !strchr("._-", *value))
            return false;
    return true;
}

static bool is_language(const char *value)
{
    size_t size = strlen(value);
    return (size == 2 || size == 3) && strspn(value, "abcdefghijklmnopqrstuvwxyz") == size;
}

static bool is_timezone(const char *value)
{
    char path[256];
    int n = snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", value);
    bool sane = value[0] != '/' && !strstr(value, "..") && n > 0 && (size_t)n < sizeof path;
    return sane && (strcmp(value, "UTC") == 0 || access(path, R_OK) == 0);
}

static bool is_day_start(const char *value)
{
    int64_t seconds;
    return ut_day_start_parse(value, &seconds, NULL) == UT_OK;
}

static bool is_listen(const char *value)
{
    const char *colon = strrchr(value, ':');
    if (!colon || colon == value || !isdigit((unsigned char)colon[1]))
        return false;
    char *end;
    long port = strtol(colon + 1, &end, 10);
    return *end == '\0' && port >= 1 && port <= 65535;
}

static bool is_sink(const char *value)
{
    return (strncmp(value, "jsonl:", 6) == 0 && value[6] != '\0') || strncmp(value, "kafka:", 6) == 0;
}

static bool is_topic_prefix(const char *value)
{
    size_t size = strlen(value);
    return size <= 100 && strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == size;
}

static bool is_property(const char *value)
{
    const char *equals = strchr(value, '=');
    return equals && equals > value;
}

static bool is_store(const char *value)
{
    static const char *const starts[] = {"sqlite:", "postgresql:", "postgres:", "service="};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        size_t n = strlen(starts[i]);
        if (strncmp(value, starts[i], n) == 0 && value[n])
            return true;
    }
    return false;
}

/* --- the table
 * --------------------------------------------------------------------------------------- */

#define AT(field) .offset = offsetof(ut_config, field)

const ut_key ut_config_keys[] = {
    {"", "store", UT_KEY_TEXT, AT(store), .secret = true, .check = is_store, .allowed = "sqlite:PATH or postgresql://…",
     .help = "Where catalogue, airplays and outbox are kept (docs/STORES.md). Without it: `undertone/undertone.db` "
             "under `$XDG_DATA_HOME`, or `~/.local/share`."},
    {"", "log_level", UT_KEY_CHOICE, AT(log_level), .fallback = "info", .allowed = "debug|info|warn|error|off",
     .help = "What is logged to stderr; `--log-level` wins."},

    {"separator", "model", UT_KEY_TEXT, AT(separator.model), .fallback = "default",
     .allowed = "a name, a path, default, none",
     .help = "The network that takes the speech off. `none` recognises in the mixture only."},
    {"separator", "backend", UT_KEY_CHOICE, AT(separator.backend), .fallback = "auto",
     .allowed = "auto|ref|onednn|cuda",
     .help = "What computes the network. `auto` takes the fastest that this machine can run."},
    {"separator", "precision", UT_KEY_CHOICE, AT(separator.precision), .fallback = "auto", .allowed = "auto|f32|bf16",
     .help = "Number format of the network's arithmetic."},

    {"recognition", "params", UT_KEY_CHOICE, AT(recognition.params), .fallback = "p3", .allowed = "p1|p2|p3",
     .help = "Fingerprint parameter set. `p1` and `p2` reproduce published ones."},
    {"recognition", "max_log10_e", UT_KEY_REAL, AT(recognition.max_log10_e), .fallback = "0", .min = -300, .max = 0,
     .help = "An identification is accepted if the decimal logarithm of its E-value is at most this. 0 takes the "
             "default, -6.1: one expected error in 1,000 hours of a channel, at 1,200 windows an hour."},
    {"recognition", "unidentified", UT_KEY_BOOL, AT(recognition.unidentified), .fallback = "true",
     .help = "Report music that no recording of the catalogue explains."},
    {"recognition", "keep_trails", UT_KEY_BOOL, AT(recognition.keep_trails), .fallback = "true",
     .help = "Keep the peaks of unidentified and ambiguous music in the store, for `reidentify` and `unknown`."},
    {"recognition", "threads", UT_KEY_INT, AT(recognition.threads), .fallback = "0", .min = 0, .max = 1024,
     .help =
         "Threads that separate and match. 0: one per core; where a CUDA device separates, one per channel, at most "
         "256."},
    {"recognition", "reload_s", UT_KEY_REAL, AT(recognition.reload_s), .fallback = "10", .min = 0.1, .max = 86400,
     .help = "Seconds between looks at the catalogue's version; a newer one is loaded."},

    {"capture", "connect_timeout_s", UT_KEY_REAL, AT(capture.connect_timeout_s), .fallback = "10", .min = 0.1,
     .max = 3600, .help = "Seconds a source may take from opening to its first audio."},
    {"capture", "no_data_timeout_s", UT_KEY_REAL, AT(capture.no_data_timeout_s), .fallback = "5", .min = 0.1,
     .max = 3600,
     .help = "Seconds without audio after which a source is rebuilt. Above the segment length of an HLS stream."},
    {"capture", "retry_min_s", UT_KEY_REAL, AT(capture.retry_min_s), .fallback = "0.5", .min = 0.01, .max = 3600,
     .help = "First wait before a source is rebuilt; doubles up to `retry_max_s`, with jitter."},
    {"capture", "retry_max_s", UT_KEY_REAL, AT(capture.retry_max_s), .fallback = "30", .min = 0.01, .max = 86400,
     .help = "Longest wait before a source is rebuilt."},
    {"capture", "ring_s", UT_KEY_REAL, AT(capture.ring_s), .fallback = "30", .min = 1, .max = 600,
     .help = "Seconds of audio a channel may queue; what comes beyond is dropped and recorded as a gap."},
    {"capture", "pts_tolerance_ms", UT_KEY_REAL, AT(capture.pts_tolerance_ms), .fallback = "100", .min = 1,
     .max = 10000, .help = "A larger jump of the time stamps ends the capture segment and starts another."},
    {"capture", "silence_s", UT_KEY_REAL, AT(capture.silence_s), .fallback = "60", .min = 0, .max = 86400,
     .help = "Digital silence for so many seconds is reported. 0: never."},
    {"capture", "rebuild_when_silent", UT_KEY_BOOL, AT(capture.rebuild_when_silent), .fallback = "false",
     .help = "Rebuild a source that fell silent; some receivers come back only so."},

    {"events", "sinks", UT_KEY_LIST, AT(events.sinks), .count_offset = offsetof(ut_config, events.sink_count),
     .check = is_sink, .allowed = "jsonl:PATH or jsonl:- (stdout) or kafka: or kafka:HOST:PORT,…",
     .help = "Where events go, at least once each. Without a sink they wait in the store's outbox."},
    {"events", "retry_min_s", UT_KEY_REAL, AT(events.retry_min_s), .fallback = "0.5", .min = 0.01, .max = 3600,
     .help = "First wait after a sink failed; doubles up to `retry_max_s`."},
    {"events", "retry_max_s", UT_KEY_REAL, AT(events.retry_max_s), .fallback = "30", .min = 0.01, .max = 86400,
     .help = "Longest wait after a sink failed."},

    {"kafka", "brokers", UT_KEY_TEXT, AT(kafka.brokers), .allowed = "HOST:PORT,…",
     .help = "Where the cluster is first asked: for the sink `kafka:`, `events tail`, `worker` and `run --group`."},
    {"kafka", "topic_prefix", UT_KEY_TEXT, AT(kafka.topic_prefix), .fallback = "undertone", .check = is_topic_prefix,
     .allowed = "1 to 100 letters, digits, dots, dashes, underscores",
     .help = "What the names of all topics and groups begin with."},
    {"kafka", "create_topics", UT_KEY_BOOL, AT(kafka.create_topics), .fallback = "true",
     .help = "Make topics that are not there. `false`: somebody else makes them (docs/EVENTS.md lists them)."},
    {"kafka", "partitions", UT_KEY_INT, AT(kafka.partitions), .fallback = "6", .min = 1, .max = 10000,
     .help = "Of a topic that is made."},
    {"kafka", "replication", UT_KEY_INT, AT(kafka.replication), .fallback = "0", .min = 0, .max = 100,
     .help = "Copies of a topic that is made. 0: as the cluster is set."},
    {"kafka", "properties", UT_KEY_LIST, AT(kafka.properties),
     .count_offset = offsetof(ut_config, kafka.property_count), .secret = true, .check = is_property,
     .allowed = "NAME=VALUE",
     .help = "Any property of librdkafka, such as `security.protocol=SASL_SSL`, `sasl.mechanism=SCRAM-SHA-512`, "
             "`ssl.ca.location=/etc/ssl/kafka.pem`, `compression.type=lz4`."},
    {"kafka", "properties_file", UT_KEY_TEXT, AT(kafka.properties_file), .allowed = "a path",
     .help = "A file of more properties, one `NAME=VALUE` a line, for those that are secret."},
    {"kafka", "dead_letters", UT_KEY_TEXT, AT(kafka.dead_letters), .allowed = "a path",
     .help = "A file to which events are written whole, as JSON Lines, that the cluster refuses for good; beside the "
             "topic for them."},
    {"kafka", "session_timeout_s", UT_KEY_REAL, AT(kafka.session_timeout_s), .fallback = "10", .min = 1, .max = 1800,
     .help =
         "A worker or monitor that the cluster has not heard of for so long is taken for dead; others get its work."},

    {"metrics", "listen", UT_KEY_TEXT, AT(metrics.listen), .check = is_listen, .allowed = "ADDRESS:PORT",
     .help = "Where the Prometheus endpoint `/metrics` listens. Without it there is none."},

    {"audit", "edge_tolerance_s", UT_KEY_REAL, AT(audit.edge_tolerance_s), .fallback = "2", .min = 0, .max = 600,
     .help = "Seconds by which a claimed start or end may differ from what was detected."},
    {"audit", "duration_tolerance_s", UT_KEY_REAL, AT(audit.duration_tolerance_s), .fallback = "2", .min = 0,
     .max = 600, .help = "Seconds by which a claimed duration may differ,"},
    {"audit", "duration_tolerance_ratio", UT_KEY_REAL, AT(audit.duration_tolerance_ratio), .fallback = "0.1", .min = 0,
     .max = 1, .help = "or the part of the detected duration by which it may, whichever is more."},
    {"audit", "search_s", UT_KEY_REAL, AT(audit.search_s), .fallback = "900", .min = 0, .max = 86400,
     .help = "A claimed recording is looked for so many seconds before and after the claimed time."},
    {.name = NULL},
};

#undef AT
#define AT(field) .offset = offsetof(ut_channel_config, field)

const ut_key ut_channel_keys[] = {
    {"channels", "id", UT_KEY_TEXT, AT(id), .required = true, .check = is_id,
     .allowed = "1 to 63 letters, digits, dots, dashes, underscores",
     .help = "Names the channel in the store, in events and in metrics. Unique."},
    {"channels", "uri", UT_KEY_TEXT, AT(uri), .required = true, .secret = true, .allowed = "a URI or a path",
     .help = "What to listen to: `udp://`, `rtp://`, `srt://`, `http(s)://…m3u8`, `rtsp://`, `http(s)://` (Icecast), "
             "`alsa:DEVICE`, or a file."},
    {"channels", "title", UT_KEY_TEXT, AT(title), .help = "The channel's name for people."},
    {"channels", "program", UT_KEY_INT, AT(program), .fallback = "0", .min = 0, .max = 65535,
     .help = "MPEG-TS programme number. 0: the first."},
    {"channels", "pid", UT_KEY_INT, AT(pid), .fallback = "0", .min = 0, .max = 8190,
     .help = "MPEG-TS PID of the audio. 0: any."},
    {"channels", "language", UT_KEY_TEXT, AT(language), .check = is_language,
     .allowed = "ISO 639 code of 2 or 3 small letters", .help = "Takes the audio stream of this language."},
    {"channels", "drop_centre", UT_KEY_BOOL, AT(drop_centre), .fallback = "false",
     .help = "5.1 sound: leave the centre channel out, where the dialogue is."},
    {"channels", "timezone", UT_KEY_TEXT, AT(timezone), .fallback = "UTC", .check = is_timezone,
     .allowed = "a name of the tz database, such as Europe/Berlin",
     .help = "Of the times in the channel's cue sheets."},
    {"channels", "day_start", UT_KEY_TEXT, AT(day_start), .fallback = "00:00", .check = is_day_start,
     .allowed = "a time such as 06:00", .help = "When its broadcast day begins; reports by day count from there."},
    {"channels", "enabled", UT_KEY_BOOL, AT(enabled), .fallback = "true", .help = "`false` leaves the channel out."},
    {.name = NULL},
};

/* --- values
 * ------------------------------------------------------------------------------------------ */

const char *ut_key_allowed(const ut_key *key, char *buf, size_t size)
{
    if (key->type == UT_KEY_BOOL)
        snprintf(buf, size, "true|false");
    else if (key->type == UT_KEY_INT || key->type == UT_KEY_REAL)
        snprintf(buf, size, "%s %.15g to %.15g", key->type == UT_KEY_INT ? "whole number" : "number", key->min,
                 key->max);
    else
        snprintf(buf, size, "%s", key->allowed ? key->allowed : "any text");
    return buf;
}

static void *field(const ut_key *key, void *base)
{
    return (char *)base + key->offset;
}

static ut_status refuse(const ut_key *key, char *why, size_t size)
{
    char allowed[160];
    snprintf(why, size, "allowed: %s", ut_key_allowed(key, allowed, sizeof allowed));
    return UT_E_ARG;
}

static bool is_one_of(const char *choices, const char *value)
{
    size_t size = strlen(value);
    for (const char *at = choices; *at;) {
        size_t length = strcspn(at, "|");
        if (length == size && memcmp(at, value, size) == 0)
            return true;
        at += length + (at[length] == '|');
    }
    return false;
}

static bool to_number(const ut_key *key, const char *value, int64_t *whole, double *real)
{
    char *end;
    errno = 0;
    if (key->type == UT_KEY_INT)
        *real = (double)(*whole = strtoll(value, &end, 10));
    else
        *real = strtod(value, &end);
    return end != value && !*end && !errno && isfinite(*real) && *real >= key->min && *real <= key->max;
}

static ut_status set_text(char **text, const char *value)
{
    char *copy = strdup(value);
    if (!copy)
        return UT_E_NOMEM;
    free(*text);
    *text = copy;
    return UT_OK;
}

static ut_status add_text(const ut_key *key, void *base, const char *value)
{
    char ***items = field(key, base);
    size_t *count = (size_t *)(void *)((char *)base + key->count_offset), bytes;
    if (!ut_mul_ok(*count + 1, sizeof **items, &bytes))
        return UT_E_NOMEM;
    char **grown = realloc(*items, bytes);
    if (!grown)
        return UT_E_NOMEM;
    *items = grown;
    grown[*count] = NULL;
    ut_status rc = set_text(&grown[*count], value);
    if (rc == UT_OK)
        ++*count;
    return rc;
}

ut_status ut_key_set(const ut_key *key, void *base, const char *value, char *why, size_t why_size)
{
    int64_t whole = 0;
    double real = 0;
    bool fits = true;
    switch (key->type) {
    case UT_KEY_TEXT:
    case UT_KEY_LIST:
        fits = value[0] && (!key->check || key->check(value));
        break;
    case UT_KEY_CHOICE:
        fits = is_one_of(key->allowed, value);
        break;
    case UT_KEY_BOOL:
        fits = is_one_of("true|false", value);
        break;
    case UT_KEY_INT:
    case UT_KEY_REAL:
        fits = to_number(key, value, &whole, &real);
        break;
    }
    if (!fits)
        return refuse(key, why, why_size);
    if (key->type == UT_KEY_LIST)
        return add_text(key, base, value);
    if (key->type == UT_KEY_TEXT || key->type == UT_KEY_CHOICE)
        return set_text(field(key, base), value);
    if (key->type == UT_KEY_BOOL)
        *(bool *)field(key, base) = value[0] == 't';
    else if (key->type == UT_KEY_INT)
        *(int64_t *)field(key, base) = whole;
    else
        *(double *)field(key, base) = real;
    return UT_OK;
}

ut_status ut_keys_default(const ut_key *keys, void *base)
{
    char why[200];
    for (; keys->name; keys++) {
        ut_status rc = keys->fallback ? ut_key_set(keys, base, keys->fallback, why, sizeof why) : UT_OK;
        if (rc != UT_OK)
            return rc;
    }
    return UT_OK;
}

void ut_keys_clear(const ut_key *keys, void *base)
{
    for (; keys->name; keys++) {
        if (keys->type == UT_KEY_TEXT || keys->type == UT_KEY_CHOICE) {
            free(*(char **)field(keys, base));
            *(char **)field(keys, base) = NULL;
        } else if (keys->type == UT_KEY_LIST) {
            char ***items = field(keys, base);
            size_t *count = (size_t *)(void *)((char *)base + keys->count_offset);
            for (size_t i = 0; i < *count; i++)
                free((*items)[i]);
            free(*items);
            *items = NULL;
            *count = 0;
        }
    }
}
