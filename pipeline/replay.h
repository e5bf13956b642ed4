/* Replay: recordings of a channel through the analyser into the store, as if they were on air then.
 *
 * Resumable: airplays, their events and the checkpoint are one transaction, so after kill -9 a
 * second run goes on from the last checkpoint and ends with exactly the same set. A file that is
 * done is skipped: the same again changes nothing. */
#ifndef UT_PIPELINE_REPLAY_H
#define UT_PIPELINE_REPLAY_H

#include "db/store.h"
#include "pipeline/analyser.h"
#include "pipeline/outbox.h"

/* One file: one capture segment. */
typedef struct {
    const char *path;  /* or URI; borrowed */
    int64_t start_ns;  /* UTC of its first sample */
    double duration_s; /* as its container says; NAN if unknown */
} ut_replay_item;

/* Start times from file names: the first "20261121T201500Z" or "2026-11-21T20-15-00Z" (also with
 * ':' for the second '-', '_' or a space for T, and without Z: always UTC) within the last part of
 * the path. UT_E_ARG if there is none. */
UT_CHECK ut_status ut_replay_time_of_name(const char *path, int64_t *utc_ns, ut_err *err);
/* Such a time at the very start of a text. */
bool ut_replay_time_begins(const char *text, int64_t *utc_ns);
/* Start times from durations: the first file begins at start_ns, each next where the one before
 * ends by its container's duration (decoded once through where that is unknown). Fills in start_ns
 * and duration_s. */
UT_CHECK ut_status ut_replay_plan(ut_replay_item *items, size_t count, int64_t start_ns, ut_err *err);

typedef struct {
    const char *store; /* DSN */
    const char *channel;
    ut_analyser_options analyser;
    const char *params;                          /* of the index: "p3" */
    double commit_s;                             /* seconds of audio between checkpoints; 0: 60 */
    bool (*stopped)(void);                       /* asked once per second of audio; NULL: never */
    void (*progress)(void *arg, double seconds); /* audio done since the last call; may be NULL */
    void *arg;
    ut_outbox *outbox; /* told of new events; may be NULL */
} ut_replay_options;

typedef struct {
    bool skipped;      /* it was done already */
    double resumed_s;  /* where it went on from */
    double analysed_s; /* audio that this run analysed */
    size_t added;      /* airplays that the store did not have */
} ut_replay_result;

/* Replays one file on the calling thread, with a store handle of its own. UT_E_STOPPED keeps what
 * is done for the next run. A file that breaks off is analysed to where it does, and fails with
 * UT_E_CORRUPT; it is not done, and the next run tries its rest. */
UT_CHECK ut_status ut_replay_file(const ut_replay_options *options, const ut_replay_item *item,
                                  ut_replay_result *result, ut_err *err);

#endif
