/* The evaluation: every query through every parameter set, with and without separation, in parallel
 * and reproducible. */
#ifndef UT_APPS_EVALUATE_EVALUATE_H
#define UT_APPS_EVALUATE_EVALUATE_H

#include "apps/evaluate/judge.h"
#include "separator/separator.h"

enum { UT_EVAL_COLUMNS = 16, UT_EVAL_WRONG_KEPT = 200 };

/* What the tracker hears. */
typedef enum { UT_EVAL_MIX, UT_EVAL_SEPARATED, UT_EVAL_JOINT, UT_EVAL_MODES } ut_eval_mode;
const char *ut_eval_mode_name(ut_eval_mode mode);

typedef struct {
    ut_eval_kind kind;
    char name[16]; /* "clean", "-10 dB", … */
    double snr_db; /* UT_EVAL_MIXED */
    size_t queries;
} ut_eval_column;

typedef struct {
    ut_eval_column columns[UT_EVAL_COLUMNS];
    size_t column_count;
    bool modes[UT_EVAL_MODES];
    const ut_model *model; /* NULL: mix only */
    const char *backend;
    ut_precision precision;
    double seconds;
    double max_log10_e; /* 0: the tracker's default */
    uint64_t seed;
    int jobs;
} ut_eval_plan;

/* Sums of verdicts. */
typedef struct {
    size_t queries, segments, hits, ambiguous, shared, wrong;
    size_t queries_wrong; /* queries with a wrong identification or more */
    char *outcomes;       /* one letter per query: identified (all its music), part, ambiguous, false, - nothing */
} ut_eval_cell;

/* A false identification, for those who want to know why. */
typedef struct {
    size_t param, column, number;
    ut_eval_mode mode;
    int64_t recording_id;
    double log10_e;
    double correlation; /* of the waveforms, see judge.h */
    size_t track;       /* that the music is of; SIZE_MAX without music */
} ut_eval_wrong;

typedef struct {
    ut_eval_cell cells[UT_EVAL_PARAMS][UT_EVAL_MODES][UT_EVAL_COLUMNS];
    double *edges[UT_EVAL_PARAMS][UT_EVAL_MODES]; /* absolute boundary errors in s, starts and ends */
    size_t edge_count[UT_EVAL_PARAMS][UT_EVAL_MODES];
    ut_eval_wrong wrong[UT_EVAL_WRONG_KEPT]; /* the first ones, in order of the table */
    size_t wrong_count;
    size_t *music[UT_EVAL_COLUMNS]; /* by query: the track of its (first) music; SIZE_MAX without */
    double wall_s;
    char backend[32]; /* "onednn-f32"; "" without separation */
} ut_eval_result;

/* To be released by ut_eval_result_clear. */
UT_CHECK ut_status ut_eval_run(const ut_eval_material *material, const ut_eval_plan *plan, ut_eval_result *out,
                               ut_err *err);
void ut_eval_result_clear(ut_eval_result *result);

#endif
