/* Cue-sheet profiles: what a form looks like and asks for, as files under configs/profiles. Immutable once loaded. */
#ifndef UT_CUESHEET_PROFILE_H
#define UT_CUESHEET_PROFILE_H

#include "cuesheet/cue.h"

typedef struct {
    char *name;   /* of its file, without folder and ending */
    char *title;  /* for people */
    char *layout; /* rapidcue | columns | json */
    char *format; /* csv | xlsx | html | json */
    char *rows;   /* columns: one row per cue | party | work */
    /* what is printed */
    double merge_gap_s;
    double min_length_s;
    double round_s; /* the unit that printed times are whole multiples of */
    char *rounding; /* half-up | down | up */
    char *times;    /* hms | hms-ms | seconds */
    /* what counts as which use */
    double background_lu;
    double foreground_lu;
    double speech_floor_lufs;
    /* columns: "Heading = field", in order */
    char **columns;
    size_t column_count;
    /* fields that must not be empty: on the sheet and on every cue; on identified cues; by origin of the recording */
    char **required;
    size_t required_count;
    char **required_identified;
    size_t required_identified_count;
    char **required_library;
    size_t required_library_count;
    char **required_commercial;
    size_t required_commercial_count;
    char *shares; /* none | total: all add up to 1 | each: writers and publishers to 1 each | either */
    double share_tolerance;
    int64_t max_rows; /* 0: any */
} ut_profile;

/* A name is looked for in $UT_PROFILES, the source tree and where undertone is installed; a path is taken as it is.
 * Errors as of a configuration; UT_E_NOTFOUND lists what there is. */
UT_CHECK ut_status ut_profile_load(const char *name, ut_profile **out, ut_err *err);
/* The same from memory; `name` stands for the file in messages. Never trusts its input. */
UT_CHECK ut_status ut_profile_parse(const char *name, const char *text, size_t size, ut_profile **out, ut_err *err);
void ut_profile_close(ut_profile **profile);
/* Calls fn for each profile that can be found by name. */
UT_CHECK ut_status ut_profile_each(ut_status (*fn)(void *arg, const ut_profile *profile), void *arg, ut_err *err);

/* Rules for making the cues of this profile. */
ut_cue_rules ut_profile_rules(const ut_profile *profile);
/* Milliseconds as printed. */
int64_t ut_profile_round(const ut_profile *profile, int64_t ms);

#endif
