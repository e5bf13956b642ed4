/* An identification as `identify` prints it: one line of JSON, or a line of a table. */
#ifndef UT_APPS_IDENTIFIED_H
#define UT_APPS_IDENTIFIED_H

#include <stdio.h>

#include "core/types.h"

/* What is the same for all identifications of a run; borrowed strings. */
typedef struct {
    const char *model_hash; /* NULL: no separation */
    const char *params;
    int64_t catalogue_version;
} ut_versions;

/* recording: NULL if unidentified, or gone from the store. UT_E_IO if it cannot be written. */
UT_CHECK ut_status ut_identified_json(FILE *out, const char *file, const ut_identification *what,
                                      const ut_recording *recording, const ut_versions *versions, ut_err *err);
void ut_identified_text(FILE *out, const ut_identification *what, const ut_recording *recording);

#endif
