#include "fingerprint/scout.h"

#include <stdlib.h>
#include <string.h>

#include "fingerprint/scout_table.h"
#include "fingerprint/trail_fields.h"

enum {
    STEP_FRAMES = 384, /* votes of two steps count together: 12 s */
    FAN_OUT = 40,
    CELL_BITS = 2,
    COUNTER_BITS_MAX = 20, /* where the timeline is longer, cells share counters: more work, not other answers */
    VOTES_MIN = 8,         /* chance gives 0.1 a cell */
    BEST = 4,              /* places of a step that are judged */
    AHEAD = 8,
};
#define SCOUT_NATS 9.0 /* the tracker wants 20 at least */

typedef struct {
    uint32_t rank;  /* of its hash */
    uint32_t begin; /* frames from the first peak back to the beginning of the window, from PAD down */
} pair;

typedef struct {
    uint32_t cell;
    int votes;
} place;

struct ut_scout {
    ut_scout_table table;
    uint8_t *counters[2]; /* of this step and of the last one, by turns */
    uint32_t counter_mask;
    pair *pairs;
    size_t pair_capacity, pair_count;
    ut_peaks paced[UT_QUERY_WITNESSES];
    ut_query query;
    ut_matcher *matcher;
};

void ut_scout_close(ut_scout **scout)
{
    ut_scout *s = *scout;
    if (!s)
        return;
    for (int w = 0; w < UT_QUERY_WITNESSES; w++)
        ut_peaks_clear(&s->paced[w]);
    ut_query_clear(&s->query);
    ut_matcher_close(&s->matcher);
    ut_scout_table_clear(&s->table);
    free(s->counters[0]);
    free(s->counters[1]);
    free(s->pairs);
    free(s);
    *scout = NULL;
}

ut_status ut_scout_open(const ut_index *index, ut_scout **out, ut_err *err)
{
    ut_scout *s = calloc(1, sizeof *s);
    if (!s)
        return ut_fail(err, UT_E_NOMEM, "scout");
    int bits = 12;
    ut_status rc = ut_scout_table_make(index, &s->table, err);
    while (bits < COUNTER_BITS_MAX && (UINT32_C(1) << bits) < s->table.frames >> CELL_BITS)
        bits++;
    s->counter_mask = (UINT32_C(1) << bits) - 1;
    for (int lane = 0; lane < 2; lane++)
        s->counters[lane] = calloc((size_t)1 << bits, 1);
    if (rc == UT_OK && (!s->counters[0] || !s->counters[1]))
        rc = ut_fail(err, UT_E_NOMEM, "scout: %d bits", bits);
    if (rc == UT_OK)
        rc = ut_query_init(&s->query, index->params, err);
    if (rc == UT_OK)
        rc = ut_matcher_open(index, &s->matcher, err);
    if (rc != UT_OK)
        ut_scout_close(&s);
    else
        *out = s;
    return rc;
}

static ut_status reserve(ut_scout *s, size_t more, ut_err *err)
{
    if (s->pair_count + more <= s->pair_capacity)
        return UT_OK;
    size_t capacity = s->pair_capacity ? 2 * s->pair_capacity : 16384;
    pair *grown = realloc(s->pairs, capacity * sizeof *grown);
    if (!grown)
        return ut_fail(err, UT_E_NOMEM, "scout: %zu landmarks", capacity);
    s->pairs = grown;
    s->pair_capacity = capacity;
    return UT_OK;
}

/* The landmarks that begin in [peaks[*from], frame `end`) and that any reference has. Of a window that begins at
 * `first`.
 */
static ut_status pick(ut_scout *s, const ut_peaks *peaks, size_t *from, int32_t first, int32_t end, ut_err *err)
{
    const ut_params *p = s->table.index->params;
    const uint32_t bins_mask = (1u << p->bins_bits) - 1, hash_mask = (1u << p->hash_bits) - 1;
    s->pair_count = 0;
    for (; *from < peaks->count && peaks->items[*from].frame < end; ++*from) {
        ut_peak a = peaks->items[*from];
        uint32_t begin = UT_QUERY_FRAMES_MAX - (uint32_t)(a.frame - first);
        int partners = 0;
        ut_status rc = reserve(s, FAN_OUT, err);
        if (rc != UT_OK)
            return rc;
        for (size_t j = *from + 1; j < peaks->count && partners < FAN_OUT; j++) {
            int32_t frames = peaks->items[j].frame - a.frame, bins = peaks->items[j].bin - a.bin;
            if (frames > p->pair_frames_max)
                break;
            if (frames < p->pair_frames_min || abs(bins) > p->pair_bins_max)
                continue;
            partners++;
            uint32_t hash = (((uint32_t)a.bin << p->bins_bits | ((uint32_t)bins & bins_mask)) << p->frames_bits |
                             (uint32_t)frames) &
                            hash_mask;
            if (ut_scout_has(&s->table, hash))
                s->pairs[s->pair_count++] = (pair){ut_scout_rank(&s->table, hash), begin};
        }
    }
    return UT_OK;
}

static void note_place(place best[BEST], int *found, uint32_t cell, int votes)
{
    int k = 0, least = 0;
    while (k < *found && best[k].cell != cell)
        k++;
    if (k == BEST) {
        for (int m = 1; m < BEST; m++)
            if (best[m].votes < best[least].votes)
                least = m;
        if (best[least].votes >= votes)
            return;
        k = least;
    }
    if (k == *found)
        ++*found;
    best[k] = (place){cell, votes};
}

/* A match is one cell: `shift` takes away how far the window has moved since the trail began. */
static int vote(ut_scout *s, int lane, uint32_t shift, place best[BEST])
{
    const ut_scout_table *t = &s->table;
    int found = 0;
    memset(s->counters[lane], 0, (size_t)s->counter_mask + 1);
    for (size_t i = 0; i < s->pair_count; i++) {
        if (i + 2 * AHEAD < s->pair_count)
            __builtin_prefetch(&t->starts[s->pairs[i + 2 * AHEAD].rank]);
        if (i + AHEAD < s->pair_count)
            __builtin_prefetch(&t->places[t->starts[s->pairs[i + AHEAD].rank]]);
        uint32_t end = t->starts[s->pairs[i].rank + 1];
        for (uint32_t k = t->starts[s->pairs[i].rank]; k < end; k++) {
            uint32_t cell = (t->places[k] + s->pairs[i].begin + shift) >> CELL_BITS;
            uint8_t *counter = &s->counters[lane][cell & s->counter_mask];
            *counter = (uint8_t)(*counter + (*counter < UINT8_MAX));
            int votes = *counter + s->counters[1 - lane][cell & s->counter_mask];
            if (votes >= VOTES_MIN)
                note_place(best, &found, cell, votes);
        }
    }
    return found;
}

/* The only one that a window beginning there can touch. */
static const ut_scout_track *track_at(const ut_scout_table *t, uint32_t frame)
{
    size_t low = 0, high = t->track_count;
    while (low + 1 < high) {
        size_t middle = (low + high) / 2;
        if (t->tracks[middle].origin <= frame + 2 * STEP_FRAMES)
            low = middle;
        else
            high = middle;
    }
    return &t->tracks[low];
}

/* Whether the window [first, end) of the trail fits the place of the timeline where it would begin. */
static ut_status judge(ut_scout *s, const ut_trail *trail, int32_t first, int32_t end, int64_t begin, bool *maybe,
                       ut_err *err)
{
    const ut_scout_track *at = track_at(&s->table, begin < 0 ? 0 : (uint32_t)begin);
    const ut_peaks *peaks[UT_QUERY_WITNESSES] = {&trail->peaks[0], &trail->peaks[1]};
    ut_status rc = UT_OK;
    for (int w = 0; at->speed > 0 && w < trail->witnesses && rc == UT_OK; w++) {
        rc = ut_peaks_pace(s->table.index->params, at->speed, &trail->peaks[w], &s->paced[w], err);
        peaks[w] = &s->paced[w];
    }
    int32_t from = ut_speed_to_recording(at->speed, first), to = ut_speed_to_recording(at->speed, end);
    if (rc == UT_OK)
        rc = ut_query_set(&s->query, from, to - from, peaks[0], trail->witnesses > 1 ? peaks[1] : NULL, err);
    int64_t where = at->track->origin + ut_speed_to_recording(at->speed, (int32_t)(begin - at->origin));
    for (int shift = -2; rc == UT_OK && shift <= 6 && !*maybe; shift += 2) {
        ut_match match;
        *maybe = ut_matcher_test(s->matcher, &s->query, where + shift, &match) && match.evidence.nats >= SCOUT_NATS &&
                 match.track->recording_id != 0;
    }
    return rc;
}

ut_status ut_scout_look(ut_scout *scout, const ut_trail *trail, bool *maybe, ut_err *err)
{
    ut_scout *s = scout;
    const ut_peaks *heard = &trail->peaks[trail->witnesses - 1];
    size_t from = 0;
    ut_status rc = UT_OK;
    bool found = false;
    if (trail->params != s->table.index->params)
        return ut_fail(err, UT_E_ARG, "trail of %s, index of %s", trail->params->name, s->table.index->params->name);
    memset(s->counters[1], 0, (size_t)s->counter_mask + 1); /* there is no step before the first */
    for (int32_t first = trail->first, step = 0; first < trail->end && !found && rc == UT_OK;
         first += STEP_FRAMES, step++) {
        place best[BEST];
        int32_t end = first + STEP_FRAMES < trail->end ? first + STEP_FRAMES : trail->end;
        /* A match moves along the timeline as the window does: taken back by so much, its cell stays. */
        uint32_t shift = 0u - (uint32_t)(first - trail->first);
        rc = pick(s, heard, &from, first, end, err);
        int places = rc == UT_OK ? vote(s, step % 2, shift, best) : 0;
        for (int i = 0; i < places && !found && rc == UT_OK; i++) {
            uint32_t begin = (best[i].cell << CELL_BITS) - shift;
            int32_t window = first - STEP_FRAMES > trail->first ? first - STEP_FRAMES : trail->first;
            rc = judge(s, trail, window, end, (int64_t)begin - UT_QUERY_FRAMES_MAX - (first - window), &found, err);
        }
    }
    if (rc == UT_OK)
        *maybe = found;
    return rc;
}
