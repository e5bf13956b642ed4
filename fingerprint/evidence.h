/* The evidence for a hypothesis "this window of the stream is that stretch of a recording": a Bayes factor over the
 * peaks that the reference has there.
 *
 * What a witness has where the reference has a peak is one of six sights: nothing (0), a dense peak one bin beside it
 * (1), a fine one in its bin a frame off (2) or right there (3), a dense one a frame off (4) or right there (5); the
 * highest counts, and a broad peak counts as a fine one (peaks.h). Both witnesses together make a state of 36.
 *
 * Chance: how often each state occurs for this very peak when the query is moved by 6 to 126 frames either way. The
 * moved query shares notes, density and tempo with the right one, so a hit on a note that the piece repeats all the
 * time says little and a hit on a rare one says much.
 *
 * Presence: of the reference's peaks a part shows, and shows in the states that the situation favours (the music alone
 * heard by the separator, or plain in both). That part differs from one cell of the window (128 frames by a band of
 * frequencies) to the next, as speech comes and goes; it is averaged over a prior, not fitted. Situations, parts and
 * priors are those of evidence_prior.h, learned from known mixtures; a mixture alone has its own.
 *
 * nats is the logarithm of the ratio of the two probabilities. If chance is as modelled, a wrong hypothesis reaches n
 * nats with a probability of at most e^-n (Markov's inequality for e-values: Vovk and Wang, Annals of Statistics 49,
 * 2021), whatever the prior. Chance is an estimate from 241 shifts and peaks do come in bursts, so the decision
 * (match.h) takes off what two further looks show. Inside fingerprint/ only. */
#ifndef UT_FINGERPRINT_EVIDENCE_H
#define UT_FINGERPRINT_EVIDENCE_H

#include "core/types.h"
#include "fingerprint/query.h"

enum {
    UT_EVIDENCE_PEAKS_MAX = 1024, /* of the reference in the window; more are not looked at */
    UT_EVIDENCE_SLICE_FRAMES = 32,
};

typedef struct {
    int64_t begin; /* of the query's window on the index's timeline: within a frame of where it was said to be */
    double nats;   /* negative: the recording is not there */
    double found;  /* part of the reference's peaks that any witness has, fine ones too, within a frame */
    double chance; /* that part when the query is moved */
    ut_witness witness;
} ut_evidence;

/* One thread's room to work in. */
typedef struct ut_evidence_scratch ut_evidence_scratch;
UT_CHECK ut_status ut_evidence_open(ut_evidence_scratch **out, ut_err *err);
void ut_evidence_close(ut_evidence_scratch **scratch);

/* False if the reference has no peaks there. */
UT_CHECK bool ut_evidence_weigh(ut_evidence_scratch *scratch, const ut_index *index, const ut_query *query,
                                int64_t begin, ut_evidence *out);
/* The following are about the hypothesis weighed last.
 *
 * The most nats that it reaches when the query is moved: music that repeats itself, or keeps to the reference's notes
 * and beat, reaches some at wrong places too. */
UT_CHECK double ut_evidence_elsewhere(ut_evidence_scratch *scratch);
/* Writes what was seen of the reference's peaks, at most UT_EVIDENCE_PEAKS_MAX, and returns how many they are. */
typedef struct {
    int cell;      /* of the window */
    int state;     /* 6 * the mixture's sight + the music's */
    double chance; /* of this state, for this peak */
} ut_evidence_peak;
size_t ut_evidence_list(const ut_evidence_scratch *scratch, ut_evidence_peak *out);
/* Its nats without the half second that gives most. */
UT_CHECK double ut_evidence_spread(ut_evidence_scratch *scratch);
/* Writes the nats that each of the UT_EVIDENCE_SITUATIONS of evidence_prior.h would give alone. */
void ut_evidence_situations(ut_evidence_scratch *scratch, double *nats);

#endif
