/* Which numbers of a workbook are times, and how such a number reads. Private to this folder. */
#ifndef UT_CUESHEET_XLSX_STYLE_H
#define UT_CUESHEET_XLSX_STYLE_H

#include "cuesheet/xlsx_part.h"

typedef struct {
    unsigned char *times; /* per cell style: 1 if its numbers are times */
    size_t count;
} ut_xlsx_styles;

/* A workbook without styles has no times. */
UT_CHECK ut_status ut_xlsx_styles_read(ut_xlsx *xlsx, ut_xlsx_styles *out, ut_err *err);
void ut_xlsx_styles_clear(ut_xlsx_styles *styles);

/* Days since 1900 (or 1904) as text: "2026-11-21", "2026-11-21 20:15:00.000", or "0:05:00.000" for a time without a
 * date. False: not a time of any calendar; the number stays one. */
bool ut_xlsx_time(double days, bool from_1904, char *buf, size_t size);

#endif
