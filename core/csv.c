#include "core/csv.h"

#include <stdlib.h>
#include <string.h>

#include "core/text.h"

struct ut_csv {
    const char *name;
    char *text; /* unquoted in place, record by record */
    char *at;
    char *end;
    size_t line;
    char stops[4]; /* the separator and the line ends */
    const char **fields;
    size_t capacity;
};

static size_t lines_before(const char *text, size_t size)
{
    size_t lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    return lines;
}

static ut_status encoding_check(const char *name, const char *text, size_t size, ut_err *err)
{
    if (size >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0))
        return ut_fail(err, UT_E_ARG, "%s:1: UTF-16; save it as UTF-8", name);
    size_t good = ut_utf8_span(text, size);
    if (good < size)
        return ut_fail(err, UT_E_ARG, "%s:%zu: byte 0x%02X is not UTF-8; save the file as UTF-8", name,
                       lines_before(text, good), (unsigned)(unsigned char)text[good]);
    const char *nul = memchr(text, '\0', size);
    if (nul)
        return ut_fail(err, UT_E_ARG, "%s:%zu: a NUL byte; this is not a CSV file", name,
                       lines_before(text, (size_t)(nul - text)));
    return UT_OK;
}

ut_status ut_csv_open(const char *name, const char *text, size_t size, ut_csv **out, ut_err *err)
{
    ut_status rc = encoding_check(name, text, size, err);
    if (rc != UT_OK)
        return rc;
    ut_csv *csv = calloc(1, sizeof *csv);
    if (!csv || !(csv->text = malloc(size + 1))) {
        ut_csv_close(&csv);
        return ut_fail(err, UT_E_NOMEM, "%s: %zu bytes", name, size);
    }
    memcpy(csv->text, text, size);
    csv->text[size] = '\0';
    csv->name = name;
    csv->end = csv->text + size;
    csv->at = csv->text + (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0);
    csv->line = 1;
    memcpy(csv->stops, ",\r\n", sizeof csv->stops);
    *out = csv;
    return UT_OK;
}

void ut_csv_close(ut_csv **csv)
{
    if (!*csv)
        return;
    free((*csv)->text);
    free((*csv)->fields);
    free(*csv);
    *csv = NULL;
}

void ut_csv_sniff(ut_csv *csv)
{
    static const char separators[] = ",;\t";
    size_t most = 0;
    for (size_t i = 0; separators[i]; i++) {
        size_t count = 0;
        bool quoted = false;
        for (const char *c = csv->at; c < csv->end && (quoted || (*c != '\n' && *c != '\r')); c++) {
            quoted ^= *c == '"';
            count += !quoted && *c == separators[i];
        }
        if (count > most) {
            most = count;
            csv->stops[0] = separators[i];
        }
    }
}

/* Steps over one line end, if there is one here. */
static bool line_end(ut_csv *csv)
{
    if (csv->at == csv->end || (*csv->at != '\n' && *csv->at != '\r'))
        return false;
    csv->at += csv->at[0] == '\r' && csv->at + 1 < csv->end && csv->at[1] == '\n' ? 2 : 1;
    csv->line++;
    return true;
}

/* A field in quotes, from its first quote to after its last; unquoted in place. */
static ut_status quoted(ut_csv *csv, char **field_end, ut_err *err)
{
    size_t began = csv->line;
    char *to = csv->at++;
    for (;;) {
        if (csv->at == csv->end)
            return ut_fail(err, UT_E_ARG, "%s:%zu: a quote opens and never closes", csv->name, began);
        if (*csv->at == '"') {
            csv->at++;
            if (csv->at == csv->end || *csv->at != '"')
                break;
        }
        csv->line += *csv->at == '\n';
        *to++ = *csv->at++;
    }
    if (csv->at < csv->end && !strchr(csv->stops, *csv->at))
        return ut_fail(err, UT_E_ARG, "%s:%zu: text after a closing quote; double the quotes inside a field", csv->name,
                       csv->line);
    *field_end = to;
    return UT_OK;
}

static ut_status plain(ut_csv *csv, char **field_end, ut_err *err)
{
    while (csv->at < csv->end && !strchr(csv->stops, *csv->at)) {
        if (*csv->at++ == '"')
            return ut_fail(err, UT_E_ARG, "%s:%zu: a quote inside a field; put the whole field in quotes and double it",
                           csv->name, csv->line);
    }
    *field_end = csv->at;
    return UT_OK;
}

static ut_status field_add(ut_csv *csv, size_t count, const char *field, ut_err *err)
{
    if (count == csv->capacity) {
        size_t capacity = csv->capacity ? 2 * csv->capacity : 32;
        const char **grown = reallocarray(csv->fields, capacity, sizeof *grown);
        if (!grown)
            return ut_fail(err, UT_E_NOMEM, "%s:%zu: %zu fields", csv->name, csv->line, capacity);
        csv->fields = grown;
        csv->capacity = capacity;
    }
    csv->fields[count] = field;
    return UT_OK;
}

ut_status ut_csv_next(ut_csv *csv, ut_csv_record *record, ut_err *err)
{
    while (line_end(csv))
        ;
    *record = (ut_csv_record){.line = csv->line};
    if (csv->at == csv->end)
        return UT_OK;
    size_t count = 0;
    bool more = true;
    while (more) {
        char *field = csv->at, *field_end = field;
        ut_status rc = *field == '"' && field < csv->end ? quoted(csv, &field_end, err) : plain(csv, &field_end, err);
        if (rc == UT_OK)
            rc = field_add(csv, count, field, err);
        if (rc != UT_OK)
            return rc;
        count++;
        more = csv->at < csv->end && *csv->at == csv->stops[0];
        if (more)
            csv->at++;
        else
            line_end(csv);
        *field_end = '\0'; /* the separator has been read */
    }
    record->count = count;
    record->fields = csv->fields;
    return UT_OK;
}
