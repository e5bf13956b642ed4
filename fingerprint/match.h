/* The decision: which recordings a query holds, and how sure that is.
 *
 * Candidates come from votes. Each is then weighed peak by peak (evidence.h), which gives nats: a wrong hypothesis
 * reaches n of them with a probability of e^-n at most. A window has as many hypotheses as the catalogue has frames, so
 *
 *     E = frames of the catalogue x e^-(nats - spike - elsewhere - excess)
 *
 * is the number of wrong matches as good as this one to be expected in one window. It grows with the catalogue by
 * itself. Three things are taken off the evidence, because they show where chance is not as modelled:
 *
 *     spike       what the half second gives that gives most: the peaks of one chord or click come together
 *     elsewhere   what the hypothesis reaches when moved by up to 2 s: music that repeats itself, or its kin
 *     excess      what the best decoy (a recording run backwards; the index holds some) has beyond the logarithm of
 *                 the catalogue's frames
 *
 * A match must also explain the music that shows: see explains in match.c. Inside fingerprint/ only. */
#ifndef UT_FINGERPRINT_MATCH_H
#define UT_FINGERPRINT_MATCH_H

#include "core/types.h"
#include "fingerprint/evidence.h"
#include "fingerprint/vote.h"

/* Accept at or below. A channel has 1,200 windows an hour, so this is 1 false identification in 1,000 channel-hours. */
#define UT_MATCH_LOG10_E_DEFAULT (-6.1)

typedef struct {
    const ut_index_track *track;
    ut_evidence evidence;
    double log10_e;
} ut_match;

/* One thread. */
typedef struct ut_matcher ut_matcher;

UT_CHECK ut_status ut_matcher_open(const ut_index *index, ut_matcher **out, ut_err *err);
void ut_matcher_close(ut_matcher **matcher);
/* Writes the matches of recordings (never decoys) with some evidence, best first, at most `capacity`, and returns how
 * many. */
size_t ut_matcher_find(ut_matcher *matcher, const ut_query *query, ut_match *out, size_t capacity);
/* Judges one hypothesis, known beforehand: false if the recording has no peaks there or does not explain the music.
 * log10_e is that of one trial. The offset may move by a frame. */
bool ut_matcher_test(ut_matcher *matcher, const ut_query *query, int64_t begin, ut_match *out);

#endif
