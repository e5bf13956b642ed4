/* The index: hash → postings of every catalogue track, with decoys that calibrate the decision. Immutable once built,
 * shared by any number of threads. The store can always rebuild it.
 *
 * It is made of segments. On disk it is a folder: immutable segment files, which are mapped and not read, and a
 * `manifest` that says which of them make the index and which of their recordings are gone. Each is checksummed and
 * replaced as a whole, so that whatever happens, the old index is there or the new one. */
#ifndef UT_FINGERPRINT_INDEX_H
#define UT_FINGERPRINT_INDEX_H

#include "fingerprint/fingerprint.h"

typedef struct ut_index ut_index;
typedef struct ut_index_builder ut_index_builder;

UT_CHECK ut_status ut_index_builder_open(const ut_params *params, ut_index_builder **out, ut_err *err);
/* Goes on from an old index, whose segments the new one shares; the old one is borrowed until the builder is closed. */
UT_CHECK ut_status ut_index_builder_reopen(const ut_index *old, ut_index_builder **out, ut_err *err);
void ut_index_builder_close(ut_index_builder **builder);
/* Writes each segment to the index folder as soon as it is full, instead of holding it. The folder's lock is held; the
 * path is borrowed. */
void ut_index_builder_spill(ut_index_builder *builder, const char *path);
/* The fingerprint is not kept. recording_id: positive, not in the index. */
UT_CHECK ut_status ut_index_builder_add(ut_index_builder *builder, int64_t recording_id,
                                        const ut_fingerprint *fingerprint, ut_err *err);
/* The same with a mark of the recording's state, which is kept. */
UT_CHECK ut_status ut_index_builder_put(ut_index_builder *builder, int64_t recording_id, int64_t stamp,
                                        const ut_fingerprint *fingerprint, ut_err *err);
/* Takes a recording of the old index out: the one at place `at` (see ut_index_recording). */
void ut_index_builder_remove(ut_index_builder *builder, size_t at);
/* Once; then only close is left. */
UT_CHECK ut_status ut_index_builder_finish(ut_index_builder *builder, int64_t catalogue_version, ut_index **out,
                                           ut_err *err);
void ut_index_close(ut_index **index);

/* The recordings of an index have places 0, 1, … in no order; false past the last. *recording_id is 0 where there is
 * none (any more). */
UT_CHECK bool ut_index_recording(const ut_index *index, size_t at, int64_t *recording_id, int64_t *stamp);

/* Joins small segments and drops what is gone, if that is due: *out is NULL if not. Answers stay the same. */
UT_CHECK ut_status ut_index_merge(const ut_index *index, ut_index **out, ut_err *err);

/* --- on disk ------------------------------------------------------------------------------------------------ */

/* Who writes an index folder holds its lock, from before it loads what it goes on from until after the save.
 * UT_E_BUSY: somebody else does. Makes the folder. */
typedef struct ut_index_lock ut_index_lock;
UT_CHECK ut_status ut_index_lock_take(const char *path, ut_index_lock **out, ut_err *err);
void ut_index_lock_release(ut_index_lock **lock);

/* Writes the segments that the folder lacks (and maps them instead of holding them), then the manifest, then removes
 * what is in use no more. The lock is held by the caller; the index is not yet shared between threads. */
UT_CHECK ut_status ut_index_save(ut_index *index, const char *path, ut_err *err);

typedef enum {
    UT_INDEX_OPEN,    /* checks tables, and of small indexes all: damage elsewhere costs recognitions, no more */
    UT_INDEX_CHECK,   /* reads all and checks all sums */
    UT_INDEX_SALVAGE, /* as OPEN, and leaves out segments that are damaged or missing: see ut_index_info.lost */
} ut_index_mode;
/* UT_E_NOTFOUND: there is none; UT_E_CORRUPT names what does not fit. */
UT_CHECK ut_status ut_index_load(const char *path, ut_index_mode mode, ut_index **out, ut_err *err);

typedef struct {
    const ut_params *params;
    int64_t catalogue_version;
    size_t recordings;
    size_t decoys;
    size_t gone; /* still in segments, no longer found */
    size_t segments;
    size_t lost; /* segments left out by UT_INDEX_SALVAGE */
    uint64_t postings;
    uint64_t bytes; /* all in memory or mapped */
} ut_index_info;
ut_index_info ut_index_describe(const ut_index *index);

#endif
