/* Review rules. */
#include <inttypes.h>
#include <string.h>

#include "db/sqlite.h"

ut_status ut_sqlite_rule_put(ut_store *store, ut_rule *rule, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    int64_t id = 0;
    ut_status rc = ut_sqlite_begin(self, err);
    if (rc != UT_OK)
        return rc;
    rc = ut_sqlite_do(self, err,
                      "INSERT INTO rule (kind, channel, recording_id, max_log10_e, who, why, added_ns)"
                      " VALUES (?, ?, nullif(?, 0), ?, ?, ?, ?)",
                      "ttirtti", rule->ignore ? "ignore" : "approve", rule->channel, rule->recording_id,
                      rule->max_log10_e, rule->who, rule->why, rule->added_ns);
    if (rc == UT_OK)
        rc = ut_sqlite_seal(self, "rule", id = sqlite3_last_insert_rowid(self->db), err);
    if ((rc = ut_sqlite_end(self, rc, err)) == UT_OK)
        rule->id = id;
    return rc;
}

ut_status ut_sqlite_rule_remove(ut_store *store, int64_t id, const char *who, int64_t at_ns, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    ut_status rc = ut_sqlite_begin(self, err);
    if (rc != UT_OK)
        return rc;
    rc = ut_sqlite_do(self, err, "UPDATE rule SET removed_ns = ?, removed_by = ? WHERE id = ? AND removed_ns = 0",
                      "iti", at_ns, who, id);
    if (rc == UT_OK && sqlite3_changes(self->db) == 0)
        rc = ut_fail(err, UT_E_NOTFOUND, "rule %" PRId64 ": not in force", id);
    if (rc == UT_OK)
        rc = ut_sqlite_seal(self, "rule", id, err);
    return ut_sqlite_end(self, rc, err);
}

ut_status ut_sqlite_rule_each(ut_store *store, ut_rule_fn fn, void *arg, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    bool row = false;
    ut_status rc = ut_sqlite_query(self, &statement, err,
                                   "SELECT id, kind = 'ignore', channel, recording_id, max_log10_e, who, why, added_ns,"
                                   " removed_ns, removed_by FROM rule ORDER BY id",
                                   "");
    if (rc != UT_OK)
        return rc;
    while (rc == UT_OK && (rc = ut_sqlite_step(self, statement, &row, err)) == UT_OK && row) {
        ut_rule rule = {.id = sqlite3_column_int64(statement, 0),
                        .ignore = sqlite3_column_int64(statement, 1) != 0,
                        .recording_id = sqlite3_column_int64(statement, 3),
                        .max_log10_e = ut_sqlite_real(statement, 4),
                        .added_ns = sqlite3_column_int64(statement, 7),
                        .removed_ns = sqlite3_column_int64(statement, 8)};
        ut_sqlite_field(statement, 2, rule.channel, sizeof rule.channel);
        ut_sqlite_field(statement, 5, rule.who, sizeof rule.who);
        ut_sqlite_field(statement, 6, rule.why, sizeof rule.why);
        ut_sqlite_field(statement, 9, rule.removed_by, sizeof rule.removed_by);
        rc = fn(arg, &rule);
    }
    sqlite3_finalize(statement);
    return rc;
}
