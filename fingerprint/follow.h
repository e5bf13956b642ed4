/* A match followed through time, window after window, and what it comes to: one identification with a start and an end
 * on both sides. Frames are the programme's unless it says otherwise. Inside fingerprint/ only. */
#ifndef UT_FINGERPRINT_FOLLOW_H
#define UT_FINGERPRINT_FOLLOW_H

#include "fingerprint/match.h"
#include "fingerprint/trace.h"

/* Playing speeds, 0 … UT_SPEEDS - 1: the recording's own; film at 24 frames a second shown at 25, and the other way.
 * Other speeds move frequencies too, as tape does. */
enum { UT_SPEEDS = 3 };
/* Frames of the recording per frame of the programme; frequencies of the programme per frequency of the recording. */
double ut_speed(int speed);
/* The frame of the programme as the recording at its own speed would have it, and back. */
int32_t ut_speed_to_recording(int speed, int32_t frame);
int32_t ut_speed_to_programme(int speed, int32_t frame);
/* The programme's peaks as the recording at its own speed would have them. *out is emptied first. */
UT_CHECK ut_status ut_peaks_pace(const ut_params *params, int speed, const ut_peaks *in, ut_peaks *out, ut_err *err);

typedef struct {
    ut_match best;  /* of the window that spoke clearest */
    ut_trace trace; /* in frames of the recording's speed */
    int speed;
    int32_t last_window; /* frame where the last window that held it begins */
    int32_t not_before;  /* where the same recording, at another offset, was still playing */
    int windows;         /* that held it */
    int twins;           /* of them, those in which another recording fits as well */
    int witnesses[UT_QUERY_WITNESSES];
    double chance; /* sums over the windows */
    double found;
} ut_follow;

/* Notes that the window beginning at frame `at` holds it; once for each window. */
void ut_follow_support(ut_follow *follow, int32_t at, const ut_match *match);
/* From where to where it sounds; false if it does not. */
UT_CHECK bool ut_follow_stretch(const ut_follow *follow, ut_stretch *out);
/* The identification of a stretch; loudness is left open. */
ut_identification ut_follow_identify(const ut_follow *follow, const ut_params *params, const ut_stretch *stretch);

/* Where the middle of a frame's spectrum lies, in samples at UT_RATE_HZ. */
int64_t ut_frame_middle_sample(const ut_params *params, int64_t frame);

#endif
