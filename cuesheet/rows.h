/* The printed rows that CSV and XLSX share. Private to this folder. */
#ifndef UT_CUESHEET_ROWS_H
#define UT_CUESHEET_ROWS_H

#include <stdio.h>

#include "cuesheet/sheet.h"

typedef struct {
    int seq;
    bool first; /* carries the cue's times */
    char title[512];
    const char *usage;
    int64_t in_s, out_s, duration_s; /* out = in + duration, so that a row adds up */
    const char *role;                /* "C", "A", "AR", "E", "SE"; "" without a party */
    char first_name[128];
    char last_name[128];
    const char *publisher; /* "" for a person */
    const char *ipi;
    const char *society;
    double share; /* NAN: unknown */
} ut_row;

/* Calls fn for each row in order. */
typedef ut_status (*ut_row_fn)(void *arg, const ut_row *row, ut_err *err);
UT_CHECK ut_status ut_rows_each(const ut_sheet *sheet, ut_row_fn fn, void *arg, ut_err *err);
size_t ut_rows_count(const ut_sheet *sheet);
/* Sum of the printed durations, in seconds. */
int64_t ut_rows_total_s(const ut_sheet *sheet);
/* Whole seconds as the sheet prints them. */
int64_t ut_row_s(const ut_sheet *sheet, int64_t ms);
/* Half up. */
int64_t ut_round_s(int64_t ms);
/* Writes a workbook through a file beside it, so that the old one or the whole new one is there. */
UT_CHECK ut_status ut_workbook_write(const char *path, ut_status (*fill)(void *arg, const char *part, ut_err *err),
                                     void *arg, ut_err *err);

/* Titles of columns A to R. */
#define UT_ROW_COLUMNS 18
extern const char *const ut_row_titles[UT_ROW_COLUMNS];

#endif
