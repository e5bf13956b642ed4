/* The explanation of a match (fingerprint/explain.h) as a drawing for people and as JSON for programs. */
#ifndef UT_APPS_EXPLAIN_EXPLAIN_H
#define UT_APPS_EXPLAIN_EXPLAIN_H

#include <stdio.h>

#include <jansson.h>

#include "core/types.h"
#include "fingerprint/explain.h"

/* What the drawing says beside the numbers. Borrowed. */
typedef struct {
    const char *file;              /* where the audio is from */
    const ut_recording *recording; /* NULL: no longer in the catalogue */
    const char *separator;         /* name of the model; NULL: none */
    const char *params;
    int64_t catalogue_version;
} ut_explain_caption;

/* Draws an explanation as SVG; audio is what it was made of. Spectrograms with the peaks of recording and programme,
 * those that coincide marked; the series of coincidences; the E-value of each window; the votes for each offset. */
UT_CHECK ut_status ut_explain_draw(FILE *out, const ut_explain_audio *audio, const ut_explanation *explanation,
                                   const ut_explain_caption *caption, ut_err *err);
/* The same into a file, which is replaced whole or not at all. */
UT_CHECK ut_status ut_explain_write(const char *path, const ut_explain_audio *audio, const ut_explanation *explanation,
                                    const ut_explain_caption *caption, ut_err *err);
/* The numbers behind it; NULL if out of memory. */
json_t *ut_explain_json(const ut_explanation *explanation, const ut_explain_caption *caption);

#endif
