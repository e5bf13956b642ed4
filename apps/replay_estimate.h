/* What a replay will take, before it is done. */
#ifndef UT_APPS_REPLAY_ESTIMATE_H
#define UT_APPS_REPLAY_ESTIMATE_H

#include "pipeline/replay.h"

typedef struct {
    size_t channels;
    size_t unknown; /* files whose length is not known, or that cannot be opened; in no sum */
    double total_s; /* of audio */
    double done_s;  /* of it, in the store already */
    double speed;   /* times real time on one thread, measured on the first file that opens; NAN if none does */
    int64_t disk_bytes;
    bool measured; /* from what the store holds; else by a constant */
    int64_t free_bytes;
} ut_replay_estimate;

/* Reads the store, writes nothing. */
UT_CHECK ut_status ut_replay_estimate_make(const ut_replay_item *items, char (*channels)[64], size_t count,
                                           const ut_replay_options *options, ut_replay_estimate *out, ut_err *err);

#endif
