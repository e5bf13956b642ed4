#include "fingerprint/vote.h"

#include <stdlib.h>

enum {
    CELL_BITS = 2, /* a cell of the first count is 4 frames wide */
    COUNTER_BITS_MIN = 12,
    COUNTER_BITS_MAX = 22, /* where the timeline is longer, cells share counters: only more work, not other answers */
    HITS_MAX = 1 << 16,
    VOTES_MIN = 3,
};

struct ut_votes {
    const ut_index *index;
    uint8_t *counters;
    uint32_t counter_mask;
    uint32_t *hits;   /* HITS_MAX */
    uint32_t *sorted; /* HITS_MAX */
    size_t hit_count;
};

ut_status ut_votes_open(const ut_index *index, ut_votes **out, ut_err *err)
{
    uint64_t cells = (uint64_t)index->block_count * UT_INDEX_BLOCK_FRAMES >> CELL_BITS;
    int bits = COUNTER_BITS_MIN;
    while (bits < COUNTER_BITS_MAX && UINT64_C(1) << bits < cells)
        bits++;
    ut_votes *v = calloc(1, sizeof *v);
    if (!v)
        return ut_fail(err, UT_E_NOMEM, "votes");
    v->index = index;
    v->counter_mask = (UINT32_C(1) << bits) - 1;
    v->counters = malloc((size_t)1 << bits);
    v->hits = malloc(HITS_MAX * sizeof *v->hits);
    v->sorted = malloc(HITS_MAX * sizeof *v->sorted);
    if (!v->counters || !v->hits || !v->sorted) {
        ut_votes_close(&v);
        return ut_fail(err, UT_E_NOMEM, "votes");
    }
    *out = v;
    return UT_OK;
}

void ut_votes_close(ut_votes **votes)
{
    if (!*votes)
        return;
    free((*votes)->counters);
    free((*votes)->hits);
    free((*votes)->sorted);
    free(*votes);
    *votes = NULL;
}

/* Beginnings are kept unsigned by adding the longest window. */
static inline uint32_t counter_of(const ut_votes *v, uint32_t begin)
{
    return begin >> CELL_BITS & v->counter_mask;
}

/* The postings of landmark i, and where the window would begin if the first of them were at frame 0. Asks for those
 * further on meanwhile: nearly every look is a cache miss. */
static inline const uint8_t *postings(const ut_votes *v, const ut_query *q, int witness, size_t i, const uint8_t **end,
                                      uint32_t *begin)
{
    enum { BUCKETS_AHEAD = 16, POSTINGS_AHEAD = 8 };
    const ut_index *x = v->index;
    const ut_landmarks *pairs = &q->landmarks[witness];
    if (i + BUCKETS_AHEAD < pairs->count)
        __builtin_prefetch(&x->buckets[pairs->items[i + BUCKETS_AHEAD].hash]);
    if (i + POSTINGS_AHEAD < pairs->count)
        __builtin_prefetch(&x->postings[x->buckets[pairs->items[i + POSTINGS_AHEAD].hash]]);
    uint32_t hash = pairs->items[i].hash;
    *begin = UT_QUERY_FRAMES_MAX - (uint32_t)q->peaks[witness].items[pairs->items[i].anchor].frame;
    *end = x->postings + x->buckets[hash + 1];
    return x->postings + x->buckets[hash];
}

static void count(ut_votes *v, const ut_query *q, int witness)
{
    for (size_t i = 0; i < q->landmarks[witness].count; i++) {
        uint32_t begin;
        const uint8_t *end, *at = postings(v, q, witness, i, &end, &begin);
        while (at < end) {
            begin += ut_gap_read(&at);
            uint8_t *counter = &v->counters[counter_of(v, begin)];
            *counter = (uint8_t)(*counter + (*counter < UINT8_MAX));
        }
    }
}

/* The lowest count such that the votes in counters that reach it fit into `hits`. */
static uint32_t threshold(const ut_votes *v)
{
    uint32_t histogram[UINT8_MAX + 1] = {0};
    for (size_t i = 0; i <= v->counter_mask; i++)
        histogram[v->counters[i]]++;
    uint64_t reached = 0;
    uint32_t limit = UINT8_MAX;
    while (limit >= VOTES_MIN && (reached += (uint64_t)limit * histogram[limit]) <= HITS_MAX)
        limit--;
    return limit + 1;
}

static void collect(ut_votes *v, const ut_query *q, int witness, uint32_t limit)
{
    for (size_t i = 0; i < q->landmarks[witness].count; i++) {
        uint32_t begin;
        const uint8_t *end, *at = postings(v, q, witness, i, &end, &begin);
        while (at < end) {
            begin += ut_gap_read(&at);
            if (v->counters[counter_of(v, begin)] >= limit && v->hit_count < HITS_MAX)
                v->hits[v->hit_count++] = begin;
        }
    }
}

/* Sorts the hits, eleven bits at a time. */
static void sort_hits(ut_votes *v)
{
    enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };
    for (int shift = 0; shift < 32; shift += DIGIT_BITS) {
        uint32_t place[DIGITS] = {0}, sum = 0;
        for (size_t i = 0; i < v->hit_count; i++)
            place[v->hits[i] >> shift & (DIGITS - 1)]++;
        for (size_t d = 0; d < DIGITS; d++) {
            uint32_t next = sum + place[d];
            place[d] = sum;
            sum = next;
        }
        for (size_t i = 0; i < v->hit_count; i++)
            v->sorted[place[v->hits[i] >> shift & (DIGITS - 1)]++] = v->hits[i];
        uint32_t *swap = v->hits;
        v->hits = v->sorted;
        v->sorted = swap;
    }
}

static int most_votes(const void *a, const void *b)
{
    const ut_candidate *x = a, *y = b;
    if (x->votes != y->votes)
        return x->votes > y->votes ? -1 : 1;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* Keeps the best `capacity` in a heap whose root is the worst. */
static void keep(ut_candidate *heap, size_t *size, size_t capacity, ut_candidate c)
{
    size_t at;
    if (*size < capacity) {
        at = (*size)++;
        for (; at > 0 && most_votes(&heap[(at - 1) / 2], &c) < 0; at = (at - 1) / 2)
            heap[at] = heap[(at - 1) / 2];
    } else {
        if (most_votes(&c, &heap[0]) > 0)
            return;
        at = 0;
        for (size_t child; (child = 2 * at + 1) < capacity; at = child) {
            if (child + 1 < capacity && most_votes(&heap[child + 1], &heap[child]) > 0)
                child++;
            if (most_votes(&heap[child], &c) < 0)
                break;
            heap[at] = heap[child];
        }
    }
    heap[at] = c;
}

/* Votes of three neighbouring frames count together; of overlapping threes, the best stands. */
static size_t gather(ut_votes *v, ut_candidate *out, size_t capacity)
{
    const uint32_t *hits = v->hits;
    size_t size = 0, n = v->hit_count;
    ut_candidate best = {0};
    for (size_t i = 0, j = 0; i < n; i++) {
        if (i > 0 && hits[i] == hits[i - 1])
            continue;
        while (j < n && hits[j] <= hits[i] + 2)
            j++;
        ut_candidate c = {.begin = (int64_t)hits[i] + 1 - UT_QUERY_FRAMES_MAX, .votes = (uint32_t)(j - i)};
        if (best.votes && c.begin > best.begin + 2) {
            keep(out, &size, capacity, best);
            best = c;
        } else if (c.votes > best.votes) {
            best = c;
        }
    }
    if (best.votes)
        keep(out, &size, capacity, best);
    return size;
}

size_t ut_votes_count(ut_votes *votes, const ut_query *query, ut_candidate *out, size_t capacity)
{
    memset(votes->counters, 0, (size_t)votes->counter_mask + 1);
    for (int w = 0; w < query->witnesses; w++)
        count(votes, query, w);
    uint32_t limit = threshold(votes);
    votes->hit_count = 0;
    for (int w = 0; w < query->witnesses; w++)
        collect(votes, query, w, limit);
    sort_hits(votes);
    size_t found = gather(votes, out, capacity);
    qsort(out, found, sizeof *out, most_votes);
    return found;
}
