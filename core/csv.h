/* CSV as RFC 4180 has it: comma, double quotes, any line ends; UTF-8 with or without a byte order
 * mark. Records come with the line they begin on. One thread. */
#ifndef UT_CORE_CSV_H
#define UT_CORE_CSV_H

#include "core/status.h"

typedef struct ut_csv ut_csv;

typedef struct {
    size_t line;               /* 1 … */
    size_t count;              /* fields */
    const char *const *fields; /* unquoted, NUL-terminated; valid until the next call */
} ut_csv_record;

/* Takes a copy of the text. `name` (borrowed) stands for it in messages: "NAME:LINE: …". UT_E_ARG:
 * not UTF-8, or a NUL byte inside. */
UT_CHECK ut_status ut_csv_open(const char *name, const char *text, size_t size, ut_csv **out, ut_err *err);
void ut_csv_close(ut_csv **csv);
/* Takes for the separator what the first line has most of outside quotes: comma, semicolon or tab. Before the first
 * record only; else fields are separated by commas. */
void ut_csv_sniff(ut_csv *csv);
/* The next record; count 0 at the end. Empty lines are left out. UT_E_ARG for quotes that do not
 * fit. */
UT_CHECK ut_status ut_csv_next(ut_csv *csv, ut_csv_record *record, ut_err *err);

#endif
