/* Opening and migrating a store in PostgreSQL. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/digest.h"
#include "core/file.h"
#include "db/postgres.h"
#include "db/schema/schema.h"

#define MIGRATION_LOCK "1970563401, 0" /* "ut" and what it is for: a key of advisory locks */

static void store_close(ut_store *store)
{
    ut_postgres *self = (ut_postgres *)store;
    PQfinish(self->conn);
    free(self->dsn);
    free(self->name);
    free(self);
}

/* The index is a file of this machine, of which every store has its own: under $XDG_CACHE_HOME, or ~/.cache, or where
 * a service keeps such things. */
static ut_status index_path(const ut_store *store, const char *params, char *path, size_t size, ut_err *err)
{
    const ut_postgres *self = (const ut_postgres *)store;
    const char *cache = getenv("XDG_CACHE_HOME"), *service = getenv("CACHE_DIRECTORY"), *home = getenv("HOME");
    char folder[PATH_MAX];
    if (service && service[0] == '/')
        snprintf(folder, sizeof folder, "%.*s", (int)strcspn(service, ":"), service);
    else if (cache && cache[0] == '/')
        snprintf(folder, sizeof folder, "%s/undertone", cache);
    else if (home && home[0] == '/')
        snprintf(folder, sizeof folder, "%s/.cache/undertone", home);
    else
        snprintf(folder, sizeof folder, "/var/cache/undertone");
    int n = snprintf(path, size, "%s/%s.%s.index", folder, self->id, params);
    if (n < 0 || (size_t)n >= size)
        return ut_fail(err, UT_E_ARG, "store %s: path of the index too long", self->name);
    /* Where it cannot be made, saving the index fails, which costs a warning. */
    ut_status made = ut_folder_make(folder, NULL);
    (void)made;
    return UT_OK;
}

/* --- schema ----------------------------------------------------------------------------------- */

static int64_t schema_known(void)
{
    int64_t known = 0;
    while (ut_schema_postgres[known])
        known++;
    return known;
}

/* The steps that were applied must be the ones this program knows. */
static ut_status step_check(ut_postgres *self, int64_t step, const char *checksum, ut_err *err)
{
    char want[65];
    if (step < 1 || step > schema_known())
        return UT_OK; /* newer: for the caller to tell */
    const char *sql = ut_schema_postgres[step - 1];
    ut_sha256(sql, strlen(sql), want);
    if (strcmp(checksum, want) == 0)
        return UT_OK;
    return ut_fail(err, UT_E_CORRUPT, "store %s: schema step %" PRId64 " is not the one of this program", self->name,
                   step);
}

/* *version = 0 where there is no store. */
static ut_status schema_version(ut_postgres *self, int64_t *version, ut_err *err)
{
    PGresult *result = NULL;
    int64_t there = 0, latest = 0;
    /* Not to_regclass(): within a transaction it may not know what another one committed meanwhile. */
    ut_status rc = ut_pg_number(self, &there, err,
                                "SELECT count(*) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
                                " WHERE nspname = 'undertone' AND relname = 'migration'",
                                "");
    if (rc == UT_OK && !there) {
        *version = 0;
        return UT_OK;
    }
    if (rc == UT_OK)
        rc = ut_pg_query(self, &result, NULL, err, "SELECT step, checksum FROM undertone.migration ORDER BY step", "");
    if (rc != UT_OK)
        return rc;
    for (int i = 0; rc == UT_OK && i < PQntuples(result); i++) {
        latest = ut_pg_int(result, i, 0);
        rc = step_check(self, latest, PQgetvalue(result, i, 1), err);
    }
    PQclear(result);
    if (rc == UT_OK)
        *version = latest;
    return rc;
}

static ut_status schema_prepare(ut_postgres *self, ut_err *err)
{
    return ut_pg_script(
        self,
        "CREATE SCHEMA IF NOT EXISTS undertone;"
        "CREATE TABLE IF NOT EXISTS undertone.migration (step bigint PRIMARY KEY, checksum text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now(), program text NOT NULL)",
        err);
}

static ut_status migrate_step(ut_postgres *self, int64_t step, ut_err *err)
{
    char checksum[65];
    const char *sql = ut_schema_postgres[step];
    ut_sha256(sql, strlen(sql), checksum);
    ut_status rc = ut_pg_script(self, sql, err);
    if (rc == UT_OK)
        rc = ut_pg_query(self, NULL, NULL, err, "INSERT INTO migration (step, checksum, program) VALUES ($1, $2, $3)",
                         "itt", step + 1, checksum, "undertone " UT_VERSION);
    if (rc != UT_OK)
        ut_err_prefix(err, "schema step %" PRId64, step + 1);
    return rc;
}

/* In one transaction: all steps or none. */
static ut_status migrate_body(ut_postgres *self, void *arg, ut_err *err)
{
    int64_t version = 0, known = schema_known();
    (void)arg;
    /* Somebody else may be migrating; then what is there afterwards counts. */
    ut_status rc = ut_pg_script(self, "SELECT pg_advisory_xact_lock(" MIGRATION_LOCK ")", err);
    if (rc == UT_OK)
        rc = schema_version(self, &version, err);
    if (rc == UT_OK && version < known)
        rc = schema_prepare(self, err);
    while (rc == UT_OK && version < known)
        rc = migrate_step(self, version++, err);
    return rc;
}

static ut_status migrate(ut_postgres *self, ut_err *err)
{
    int64_t version = 0, known = schema_known();
    ut_status rc = schema_version(self, &version, err);
    if (rc != UT_OK || version == known)
        return rc;
    if (version > known)
        return ut_fail(err, UT_E_CORRUPT, "store %s: schema %" PRId64 " is newer than this program's %" PRId64,
                       self->name, version, known);
    if (version == 0 && self->mode != UT_STORE_CREATE)
        return ut_fail(err, UT_E_NOTFOUND, "store %s: the database holds no store; does not exist yet", self->name);
    if (self->mode == UT_STORE_READ)
        return ut_fail(err, UT_E_IO, "store %s: schema %" PRId64 " needs a migration to %" PRId64 ", opened read-only",
                       self->name, version, known);
    return ut_pg_transaction(self, migrate_body, NULL, err);
}

static ut_status store_id_read(ut_postgres *self, ut_err *err)
{
    PGresult *result = NULL;
    ut_status rc = ut_pg_query(self, &result, NULL, err, "SELECT id::text FROM store", "");
    if (rc != UT_OK)
        return rc;
    if (PQntuples(result) == 1)
        ut_pg_field(result, 0, 0, self->id, sizeof self->id);
    else
        rc = ut_fail(err, UT_E_CORRUPT, "store %s: has no id", self->name);
    PQclear(result);
    return rc;
}

/* --- open ------------------------------------------------------------------------------------- */

/* `where`: "//…" of a URI, or "KEY=VALUE …". */
static char *dsn_make(const char *where)
{
    char *dsn = NULL;
    if (strncmp(where, "//", 2) != 0)
        return strdup(where);
    return asprintf(&dsn, "postgresql:%s", where) >= 0 ? dsn : NULL;
}

static ut_status store_open(const char *where, ut_store_mode mode, ut_store **out, ut_err *err)
{
    ut_status rc = UT_OK;
    ut_postgres *self = calloc(1, sizeof *self);
    if (!self || !(self->dsn = dsn_make(where))) {
        rc = ut_fail(err, UT_E_NOMEM, "store: postgresql: out of memory");
        goto fail;
    }
    self->base.ops = &ut_store_postgres;
    self->mode = mode;
    self->chance = (uint64_t)ut_now_ns() ^ (uint64_t)getpid() << 32 ^ (uintptr_t)self;
    if ((rc = ut_pg_name(self, err)) != UT_OK || (rc = ut_pg_connect(self, err)) != UT_OK)
        goto fail;
    if ((rc = migrate(self, err)) != UT_OK || (rc = store_id_read(self, err)) != UT_OK)
        goto fail;
    self->opened = true;
    *out = &self->base;
    return UT_OK;
fail:
    if (self)
        store_close(&self->base);
    return rc;
}

const ut_store_ops ut_store_postgres = {
    .scheme = "postgresql",
    .open = store_open,
    .close = store_close,
    .index_path = index_path,
    .recording_put = ut_pg_recording_put,
    .recording_find = ut_pg_recording_find,
    .recording_get = ut_pg_recording_get,
    .recording_holding = ut_pg_recording_holding,
    .recording_remove = ut_pg_recording_remove,
    .recording_each = ut_pg_recording_each,
    .fingerprint_each = ut_pg_fingerprint_each,
    .fingerprint_get = ut_pg_fingerprint_get,
    .fingerprint_list = ut_pg_fingerprint_list,
    .fingerprint_since = ut_pg_fingerprint_since,
    .catalogue_version = ut_pg_catalogue_version,
    .catalogue_hint = ut_pg_catalogue_hint,
    .source_known = ut_pg_source_known,
    .source_put = ut_pg_source_put,
    .fingerprint_of = ut_pg_fingerprint_of,
    .source_each = ut_pg_source_each,
    .recording_load = ut_pg_recording_load,
    .describe = ut_pg_describe,
    .verify = ut_pg_verify,
    .segment_put = ut_pg_segment_put,
    .segment_get = ut_pg_segment_get,
    .segment_end = ut_pg_segment_end,
    .gap_put = ut_pg_gap_put,
    .airplay_put = ut_pg_airplay_put,
    .checkpoint_get = ut_pg_checkpoint_get,
    .segment_each = ut_pg_segment_each,
    .captured_until = ut_pg_captured_until,
    .airplay_each = ut_pg_airplay_each,
    .gap_each = ut_pg_gap_each,
    .review_each = ut_pg_review_each,
    .airplay_get = ut_pg_airplay_get,
    .revision_each = ut_pg_revision_each,
    .change = ut_pg_change,
    .trail_each = ut_pg_trail_each,
    .trail_count = ut_pg_trail_count,
    .hearing_put = ut_pg_hearing_put,
    .hearing_each = ut_pg_hearing_each,
    .label_put = ut_pg_label_put,
    .label_get = ut_pg_label_get,
    .rule_put = ut_pg_rule_put,
    .rule_remove = ut_pg_rule_remove,
    .rule_each = ut_pg_rule_each,
    .airing_change = ut_pg_airing_change,
    .airing_each = ut_pg_airing_each,
    .airing_get = ut_pg_airing_get,
    .outbox_peek = ut_pg_outbox_peek,
    .outbox_ack = ut_pg_outbox_ack,
    .outbox_put = ut_pg_outbox_put,
    .lease_take = ut_pg_lease_take,
    .lease_drop = ut_pg_lease_drop,
    .instance_put = ut_pg_instance_put,
    .instance_remove = ut_pg_instance_remove,
    .instance_each = ut_pg_instance_each,
};
