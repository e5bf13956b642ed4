/* A grid of cells out of a file that somebody sent: rows of text cells, whatever the file was. Private to this folder.
 *
 * The input is never trusted: every size is bounded, and what does not fit is an error that names it. */
#ifndef UT_CUESHEET_GRID_H
#define UT_CUESHEET_GRID_H

#include <stddef.h>

#include "core/status.h"

#define UT_GRID_COLUMNS 256     /* cells beyond are left out */
#define UT_GRID_ROWS 1048576    /* as a worksheet may have; more is UT_E_ARG */
#define UT_GRID_CELL_BYTES 8192 /* a longer cell is UT_E_ARG */

typedef struct {
    size_t row;   /* from 1: the line of a CSV, the row of a worksheet */
    size_t count; /* cells; what lies beyond is empty */
    const char *const *cells;
} ut_grid_row;

/* Rows come in order; those without any text may be left out. Other than UT_OK from it ends the walk. */
typedef ut_status (*ut_grid_fn)(void *arg, const ut_grid_row *row, ut_err *err);

/* Walks a CSV or an XLSX, whichever the bytes are. `name` stands for the file in messages; `sheet` is the worksheet's
 * name, NULL for the first that is shown. */
UT_CHECK ut_status ut_grid_each(const char *name, const char *sheet, const char *data, size_t size, ut_grid_fn fn,
                                void *arg, ut_err *err);
UT_CHECK ut_status ut_grid_xlsx_each(const char *name, const char *sheet, const char *data, size_t size, ut_grid_fn fn,
                                     void *arg, ut_err *err);

#endif
