/* Whether a claim and a recording are the same music, by what is written of them. Private to this folder. */
#ifndef UT_CUESHEET_AUDIT_IDENTITY_H
#define UT_CUESHEET_AUDIT_IDENTITY_H

#include "core/types.h"

typedef enum {
    UT_SAME_NOT,
    UT_SAME_WORK_ONLY, /* the work, but another recording of it */
    UT_SAME_WORK,      /* the work, and nothing says that it is another recording */
    UT_SAME_RECORDING,
} ut_sameness;

/* What is compared: canonical identifiers, and texts folded to small letters and digits. NULL or "": unknown. */
typedef struct {
    char isrc[13];
    char iswc[16];
    char *title, *work, *artist, *catalogue; /* the last: library and number */
    const ut_party *parties;                 /* borrowed */
    size_t party_count;
} ut_identity;

UT_CHECK ut_status ut_identity_open(const ut_recording *rec, ut_identity *out, ut_err *err);
void ut_identity_clear(ut_identity *identity);
ut_sameness ut_identity_compare(const ut_identity *a, const ut_identity *b);

/* Folded text, malloc'd; NULL for lack of memory. */
char *ut_fold(const char *text);

#endif
