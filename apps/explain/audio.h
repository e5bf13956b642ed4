/* A stretch of a media file in memory, with its separated music. */
#ifndef UT_APPS_EXPLAIN_AUDIO_H
#define UT_APPS_EXPLAIN_AUDIO_H

#include "fingerprint/explain.h"
#include "separator/separator.h"

typedef struct {
    double from_s, to_s;   /* of the file; to_s INFINITY: to its end */
    const ut_model *model; /* NULL: no separation */
    const char *backend;
    ut_precision precision;
    bool (*stopped)(void); /* asked after each second of audio; NULL: never */
} ut_explain_source;

/* The arrays of *out are malloc'd: ut_explain_audio_free. UT_E_ARG: the stretch is longer than an hour, or the file
 * ends before it. */
UT_CHECK ut_status ut_explain_load(const char *path, const ut_explain_source *source, ut_explain_audio *out,
                                   ut_err *err);
void ut_explain_audio_free(ut_explain_audio *audio);

#endif
