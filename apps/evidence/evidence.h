/* Evidence of a cue: a folder with what it rests on, and a manifest by which anybody can tell that nothing in it was
 * altered, is missing, or was added. */
#ifndef UT_APPS_EVIDENCE_EVIDENCE_H
#define UT_APPS_EVIDENCE_EVIDENCE_H

#include "db/store.h"

#define UT_EVIDENCE_MANIFEST "manifest.json"

typedef struct {
    const char *cue;
    const char *folder;    /* made; must not be there, or be empty */
    double context_s;      /* of audio on either side */
    const char *separator; /* model, as ut_recognition_model takes it; "none": no clip of the music */
    const char *backend;
} ut_evidence_options;

typedef struct {
    bool audio; /* there are clips; else `why` says why not */
    char why[256];
    char manifest_sha256[65];
} ut_evidence_result;

/* The folder appears under its name when it is complete. */
UT_CHECK ut_status ut_evidence_export(ut_store *store, const ut_evidence_options *options, ut_evidence_result *out,
                                      ut_err *err);

/* Called for each thing that is wrong: "missing", "altered" or "added", and the file. */
typedef void (*ut_evidence_fn)(void *arg, const char *problem, const char *file);
/* sha256: that the manifest itself must have; NULL: not asked. UT_OK: whole; UT_E_CORRUPT: something is wrong, or the
 * manifest is none. */
UT_CHECK ut_status ut_evidence_verify(const char *folder, const char *sha256, ut_evidence_fn fn, void *arg,
                                      ut_err *err);

#endif
