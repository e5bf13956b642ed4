#include "fingerprint/match.h"

#include <math.h>
#include <stdlib.h>

enum { SLOT_FRAMES = 32, SLOTS = UT_QUERY_FRAMES_MAX / SLOT_FRAMES };
enum { CANDIDATES = 200, NEAR = 4 /* frames around the hypothesis that are not taken for chance */ };

#define SCORE_MIN 5.0 /* nats; under it a match says nothing */

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

/* Tail of the margin over windows whose music is not in the index, speech alone included: log10 of the expected number
 * that reach `margin`, for a catalogue of 240. Of 1,420 such windows with two witnesses (clean, 0, -10, -20 dB, speech)
 * 6 % reached 2 nats, and a third as many each nat more; the slope here is gentler than that. With the mixture alone
 * nothing tells kin apart (see explains), and the tail is theirs. */
static double log10_e_of(const ut_index *index, const ut_query *query, double margin)
{
    double nats_per_decade = query->witnesses > 1 ? 2.5 : 4.6;
    return log10(1.0 + (double)index->recordings / 240.0) - 1.0 - (margin - 2.0) / nats_per_decade;
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

/* A peak of witness w within a frame of (frame, bin). */
static bool heard(const ut_query *q, int w, int bin, int32_t frame)
{
    uint64_t bits[UT_QUERY_SHIFT_WORDS];
    ut_query_read(q, w, bin, frame, bits);
    /* Bits 127 to 129 of the 256. */
    return bits[1] >> 63 || bits[2] & 3;
}

/* Reference peaks of each slot of the window, and those that any witness has. */
typedef struct {
    int peaks[SLOTS];
    int hits[SLOTS];
    int showing[SLOTS]; /* peaks of the separated music that the mixture has too */
    int music[SLOTS];   /* all peaks of the separated music */
} ledger;

static void keep_ledger(const ut_index *x, const ut_query *q, int64_t begin, ledger *l)
{
    *l = (ledger){0};
    for (int64_t block = begin > 0 ? begin / UT_INDEX_BLOCK_FRAMES : 0;
         block < x->block_count && block * UT_INDEX_BLOCK_FRAMES < begin + q->frames; block++)
        for (uint32_t i = x->blocks[block]; i < x->blocks[block + 1]; i++) {
            int64_t frame = block * UT_INDEX_BLOCK_FRAMES + (x->peaks[i] >> UT_INDEX_BIN_BITS) - begin;
            int bin = x->peaks[i] & (UT_QUERY_BINS - 1);
            if (frame < 0 || frame >= q->frames)
                continue;
            l->peaks[frame / SLOT_FRAMES]++;
            l->hits[frame / SLOT_FRAMES] += heard(q, 0, bin, (int32_t)frame) || heard(q, 1, bin, (int32_t)frame);
        }
    for (size_t i = 0; i < q->peaks[1].count; i++) {
        ut_peak peak = q->peaks[1].items[i];
        l->music[peak.frame / SLOT_FRAMES]++;
        l->showing[peak.frame / SLOT_FRAMES] += heard(q, 0, peak.bin, peak.frame);
    }
}

/* A recording that is there explains the music that shows. How much shows, the two witnesses tell: where nothing masks
 * the music, the mixture has all peaks of the separated music; under loud speech it has few. Over true matches at all
 * levels the part of the reference's peaks that is found is 0.6 to 2 times the part of the music that shows (1 in 100
 * is below); over other recordings that share samples, loops or notes with what is playing it is below 0.5. */
static bool explains(const ut_index *index, const ut_query *query, int64_t begin)
{
    if (query->witnesses < 2)
        return true;
    ledger l;
    int from = 0, to = SLOTS, peaks = 0, hits = 0, showing = 0, music = 0;
    keep_ledger(index, query, begin, &l);
    while (from < to && l.peaks[from] == 0)
        from++;
    while (to > from && l.peaks[to - 1] == 0)
        to--;
    for (int i = from; i < to; i++) {
        peaks += l.peaks[i];
        hits += l.hits[i];
        showing += l.showing[i];
        music += l.music[i];
    }
    double found = (double)hits / (peaks + 1), shows = (double)showing / (music + 1);
    double deviation = sqrt(found * (1 - found) / (peaks + 1));
    return found + deviation >= 0.6 * shows;
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
    for (size_t i = 0; i < count && found < capacity && judged[i].score >= SCORE_MIN; i++) {
        if (judged[i].track->recording_id == 0 || known(out, found, &judged[i]))
            continue;
        if (!explains(matcher->index, query, judged[i].begin))
            continue;
        out[found] = judged[i];
        out[found].margin = judged[i].score - 0.5 * rival(judged, count, judged[i].track);
        out[found].log10_e = log10_e_of(matcher->index, query, out[found].margin);
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
