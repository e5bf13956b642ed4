/* JSON fragments that the cue sheet and the events share, so that one thing has one spelling. Every
 * function gives a new reference, or NULL if out of memory; json_object_set_new and
 * json_array_append_new refuse a NULL, so one check at the end finds it. */
#ifndef UT_CUESHEET_JSON_H
#define UT_CUESHEET_JSON_H

#include <jansson.h>

#include "cuesheet/cue.h"

json_t *ut_json_text(const char *text);             /* null for NULL; bytes that are not UTF-8 become '?' */
json_t *ut_json_real(double value);                 /* null unless finite */
json_t *ut_json_time(int64_t utc_ns);               /* RFC 3339, UTC, nanoseconds */
json_t *ut_json_recording(const ut_recording *rec); /* {id, title, artist, …, work{…}}; null for NULL */
json_t *ut_json_loudness(double music_lufs, double speech_lufs, double mix_lufs);
json_t *ut_json_usage(ut_use use, const char *code, bool ask_visual);
json_t *ut_json_airing(const ut_airing *airing); /* null for NULL */

/* A cue with its recording (NULL: none, or no longer in the catalogue), as in
 * configs/schemas/cuesheet.v1.json. */
json_t *ut_json_cue(const ut_cue *cue, const ut_recording *rec);

/* Adds a member and remembers in *ok whether that worked. */
void ut_json_put(json_t *object, const char *key, json_t *value, bool *ok);

#endif
