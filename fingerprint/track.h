/* The tracker: audio of one channel in, stretches of identified and unidentified music out. Inside: landmarks of the
 * mixture and of the separated music, votes, peak-level verification, an E-value, and the boundaries on both sides.
 *
 * Deterministic and of finite memory: what is emitted depends only on the samples, not on how they were cut into
 * pushes; and a fresh tracker opened at the resume sample emits from there on what this one would have. One thread
 * each. */
#ifndef UT_FINGERPRINT_TRACK_H
#define UT_FINGERPRINT_TRACK_H

#include "core/types.h"
#include "fingerprint/index.h"
#include "fingerprint/trail.h"

typedef struct ut_tracker ut_tracker;

/* What is kept of the stretch that was just emitted, where nothing or more than one recording explains it. Borrowed. */
typedef ut_status (*ut_trail_fn)(void *arg, const ut_trail *trail);

/* Called in order of end_sample; loudness fields are NAN (the analyser fills them). Other than UT_OK stops the push. */
typedef ut_status (*ut_identification_fn)(void *arg, const ut_identification *what);

typedef struct {
    double max_log10_e;   /* accept at or below; 0 = UT_MATCH_LOG10_E_DEFAULT of match.h */
    bool unidentified;    /* report music that nothing identifies */
    int64_t first_sample; /* sample index of the first sample pushed */
    ut_trail_fn keep;     /* with the arg of emit; NULL: nothing is kept */
    /* With the arg of emit: the clearest candidate of each window, whatever becomes of it, as the decision weighs it.
     * recording_id 0 and log10_e NAN: no candidate. NULL: nobody asks. */
    ut_identification_fn window;
} ut_tracker_options;

/* The index is borrowed and must outlive the tracker. */
UT_CHECK ut_status ut_tracker_open(const ut_index *index, const ut_tracker_options *options, ut_identification_fn emit,
                                   void *arg, ut_tracker **out, ut_err *err);
void ut_tracker_close(ut_tracker **tracker);
/* `mix` and `music` (NULL without a separator, and then always NULL) are aligned mono at UT_RATE_HZ. */
UT_CHECK ut_status ut_tracker_push(ut_tracker *tracker, const float *mix, const float *music, size_t frames,
                                   ut_err *err);
UT_CHECK ut_status ut_tracker_finish(ut_tracker *tracker, ut_err *err);
/* See above. Never decreases, and is at most a bounded time behind unless a stretch of music is still open. */
int64_t ut_tracker_resume_sample(const ut_tracker *tracker);

/* What a tracker would have identified in a stretch that it kept a trail of, had this index been there: the same
 * windows and decisions, but of the dense peaks only, which a trail keeps. Unidentified music is not emitted. */
UT_CHECK ut_status ut_tracker_rematch(const ut_index *index, double max_log10_e, const ut_trail *trail,
                                      ut_identification_fn emit, void *arg, ut_err *err);

#endif
