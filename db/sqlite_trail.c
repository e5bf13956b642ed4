/* Trails: what is kept of unidentified music to recognise it later. */
#include "db/sqlite.h"

ut_status ut_sqlite_trail_add(ut_sqlite *self, const ut_airplay *air, ut_err *err)
{
    ut_status rc =
        ut_sqlite_do(self, err,
                     "INSERT INTO trail (airplay_id, params, matched_version, data) VALUES (?, ?, ?, ?)"
                     " ON CONFLICT (airplay_id) DO NOTHING",
                     "ttib", air->id, air->params, air->catalogue_version, (const void *)air->trail, air->trail_size);
    if (rc != UT_OK || sqlite3_changes(self->db) == 0)
        return rc;
    return ut_sqlite_seal(self, "trail", sqlite3_last_insert_rowid(self->db), err);
}

/* A mark never goes back. */
ut_status ut_sqlite_trail_matched(ut_sqlite *self, const int64_t *ids, size_t count, int64_t version, ut_err *err)
{
    ut_status rc = UT_OK;
    for (size_t i = 0; i < count && rc == UT_OK; i++) {
        rc = ut_sqlite_do(self, err, "UPDATE trail SET matched_version = ?2 WHERE id = ?1 AND matched_version < ?2",
                          "ii", ids[i], version);
        if (rc == UT_OK && sqlite3_changes(self->db) > 0)
            rc = ut_sqlite_seal(self, "trail", ids[i], err);
    }
    return rc;
}

/* ?1 params, ?2 channel, ?3 after, ?4 until, ?5 since, ?6 unknown, ?7 unreviewed, ?8 limit */
#define CHOSEN                                                                                                         \
    " FROM trail t JOIN airplay a ON a.id = t.airplay_id" UT_SQLITE_NOW_JOIN                                           \
    " WHERE t.params = ?1 AND a.channel = ifnull(?2, a.channel) AND t.id > ?3 AND t.matched_version < ?4"              \
    " AND ifnull(r.end_ns, a.end_ns) > ?5"                                                                             \
    " AND (NOT ?6 OR (ifnull(r.outcome, a.outcome) <> 'identified' AND ifnull(r.review, '') <> 'rejected'))"           \
    " AND NOT (?7 AND EXISTS (SELECT 1 FROM revision p WHERE p.airplay_id = a.id AND p.cause = 'person'))"

ut_status ut_sqlite_trail_each(ut_store *store, const ut_trail_query *query, ut_trail_row_fn fn, void *arg, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    bool row = false;
    ut_status rc =
        ut_sqlite_query(self, &statement, err,
                        "SELECT t.id, t.matched_version, t.data, " UT_SQLITE_NOW_COLUMNS CHOSEN
                        " ORDER BY t.id LIMIT ifnull(nullif(?8, 0), -1)",
                        "ttiiiiii", query->params, query->channel, query->after, query->until_version, query->since_ns,
                        (int64_t)query->unknown, (int64_t)query->unreviewed, (int64_t)query->limit);
    if (rc != UT_OK)
        return rc;
    while (rc == UT_OK && (rc = ut_sqlite_step(self, statement, &row, err)) == UT_OK && row) {
        ut_trail_row trail = {.id = sqlite3_column_int64(statement, 0),
                              .matched_version = sqlite3_column_int64(statement, 1),
                              .air = ut_sqlite_airplay_read(statement, 3),
                              .data = sqlite3_column_blob(statement, 2),
                              .size = (size_t)sqlite3_column_bytes(statement, 2)};
        rc = fn(arg, &trail);
    }
    sqlite3_finalize(statement);
    return rc;
}

ut_status ut_sqlite_trail_count(ut_store *store, const ut_trail_query *query, int64_t *count, int64_t *oldest,
                                ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    bool row = false;
    ut_status rc = ut_sqlite_query(self, &statement, err,
                                   "SELECT count(*), ifnull(min(t.matched_version), 9223372036854775807)" CHOSEN,
                                   "ttiiiii", query->params, query->channel, query->after, query->until_version,
                                   query->since_ns, (int64_t)query->unknown, (int64_t)query->unreviewed);
    if (rc != UT_OK)
        return rc;
    rc = ut_sqlite_step(self, statement, &row, err);
    if (rc == UT_OK) {
        *count = sqlite3_column_int64(statement, 0);
        *oldest = sqlite3_column_int64(statement, 1);
    }
    sqlite3_finalize(statement);
    return rc;
}
