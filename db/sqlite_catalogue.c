/* What belongs to recordings: fingerprints, sources, the catalogue version, removal. */
#include <inttypes.h>

#include "core/clock.h"
#include "db/sqlite.h"

/* By the clock, so that a store made anew or restored from a backup never comes to a version that
 * an index of its former life carries. */
ut_status ut_sqlite_catalogue_raise(ut_sqlite *self, ut_err *err)
{
    int64_t now_us = ut_now_ns() / 1000;
    ut_status rc = ut_sqlite_do(self, err, "UPDATE catalogue SET version = max(version + 1, ?)", "i", now_us);
    return rc == UT_OK ? ut_sqlite_seal(self, "catalogue", 1, err) : rc;
}

ut_status ut_sqlite_catalogue_version(ut_store *store, int64_t *version, ut_err *err)
{
    return ut_sqlite_number((ut_sqlite *)store, version, err, "SELECT version FROM catalogue", "");
}

/* UT_E_NOTFOUND unless it is in the catalogue or, if `removed` is not NULL, was once. */
static ut_status removal_get(ut_sqlite *self, int64_t id, bool *removed, ut_err *err)
{
    int64_t removed_ns = 0;
    ut_status rc = ut_sqlite_number(self, &removed_ns, err, "SELECT removed_ns FROM recording WHERE id = ?", "i", id);
    if (rc == UT_E_NOTFOUND || (rc == UT_OK && removed_ns != 0 && !removed))
        return ut_fail(err, UT_E_NOTFOUND, "recording %" PRId64 ": not in store %s", id, self->path);
    if (rc == UT_OK && removed)
        *removed = removed_ns != 0;
    return rc;
}

ut_status ut_sqlite_recording_holding(ut_store *store, int64_t id, ut_holding *out, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    ut_holding holding = {0};
    sqlite3_stmt *statement;
    bool row = false;
    ut_status rc = removal_get(self, id, &holding.removed, err);
    if (rc == UT_OK)
        rc = ut_sqlite_number(self, &holding.airplays, err, "SELECT count(*) FROM airplay WHERE recording_id = ?", "i",
                              id);
    if (rc == UT_OK)
        rc = ut_sqlite_query(
            self, &statement, err,
            "SELECT params, length(data) FROM fingerprint WHERE recording_id = ? ORDER BY params LIMIT ?", "ii", id,
            (int64_t)UT_HOLDING_SETS);
    if (rc != UT_OK)
        return rc;
    while (holding.set_count < UT_HOLDING_SETS && (rc = ut_sqlite_step(self, statement, &row, err)) == UT_OK && row) {
        ut_sqlite_field(statement, 0, holding.sets[holding.set_count].params, sizeof holding.sets->params);
        holding.sets[holding.set_count++].bytes = sqlite3_column_int64(statement, 1);
    }
    sqlite3_finalize(statement);
    if (rc == UT_OK)
        *out = holding;
    return rc;
}

ut_status ut_sqlite_recording_remove(ut_store *store, int64_t id, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    ut_status rc = ut_sqlite_begin(self, err);
    if (rc != UT_OK)
        return rc;
    rc = removal_get(self, id, NULL, err);
    if (rc == UT_OK)
        rc = ut_sqlite_do(self, err, "UPDATE recording SET removed_ns = ? WHERE id = ?", "ii", ut_now_ns(), id);
    if (rc == UT_OK)
        rc = ut_sqlite_seal(self, "recording", id, err);
    if (rc == UT_OK)
        rc = ut_sqlite_do(self, err, "DELETE FROM fingerprint WHERE recording_id = ?", "i", id);
    if (rc == UT_OK)
        rc = ut_sqlite_do(self, err, "DELETE FROM source WHERE recording_id = ?", "i", id);
    if (rc == UT_OK)
        rc = ut_sqlite_catalogue_raise(self, err);
    return ut_sqlite_end(self, rc, err);
}

static ut_status fingerprint_walk(ut_sqlite *self, sqlite3_stmt *statement, ut_fingerprint_fn fn, void *arg,
                                  ut_err *err)
{
    ut_status rc = UT_OK;
    bool row = false;
    while (rc == UT_OK && (rc = ut_sqlite_step(self, statement, &row, err)) == UT_OK && row) {
        const uint8_t *data = sqlite3_column_blob(statement, 1);
        rc = fn(arg, sqlite3_column_int64(statement, 0), data, (size_t)sqlite3_column_bytes(statement, 1));
    }
    sqlite3_finalize(statement);
    return rc;
}

ut_status ut_sqlite_fingerprint_each(ut_store *store, const char *params, ut_fingerprint_fn fn, void *arg, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    ut_status rc = ut_sqlite_query(self, &statement, err,
                                   "SELECT recording_id, data FROM fingerprint WHERE params = ? ORDER BY recording_id",
                                   "t", params);
    return rc == UT_OK ? fingerprint_walk(self, statement, fn, arg, err) : rc;
}

ut_status ut_sqlite_fingerprint_since(ut_store *store, const char *params, int64_t version, ut_fingerprint_fn fn,
                                      void *arg, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    ut_status rc = ut_sqlite_query(self, &statement, err,
                                   "SELECT f.recording_id, f.data FROM growth g"
                                   " JOIN fingerprint f ON f.recording_id = g.recording_id AND f.params = ?"
                                   " WHERE g.version > ? ORDER BY f.recording_id",
                                   "ti", params, version);
    return rc == UT_OK ? fingerprint_walk(self, statement, fn, arg, err) : rc;
}

ut_status ut_sqlite_fingerprint_get(ut_store *store, const char *params, int64_t recording_id, ut_fingerprint_fn fn,
                                    void *arg, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    bool row = false;
    ut_status rc =
        ut_sqlite_query(self, &statement, err, "SELECT data FROM fingerprint WHERE params = ? AND recording_id = ?",
                        "ti", params, recording_id);
    if (rc != UT_OK)
        return rc;
    if ((rc = ut_sqlite_step(self, statement, &row, err)) == UT_OK && row) {
        const uint8_t *data = sqlite3_column_blob(statement, 0);
        rc = fn(arg, recording_id, data, (size_t)sqlite3_column_bytes(statement, 0));
    } else if (rc == UT_OK) {
        rc = ut_fail(err, UT_E_NOTFOUND, "recording %" PRId64 ": no fingerprint of %s in store %s", recording_id,
                     params, self->path);
    }
    sqlite3_finalize(statement);
    return rc;
}

ut_status ut_sqlite_fingerprint_list(ut_store *store, const char *params, ut_fingerprint_id_fn fn, void *arg,
                                     ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    bool row = false;
    ut_status rc = ut_sqlite_query(self, &statement, err,
                                   "SELECT recording_id, added_ns FROM fingerprint"
                                   " JOIN recording ON recording.id = recording_id"
                                   " WHERE params = ? ORDER BY recording_id",
                                   "t", params);
    if (rc != UT_OK)
        return rc;
    while (rc == UT_OK && (rc = ut_sqlite_step(self, statement, &row, err)) == UT_OK && row)
        rc = fn(arg, sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1));
    sqlite3_finalize(statement);
    return rc;
}

ut_status ut_sqlite_source_known(ut_store *store, const char *path, int64_t size, int64_t mtime_ns,
                                 int64_t *recording_id, ut_err *err)
{
    return ut_sqlite_number((ut_sqlite *)store, recording_id, err,
                            "SELECT recording_id FROM source WHERE path = ? AND size = ? AND mtime_ns = ?", "tii", path,
                            size, mtime_ns);
}

ut_status ut_sqlite_source_write(ut_sqlite *self, const char *path, int64_t size, int64_t mtime_ns,
                                 int64_t recording_id, ut_err *err)
{
    int64_t rowid;
    ut_status rc = ut_sqlite_do(self, err,
                                "INSERT INTO source (path, size, mtime_ns, recording_id) VALUES (?, ?, ?, ?)"
                                " ON CONFLICT (path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns,"
                                " recording_id = excluded.recording_id",
                                "tiii", path, size, mtime_ns, recording_id);
    if (rc == UT_OK)
        rc = ut_sqlite_number(self, &rowid, err, "SELECT rowid FROM source WHERE path = ?", "t", path);
    return rc == UT_OK ? ut_sqlite_seal(self, "source", rowid, err) : rc;
}

ut_status ut_sqlite_source_put(ut_store *store, const char *path, int64_t size, int64_t mtime_ns, int64_t recording_id,
                               ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    ut_status rc = ut_sqlite_begin(self, err);
    if (rc != UT_OK)
        return rc;
    rc = ut_sqlite_source_write(self, path, size, mtime_ns, recording_id, err);
    return ut_sqlite_end(self, rc, err);
}
