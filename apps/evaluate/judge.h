/* Compares what was identified with what was there. */
#ifndef UT_APPS_EVALUATE_JUDGE_H
#define UT_APPS_EVALUATE_JUDGE_H

#include "apps/evaluate/query.h"

typedef struct {
    size_t segments;  /* stretches of music in the query */
    size_t hits;      /* of them, identified: the right recording at a time that overlaps */
    size_t ambiguous; /* of them, not identified but called ambiguous */
    size_t shared;    /* identifications of another recording that holds the very same audio there:
                         neither hit nor false */
    size_t wrong;     /* all other identifications */
    int64_t wrong_id; /* recording of the first wrong one; 0: none */
    double wrong_log10_e;
    double wrong_correlation;                  /* of its waveform with the query's music; 0 without music there */
    double edge_error_s[2 * UT_EVAL_SEGMENTS]; /* start and end of each hit: programme time found
                                                  less true */
} ut_eval_verdict;

/* That another recording holds the same audio is established from the audio itself: the waveforms of the query's source
 * and of the claimed place correlate. Tracks are read again for it, which is rare. */
UT_CHECK ut_status ut_eval_judge(const ut_eval_material *material, const ut_eval_query *query,
                                 const ut_identification *found, size_t count, ut_eval_verdict *out, ut_err *err);

/* The highest normalised correlation of `frames` samples of a with a stretch of b, which has `slack` more samples on
 * both sides to look in. */
double ut_eval_correlation(const float *a, size_t frames, const float *b, size_t slack);

/* From here on two stretches are the same audio. Two encodings of one recording correlate by 0.99; different music
 * stays under 0.4; in between lie recordings that share a part, such as a loop, which are not the same. */
#define UT_EVAL_SAME_AUDIO 0.7

#endif
