/* Parties and usage as a claim writes them. Private to this folder. */
#ifndef UT_CUESHEET_CLAIM_PARTY_H
#define UT_CUESHEET_CLAIM_PARTY_H

#include "cuesheet/claim.h"
#include "cuesheet/claim_columns.h"

/* Adds the parties that the row names to the claim: one in the form of RapidCue, lists in any other. */
UT_CHECK ut_status ut_claim_parties(const ut_columns *columns, const ut_grid_row *row, ut_claim *claim, ut_err *err);
/* What a usage code or word says of background and foreground. */
ut_use ut_claim_use(const char *usage);
/* Adds a remark to the claim's note. */
void ut_claim_note(ut_claim *claim, const char *text);

#endif
