#include "cuesheet/xlsx_part.h"

#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#define MAX_ATTRIBUTES 64
#define VALUE_BYTES 8192 /* of all attributes of an element */

struct ut_xlsx {
    const char *name;
    zip_t *zip;
};

typedef struct {
    const ut_xml_walk *walk;
    void *arg;
    ut_err *err;
    ut_status rc;
    xmlParserCtxt *parser;
    const char *where; /* file and part, for messages */
} walker;

ut_status ut_xlsx_open(const char *name, const char *data, size_t size, ut_xlsx **out, ut_err *err)
{
    zip_error_t error;
    ut_xlsx *x = calloc(1, sizeof *x);
    zip_source_t *source = NULL;
    if (!x)
        return ut_fail(err, UT_E_NOMEM, "%s: out of memory", name);
    x->name = name;
    zip_error_init(&error);
    source = zip_source_buffer_create(data, size, 0, &error);
    x->zip = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    if (!x->zip) {
        ut_status rc = ut_fail(err, UT_E_ARG, "%s: not a whole XLSX file: %s", name, zip_error_strerror(&error));
        zip_source_free(source);
        zip_error_fini(&error);
        free(x);
        return rc;
    }
    zip_error_fini(&error);
    *out = x;
    return UT_OK;
}

void ut_xlsx_close(ut_xlsx **xlsx)
{
    if (!*xlsx)
        return;
    zip_discard((*xlsx)->zip);
    free(*xlsx);
    *xlsx = NULL;
}

const char *ut_xml_attribute(const ut_xml_attributes *attributes, const char *name)
{
    for (size_t i = 0; i < attributes->count; i++)
        if (strcmp(attributes->names[i], name) == 0)
            return attributes->values[i];
    return NULL;
}

static void finish(walker *w, ut_status rc)
{
    if (rc != UT_OK && w->rc == UT_OK) {
        w->rc = rc;
        xmlStopParser(w->parser);
    }
}

/* libxml2 hands attributes over as (name, prefix, URI, start, end). */
static void on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespaces,
                     const xmlChar **declared, int count, int defaulted, const xmlChar **raw)
{
    (void)prefix, (void)uri, (void)namespaces, (void)declared, (void)defaulted;
    walker *w = ctx;
    char buf[VALUE_BYTES];
    const char *names[MAX_ATTRIBUTES], *values[MAX_ATTRIBUTES];
    size_t used = 0, kept = 0;
    if (!w->walk->start || w->rc != UT_OK)
        return;
    for (int i = 0; i < count && kept < MAX_ATTRIBUTES; i++) {
        const xmlChar **a = raw + 5 * (ptrdiff_t)i;
        size_t size = (size_t)(a[4] - a[3]);
        if (size + 1 > sizeof buf - used)
            break; /* no attribute that matters is so long */
        memcpy(buf + used, a[3], size);
        buf[used + size] = '\0';
        names[kept] = (const char *)a[0];
        values[kept++] = buf + used;
        used += size + 1;
    }
    const ut_xml_attributes attributes = {kept, names, values};
    finish(w, w->walk->start(w->arg, (const char *)name, &attributes, w->err));
}

static void on_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    (void)prefix, (void)uri;
    walker *w = ctx;
    if (w->walk->end && w->rc == UT_OK)
        finish(w, w->walk->end(w->arg, (const char *)name, w->err));
}

static void on_text(void *ctx, const xmlChar *text, int size)
{
    walker *w = ctx;
    if (w->walk->text && w->rc == UT_OK)
        finish(w, w->walk->text(w->arg, (const char *)text, (size_t)size, w->err));
}

/* A workbook has no DTD; entities that double come with one. */
static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    (void)name, (void)external, (void)system;
    walker *w = ctx;
    finish(w, ut_fail(w->err, UT_E_ARG, "%s: a document type, which a workbook has none of", w->where));
}

static void on_complaint(void *ctx, const char *format, ...)
{
    (void)ctx, (void)format; /* the parser's own text goes nowhere: what it means is said once, at the end */
}

static ut_status parse_entry(walker *w, zip_file_t *file)
{
    char chunk[32768];
    size_t total = 0;
    for (;;) {
        zip_int64_t got = zip_fread(file, chunk, sizeof chunk);
        if (got < 0)
            return ut_fail(w->err, UT_E_ARG, "%s: damaged: %s", w->where, zip_error_strerror(zip_file_get_error(file)));
        total += (size_t)got;
        if (total > UT_XLSX_PART_BYTES)
            return ut_fail(w->err, UT_E_ARG, "%s: unpacks to more than %u MiB", w->where, UT_XLSX_PART_BYTES >> 20);
        int failed = xmlParseChunk(w->parser, chunk, (int)got, got == 0);
        if (w->rc != UT_OK)
            return w->rc;
        if (failed) {
            const xmlError *error = xmlCtxtGetLastError(w->parser);
            return ut_fail(w->err, UT_E_ARG, "%s: not XML: line %d: %.*s", w->where, error ? error->line : 0,
                           error && error->message ? (int)strcspn(error->message, "\n") : 0,
                           error && error->message ? error->message : "");
        }
        if (got == 0)
            return UT_OK;
    }
}

ut_status ut_xlsx_walk(ut_xlsx *xlsx, const char *part, const ut_xml_walk *walk, void *arg, ut_err *err)
{
    char where[512];
    xmlSAXHandler sax = {.initialized = XML_SAX2_MAGIC,
                         .startElementNs = on_start,
                         .endElementNs = on_end,
                         .characters = on_text,
                         .ignorableWhitespace = on_text,
                         .cdataBlock = on_text,
                         .internalSubset = on_doctype,
                         .warning = on_complaint,
                         .error = on_complaint};
    snprintf(where, sizeof where, "%.300s: %.100s", xlsx->name, part);
    walker w = {.walk = walk, .arg = arg, .err = err, .where = where};
    zip_int64_t index = zip_name_locate(xlsx->zip, part, ZIP_FL_NOCASE);
    if (index < 0)
        return ut_fail(err, UT_E_NOTFOUND, "%s: not in the file", where);
    zip_file_t *file = zip_fopen_index(xlsx->zip, (zip_uint64_t)index, 0);
    if (!file)
        return ut_fail(err, UT_E_ARG, "%s: %s", where, zip_strerror(xlsx->zip));
    w.parser = xmlCreatePushParserCtxt(&sax, &w, NULL, 0, NULL);
    ut_status rc = w.parser ? UT_OK : ut_fail(err, UT_E_NOMEM, "%s: out of memory", where);
    if (rc == UT_OK) {
        xmlCtxtUseOptions(w.parser, XML_PARSE_NONET | XML_PARSE_NOWARNING | XML_PARSE_NOERROR);
        rc = parse_entry(&w, file);
        xmlFreeParserCtxt(w.parser);
    }
    zip_fclose(file);
    return rc;
}
