/* Queries: programmes made of the material, with the truth about their music. A query depends on
 * the seed and its own number alone, and the same number has the same music under the same speech
 * at every level, so that columns can be compared. */
#ifndef UT_APPS_EVALUATE_QUERY_H
#define UT_APPS_EVALUATE_QUERY_H

#include "apps/evaluate/material.h"

typedef enum {
    UT_EVAL_CLEAN,  /* music alone */
    UT_EVAL_MIXED,  /* music under speech */
    UT_EVAL_FX,     /* -10 dB, and effects 6 dB under the speech */
    UT_EVAL_CHAIN,  /* -10 dB, through a broadcast chain */
    UT_EVAL_SPEED,  /* 0 dB, music 4 % faster or slower */
    UT_EVAL_ABSENT, /* music that the index does not hold; clean, 0, -10 and -20 dB in turn */
    UT_EVAL_SPEECH, /* no music */
    UT_EVAL_EDGES,  /* two minutes of speech, music coming and going at -10 dB */
} ut_eval_kind;

enum { UT_EVAL_SEGMENTS = 8 };

/* Where music is: programme samples [start, end) are the track from source_s on, played `speed`
 * times as fast. */
typedef struct {
    size_t track;
    double source_s;
    double speed;
    int64_t start;
    int64_t end;
} ut_eval_segment;

typedef struct {
    float *mix;
    size_t frames;
    ut_eval_segment segments[UT_EVAL_SEGMENTS];
    size_t segment_count;
} ut_eval_query;

typedef struct {
    ut_eval_kind kind;
    double snr_db;  /* UT_EVAL_MIXED */
    double seconds; /* length; UT_EVAL_EDGES has its own */
    uint64_t seed;
} ut_eval_recipe;

/* Makes query `number`. To be released by ut_eval_query_clear. UT_E_ARG if the music folder has no
 * track that is long and loud enough. */
UT_CHECK ut_status ut_eval_query_make(const ut_eval_material *material, const ut_eval_recipe *recipe, size_t number,
                                      ut_eval_query *out, ut_err *err);
void ut_eval_query_clear(ut_eval_query *query);

#endif
