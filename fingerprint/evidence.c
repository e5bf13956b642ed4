#include "fingerprint/evidence.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "fingerprint/evidence_prior_dense.h"

enum {
    STATES = UT_EVIDENCE_STATES,
    CENTRE = UT_QUERY_SHIFTS / 2,
    NEAR = 6, /* frames around the hypothesis that are not taken for chance */
    EDGE = 2, /* shifts at either end whose neighbours are unknown */
    CELL_FRAMES = 128,
    SHOWN = UT_EVIDENCE_LEVELS - 1, /* levels but for the first, at which nothing shows and all ratios are 1 */
    WAYS = UT_EVIDENCE_SITUATIONS * SHOWN,
    SLICES = UT_QUERY_FRAMES_MAX / UT_EVIDENCE_SLICE_FRAMES + 1,
    BANDS = 4,
    CELLS = (UT_QUERY_FRAMES_MAX / CELL_FRAMES) * BANDS,
    OTHERS = UT_QUERY_SHIFTS - 2 * EDGE - (2 * NEAR - 1),
};
#define SHRINK 40.0 /* shifts that the average over the window's peaks counts for */
#define FLOOR 2.0   /* and what every state is seen more often than it was */

/* What a witness has, at every shift, as three bits: see evidence.h. */
enum { BITS = 3 };
typedef struct {
    uint64_t bits[BITS][UT_QUERY_SHIFT_WORDS];
} marks;

/* A peak of the reference, and what the query has there. */
typedef struct {
    marks seen[UT_QUERY_WITNESSES];
    uint8_t cell;
    uint8_t slice;
    uint8_t counts[STATES];    /* of the shifts that are taken for chance */
    uint64_t priced;           /* bit z: ratio[z] is known */
    float ratio[STATES][WAYS]; /* probability of the state, over chance */
} shadow;

struct ut_evidence_scratch {
    shadow shadows[UT_EVIDENCE_PEAKS_MAX];
    int count;
    int cells;
    const ut_evidence_prior *prior;
    double presence[UT_EVIDENCE_SITUATIONS][STATES]; /* its own, for what the query can see */
    double pool[STATES];                             /* chance of each state over all peaks */
    int shift;                                       /* the best of those weighed last */
};

ut_status ut_evidence_open(ut_evidence_scratch **out, ut_err *err)
{
    *out = calloc(1, sizeof **out);
    return *out ? UT_OK : ut_fail(err, UT_E_NOMEM, "evidence");
}

void ut_evidence_close(ut_evidence_scratch **scratch)
{
    free(*scratch);
    *scratch = NULL;
}

/* The bits of a column around (bin, frame), and those next to them. */
static void read_near(const ut_query_columns *columns, int bin, int32_t frame, uint64_t *own, uint64_t *near)
{
    enum { WORDS = UT_QUERY_SHIFT_WORDS };
    memset(own, 0, WORDS * sizeof *own);
    memset(near, 0, WORDS * sizeof *near);
    if (bin < 0 || bin >= UT_QUERY_BINS)
        return;
    ut_query_read(columns, bin, frame, own);
    for (int i = 0; i < WORDS; i++)
        near[i] = own[i] << 1 | own[i] >> 1 | (i ? own[i - 1] >> 63 : 0) | (i + 1 < WORDS ? own[i + 1] << 63 : 0);
}

/* What witness w has at (bin, frame). */
static marks look(const ut_query *query, int w, int bin, int32_t frame)
{
    enum { WORDS = UT_QUERY_SHIFT_WORDS, SIDES = 2 };
    uint64_t own[WORDS], near[WORDS], fine[WORDS], fine_near[WORDS], side[SIDES][WORDS], side_near[SIDES][WORDS];
    marks m;
    read_near(&query->columns[w], bin, frame, own, near);
    read_near(&query->fine[w], bin, frame, fine, fine_near);
    read_near(&query->columns[w], bin - 1, frame, side[0], side_near[0]);
    read_near(&query->columns[w], bin + 1, frame, side[1], side_near[1]);
    for (int i = 0; i < WORDS; i++) {
        uint64_t beside = side[0][i] | side_near[0][i] | side[1][i] | side_near[1][i];
        uint64_t dense = own[i] | near[i], any_fine = fine[i] | fine_near[i];
        m.bits[2][i] = dense;
        m.bits[1][i] = any_fine & ~dense;
        m.bits[0][i] = own[i] | (fine[i] & ~dense) | (beside & ~dense & ~any_fine);
    }
    return m;
}

static int state_at(const shadow *s, int shift)
{
    int word = shift / 64, bit = shift % 64, state = 0;
    for (int w = 0; w < UT_QUERY_WITNESSES; w++) {
        int own = 0;
        for (int i = BITS - 1; i >= 0; i--)
            own = own << 1 | (int)(s->seen[w].bits[i][word] >> bit & 1);
        state = state * UT_EVIDENCE_SIGHTS + own;
    }
    return state;
}

static bool is_chance(int shift)
{
    return shift >= EDGE && shift < UT_QUERY_SHIFTS - EDGE && abs(shift - CENTRE) >= NEAR;
}

static int band_of(int bin)
{
    return bin < 32 ? 0 : bin < 64 ? 1 : bin < 128 ? 2 : 3;
}

static uint64_t any_bits(const marks *m, int word)
{
    return m->bits[0][word] | m->bits[1][word] | m->bits[2][word];
}

static void cast_shadow(const ut_query *query, int32_t frame, int bin, shadow *s)
{
    int others = OTHERS;
    memset(s, 0, offsetof(shadow, ratio));
    for (int w = 0; w < query->witnesses; w++)
        s->seen[w] = look(query, w, bin, frame);
    for (int i = 0; i < UT_QUERY_SHIFT_WORDS; i++)
        for (uint64_t any = any_bits(&s->seen[0], i) | any_bits(&s->seen[1], i); any; any &= any - 1) {
            int shift = 64 * i + __builtin_ctzll(any);
            if (!is_chance(shift))
                continue;
            s->counts[state_at(s, shift)]++;
            others--;
        }
    s->counts[0] = (uint8_t)others;
    s->cell = (uint8_t)(frame / CELL_FRAMES * BANDS + band_of(bin));
    s->slice = (uint8_t)(frame / UT_EVIDENCE_SLICE_FRAMES);
}

static int cast_shadows(const ut_index *index, const ut_query *query, int64_t begin, shadow *shadows)
{
    ut_peak peaks[UT_EVIDENCE_PEAKS_MAX];
    int count = (int)ut_index_peaks(index, begin, query->frames, peaks, UT_EVIDENCE_PEAKS_MAX);
    for (int i = 0; i < count; i++)
        cast_shadow(query, peaks[i].frame, peaks[i].bin, &shadows[i]);
    return count;
}

/* Of witness 0, 1. */
static int sight(int state, int witness)
{
    return witness == 0 ? state / UT_EVIDENCE_SIGHTS : state % UT_EVIDENCE_SIGHTS;
}

static bool has_fine(const ut_query *query)
{
    return query->others[0].count > 0 || (query->witnesses > 1 && query->others[1].count > 0);
}

/* What a trail keeps has no fine peaks. */
static void take_prior(ut_evidence_scratch *s, const ut_query *query)
{
    s->prior = query->witnesses > 1 ? &UT_EVIDENCE_JOINT : &UT_EVIDENCE_ALONE;
    if (!has_fine(query))
        s->prior = &UT_EVIDENCE_DENSE;
    memcpy(s->presence, s->prior->presence, sizeof s->presence);
    if (query->witnesses > 1)
        return;
    for (int g = 0; g < UT_EVIDENCE_SITUATIONS; g++)
        for (int z = 0; z < STATES; z++)
            if (sight(z, 1)) {
                s->presence[g][z - sight(z, 1)] += s->presence[g][z];
                s->presence[g][z] = 0;
            }
}

static void take_pool(ut_evidence_scratch *s)
{
    for (int z = 0; z < STATES; z++) {
        double sum = FLOOR;
        for (int i = 0; i < s->count; i++)
            sum += s->shadows[i].counts[z];
        s->pool[z] = sum / ((double)s->count * OTHERS + FLOOR * STATES);
    }
}

static double chance_of(const ut_evidence_scratch *s, const shadow *peak, int z)
{
    return (peak->counts[z] + SHRINK * s->pool[z]) / (OTHERS + SHRINK);
}

/* What state z of a peak is worth. */
static void price(const ut_evidence_scratch *s, shadow *peak, int z)
{
    double chance = chance_of(s, peak, z);
    for (int g = 0; g < UT_EVIDENCE_SITUATIONS; g++)
        for (int k = 0; k < SHOWN; k++)
            peak->ratio[z][g * SHOWN + k] = (float)(1 + s->prior->level[k + 1] * (s->presence[g][z] / chance - 1));
    peak->priced |= UINT64_C(1) << z;
}

/* log of the ratio of a cell, averaged over its levels. A product that is out of range is taken for less than it is. */
static double cell_nats(const double *ratios, const double *levels)
{
    double sum = levels[0];
    for (int k = 0; k < SHOWN; k++)
        sum += levels[k + 1] * fmin(ratios[k], 1e300);
    return log(sum);
}

static void situations_at(ut_evidence_scratch *s, int shift, int left_out, double situations[UT_EVIDENCE_SITUATIONS])
{
    double cells[CELLS][WAYS];
    for (int c = 0; c < s->cells; c++)
        for (int i = 0; i < WAYS; i++)
            cells[c][i] = 1.0;
    for (int i = 0; i < s->count; i++) {
        shadow *peak = &s->shadows[i];
        int z = state_at(peak, shift);
        if (peak->slice == left_out)
            continue;
        if (!(peak->priced >> z & 1))
            price(s, peak, z);
        for (int way = 0; way < WAYS; way++)
            cells[peak->cell][way] *= (double)peak->ratio[z][way];
    }
    for (int g = 0; g < UT_EVIDENCE_SITUATIONS; g++) {
        situations[g] = 0;
        for (int c = 0; c < s->cells; c++)
            situations[g] += cell_nats(cells[c] + (ptrdiff_t)g * SHOWN, s->prior->levels[g]);
    }
}

/* The mean over the situations. */
static double nats_at(ut_evidence_scratch *s, int shift, int left_out)
{
    double situations[UT_EVIDENCE_SITUATIONS];
    situations_at(s, shift, left_out, situations);
    double most = situations[0], sum = 0;
    for (int g = 1; g < UT_EVIDENCE_SITUATIONS; g++)
        most = fmax(most, situations[g]);
    for (int g = 0; g < UT_EVIDENCE_SITUATIONS; g++)
        sum += s->prior->weight[g] * exp(situations[g] - most);
    return most + log(sum);
}

static void summarise(const ut_evidence_scratch *s, const ut_query *query, ut_evidence *out)
{
    double excess[UT_QUERY_WITNESSES] = {0}, found = 0, chance = 0;
    for (int i = 0; i < s->count; i++) {
        const shadow *peak = &s->shadows[i];
        int state = state_at(peak, s->shift);
        for (int z = 0; z < STATES; z++) {
            double here = z == state, there = (double)peak->counts[z] / OTHERS;
            found += here * (sight(z, 0) >= 2 || sight(z, 1) >= 2);
            chance += there * (sight(z, 0) >= 2 || sight(z, 1) >= 2);
            for (int w = 0; w < query->witnesses; w++)
                excess[w] += (here - there) * (sight(z, w) >= 4);
        }
    }
    out->found = found / s->count;
    out->chance = chance / s->count;
    /* The witness whose coincidences stand out; both, where neither has most of them. */
    out->witness = excess[0] >= 4 * excess[1]   ? UT_WITNESS_MIX
                   : excess[1] >= 4 * excess[0] ? UT_WITNESS_MUSIC
                                                : UT_WITNESS_BOTH;
}

bool ut_evidence_weigh(ut_evidence_scratch *scratch, const ut_index *index, const ut_query *query, int64_t begin,
                       ut_evidence *out)
{
    ut_evidence_scratch *s = scratch;
    s->count = cast_shadows(index, query, begin, s->shadows);
    if (s->count == 0)
        return false;
    s->cells = (query->frames + CELL_FRAMES - 1) / CELL_FRAMES * BANDS;
    take_prior(s, query);
    take_pool(s);
    ut_evidence best = {.nats = -INFINITY};
    for (int shift = CENTRE - 1; shift <= CENTRE + 1; shift++) {
        double nats = nats_at(s, shift, -1);
        if (nats <= best.nats)
            continue;
        best.nats = nats;
        best.begin = begin - (shift - CENTRE);
        s->shift = shift;
    }
    summarise(s, query, &best);
    *out = best;
    return true;
}

size_t ut_evidence_list(const ut_evidence_scratch *scratch, ut_evidence_peak *out)
{
    for (int i = 0; i < scratch->count; i++) {
        const shadow *peak = &scratch->shadows[i];
        int state = state_at(peak, scratch->shift);
        out[i] = (ut_evidence_peak){.cell = peak->cell, .state = state, .chance = chance_of(scratch, peak, state)};
    }
    return (size_t)scratch->count;
}

double ut_evidence_elsewhere(ut_evidence_scratch *scratch)
{
    double most = -INFINITY;
    for (int shift = 0; shift < UT_QUERY_SHIFTS; shift++)
        if (is_chance(shift))
            most = fmax(most, nats_at(scratch, shift, -1));
    return most;
}

double ut_evidence_spread(ut_evidence_scratch *scratch)
{
    double least = INFINITY;
    for (int slice = 0; slice < SLICES; slice++)
        least = fmin(least, nats_at(scratch, scratch->shift, slice));
    return least;
}

void ut_evidence_situations(ut_evidence_scratch *scratch, double *nats)
{
    situations_at(scratch, scratch->shift, -1, nats);
}
