/* One cell of a CSV. Private to this folder. */
#ifndef UT_CUESHEET_CELL_H
#define UT_CUESHEET_CELL_H

#include <stdio.h>

/* Quoted where RFC 4180 asks for it; what a spreadsheet would take for a formula is preceded by an apostrophe. NULL
 * is empty. */
void ut_csv_cell(FILE *out, const char *text);

#endif
