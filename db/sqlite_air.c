/* Segments, gaps, airplays and checkpoints. */
#include <inttypes.h>
#include <string.h>

#include "db/sqlite.h"

/* --- segments -------------------------------------------------------------------------------- */

ut_status ut_sqlite_segment_put(ut_store *store, ut_segment *segment, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    int64_t id = 0;
    ut_status rc = ut_sqlite_begin(self, err);
    if (rc != UT_OK)
        return rc;
    if ((rc = ut_sqlite_fence(self, segment->channel, 0, err)) == UT_OK)
        rc = ut_sqlite_do(self, err,
                          "INSERT INTO segment (channel, source, start_ns, sample_count, time_source, uncertainty_ms)"
                          " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (channel, source, start_ns) DO NOTHING",
                          "ttiiti", segment->channel, segment->source, segment->start_ns, segment->sample_count,
                          segment->time_source, segment->uncertainty_ms);
    bool is_new = rc == UT_OK && sqlite3_changes(self->db) > 0;
    if (rc == UT_OK)
        rc =
            ut_sqlite_number(self, &id, err, "SELECT id FROM segment WHERE channel = ? AND source = ? AND start_ns = ?",
                             "tti", segment->channel, segment->source, segment->start_ns);
    if (rc == UT_OK && is_new)
        rc = ut_sqlite_seal(self, "segment", id, err);
    if ((rc = ut_sqlite_end(self, rc, err)) == UT_OK)
        segment->id = id;
    return rc;
}

/* After an UPDATE of a segment: UT_E_NOTFOUND if there was none, else its seal. */
static ut_status segment_changed(ut_sqlite *self, int64_t segment_id, ut_err *err)
{
    if (sqlite3_changes(self->db) == 0)
        return ut_fail(err, UT_E_NOTFOUND, "segment %" PRId64 ": not in store %s", segment_id, self->path);
    return ut_sqlite_seal(self, "segment", segment_id, err);
}

ut_status ut_sqlite_segment_end(ut_store *store, int64_t segment_id, int64_t sample_count, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    ut_status rc = ut_sqlite_begin(self, err);
    if (rc != UT_OK)
        return rc;
    if ((rc = ut_sqlite_fence(self, NULL, segment_id, err)) == UT_OK)
        rc =
            ut_sqlite_do(self, err, "UPDATE segment SET sample_count = ? WHERE id = ?", "ii", sample_count, segment_id);
    if (rc == UT_OK)
        rc = segment_changed(self, segment_id, err);
    return ut_sqlite_end(self, rc, err);
}

ut_status ut_sqlite_checkpoint_get(ut_store *store, int64_t segment_id, ut_checkpoint *out, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    bool row = false;
    ut_status rc =
        ut_sqlite_query(self, &statement, err, "SELECT resume_sample, done FROM segment WHERE id = ?", "i", segment_id);
    if (rc != UT_OK)
        return rc;
    rc = ut_sqlite_step(self, statement, &row, err);
    if (rc == UT_OK && !row)
        rc = ut_fail(err, UT_E_NOTFOUND, "segment %" PRId64 ": not in store %s", segment_id, self->path);
    else if (rc == UT_OK)
        *out = (ut_checkpoint){sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1) != 0};
    sqlite3_finalize(statement);
    return rc;
}

/* id, channel, source, start_ns, sample_count, time_source, uncertainty_ms */
static ut_segment segment_read(sqlite3_stmt *statement)
{
    ut_segment segment = {.id = sqlite3_column_int64(statement, 0),
                          .start_ns = sqlite3_column_int64(statement, 3),
                          .sample_count = sqlite3_column_int64(statement, 4),
                          .uncertainty_ms = sqlite3_column_int64(statement, 6)};
    ut_sqlite_field(statement, 1, segment.channel, sizeof segment.channel);
    ut_sqlite_field(statement, 2, segment.source, sizeof segment.source);
    ut_sqlite_field(statement, 5, segment.time_source, sizeof segment.time_source);
    return segment;
}

ut_status ut_sqlite_segment_get(ut_store *store, int64_t segment_id, ut_segment *out, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    bool row = false;
    ut_status rc = ut_sqlite_query(
        self, &statement, err,
        "SELECT id, channel, source, start_ns, sample_count, time_source, uncertainty_ms FROM segment WHERE id = ?",
        "i", segment_id);
    if (rc != UT_OK)
        return rc;
    rc = ut_sqlite_step(self, statement, &row, err);
    if (rc == UT_OK && row)
        *out = segment_read(statement);
    else if (rc == UT_OK)
        rc = ut_fail(err, UT_E_NOTFOUND, "segment %" PRId64 ": not in store %s", segment_id, self->path);
    sqlite3_finalize(statement);
    return rc;
}

ut_status ut_sqlite_segment_each(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_segment_fn fn,
                                 void *arg, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    bool row = false;
    ut_status rc = ut_sqlite_query(
        self, &statement, err,
        "SELECT id, channel, source, start_ns, sample_count, time_source, uncertainty_ms, resume_sample, done FROM segment"
        " WHERE channel = ?1 AND start_ns < ?3 AND max(sample_count, resume_sample) > 0"
        " AND start_ns + max(sample_count, resume_sample) * ?4 > ?2"
        " ORDER BY start_ns, id",
        "tiii", channel, from_ns, to_ns, (int64_t)(1000000000 / UT_RATE_HZ));
    if (rc != UT_OK)
        return rc;
    while (rc == UT_OK && (rc = ut_sqlite_step(self, statement, &row, err)) == UT_OK && row) {
        ut_segment segment = segment_read(statement);
        ut_checkpoint checkpoint = {sqlite3_column_int64(statement, 7), sqlite3_column_int64(statement, 8) != 0};
        rc = fn(arg, &segment, &checkpoint);
    }
    sqlite3_finalize(statement);
    return rc;
}

ut_status ut_sqlite_captured_until(ut_store *store, const char *channel, int64_t *utc_ns, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    int64_t until_ns = 0;
    ut_status rc = ut_sqlite_number(self, &until_ns, err,
                                    "SELECT coalesce(max(until), -1) FROM ("
                                    " SELECT max(start_ns + max(sample_count, resume_sample) * ?) AS until FROM segment"
                                    " WHERE channel = ? AND time_source <> 'given'"
                                    " UNION ALL SELECT max(end_ns) FROM gap WHERE channel = ?)",
                                    "itt", (int64_t)(1000000000 / UT_RATE_HZ), channel, channel);
    if (rc != UT_OK)
        return rc;
    if (until_ns < 0)
        return ut_fail(err, UT_E_NOTFOUND, "channel %s: never captured", channel);
    *utc_ns = until_ns;
    return UT_OK;
}

/* --- gaps ------------------------------------------------------------------------------------ */

ut_status ut_sqlite_gap_put(ut_store *store, const ut_gap *gap, const ut_event *event, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    ut_status rc = ut_sqlite_begin(self, err);
    if (rc != UT_OK)
        return rc;
    if ((rc = ut_sqlite_fence(self, gap->channel, 0, err)) == UT_OK)
        rc = ut_sqlite_do(self, err,
                          "INSERT INTO gap (channel, start_ns, end_ns, reason) VALUES (?, ?, ?, ?)"
                          " ON CONFLICT (channel, start_ns, end_ns, reason) DO NOTHING",
                          "tiit", gap->channel, gap->start_ns, gap->end_ns, gap->reason);
    if (rc == UT_OK && sqlite3_changes(self->db) > 0) {
        rc = ut_sqlite_seal(self, "gap", sqlite3_last_insert_rowid(self->db), err);
        if (rc == UT_OK && event)
            rc = ut_sqlite_outbox_add(self, event, err);
    }
    return ut_sqlite_end(self, rc, err);
}

ut_status ut_sqlite_gap_each(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_gap_fn fn,
                             void *arg, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    bool row = false;
    ut_status rc = ut_sqlite_query(self, &statement, err,
                                   "SELECT channel, start_ns, end_ns, reason FROM gap"
                                   " WHERE channel = ifnull(?1, channel) AND start_ns < ?3 AND end_ns > ?2"
                                   " ORDER BY start_ns, channel",
                                   "tii", channel, from_ns, to_ns);
    if (rc != UT_OK)
        return rc;
    while (rc == UT_OK && (rc = ut_sqlite_step(self, statement, &row, err)) == UT_OK && row) {
        ut_gap gap = {.start_ns = sqlite3_column_int64(statement, 1), .end_ns = sqlite3_column_int64(statement, 2)};
        ut_sqlite_field(statement, 0, gap.channel, sizeof gap.channel);
        ut_sqlite_field(statement, 3, gap.reason, sizeof gap.reason);
        rc = fn(arg, &gap);
    }
    sqlite3_finalize(statement);
    return rc;
}

/* --- airplays -------------------------------------------------------------------------------- */

#define AIRPLAY_COLUMNS                                                                                                 \
    "id, channel, segment_id, start_ns, end_ns, outcome, witness, start_sample, end_sample, recording_id, ref_start_s," \
    " ref_end_s, time_scale, log10_e, score, music_lufs, speech_lufs, mix_lufs, engine_version, model_hash, params,"    \
    " catalogue_version, speech_share"

static ut_status airplay_insert(ut_sqlite *self, int64_t segment_id, const ut_airplay *air, ut_err *err)
{
    const ut_identification *what = &air->what;
    ut_status rc =
        ut_sqlite_do(self, err,
                     "INSERT INTO airplay (" AIRPLAY_COLUMNS
                     ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?, ?, ?, ?, ?, ?, ?,"
                     " ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
                     "ttiiittiiirrrrrrrrtttir", air->id, air->channel, segment_id, air->start_ns, air->end_ns,
                     ut_outcome_name(what->outcome), ut_witness_name(what->witness), what->start_sample,
                     what->end_sample, what->recording_id, what->ref_start_s, what->ref_end_s, what->time_scale,
                     what->log10_e, what->score, what->music_lufs, what->speech_lufs, what->mix_lufs,
                     air->engine_version, air->model_hash, air->params, air->catalogue_version, what->speech_share);
    if (rc == UT_E_ARG)
        ut_err_prefix(err, "airplay %s", air->id);
    return rc;
}

ut_status ut_sqlite_airplay_add(ut_sqlite *self, int64_t segment_id, const ut_airplay *air, const ut_event *event,
                                bool *is_new, ut_err *err)
{
    ut_status rc = airplay_insert(self, segment_id, air, err);
    if (rc != UT_OK)
        return rc;
    *is_new = sqlite3_changes(self->db) > 0;
    if (!*is_new)
        return UT_OK;
    rc = ut_sqlite_seal(self, "airplay", sqlite3_last_insert_rowid(self->db), err);
    if (rc == UT_OK)
        rc = ut_sqlite_outbox_add(self, event, err);
    return rc == UT_OK && air->trail ? ut_sqlite_trail_add(self, air, err) : rc;
}

ut_status ut_sqlite_airplay_put(ut_store *store, int64_t segment_id, const ut_airplay *airplays, const ut_event *events,
                                size_t count, const ut_checkpoint *checkpoint, size_t *added, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    size_t news = 0;
    ut_status rc = ut_sqlite_begin(self, err);
    if (rc != UT_OK)
        return rc;
    rc = ut_sqlite_fence(self, NULL, segment_id, err);
    for (size_t i = 0; rc == UT_OK && i < count; i++) {
        bool is_new = false;
        rc = ut_sqlite_airplay_add(self, segment_id, &airplays[i], &events[i], &is_new, err);
        news += is_new;
    }
    if (rc == UT_OK && checkpoint) {
        rc = ut_sqlite_do(self, err,
                          "UPDATE segment SET resume_sample = max(resume_sample, ?), done = max(done, ?) WHERE id = ?",
                          "iii", checkpoint->resume_sample, (int64_t)checkpoint->done, segment_id);
        if (rc == UT_OK)
            rc = segment_changed(self, segment_id, err);
    }
    if ((rc = ut_sqlite_end(self, rc, err)) == UT_OK)
        *added = news;
    return rc;
}

static ut_outcome outcome_read(sqlite3_stmt *statement, int column)
{
    const char *name = (const char *)sqlite3_column_text(statement, column);
    for (ut_outcome outcome = UT_IDENTIFIED; name && outcome < UT_UNIDENTIFIED; outcome++) {
        if (strcmp(name, ut_outcome_name(outcome)) == 0)
            return outcome;
    }
    return UT_UNIDENTIFIED;
}

static ut_witness witness_read(sqlite3_stmt *statement, int column)
{
    const char *name = (const char *)sqlite3_column_text(statement, column);
    for (ut_witness witness = UT_WITNESS_MIX; name && witness <= UT_WITNESS_BOTH; witness++) {
        if (strcmp(name, ut_witness_name(witness)) == 0)
            return witness;
    }
    return UT_WITNESS_NONE;
}

static ut_review review_read(sqlite3_stmt *statement, int column)
{
    const char *name = (const char *)sqlite3_column_text(statement, column);
    for (ut_review review = UT_REVIEW_FINAL; name && review <= UT_REVIEW_REJECTED; review++) {
        if (strcmp(name, ut_review_name(review)) == 0)
            return review;
    }
    return UT_REVIEW_FINAL;
}

ut_airplay ut_sqlite_airplay_read(sqlite3_stmt *s, int at)
{
    ut_airplay air = {
        .segment_id = sqlite3_column_int64(s, at + 2),
        .start_ns = sqlite3_column_int64(s, at + 3),
        .end_ns = sqlite3_column_int64(s, at + 4),
        .what = {.outcome = outcome_read(s, at + 5),
                 .witness = witness_read(s, at + 6),
                 .start_sample = sqlite3_column_int64(s, at + 7),
                 .end_sample = sqlite3_column_int64(s, at + 8),
                 .recording_id = sqlite3_column_int64(s, at + 9),
                 .ref_start_s = ut_sqlite_real(s, at + 10),
                 .ref_end_s = ut_sqlite_real(s, at + 11),
                 .time_scale = ut_sqlite_real(s, at + 12),
                 .log10_e = ut_sqlite_real(s, at + 13),
                 .score = ut_sqlite_real(s, at + 14),
                 .music_lufs = ut_sqlite_real(s, at + 15),
                 .speech_lufs = ut_sqlite_real(s, at + 16),
                 .mix_lufs = ut_sqlite_real(s, at + 17),
                 .speech_share = ut_sqlite_real(s, at + 25)},
        .catalogue_version = sqlite3_column_int64(s, at + 21),
        .revision = sqlite3_column_int64(s, at + 22),
        .review = review_read(s, at + 23),
    };
    ut_sqlite_field(s, at, air.id, sizeof air.id);
    ut_sqlite_field(s, at + 1, air.channel, sizeof air.channel);
    ut_sqlite_field(s, at + 18, air.engine_version, sizeof air.engine_version);
    ut_sqlite_field(s, at + 19, air.model_hash, sizeof air.model_hash);
    ut_sqlite_field(s, at + 20, air.params, sizeof air.params);
    ut_sqlite_field(s, at + 24, air.usage_code, sizeof air.usage_code);
    return air;
}

/* A stretch that overlaps began at most the longest stretch before: that bounds the walk of airplay_on_air. A revision
 * may have moved one into the range. */
#define OF_CHANNEL                                                                                                       \
    "SELECT " UT_SQLITE_NOW_COLUMNS " FROM (SELECT rowid AS id FROM airplay WHERE channel = ?1 AND start_ns < ?3"        \
    " AND start_ns > ?2 - (SELECT max(end_ns - start_ns) FROM airplay WHERE channel = ?1) AND end_ns > ?2"               \
    " UNION SELECT m.rowid FROM revision v JOIN airplay m ON m.id = v.airplay_id"                                        \
    " WHERE v.channel = ?1 AND v.start_ns < ?3 AND v.end_ns > ?2) c JOIN airplay a ON a.rowid = c.id" UT_SQLITE_NOW_JOIN \
    " WHERE now_start < ?3 AND now_end > ?2"
#define OF_ALL                                                                                                         \
    "SELECT " UT_SQLITE_NOW_COLUMNS " FROM airplay a" UT_SQLITE_NOW_JOIN                                               \
    " WHERE ?1 IS NULL AND now_start < ?3 AND now_end > ?2"
#define NOT_REJECTED " AND ifnull(r.review, '') <> 'rejected'"
#define IN_ORDER " ORDER BY now_start, a.channel, a.id"

static ut_status airplay_walk(ut_sqlite *self, const char *sql, const char *channel, int64_t from_ns, int64_t to_ns,
                              ut_airplay_fn fn, void *arg, ut_err *err)
{
    sqlite3_stmt *statement;
    bool row = false;
    ut_status rc = ut_sqlite_query(self, &statement, err, sql, "tii", channel, from_ns, to_ns);
    if (rc != UT_OK)
        return rc;
    while (rc == UT_OK && (rc = ut_sqlite_step(self, statement, &row, err)) == UT_OK && row) {
        ut_airplay air = ut_sqlite_airplay_read(statement, 0);
        rc = fn(arg, &air);
    }
    sqlite3_finalize(statement);
    return rc;
}

ut_status ut_sqlite_airplay_each(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_airplay_fn fn,
                                 void *arg, ut_err *err)
{
    return airplay_walk((ut_sqlite *)store, channel ? OF_CHANNEL NOT_REJECTED IN_ORDER : OF_ALL NOT_REJECTED IN_ORDER,
                        channel, from_ns, to_ns, fn, arg, err);
}

ut_status ut_sqlite_review_each(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_airplay_fn fn,
                                void *arg, ut_err *err)
{
    return airplay_walk((ut_sqlite *)store, channel ? OF_CHANNEL IN_ORDER : OF_ALL IN_ORDER, channel, from_ns, to_ns,
                        fn, arg, err);
}

ut_status ut_sqlite_airplay_get(ut_store *store, const char *id, ut_airplay *out, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    bool row = false;
    ut_status rc = ut_sqlite_query(
        self, &statement, err, "SELECT " UT_SQLITE_NOW_COLUMNS " FROM airplay a" UT_SQLITE_NOW_JOIN " WHERE a.id = ?",
        "t", id);
    if (rc != UT_OK)
        return rc;
    rc = ut_sqlite_step(self, statement, &row, err);
    if (rc == UT_OK && row)
        *out = ut_sqlite_airplay_read(statement, 0);
    else if (rc == UT_OK)
        rc = ut_fail(err, UT_E_NOTFOUND, "cue %s: not in store %s", id, self->path);
    sqlite3_finalize(statement);
    return rc;
}
