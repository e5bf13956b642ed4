#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xlsxwriter.h>

#include "core/clock.h"
#include "core/file.h"
#include "cuesheet/audit_rows.h"

#define TEXT_BYTES 32000 /* a cell holds 32767 characters */
#define MAX_LINKS 60000  /* a worksheet holds 65530 */
#define MAX_FILE ((size_t)1 << 30)

typedef struct {
    lxw_workbook *book;
    lxw_worksheet *sheet;
    lxw_format *bold;
    lxw_row_t row;
    bool failed;
} book_out;

/* As a string cell always: never a formula, and leading zeros stay. */
static void put_text(book_out *out, lxw_col_t col, const char *text)
{
    char cut[TEXT_BYTES + 1];
    size_t size = text ? strlen(text) : 0;
    if (size == 0)
        return;
    if (size > TEXT_BYTES) {
        size = TEXT_BYTES;
        while (size > 0 && ((unsigned char)text[size] & 0xC0) == 0x80)
            size--;
        memcpy(cut, text, size);
        cut[size] = '\0';
        text = cut;
    }
    out->failed |= worksheet_write_string(out->sheet, out->row, col, text, NULL) != LXW_NO_ERROR;
}

static void put_cell(book_out *out, lxw_col_t col, const ut_audit_cell *cell)
{
    if (cell->text)
        put_text(out, col, cell->text);
    else if (!isnan(cell->number))
        out->failed |= worksheet_write_number(out->sheet, out->row, col, cell->number, NULL) != LXW_NO_ERROR;
}

static bool sheet_begin(book_out *out, const char *name, const ut_audit_column *columns, size_t count)
{
    out->sheet = workbook_add_worksheet(out->book, name);
    out->row = 0;
    if (!out->sheet)
        return false;
    for (size_t i = 0; i < count; i++) {
        out->failed |= worksheet_write_string(out->sheet, 0, (lxw_col_t)i, columns[i].title, out->bold) != LXW_NO_ERROR;
        double width = columns[i].number ? 11 : 22;
        out->failed |= worksheet_set_column(out->sheet, (lxw_col_t)i, (lxw_col_t)i, width, NULL) != LXW_NO_ERROR;
    }
    if (count > 0) {
        worksheet_freeze_panes(out->sheet, 1, 0);
        out->row = 1;
    }
    return true;
}

static void put_pair(book_out *out, const char *label, const char *text, double number)
{
    put_text(out, 0, label);
    if (text)
        put_text(out, 1, text);
    else
        out->failed |= worksheet_write_number(out->sheet, out->row, 1, number, NULL) != LXW_NO_ERROR;
    out->row++;
}

static void put_summary(book_out *out, const ut_audit_report *report)
{
    const ut_audit_input *in = report->input;
    char start[40], end[40], made[40];
    ut_audit_sum sums[UT_AUDIT_OUTCOMES];
    ut_audit_sums(report->audit, sums);
    worksheet_set_column(out->sheet, 0, 1, 44, NULL);
    put_pair(out, "Claim", report->claim_file, 0);
    put_pair(out, "SHA-256", report->claim_sha256, 0);
    put_pair(out, "Channel", in->channel, 0);
    put_pair(out, "From", ut_time_format(in->start_ns, start, sizeof start), 0);
    put_pair(out, "To", ut_time_format(in->end_ns, end, sizeof end), 0);
    put_pair(out, "Made", ut_time_format(report->made_ns, made, sizeof made), 0);
    put_pair(out, "Engine", UT_VERSION, 0);
    put_pair(out, "Edge tolerance s", NULL, in->rules.edge_s);
    put_pair(out, "Duration tolerance s", NULL, in->rules.duration_s);
    put_pair(out, "Duration tolerance, part", NULL, in->rules.duration_ratio);
    put_pair(out, "Looked for within s", NULL, in->rules.search_s);
    put_pair(out, "Claims outside the range", NULL, (double)report->audit->outside);
    put_pair(out, "Not captured or not analysed s", NULL, (double)(report->audit->unobserved_ns / 1000000) / 1e3);
    out->row++;
    put_text(out, 0, "Outcome");
    put_text(out, 1, "Findings");
    put_text(out, 2, "Seconds");
    out->row++;
    for (int i = 0; i < UT_AUDIT_OUTCOMES; i++) {
        put_text(out, 0, ut_audit_outcome_title((ut_audit_outcome)i));
        out->failed |= worksheet_write_number(out->sheet, out->row, 1, (double)sums[i].count, NULL) != LXW_NO_ERROR;
        out->failed |=
            worksheet_write_number(out->sheet, out->row, 2, (double)(sums[i].ns / 1000000) / 1e3, NULL) != LXW_NO_ERROR;
        out->row++;
    }
    out->row++;
    put_text(out, 0, "Only \"no music present\" counts against a claimant.");
}

static ut_status put_findings(book_out *out, const ut_audit_report *report, ut_err *err)
{
    for (size_t f = 0; f < report->audit->count; f++, out->row++) {
        const ut_audit_finding *finding = &report->audit->findings[f];
        ut_audit_scratch scratch;
        ut_audit_cell cells[UT_AUDIT_COLUMNS];
        char url[64];
        ut_status rc = ut_audit_row(report, f, &scratch, cells, err);
        if (rc != UT_OK)
            return rc;
        if (finding->cue_count > 0 && f < MAX_LINKS) { /* to the first cue's row on its own sheet */
            snprintf(url, sizeof url, "internal:Cues!A%zu", report->audit->links[finding->first_cue] + 2);
            worksheet_write_url(out->sheet, out->row, UT_AUDIT_CUE_IDS, url, NULL);
        }
        for (size_t i = 0; i < UT_AUDIT_COLUMNS; i++)
            put_cell(out, (lxw_col_t)i, &cells[i]);
        ut_audit_scratch_clear(&scratch);
    }
    return UT_OK;
}

static void put_cues(book_out *out, const ut_audit_report *report)
{
    for (size_t i = 0; i < report->input->cue_count; i++, out->row++) {
        ut_audit_scratch scratch;
        ut_audit_cell cells[UT_CUE_COLUMNS];
        ut_cue_row(report, i, &scratch, cells);
        for (size_t k = 0; k < UT_CUE_COLUMNS; k++)
            put_cell(out, (lxw_col_t)k, &cells[k]);
    }
}

static void put_totals(book_out *out, const ut_totals *totals)
{
    for (size_t i = 0; i < totals->count; i++, out->row++) {
        ut_audit_cell cells[UT_TOTAL_COLUMNS];
        ut_total_row(&totals->items[i], cells);
        for (size_t k = 0; k < UT_TOTAL_COLUMNS; k++)
            put_cell(out, (lxw_col_t)k, &cells[k]);
    }
}

static ut_status write_book(const ut_audit_report *report, const char *path, ut_err *err)
{
    book_out out = {.book = workbook_new(path)};
    if (!out.book)
        return ut_fail(err, UT_E_NOMEM, "audit: workbook");
    ut_status rc = UT_OK;
    out.bold = workbook_add_format(out.book);
    bool ok = out.bold != NULL;
    if (ok)
        format_set_bold(out.bold);
    if (ok && (ok = sheet_begin(&out, "Summary", NULL, 0)))
        put_summary(&out, report);
    if (ok && (ok = sheet_begin(&out, "Findings", ut_audit_columns, UT_AUDIT_COLUMNS)))
        rc = put_findings(&out, report, err);
    if (ok && (ok = sheet_begin(&out, "Societies", ut_total_columns, UT_TOTAL_COLUMNS)))
        put_totals(&out, &report->societies);
    if (ok && (ok = sheet_begin(&out, "Parties", ut_total_columns, UT_TOTAL_COLUMNS)))
        put_totals(&out, &report->parties);
    if (ok && (ok = sheet_begin(&out, "Cues", ut_cue_columns, UT_CUE_COLUMNS)))
        put_cues(&out, report);
    lxw_error closed = workbook_close(out.book);
    if (rc == UT_OK && (!ok || out.failed || closed != LXW_NO_ERROR))
        rc = ut_fail(err, UT_E_IO, "audit: workbook: %s",
                     closed ? lxw_strerror(closed) : "the findings do not fit a worksheet");
    return rc;
}

/* The library writes to a path; the caller wants bytes, to put them where they belong in one piece. */
ut_status ut_audit_xlsx(const ut_audit_report *report, char **data, size_t *size, ut_err *err)
{
    char path[512];
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%.400s/undertone-XXXXXX", folder && *folder ? folder : "/tmp");
    int fd = mkstemp(path);
    if (fd < 0)
        return ut_fail(err, UT_E_IO, "%s: cannot be made; set TMPDIR to a folder with room", path);
    close(fd);
    ut_status rc = write_book(report, path, err);
    if (rc == UT_OK)
        rc = ut_file_read(path, MAX_FILE, data, size, err);
    unlink(path);
    return rc;
}
