/* The index of a store's catalogue: taken from its folder, and brought to the store's version by what came and went. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

#include "core/log.h"
#include "pipeline/catalogue.h"

static void warn(const char *event, const char *path, const ut_err *err)
{
    char name[PATH_MAX], text[2 * sizeof err->text];
    ut_log(UT_LOG_WARN, "catalogue", event, "index=%s error=%s", ut_log_quote(name, sizeof name, path),
           ut_log_quote(text, sizeof text, err->text));
}

/* --- what came and went -------------------------------------------------------------------------------------- */

/* A recording with a fingerprint. */
typedef struct {
    int64_t id, stamp;
    size_t at; /* place in the index */
} holding;

typedef struct {
    holding *items;
    size_t count, capacity;
} holdings;

static ut_status holdings_add(holdings *h, holding one, ut_err *err)
{
    if (h->count == h->capacity) {
        size_t capacity = h->capacity ? 2 * h->capacity : 1024;
        holding *items = reallocarray(h->items, capacity, sizeof *items);
        if (!items)
            return ut_fail(err, UT_E_NOMEM, "catalogue: %zu recordings", capacity);
        h->items = items;
        h->capacity = capacity;
    }
    h->items[h->count++] = one;
    return UT_OK;
}

static int by_id(const void *a, const void *b)
{
    const holding *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

typedef struct {
    ut_store *store;
    const ut_params *params;
    ut_index_builder *builder;
    int64_t stamp; /* of the recording being added */
    holdings there, wanted;
    size_t added, removed, damaged;
    ut_err *err;
} update;

static ut_status want(void *arg, int64_t recording_id, int64_t added_ns)
{
    update *u = arg;
    return holdings_add(&u->wanted, (holding){.id = recording_id, .stamp = added_ns}, u->err);
}

static ut_status add(void *arg, int64_t recording_id, const uint8_t *data, size_t size)
{
    update *u = arg;
    ut_err err = {0};
    ut_fingerprint *fingerprint = NULL;
    ut_status rc = ut_fingerprint_decode(data, size, &fingerprint, &err);
    if (rc == UT_OK) {
        rc = ut_index_builder_put(u->builder, recording_id, u->stamp, fingerprint, u->err);
        ut_fingerprint_close(&fingerprint);
        u->added++;
        return rc;
    }
    if (rc != UT_E_CORRUPT)
        return ut_fail(u->err, rc, "%s", err.text);
    char text[2 * sizeof err.text];
    ut_log(UT_LOG_ERROR, "catalogue", "fingerprint-damaged", "recording=%" PRId64 " error=%s", recording_id,
           ut_log_quote(text, sizeof text, err.text));
    u->damaged++;
    return UT_OK;
}

static ut_status bring(update *u, const holding *h)
{
    u->stamp = h->stamp;
    ut_status rc = ut_store_fingerprint_get(u->store, ut_params_name(u->params), h->id, add, u, u->err);
    return rc == UT_E_NOTFOUND ? UT_OK : rc; /* removed a moment ago: the version will say so */
}

/* Both lists are by id. */
static ut_status apply(update *u)
{
    ut_status rc = UT_OK;
    size_t have = 0, wish = 0;
    while (rc == UT_OK && (have < u->there.count || wish < u->wanted.count)) {
        const holding *h = have < u->there.count ? &u->there.items[have] : NULL;
        const holding *w = wish < u->wanted.count ? &u->wanted.items[wish] : NULL;
        if (h && w && h->id == w->id && h->stamp == w->stamp) {
            have++;
            wish++;
        } else if (h && (!w || h->id <= w->id)) {
            ut_index_builder_remove(u->builder, h->at);
            u->removed++;
            have++;
        } else {
            rc = bring(u, w);
            wish++;
        }
    }
    return rc;
}

static ut_status check(const update *u)
{
    ut_store_stats stats;
    const char *params = ut_params_name(u->params);
    ut_status rc = ut_store_describe(u->store, &stats, u->err);
    if (rc != UT_OK)
        return rc;
    if (stats.recordings > 0 && u->wanted.count == 0)
        return ut_fail(u->err, UT_E_NOTFOUND,
                       "catalogue: none of the %" PRId64 " recordings has a fingerprint of parameter set %s",
                       stats.recordings, params);
    if ((int64_t)u->wanted.count < stats.recordings)
        ut_log(UT_LOG_WARN, "catalogue", "incomplete", "params=%s recordings=%" PRId64 " fingerprints=%zu", params,
               stats.recordings, u->wanted.count);
    return UT_OK;
}

/* What the old index (NULL: none) holds and what the store does, both by id. */
static ut_status compare(update *u, const ut_index *old)
{
    holding one;
    ut_status rc = UT_OK;
    for (one.at = 0; old && rc == UT_OK && ut_index_recording(old, one.at, &one.id, &one.stamp); one.at++)
        if (one.id > 0)
            rc = holdings_add(&u->there, one, u->err);
    if (u->there.count > 0)
        qsort(u->there.items, u->there.count, sizeof *u->there.items, by_id);
    return rc == UT_OK ? ut_store_fingerprint_list(u->store, ut_params_name(u->params), want, u, u->err) : rc;
}

/* The index of `version`, from an older one (NULL: none). spill: the folder, if it is locked; full segments go there.
 */
static ut_status bring_up(ut_store *store, const ut_params *params, const ut_index *old, int64_t version,
                          const char *spill, ut_index **out, ut_err *err)
{
    update u = {.store = store, .params = params, .err = err};
    ut_status rc = compare(&u, old);
    if (rc == UT_OK)
        rc = check(&u);
    if (rc == UT_OK)
        rc = old ? ut_index_builder_reopen(old, &u.builder, err) : ut_index_builder_open(params, &u.builder, err);
    if (rc == UT_OK && spill)
        ut_index_builder_spill(u.builder, spill);
    if (rc == UT_OK)
        rc = apply(&u);
    if (rc == UT_OK)
        rc = ut_index_builder_finish(u.builder, version, out, err);
    if (rc == UT_OK)
        ut_log(UT_LOG_DEBUG, "catalogue", "index-updated", "params=%s version=%" PRId64 " added=%zu removed=%zu",
               ut_params_name(params), version, u.added, u.removed);
    ut_index_builder_close(&u.builder);
    free(u.there.items);
    free(u.wanted.items);
    return rc;
}

/* --- the folder ------------------------------------------------------------------------------------------------- */

/* What is sound in the folder; NULL if nothing is. */
static ut_index *salvage(const char *path, const ut_params *params)
{
    ut_index *index = NULL;
    ut_err err = {0};
    ut_status rc = ut_index_load(path, UT_INDEX_SALVAGE, &index, &err);
    if (rc == UT_OK && ut_index_describe(index).lost > 0)
        rc = ut_fail(&err, UT_E_CORRUPT, "%zu of its segments are damaged or missing", ut_index_describe(index).lost);
    if (rc != UT_OK && rc != UT_E_NOTFOUND)
        warn("index-rebuilt", path, &err);
    if (index && ut_index_describe(index).params != params)
        ut_index_close(&index);
    return index;
}

static bool fits(const ut_index *index, const ut_params *params, int64_t version)
{
    ut_index_info info = index ? ut_index_describe(index) : (ut_index_info){0};
    return info.params == params && info.catalogue_version == version && info.lost == 0;
}

/* `lock`: of the folder; NULL where another process has it or it cannot be written. Then the index is in memory only.
 */
static ut_status refresh(ut_store *store, const ut_params *params, int64_t version, const char *path,
                         const ut_index_lock *lock, ut_index **out, ut_err *err)
{
    ut_index *old = salvage(path, params), *index = NULL;
    if (fits(old, params, version)) {
        *out = old;
        return UT_OK;
    }
    ut_status rc = bring_up(store, params, old, version, NULL, &index, err);
    ut_index_close(&old);
    if (rc != UT_OK)
        return rc;
    ut_err save_err = {0};
    if (lock && ut_index_save(index, path, &save_err) != UT_OK)
        warn("index-not-saved", path, &save_err);
    *out = index;
    return UT_OK;
}

/* The version is read before the fingerprints: a change between the two makes the index look old, never too new. */
static ut_status look(ut_store *store, const char *name, const ut_params **params, int64_t *version,
                      char path[PATH_MAX], ut_err *err)
{
    if (!(*params = ut_params_find(name)))
        return ut_fail(err, UT_E_ARG, "parameter set \"%s\": not one of p1, p2, p3", name);
    ut_status rc = ut_store_catalogue_version(store, version, err);
    return rc == UT_OK ? ut_store_index_path(store, name, path, PATH_MAX, err) : rc;
}

ut_status ut_catalogue_load(ut_store *store, const char *name, ut_index **out, ut_err *err)
{
    char path[PATH_MAX];
    int64_t version;
    const ut_params *params;
    ut_index *index = NULL;
    ut_index_lock *lock = NULL;
    ut_err why = {0};
    ut_status rc = look(store, name, &params, &version, path, err);
    if (rc != UT_OK)
        return rc;
    if (ut_index_load(path, UT_INDEX_OPEN, &index, &why) == UT_OK && fits(index, params, version)) {
        *out = index;
        return UT_OK;
    }
    ut_index_close(&index);
    rc = ut_index_lock_take(path, &lock, &why);
    if (rc != UT_OK && rc != UT_E_BUSY)
        warn("index-not-saved", path, &why);
    rc = refresh(store, params, version, path, lock, out, err);
    ut_index_lock_release(&lock);
    return rc;
}

ut_status ut_catalogue_merge(ut_store *store, const char *name, ut_err *err)
{
    char path[PATH_MAX];
    int64_t version;
    const ut_params *params;
    ut_index *index = NULL, *merged = NULL;
    ut_index_lock *lock = NULL;
    ut_status rc = look(store, name, &params, &version, path, err);
    if (rc == UT_OK)
        rc = ut_index_lock_take(path, &lock, err);
    if (rc == UT_OK)
        rc = ut_index_load(path, UT_INDEX_OPEN, &index, err);
    while (rc == UT_OK && (rc = ut_index_merge(index, &merged, err)) == UT_OK && merged) {
        ut_index_close(&index);
        index = merged;
        rc = ut_index_save(index, path, err);
    }
    ut_index_close(&index);
    ut_index_lock_release(&lock);
    return rc;
}

ut_status ut_catalogue_rebuild(ut_store *store, const char *name, ut_index_info *info, ut_err *err)
{
    char path[PATH_MAX];
    int64_t version;
    const ut_params *params;
    ut_index *index = NULL;
    ut_index_lock *lock = NULL;
    ut_status rc = look(store, name, &params, &version, path, err);
    if (rc == UT_OK)
        rc = ut_index_lock_take(path, &lock, err);
    if (rc == UT_OK)
        rc = bring_up(store, params, NULL, version, path, &index, err);
    if (rc == UT_OK)
        rc = ut_index_save(index, path, err);
    if (rc == UT_OK)
        *info = ut_index_describe(index);
    ut_index_close(&index);
    ut_index_lock_release(&lock);
    return rc;
}
