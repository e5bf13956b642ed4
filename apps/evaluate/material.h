/* What an evaluation is made of: the catalogue's tracks with their fingerprints, and decoded music,
 * speech and effects to make queries from. Read once, in parallel; immutable afterwards, and shared
 * by all threads. */
#ifndef UT_APPS_EVALUATE_MATERIAL_H
#define UT_APPS_EVALUATE_MATERIAL_H

#include "core/types.h"
#include "fingerprint/index.h"

enum { UT_EVAL_PARAMS = 3 };

typedef struct {
    char *path;
    char digest[65]; /* of the decoded 16-bit samples: equal means the same recording */
    int64_t id;      /* 1 …; recordings of the same audio share the id of the first */
    bool query;      /* of the music folder: queries are made of it, and its samples are kept */
    bool held_out;   /* not in the second index: the absent tracks */
    float *samples;  /* NULL unless query */
    size_t frames;
    ut_fingerprint *prints[UT_EVAL_PARAMS]; /* gone once the indexes are built */
} ut_eval_track;

typedef struct {
    float *samples;
    size_t frames;
} ut_eval_clip;

typedef struct {
    ut_eval_track *tracks;
    size_t track_count;
    ut_eval_clip *speech; /* pauses cut */
    size_t speech_count;
    ut_eval_clip *effects;
    size_t effects_count;
    const ut_params *params[UT_EVAL_PARAMS];
    size_t param_count;
    ut_index *index[UT_EVAL_PARAMS];         /* the whole catalogue */
    ut_index *index_without[UT_EVAL_PARAMS]; /* the catalogue less the tracks held out */
    size_t padding;                          /* made-up tracks, in both: their ids follow those of the tracks */
    double catalogue_s;
    const char *cache;
} ut_eval_material;

typedef struct {
    const char *music;     /* folder: what queries are made of; always part of the catalogue */
    const char *catalogue; /* further folders, separated by commas; NULL: none */
    const char *speech;
    const char *effects; /* NULL: none */
    const char *cache;   /* folder for decoded audio; NULL: none */
    const ut_params *params[UT_EVAL_PARAMS];
    size_t param_count;
    size_t padding; /* made-up tracks in the catalogue, beside all others */
    int jobs;
} ut_eval_sources;

/* Held out are all tracks of the music folder where the catalogue has at least as many others, else
 * every second one. */
UT_CHECK ut_status ut_eval_material_load(const ut_eval_sources *sources, ut_eval_material **out, ut_err *err);
void ut_eval_material_close(ut_eval_material **material);

/* The name of a recording, by its id; borrowed. */
const char *ut_eval_track_path(const ut_eval_material *material, int64_t recording_id);

/* A file as mono floats at UT_RATE_HZ; *samples is malloc'd. */
UT_CHECK ut_status ut_eval_decode(const char *path, const char *cache, float **samples, size_t *frames, ut_err *err);

#endif
