#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cuesheet/audit_rows.h"
#include "cuesheet/cell.h"

static void put_cell(FILE *out, const ut_audit_cell *cell)
{
    if (cell->text)
        ut_csv_put(out, cell->text);
    else if (!isnan(cell->number))
        fprintf(out, "%.12g", cell->number);
}

ut_status ut_audit_csv(const ut_audit_report *report, char **data, size_t *size, ut_err *err)
{
    char *made = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&made, &length);
    if (!out)
        return ut_fail(err, UT_E_NOMEM, "audit: CSV");
    for (size_t i = 0; i < UT_AUDIT_COLUMNS; i++)
        fprintf(out, "%s%s", ut_audit_columns[i].title, i + 1 < UT_AUDIT_COLUMNS ? "," : "\r\n");
    ut_status rc = UT_OK;
    for (size_t f = 0; rc == UT_OK && f < report->audit->count; f++) {
        ut_audit_scratch scratch;
        ut_audit_cell cells[UT_AUDIT_COLUMNS];
        if ((rc = ut_audit_row(report, f, &scratch, cells, err)) != UT_OK)
            break;
        for (size_t i = 0; i < UT_AUDIT_COLUMNS; i++) {
            put_cell(out, &cells[i]);
            fputs(i + 1 < UT_AUDIT_COLUMNS ? "," : "\r\n", out);
        }
        ut_audit_scratch_clear(&scratch);
    }
    bool failed = ferror(out) != 0;
    failed |= fclose(out) != 0;
    if (rc == UT_OK && failed)
        rc = ut_fail(err, UT_E_NOMEM, "audit: CSV");
    if (rc != UT_OK) {
        free(made);
        return rc;
    }
    *data = made;
    *size = length;
    return UT_OK;
}
