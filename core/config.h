/* Configuration: one YAML file, described by one table of keys that parses, checks, dumps and
 * documents it (docs/CONFIG.md). Errors read "FILE:LINE: KEY: VALUE: what is allowed".
 *
 * Plain values, immutable once loaded; shared by any threads. Strings are owned by the
 * configuration. */
#ifndef UT_CORE_CONFIG_H
#define UT_CORE_CONFIG_H

#include <stdint.h>
#include <stdio.h>

#include "core/status.h"

typedef struct {
    char *id;         /* [A-Za-z0-9._-], at most 63, unique: event key, metric label */
    char *uri;        /* may hold a password: log it through ut_redact */
    char *title;      /* NULL: none given */
    int64_t program;  /* MPEG-TS programme number; 0: the first */
    int64_t pid;      /* MPEG-TS PID of the audio; 0: any */
    char *language;   /* ISO 639; NULL: any */
    bool drop_centre; /* 5.1: listen without the centre channel */
    char *timezone;   /* tz database name, of the channel's cue sheets */
    char *day_start;  /* "06:00": where its broadcast day begins */
    bool enabled;
} ut_channel_config;

typedef struct ut_config {
    char *store; /* DSN; NULL: the default under $XDG_DATA_HOME. May hold a password */
    char *log_level;
    struct {
        char *model;     /* name, path, "default", or "none" */
        char *backend;   /* auto, ref, onednn, cuda */
        char *precision; /* auto, f32, bf16 */
    } separator;
    struct {
        char *params;       /* p1, p2, p3 */
        double max_log10_e; /* 0: the engine's calibrated default */
        bool unidentified;  /* report music that nothing identifies */
        bool keep_trails;   /* keep what later recognises it */
        int64_t threads;    /* that separate and match; 0: one per core */
        double reload_s;    /* how often the catalogue is looked at for changes */
    } recognition;
    struct {
        double connect_timeout_s; /* from opening a source to its first audio */
        double no_data_timeout_s; /* without audio: the source is rebuilt */
        double retry_min_s;       /* back-off between rebuilds: doubles, with jitter */
        double retry_max_s;
        double ring_s;           /* audio a channel may queue before it drops and records a gap */
        double pts_tolerance_ms; /* a larger jump of time stamps ends the segment */
        double silence_s;        /* digital silence for so long is reported; 0: never */
        bool rebuild_when_silent;
    } capture;
    struct {
        char **sinks; /* "jsonl:PATH", "jsonl:-", "kafka:", "kafka:HOST:PORT,…" */
        size_t sink_count;
        double retry_min_s;
        double retry_max_s;
    } events;
    struct {
        char *brokers;      /* HOST:PORT,…; NULL: none */
        char *topic_prefix; /* of every topic and group */
        bool create_topics;
        int64_t partitions;  /* of a topic that undertone makes */
        int64_t replication; /* 0: the cluster's default */
        char **properties;   /* "name=value" of librdkafka. May hold a password */
        size_t property_count;
        char *properties_file; /* more of them, a line each; NULL: none */
        char *dead_letters;    /* a file beside the topic; NULL: none */
        double session_timeout_s;
    } kafka;
    struct {
        char *listen; /* ADDRESS:PORT of the Prometheus endpoint; NULL: none */
    } metrics;
    struct {
        double edge_tolerance_s;         /* a claimed start or end may be off by so much */
        double duration_tolerance_s;     /* a claimed duration by so much, */
        double duration_tolerance_ratio; /* or by this part of the detected one, whichever is more */
        double search_s;                 /* a claim is looked for so far from where it says */
    } audit;
    ut_channel_config *channels;
    size_t channel_count;
} ut_config;

/* The defaults, no channels. */
UT_CHECK ut_status ut_config_default(ut_config **out, ut_err *err);
/* Reads a file. UT_E_ARG with file, line, key, value and what is allowed. */
UT_CHECK ut_status ut_config_load(const char *path, ut_config **out, ut_err *err);
/* The same from memory; `name` stands for the file in messages. Never trusts its input. */
UT_CHECK ut_status ut_config_parse(const char *text, size_t size, const char *name, ut_config **out, ut_err *err);
void ut_config_close(ut_config **config);

/* Writes every key with its value in force as YAML; passwords are shown as "***". */
UT_CHECK ut_status ut_config_dump(const ut_config *config, FILE *out, ut_err *err);
/* Writes docs/CONFIG.md from the key table. */
UT_CHECK ut_status ut_config_document(FILE *out, ut_err *err);

/* Copies a URI or DSN with its passwords (user:PASSWORD@, passphrase=, password=, token=, key=)
 * shown as "***"; returns buf. */
const char *ut_redact(const char *uri, char *buf, size_t size);
/* The same of a "name=value" whose name tells that the value is a secret (password, secret, token, pem, oauthbearer):
 * "name=***". */
const char *ut_redact_property(const char *property, char *buf, size_t size);

#endif
