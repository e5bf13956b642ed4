/* Cues: what airplays become on paper. Pure functions of their input, so a list made twice is the same. */
#ifndef UT_CUESHEET_CUE_H
#define UT_CUESHEET_CUE_H

#include "core/types.h"

typedef enum { UT_USE_UNKNOWN, UT_USE_BACKGROUND, UT_USE_FOREGROUND, UT_USE_INDISTINGUISHABLE } ut_use;

typedef struct {
    double merge_gap_s;          /* same recording, gap up to this: one cue (default 2) */
    double background_lu;        /* music this much below speech or more: background (default -3) */
    double foreground_lu;        /* music this much above speech or more: foreground (default 3) */
    double speech_floor_lufs;    /* speech below this does not count: foreground (default -50) */
    int64_t programme_start_ns;  /* programme-relative times count from here */
} ut_cue_rules;
ut_cue_rules ut_cue_rules_default(void);

typedef struct {
    char id[37];                 /* deterministic */
    int seq;                     /* 1 … */
    char channel[64];
    ut_outcome outcome;
    int64_t recording_id;        /* 0: unidentified */
    int64_t start_ns, end_ns;    /* UTC */
    int64_t in_ms, out_ms;       /* programme-relative */
    int64_t duration_ms;
    double ref_start_s, ref_end_s;
    double music_lufs, speech_lufs, delta_lu;
    ut_use use;
    char usage_code[8];          /* suggestion: "BI", "VI", "MT" …; see docs */
    double log10_e;
    size_t merged;               /* how many airplays it was made of */
} ut_cue;

/* airplays in order of start; *cues is malloc'd. */
UT_CHECK ut_status ut_cues_make(const ut_airplay *airplays, size_t count, const ut_cue_rules *rules, ut_cue **cues,
                                size_t *cue_count, ut_err *err);
const char *ut_use_name(ut_use use);

#endif
