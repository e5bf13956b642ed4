/* A catalogue on the move: what another store needs of a recording, and many recordings at once. */
#include <stdlib.h>

#include "db/sqlite.h"

static ut_status load_all(ut_sqlite *self, ut_load_item *items, size_t count, int64_t *ids, ut_err *err)
{
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < count; i++) {
        const ut_load_item *item = &items[i];
        rc = ut_sqlite_recording_write(self, item->rec, item->rows, item->row_count, &ids[i], &items[i].created, err);
        for (size_t s = 0; rc == UT_OK && s < item->source_count; s++)
            rc = ut_sqlite_source_write(self, item->sources[s].path, item->sources[s].size, item->sources[s].mtime_ns,
                                        ids[i], err);
    }
    return rc;
}

ut_status ut_sqlite_recording_load(ut_store *store, ut_load_item *items, size_t count, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    int64_t *ids = calloc(count, sizeof *ids);
    if (!ids)
        return ut_fail(err, UT_E_NOMEM, "store %s: %zu recordings", self->path, count);
    ut_status rc = ut_sqlite_begin(self, err);
    if (rc == UT_OK) {
        rc = load_all(self, items, count, ids, err);
        rc = ut_sqlite_end(self, rc, err);
    }
    for (size_t i = 0; rc == UT_OK && i < count; i++)
        items[i].rec->id = ids[i];
    free(ids);
    return rc;
}

ut_status ut_sqlite_fingerprint_of(ut_store *store, int64_t recording_id, ut_fingerprint_row_fn fn, void *arg,
                                   ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    bool row = false;
    ut_status rc = ut_sqlite_query(self, &statement, err,
                                   "SELECT params, data FROM fingerprint WHERE recording_id = ? ORDER BY params", "i",
                                   recording_id);
    if (rc != UT_OK)
        return rc;
    while (rc == UT_OK && (rc = ut_sqlite_step(self, statement, &row, err)) == UT_OK && row) {
        const ut_fingerprint_row one = {(const char *)sqlite3_column_text(statement, 0),
                                        sqlite3_column_blob(statement, 1), (size_t)sqlite3_column_bytes(statement, 1)};
        rc = fn(arg, &one);
    }
    sqlite3_finalize(statement);
    return rc;
}

ut_status ut_sqlite_source_each(ut_store *store, int64_t recording_id, ut_source_fn fn, void *arg, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    bool row = false;
    ut_status rc = ut_sqlite_query(self, &statement, err,
                                   "SELECT path, size, mtime_ns FROM source WHERE recording_id = ? ORDER BY path", "i",
                                   recording_id);
    if (rc != UT_OK)
        return rc;
    while (rc == UT_OK && (rc = ut_sqlite_step(self, statement, &row, err)) == UT_OK && row) {
        const ut_source_row one = {(const char *)sqlite3_column_text(statement, 0), sqlite3_column_int64(statement, 1),
                                   sqlite3_column_int64(statement, 2)};
        rc = one.path ? fn(arg, &one) : ut_fail(err, UT_E_CORRUPT, "store %s: source without a path", self->path);
    }
    sqlite3_finalize(statement);
    return rc;
}
