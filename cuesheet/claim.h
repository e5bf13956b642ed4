/* A submitted cue sheet or usage log: what somebody says was on air. docs/AUDIT.md names the columns.
 *
 * The file is never trusted. Every error reads "FILE:ROW: what: remedy" and is UT_E_ARG; nothing is taken from a file
 * with an error. Identifiers that are not well formed are no error but a note, for the rest of the row still tells
 * what was claimed. */
#ifndef UT_CUESHEET_CLAIM_H
#define UT_CUESHEET_CLAIM_H

#include "cuesheet/cue.h"

#define UT_CLAIM_ROWS 250000 /* a file with more claims is refused */

typedef struct {
    size_t row;        /* of the file, from 1 */
    ut_recording what; /* title, artist, isrc, work, iswc, label, library, catalogue_no, parties; NULL: not said */
    char *usage;       /* as it is written; NULL: not said */
    ut_use use;        /* what that says of background and foreground; unknown where it says nothing of it */
    int64_t start_ns, end_ns; /* UTC; end > start */
    char note[96];            /* "isrc not valid", …; "" for none */
} ut_claim;

typedef struct {
    const char *name;  /* stands for the file in messages and in the report */
    const char *sheet; /* of a workbook; NULL: the first that is shown */
    int64_t origin_ns; /* times without a date count from here, as on a cue sheet */
    bool has_offset;   /* of dates without one, in minutes east of UTC; without it they are an error */
    int offset_min;
    const char *date; /* "2026-11-21": times without a date are times of this day, at the offset; NULL: from origin */
} ut_claim_rules;

typedef struct {
    ut_claim *items; /* in the order of the file */
    size_t count;
} ut_claims;

/* Reads a CSV or XLSX file from memory. *out is to be cleared by the caller. */
UT_CHECK ut_status ut_claims_parse(const char *data, size_t size, const ut_claim_rules *rules, ut_claims *out,
                                   ut_err *err);
void ut_claims_clear(ut_claims *claims);

/* "+09:00", "-0330", "Z" in minutes east of UTC. UT_E_ARG: anything else. */
UT_CHECK ut_status ut_offset_parse(const char *text, int *offset_min, ut_err *err);

#endif
