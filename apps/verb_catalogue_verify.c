#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "apps/cli.h"
#include "apps/recording_json.h"
#include "db/store.h"
#include "fingerprint/index.h"

typedef struct {
    const ut_args *args;
    json_t *damage; /* texts, for --json */
    size_t found, fingerprints, indexes, stale;
} check;

static void damaged(check *c, const ut_err *err)
{
    c->found++;
    json_array_append_new(c->damage, json_string(err->text));
    ut_cli_fail(c->args, err);
}

static ut_status fingerprint_check(void *arg, int64_t recording_id, const uint8_t *data, size_t size)
{
    check *c = arg;
    ut_err err = {0};
    ut_fingerprint *fingerprint = NULL;
    ut_status rc = ut_fingerprint_decode(data, size, &fingerprint, &err);
    ut_fingerprint_close(&fingerprint);
    c->fingerprints++;
    if (rc == UT_E_CORRUPT) {
        ut_err_prefix(&err, "fingerprint of recording %" PRId64, recording_id);
        damaged(c, &err);
        return UT_OK;
    }
    return rc;
}

/* An index of an older version is no damage: the next who loads it makes it anew. */
static ut_status index_check(check *c, ut_store *store, const char *params, ut_err *err)
{
    char path[PATH_MAX];
    int64_t version = 0;
    ut_index *index = NULL;
    ut_err why = {0};
    ut_status rc = ut_store_index_path(store, params, path, sizeof path, err);
    if (rc == UT_OK)
        rc = ut_store_catalogue_version(store, &version, err);
    if (rc != UT_OK)
        return rc;
    rc = ut_index_load(path, UT_INDEX_CHECK, &index, &why);
    if (rc == UT_E_NOTFOUND)
        return UT_OK;
    c->indexes++;
    if (rc != UT_OK)
        damaged(c, &why);
    else
        c->stale += ut_index_describe(index).catalogue_version != version;
    ut_index_close(&index);
    return UT_OK;
}

static ut_status check_all(check *c, ut_store *store, ut_err *err)
{
    static const char *const sets[] = {"p1", "p2", "p3"};
    ut_status rc = ut_store_verify(store, err);
    if (rc == UT_E_CORRUPT) {
        damaged(c, err);
        rc = UT_OK;
    }
    for (size_t i = 0; rc == UT_OK && i < sizeof sets / sizeof *sets; i++) {
        rc = ut_store_fingerprint_each(store, sets[i], fingerprint_check, c, err);
        if (rc == UT_E_CORRUPT) {
            damaged(c, err);
            rc = UT_OK;
        }
        if (rc == UT_OK)
            rc = index_check(c, store, sets[i], err);
    }
    return rc;
}

static ut_status report(check *c, ut_err *err)
{
    if (ut_args_json(c->args))
        return ut_json_print(json_pack("{sb sO sI sI sI}", "ok", c->found == 0, "damage", c->damage, "fingerprints",
                                       (json_int_t)c->fingerprints, "indexes", (json_int_t)c->indexes, "stale_indexes",
                                       (json_int_t)c->stale),
                             err);
    printf("%s: %zu fingerprints, %zu index files (%zu of them to be rebuilt on next use)\n",
           c->found ? "damaged" : "ok", c->fingerprints, c->indexes, c->stale);
    return UT_OK;
}

static int run(const ut_args *args)
{
    check c = {.args = args, .damage = json_array()};
    ut_err err = {0};
    ut_store *store = NULL;
    ut_status rc = ut_store_open(ut_args_store(args), UT_STORE_READ, &store, &err);
    if (rc == UT_OK)
        rc = check_all(&c, store, &err);
    if (rc == UT_OK)
        rc = report(&c, &err);
    ut_store_close(&store);
    json_decref(c.damage);
    return rc != UT_OK ? ut_cli_fail(args, &err) : c.found > 0;
}

const ut_verb ut_verb_catalogue_verify = {
    .name = "catalogue verify",
    .summary = "read the whole store and its index files and report what is damaged",
    .arguments = "",
    .examples = "undertone catalogue verify || echo damaged",
    .run = run,
};
