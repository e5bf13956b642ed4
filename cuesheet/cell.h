/* Text as a cell of a CSV, and within HTML. */
#ifndef UT_CUESHEET_CELL_H
#define UT_CUESHEET_CELL_H

#include <stdio.h>

/* Quoted where RFC 4180 asks for it; what a spreadsheet would take for a formula is preceded by an apostrophe. NULL
 * is empty. */
void ut_csv_put(FILE *out, const char *text);
/* Safe in elements and in quoted attributes. NULL is empty. */
void ut_html_put(FILE *out, const char *text);

#endif
