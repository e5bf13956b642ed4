/* Takes a media file apart: every channel is separated on its own, at the model's rate; the stems come out at the
 * file's own rate and channel count, aligned to the sample and of the same length. Memory does not grow with the
 * length.
 *
 * The model hears up to half of its rate (8 kHz). Music holds what it found there; speech is the original minus music,
 * so that both add up to the original, and holds what lies above. */
#ifndef UT_APPS_SEPARATE_STEMS_H
#define UT_APPS_SEPARATE_STEMS_H

#include "pipeline/media.h"
#include "separator/separator.h"

typedef struct {
    const ut_model *model;
    const char *backend;
    ut_precision precision;
    bool floats;       /* as in ut_wav_format */
    const char *music; /* files to write; speech may be NULL */
    const char *speech;
    bool (*stopped)(void); /* asked after each second of audio */
    /* Progress: seconds done, of a total that may be NAN. May be NULL. */
    void (*advance)(void *arg, double seconds, double total_s);
    void *arg;
} ut_stems_options;

typedef struct {
    double seconds;
    int rate_hz, channels;
    char backend[32];
} ut_stems_result;

/* Both files appear when both are complete, or neither. UT_E_STOPPED if asked to stop. */
UT_CHECK ut_status ut_stems_write(const char *path, const ut_stems_options *options, ut_stems_result *out, ut_err *err);

#endif
