#include "fingerprint/scout.h"

#include <stdlib.h>
#include <string.h>

#include "fingerprint/follow.h"
#include "fingerprint/posting_code.h"
#include "fingerprint/trail_fields.h"

enum {
    BLOCK_FRAMES = 768, /* of votes; a window is 750 */
    STEP_FRAMES = 384,
    FAN_OUT = 40,
    CELL_BITS = 2,
    COUNTER_BITS_MAX = 20,
    VOTES_MIN = 8, /* chance gives 0.2 a cell */
    BEST = 4,      /* places of a block that are judged */
    AHEAD = 12,
};
#define SCOUT_NATS 9.0 /* the tracker wants 20 at least */

typedef struct {
    uint32_t hash;
    int32_t frame; /* of the first peak */
} pair;

struct ut_scout {
    const ut_index *index;
    uint64_t *present; /* bit h: a landmark of hash h is in the index */
    uint8_t *counters;
    uint32_t counter_mask;
    pair *pairs;
    size_t pair_capacity;
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
    free(s->present);
    free(s->counters);
    free(s->pairs);
    free(s);
    *scout = NULL;
}

ut_status ut_scout_open(const ut_index *index, ut_scout **out, ut_err *err)
{
    ut_scout *s = calloc(1, sizeof *s);
    if (!s)
        return ut_fail(err, UT_E_NOMEM, "scout");
    size_t hashes = (size_t)1 << index->params->hash_bits;
    uint64_t cells = (uint64_t)index->frames >> CELL_BITS;
    int bits = 12;
    while (bits < COUNTER_BITS_MAX && UINT64_C(1) << bits < cells)
        bits++;
    s->index = index;
    s->counter_mask = (UINT32_C(1) << bits) - 1;
    s->present = calloc(hashes / 64, sizeof *s->present);
    s->counters = malloc((size_t)1 << bits);
    ut_status rc = s->present && s->counters ? UT_OK : ut_fail(err, UT_E_NOMEM, "scout");
    for (size_t i = 0; rc == UT_OK && i < index->part_count; i++)
        for (size_t word = 0; word < hashes / 64; word++)
            s->present[word] |= index->parts[i].segment->present[word];
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

static size_t first_at(const ut_peaks *peaks, int32_t frame)
{
    size_t low = 0, high = peaks->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (peaks->items[middle].frame < frame)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The landmarks of [first, end) that the index has, from `count` of s->pairs on. */
static ut_status pick(ut_scout *s, const ut_peaks *peaks, int32_t first, int32_t end, size_t *count, ut_err *err)
{
    const ut_params *p = s->index->params;
    const uint32_t bins_mask = (1u << p->bins_bits) - 1, hash_mask = (1u << p->hash_bits) - 1;
    for (size_t i = first_at(peaks, first); i < peaks->count && peaks->items[i].frame < end; i++) {
        ut_peak a = peaks->items[i];
        int partners = 0;
        if (s->pair_capacity < *count + FAN_OUT) {
            size_t capacity = s->pair_capacity ? 2 * s->pair_capacity : 16384;
            pair *grown = realloc(s->pairs, capacity * sizeof *grown);
            if (!grown)
                return ut_fail(err, UT_E_NOMEM, "scout: %zu landmarks", capacity);
            s->pairs = grown;
            s->pair_capacity = capacity;
        }
        for (size_t j = i + 1; j < peaks->count && partners < FAN_OUT; j++) {
            int32_t frames = peaks->items[j].frame - a.frame, bins = peaks->items[j].bin - a.bin;
            if (frames > p->pair_frames_max || peaks->items[j].frame >= end)
                break;
            if (frames < p->pair_frames_min || abs(bins) > p->pair_bins_max)
                continue;
            partners++;
            uint32_t hash = (((uint32_t)a.bin << p->bins_bits | ((uint32_t)bins & bins_mask)) << p->frames_bits |
                             (uint32_t)frames) &
                            hash_mask;
            s->pairs[*count] = (pair){hash, a.frame};
            *count += s->present[hash / 64] >> hash % 64 & 1;
        }
    }
    return UT_OK;
}

typedef struct {
    int64_t cell; /* of the index's timeline */
    uint8_t votes;
} place;

/* Keeps a cell among the best, once; returns how many there are then. */
static int keep(place best[BEST], int found, place p)
{
    int k = 0, least = 0;
    while (k < found && best[k].cell != p.cell)
        k++;
    if (k == BEST) {
        for (int m = 1; m < BEST; m++)
            if (best[m].votes < best[least].votes)
                least = m;
        if (best[least].votes >= p.votes)
            return found;
        k = least;
    }
    best[k] = p;
    return k == found ? found + 1 : found;
}

/* Lets the landmarks vote in one part of the index. */
static int vote_part(ut_scout *s, const ut_index_part *part, size_t count, int32_t first, place best[BEST], int found)
{
    const ut_index_segment *segment = part->segment;
    const ut_posting_code *code = ut_posting_code_get();
    for (size_t i = 0; i < count; i++) {
        if (i + AHEAD < count)
            __builtin_prefetch(&segment->present[s->pairs[i + AHEAD].hash / 64]);
        int64_t slot = ut_segment_slot(segment, s->pairs[i].hash);
        if (slot < 0)
            continue;
        uint64_t at = (uint64_t)segment->buckets[slot] * 8, end = (uint64_t)segment->buckets[slot + 1] * 8;
        int64_t begin = part->base + UT_QUERY_FRAMES_MAX - (s->pairs[i].frame - first);
        for (;;) {
            begin += ut_posting_read(code, segment->postings, &at);
            if (at > end)
                break;
            int64_t cell = begin >> CELL_BITS;
            uint8_t *counter = &s->counters[cell & s->counter_mask], votes = *counter;
            votes = (uint8_t)(votes + (votes < UINT8_MAX));
            *counter = votes;
            if (votes >= VOTES_MIN)
                found = keep(best, found, (place){cell, votes});
        }
    }
    return found;
}

/* The cells with most votes, none twice; counters are to be zero before. */
static int vote(ut_scout *s, size_t count, int32_t first, place best[BEST])
{
    int found = 0;
    for (size_t i = 0; i < s->index->part_count; i++)
        found = vote_part(s, &s->index->parts[i], count, first, best, found);
    return found;
}

/* Whether the window that begins at `first` fits one of the places. */
static ut_status judge(ut_scout *s, int32_t first, int32_t frames, const ut_peaks *mix, const ut_peaks *music,
                       const place *best, int found, bool *maybe, ut_err *err)
{
    ut_status rc = ut_query_set(&s->query, first, frames, mix, music, err);
    for (int i = 0; rc == UT_OK && i < found && !*maybe; i++)
        for (int shift = 0; shift < 1 << CELL_BITS && !*maybe; shift++) {
            int64_t begin = best[i].cell * (1 << CELL_BITS) + shift - UT_QUERY_FRAMES_MAX;
            ut_match match;
            *maybe = ut_matcher_test(s->matcher, &s->query, begin, &match) && match.evidence.nats >= SCOUT_NATS &&
                     match.track->recording_id != 0;
        }
    return rc;
}

static ut_status look_at_speed(ut_scout *s, int32_t begin, int32_t stop, const ut_peaks *mix, const ut_peaks *music,
                               bool *maybe, ut_err *err)
{
    ut_status rc = UT_OK;
    for (int32_t first = begin; first < stop && !*maybe && rc == UT_OK; first += STEP_FRAMES) {
        int32_t end = first + BLOCK_FRAMES < stop ? first + BLOCK_FRAMES : stop;
        size_t count = 0;
        place best[BEST];
        memset(s->counters, 0, (size_t)s->counter_mask + 1);
        rc = pick(s, mix, first, end, &count, err);
        if (rc == UT_OK && music)
            rc = pick(s, music, first, end, &count, err);
        int found = rc == UT_OK ? vote(s, count, first, best) : 0;
        if (found)
            rc = judge(s, first, end - first, mix, music, best, found, maybe, err);
    }
    return rc;
}

ut_status ut_scout_look(ut_scout *scout, const ut_trail *trail, bool *maybe, ut_err *err)
{
    ut_scout *s = scout;
    ut_status rc = UT_OK;
    bool found = false;
    if (trail->params != s->index->params)
        return ut_fail(err, UT_E_ARG, "trail of %s, index of %s", trail->params->name, s->index->params->name);
    for (int speed = 0; speed < UT_SPEEDS && !found && rc == UT_OK; speed++) {
        const ut_peaks *peaks[UT_QUERY_WITNESSES] = {&trail->peaks[0], &trail->peaks[1]};
        for (int w = 0; speed > 0 && w < trail->witnesses && rc == UT_OK; w++) {
            rc = ut_peaks_pace(s->index->params, speed, &trail->peaks[w], &s->paced[w], err);
            peaks[w] = &s->paced[w];
        }
        if (rc == UT_OK)
            rc = look_at_speed(s, ut_speed_to_recording(speed, trail->first), ut_speed_to_recording(speed, trail->end),
                               peaks[0], trail->witnesses > 1 ? peaks[1] : NULL, &found, err);
    }
    if (rc == UT_OK)
        *maybe = found;
    return rc;
}
