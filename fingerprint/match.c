#include "fingerprint/match.h"

#include <math.h>
#include <stdlib.h>

enum { CANDIDATES = 300, NEAR = 4 /* frames around the hypothesis that are not taken for chance */ };

struct ut_matcher {
    const ut_index *index;
    ut_votes *votes;
    ut_candidate candidates[CANDIDATES];
    ut_match judged[CANDIDATES];
};

ut_status ut_matcher_open(const ut_index *index, ut_matcher **out, ut_err *err)
{
    ut_matcher *m = calloc(1, sizeof *m);
    if (!m)
        return ut_fail(err, UT_E_NOMEM, "matcher");
    m->index = index;
    ut_status rc = ut_votes_open(index, &m->votes, err);
    if (rc != UT_OK) {
        ut_matcher_close(&m);
        return rc;
    }
    *out = m;
    return UT_OK;
}

void ut_matcher_close(ut_matcher **matcher)
{
    if (!*matcher)
        return;
    ut_votes_close(&(*matcher)->votes);
    free(*matcher);
    *matcher = NULL;
}

typedef struct {
    double hits;
    double mean;
    double nats;
} evidence;

/* counts[i]: coincidences at shift i, of both witnesses; those at the neighbouring frames belong to them. */
static evidence weigh(const double counts[UT_QUERY_SHIFTS], int shift)
{
    double sum = 0, squares = 0;
    int others = 0;
    for (int i = 1; i + 1 < UT_QUERY_SHIFTS; i++) {
        if (abs(i - UT_PROFILE_CENTRE) <= NEAR)
            continue;
        double k = counts[i - 1] + counts[i] + counts[i + 1];
        sum += k;
        squares += k * k;
        others++;
    }
    double mean = fmax(sum / others, 0.25);
    double variance = fmax(squares / others - (sum / others) * (sum / others), mean);
    double chance = mean + 2 * sqrt(variance);
    double hits = counts[shift - 1] + counts[shift] + counts[shift + 1];
    double k = fmax(hits, chance);
    return (evidence){.hits = hits, .mean = sum / others, .nats = k * log(k / chance) - k + chance};
}

static void add_witnesses(uint16_t counts[UT_QUERY_WITNESSES][UT_QUERY_SHIFTS], double sum[UT_QUERY_SHIFTS])
{
    for (int i = 0; i < UT_QUERY_SHIFTS; i++)
        sum[i] = counts[0][i] + counts[1][i];
}

/* The witness whose coincidences stand out; both, where neither has most of them. */
static ut_witness witness_of(const ut_profile *profile, int shift)
{
    double excess[UT_QUERY_WITNESSES];
    for (int w = 0; w < UT_QUERY_WITNESSES; w++) {
        double sum = 0;
        for (int i = 0; i < UT_QUERY_SHIFTS; i++)
            sum += profile->single[w][i];
        excess[w] = profile->single[w][shift] - sum / UT_QUERY_SHIFTS;
    }
    if (excess[0] >= 4 * excess[1])
        return UT_WITNESS_MIX;
    return excess[1] >= 4 * excess[0] ? UT_WITNESS_MUSIC : UT_WITNESS_BOTH;
}

static double log10_e_of(const ut_index *index, double margin)
{
    /* TAIL */
    double windows_per_false = (margin - 9.0) / 1.5;
    return log10(1.0 + (double)index->recordings / 240.0) - windows_per_false / log(10.0);
}

static bool judge(const ut_index *index, const ut_query *query, int64_t begin, ut_match *out)
{
    const ut_index_track *track = ut_index_track_at(index, begin < 0 ? 0 : (uint32_t)begin);
    if (!track || begin + query->frames <= (int64_t)track->origin)
        return false;
    ut_profile profile;
    ut_profile_take(index, query, begin, &profile);
    if (profile.peaks == 0)
        return false;
    double single[UT_QUERY_SHIFTS], paired[UT_QUERY_SHIFTS];
    add_witnesses(profile.single, single);
    add_witnesses(profile.paired, paired);
    *out = (ut_match){.track = track, .score = -1.0};
    for (int shift = UT_PROFILE_CENTRE - 1; shift <= UT_PROFILE_CENTRE + 1; shift++) {
        evidence a = weigh(single, shift), b = weigh(paired, shift);
        if (a.nats + b.nats <= out->score)
            continue;
        out->score = a.nats + b.nats;
        out->begin = begin - (shift - UT_PROFILE_CENTRE);
        out->found = a.hits / query->witnesses / profile.peaks;
        out->chance = a.mean / query->witnesses / profile.peaks;
        out->witness = witness_of(&profile, shift);
    }
    return true;
}

static int best_first(const void *a, const void *b)
{
    const ut_match *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* The best score of any track but `track`. */
static double rival(const ut_match *judged, size_t count, const ut_index_track *track)
{
    for (size_t i = 0; i < count; i++)
        if (judged[i].track != track)
            return judged[i].score;
    return 0.0;
}

static bool known(const ut_match *matches, size_t count, const ut_match *m)
{
    for (size_t i = 0; i < count; i++)
        if (matches[i].track == m->track && llabs(matches[i].begin - m->begin) <= NEAR)
            return true;
    return false;
}

size_t ut_matcher_find(ut_matcher *matcher, const ut_query *query, ut_match *out, size_t capacity)
{
    ut_match *judged = matcher->judged;
    size_t candidates = ut_votes_count(matcher->votes, query, matcher->candidates, CANDIDATES), count = 0, found = 0;
    for (size_t i = 0; i < candidates; i++)
        count += judge(matcher->index, query, matcher->candidates[i].begin, &judged[count]);
    qsort(judged, count, sizeof *judged, best_first);
    for (size_t i = 0; i < count && found < capacity && judged[i].score > 0; i++) {
        if (judged[i].track->recording_id == 0 || known(out, found, &judged[i]))
            continue;
        out[found] = judged[i];
        out[found].margin = judged[i].score - 0.5 * rival(judged, count, judged[i].track);
        out[found].log10_e = log10_e_of(matcher->index, out[found].margin);
        found++;
    }
    return found;
}

bool ut_matcher_test(const ut_matcher *matcher, const ut_query *query, int64_t begin, ut_match *out)
{
    if (!judge(matcher->index, query, begin, out))
        return false;
    out->margin = out->score;
    out->log10_e = -out->score / log(10.0);
    return true;
}
