/* The catalogue in memory: the index of one parameter set, mapped from the folder beside the store and, where that is
 * of another catalogue version than the store, brought up to it by the recordings that came and went, and saved.
 *
 * An index that cannot be saved (a read-only folder, a full disk, another process at it) is complete in memory. Damaged
 * segments cost a warning in the log, and their recordings are read from the store again; a damaged fingerprint costs
 * an error in the log and that recording its recognition, never the others'. */
#ifndef UT_PIPELINE_CATALOGUE_H
#define UT_PIPELINE_CATALOGUE_H

#include "db/store.h"
#include "fingerprint/index.h"

/* *out is the caller's, to be closed. UT_E_ARG: no such parameter set; UT_E_NOTFOUND: the store
 * holds recordings, but none with a fingerprint of that set. An empty store gives an empty index.
 */
UT_CHECK ut_status ut_catalogue_load(ut_store *store, const char *params, ut_index **out, ut_err *err);

/* Joins small segments in the folder, as far as that is due. UT_E_BUSY: another process writes it; UT_E_NOTFOUND: there
 * is none. */
UT_CHECK ut_status ut_catalogue_merge(ut_store *store, const char *params, ut_err *err);
/* Makes the folder anew from the store, whatever is in it. */
UT_CHECK ut_status ut_catalogue_rebuild(ut_store *store, const char *params, ut_index_info *info, ut_err *err);

/* A catalogue that follows its store while threads work with it. */
typedef struct ut_catalogue ut_catalogue;
UT_CHECK ut_status ut_catalogue_open(ut_store *store, const char *params, ut_catalogue **out, ut_err *err);
/* Snapshots taken before stay valid. */
void ut_catalogue_close(ut_catalogue **catalogue);
/* Loads the index anew if the store's catalogue version differs from its own; *changed says so. A
 * failure leaves the old one in force. One thread at a time, with its own store handle. */
UT_CHECK ut_status ut_catalogue_refresh(ut_catalogue *catalogue, ut_store *store, bool *changed, ut_err *err);

/* Housekeeping on disk, after a refresh, by the same thread: what is in force stays as it is. */
void ut_catalogue_tidy(ut_catalogue *catalogue, ut_store *store);

/* The index in force, counted: what trackers borrow lives until the snapshot is given back. Any
 * thread. */
typedef struct ut_snapshot ut_snapshot;
ut_snapshot *ut_catalogue_take(ut_catalogue *catalogue);
const ut_index *ut_snapshot_index(const ut_snapshot *snapshot);
void ut_snapshot_unref(ut_snapshot **snapshot);

#endif
