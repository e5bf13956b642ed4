#include "pipeline/replay_place.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <jansson.h>

#include "core/clock.h"
#include "pipeline/media.h"

#define SIDECAR_LIMIT ((size_t)1 << 20)

bool ut_replay_channel_ok(const char *channel)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return *channel && strlen(channel) <= 63 && !channel[strspn(channel, allowed)];
}

static ut_status sidecar_read(const char *name, const char *text, size_t size, char channel[64], int64_t *start_ns,
                              ut_err *err)
{
    json_error_t error;
    json_t *object = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(object)) {
        json_decref(object);
        return ut_fail(err, UT_E_ARG, "%s:%d: not a JSON object: %s", name, error.line, error.text);
    }
    const json_t *of = json_object_get(object, "channel"), *start = json_object_get(object, "start");
    ut_status rc = UT_OK;
    if (of && (!json_is_string(of) || !ut_replay_channel_ok(json_string_value(of))))
        rc = ut_fail(err, UT_E_ARG, "%s: channel: not 1 to 63 of A-Z a-z 0-9 . _ -", name);
    else if (of)
        snprintf(channel, 64, "%s", json_string_value(of));
    if (rc == UT_OK && start &&
        (!json_is_string(start) || ut_time_parse(json_string_value(start), start_ns, NULL) != UT_OK))
        rc = ut_fail(err, UT_E_ARG, "%s: start: not a time such as 2026-11-21T20:15:00Z", name);
    json_decref(object);
    return rc;
}

ut_status ut_replay_sidecar(const char *path, char channel[64], int64_t *start_ns, ut_err *err)
{
    char name[PATH_MAX];
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    int whole = (int)strlen(path), stem = dot && (!slash || dot > slash) ? (int)(dot - path) : whole;
    channel[0] = '\0';
    *start_ns = INT64_MIN;
    for (int i = 0; i < 2; i++) {
        char *text;
        size_t size;
        if (snprintf(name, sizeof name, "%.*s.json", i ? stem : whole, path) >= (int)sizeof name ||
            access(name, F_OK) != 0)
            continue;
        ut_status rc = ut_file_read(name, SIDECAR_LIMIT, &text, &size, err);
        if (rc != UT_OK)
            return rc;
        rc = sidecar_read(name, text, size, channel, start_ns, err);
        free(text);
        return rc;
    }
    return UT_OK;
}

static bool take(const char *text, size_t size, char channel[64])
{
    char part[64];
    while (size && strchr("-_. ", text[size - 1])) /* what parts it from the time */
        size--;
    if (size == 0 || size > 63)
        return false;
    snprintf(part, sizeof part, "%.*s", (int)size, text);
    if (!ut_replay_channel_ok(part))
        return false;
    memcpy(channel, part, sizeof part);
    return true;
}

ut_status ut_replay_channel_of_name(const char *path, char channel[64], ut_err *err)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    /* The time is found at a digit that begins a number: try each as the end of the channel. */
    for (const char *c = name; *c; c++) {
        int64_t utc_ns;
        char rest[NAME_MAX + 1];
        if (!isdigit((unsigned char)*c) || (c > name && isdigit((unsigned char)c[-1])))
            continue;
        snprintf(rest, sizeof rest, "%s", c);
        if (ut_replay_time_begins(rest, &utc_ns) && take(name, (size_t)(c - name), channel))
            return UT_OK;
    }
    if (slash && slash > path) {
        const char *folder = slash;
        while (folder > path && folder[-1] != '/')
            folder--;
        if (take(folder, (size_t)(slash - folder), channel))
            return UT_OK;
    }
    return ut_fail(err, UT_E_ARG,
                   "%s: no channel before the time in its name, and its folder is not one; give --channel, "
                   "or a sidecar {\"channel\": \"…\"}",
                   path);
}

bool ut_replay_is_other(const char *path)
{
    static const char *const endings[] = {".json", ".txt", ".csv", ".xml", ".md",  ".srt",    ".vtt",  ".jpg",  ".jpeg",
                                          ".png",  ".nfo", ".log", ".pdf", ".md5", ".sha256", ".yaml", ".jsonl"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

ut_status ut_replay_probe(const char *path, double *duration_s, ut_err *err)
{
    static const ut_media_options as_analysed = {.rate_hz = UT_RATE_HZ, .channels = 1};
    ut_media *media = NULL;
    ut_status rc = ut_media_open(path, &as_analysed, &media, err);
    if (rc == UT_OK)
        *duration_s = ut_media_describe(media)->duration_s;
    ut_media_close(&media);
    return rc;
}
