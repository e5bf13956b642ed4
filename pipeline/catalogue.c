#include "pipeline/catalogue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"

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

void ut_catalogue_tidy(ut_catalogue *catalogue, ut_store *store)
{
    ut_err err = {0};
    char text[2 * sizeof err.text];
    ut_status rc = ut_catalogue_merge(store, catalogue->params, &err);
    if (rc != UT_OK && rc != UT_E_BUSY && rc != UT_E_NOTFOUND)
        ut_log(UT_LOG_WARN, "catalogue", "index-not-merged", "error=%s", ut_log_quote(text, sizeof text, err.text));
}
