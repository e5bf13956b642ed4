/* Which channel a recording is of and when it began, from what lies beside it or from its name. */
#ifndef UT_PIPELINE_REPLAY_PLACE_H
#define UT_PIPELINE_REPLAY_PLACE_H

#include "core/file.h"
#include "pipeline/replay.h"

/* PATH.json, or PATH with its ending replaced by .json: {"channel": "news1", "start": "2026-11-21T20:15:00Z"}; either
 * may be left out, other members are of no matter. Writes what it says into channel ("" if nothing) and *start_ns
 * (INT64_MIN if nothing). UT_OK without a sidecar too; UT_E_ARG for one that is wrong. */
UT_CHECK ut_status ut_replay_sidecar(const char *path, char channel[64], int64_t *start_ns, ut_err *err);
/* The part of the file's name before its time ("news1-20261121T201500Z.ts"), else the name of its folder.
 * UT_E_ARG if neither is a channel's id. */
UT_CHECK ut_status ut_replay_channel_of_name(const char *path, char channel[64], ut_err *err);
/* 1 to 63 of letters, digits, dot, dash, underscore. */
bool ut_replay_channel_ok(const char *channel);
/* Of a folder that is walked: what is no recording by its ending (sidecars, lists, pictures, subtitles). */
bool ut_replay_is_other(const char *path);
/* Seconds as the container says, without decoding; NAN if it does not. */
UT_CHECK ut_status ut_replay_probe(const char *path, double *duration_s, ut_err *err);

#endif
