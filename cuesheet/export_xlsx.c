#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xlsxwriter.h>

#include "cuesheet/rows.h"

#define FIRST_ROW 20 /* as the workbook counts, from 1 */

typedef struct {
    lxw_worksheet *sheet;
    lxw_row_t row; /* from 0 */
    bool failed;
} xlsx_out;

/* Everything that is text is written as a string cell: never a formula, and leading zeros stay. */
static void put_text(xlsx_out *out, lxw_row_t row, lxw_col_t col, const char *text)
{
    if (text && *text)
        out->failed |= worksheet_write_string(out->sheet, row, col, text, NULL) != LXW_NO_ERROR;
}

static void put_number(xlsx_out *out, lxw_row_t row, lxw_col_t col, double number)
{
    out->failed |= worksheet_write_number(out->sheet, row, col, number, NULL) != LXW_NO_ERROR;
}

static void put_formula(xlsx_out *out, lxw_row_t row, lxw_col_t col, const char *formula, double value)
{
    out->failed |= worksheet_write_formula_num(out->sheet, row, col, formula, NULL, value) != LXW_NO_ERROR;
}

static void put_header(xlsx_out *out, const ut_sheet *sheet)
{
    const ut_sheet_header *h = &sheet->header;
    const struct {
        int row; /* as the workbook counts */
        char column;
        const char *label, *value;
    } cells[] = {
        {4, 'N', "Series/Film Name:", h->programme},
        {5, 'N', "Series/Film AKA:", h->aka},
        {6, 'N', "Episode Name:", h->episode},
        {7, 'N', "Episode AKA:", h->episode_aka},
        {8, 'N', "Episode #:", h->episode_no},
        {9, 'N', "Production #:", h->production_no},
        {11, 'N', "Company Name:", h->company},
        {12, 'N', "Company Address:", h->address},
        {13, 'N', "Prepared By:", h->prepared_by},
        {14, 'N', "Email:", h->email},
        {4, 'D', "Classification:", h->classification},
        {5, 'D', "Date Prepared:", h->prepared},
        {8, 'D', "Original Airdate:", h->airdate},
        {9, 'D', "Category:", h->category},
        {10, 'D', "Version:", h->version},
        {11, 'D', "Network:", h->network},
        {13, 'D', "Show Length (M, S):", NULL},
        {14, 'D', "Music Length (M, S):", NULL},
    };
    put_text(out, 0, 0, "MUSIC CUE SHEET");
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        lxw_row_t row = (lxw_row_t)cells[i].row - 1;
        put_text(out, row, cells[i].column == 'D' ? 0 : 'L' - 'A', cells[i].label);
        put_text(out, row, (lxw_col_t)(cells[i].column - 'A'), cells[i].value);
    }
    int64_t show_s = ut_row_s(sheet, (sheet->end_ns - sheet->start_ns) / 1000000), music_s = ut_rows_total_s(sheet);
    put_number(out, 12, 'D' - 'A', (double)(show_s / 60));
    put_number(out, 12, 'F' - 'A', (double)(show_s % 60));
    /* Formulas, so that the total follows whoever corrects a row; with the value for readers that do not calculate. */
    put_formula(out, 13, 'D' - 'A', "=INT((60*SUM(J20:J999)+SUM(K20:K999))/60)", (double)(music_s / 60));
    put_formula(out, 13, 'F' - 'A', "=MOD(60*SUM(J20:J999)+SUM(K20:K999),60)", (double)(music_s % 60));
}

static ut_status put_row(void *arg, const ut_row *row, ut_err *err)
{
    (void)err;
    xlsx_out *out = arg;
    put_number(out, out->row, 0, row->seq);
    put_text(out, out->row, 1, row->title);
    put_text(out, out->row, 2, row->usage);
    if (row->first) {
        const int64_t times[] = {
            row->in_s / 3600,     row->in_s / 60 % 60, row->in_s % 60,       row->out_s / 3600,
            row->out_s / 60 % 60, row->out_s % 60,     row->duration_s / 60, row->duration_s % 60,
        };
        for (size_t i = 0; i < sizeof times / sizeof *times; i++)
            put_number(out, out->row, (lxw_col_t)(3 + i), (double)times[i]);
    }
    const char *const cells[] = {row->role, row->first_name, row->last_name, row->publisher, row->ipi, row->society};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        put_text(out, out->row, (lxw_col_t)(11 + i), cells[i]);
    if (!isnan(row->share))
        put_number(out, out->row, 17, row->share);
    out->row++;
    return UT_OK;
}

static ut_status write_workbook(void *arg, const char *path, ut_err *err)
{
    const ut_sheet *sheet = arg;
    lxw_workbook *book = workbook_new(path);
    if (!book)
        return ut_fail(err, UT_E_NOMEM, "%s: workbook", path);
    xlsx_out out = {.sheet = workbook_add_worksheet(book, "Cue Sheet"), .row = FIRST_ROW - 1};
    ut_status rc = out.sheet ? UT_OK : ut_fail(err, UT_E_NOMEM, "%s: worksheet", path);
    if (rc == UT_OK) {
        lxw_row_col_options hidden = {.hidden = LXW_TRUE};
        out.failed |= worksheet_set_column_opt(out.sheet, 15, 15, LXW_DEF_COL_WIDTH, NULL, &hidden) != LXW_NO_ERROR;
        out.failed |= worksheet_set_column(out.sheet, 1, 1, 40, NULL) != LXW_NO_ERROR;
        out.failed |= worksheet_set_column(out.sheet, 3, 10, 10, NULL) != LXW_NO_ERROR; /* a date fits */
        worksheet_set_landscape(out.sheet); /* printed on pages as wide as the form */
        worksheet_fit_to_pages(out.sheet, 1, 0);
        put_header(&out, sheet);
        for (lxw_col_t i = 0; i < UT_ROW_COLUMNS; i++) /* the hidden column P is headed "Publisher" in the template */
            put_text(&out, FIRST_ROW - 2, i, i == 15 ? "Publisher" : ut_row_titles[i]);
        rc = ut_rows_each(sheet, put_row, &out, err);
    }
    lxw_error closed = workbook_close(book);
    if (rc == UT_OK && (out.failed || closed != LXW_NO_ERROR))
        rc = ut_fail(err, UT_E_IO, "%s: %s", path, closed ? lxw_strerror(closed) : "a cell does not fit the workbook");
    return rc;
}

/* Creates the file (the library would print its own complaint) or flushes it to the disk. */
static ut_status touch_or_sync(const char *path, int flags, ut_err *err)
{
    int fd = open(path, flags | O_CLOEXEC, 0666);
    if (fd < 0 || fsync(fd) != 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return ut_fail(err, error == ENOSPC ? UT_E_FULL : UT_E_IO, "%s: %s", path, strerror(error));
    }
    close(fd);
    return UT_OK;
}

ut_status ut_workbook_write(const char *path, ut_status (*fill)(void *arg, const char *part, ut_err *err), void *arg,
                            ut_err *err)
{
    char part[4096];
    if ((size_t)snprintf(part, sizeof part, "%s.%d.tmp", path, (int)getpid()) >= sizeof part)
        return ut_fail(err, UT_E_ARG, "%s: path too long", path);
    ut_status rc = touch_or_sync(part, O_WRONLY | O_CREAT | O_TRUNC, err);
    if (rc != UT_OK)
        return rc;
    rc = fill(arg, part, err);
    if (rc == UT_OK)
        rc = touch_or_sync(part, O_RDONLY, err);
    if (rc == UT_OK && rename(part, path) != 0)
        rc = ut_fail(err, UT_E_IO, "%s: %s", path, strerror(errno));
    if (rc != UT_OK)
        unlink(part);
    return rc;
}

ut_status ut_sheet_xlsx(const ut_sheet *sheet, const char *path, ut_err *err)
{
    size_t rows = ut_rows_count(sheet);
    if (rows > UT_RAPIDCUE_ROWS)
        return ut_fail(err, UT_E_ARG, "%s: %zu rows, the RapidCue workbook holds %d", path, rows, UT_RAPIDCUE_ROWS);
    return ut_workbook_write(path, write_workbook, (void *)sheet, err);
}
