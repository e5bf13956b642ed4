/* Revisions: written once, in order, and read as a history. */
#include <inttypes.h>
#include <string.h>

#include "db/sqlite.h"

/* Revision `number` of airplay `a` as r; the row of the airplay itself where there is none. */
#define HISTORY "SELECT " UT_SQLITE_NOW_COLUMNS ", r.cause, r.cause_id, r.who, r.why, r.at_ns FROM airplay a"

static ut_cause cause_read(sqlite3_stmt *statement, int column)
{
    const char *name = (const char *)sqlite3_column_text(statement, column);
    for (ut_cause cause = UT_CAUSE_PERSON; name && cause <= UT_CAUSE_REIDENTIFY; cause++) {
        if (strcmp(name, ut_cause_name(cause)) == 0)
            return cause;
    }
    return UT_CAUSE_PERSON;
}

static ut_status history_walk(ut_sqlite *self, sqlite3_stmt *statement, size_t *count, ut_revision_fn fn, void *arg,
                              ut_err *err)
{
    ut_status rc = UT_OK;
    bool row = false;
    while (rc == UT_OK && (rc = ut_sqlite_step(self, statement, &row, err)) == UT_OK && row) {
        ut_revision revision = {
            .air = ut_sqlite_airplay_read(statement, 0),
            .cause = cause_read(statement, UT_SQLITE_NOW_COUNT),
            .cause_id = sqlite3_column_int64(statement, UT_SQLITE_NOW_COUNT + 1),
            .at_ns = sqlite3_column_int64(statement, UT_SQLITE_NOW_COUNT + 4),
        };
        ut_sqlite_field(statement, UT_SQLITE_NOW_COUNT + 2, revision.who, sizeof revision.who);
        ut_sqlite_field(statement, UT_SQLITE_NOW_COUNT + 3, revision.why, sizeof revision.why);
        ++*count;
        rc = fn(arg, &revision);
    }
    sqlite3_finalize(statement);
    return rc;
}

ut_status ut_sqlite_revision_each(ut_store *store, const char *airplay_id, ut_revision_fn fn, void *arg, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    size_t count = 0;
    ut_status rc = ut_sqlite_query(
        self, &statement, err, HISTORY " LEFT JOIN revision r ON r.airplay_id = a.id AND r.number = 1 WHERE a.id = ?",
        "t", airplay_id);
    if (rc == UT_OK)
        rc = history_walk(self, statement, &count, fn, arg, err);
    if (rc == UT_OK && count == 0)
        rc = ut_fail(err, UT_E_NOTFOUND, "cue %s: not in store %s", airplay_id, self->path);
    if (rc == UT_OK)
        rc = ut_sqlite_query(self, &statement, err,
                             HISTORY " JOIN revision r ON r.airplay_id = a.id WHERE a.id = ? ORDER BY r.number", "t",
                             airplay_id);
    return rc == UT_OK ? history_walk(self, statement, &count, fn, arg, err) : rc;
}

static ut_status revision_add(ut_sqlite *self, const ut_revision *revision, ut_err *err)
{
    const ut_airplay *air = &revision->air;
    const ut_identification *what = &air->what;
    int64_t last = 0;
    ut_status rc = ut_sqlite_number(self, &last, err,
                                    "SELECT ifnull((SELECT max(number) FROM revision WHERE airplay_id = a.id), 1)"
                                    " FROM airplay a WHERE id = ?",
                                    "t", air->id);
    if (rc == UT_E_NOTFOUND)
        return ut_fail(err, rc, "cue %s: not in store %s", air->id, self->path);
    if (rc == UT_OK && last + 1 != air->revision)
        rc = ut_fail(err, UT_E_BUSY, "cue %s: is at revision %" PRId64 ", changed by somebody else meanwhile", air->id,
                     last);
    if (rc != UT_OK)
        return rc;
    rc =
        ut_sqlite_do(self, err,
                     "INSERT INTO revision (airplay_id, number, channel, review, start_ns, end_ns, outcome, witness,"
                     " start_sample, end_sample, recording_id, ref_start_s, ref_end_s, time_scale, log10_e, score,"
                     " usage_code, catalogue_version, cause, cause_id, who, why, at_ns)"
                     " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                     "tittiittiiirrrrrtititti", air->id, air->revision, air->channel, ut_review_name(air->review),
                     air->start_ns, air->end_ns, ut_outcome_name(what->outcome), ut_witness_name(what->witness),
                     what->start_sample, what->end_sample, what->recording_id, what->ref_start_s, what->ref_end_s,
                     what->time_scale, what->log10_e, what->score, air->usage_code, air->catalogue_version,
                     ut_cause_name(revision->cause), revision->cause_id, revision->who, revision->why, revision->at_ns);
    if (rc == UT_E_ARG)
        ut_err_prefix(err, "cue %s", air->id);
    return rc == UT_OK ? ut_sqlite_seal(self, "revision", sqlite3_last_insert_rowid(self->db), err) : rc;
}

ut_status ut_sqlite_change(ut_store *store, const ut_change *change, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    ut_status rc = ut_sqlite_begin(self, err);
    if (rc != UT_OK)
        return rc;
    for (size_t i = 0; rc == UT_OK && i < change->revision_count; i++) {
        rc = revision_add(self, &change->revisions[i], err);
        if (rc == UT_OK)
            rc = ut_sqlite_outbox_add(self, &change->revision_events[i], err);
        if (rc == UT_OK && change->review_events)
            rc = ut_sqlite_outbox_add(self, &change->review_events[i], err);
    }
    for (size_t i = 0; rc == UT_OK && i < change->airplay_count; i++) {
        bool is_new;
        const ut_airplay *air = &change->airplays[i];
        rc = ut_sqlite_airplay_add(self, air->segment_id, air, &change->airplay_events[i], &is_new, err);
    }
    if (rc == UT_OK)
        rc = ut_sqlite_trail_matched(self, change->matched, change->matched_count, change->matched_version, err);
    return ut_sqlite_end(self, rc, err);
}
