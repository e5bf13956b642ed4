/* A cue sheet: the cues of one programme with what is known of their recordings, and its printed
 * forms. */
#ifndef UT_CUESHEET_SHEET_H
#define UT_CUESHEET_SHEET_H

#include "core/zone.h"
#include "cuesheet/cue.h"
#include "cuesheet/profile.h"

/* What stands above the cues. NULL: left empty. */
typedef struct {
    const char *programme, *aka, *episode, *episode_aka, *episode_no, *production_no;
    const char *company, *address, *prepared_by, *email;
    const char *classification; /* "Original" or "Revision" */
    const char *category, *version, *network;
    const char *prepared; /* date, as it is to be printed */
    const char *airdate;
} ut_sheet_header;

/* Everything is borrowed. */
typedef struct {
    ut_sheet_header header;
    const ut_profile *profile; /* rounding; NULL: whole seconds, half up */
    const ut_zone *zone;       /* of wall-clock times; NULL: UTC */
    const ut_airing *airing;   /* that it is the sheet of; NULL: of a range */
    const char *channel;
    int64_t start_ns, end_ns; /* of the programme, UTC */
    const ut_cue *cues;
    const ut_recording *const *recordings; /* one per cue; NULL: unidentified, or no longer in the catalogue */
    size_t count;
    const ut_gap *gaps; /* what was not captured: the sheet cannot speak for it */
    size_t gap_count;
    int64_t said_total_s; /* of music, as a file says it; 0: it says nothing of it */
} ut_sheet;

/* Data rows of the RapidCue workbook; a longer sheet is UT_E_ARG. */
#define UT_RAPIDCUE_ROWS 980

/* RapidCue, both forms: one row per party; whole seconds, each cue's duration rounded half up;
 * times stand on a cue's first row only, so that summing the column gives the total. Unidentified
 * music has a row and no party; so has ambiguous music, which is nobody's until a person decides.
 */

/* RFC 4180 in UTF-8, a header row and then the columns A to R. A cell that a spreadsheet would take
 * for a formula is preceded by an apostrophe. *data is malloc'd. */
UT_CHECK ut_status ut_sheet_csv(const ut_sheet *sheet, char **data, size_t *size, ut_err *err);
/* The ASCAP/BMI workbook layout (Cue_Sheet_Template_2016V3-6-5): header cells, rows from 20.
 * Written atomically. */
UT_CHECK ut_status ut_sheet_xlsx(const ut_sheet *sheet, const char *path, ut_err *err);
/* Lossless but for what the profile left out, one document, configs/schemas/cuesheet.v1.json. *data is malloc'd. */
UT_CHECK ut_status ut_sheet_json(const ut_sheet *sheet, char **data, size_t *size, ut_err *err);

/* The forms of a column profile: CSV, a workbook, and a page that prints. Totals are the sums of the printed rows. */
UT_CHECK ut_status ut_sheet_table_csv(const ut_sheet *sheet, const ut_profile *profile, char **data, size_t *size,
                                      ut_err *err);
UT_CHECK ut_status ut_sheet_table_xlsx(const ut_sheet *sheet, const ut_profile *profile, const char *path, ut_err *err);
UT_CHECK ut_status ut_sheet_html(const ut_sheet *sheet, const ut_profile *profile, char **data, size_t *size,
                                 ut_err *err);

#endif
