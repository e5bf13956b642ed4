#include "cuesheet/grid.h"

#include <string.h>

#include "core/csv.h"

static ut_status each_record(const char *name, ut_csv *csv, ut_grid_fn fn, void *arg, ut_err *err)
{
    ut_csv_record record;
    ut_status rc;
    for (size_t rows = 0; (rc = ut_csv_next(csv, &record, err)) == UT_OK && record.count > 0;) {
        if (++rows > UT_GRID_ROWS)
            return ut_fail(err, UT_E_ARG, "%s:%zu: more than %d rows; split the file", name, record.line, UT_GRID_ROWS);
        for (size_t i = 0; i < record.count; i++)
            if (strnlen(record.fields[i], UT_GRID_CELL_BYTES + 1) > UT_GRID_CELL_BYTES)
                return ut_fail(err, UT_E_ARG, "%s:%zu: field %zu has more than %d bytes", name, record.line, i + 1,
                               UT_GRID_CELL_BYTES);
        size_t count = record.count < UT_GRID_COLUMNS ? record.count : UT_GRID_COLUMNS;
        const ut_grid_row row = {.row = record.line, .count = count, .cells = record.fields};
        if ((rc = fn(arg, &row, err)) != UT_OK)
            return rc;
    }
    return rc;
}

ut_status ut_grid_each(const char *name, const char *sheet, const char *data, size_t size, ut_grid_fn fn, void *arg,
                       ut_err *err)
{
    ut_csv *csv = NULL;
    if (size >= 4 && memcmp(data, "PK\3\4", 4) == 0)
        return ut_grid_xlsx_each(name, sheet, data, size, fn, arg, err);
    if (size >= 4 && memcmp(data, "\xD0\xCF\x11\xE0", 4) == 0)
        return ut_fail(err, UT_E_ARG,
                       "%s: an old workbook (.xls) or one with a password; save it as .xlsx without one, or as CSV",
                       name);
    if (sheet)
        return ut_fail(err, UT_E_ARG, "%s: not a workbook, so it has no sheet \"%.60s\"", name, sheet);
    ut_status rc = ut_csv_open(name, data, size, &csv, err);
    if (rc == UT_OK)
        rc = each_record(name, csv, fn, arg, err);
    ut_csv_close(&csv);
    return rc;
}
