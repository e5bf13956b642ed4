#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuesheet/grid.h"
#include "cuesheet/xlsx_strings.h"
#include "cuesheet/xlsx_style.h"

#define ROW_BYTES (UT_GRID_COLUMNS * (UT_GRID_CELL_BYTES + 2)) /* with a NUL each, and one more */

typedef struct {
    const char *name, *wanted; /* of the file; of the sheet, NULL: the first that is shown */
    ut_xlsx_strings strings;
    ut_xlsx_styles styles;
    bool from_1904, found;
    char sheet_name[128], id[64], part[300];

    size_t row, column; /* as they count, from 1 and from 0 */
    char type[16];      /* of the cell */
    size_t style;
    bool in_value;
    char *bytes; /* of the cells of a row; ROW_BYTES */
    size_t used, cell_start;
    const char *cells[UT_GRID_COLUMNS];
    size_t count;
    ut_grid_fn fn;
    void *arg;
} sheet_reader;

/* --- which part the sheet is in -------------------------------------------------------------- */

static ut_status on_workbook(void *arg, const char *name, const ut_xml_attributes *a, ut_err *err)
{
    (void)err;
    sheet_reader *r = arg;
    if (strcmp(name, "workbookPr") == 0) {
        const char *date = ut_xml_attribute(a, "date1904");
        r->from_1904 = date && (strcmp(date, "1") == 0 || strcmp(date, "true") == 0);
    }
    if (strcmp(name, "sheet") != 0 || r->found)
        return UT_OK;
    const char *title = ut_xml_attribute(a, "name"), *id = ut_xml_attribute(a, "id"),
               *state = ut_xml_attribute(a, "state");
    bool shown = !state || strcmp(state, "visible") == 0;
    if (!id || (r->wanted ? !title || strcmp(title, r->wanted) != 0 : !shown))
        return UT_OK;
    snprintf(r->id, sizeof r->id, "%.60s", id);
    r->found = true;
    return UT_OK;
}

static ut_status on_relation(void *arg, const char *name, const ut_xml_attributes *a, ut_err *err)
{
    (void)err;
    sheet_reader *r = arg;
    const char *id = ut_xml_attribute(a, "Id"), *target = ut_xml_attribute(a, "Target");
    if (strcmp(name, "Relationship") == 0 && id && target && strcmp(id, r->id) == 0)
        snprintf(r->part, sizeof r->part, "%s%.250s", target[0] == '/' ? "" : "xl/", target + (target[0] == '/'));
    return UT_OK;
}

static ut_status find_sheet(sheet_reader *r, ut_xlsx *xlsx, ut_err *err)
{
    static const ut_xml_walk workbook = {.start = on_workbook}, relations = {.start = on_relation};
    ut_status rc = ut_xlsx_walk(xlsx, "xl/workbook.xml", &workbook, r, err);
    if (rc == UT_E_NOTFOUND)
        return ut_fail(err, UT_E_ARG, "%s: a ZIP file, but not an XLSX workbook", r->name);
    if (rc == UT_OK && !r->found)
        rc = r->wanted ? ut_fail(err, UT_E_ARG, "%s: has no sheet \"%.60s\"", r->name, r->wanted)
                       : ut_fail(err, UT_E_ARG, "%s: a workbook without a sheet", r->name);
    if (rc == UT_OK)
        rc = ut_xlsx_walk(xlsx, "xl/_rels/workbook.xml.rels", &relations, r, err);
    if (rc == UT_OK && !r->part[0])
        rc = ut_fail(err, UT_E_ARG, "%s: a workbook whose sheet is not in it", r->name);
    return rc == UT_E_NOTFOUND ? UT_E_ARG : rc;
}

/* --- cells ----------------------------------------------------------------------------------- */

static ut_status put(sheet_reader *r, const char *text, size_t size, ut_err *err)
{
    if (r->used - r->cell_start + size > UT_GRID_CELL_BYTES || r->used + size + UT_GRID_COLUMNS > ROW_BYTES)
        return ut_fail(err, UT_E_ARG, "%s:%zu: cell %zu has more than %d bytes", r->name, r->row, r->column + 1,
                       UT_GRID_CELL_BYTES);
    memcpy(r->bytes + r->used, text, size);
    r->used += size;
    return UT_OK;
}

/* Column of a reference such as "AB12", from 0; SIZE_MAX if it is none. */
static size_t column_of(const char *reference)
{
    size_t column = 0, n = 0;
    for (; reference[n] >= 'A' && reference[n] <= 'Z' && n < 4; n++)
        column = 26 * column + (size_t)(reference[n] - 'A') + 1;
    return n > 0 && n < 4 ? column - 1 : SIZE_MAX;
}

static ut_status row_begin(sheet_reader *r, const ut_xml_attributes *a, ut_err *err)
{
    const char *number = ut_xml_attribute(a, "r");
    char *end = NULL;
    unsigned long row = number ? strtoul(number, &end, 10) : r->row + 1;
    if (row <= r->row || row > UT_GRID_ROWS || (number && *end))
        return ut_fail(err, UT_E_ARG, "%s:%zu: the row after it has the number \"%.20s\"", r->name, r->row,
                       number ? number : "");
    r->row = row;
    r->used = r->count = 0;
    r->column = SIZE_MAX;
    return UT_OK;
}

static ut_status cell_begin(sheet_reader *r, const ut_xml_attributes *a, ut_err *err)
{
    const char *reference = ut_xml_attribute(a, "r"), *type = ut_xml_attribute(a, "t"),
               *style = ut_xml_attribute(a, "s");
    size_t column = reference ? column_of(reference) : r->column + 1;
    if (column == SIZE_MAX || (r->column != SIZE_MAX && column <= r->column))
        return ut_fail(err, UT_E_ARG, "%s:%zu: a cell with the reference \"%.20s\"", r->name, r->row,
                       reference ? reference : "");
    r->column = column;
    snprintf(r->type, sizeof r->type, "%.15s", type ? type : "n");
    r->style = style ? strtoul(style, NULL, 10) : 0;
    r->cell_start = r->used;
    r->in_value = false;
    return UT_OK;
}

/* A number as people would write it; a time as one, where the cell's style says so. */
static void number_text(const sheet_reader *r, const char *raw, char *buf, size_t size)
{
    char *end;
    errno = 0;
    double value = strtod(raw, &end);
    snprintf(buf, size, "%.60s", raw);
    if (end == raw || *end || errno || !isfinite(value))
        return;
    bool time = r->style < r->styles.count && r->styles.times[r->style];
    if (time && ut_xlsx_time(value, r->from_1904, buf, size))
        return;
    if (fabs(value) < 1e15 && value == floor(value))
        snprintf(buf, size, "%.0f", value);
    else
        snprintf(buf, size, "%.10g", value);
}

static ut_status cell_end(sheet_reader *r, ut_err *err)
{
    char raw[64], buf[80];
    const char *text = NULL;
    size_t size = r->used - r->cell_start;
    if (strcmp(r->type, "s") == 0) {
        char *end;
        snprintf(raw, sizeof raw, "%.*s", size < 60 ? (int)size : 60, r->bytes + r->cell_start);
        size_t index = strtoul(raw, &end, 10);
        if (size > 0 && (end == raw || *end || index >= r->strings.count))
            return ut_fail(err, UT_E_ARG, "%s:%zu: a cell with text number \"%.20s\" of %zu", r->name, r->row, raw,
                           r->strings.count);
        text = size > 0 ? r->strings.bytes + r->strings.starts[index] : "";
    } else if (strcmp(r->type, "n") == 0 && size > 0) {
        snprintf(raw, sizeof raw, "%.*s", size < 60 ? (int)size : 60, r->bytes + r->cell_start);
        number_text(r, raw, buf, sizeof buf);
        text = buf;
    } else if (strcmp(r->type, "e") == 0) {
        text = ""; /* "#N/A" says nothing */
    }
    ut_status rc = UT_OK;
    if (text) {
        r->used = r->cell_start;
        rc = put(r, text, strlen(text), err);
    }
    if (r->column >= UT_GRID_COLUMNS || r->count > r->column) { /* the second: cells inside a cell */
        r->used = r->cell_start;
        return rc;
    }
    while (rc == UT_OK && r->count < r->column)
        r->cells[r->count++] = "";
    if (rc == UT_OK) {
        r->bytes[r->used++] = '\0';
        r->cells[r->count++] = r->bytes + r->cell_start;
    }
    return rc;
}

static ut_status on_start(void *arg, const char *name, const ut_xml_attributes *a, ut_err *err)
{
    sheet_reader *r = arg;
    if (strcmp(name, "row") == 0)
        return row_begin(r, a, err);
    if (strcmp(name, "c") == 0)
        return r->row ? cell_begin(r, a, err) : ut_fail(err, UT_E_ARG, "%s: a cell outside a row", r->name);
    if (strcmp(name, "v") == 0 || (strcmp(name, "t") == 0 && strcmp(r->type, "inlineStr") == 0))
        r->in_value = r->column != SIZE_MAX;
    return UT_OK;
}

static ut_status on_text(void *arg, const char *text, size_t size, ut_err *err)
{
    sheet_reader *r = arg;
    return r->in_value ? put(r, text, size, err) : UT_OK;
}

static ut_status on_end(void *arg, const char *name, ut_err *err)
{
    sheet_reader *r = arg;
    if (strcmp(name, "v") == 0 || strcmp(name, "t") == 0)
        r->in_value = false;
    else if (strcmp(name, "c") == 0 && r->column != SIZE_MAX)
        return cell_end(r, err);
    else if (strcmp(name, "row") == 0 && r->row && r->count > 0) {
        const ut_grid_row row = {.row = r->row, .count = r->count, .cells = r->cells};
        return r->fn(r->arg, &row, err);
    }
    return UT_OK;
}

ut_status ut_grid_xlsx_each(const char *name, const char *sheet, const char *data, size_t size, ut_grid_fn fn,
                            void *arg, ut_err *err)
{
    static const ut_xml_walk walk = {.start = on_start, .text = on_text, .end = on_end};
    ut_xlsx *xlsx = NULL;
    sheet_reader *r = calloc(1, sizeof *r);
    if (!r || !(r->bytes = malloc(ROW_BYTES))) {
        free(r);
        return ut_fail(err, UT_E_NOMEM, "%s: out of memory", name);
    }
    r->name = name;
    r->wanted = sheet;
    r->fn = fn;
    r->arg = arg;
    ut_status rc = ut_xlsx_open(name, data, size, &xlsx, err);
    if (rc == UT_OK)
        rc = find_sheet(r, xlsx, err);
    if (rc == UT_OK && ((rc = ut_xlsx_strings_read(xlsx, &r->strings, err)) != UT_OK ||
                        (rc = ut_xlsx_styles_read(xlsx, &r->styles, err)) != UT_OK))
        ut_err_prefix(err, "%s", name);
    if (rc == UT_OK) {
        r->column = SIZE_MAX;
        rc = ut_xlsx_walk(xlsx, r->part, &walk, r, err);
        if (rc == UT_E_NOTFOUND)
            rc = ut_fail(err, UT_E_ARG, "%s: %s: not in the file", name, r->part);
    }
    ut_xlsx_close(&xlsx);
    ut_xlsx_strings_clear(&r->strings);
    ut_xlsx_styles_clear(&r->styles);
    free(r->bytes);
    free(r);
    return rc;
}
