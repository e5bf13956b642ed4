/* Airings of unknown tunes, and what they are. */
#include <inttypes.h>
#include <math.h>

#include "db/sqlite.h"

static ut_status hearing_insert(ut_sqlite *self, const ut_hearing *hearing, int64_t *id, ut_err *err)
{
    /* A founder refers to itself, which it can only once it is there. */
    ut_status rc = ut_sqlite_number(
        self, id, err, "SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'hearing'), 0) + 1", "");
    if (rc != UT_OK)
        return rc;
    return ut_sqlite_do(
        self, err,
        "INSERT INTO hearing (id, trail_id, cluster_id, from_sample, to_sample, ref_from, ref_to, log10_e)"
        " VALUES (?1, ?2, ifnull(nullif(?3, 0), ?1), ?4, ?5, ?6, ?7, ?8)",
        "iiiiiiir", *id, hearing->trail_id, hearing->cluster_id, hearing->from_sample, hearing->to_sample,
        hearing->ref_from, hearing->ref_to, hearing->log10_e);
}

ut_status ut_sqlite_hearing_put(ut_store *store, ut_hearing *hearings, size_t count, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    ut_status rc = ut_sqlite_begin(self, err);
    if (rc != UT_OK)
        return rc;
    for (size_t i = 0; i < count && rc == UT_OK; i++) {
        ut_hearing *hearing = &hearings[i];
        int64_t id = hearing->id;
        if (id)
            rc = ut_sqlite_do(
                self, err, "UPDATE hearing SET from_sample = ?, to_sample = ?, ref_from = ?, ref_to = ? WHERE id = ?",
                "iiiii", hearing->from_sample, hearing->to_sample, hearing->ref_from, hearing->ref_to, id);
        else
            rc = hearing_insert(self, hearing, &id, err);
        if (rc == UT_OK)
            rc = ut_sqlite_seal(self, "hearing", id, err);
        hearing->id = id;
        if (hearing->cluster_id == 0)
            hearing->cluster_id = id;
    }
    return ut_sqlite_end(self, rc, err);
}

ut_status ut_sqlite_hearing_each(ut_store *store, int64_t cluster_id, ut_hearing_fn fn, void *arg, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    bool row = false;
    ut_status rc = ut_sqlite_query(self, &statement, err,
                                   "SELECT g.id, g.trail_id, g.cluster_id, g.from_sample, g.to_sample, g.ref_from,"
                                   " g.ref_to, g.log10_e, t.airplay_id FROM hearing g JOIN trail t ON t.id = g.trail_id"
                                   " WHERE g.cluster_id = ifnull(nullif(?, 0), g.cluster_id) ORDER BY g.id",
                                   "i", cluster_id);
    if (rc != UT_OK)
        return rc;
    while (rc == UT_OK && (rc = ut_sqlite_step(self, statement, &row, err)) == UT_OK && row) {
        ut_hearing hearing = {.id = sqlite3_column_int64(statement, 0),
                              .trail_id = sqlite3_column_int64(statement, 1),
                              .cluster_id = sqlite3_column_int64(statement, 2),
                              .from_sample = sqlite3_column_int64(statement, 3),
                              .to_sample = sqlite3_column_int64(statement, 4),
                              .ref_from = sqlite3_column_int64(statement, 5),
                              .ref_to = sqlite3_column_int64(statement, 6),
                              .log10_e = ut_sqlite_real(statement, 7)};
        ut_sqlite_field(statement, 8, hearing.airplay_id, sizeof hearing.airplay_id);
        rc = fn(arg, &hearing);
    }
    sqlite3_finalize(statement);
    return rc;
}

ut_status ut_sqlite_label_put(ut_store *store, int64_t cluster_id, int64_t recording_id, const char *who, int64_t at_ns,
                              ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    int64_t rowid = 0;
    ut_status rc = ut_sqlite_begin(self, err);
    if (rc != UT_OK)
        return rc;
    rc = ut_sqlite_do(self, err,
                      "INSERT INTO cluster_label (cluster_id, recording_id, who, at_ns) VALUES (?, ?, ?, ?)"
                      " ON CONFLICT (cluster_id) DO UPDATE SET recording_id = excluded.recording_id,"
                      " who = excluded.who, at_ns = excluded.at_ns",
                      "iiti", cluster_id, recording_id, who, at_ns);
    if (rc == UT_OK)
        rc = ut_sqlite_number(self, &rowid, err, "SELECT rowid FROM cluster_label WHERE cluster_id = ?", "i",
                              cluster_id);
    if (rc == UT_OK)
        rc = ut_sqlite_seal(self, "cluster_label", rowid, err);
    return ut_sqlite_end(self, rc, err);
}

ut_status ut_sqlite_label_get(ut_store *store, int64_t cluster_id, int64_t *recording_id, ut_err *err)
{
    return ut_sqlite_number((ut_sqlite *)store, recording_id, err,
                            "SELECT recording_id FROM cluster_label WHERE cluster_id = ?", "i", cluster_id);
}
