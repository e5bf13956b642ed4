/* What is wrong with a cue sheet before it is sent: against a profile, row by row, with what to do about it. */
#ifndef UT_CUESHEET_CHECK_H
#define UT_CUESHEET_CHECK_H

#include "cuesheet/sheet.h"

typedef struct {
    bool error; /* else a warning: it can be sent, a person should look */
    size_t row; /* as the profile prints it, counted as its file counts; 0: the sheet as a whole */
    int seq;    /* of the cue; 0: the sheet */
    const char
        *code; /* "missing", "shares", "times", "identifier", "overlap", "unidentified", "gap", "rows", "total" */
    char text[240];
    char remedy[240];
} ut_sheet_finding;

typedef ut_status (*ut_sheet_finding_fn)(void *arg, const ut_sheet_finding *finding);
UT_CHECK ut_status ut_sheet_check(const ut_sheet *sheet, const ut_profile *profile, ut_sheet_finding_fn fn, void *arg,
                                  ut_err *err);

/* A cue sheet read back from a file, with all that it points to. */
typedef struct {
    ut_sheet sheet;
    ut_cue *cues;
    ut_recording *recordings;
    const ut_recording **recording_of; /* one per cue */
    ut_gap *gaps;
    char *strings[17]; /* of the header, and the channel */
} ut_sheet_file;

void ut_sheet_file_clear(ut_sheet_file *file);
/* The lossless JSON form, and the CSV or workbook of a profile (layout rapidcue or columns). Never trust their input;
 * errors read "NAME:LINE: what" and are UT_E_ARG. */
UT_CHECK ut_status ut_sheet_read_json(const char *name, const char *text, size_t size, ut_sheet_file *out, ut_err *err);
UT_CHECK ut_status ut_sheet_read_csv(const char *name, const char *text, size_t size, const ut_profile *profile,
                                     ut_sheet_file *out, ut_err *err);
UT_CHECK ut_status ut_sheet_read_xlsx(const char *name, const char *data, size_t size, const ut_profile *profile,
                                      ut_sheet_file *out, ut_err *err);

#endif
