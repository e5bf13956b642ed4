/* XMLTV, read as a stream of elements. A file from outside must not make the reader fetch or expand anything: a
 * definition of an entity ends it, and no DTD is loaded. */
#include <ctype.h>
#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "pipeline/schedule.h"

#define TEXT_MAX 2000 /* of one element: descriptions are not kept, titles are shorter */
#define CHANNELS_NAMED 200

typedef struct {
    const ut_schedule_options *options;
    const char *name;
    xmlParserCtxtPtr parser;
    ut_schedule schedule;
    ut_airing airing;
    bool inside; /* a programme of the wanted channel */
    bool root;
    char **text; /* of `airing`, that the element now open fills; NULL: none */
    char system[24];
    char held[TEXT_MAX];
    size_t held_size;
    char channel[128]; /* the first one seen, if nobody said which is wanted */
    ut_status status;
    ut_err *err;
} reader;

static void stop(reader *r, ut_status status)
{
    r->status = status;
    xmlStopParser(r->parser);
}

static void complain(reader *r, const char *fmt, ...) UT_PRINTF(2, 3);
static void complain(reader *r, const char *fmt, ...)
{
    char text[300];
    va_list args;
    if (r->status != UT_OK)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    stop(r, ut_fail(r->err, UT_E_ARG, "%.80s:%d: %s", r->name, xmlSAX2GetLineNumber(r->parser), text));
}

/* "20261121201500 +0100", cut off anywhere after the day; without an offset it is UTC, as the DTD says. */
static bool time_read(const char *text, int64_t *utc_ns)
{
    char digits[15] = "00000101000000", rfc[40], zone[8] = "Z";
    size_t n = strspn(text, "0123456789");
    if (n < 8 || n > 14 || n % 2)
        return false;
    memcpy(digits, text, n);
    text += n;
    text += strspn(text, " ");
    if ((*text == '+' || *text == '-') && strspn(text + 1, "0123456789") == 4 && !text[5])
        snprintf(zone, sizeof zone, "%.3s:%.2s", text, text + 3);
    else if (*text && strcmp(text, "UTC") != 0 && strcmp(text, "GMT") != 0 && strcmp(text, "Z") != 0)
        return false;
    snprintf(rfc, sizeof rfc, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s%s", digits, digits + 4, digits + 6, digits + 8,
             digits + 10, digits + 12, zone);
    return ut_time_parse(rfc, utc_ns, NULL) == UT_OK;
}

/* libxml2 gives attributes in fives: name, prefix, URI, value, end of value. */
static bool attribute(const xmlChar **attributes, int count, const char *name, char *out, size_t size)
{
    for (int i = 0; i < count; i++) {
        const char *const *five = (const char *const *)attributes + 5 * i;
        if (strcmp(five[0], name) != 0)
            continue;
        size_t n = (size_t)(five[4] - five[3]);
        if (n >= size)
            return false;
        memcpy(out, five[3], n);
        out[n] = '\0';
        return true;
    }
    return false;
}

static void begin_programme(reader *r, const xmlChar **attributes, int count)
{
    char channel[128], start[40], end[40];
    if (!attribute(attributes, count, "channel", channel, sizeof channel) ||
        !attribute(attributes, count, "start", start, sizeof start)) {
        complain(r, "programme without channel and start");
        return;
    }
    if (!r->options->of_channel && !r->channel[0])
        snprintf(r->channel, sizeof r->channel, "%s", channel);
    const char *wanted = r->options->of_channel ? r->options->of_channel : r->channel;
    if (strcmp(channel, wanted) != 0) {
        if (!r->options->of_channel)
            complain(r, "several channels, %.60s and %.60s; say which is meant", wanted, channel);
        return;
    }
    ut_airing_clear(&r->airing); /* of a programme within a programme */
    r->airing = (ut_airing){.source = UT_FROM_XMLTV, .boundary = UT_BOUNDARY_SCHEDULED};
    snprintf(r->airing.channel, sizeof r->airing.channel, "%s", r->options->channel);
    if (!time_read(start, &r->airing.start_ns)) {
        complain(r, "start %.40s: not a time such as 20261121201500 +0100", start);
    } else if (attribute(attributes, count, "stop", end, sizeof end)) {
        if (!time_read(end, &r->airing.end_ns))
            complain(r, "stop %.40s: not a time such as 20261121201500 +0100", end);
        else if (r->airing.end_ns <= r->airing.start_ns)
            complain(r, "stop %.40s: not after start, %.40s", end, start);
    }
    r->inside = r->status == UT_OK;
}

static void on_start(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri, int spaces,
                     const xmlChar **names, int count, int defaulted, const xmlChar **attributes)
{
    reader *r = arg;
    const char *name = (const char *)local;
    (void)prefix, (void)uri, (void)spaces, (void)names, (void)defaulted;
    if (!r->root && strcmp(name, "tv") != 0) {
        complain(r, "the document is a <%.40s>, not XMLTV (<tv>)", name);
        return;
    }
    r->root = true;
    r->text = NULL;
    if (strcmp(name, "programme") == 0) {
        begin_programme(r, attributes, count);
        return;
    }
    if (!r->inside)
        return;
    ut_programme *p = &r->airing.programme;
    r->system[0] = '\0';
    if (strcmp(name, "title") == 0)
        r->text = p->title ? &p->aka : &p->title; /* further titles are the same in other languages */
    else if (strcmp(name, "sub-title") == 0)
        r->text = p->episode ? &p->episode_aka : &p->episode;
    else if (strcmp(name, "category") == 0)
        r->text = &p->category;
    else if (strcmp(name, "episode-num") == 0 &&
             (attribute(attributes, count, "system", r->system, sizeof r->system) || !r->system[0]))
        r->text = strcasecmp(r->system, "crid") == 0 ? &p->crid : &p->episode_no;
    if (r->text && *r->text) /* the first of each counts */
        r->text = NULL;
    r->held_size = 0;
}

static void on_characters(void *arg, const xmlChar *text, int size)
{
    reader *r = arg;
    if (!r->text)
        return;
    if ((size_t)size >= sizeof r->held - r->held_size) {
        complain(r, "a title of more than %d bytes", TEXT_MAX);
        return;
    }
    memcpy(r->held + r->held_size, text, (size_t)size);
    r->held_size += (size_t)size;
}

/* "xmltv_ns" counts from 0: "1 . 4/10 . 0/1" is season 2, episode 5. Spelt "2.5". */
static void episode_number(char *text, size_t size)
{
    long numbers[2] = {-1, -1};
    char *c = text;
    for (int i = 0; i < 2 && c; i++) {
        char *end;
        long value = strtol(c, &end, 10);
        if (end != c && value >= 0 && value < 100000)
            numbers[i] = value + 1;
        c = strchr(c, '.');
        c = c ? c + 1 : NULL;
    }
    if (numbers[0] > 0 && numbers[1] > 0)
        snprintf(text, size, "%ld.%ld", numbers[0], numbers[1]);
    else if (numbers[1] > 0)
        snprintf(text, size, "%ld", numbers[1]);
    else
        text[0] = '\0';
}

static void end_text(reader *r)
{
    char *text = r->held;
    while (r->held_size > 0 && isspace((unsigned char)r->held[r->held_size - 1]))
        r->held_size--;
    r->held[r->held_size] = '\0';
    text += strspn(text, " \t\r\n");
    if (strcmp(r->system, "xmltv_ns") == 0)
        episode_number(text, sizeof r->held - (size_t)(text - r->held));
    char *copy = *text ? strdup(text) : NULL;
    if (copy) {
        free(*r->text); /* an element within one of its own name */
        *r->text = copy;
    }
    if (*text && !copy)
        stop(r, ut_fail(r->err, UT_E_NOMEM, "%s", r->name));
    r->text = NULL;
}

static void on_end(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
    reader *r = arg;
    (void)prefix, (void)uri;
    if (r->text)
        end_text(r);
    if (!r->inside || strcmp((const char *)local, "programme") != 0)
        return;
    r->inside = false;
    if (!r->airing.programme.title) {
        complain(r, "programme without a title");
        return;
    }
    ut_status rc = ut_schedule_add(&r->schedule, &r->airing, r->err);
    if (rc != UT_OK) {
        ut_err_prefix(r->err, "%s:%d", r->name, xmlSAX2GetLineNumber(r->parser));
        stop(r, rc);
    }
}

static void on_entity(void *arg, const xmlChar *name, int type, const xmlChar *public_id, const xmlChar *system_id,
                      xmlChar *content)
{
    (void)type, (void)public_id, (void)system_id, (void)content;
    complain(arg, "defines the entity %.40s; XMLTV needs none, so the file is refused", (const char *)name);
}

static xmlEntityPtr get_entity(void *arg, const xmlChar *name)
{
    (void)arg;
    return xmlGetPredefinedEntity(name);
}

static void on_error(void *arg, xmlErrorPtr error)
{
    reader *r = arg;
    if (error->level < XML_ERR_ERROR || r->status != UT_OK)
        return;
    char text[200];
    snprintf(text, sizeof text, "%s", error->message ? error->message : "unreadable");
    text[strcspn(text, "\r\n")] = '\0';
    stop(r, error->code == XML_ERR_NO_MEMORY
                ? ut_fail(r->err, UT_E_NOMEM, "%s: out of memory", r->name)
                : ut_fail(r->err, UT_E_ARG, "%.80s:%d: not XML: %s", r->name, error->line, text));
}

static ut_status parse(reader *r, const char *text, size_t size)
{
    enum { CHUNK = 65536 };
    xmlSAXHandler sax = {
        .initialized = XML_SAX2_MAGIC,
        .startElementNs = on_start,
        .endElementNs = on_end,
        .characters = on_characters,
        .cdataBlock = on_characters,
        .entityDecl = on_entity,
        .getEntity = get_entity,
        .serror = (xmlStructuredErrorFunc)on_error,
    };
    r->parser = xmlCreatePushParserCtxt(&sax, r, NULL, 0, r->name);
    if (!r->parser)
        return ut_fail(r->err, UT_E_NOMEM, "%s: parser", r->name);
    xmlCtxtUseOptions(r->parser, XML_PARSE_NONET | XML_PARSE_NOCDATA);
    for (size_t at = 0; at < size && r->status == UT_OK; at += CHUNK) {
        int n = (int)(size - at < CHUNK ? size - at : CHUNK);
        xmlParseChunk(r->parser, text + at, n, 0);
    }
    if (r->status == UT_OK)
        xmlParseChunk(r->parser, text, 0, 1);
    if (r->status == UT_OK && !r->parser->wellFormed)
        r->status = ut_fail(r->err, UT_E_ARG, "%s: not XML", r->name);
    if (r->parser->myDoc)
        xmlFreeDoc(r->parser->myDoc);
    xmlFreeParserCtxt(r->parser);
    return r->status;
}

ut_status ut_schedule_xmltv(const char *name, const char *text, size_t size, const ut_schedule_options *options,
                            ut_schedule *out, ut_err *err)
{
    reader *r = calloc(1, sizeof *r);
    if (!r)
        return ut_fail(err, UT_E_NOMEM, "%s", name);
    r->options = options;
    r->name = name;
    r->err = err;
    ut_status rc = parse(r, text, size);
    ut_airing_clear(&r->airing);
    if (rc == UT_OK)
        ut_schedule_finish(&r->schedule);
    if (rc == UT_OK && r->schedule.count == 0)
        rc = ut_fail(err, UT_E_ARG, "%s: no programme%s%s", name, options->of_channel ? " of channel " : "",
                     options->of_channel ? options->of_channel : "");
    if (rc == UT_OK)
        *out = r->schedule;
    else
        ut_schedule_clear(&r->schedule);
    free(r);
    return rc;
}
