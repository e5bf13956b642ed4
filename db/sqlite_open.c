/* Opening and migrating a store in SQLite. */
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "db/schema/schema.h"
#include "db/sqlite.h"

#define APPLICATION_ID 0x75740001 /* "ut", 1: in the header of every store, so that file(1) and we know it */

static void store_close(ut_store *store)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_close(self->db);
    free(self->path);
    free(self);
}

static ut_status index_path(const ut_store *store, const char *params, char *path, size_t size, ut_err *err)
{
    const ut_sqlite *self = (const ut_sqlite *)store;
    int n = snprintf(path, size, "%s.%s.index", self->path, params);
    if (n < 0 || (size_t)n >= size)
        return ut_fail(err, UT_E_ARG, "store %s: path too long", self->path);
    return UT_OK;
}

static ut_status path_check(const ut_sqlite *self, ut_err *err)
{
    struct stat st;
    if (stat(self->path, &st) == 0)
        return S_ISREG(st.st_mode) ? UT_OK : ut_fail(err, UT_E_IO, "store %s: not a file", self->path);
    if (errno != ENOENT && errno != ENOTDIR)
        return ut_fail(err, UT_E_IO, "store %s: %s", self->path, strerror(errno));
    if (self->mode != UT_STORE_CREATE)
        return ut_fail(err, UT_E_NOTFOUND, "store %s: does not exist", self->path);
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", self->path);
    return ut_folder_make(dirname(folder), err);
}

/* A URI in which SQLite reads the path as it is: it would take "?", "#" and "%" for more than
 * characters. */
static bool uri_make(const char *path, const char *query, char *uri, size_t size)
{
    char real[PATH_MAX];
    size_t n = (size_t)snprintf(uri, size, "file:");
    if (!realpath(path, real))
        return false;
    for (const char *c = real; *c && n + 4 < size; c++)
        n += (size_t)snprintf(uri + n, size - n, strchr("?#%", *c) ? "%%%02X" : "%c", (unsigned char)*c);
    return n + strlen(query) < size && snprintf(uri + n, size - n, "%s", query) > 0;
}

static ut_status connect(ut_sqlite *self, const char *name, int flags, ut_err *err)
{
    sqlite3_close(self->db);
    self->db = NULL;
    int rc = sqlite3_open_v2(name, &self->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc != SQLITE_OK)
        return ut_sqlite_fail(self, rc, err);
    sqlite3_busy_timeout(self->db, UT_SQLITE_BUSY_MS);
    sqlite3_db_config(self->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(self->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    ut_status status = ut_sqlite_do(self, err, "PRAGMA foreign_keys = ON", "");
    return status == UT_OK ? ut_sqlite_define(self, err) : status;
}

/* Reading a WAL database makes a file beside it. Where the folder forbids that and nobody is
 * writing (no WAL is there), the file is as good as immutable. */
static ut_status connect_for_reading(ut_sqlite *self, const char *name, ut_err *err)
{
    int64_t version;
    ut_status rc = connect(self, name, SQLITE_OPEN_READONLY, err);
    if (rc == UT_OK)
        rc = ut_sqlite_number(self, &version, err, "PRAGMA user_version", "");
    int code = self->db ? sqlite3_errcode(self->db) & 0xff : SQLITE_OK;
    if (rc != UT_E_IO || (code != SQLITE_CANTOPEN && code != SQLITE_READONLY))
        return rc;
    char wal[PATH_MAX + 8], uri[3 * PATH_MAX];
    snprintf(wal, sizeof wal, "%s-wal", name);
    if (access(name, R_OK) != 0 || access(wal, F_OK) == 0 || !uri_make(name, "?immutable=1", uri, sizeof uri))
        return rc;
    return connect(self, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
}

/* Switching to WAL needs the file alone for a moment, and does not wait for it by itself. */
static ut_status journal_set(ut_sqlite *self, ut_err *err)
{
    enum { STEP_MS = 20 };
    ut_status rc = UT_E_BUSY;
    for (int waited_ms = 0; rc == UT_E_BUSY && waited_ms <= UT_SQLITE_BUSY_MS; waited_ms += STEP_MS) {
        rc = ut_sqlite_do(self, err, "PRAGMA journal_mode = WAL", "");
        if (rc == UT_E_BUSY)
            sqlite3_sleep(STEP_MS);
    }
    return rc == UT_OK ? ut_sqlite_do(self, err, "PRAGMA synchronous = FULL", "") : rc;
}

/* *version = 0 and UT_OK for a database with nothing in it. */
static ut_status schema_version(ut_sqlite *self, int64_t *version, ut_err *err)
{
    int64_t application, tables;
    ut_status rc = ut_sqlite_number(self, &application, err, "PRAGMA application_id", "");
    if (rc == UT_OK)
        rc = ut_sqlite_number(self, version, err, "PRAGMA user_version", "");
    if (rc == UT_OK)
        rc = ut_sqlite_number(self, &tables, err, "SELECT count(*) FROM sqlite_schema", "");
    if (rc != UT_OK)
        return rc;
    if (application == APPLICATION_ID && *version > 0)
        return UT_OK;
    if (application == 0 && *version == 0 && tables == 0)
        return UT_OK;
    return ut_fail(err, UT_E_IO, "store %s: not a store of undertone", self->path);
}

static ut_status migrate_step(ut_sqlite *self, int64_t step, ut_err *err)
{
    errno = 0;
    int rc = sqlite3_exec(self->db, ut_schema_sqlite[step], NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        ut_status status = ut_sqlite_fail(self, rc, err);
        ut_err_prefix(err, "schema step %" PRId64, step + 1);
        return status;
    }
    char sql[100];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %" PRId64, APPLICATION_ID, step + 1);
    rc = sqlite3_exec(self->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? UT_OK : ut_sqlite_fail(self, rc, err);
}

static ut_status migrate(ut_sqlite *self, ut_err *err)
{
    int64_t known = 0, version = 0;
    while (ut_schema_sqlite[known])
        known++;
    ut_status rc = schema_version(self, &version, err);
    if (rc != UT_OK)
        return rc;
    if (version > known)
        return ut_fail(err, UT_E_CORRUPT, "store %s: schema %" PRId64 " is newer than this program's %" PRId64,
                       self->path, version, known);
    if (version == known)
        return UT_OK;
    if (version == 0 && self->mode != UT_STORE_CREATE)
        return ut_fail(err, UT_E_IO, "store %s: empty, not a store of undertone", self->path);
    if (self->mode == UT_STORE_READ)
        return ut_fail(err, UT_E_IO, "store %s: schema %" PRId64 " needs a migration to %" PRId64 ", opened read-only",
                       self->path, version, known);
    if ((rc = ut_sqlite_begin(self, err)) != UT_OK)
        return rc;
    /* Somebody else may have migrated while we waited for the lock. */
    rc = schema_version(self, &version, err);
    while (rc == UT_OK && version < known)
        rc = migrate_step(self, version++, err);
    return ut_sqlite_end(self, rc, err);
}

static ut_status store_open(const char *where, ut_store_mode mode, ut_store **out, ut_err *err)
{
    char name[PATH_MAX];
    int flags = SQLITE_OPEN_READWRITE | (mode == UT_STORE_CREATE ? SQLITE_OPEN_CREATE : 0);
    ut_status rc = UT_OK;
    ut_sqlite *self = calloc(1, sizeof *self);
    if (!self || !(self->path = strdup(where))) {
        rc = ut_fail(err, UT_E_NOMEM, "store %s: out of memory", where);
        goto fail;
    }
    self->base.ops = &ut_store_sqlite;
    self->mode = mode;
    /* "./": names such as ":memory:" are files here. */
    if (snprintf(name, sizeof name, "%s%s", where[0] == '/' ? "" : "./", where) >= (int)sizeof name) {
        rc = ut_fail(err, UT_E_ARG, "store %.100s…: path too long", where);
        goto fail;
    }
    if ((rc = path_check(self, err)) != UT_OK)
        goto fail;
    rc = mode == UT_STORE_READ ? connect_for_reading(self, name, err) : connect(self, name, flags, err);
    if (rc == UT_OK && mode != UT_STORE_READ && sqlite3_db_readonly(self->db, "main") == 1)
        rc = ut_fail(err, UT_E_IO, "store %s: read-only", where);
    if (rc == UT_OK && mode != UT_STORE_READ)
        rc = journal_set(self, err);
    if (rc == UT_OK)
        rc = migrate(self, err);
    if (rc != UT_OK)
        goto fail;
    *out = &self->base;
    return UT_OK;
fail:
    if (self)
        store_close(&self->base);
    return rc;
}

const ut_store_ops ut_store_sqlite = {
    .scheme = "sqlite",
    .open = store_open,
    .close = store_close,
    .index_path = index_path,
    .recording_put = ut_sqlite_recording_put,
    .recording_find = ut_sqlite_recording_find,
    .recording_get = ut_sqlite_recording_get,
    .recording_holding = ut_sqlite_recording_holding,
    .recording_remove = ut_sqlite_recording_remove,
    .recording_each = ut_sqlite_recording_each,
    .fingerprint_each = ut_sqlite_fingerprint_each,
    .fingerprint_since = ut_sqlite_fingerprint_since,
    .fingerprint_get = ut_sqlite_fingerprint_get,
    .fingerprint_list = ut_sqlite_fingerprint_list,
    .catalogue_version = ut_sqlite_catalogue_version,
    .source_known = ut_sqlite_source_known,
    .source_put = ut_sqlite_source_put,
    .fingerprint_of = ut_sqlite_fingerprint_of,
    .source_each = ut_sqlite_source_each,
    .recording_load = ut_sqlite_recording_load,
    .describe = ut_sqlite_describe,
    .verify = ut_sqlite_verify,
    .segment_put = ut_sqlite_segment_put,
    .segment_get = ut_sqlite_segment_get,
    .segment_end = ut_sqlite_segment_end,
    .gap_put = ut_sqlite_gap_put,
    .airplay_put = ut_sqlite_airplay_put,
    .checkpoint_get = ut_sqlite_checkpoint_get,
    .segment_each = ut_sqlite_segment_each,
    .captured_until = ut_sqlite_captured_until,
    .airplay_each = ut_sqlite_airplay_each,
    .gap_each = ut_sqlite_gap_each,
    .review_each = ut_sqlite_review_each,
    .airplay_get = ut_sqlite_airplay_get,
    .revision_each = ut_sqlite_revision_each,
    .change = ut_sqlite_change,
    .trail_each = ut_sqlite_trail_each,
    .trail_count = ut_sqlite_trail_count,
    .airing_change = ut_sqlite_airing_change,
    .airing_each = ut_sqlite_airing_each,
    .airing_get = ut_sqlite_airing_get,
    .hearing_put = ut_sqlite_hearing_put,
    .hearing_each = ut_sqlite_hearing_each,
    .label_put = ut_sqlite_label_put,
    .label_get = ut_sqlite_label_get,
    .rule_put = ut_sqlite_rule_put,
    .rule_remove = ut_sqlite_rule_remove,
    .rule_each = ut_sqlite_rule_each,
    .outbox_peek = ut_sqlite_outbox_peek,
    .outbox_ack = ut_sqlite_outbox_ack,
    .outbox_put = ut_sqlite_outbox_put,
    .lease_take = ut_sqlite_lease_take,
    .lease_drop = ut_sqlite_lease_drop,
    .instance_put = ut_sqlite_instance_put,
    .instance_remove = ut_sqlite_instance_remove,
    .instance_each = ut_sqlite_instance_each,
};
