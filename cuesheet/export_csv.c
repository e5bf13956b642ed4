#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuesheet/cell.h"
#include "cuesheet/rows.h"

static void put_times(FILE *out, const ut_row *row)
{
    if (!row->first) {
        fputs(",,,,,,,,", out); /* eight cells, seven commas between them and one after */
        return;
    }
    const int64_t times[2] = {row->in_s, row->out_s};
    for (int i = 0; i < 2; i++)
        fprintf(out, "%" PRId64 ",%" PRId64 ",%" PRId64 ",", times[i] / 3600, times[i] / 60 % 60, times[i] % 60);
    fprintf(out, "%" PRId64 ",%" PRId64 ",", row->duration_s / 60, row->duration_s % 60);
}

static ut_status put_row(void *arg, const ut_row *row, ut_err *err)
{
    (void)err;
    FILE *out = arg;
    fprintf(out, "%d,", row->seq);
    ut_csv_put(out, row->title);
    fprintf(out, ",%s,", row->usage);
    put_times(out, row);
    const char *const cells[] = {row->role, row->first_name, row->last_name, row->publisher, row->ipi, row->society};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        ut_csv_put(out, cells[i]);
        fputc(',', out);
    }
    if (!isnan(row->share))
        fprintf(out, "%.6g", row->share);
    fputs("\r\n", out);
    return UT_OK;
}

ut_status ut_sheet_csv(const ut_sheet *sheet, char **data, size_t *size, ut_err *err)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return ut_fail(err, UT_E_NOMEM, "cue sheet: CSV");
    for (int i = 0; i < UT_ROW_COLUMNS; i++)
        fprintf(out, "%s%s", ut_row_titles[i], i + 1 < UT_ROW_COLUMNS ? "," : "\r\n");
    ut_status rc = ut_rows_each(sheet, put_row, out, err);
    bool failed = ferror(out) != 0;
    failed |= fclose(out) != 0;
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
