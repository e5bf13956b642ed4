#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "apps/cli.h"
#include "core/config.h"
#include "pipeline/probe.h"

/* --- channel list ------------------------------------------------------------------------------------------------ */

static json_t *channel_json(const ut_channel_config *c, const char *uri)
{
    return json_pack("{s:s, s:s, s:s?, s:I, s:I, s:s?, s:b, s:s?, s:b}", "id", c->id, "uri", uri, "title", c->title,
                     "program", (json_int_t)c->program, "pid", (json_int_t)c->pid, "language", c->language,
                     "drop_centre", c->drop_centre, "timezone", c->timezone, "enabled", c->enabled);
}

static int print_json(json_t *value)
{
    int failed = !value || json_dumpf(value, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) != 0;
    putchar('\n');
    json_decref(value);
    return failed;
}

static int list(const ut_args *args)
{
    const ut_config *config = ut_args_config(args);
    for (size_t i = 0; i < config->channel_count; i++) {
        const ut_channel_config *c = &config->channels[i];
        char uri[512];
        ut_redact(c->uri, uri, sizeof uri);
        if (ut_args_json(args)) {
            if (print_json(channel_json(c, uri)))
                return 1;
            continue;
        }
        printf("%-20s %-8s %s", c->id, c->enabled ? "enabled" : "disabled", uri);
        if (c->program)
            printf("  programme %lld", (long long)c->program);
        if (c->pid)
            printf("  PID %lld", (long long)c->pid);
        printf("%s%s%s\n", c->language ? "  language " : "", c->language ? c->language : "",
               c->drop_centre ? "  without centre" : "");
    }
    if (!config->channel_count && !ut_args_json(args))
        fprintf(stderr, "no channels are configured: see --config\n");
    return 0;
}

/* --- channel test ------------------------------------------------------------------------------------------------ */

/* The argument is the id of a configured channel, or a URI; options go before what the channel says. */
static const char *find_source(const ut_args *args, ut_probe_options *options)
{
    const ut_config *config = ut_args_config(args);
    const char *uri = ut_args_at(args, 0);
    for (size_t i = 0; i < config->channel_count; i++) {
        const ut_channel_config *c = &config->channels[i];
        if (strcmp(c->id, ut_args_at(args, 0)) != 0)
            continue;
        uri = c->uri;
        options->choice = (ut_choice){.program = (int)c->program, .pid = (int)c->pid, .language = c->language};
    }
    if (ut_args_given(args, "program"))
        options->choice.program = (int)ut_args_int(args, "program");
    if (ut_args_given(args, "pid"))
        options->choice.pid = (int)ut_args_int(args, "pid");
    if (ut_args_given(args, "language"))
        options->choice.language = ut_args_text(args, "language");
    return uri;
}

static json_t *level_json(bool measured, double dbfs)
{
    return measured && isfinite(dbfs) ? json_real(round(dbfs * 10) / 10) : json_null();
}

static json_t *result_json(const ut_probe_result *result, const char *uri)
{
    json_t *streams = json_array();
    for (size_t i = 0; i < result->count; i++) {
        const ut_probe_stream *s = &result->streams[i];
        json_t *stream =
            json_pack("{s:i, s:i, s:s, s:s, s:i, s:i, s:b, s:b, s:b, s:o, s:o}", "program", s->program, "pid", s->pid,
                      "language", s->language, "codec", s->codec, "rate_hz", s->rate_hz, "channels", s->channels,
                      "audio_description", s->description, "chosen", s->chosen, "measured", s->measured, "rms_dbfs",
                      level_json(s->measured, s->rms_dbfs), "peak_dbfs", level_json(s->measured, s->peak_dbfs));
        json_array_append_new(streams, stream);
    }
    return json_pack("{s:s, s:s, s:s, s:f, s:o}", "uri", uri, "kind", result->kind, "container", result->container,
                     "first_audio_s", result->first_audio_s, "streams", streams);
}

static void print_number(int value)
{
    if (value)
        printf("%9d", value);
    else
        printf("%9s", "-");
}

static void print_level(bool measured, double dbfs)
{
    if (!measured)
        printf(" %9s", "no audio");
    else if (isinf(dbfs))
        printf(" %9s", "silence");
    else
        printf(" %9.1f", dbfs);
}

static void print_table(const ut_probe_result *result, const char *uri)
{
    printf("%s: %s%s%s, first audio after %.1f s\n", uri, result->kind, result->container[0] ? ", " : "",
           result->container, result->first_audio_s);
    printf("  %9s%9s  %-5s %-28s %8s %9s %9s %9s\n", "programme", "PID", "lang", "codec", "rate", "channels",
           "RMS dBFS", "peak dBFS");
    for (size_t i = 0; i < result->count; i++) {
        const ut_probe_stream *s = &result->streams[i];
        printf("%c ", s->chosen ? '*' : ' ');
        print_number(s->program);
        print_number(s->pid);
        printf("  %-5s %-28s", s->language[0] ? s->language : "-", s->codec);
        print_number(s->rate_hz);
        printf(" ");
        print_number(s->channels);
        print_level(s->measured, s->rms_dbfs);
        print_level(s->measured, s->peak_dbfs);
        printf("%s\n", s->description ? "  audio description" : "");
    }
}

static int test(const ut_args *args)
{
    ut_err err = {0};
    ut_probe_result result;
    ut_probe_options options = {.seconds = ut_args_real(args, "seconds"), .timeout_s = ut_args_real(args, "timeout")};
    const char *uri = find_source(args, &options);
    if (ut_probe(uri, &options, &result, &err) != UT_OK)
        return ut_cli_fail(args, &err);
    char shown[512];
    ut_redact(uri, shown, sizeof shown);
    if (ut_args_json(args))
        return print_json(result_json(&result, shown));
    print_table(&result, shown);
    return 0;
}

static const ut_opt test_options[] = {
    {.name = "program", .kind = UT_OPT_INT, .value = "N", .min = 1, .max = 65535, .help = "MPEG-TS programme"},
    {.name = "pid", .kind = UT_OPT_INT, .value = "N", .min = 1, .max = 8191, .help = "MPEG-TS PID of the audio"},
    {.name = "language", .kind = UT_OPT_TEXT, .value = "CODE", .help = "ISO 639 code of the language"},
    {.name = "seconds",
     .kind = UT_OPT_REAL,
     .value = "S",
     .fallback = "2",
     .min = 0.1,
     .max = 600,
     .help = "audio to measure of each stream"},
    {.name = "timeout",
     .kind = UT_OPT_REAL,
     .value = "S",
     .fallback = "10",
     .min = 0.5,
     .max = 3600,
     .help = "how long to wait for each stream"},
    {0},
};

const ut_verb ut_verb_channel_list = {
    .name = "channel list",
    .summary = "list the configured channels",
    .arguments = "",
    .examples = "undertone channel list --config /etc/undertone/undertone.yaml",
    .run = list,
};

const ut_verb ut_verb_channel_test = {
    .name = "channel test",
    .summary = "probe a source: its programmes, PIDs, languages, codecs and levels; * marks what a channel would hear",
    .arguments = "ID|URI",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = test_options,
    .examples = "undertone channel test 'udp://@239.1.2.3:5000?iface=eth1'\n"
                "undertone channel test one --config /etc/undertone/undertone.yaml --json",
    .run = test,
};
