/* How far the loudness of separated stems is from that of the true ones, on mixtures whose stems are known. */
#ifndef UT_APPS_EVALUATE_LOUDNESS_H
#define UT_APPS_EVALUATE_LOUDNESS_H

#include <stdio.h>

#include "core/file.h"
#include "separator/separator.h"

enum { UT_LOUDNESS_LEVELS = 16 };

typedef struct {
    ut_paths music, speech;               /* files */
    double levels_lu[UT_LOUDNESS_LEVELS]; /* music less speech, as mixed */
    size_t level_count;
    size_t queries; /* at each level */
    double seconds;
    uint64_t seed;
    int jobs;
    const ut_model *model;
    const char *backend;
    ut_precision precision;
} ut_loudness_plan;

/* One mixture: true values, and what the stems gave. */
typedef struct {
    double music_lufs, speech_lufs, music_found_lufs, speech_found_lufs;
} ut_loudness_sample;

typedef struct {
    ut_loudness_sample *samples; /* level by level, queries each; owned */
    char backend[32];
    double wall_s;
} ut_loudness_result;

UT_CHECK ut_status ut_loudness_run(const ut_loudness_plan *plan, ut_loudness_result *out, ut_err *err);
void ut_loudness_result_clear(ut_loudness_result *result);

/* Errors in LU of one stem, or of the difference, at a level: found less true. */
typedef enum { UT_LOUDNESS_MUSIC, UT_LOUDNESS_SPEECH, UT_LOUDNESS_DELTA, UT_LOUDNESS_KINDS } ut_loudness_kind;
typedef struct {
    double median, low, high; /* 10 % and 90 % */
    double mean_abs;
} ut_loudness_error;
UT_CHECK ut_status ut_loudness_error_of(const ut_loudness_plan *plan, const ut_loudness_result *result, size_t level,
                                        ut_loudness_kind kind, ut_loudness_error *out, ut_err *err);
/* Share of mixtures whose use, by the default rule, is that of the true stems. */
double ut_loudness_agreement(const ut_loudness_plan *plan, const ut_loudness_result *result, size_t level);

/* A table in Markdown, and a drawing. */
UT_CHECK ut_status ut_loudness_text(FILE *out, const ut_loudness_plan *plan, const ut_loudness_result *result,
                                    ut_err *err);
UT_CHECK ut_status ut_loudness_json(FILE *out, const ut_loudness_plan *plan, const ut_loudness_result *result,
                                    ut_err *err);
UT_CHECK ut_status ut_loudness_svg(FILE *out, const ut_loudness_plan *plan, const ut_loudness_result *result,
                                   ut_err *err);

#endif
