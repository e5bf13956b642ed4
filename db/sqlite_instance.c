/* Leases and instances: several processes on one store. */
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "db/sqlite.h"

ut_status ut_sqlite_lease_take(ut_store *store, const char *name, const char *owner, double for_s, bool *held,
                               char holder[UT_OWNER_SIZE], ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    int64_t now_ns = ut_now_ns(), for_ns = (int64_t)(for_s * 1e9);
    char whose[UT_OWNER_SIZE] = "";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    ut_status rc = ut_sqlite_begin(self, err);
    if (rc != UT_OK)
        return rc;
    rc = ut_sqlite_do(self, err,
                      "INSERT INTO lease (name, owner, until_ns) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE"
                      " SET owner = ?2, until_ns = ?3 WHERE owner = ?2 OR until_ns <= ?4",
                      "ttii", name, owner, now_ns + for_ns, now_ns);
    if (rc == UT_OK) /* the clock was set back: as if it had been renewed just now */
        rc = ut_sqlite_do(self, err, "UPDATE lease SET until_ns = ?3 WHERE name = ?1 AND owner <> ?2 AND until_ns > ?4",
                          "ttii", name, owner, now_ns + for_ns, now_ns + 2 * for_ns);
    if (rc == UT_OK)
        rc = ut_sqlite_query(self, &statement, err, "SELECT owner FROM lease WHERE name = ?", "t", name);
    if (rc == UT_OK && (rc = ut_sqlite_step(self, statement, &row, err)) == UT_OK && row)
        ut_sqlite_field(statement, 0, whose, sizeof whose);
    sqlite3_finalize(statement);
    if ((rc = ut_sqlite_end(self, rc, err)) != UT_OK)
        return rc;
    *held = strcmp(whose, owner) == 0;
    memcpy(holder, whose, sizeof whose);
    return UT_OK;
}

ut_status ut_sqlite_lease_drop(ut_store *store, const char *name, const char *owner, ut_err *err)
{
    return ut_sqlite_do((ut_sqlite *)store, err, "DELETE FROM lease WHERE name = ? AND owner = ?", "tt", name, owner);
}

ut_status ut_sqlite_fence(ut_sqlite *self, const char *channel, int64_t segment_id, ut_err *err)
{
    char whose[UT_OWNER_SIZE] = "";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    if (!self->base.owner[0])
        return UT_OK;
    ut_status rc = ut_sqlite_query(self, &statement, err,
                                   "SELECT owner FROM lease WHERE name = '" UT_LEASE_CHANNEL
                                   "' || ifnull(?, (SELECT channel FROM segment WHERE id = ?))",
                                   "ti", channel, segment_id);
    if (rc == UT_OK && (rc = ut_sqlite_step(self, statement, &row, err)) == UT_OK && row)
        ut_sqlite_field(statement, 0, whose, sizeof whose);
    sqlite3_finalize(statement);
    if (rc == UT_OK && row && strcmp(whose, self->base.owner) != 0)
        rc = ut_fail(err, UT_E_ARG, "store %s: another monitor has the channel: %s", self->path, whose);
    return rc;
}

ut_status ut_sqlite_instance_put(ut_store *store, const ut_instance *instance, ut_err *err)
{
    return ut_sqlite_do((ut_sqlite *)store, err,
                        "INSERT INTO instance (id, kind, host, pid, started_ns, beat_ns, state)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                        " ON CONFLICT (id) DO UPDATE SET beat_ns = ?6, state = ?7",
                        "tttiiit", instance->id, instance->kind, instance->host, instance->pid, instance->started_ns,
                        ut_now_ns(), instance->state);
}

ut_status ut_sqlite_instance_remove(ut_store *store, const char *id, ut_err *err)
{
    return ut_sqlite_do((ut_sqlite *)store, err, "DELETE FROM instance WHERE id = ?", "t", id);
}

ut_status ut_sqlite_instance_each(ut_store *store, ut_instance_fn fn, void *arg, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    bool row = false;
    ut_status rc = ut_sqlite_query(self, &statement, err,
                                   "SELECT id, kind, host, pid, started_ns, beat_ns, state FROM instance"
                                   " ORDER BY started_ns, id",
                                   "");
    if (rc != UT_OK)
        return rc;
    while (rc == UT_OK && (rc = ut_sqlite_step(self, statement, &row, err)) == UT_OK && row) {
        ut_instance instance = {.pid = sqlite3_column_int64(statement, 3),
                                .started_ns = sqlite3_column_int64(statement, 4),
                                .age_s = (double)(ut_now_ns() - sqlite3_column_int64(statement, 5)) / 1e9};
        ut_sqlite_field(statement, 0, instance.id, sizeof instance.id);
        ut_sqlite_field(statement, 1, instance.kind, sizeof instance.kind);
        ut_sqlite_field(statement, 2, instance.host, sizeof instance.host);
        if ((rc = ut_sqlite_text(statement, 6, &instance.state, err)) == UT_OK)
            rc = fn(arg, &instance);
        free(instance.state);
    }
    sqlite3_finalize(statement);
    return rc;
}
