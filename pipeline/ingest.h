/* `catalogue add`: audio files into the store. Worker threads decode and fingerprint; the calling
 * thread alone writes, in the order of the paths, so that the same call gives the same ids. Each
 * recording is one transaction: after an interruption, at any moment, the same call goes on where
 * it was. */
#ifndef UT_PIPELINE_INGEST_H
#define UT_PIPELINE_INGEST_H

#include "core/progress.h"
#include "db/store.h"
#include "fingerprint/params.h"

typedef struct {
    const ut_params *const *params; /* the sets to make fingerprints of, at most UT_INGEST_SETS */
    size_t params_count;
    int jobs;              /* worker threads, at least 1 */
    bool (*stopped)(void); /* asked by all threads; NULL: never */
    ut_progress *progress; /* counts files; NULL: none */
    /* A file that could not be added; *err begins with its path. Calling thread. */
    void (*failed)(void *arg, const char *path, const ut_err *err);
    void *arg;
} ut_ingest_options;

typedef struct {
    size_t added;    /* new recordings */
    size_t repeated; /* files whose audio was there already */
    size_t known;    /* files read before and unchanged since: not read again */
    size_t updated;  /* of the repeated and known: their metadata or fingerprints changed */
    size_t failed;
    double audio_s; /* read now */
} ut_ingest_result;

/* The paths are absolute, so that a later run knows them again, and differ.
 *
 * rows[i]: what the user knows of paths[i] (see ut_metadata_match), may be NULL, as may be rows. It
 * overrides the file's tags; tags fill in what is not known yet; the title falls back to the file's
 * name.
 *
 * UT_OK also if files failed; UT_E_STOPPED if it was stopped; else what failed in the store.
 * *result is always written. */
UT_CHECK ut_status ut_ingest(ut_store *store, char *const *paths, const ut_recording *const *rows, size_t count,
                             const ut_ingest_options *options, ut_ingest_result *result, ut_err *err);

#endif
