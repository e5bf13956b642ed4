/* The index: hash → postings of every catalogue track, with decoys that calibrate the decision. Immutable once built,
 * shared by any number of threads; one file on disk that loads at once. The store can always rebuild it. */
#ifndef UT_FINGERPRINT_INDEX_H
#define UT_FINGERPRINT_INDEX_H

#include "fingerprint/fingerprint.h"

typedef struct ut_index ut_index;
typedef struct ut_index_builder ut_index_builder;

UT_CHECK ut_status ut_index_builder_open(const ut_params *params, ut_index_builder **out, ut_err *err);
void ut_index_builder_close(ut_index_builder **builder);
/* The fingerprint is not kept. recording_id: positive, not yet added. */
UT_CHECK ut_status ut_index_builder_add(ut_index_builder *builder, int64_t recording_id,
                                        const ut_fingerprint *fingerprint, ut_err *err);
UT_CHECK ut_status ut_index_builder_finish(ut_index_builder *builder, int64_t catalogue_version, ut_index **out,
                                           ut_err *err);
void ut_index_close(ut_index **index);

/* File form: checksummed; written atomically. UT_E_CORRUPT names what does not fit. */
UT_CHECK ut_status ut_index_save(const ut_index *index, const char *path, ut_err *err);
UT_CHECK ut_status ut_index_load(const char *path, ut_index **out, ut_err *err);

typedef struct {
    const ut_params *params;
    int64_t catalogue_version;
    size_t recordings;
    size_t decoys;
    uint64_t postings;
    uint64_t bytes; /* all in memory */
} ut_index_info;
ut_index_info ut_index_describe(const ut_index *index);

#endif
