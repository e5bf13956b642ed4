#include "fingerprint/lookup.h"

#include <stdlib.h>

enum {
    LANDMARKS_MAX = 1 << 16, /* of a query; far more than there ever are */
    CLASSES = 4 * 36,        /* of posting list lengths, four to an octave */
    DIGIT_BITS = 11,
    DIGITS = 1 << DIGIT_BITS,
};

/* A few landmarks are so common that they hold most of the postings and tell least: of dense queries of music under
 * speech, the commonest 4 in 100 hold 7 in 10. Where all postings of a query are more than this, the commonest
 * landmarks are left out until they are not, or until 4 in 100 are left out. */
#define FULL_BITS (UINT64_C(128) << 20)
#define KEPT 0.96

typedef struct {
    uint32_t hash;
    uint32_t back;
} landmark;

/* Landmarks of one hash. */
typedef struct {
    uint32_t hash;
    uint32_t first;
    uint32_t count;
    int class; /* of the length of its lists, all segments together */
} group;

struct ut_lookup {
    const ut_index *index;
    landmark *landmarks; /* LANDMARKS_MAX, by hash */
    landmark *spare;     /* LANDMARKS_MAX */
    uint32_t *backs;     /* LANDMARKS_MAX */
    uint64_t *weights;   /* LANDMARKS_MAX: bits of each group's lists */
    group *groups;       /* LANDMARKS_MAX: the rarest first, and within a class by hash */
    group *unsorted;     /* LANDMARKS_MAX: by hash */
    ut_lookup_list *lists;
    size_t group_count;
};

ut_status ut_lookup_open(const ut_index *index, ut_lookup **out, ut_err *err)
{
    ut_lookup *l = calloc(1, sizeof *l);
    if (!l)
        return ut_fail(err, UT_E_NOMEM, "lookup");
    l->index = index;
    l->landmarks = malloc(LANDMARKS_MAX * sizeof *l->landmarks);
    l->spare = malloc(LANDMARKS_MAX * sizeof *l->spare);
    l->backs = malloc(LANDMARKS_MAX * sizeof *l->backs);
    l->weights = malloc(LANDMARKS_MAX * sizeof *l->weights);
    l->groups = malloc(LANDMARKS_MAX * sizeof *l->groups);
    l->unsorted = malloc(LANDMARKS_MAX * sizeof *l->unsorted);
    l->lists = malloc(LANDMARKS_MAX * sizeof *l->lists);
    if (!l->landmarks || !l->spare || !l->backs || !l->weights || !l->groups || !l->unsorted || !l->lists) {
        ut_lookup_close(&l);
        return ut_fail(err, UT_E_NOMEM, "lookup");
    }
    *out = l;
    return UT_OK;
}

void ut_lookup_close(ut_lookup **lookup)
{
    ut_lookup *l = *lookup;
    if (!l)
        return;
    free(l->landmarks);
    free(l->spare);
    free(l->backs);
    free(l->weights);
    free(l->groups);
    free(l->unsorted);
    free(l->lists);
    free(l);
    *lookup = NULL;
}

const uint32_t *ut_lookup_backs(const ut_lookup *lookup)
{
    return lookup->backs;
}

/* --- the query ----------------------------------------------------------------------------------------------- */

static size_t take_landmarks(ut_lookup *l, const ut_query *q)
{
    size_t count = 0;
    for (int w = 0; w < q->witnesses; w++)
        for (size_t i = 0; i < q->landmarks[w].count && count < LANDMARKS_MAX; i++) {
            ut_landmark pair = q->landmarks[w].items[i];
            uint32_t back = UT_QUERY_FRAMES_MAX - (uint32_t)q->paired[w].items[pair.anchor].frame;
            l->landmarks[count++] = (landmark){.hash = pair.hash, .back = back};
        }
    return count;
}

static void sort_landmarks(ut_lookup *l, size_t count)
{
    for (int shift = 0; shift < 2 * DIGIT_BITS; shift += DIGIT_BITS) {
        uint32_t place[DIGITS] = {0}, sum = 0;
        for (size_t i = 0; i < count; i++)
            place[l->landmarks[i].hash >> shift & (DIGITS - 1)]++;
        for (size_t d = 0; d < DIGITS; d++) {
            uint32_t next = sum + place[d];
            place[d] = sum;
            sum = next;
        }
        for (size_t i = 0; i < count; i++)
            l->spare[place[l->landmarks[i].hash >> shift & (DIGITS - 1)]++] = l->landmarks[i];
        landmark *swap = l->landmarks;
        l->landmarks = l->spare;
        l->spare = swap;
    }
}

static size_t group_landmarks(ut_lookup *l, size_t count)
{
    size_t groups = 0;
    for (size_t i = 0; i < count; i++) {
        l->backs[i] = l->landmarks[i].back;
        if (i == 0 || l->landmarks[i].hash != l->landmarks[i - 1].hash)
            l->unsorted[groups++] = (group){.hash = l->landmarks[i].hash, .first = (uint32_t)i};
        l->unsorted[groups - 1].count++;
    }
    return groups;
}

/* --- the lists ----------------------------------------------------------------------------------------------- */

/* Calls for what lookups further on will need: nearly every one is a cache miss. */
static inline void prefetch_list(const ut_index_segment *s, const group *groups, size_t i, size_t count)
{
    enum { TABLE_AHEAD = 24, SHELF_AHEAD = 12 };
    if (i + TABLE_AHEAD < count)
        __builtin_prefetch(&s->shelves[groups[i + TABLE_AHEAD].hash >> UT_POSTING_SHELF_BITS]);
    if (i + SHELF_AHEAD < count)
        __builtin_prefetch(s->postings + s->shelves[groups[i + SHELF_AHEAD].hash >> UT_POSTING_SHELF_BITS]);
}

/* Bits of the lists of each group in all segments. */
static void weigh(ut_lookup *l, size_t count)
{
    memset(l->weights, 0, count * sizeof *l->weights);
    for (size_t part = 0; part < l->index->part_count; part++) {
        const ut_index_segment *s = l->index->parts[part].segment;
        ut_posting_place place;
        for (size_t i = 0; i < count; i++) {
            prefetch_list(s, l->unsorted, i, count);
            if (ut_segment_find(s, l->unsorted[i].hash, &place))
                l->weights[i] += place.end - place.at;
        }
    }
}

/* The class of a length: its octave and the two bits below its highest. */
static int class_of(uint64_t bits)
{
    if (bits < 4)
        return (int)bits;
    int octave = 63 - __builtin_clzll(bits);
    int class = 4 * (octave - 1) + (int)(bits >> (octave - 2) & 3);
    return class < CLASSES ? class : CLASSES - 1;
}

/* The highest class of groups that are looked up. */
static int heaviest(const ut_lookup *l, size_t groups, size_t landmarks)
{
    uint64_t bits[CLASSES] = {0}, sum = 0;
    size_t counts[CLASSES] = {0}, count = 0;
    for (size_t i = 0; i < groups; i++) {
        bits[l->unsorted[i].class] += l->weights[i] * l->unsorted[i].count;
        counts[l->unsorted[i].class] += l->unsorted[i].count;
    }
    for (int class = 0; class < CLASSES; class ++) {
        if (sum + bits[class] > FULL_BITS && (double)count >= KEPT * (double)landmarks)
            return class - 1;
        sum += bits[class];
        count += counts[class];
    }
    return CLASSES - 1;
}

/* The rarest first; what is in no segment and what is too common is left out. */
static void sort_groups(ut_lookup *l, size_t count, int heaviest_class)
{
    size_t place[CLASSES + 1] = {0};
    for (size_t i = 0; i < count; i++)
        place[l->unsorted[i].class + 1]++;
    l->group_count = 0;
    for (int class = 1; class <= heaviest_class; class ++)
        l->group_count += place[class + 1];
    for (int class = 1; class <= CLASSES; class ++)
        place[class] += place[class - 1];
    for (size_t i = 0, none = place[1]; i < count; i++) {
        int class = l->unsorted[i].class;
        if (class > 0 && class <= heaviest_class)
            l->groups[place[class]++ - none] = l->unsorted[i];
    }
}

void ut_lookup_set(ut_lookup *lookup, const ut_query *query)
{
    ut_lookup *l = lookup;
    size_t landmarks = take_landmarks(l, query);
    sort_landmarks(l, landmarks);
    size_t groups = group_landmarks(l, landmarks);
    weigh(l, groups);
    for (size_t i = 0; i < groups; i++)
        l->unsorted[i].class = class_of(l->weights[i]);
    sort_groups(l, groups, heaviest(l, groups, landmarks));
}

size_t ut_lookup_find(ut_lookup *lookup, const ut_index_segment *segment, ut_lookup_list **lists)
{
    const ut_lookup *l = lookup;
    const ut_posting_code *codes = ut_posting_codes();
    ut_posting_place place;
    size_t count = 0;
    for (size_t i = 0; i < l->group_count; i++) {
        const group *g = &l->groups[i];
        prefetch_list(segment, l->groups, i, l->group_count);
        if (ut_segment_find(segment, g->hash, &place))
            l->lists[count++] = (ut_lookup_list){
                .at = place.at, .end = place.end, .code = &codes[place.code], .first = g->first, .count = g->count};
    }
    *lists = l->lists;
    return count;
}
