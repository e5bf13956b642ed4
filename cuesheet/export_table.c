/* Column profiles as CSV and as a workbook. */
#include <stdlib.h>
#include <string.h>
#include <xlsxwriter.h>

#include "cuesheet/cell.h"
#include "cuesheet/rows.h"
#include "cuesheet/table.h"

/* A cell's text, in a buffer that is used again. */
typedef struct {
    FILE *out;
    char *text;
    size_t size;
} cell;

static ut_status cell_open(cell *c, ut_err *err)
{
    *c = (cell){0};
    c->out = open_memstream(&c->text, &c->size);
    return c->out ? UT_OK : ut_fail(err, UT_E_NOMEM, "cue sheet");
}

/* NULL on lack of memory. */
static const char *cell_text(cell *c, const ut_table_row *row, const char *field)
{
    rewind(c->out);
    ut_field_put(c->out, row, field);
    fputc('\0', c->out);
    return fflush(c->out) == 0 && !ferror(c->out) ? c->text : NULL;
}

static void cell_close(cell *c)
{
    if (c->out)
        fclose(c->out);
    free(c->text);
}

/* --- CSV ------------------------------------------------------------------------------------- */

typedef struct {
    FILE *out;
    const ut_profile *profile;
    cell cell;
} csv;

static ut_status csv_row(void *arg, const ut_table_row *row, ut_err *err)
{
    csv *c = arg;
    for (size_t i = 0; i < c->profile->column_count; i++) {
        const char *text = cell_text(&c->cell, row, ut_column_field(c->profile, i));
        if (!text)
            return ut_fail(err, UT_E_NOMEM, "cue sheet: CSV");
        fputs(i ? "," : "", c->out);
        ut_csv_put(c->out, text);
    }
    fputs("\r\n", c->out);
    return UT_OK;
}

ut_status ut_sheet_table_csv(const ut_sheet *sheet, const ut_profile *profile, char **data, size_t *size, ut_err *err)
{
    char *text = NULL;
    size_t length = 0;
    csv c = {.out = open_memstream(&text, &length), .profile = profile};
    if (!c.out)
        return ut_fail(err, UT_E_NOMEM, "cue sheet: CSV");
    ut_status rc = cell_open(&c.cell, err);
    for (size_t i = 0; i < profile->column_count; i++) {
        fputs(i ? "," : "", c.out);
        ut_csv_put(c.out, ut_column_heading(profile, i));
    }
    fputs("\r\n", c.out);
    if (rc == UT_OK)
        rc = ut_table_each(sheet, profile, csv_row, &c, err);
    cell_close(&c.cell);
    bool failed = ferror(c.out) != 0;
    failed |= fclose(c.out) != 0;
    if (rc == UT_OK && failed)
        rc = ut_fail(err, UT_E_NOMEM, "cue sheet: CSV");
    if (rc != UT_OK) {
        free(text);
        return rc;
    }
    *data = text;
    *size = length;
    return UT_OK;
}

/* --- workbook -------------------------------------------------------------------------------- */

typedef struct {
    const ut_sheet *sheet;
    const ut_profile *profile;
    lxw_worksheet *page;
    lxw_row_t row;
    bool failed;
    cell cell;
} xlsx;

/* All cells are text: never a formula, and leading zeros stay. */
static ut_status xlsx_row(void *arg, const ut_table_row *row, ut_err *err)
{
    xlsx *x = arg;
    for (size_t i = 0; i < x->profile->column_count; i++) {
        const char *text = cell_text(&x->cell, row, ut_column_field(x->profile, i));
        if (!text)
            return ut_fail(err, UT_E_NOMEM, "cue sheet: workbook");
        if (*text)
            x->failed |= worksheet_write_string(x->page, x->row, (lxw_col_t)i, text, NULL) != LXW_NO_ERROR;
    }
    x->row++;
    return UT_OK;
}

static ut_status xlsx_fill(void *arg, const char *path, ut_err *err)
{
    xlsx *x = arg;
    lxw_workbook *book = workbook_new(path);
    if (!book)
        return ut_fail(err, UT_E_NOMEM, "%s: workbook", path);
    x->page = workbook_add_worksheet(book, "Cue Sheet");
    ut_status rc = x->page ? cell_open(&x->cell, err) : ut_fail(err, UT_E_NOMEM, "%s: worksheet", path);
    for (size_t i = 0; rc == UT_OK && i < x->profile->column_count; i++)
        x->failed |= worksheet_write_string(x->page, 0, (lxw_col_t)i, ut_column_heading(x->profile, i), NULL);
    x->row = 1;
    if (rc == UT_OK) {
        worksheet_set_landscape(x->page);
        worksheet_fit_to_pages(x->page, 1, 0);
    }
    if (rc == UT_OK)
        rc = ut_table_each(x->sheet, x->profile, xlsx_row, x, err);
    cell_close(&x->cell);
    lxw_error closed = workbook_close(book);
    if (rc == UT_OK && (x->failed || closed != LXW_NO_ERROR))
        rc = ut_fail(err, UT_E_IO, "%s: %s", path, closed ? lxw_strerror(closed) : "a cell does not fit the workbook");
    return rc;
}

ut_status ut_sheet_table_xlsx(const ut_sheet *sheet, const ut_profile *profile, const char *path, ut_err *err)
{
    xlsx x = {.sheet = sheet, .profile = profile};
    return ut_workbook_write(path, xlsx_fill, &x, err);
}
