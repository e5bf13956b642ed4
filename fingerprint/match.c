#include "fingerprint/match.h"

#include <math.h>
#include <stdlib.h>

enum { SLOT_FRAMES = 32, SLOTS = UT_QUERY_FRAMES_MAX / SLOT_FRAMES };
enum { CANDIDATES = 64, NEAR = 4 /* frames around the hypothesis that are not taken for chance */ };

/* Under it a match says nothing: a catalogue of one track has more places than that. */
#define NATS_MIN 5.0

struct ut_matcher {
    const ut_index *index;
    ut_votes *votes;
    ut_evidence_scratch *scratch;
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
    if (rc == UT_OK)
        rc = ut_evidence_open(&m->scratch, err);
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
    ut_evidence_close(&(*matcher)->scratch);
    free(*matcher);
    *matcher = NULL;
}

static bool judge(ut_matcher *m, const ut_query *query, int64_t begin, ut_match *out)
{
    const ut_index_track *track = ut_index_track_at(m->index, begin);
    if (!track || begin + query->frames <= track->origin)
        return false;
    *out = (ut_match){.track = track};
    return ut_evidence_weigh(m->scratch, m->index, query, begin, &out->evidence);
}

/* A peak of witness w within a frame of (frame, bin). */
static bool heard(const ut_query *q, int w, int bin, int32_t frame)
{
    uint64_t bits[UT_QUERY_SHIFT_WORDS];
    ut_query_read(&q->columns[w], bin, frame, bits);
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
    ut_peak peaks[UT_INDEX_PEAKS_MAX];
    size_t count = ut_index_peaks(x, begin, q->frames, peaks, UT_INDEX_PEAKS_MAX);
    for (size_t i = 0; i < count; i++) {
        int32_t frame = peaks[i].frame;
        l->peaks[frame / SLOT_FRAMES]++;
        l->hits[frame / SLOT_FRAMES] += heard(q, 0, peaks[i].bin, frame) || heard(q, 1, peaks[i].bin, frame);
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
    const ut_evidence *x = &((const ut_match *)a)->evidence, *y = &((const ut_match *)b)->evidence;
    if (x->nats != y->nats)
        return x->nats > y->nats ? -1 : 1;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* Places where a query may be found: every frame of every recording. */
static double places(const ut_index *x)
{
    return x->places > 0 ? (double)x->places : 1.0;
}

/* By how much the best decoy beats what its places allow. */
static double decoy_excess(const ut_index *index, const ut_match *judged, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (judged[i].track->recording_id == 0)
            return fmax(0.0, judged[i].evidence.nats - log(places(index)));
    return 0.0;
}

static bool known(const ut_match *matches, size_t count, const ut_match *m)
{
    for (size_t i = 0; i < count; i++)
        if (matches[i].track == m->track && llabs(matches[i].evidence.begin - m->evidence.begin) <= NEAR)
            return true;
    return false;
}

/* The nats of the hypothesis weighed last that are not put down to a spike or to likeness. */
static double sound_nats(ut_matcher *m)
{
    return ut_evidence_spread(m->scratch) - fmax(0.0, ut_evidence_elsewhere(m->scratch));
}

/* Completes a match that was judged. What is not even one in a window as it stands needs no closer look. */
static void reckon(ut_matcher *m, const ut_query *query, double excess, ut_match *match)
{
    ut_evidence again;
    double nats = match->evidence.nats - excess;
    if (nats > log(places(m->index)) && ut_evidence_weigh(m->scratch, m->index, query, match->evidence.begin, &again))
        nats = sound_nats(m) - excess;
    match->log10_e = (log(places(m->index)) - nats) / log(10.0);
}

size_t ut_matcher_find(ut_matcher *matcher, const ut_query *query, ut_match *out, size_t capacity)
{
    ut_match *judged = matcher->judged;
    size_t candidates = ut_votes_count(matcher->votes, query, matcher->candidates, CANDIDATES), count = 0, found = 0;
    for (size_t i = 0; i < candidates; i++)
        count += judge(matcher, query, matcher->candidates[i].begin, &judged[count]);
    qsort(judged, count, sizeof *judged, best_first);
    double excess = decoy_excess(matcher->index, judged, count);
    for (size_t i = 0; i < count && found < capacity && judged[i].evidence.nats >= NATS_MIN; i++) {
        if (judged[i].track->recording_id == 0 || known(out, found, &judged[i]))
            continue;
        if (!explains(matcher->index, query, judged[i].evidence.begin))
            continue;
        out[found] = judged[i];
        reckon(matcher, query, excess, &out[found]);
        found++;
    }
    return found;
}

bool ut_matcher_test(ut_matcher *matcher, const ut_query *query, int64_t begin, ut_match *out)
{
    if (!judge(matcher, query, begin, out) || !explains(matcher->index, query, out->evidence.begin))
        return false;
    out->log10_e = -sound_nats(matcher) / log(10.0);
    return true;
}
