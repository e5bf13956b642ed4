/* The scout's references: hash → places, at every speed. Inside fingerprint/ only. */
#ifndef UT_FINGERPRINT_SCOUT_TABLE_H
#define UT_FINGERPRINT_SCOUT_TABLE_H

#include "fingerprint/follow.h"

/* A recording at a speed, on the table's timeline: as frames of the programme that plays it. */
typedef struct {
    const ut_index_track *track;
    int speed;
    uint32_t origin;
} ut_scout_track;

typedef struct {
    const ut_index *index;
    ut_scout_track *tracks; /* by origin */
    size_t track_count;
    uint32_t frames;   /* of the timeline */
    uint64_t *present; /* bit h: hash h occurs */
    uint32_t *rank;    /* of each word of `present`: how many hashes occur before it */
    uint32_t *starts;  /* of the i-th hash that occurs: its first place; one more at the end */
    bool *crowded;     /* of each hash that occurs: left out */
    uint32_t *places;  /* frames of the timeline */
} ut_scout_table;

/* To be cleared, whatever comes. */
UT_CHECK ut_status ut_scout_table_make(const ut_index *index, ut_scout_table *table, ut_err *err);
void ut_scout_table_clear(ut_scout_table *table);

static inline bool ut_scout_has(const ut_scout_table *t, uint32_t hash)
{
    return t->present[hash / 64] >> hash % 64 & 1;
}

/* Which of the hashes that occur this one is; it does occur. */
static inline uint32_t ut_scout_rank(const ut_scout_table *t, uint32_t hash)
{
    uint64_t before = t->present[hash / 64] & ((UINT64_C(1) << hash % 64) - 1);
    return t->rank[hash / 64] + (uint32_t)__builtin_popcountll(before);
}

#endif
