#include "fingerprint/vote.h"

#include <stdlib.h>

#include "fingerprint/posting_code.h"

enum {
    CELL_BITS = 2, /* a cell of the first count is 4 frames wide */
    COUNTER_BITS_MIN = 12,
    COUNTER_BITS_MAX = 22, /* where the timeline is longer, cells share counters: only more work, not other answers */
    HITS_MAX = 1 << 16,    /* of one segment */
    VOTES_MIN = 3,
    LANDMARKS_MAX = 1 << 16, /* of a query; far more than there ever are */
    CLASSES = 4 * 32,        /* of posting list lengths, four to an octave */
    SLICE_BITS = 15,         /* of counters: what stays in the cache while it is counted in */
    SLICES = 1 << (COUNTER_BITS_MAX - SLICE_BITS),
    BATCH = 1 << 13,        /* beginnings that wait for their slice */
    BATCH_ROW = BATCH + 48, /* so that the batches do not share cache lines' places */
};

/* A few landmarks are so common that they hold most of the postings and tell least: of dense queries of music under
 * speech, the commonest 4 in 100 hold 7 in 10. Where all postings of a query are more than this, the commonest
 * landmarks are left out until they are not, or until 4 in 100 are left out. */
#define FULL_BYTES (UINT64_C(16) << 20)
#define KEPT 0.96

/* The postings of one landmark in a segment: where the window would begin if the first of them were at frame 0. */
typedef struct {
    uint32_t at;
    uint32_t end;
    uint32_t begin;
} list;

struct ut_votes {
    const ut_index *index;
    uint8_t *counters; /* 2^COUNTER_BITS_MAX */
    uint32_t counter_mask;
    uint32_t *weights; /* LANDMARKS_MAX: bytes of each landmark's postings, in the query's order */
    list *lists;       /* LANDMARKS_MAX */
    size_t list_count;
    uint32_t (*batches)[BATCH_ROW]; /* SLICES */
    uint32_t limit;
    uint32_t *hits;   /* HITS_MAX */
    uint32_t *sorted; /* HITS_MAX */
    size_t hit_count;
};

ut_status ut_votes_open(const ut_index *index, ut_votes **out, ut_err *err)
{
    uint64_t frames = 0;
    int bits = COUNTER_BITS_MIN;
    for (size_t i = 0; i < index->part_count; i++) {
        uint64_t more = (uint64_t)index->parts[i].segment->block_count * UT_INDEX_BLOCK_FRAMES;
        frames = more > frames ? more : frames;
    }
    while (bits < COUNTER_BITS_MAX && UINT64_C(1) << bits < frames >> CELL_BITS)
        bits++;
    ut_votes *v = calloc(1, sizeof *v);
    if (!v)
        return ut_fail(err, UT_E_NOMEM, "votes");
    v->index = index;
    v->counters = malloc((size_t)1 << bits);
    v->weights = malloc(LANDMARKS_MAX * sizeof *v->weights);
    v->lists = malloc(LANDMARKS_MAX * sizeof *v->lists);
    v->batches = malloc(SLICES * sizeof *v->batches);
    v->hits = malloc(HITS_MAX * sizeof *v->hits);
    v->sorted = malloc(HITS_MAX * sizeof *v->sorted);
    if (!v->counters || !v->weights || !v->lists || !v->batches || !v->hits || !v->sorted) {
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
    free((*votes)->weights);
    free((*votes)->lists);
    free((*votes)->batches);
    free((*votes)->hits);
    free((*votes)->sorted);
    free(*votes);
    *votes = NULL;
}

/* --- the posting lists of a query ---------------------------------------------------------------------------- */

/* Calls for what lookups further on will need: nearly every one is a cache miss. */
static inline void prefetch_bucket(const ut_index_segment *s, const ut_landmarks *pairs, size_t i)
{
    enum { WORDS_AHEAD = 24, BUCKETS_AHEAD = 8 };
    if (i + WORDS_AHEAD < pairs->count) {
        uint32_t hash = pairs->items[i + WORDS_AHEAD].hash;
        __builtin_prefetch(&s->present[hash / 64]);
        __builtin_prefetch(&s->ranks[hash >> UT_INDEX_RANK_BITS]);
    }
    if (i + BUCKETS_AHEAD < pairs->count)
        __builtin_prefetch(&s->buckets[s->ranks[pairs->items[i + BUCKETS_AHEAD].hash >> UT_INDEX_RANK_BITS]]);
}

/* Bytes of postings of each landmark in all segments. */
static size_t weigh(ut_votes *v, const ut_query *q)
{
    size_t total = 0;
    for (int w = 0; w < q->witnesses; w++)
        total += q->landmarks[w].count;
    total = total < LANDMARKS_MAX ? total : LANDMARKS_MAX;
    memset(v->weights, 0, total * sizeof *v->weights);
    for (size_t part = 0; part < v->index->part_count; part++) {
        const ut_index_segment *s = v->index->parts[part].segment;
        size_t n = 0;
        for (int w = 0; w < q->witnesses; w++)
            for (size_t i = 0; i < q->landmarks[w].count && n < total; i++, n++) {
                prefetch_bucket(s, &q->landmarks[w], i);
                int64_t slot = ut_segment_slot(s, q->landmarks[w].items[i].hash);
                if (slot >= 0)
                    v->weights[n] += s->buckets[slot + 1] - s->buckets[slot];
            }
    }
    return total;
}

/* The class of a length: its octave and the two bits below its highest. */
static int class_of(uint32_t bytes)
{
    if (bytes < 4)
        return (int)bytes;
    int octave = 31 - __builtin_clz(bytes);
    return 4 * (octave - 1) + (int)(bytes >> (octave - 2) & 3);
}

/* The highest class of landmarks that are looked up. */
static int heaviest(const ut_votes *v, size_t total)
{
    uint64_t bytes[CLASSES] = {0}, sum = 0;
    size_t counts[CLASSES] = {0}, count = 0;
    for (size_t i = 0; i < total; i++) {
        int class = class_of(v->weights[i]);
        bytes[class] += v->weights[i];
        counts[class]++;
    }
    for (int class = 0; class < CLASSES; class ++) {
        if (sum + bytes[class] > FULL_BYTES && (double)count >= KEPT * (double)total)
            return class - 1;
        sum += bytes[class];
        count += counts[class];
    }
    return CLASSES - 1;
}

static void find_lists(ut_votes *v, const ut_query *q, const ut_index_segment *s, int heaviest_class, size_t total)
{
    size_t n = 0;
    v->list_count = 0;
    for (int w = 0; w < q->witnesses; w++)
        for (size_t i = 0; i < q->landmarks[w].count && n < total; i++, n++) {
            prefetch_bucket(s, &q->landmarks[w], i);
            ut_landmark pair = q->landmarks[w].items[i];
            int64_t slot = class_of(v->weights[n]) > heaviest_class ? -1 : ut_segment_slot(s, pair.hash);
            if (slot >= 0)
                v->lists[v->list_count++] =
                    (list){.at = s->buckets[slot],
                           .end = s->buckets[slot + 1],
                           .begin = UT_QUERY_FRAMES_MAX - (uint32_t)q->peaks[w].items[pair.anchor].frame};
        }
}

/* --- counting ------------------------------------------------------------------------------------------------ */

/* There are far more counters than fit into a core's cache, and postings come in no order: each would wait for memory.
 * So they are sorted into batches by slices of counters first, and each batch goes to its slice at once.
 *
 * Beginnings are kept unsigned by adding the longest window. */
typedef void (*batch_fn)(ut_votes *v, const uint32_t *begins, size_t count);

static void count_batch(ut_votes *v, const uint32_t *begins, size_t count)
{
    uint8_t *counters = v->counters;
    uint32_t mask = v->counter_mask;
    for (size_t i = 0; i < count; i++) {
        uint8_t *counter = &counters[begins[i] >> CELL_BITS & mask];
        *counter = (uint8_t)(*counter + (*counter < UINT8_MAX));
    }
}

static void collect_batch(ut_votes *v, const uint32_t *begins, size_t count)
{
    const uint8_t *counters = v->counters;
    uint32_t *hits = v->hits, mask = v->counter_mask, limit = v->limit;
    size_t n = v->hit_count;
    for (size_t i = 0; i < count && n < HITS_MAX; i++) {
        hits[n] = begins[i];
        n += counters[begins[i] >> CELL_BITS & mask] >= limit;
    }
    v->hit_count = n;
}

static inline void prefetch_postings(const ut_votes *v, const ut_index_segment *s, size_t i)
{
    enum { AHEAD = 8 };
    if (i + AHEAD < v->list_count)
        __builtin_prefetch(s->postings + v->lists[i + AHEAD].at);
}

/* Hands the beginnings that all lists speak for to `fn`, by slices. */
static void each_beginning(ut_votes *v, const ut_index_segment *s, batch_fn fn)
{
    uint32_t(*batches)[BATCH_ROW] = v->batches, waiting[SLICES] = {0}, mask = v->counter_mask;
    const ut_posting_code *code = ut_posting_code_get();
    for (size_t i = 0; i < v->list_count; i++) {
        uint32_t begin = v->lists[i].begin;
        uint64_t at = (uint64_t)v->lists[i].at * 8, end = (uint64_t)v->lists[i].end * 8;
        prefetch_postings(v, s, i);
        for (;;) {
            begin += ut_posting_read(code, s->postings, &at);
            if (at > end)
                break;
            uint32_t slice = (begin >> CELL_BITS & mask) >> SLICE_BITS, n = waiting[slice]++;
            batches[slice][n] = begin;
            if (n == BATCH - 1) {
                fn(v, batches[slice], BATCH);
                waiting[slice] = 0;
            }
        }
    }
    for (size_t slice = 0; slice < SLICES; slice++)
        fn(v, batches[slice], waiting[slice]);
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

typedef struct {
    const ut_index *index;
    ut_candidate *items; /* a heap whose root is the worst */
    size_t size;
    size_t capacity;
} heap;

static void offer(heap *h, ut_candidate c)
{
    if (h->size == h->capacity && most_votes(&c, &h->items[0]) > 0)
        return;
    if (h->index->gone_count == 0 || ut_index_track_at(h->index, c.begin))
        keep(h->items, &h->size, h->capacity, c);
}

/* Votes of three neighbouring frames count together; of overlapping threes, the best stands. */
static void gather(const ut_votes *v, int64_t base, heap *h)
{
    const uint32_t *hits = v->hits;
    size_t n = v->hit_count;
    ut_candidate best = {0};
    for (size_t i = 0, j = 0; i < n; i++) {
        if (i > 0 && hits[i] == hits[i - 1])
            continue;
        while (j < n && hits[j] <= hits[i] + 2)
            j++;
        ut_candidate c = {.begin = base + hits[i] + 1 - UT_QUERY_FRAMES_MAX, .votes = (uint32_t)(j - i)};
        if (best.votes && c.begin > best.begin + 2) {
            offer(h, best);
            best = c;
        } else if (c.votes > best.votes) {
            best = c;
        }
    }
    if (best.votes)
        offer(h, best);
}

/* Counters for a segment: as many as it has cells, up to what there is. */
static void clear_counters(ut_votes *v, const ut_index_segment *s)
{
    uint64_t cells = (uint64_t)s->block_count * UT_INDEX_BLOCK_FRAMES >> CELL_BITS;
    int bits = COUNTER_BITS_MIN;
    while (bits < COUNTER_BITS_MAX && UINT64_C(1) << bits < cells)
        bits++;
    v->counter_mask = (UINT32_C(1) << bits) - 1;
    memset(v->counters, 0, (size_t)v->counter_mask + 1);
}

size_t ut_votes_count(ut_votes *votes, const ut_query *query, ut_candidate *out, size_t capacity)
{
    const ut_index *x = votes->index;
    heap h = {.index = x, .items = out, .capacity = capacity};
    size_t total = weigh(votes, query);
    int heaviest_class = heaviest(votes, total);
    for (size_t i = 0; i < x->part_count; i++) {
        const ut_index_segment *s = x->parts[i].segment;
        clear_counters(votes, s);
        find_lists(votes, query, s, heaviest_class, total);
        each_beginning(votes, s, count_batch);
        votes->limit = threshold(votes);
        votes->hit_count = 0;
        each_beginning(votes, s, collect_batch);
        sort_hits(votes);
        gather(votes, x->parts[i].base, &h);
    }
    qsort(out, h.size, sizeof *out, most_votes);
    return h.size;
}
