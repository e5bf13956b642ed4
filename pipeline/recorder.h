/* The recorder: takes what an analyser emits for one segment and commits it, with its events and
 * the checkpoint, in one transaction. replay and run both write through it, so they write the same.
 * One thread each. */
#ifndef UT_PIPELINE_RECORDER_H
#define UT_PIPELINE_RECORDER_H

#include "db/store.h"
#include "pipeline/event.h"

typedef struct ut_recorder ut_recorder;

/* The segment has its id; it and the versions are copied. */
UT_CHECK ut_status ut_recorder_open(const ut_segment *segment, const ut_versions *versions, ut_recorder **out,
                                    ut_err *err);
void ut_recorder_close(ut_recorder **recorder); /* what was not committed is dropped */

/* An ut_identification_fn whose arg is the recorder. */
ut_status ut_recorder_emit(void *recorder, const ut_identification *what);
/* An ut_keep_fn: the trail of what was emitted last. The recorder owns it from then on. */
ut_status ut_recorder_keep(void *recorder, uint8_t *trail, size_t size);
size_t ut_recorder_pending(const ut_recorder *recorder);

/* Commits what is pending. On failure it stays pending, and the call may be repeated. *added, if
 * not NULL, counts those that the store did not have. */
UT_CHECK ut_status ut_recorder_commit(ut_recorder *recorder, ut_store *store, const ut_checkpoint *checkpoint,
                                      size_t *added, ut_err *err);

#endif
