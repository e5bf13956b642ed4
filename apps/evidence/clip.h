/* A clip of a capture segment, from the file it was replayed from. */
#ifndef UT_APPS_EVIDENCE_CLIP_H
#define UT_APPS_EVIDENCE_CLIP_H

#include "core/types.h"

/* Whether the segment's audio is a file that is still there; else *why says what it was instead. */
bool ut_clip_possible(const ut_segment *segment, char *why, size_t size);
/* Writes samples [from, to) as mono WAV at UT_RATE_HZ. UT_E_NOTFOUND: the file ends before. */
UT_CHECK ut_status ut_clip_write(const ut_segment *segment, int64_t from, int64_t to, const char *path, ut_err *err);

#endif
