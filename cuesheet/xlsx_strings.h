/* The shared strings of a workbook. Private to this folder. */
#ifndef UT_CUESHEET_XLSX_STRINGS_H
#define UT_CUESHEET_XLSX_STRINGS_H

#include "cuesheet/xlsx_part.h"

typedef struct {
    char *bytes; /* one after the other, each with a NUL */
    size_t used, capacity;
    size_t *starts;
    size_t count, start_capacity;
} ut_xlsx_strings;

/* A workbook without them has none. */
UT_CHECK ut_status ut_xlsx_strings_read(ut_xlsx *xlsx, ut_xlsx_strings *out, ut_err *err);
void ut_xlsx_strings_clear(ut_xlsx_strings *strings);

#endif
