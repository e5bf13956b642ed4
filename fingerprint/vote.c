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
    uint32_t *hits; /* HITS_MAX */
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
    if (!v->counters || !v->hits) {
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
    free(*votes);
    *votes = NULL;
}

/* Beginnings are kept unsigned by adding the longest window. */
static inline uint32_t counter_of(const ut_votes *v, uint32_t begin)
{
    return begin >> CELL_BITS & v->counter_mask;
}

static void count(ut_votes *v, const ut_query *q, int witness)
{
    const ut_index *x = v->index;
    const ut_landmarks *pairs = &q->landmarks[witness];
    for (size_t i = 0; i < pairs->count; i++) {
        uint32_t hash = pairs->items[i].hash;
        uint32_t begin = UT_QUERY_FRAMES_MAX - (uint32_t)q->peaks[witness].items[pairs->items[i].anchor].frame;
        const uint8_t *at = x->postings + x->buckets[hash], *end = x->postings + x->buckets[hash + 1];
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
    const ut_index *x = v->index;
    const ut_landmarks *pairs = &q->landmarks[witness];
    for (size_t i = 0; i < pairs->count; i++) {
        uint32_t hash = pairs->items[i].hash;
        uint32_t begin = UT_QUERY_FRAMES_MAX - (uint32_t)q->peaks[witness].items[pairs->items[i].anchor].frame;
        const uint8_t *at = x->postings + x->buckets[hash], *end = x->postings + x->buckets[hash + 1];
        while (at < end) {
            begin += ut_gap_read(&at);
            if (v->counters[counter_of(v, begin)] >= limit && v->hit_count < HITS_MAX)
                v->hits[v->hit_count++] = begin;
        }
    }
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
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
    qsort(votes->hits, votes->hit_count, sizeof *votes->hits, ascending);
    size_t found = gather(votes, out, capacity);
    qsort(out, found, sizeof *out, most_votes);
    return found;
}
