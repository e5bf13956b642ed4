/* A finding as a row of text: what CSV, XLSX and HTML share. Private to this folder. */
#ifndef UT_CUESHEET_AUDIT_ROWS_H
#define UT_CUESHEET_AUDIT_ROWS_H

#include "cuesheet/audit.h"

#define UT_AUDIT_COLUMNS 23
#define UT_AUDIT_CUE_IDS 21 /* the column of the cues' ids */
#define UT_TOTAL_COLUMNS 16
#define UT_CUE_COLUMNS 11

typedef struct {
    const char *title;
    bool number;
} ut_audit_column;

extern const ut_audit_column ut_audit_columns[UT_AUDIT_COLUMNS];
extern const ut_audit_column ut_total_columns[UT_TOTAL_COLUMNS]; /* the first three: name, IPI, society */
extern const ut_audit_column ut_cue_columns[UT_CUE_COLUMNS];

/* Cells of one row: text, or a number (NAN: empty). */
typedef struct {
    const char *text;
    double number;
} ut_audit_cell;

/* What the texts of a row are made in; they live as long as it does. */
typedef struct {
    char claim_start[40], claim_end[40], cue_start[40], cue_end[40], differences[80];
    char *cue_ids; /* malloc'd */
} ut_audit_scratch;

UT_CHECK ut_status ut_audit_row(const ut_audit_report *report, size_t finding, ut_audit_scratch *scratch,
                                ut_audit_cell cells[UT_AUDIT_COLUMNS], ut_err *err);
void ut_audit_scratch_clear(ut_audit_scratch *scratch);
void ut_cue_row(const ut_audit_report *report, size_t cue, ut_audit_scratch *scratch,
                ut_audit_cell cells[UT_CUE_COLUMNS]);
void ut_total_row(const ut_total *total, ut_audit_cell cells[UT_TOTAL_COLUMNS]);

#endif
