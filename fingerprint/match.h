/* The decision: which recordings a query holds, and how sure that is.
 *
 * Candidates come from votes. Each is then judged by its coincidence profile: the reference's peaks that the query has
 * too at the hypothesised offset (k), against those at the other offsets within ±2 s (mean m, standard deviation s).
 * The other offsets share notes, density and tempo with the right one, so music that merely resembles the query raises
 * m and s along with k. Evidence, in nats, is Poisson's k ln(k/c) - k + c over the chance level c = m + 2 s, once for
 * single peaks and once for pairs, added.
 *
 * E-value: what the best other track of the index reaches in the same window, decoys (recordings run backwards)
 * included, is chance or kinship too; half of it is taken off (`margin`). Over windows of absent music, half-remembered
 * cousins of it included, the margin has an exponential tail; its level and slope are in match.c with the measurement
 * behind them. log10_e is the expected number of wrong matches as good as this one in one window.
 *
 * Inside fingerprint/ only. */
#ifndef UT_FINGERPRINT_MATCH_H
#define UT_FINGERPRINT_MATCH_H

#include "core/types.h"
#include "fingerprint/profile.h"

/* Accept at or below. A channel has 1,200 windows an hour: -6.1 would leave 1 false identification to 1,000
 * channel-hours if music were independent. Tracks of one album are not: of 1,000 queries of absent music and speech two
 * still lie below -9 (-10.8 and -13.9, docs/benchmarks/identification.md). */
#define UT_MATCH_LOG10_E_DEFAULT (-9.0)

typedef struct {
    const ut_index_track *track;
    int64_t begin; /* where on the index's timeline the query's window begins */
    double score;  /* nats */
    double margin; /* nats */
    double log10_e;
    double chance; /* part of the reference's peaks that the query would have anyway */
    double found;  /* part of the reference's peaks that the query has */
    ut_witness witness;
} ut_match;

/* One thread. */
typedef struct ut_matcher ut_matcher;

UT_CHECK ut_status ut_matcher_open(const ut_index *index, ut_matcher **out, ut_err *err);
void ut_matcher_close(ut_matcher **matcher);
/* Writes the matches of recordings (never decoys) with some evidence, best first, at most `capacity`, and returns how
 * many. */
size_t ut_matcher_find(ut_matcher *matcher, const ut_query *query, ut_match *out, size_t capacity);
/* Judges one hypothesis, known beforehand: false if the recording has no peaks there. margin = score; log10_e is that
 * of one trial. The offset may move by a frame. */
bool ut_matcher_test(const ut_matcher *matcher, const ut_query *query, int64_t begin, ut_match *out);

#endif
