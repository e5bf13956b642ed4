#include "fingerprint/vote.h"

#include <stdlib.h>

#include "fingerprint/lookup.h"

/* A segment is gone through in spans of its timeline, and a span in slices. The postings of a span are sorted into its
 * slices first, then each slice is counted, in cells: its counters stay in the cache meanwhile. A place whose cell and
 * the next have too few votes to be among the best so far is passed over. */
enum {
    CELL_BITS = 3,   /* frames: 8 */
    SLICE_BITS = 19, /* frames: of 32 recordings */
    SPAN_BITS = 25,  /* frames: of 2,000 recordings */
    SLICES = 1 << (SPAN_BITS - SLICE_BITS),
    CELLS = 1 << (SLICE_BITS - CELL_BITS),
    WINDOW = 3, /* votes of so many neighbouring frames count together */
    VOTES_MIN = 3,
    BATCH = 1 << 15,        /* votes of a slice, 1,000 for a recording: beyond that, those of the commonest landmarks
                               are left out */
    BATCH_ROW = BATCH + 48, /* so that the batches do not share cache lines' places */
    LANES = 4,
    DIGIT_BITS = 10,
    DIGITS = 1 << DIGIT_BITS,
};

_Static_assert(UT_QUERY_FRAMES_MAX < 1 << SLICE_BITS, "votes of a span reach one slice beyond it");
_Static_assert(2 * DIGIT_BITS >= SLICE_BITS, "two digits tell the frames of a slice apart");

/* Votes for one frame. */
typedef struct {
    uint32_t frame;
    uint32_t votes;
} pile;

struct ut_votes {
    const ut_index *index;
    ut_lookup *lookup;
    uint8_t counters[CELLS + 2];    /* one more at either end */
    uint32_t (*batches)[BATCH_ROW]; /* SLICES + 1: where the window would begin; the last goes over to the next span */
    uint32_t waiting[SLICES + 1];
    uint32_t *hits; /* BATCH: those of a slice that may be among the best */
    uint32_t *sorted;
    /* What has been gathered of the segment. */
    int64_t base;
    pile piles[WINDOW]; /* the last frames with hits, which a window may yet hold */
    int pile_count;
    ut_candidate best; /* of overlapping windows; no votes: none */
    /* The best so far: a heap whose root is the worst. */
    ut_candidate *heap;
    size_t heap_size, heap_capacity;
};

ut_status ut_votes_open(const ut_index *index, ut_votes **out, ut_err *err)
{
    ut_votes *v = calloc(1, sizeof *v);
    if (!v)
        return ut_fail(err, UT_E_NOMEM, "votes");
    v->index = index;
    v->batches = malloc((SLICES + 1) * sizeof *v->batches);
    v->hits = malloc(BATCH * sizeof *v->hits);
    v->sorted = malloc(BATCH * sizeof *v->sorted);
    ut_status rc =
        v->batches && v->hits && v->sorted ? ut_lookup_open(index, &v->lookup, err) : ut_fail(err, UT_E_NOMEM, "votes");
    if (rc != UT_OK)
        ut_votes_close(&v);
    else
        *out = v;
    return rc;
}

void ut_votes_close(ut_votes **votes)
{
    ut_votes *v = *votes;
    if (!v)
        return;
    ut_lookup_close(&v->lookup);
    free(v->batches);
    free(v->hits);
    free(v->sorted);
    free(v);
    *votes = NULL;
}

/* --- the best ------------------------------------------------------------------------------------------------ */

static int most_votes(const void *a, const void *b)
{
    const ut_candidate *x = a, *y = b;
    if (x->votes != y->votes)
        return x->votes > y->votes ? -1 : 1;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* Into the heap, in place of the root if that is full. */
static void keep(ut_candidate *heap, size_t *size, size_t capacity, ut_candidate c)
{
    size_t at;
    if (*size < capacity) {
        at = (*size)++;
        for (; at > 0 && most_votes(&heap[(at - 1) / 2], &c) < 0; at = (at - 1) / 2)
            heap[at] = heap[(at - 1) / 2];
    } else {
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

static void offer(ut_votes *v, ut_candidate c)
{
    if (c.votes < VOTES_MIN || (v->heap_size == v->heap_capacity && most_votes(&c, &v->heap[0]) > 0))
        return;
    if (v->index->gone_count == 0 || ut_index_track_at(v->index, c.begin))
        keep(v->heap, &v->heap_size, v->heap_capacity, c);
}

/* Fewest votes that get into the heap. They come in the order of the timeline, so of equals the first is better. */
static uint32_t fewest(const ut_votes *v)
{
    return v->heap_size < v->heap_capacity ? VOTES_MIN : v->heap[0].votes + 1;
}

/* --- gathering ----------------------------------------------------------------------------------------------- */

/* The window that begins at the oldest pile is complete. Of overlapping ones, the best stands. */
static void complete(ut_votes *v)
{
    uint32_t frame = v->piles[0].frame, votes = 0;
    for (int i = 0; i < v->pile_count; i++)
        votes += v->piles[i].votes;
    ut_candidate c = {.begin = v->base + frame + 1 - UT_QUERY_FRAMES_MAX, .votes = votes};
    if (v->best.votes && c.begin > v->best.begin + WINDOW - 1) {
        offer(v, v->best);
        v->best = c;
    } else if (c.votes > v->best.votes) {
        v->best = c;
    }
    v->pile_count--;
    memmove(v->piles, v->piles + 1, (size_t)v->pile_count * sizeof *v->piles);
}

/* The next hits, in order. */
static void gather(ut_votes *v, const uint32_t *hits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (v->pile_count > 0 && v->piles[v->pile_count - 1].frame == hits[i]) {
            v->piles[v->pile_count - 1].votes++;
            continue;
        }
        while (v->pile_count > 0 && v->piles[0].frame + WINDOW <= hits[i])
            complete(v);
        v->piles[v->pile_count++] = (pile){.frame = hits[i], .votes = 1};
    }
}

static void finish_gathering(ut_votes *v)
{
    while (v->pile_count > 0)
        complete(v);
    if (v->best.votes)
        offer(v, v->best);
    v->best.votes = 0;
}

/* --- a slice ------------------------------------------------------------------------------------------------- */

/* The hits are of one slice. */
static void sort_hits(ut_votes *v, size_t count)
{
    for (int shift = 0; shift < 2 * DIGIT_BITS; shift += DIGIT_BITS) {
        uint32_t place[DIGITS] = {0}, sum = 0;
        for (size_t i = 0; i < count; i++)
            place[v->hits[i] >> shift & (DIGITS - 1)]++;
        for (size_t d = 0; d < DIGITS; d++) {
            uint32_t next = sum + place[d];
            place[d] = sum;
            sum = next;
        }
        for (size_t i = 0; i < count; i++)
            v->sorted[place[v->hits[i] >> shift & (DIGITS - 1)]++] = v->hits[i];
        uint32_t *swap = v->hits;
        v->hits = v->sorted;
        v->sorted = swap;
    }
}

static void count_slice(ut_votes *v, const uint32_t *begins, size_t count)
{
    if (count == 0)
        return;
    uint8_t *counters = v->counters + 1;
    uint32_t limit = fewest(v) < UINT8_MAX ? fewest(v) : UINT8_MAX;
    memset(counters, 0, CELLS);
    v->counters[0] = counters[CELLS] = UINT8_MAX; /* those next to other slices may have votes there */
    for (size_t i = 0; i < count; i++) {
        uint8_t *counter = &counters[begins[i] >> CELL_BITS & (CELLS - 1)];
        *counter = (uint8_t)(*counter + (*counter < UINT8_MAX));
    }
    size_t hits = 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *counter = &counters[begins[i] >> CELL_BITS & (CELLS - 1)];
        uint32_t beside = counter[-1] > counter[1] ? counter[-1] : counter[1];
        v->hits[hits] = begins[i];
        hits += *counter + beside >= limit;
    }
    if (hits == 0)
        return;
    sort_hits(v, hits);
    gather(v, v->hits, hits);
}

/* --- a segment ----------------------------------------------------------------------------------------------- */

/* The span being read: where it begins, and its end that lists are read to. */
typedef struct {
    const uint8_t *postings;
    const uint32_t *backs;
    uint32_t begin;
    uint32_t end;
} span;

/* A posting speaks for a window for each landmark of the query with that hash. */
static inline void spread(ut_votes *v, const span *s, const ut_lookup_list *l, uint32_t frame)
{
    for (uint32_t i = l->first; i < l->first + l->count; i++) {
        uint32_t begin = frame + s->backs[i], slice = (begin - s->begin) >> SLICE_BITS, n = v->waiting[slice];
        v->batches[slice][n] = begin;
        v->waiting[slice] = n + (n < BATCH);
    }
}

/* The next posting of the span; false: none. */
static inline bool step(const span *s, ut_lookup_list *l)
{
    uint64_t at = l->at;
    uint32_t frame = l->frame + ut_posting_read(l->code, s->postings, &at);
    if (at > l->end || frame >= s->end)
        return false;
    l->at = at;
    l->frame = frame;
    return true;
}

static void read_list(ut_votes *v, const span *s, ut_lookup_list *l)
{
    while (step(s, l))
        spread(v, s, l, l->frame);
}

/* Reads several lists by turns: each gap waits for the one before, but not for those of other lists. */
static void read_lanes(ut_votes *v, const span *s, ut_lookup_list lists[LANES])
{
    for (;;) {
        bool more[LANES], all = true;
        for (int i = 0; i < LANES; i++)
            all &= more[i] = step(s, &lists[i]);
        for (int i = 0; i < LANES; i++)
            if (more[i])
                spread(v, s, &lists[i], lists[i].frame);
        if (!all)
            break;
    }
    for (int i = 0; i < LANES; i++)
        read_list(v, s, &lists[i]);
}

static void read_span(ut_votes *v, const span *s, ut_lookup_list *lists, size_t count)
{
    enum { AHEAD = 8 };
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        for (size_t k = i + AHEAD; k < i + AHEAD + LANES && k < count; k++)
            __builtin_prefetch(s->postings + lists[k].at / 8);
        read_lanes(v, s, lists + i);
    }
    for (; i < count; i++)
        read_list(v, s, &lists[i]);
}

static void count_segment(ut_votes *v, const ut_index_segment *segment)
{
    ut_lookup_list *lists;
    size_t count = ut_lookup_find(v->lookup, segment, &lists);
    uint32_t frames = segment->block_count * UT_INDEX_BLOCK_FRAMES + UT_QUERY_FRAMES_MAX;
    span s = {.postings = segment->postings, .backs = ut_lookup_backs(v->lookup)};
    memset(v->waiting, 0, sizeof v->waiting);
    for (uint32_t begin = 0; begin < frames; begin += 1u << SPAN_BITS) {
        s.begin = begin;
        s.end = begin + (1u << SPAN_BITS);
        read_span(v, &s, lists, count);
        for (uint32_t slice = 0; slice < SLICES; slice++)
            count_slice(v, v->batches[slice], v->waiting[slice]);
        memcpy(v->batches[0], v->batches[SLICES], v->waiting[SLICES] * sizeof **v->batches);
        v->waiting[0] = v->waiting[SLICES];
        memset(v->waiting + 1, 0, sizeof v->waiting - sizeof *v->waiting);
    }
}

size_t ut_votes_count(ut_votes *votes, const ut_query *query, ut_candidate *out, size_t capacity)
{
    ut_votes *v = votes;
    v->heap = out;
    v->heap_size = 0;
    v->heap_capacity = capacity;
    ut_lookup_set(v->lookup, query);
    for (size_t i = 0; i < v->index->part_count; i++) {
        v->base = v->index->parts[i].base;
        count_segment(v, v->index->parts[i].segment);
        finish_gathering(v);
    }
    qsort(out, v->heap_size, sizeof *out, most_votes);
    return v->heap_size;
}
