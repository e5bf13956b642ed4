/* Collects blocks of many threads into batches: what an accelerator wants. There is no thread of its own: of those that
 * wait, one leads. It runs what has gathered when a batch is full, when as many callers have come as lately came at
 * once (so that one alone never waits), or when the oldest block has waited for the deadline. Blocks run in the order
 * they came. */
#ifndef UT_SEPARATOR_BATCHER_H
#define UT_SEPARATOR_BATCHER_H

#include "core/status.h"

typedef struct ut_batcher ut_batcher;

/* Called by one thread at a time, count ≤ capacity. */
typedef ut_status (*ut_batch_fn)(void *arg, const float *const *x, float *const *y, size_t count, ut_err *err);

typedef struct {
    unsigned long runs, blocks, deadlines; /* deadlines: runs that went because of it */
    size_t callers;                        /* here now */
} ut_batcher_counts;

UT_CHECK ut_status ut_batcher_open(size_t capacity, int deadline_ms, ut_batch_fn run, void *arg, ut_batcher **out,
                                   ut_err *err);
void ut_batcher_close(ut_batcher **batcher);

/* Blocks until the caller's `count` blocks are done; any count. The status is that of the batches they were in. */
UT_CHECK ut_status ut_batcher_run(ut_batcher *batcher, const float *const *x, float *const *y, size_t count,
                                  ut_err *err);
ut_batcher_counts ut_batcher_count(ut_batcher *batcher);

#endif
