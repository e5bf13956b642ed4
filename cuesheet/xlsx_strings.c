#include "cuesheet/xlsx_strings.h"

#include <stdlib.h>
#include <string.h>

#define MAX_BYTES ((size_t)64 << 20)
#define MAX_STRINGS ((size_t)2 << 20)

typedef struct {
    ut_xlsx_strings strings;
    bool in_item, in_text;
    int phonetic; /* how to read it aloud is not part of a text */
} reader;

static ut_status add(ut_xlsx_strings *s, const char *text, size_t size, ut_err *err)
{
    if (s->used + size + 1 > MAX_BYTES)
        return ut_fail(err, UT_E_ARG, "a workbook with more than %zu MiB of text; save only the claims",
                       MAX_BYTES >> 20);
    if (s->used + size + 1 > s->capacity) {
        size_t capacity = s->capacity ? s->capacity : 4096;
        while (capacity < s->used + size + 1)
            capacity *= 2;
        char *grown = realloc(s->bytes, capacity);
        if (!grown)
            return ut_fail(err, UT_E_NOMEM, "%zu bytes of text", capacity);
        s->bytes = grown;
        s->capacity = capacity;
    }
    memcpy(s->bytes + s->used, text, size);
    s->used += size;
    s->bytes[s->used] = '\0';
    return UT_OK;
}

static ut_status item_begin(ut_xlsx_strings *s, ut_err *err)
{
    if (s->count == MAX_STRINGS)
        return ut_fail(err, UT_E_ARG, "a workbook with more than %zu texts; save only the claims", MAX_STRINGS);
    if (s->count == s->start_capacity) {
        size_t capacity = s->start_capacity ? 2 * s->start_capacity : 1024;
        size_t *grown = reallocarray(s->starts, capacity, sizeof *grown);
        if (!grown)
            return ut_fail(err, UT_E_NOMEM, "%zu texts", capacity);
        s->starts = grown;
        s->start_capacity = capacity;
    }
    s->starts[s->count++] = s->used;
    return add(s, "", 0, err);
}

static ut_status on_start(void *arg, const char *name, const ut_xml_attributes *attributes, ut_err *err)
{
    (void)attributes;
    reader *r = arg;
    if (strcmp(name, "si") == 0 && !r->in_item) {
        r->in_item = true;
        return item_begin(&r->strings, err);
    }
    r->phonetic += strcmp(name, "rPh") == 0;
    if (strcmp(name, "t") == 0)
        r->in_text = r->in_item && r->phonetic == 0;
    return UT_OK;
}

static ut_status on_text(void *arg, const char *text, size_t size, ut_err *err)
{
    reader *r = arg;
    return r->in_text ? add(&r->strings, text, size, err) : UT_OK;
}

static ut_status on_end(void *arg, const char *name, ut_err *err)
{
    reader *r = arg;
    if (strcmp(name, "t") == 0)
        r->in_text = false;
    r->phonetic -= strcmp(name, "rPh") == 0;
    if (strcmp(name, "si") == 0 && r->in_item) {
        r->in_item = false;
        ut_status rc = add(&r->strings, "", 0, err);
        r->strings.used += rc == UT_OK; /* its NUL stays */
        return rc;
    }
    return UT_OK;
}

ut_status ut_xlsx_strings_read(ut_xlsx *xlsx, ut_xlsx_strings *out, ut_err *err)
{
    static const ut_xml_walk walk = {.start = on_start, .text = on_text, .end = on_end};
    reader r = {0};
    ut_status rc = ut_xlsx_walk(xlsx, "xl/sharedStrings.xml", &walk, &r, err);
    if (rc == UT_OK || rc == UT_E_NOTFOUND) {
        *out = r.strings;
        return UT_OK;
    }
    ut_xlsx_strings_clear(&r.strings);
    return rc;
}

void ut_xlsx_strings_clear(ut_xlsx_strings *strings)
{
    free(strings->bytes);
    free(strings->starts);
    *strings = (ut_xlsx_strings){0};
}
