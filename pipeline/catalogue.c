#include "pipeline/catalogue.h"

#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"

/* --- load or build -----------------------------------------------------------------------------
 */

static void warn(const char *event, const char *path, const ut_err *err)
{
    char name[PATH_MAX], text[2 * sizeof err->text];
    ut_log(UT_LOG_WARN, "catalogue", event, "index=%s error=%s", ut_log_quote(name, sizeof name, path),
           ut_log_quote(text, sizeof text, err->text));
}

/* The index file, if it is there, whole, and of this version and parameter set; else NULL. */
static ut_index *file_load(const char *path, const ut_params *params, int64_t version)
{
    ut_index *index = NULL;
    ut_err err = {0};
    ut_status rc = ut_index_load(path, &index, &err);
    if (rc == UT_E_NOTFOUND)
        return NULL;
    if (rc != UT_OK) {
        warn("index-rebuilt", path, &err);
        return NULL;
    }
    ut_index_info info = ut_index_describe(index);
    if (info.catalogue_version != version || info.params != params)
        ut_index_close(&index);
    return index;
}

typedef struct {
    ut_index_builder *builder;
    size_t added, damaged;
    ut_err *err;
} build;

static ut_status build_add(void *arg, int64_t recording_id, const uint8_t *data, size_t size)
{
    build *b = arg;
    ut_err err = {0};
    ut_fingerprint *fingerprint = NULL;
    ut_status rc = ut_fingerprint_decode(data, size, &fingerprint, &err);
    if (rc == UT_OK) {
        rc = ut_index_builder_add(b->builder, recording_id, fingerprint, b->err);
        ut_fingerprint_close(&fingerprint);
        b->added++;
        return rc;
    }
    if (rc != UT_E_CORRUPT)
        return ut_fail(b->err, rc, "%s", err.text);
    char text[2 * sizeof err.text];
    ut_log(UT_LOG_ERROR, "catalogue", "fingerprint-damaged", "recording=%" PRId64 " error=%s", recording_id,
           ut_log_quote(text, sizeof text, err.text));
    b->damaged++;
    return UT_OK;
}

static ut_status build_check(ut_store *store, const char *params, const build *b, ut_err *err)
{
    ut_store_stats stats;
    ut_status rc = ut_store_describe(store, &stats, err);
    if (rc != UT_OK)
        return rc;
    if (stats.recordings > 0 && b->added + b->damaged == 0)
        return ut_fail(err, UT_E_NOTFOUND,
                       "catalogue: none of the %" PRId64 " recordings has a fingerprint of parameter set %s",
                       stats.recordings, params);
    if ((int64_t)(b->added + b->damaged) < stats.recordings)
        ut_log(UT_LOG_WARN, "catalogue", "incomplete", "params=%s recordings=%" PRId64 " fingerprints=%zu", params,
               stats.recordings, b->added);
    return UT_OK;
}

static ut_status store_build(ut_store *store, const ut_params *params, int64_t version, ut_index **out, ut_err *err)
{
    build b = {.err = err};
    ut_status rc = ut_index_builder_open(params, &b.builder, err);
    if (rc != UT_OK)
        return rc;
    rc = ut_store_fingerprint_each(store, ut_params_name(params), build_add, &b, err);
    if (rc == UT_OK)
        rc = build_check(store, ut_params_name(params), &b, err);
    if (rc == UT_OK)
        rc = ut_index_builder_finish(b.builder, version, out, err);
    ut_index_builder_close(&b.builder);
    return rc;
}

ut_status ut_catalogue_load(ut_store *store, const char *name, ut_index **out, ut_err *err)
{
    char path[PATH_MAX];
    int64_t version;
    const ut_params *params = ut_params_find(name);
    if (!params)
        return ut_fail(err, UT_E_ARG, "parameter set \"%s\": not one of p1, p2, p3", name);
    /* The version is read before the fingerprints: a change between the two makes the index look
     * old, never too new. */
    ut_status rc = ut_store_catalogue_version(store, &version, err);
    if (rc == UT_OK)
        rc = ut_store_index_path(store, name, path, sizeof path, err);
    if (rc != UT_OK)
        return rc;
    ut_index *index = file_load(path, params, version);
    if (!index) {
        if ((rc = store_build(store, params, version, &index, err)) != UT_OK)
            return rc;
        ut_err save_err = {0};
        if (ut_index_save(index, path, &save_err) != UT_OK)
            warn("index-not-saved", path, &save_err);
    }
    *out = index;
    return UT_OK;
}

/* --- follow --------------------------------------------------------------------------------------
 */

struct ut_snapshot {
    ut_index *index;
    atomic_int refs;
};

struct ut_catalogue {
    pthread_mutex_t lock; /* guards `current` */
    ut_snapshot *current;
    char params[8];
};

static ut_status snapshot_load(ut_store *store, const char *params, ut_snapshot **out, ut_err *err)
{
    ut_snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (!snapshot)
        return ut_fail(err, UT_E_NOMEM, "catalogue: snapshot");
    ut_status rc = ut_catalogue_load(store, params, &snapshot->index, err);
    if (rc != UT_OK) {
        free(snapshot);
        return rc;
    }
    atomic_init(&snapshot->refs, 1);
    *out = snapshot;
    return UT_OK;
}

const ut_index *ut_snapshot_index(const ut_snapshot *snapshot)
{
    return snapshot->index;
}

void ut_snapshot_unref(ut_snapshot **snapshot)
{
    ut_snapshot *s = *snapshot;
    *snapshot = NULL;
    if (!s || atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    ut_index_close(&s->index);
    free(s);
}

ut_status ut_catalogue_open(ut_store *store, const char *params, ut_catalogue **out, ut_err *err)
{
    ut_snapshot *current;
    ut_status rc = snapshot_load(store, params, &current, err);
    if (rc != UT_OK)
        return rc;
    ut_catalogue *catalogue = calloc(1, sizeof *catalogue);
    if (!catalogue) {
        ut_snapshot_unref(&current);
        return ut_fail(err, UT_E_NOMEM, "catalogue");
    }
    pthread_mutex_init(&catalogue->lock, NULL);
    catalogue->current = current;
    memcpy(catalogue->params, params, strlen(params) + 1); /* a name that was found: "p1" … */
    *out = catalogue;
    return UT_OK;
}

void ut_catalogue_close(ut_catalogue **catalogue)
{
    ut_catalogue *c = *catalogue;
    if (!c)
        return;
    ut_snapshot_unref(&c->current);
    pthread_mutex_destroy(&c->lock);
    free(c);
    *catalogue = NULL;
}

ut_snapshot *ut_catalogue_take(ut_catalogue *catalogue)
{
    pthread_mutex_lock(&catalogue->lock);
    ut_snapshot *snapshot = catalogue->current;
    atomic_fetch_add(&snapshot->refs, 1);
    pthread_mutex_unlock(&catalogue->lock);
    return snapshot;
}

ut_status ut_catalogue_refresh(ut_catalogue *catalogue, ut_store *store, bool *changed, ut_err *err)
{
    int64_t version;
    ut_snapshot *fresh;
    ut_status rc = ut_store_catalogue_version(store, &version, err);
    if (rc != UT_OK)
        return rc;
    /* Only the refreshing thread replaces `current`, so it may read it without the lock. */
    if (ut_index_describe(catalogue->current->index).catalogue_version == version) {
        *changed = false;
        return UT_OK;
    }
    if ((rc = snapshot_load(store, catalogue->params, &fresh, err)) != UT_OK)
        return rc;
    pthread_mutex_lock(&catalogue->lock);
    ut_snapshot *old = catalogue->current;
    catalogue->current = fresh;
    pthread_mutex_unlock(&catalogue->lock);
    ut_snapshot_unref(&old);
    *changed = true;
    return UT_OK;
}
