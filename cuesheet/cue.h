/* Cues: what airplays become on paper. Pure functions of their input, so a list made twice is the
 * same. */
#ifndef UT_CUESHEET_CUE_H
#define UT_CUESHEET_CUE_H

#include "core/types.h"

/* How the music stands to the speech over it. Stem loudness carries the separator's error, and what
 * a society pays for which class is the society's: these are suggestions. */
typedef enum { UT_USE_UNKNOWN, UT_USE_BACKGROUND, UT_USE_FOREGROUND, UT_USE_INDISTINGUISHABLE } ut_use;

typedef struct {
    double merge_gap_s;         /* same recording, gap up to this: one cue (default 2) */
    double background_lu;       /* music this much below speech or more: background (default -3) */
    double foreground_lu;       /* music this much above speech or more: foreground (default 3) */
    double speech_floor_lufs;   /* speech below this does not count: foreground (default -50) */
    double min_length_s;        /* shorter cues are left out of the list (default 0: none is) */
    int64_t programme_start_ns; /* programme-relative times count from here */
    int64_t programme_end_ns;   /* cues are cut to [start, end) of the programme; 0: nothing is cut */
} ut_cue_rules;
ut_cue_rules ut_cue_rules_default(void);

/* The use of one stretch. Unknown where the stems were not measured. */
ut_use ut_use_decide(double music_lufs, double speech_lufs, const ut_cue_rules *rules);
const char *ut_use_name(ut_use use); /* "unknown", "background", "foreground", "indistinguishable" */

typedef struct {
    char id[37]; /* of the first airplay it was made of, so deterministic */
    int seq;     /* 1 … */
    char channel[64];
    ut_outcome outcome;
    int64_t recording_id;     /* 0: unidentified */
    int64_t start_ns, end_ns; /* UTC */
    int64_t in_ms, out_ms;    /* programme-relative */
    int64_t duration_ms;
    double ref_start_s, ref_end_s;
    double music_lufs, speech_lufs, mix_lufs; /* energy means over the airplays */
    double speech_share;                      /* of the cue's time with speech over it, 0 … 1; NAN: not measured */
    double delta_lu;                          /* music - speech; NAN if either is not finite */
    ut_use use;
    char usage_code[8]; /* RapidCue code, a suggestion: "BI". Vocals and performers in view are not
                           heard here */
    bool ask_visual;    /* prominent enough that a person should say whether it was visual (VI, VV) */
    double log10_e;     /* the best of the airplays */
    size_t merged;      /* how many airplays it was made of */
    ut_review review;   /* of all of them */
    int64_t revision;   /* the highest of them */
    int64_t segment_id; /* of the last of them */
} ut_cue;

/* airplays in order of start, else UT_E_ARG; *cues is malloc'd, in order of start. */
UT_CHECK ut_status ut_cues_make(const ut_airplay *airplays, size_t count, const ut_cue_rules *rules, ut_cue **cues,
                                size_t *cue_count, ut_err *err);

#endif
