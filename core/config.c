#include "core/config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "core/config_key.h"
#include "core/file.h"

#define FILE_LIMIT ((size_t)4 << 20)

typedef struct {
    yaml_parser_t yaml;
    yaml_event_t event; /* the one last taken */
    bool have_event;
    const char *name;
    ut_config *config;
    ut_err *err;
} reader;

/* --- events
 * ------------------------------------------------------------------------------------------ */

static ut_status complain(reader *r, const char *fmt, ...) UT_PRINTF(2, 3);

/* "NAME:LINE: …" at the event last taken. */
static ut_status complain(reader *r, const char *fmt, ...)
{
    char text[300];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return ut_fail(r->err, UT_E_ARG, "%.120s:%zu: %s", r->name, r->event.start_mark.line + 1, text);
}

static ut_status next(reader *r)
{
    if (r->have_event)
        yaml_event_delete(&r->event);
    r->have_event = false;
    if (yaml_parser_parse(&r->yaml, &r->event)) {
        r->have_event = true;
        return UT_OK;
    }
    if (r->yaml.error == YAML_MEMORY_ERROR)
        return ut_fail(r->err, UT_E_NOMEM, "%s: out of memory", r->name);
    return ut_fail(r->err, UT_E_ARG, "%.120s:%zu: not YAML: %s", r->name, r->yaml.problem_mark.line + 1,
                   r->yaml.problem ? r->yaml.problem : "unreadable");
}

static const char *scalar(const reader *r)
{
    return (const char *)r->event.data.scalar.value;
}

/* --- keys
 * -------------------------------------------------------------------------------------------- */

static void list_names(const ut_key *keys, const char *section, char *buf, size_t size)
{
    size_t at = 0;
    buf[0] = '\0';
    for (; keys->name && at < size; keys++)
        if (strcmp(keys->section, section) == 0)
            at += (size_t)snprintf(buf + at, size - at, "%s%s", at ? ", " : "", keys->name);
}

static const ut_key *find_key(const ut_key *keys, const char *section, const char *name)
{
    for (; keys->name; keys++)
        if (strcmp(keys->section, section) == 0 && strcmp(keys->name, name) == 0)
            return keys;
    return NULL;
}

static ut_status unknown_key(reader *r, const ut_key *keys, const char *section, const char *name)
{
    char names[220];
    list_names(keys, section, names, sizeof names);
    return complain(r, "%s%s%.60s: no such key; there are: %s", section, section[0] ? "." : "", name, names);
}

/* The value event is taken already. */
static ut_status set(reader *r, const ut_key *key, void *base)
{
    char path[80], why[200] = "", shown[100];
    snprintf(path, sizeof path, "%s%s%s", key->section, key->section[0] ? "." : "", key->name);
    if (strlen(scalar(r)) != r->event.data.scalar.length)
        return complain(r, "%s: holds a NUL byte", path);
    bool plain_empty = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !scalar(r)[0];
    if (plain_empty && !key->required && key->type == UT_KEY_TEXT && !key->fallback)
        return UT_OK; /* "key:" leaves it unset */
    ut_status rc = ut_key_set(key, base, scalar(r), why, sizeof why);
    if (rc == UT_E_NOMEM)
        return ut_fail(r->err, rc, "%s: %s: out of memory", r->name, path);
    if (rc != UT_OK)
        return complain(r, "%s: %.80s: %s", path,
                        key->secret && key->type == UT_KEY_LIST ? ut_redact_property(scalar(r), shown, sizeof shown)
                                                                : ut_redact(scalar(r), shown, sizeof shown),
                        why);
    return UT_OK;
}

static ut_status read_value(reader *r, const ut_key *key, void *base)
{
    ut_status rc = next(r);
    if (rc != UT_OK)
        return rc;
    if (r->event.type == YAML_SCALAR_EVENT)
        return set(r, key, base);
    if (r->event.type != YAML_SEQUENCE_START_EVENT || key->type != UT_KEY_LIST)
        return complain(r, "%s: needs a single value", key->name);
    for (;;) {
        if ((rc = next(r)) != UT_OK)
            return rc;
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return UT_OK;
        if (r->event.type != YAML_SCALAR_EVENT)
            return complain(r, "%s: needs a list of single values", key->name);
        if ((rc = set(r, key, base)) != UT_OK)
            return rc;
    }
}

/* A mapping of keys of one section, its start taken already, up to its end. */
static ut_status read_section(reader *r, const ut_key *keys, const char *section, void *base)
{
    uint64_t seen = 0; /* bit i: keys[i] was given; tables are short */
    for (;;) {
        ut_status rc = next(r);
        if (rc != UT_OK)
            return rc;
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return UT_OK;
        if (r->event.type != YAML_SCALAR_EVENT)
            return complain(r, "%s: needs keys with values", section);
        const ut_key *key = find_key(keys, section, scalar(r));
        if (!key)
            return unknown_key(r, keys, section, scalar(r));
        uint64_t bit = UINT64_C(1) << (key - keys);
        if (seen & bit)
            return complain(r, "%s%s%s: given twice", section, *section ? "." : "", key->name);
        seen |= bit;
        if ((rc = read_value(r, key, base)) != UT_OK)
            return rc;
    }
}

/* --- channels
 * ---------------------------------------------------------------------------------------- */

static ut_status check_channel(reader *r, const ut_channel_config *channel)
{
    for (const ut_key *key = ut_channel_keys; key->name; key++)
        if (key->required && !*(char *const *)(const void *)((const char *)channel + key->offset))
            return complain(r, "channels: %s: missing", key->name);
    for (size_t i = 0; i + 1 < r->config->channel_count; i++)
        if (strcmp(r->config->channels[i].id, channel->id) == 0)
            return complain(r, "channels.id: %s: given to two channels", channel->id);
    return UT_OK;
}

static ut_status read_channel(reader *r)
{
    ut_config *config = r->config;
    size_t bytes;
    ut_channel_config *grown = NULL;
    if (ut_mul_ok(config->channel_count + 1, sizeof *grown, &bytes))
        grown = realloc(config->channels, bytes);
    if (!grown)
        return ut_fail(r->err, UT_E_NOMEM, "%s: channels", r->name);
    config->channels = grown;
    ut_channel_config *channel = &grown[config->channel_count++];
    *channel = (ut_channel_config){0};
    if (ut_keys_default(ut_channel_keys, channel) != UT_OK)
        return ut_fail(r->err, UT_E_NOMEM, "%s: channels", r->name);
    ut_status rc = read_section(r, ut_channel_keys, "channels", channel);
    return rc == UT_OK ? check_channel(r, channel) : rc;
}

static ut_status read_channels(reader *r)
{
    ut_status rc = next(r);
    if (rc != UT_OK)
        return rc;
    if (r->event.type == YAML_SCALAR_EVENT && !scalar(r)[0])
        return UT_OK;
    if (r->event.type != YAML_SEQUENCE_START_EVENT)
        return complain(r, "channels: needs a list (- id: …)");
    for (;;) {
        if ((rc = next(r)) != UT_OK)
            return rc;
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return UT_OK;
        if (r->event.type != YAML_MAPPING_START_EVENT)
            return complain(r, "channels: needs a list of keys with values");
        if ((rc = read_channel(r)) != UT_OK)
            return rc;
    }
}

/* --- the whole file
 * ---------------------------------------------------------------------------------- */

static ut_status unknown_top_key(reader *r, const char *name)
{
    char names[200];
    size_t at = 0;
    const char *last = "";
    for (const ut_key *key = ut_config_keys; key->name && at < sizeof names; key++) {
        const char *word = key->section[0] ? key->section : key->name;
        if (strcmp(word, last) != 0)
            at += (size_t)snprintf(names + at, sizeof names - at, "%s, ", last = word);
    }
    return complain(r, "%.60s: no such key; there are: %schannels", name, names);
}

/* The event of a key at the top is taken already. */
static ut_status read_top_key(reader *r, uint64_t *seen)
{
    enum { CHANNELS_BIT = 63 };
    const char *name = scalar(r);
    bool channels = strcmp(name, "channels") == 0;
    const ut_key *key = ut_config_keys; /* of that name, or the first of that section */
    while (key->name && strcmp(key->section[0] ? key->section : key->name, name) != 0)
        key++;
    if (!channels && !key->name)
        return unknown_top_key(r, name);
    uint64_t bit = UINT64_C(1) << (channels ? CHANNELS_BIT : key - ut_config_keys);
    if (*seen & bit)
        return complain(r, "%s: given twice", name);
    *seen |= bit;
    if (channels)
        return read_channels(r);
    if (!key->section[0])
        return read_value(r, key, r->config);
    ut_status rc = next(r);
    if (rc != UT_OK)
        return rc;
    if (r->event.type == YAML_SCALAR_EVENT && !scalar(r)[0])
        return UT_OK; /* a section whose keys are all commented out */
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return complain(r, "%s: needs keys with values", key->section);
    return read_section(r, ut_config_keys, key->section, r->config);
}

/* Up to the mapping that the document is; *empty if there is none. */
static ut_status begin_document(reader *r, bool *empty)
{
    ut_status rc;
    do { /* stream start, document start */
        if ((rc = next(r)) != UT_OK)
            return rc;
    } while (r->event.type == YAML_STREAM_START_EVENT || r->event.type == YAML_DOCUMENT_START_EVENT);
    *empty = r->event.type == YAML_STREAM_END_EVENT || (r->event.type == YAML_SCALAR_EVENT && !scalar(r)[0]);
    if (!*empty && r->event.type != YAML_MAPPING_START_EVENT)
        return complain(r, "needs keys with values");
    return UT_OK;
}

static ut_status end_document(reader *r)
{
    ut_status rc;
    do { /* document end, stream end */
        if ((rc = next(r)) != UT_OK)
            return rc;
    } while (r->event.type == YAML_DOCUMENT_END_EVENT);
    return r->event.type == YAML_STREAM_END_EVENT ? UT_OK : complain(r, "a second document");
}

static ut_status read_document(reader *r)
{
    uint64_t seen = 0;
    bool empty = false;
    ut_status rc = begin_document(r, &empty);
    if (rc != UT_OK || empty) /* an empty file: all defaults */
        return rc;
    for (;;) {
        if ((rc = next(r)) != UT_OK)
            return rc;
        if (r->event.type == YAML_MAPPING_END_EVENT)
            break;
        if (r->event.type != YAML_SCALAR_EVENT)
            return complain(r, "needs keys with values");
        if ((rc = read_top_key(r, &seen)) != UT_OK)
            return rc;
    }
    return end_document(r);
}

ut_status ut_keys_parse(const char *text, size_t size, const char *name, const ut_key *keys, void *base, ut_err *err)
{
    reader r = {.name = name, .err = err};
    bool empty = false;
    if (!yaml_parser_initialize(&r.yaml))
        return ut_fail(err, UT_E_NOMEM, "%s: out of memory", name);
    yaml_parser_set_input_string(&r.yaml, (const unsigned char *)text, size);
    ut_status rc = begin_document(&r, &empty);
    if (rc == UT_OK && !empty)
        rc = read_section(&r, keys, "", base);
    if (rc == UT_OK && !empty)
        rc = end_document(&r);
    if (r.have_event)
        yaml_event_delete(&r.event);
    yaml_parser_delete(&r.yaml);
    return rc;
}

static ut_status check_order(const char *name, const char *section, double min, double max, ut_err *err)
{
    if (min <= max)
        return UT_OK;
    return ut_fail(err, UT_E_ARG, "%.120s: %s.retry_min_s: %g: above retry_max_s, %g", name, section, min, max);
}

ut_status ut_config_default(ut_config **out, ut_err *err)
{
    ut_config *config = calloc(1, sizeof *config);
    if (!config || ut_keys_default(ut_config_keys, config) != UT_OK) {
        ut_config_close(&config);
        return ut_fail(err, UT_E_NOMEM, "configuration: out of memory");
    }
    *out = config;
    return UT_OK;
}

ut_status ut_config_parse(const char *text, size_t size, const char *name, ut_config **out, ut_err *err)
{
    reader r = {.name = name, .err = err};
    ut_status rc = ut_config_default(&r.config, err);
    if (rc != UT_OK)
        return rc;
    if (!yaml_parser_initialize(&r.yaml)) {
        ut_config_close(&r.config);
        return ut_fail(err, UT_E_NOMEM, "%s: out of memory", name);
    }
    yaml_parser_set_input_string(&r.yaml, (const unsigned char *)text, size);
    rc = read_document(&r);
    if (r.have_event)
        yaml_event_delete(&r.event);
    yaml_parser_delete(&r.yaml);
    if (rc == UT_OK)
        rc = check_order(name, "capture", r.config->capture.retry_min_s, r.config->capture.retry_max_s, err);
    if (rc == UT_OK)
        rc = check_order(name, "events", r.config->events.retry_min_s, r.config->events.retry_max_s, err);
    if (rc != UT_OK) {
        ut_config_close(&r.config);
        return rc;
    }
    *out = r.config;
    return UT_OK;
}

ut_status ut_config_load(const char *path, ut_config **out, ut_err *err)
{
    char *text;
    size_t size;
    ut_status rc = ut_file_read(path, FILE_LIMIT, &text, &size, err);
    if (rc != UT_OK) {
        ut_err_prefix(err, "configuration");
        return rc;
    }
    rc = ut_config_parse(text, size, path, out, err);
    free(text);
    return rc;
}

void ut_config_close(ut_config **config)
{
    if (!*config)
        return;
    for (size_t i = 0; i < (*config)->channel_count; i++)
        ut_keys_clear(ut_channel_keys, &(*config)->channels[i]);
    free((*config)->channels);
    ut_keys_clear(ut_config_keys, *config);
    free(*config);
    *config = NULL;
}
