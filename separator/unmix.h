/* Interleaved audio of any rate and channel count, taken apart as it comes: every channel is separated on its own at
 * the model's rate, and the music comes back at the audio's own, aligned to the sample and of the same length. What
 * comes out does not depend on how the audio was cut. One thread; memory does not grow with the length. */
#ifndef UT_SEPARATOR_UNMIX_H
#define UT_SEPARATOR_UNMIX_H

#include "separator/separator.h"

#define UT_UNMIX_CHANNELS 32

typedef struct ut_unmix ut_unmix;

/* `original` and `music` are aligned, `frames` long, interleaved, borrowed for the call and may be written to. Other
 * than UT_OK ends the push that caused the call and is returned by it. */
typedef ut_status (*ut_unmix_fn)(void *arg, float *original, float *music, size_t frames, ut_err *err);

/* The model is borrowed. UT_E_UNSUPPORTED: more than UT_UNMIX_CHANNELS channels. */
UT_CHECK ut_status ut_unmix_open(const ut_model *model, const char *backend, ut_precision precision, int rate_hz,
                                 int channels, ut_unmix_fn emit, void *arg, ut_unmix **out, ut_err *err);
void ut_unmix_close(ut_unmix **unmix);
/* "onednn-f32", …: what was chosen. */
const char *ut_unmix_backend(const ut_unmix *unmix);
/* The most frames of the audio's rate that are held back. */
size_t ut_unmix_latency(const ut_unmix *unmix);

/* Forgets what it holds and begins anew, as after opening; the network stays as it is packed. */
UT_CHECK ut_status ut_unmix_restart(ut_unmix *unmix, ut_err *err);
UT_CHECK ut_status ut_unmix_push(ut_unmix *unmix, const float *interleaved, size_t frames, ut_err *err);
/* Emits what is left; then only a restart is of use. */
UT_CHECK ut_status ut_unmix_finish(ut_unmix *unmix, ut_err *err);

#endif
