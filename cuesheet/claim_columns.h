/* Which column of a claim means what. Private to this folder. */
#ifndef UT_CUESHEET_CLAIM_COLUMNS_H
#define UT_CUESHEET_CLAIM_COLUMNS_H

#include "cuesheet/grid.h"

typedef enum {
    UT_C_START,
    UT_C_END,
    UT_C_DURATION,
    UT_C_DATE,
    UT_C_TITLE,
    UT_C_ARTIST,
    UT_C_WORK,
    UT_C_ISRC,
    UT_C_ISWC,
    UT_C_LABEL,
    UT_C_LIBRARY,
    UT_C_CATALOGUE_NO,
    UT_C_USAGE,
    UT_C_COMPOSERS,
    UT_C_AUTHORS,
    UT_C_ARRANGERS,
    UT_C_PUBLISHERS,
    UT_C_ROLE, /* RapidCue: one party a row */
    UT_C_FIRST,
    UT_C_LAST,
    UT_C_IPI,
    UT_C_SOCIETY,
    UT_C_SHARE,
    UT_C_IN_H, /* RapidCue: times in parts */
    UT_C_IN_M,
    UT_C_IN_S,
    UT_C_OUT_H,
    UT_C_OUT_M,
    UT_C_OUT_S,
    UT_C_DUR_M,
    UT_C_DUR_S,
    UT_C_COUNT
} ut_column;

typedef struct {
    size_t header_row;  /* claims come after it */
    int at[UT_C_COUNT]; /* cell of each column; -1: the file has none */
} ut_columns;

#define UT_HEADER_WITHIN 40 /* rows that are looked through for a header */

/* Whether the row names a time and a piece of music, and so is a header; fills *out. UT_E_ARG: it is one that names
 * a column twice, or neither end nor duration. UT_E_NOTFOUND: it is none. */
UT_CHECK ut_status ut_columns_read(const char *name, const ut_grid_row *row, ut_columns *out, ut_err *err);
/* Columns A to R of the RapidCue workbook, from row 20. */
void ut_columns_rapidcue(ut_columns *out);
/* The cell without the spaces around it and without the apostrophe that guards a formula: its start, and *size. */
const char *ut_columns_cell(const ut_columns *columns, const ut_grid_row *row, ut_column column, size_t *size);

#endif
