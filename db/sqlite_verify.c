/* Row checksums, the integrity check, and the counts of a store.
 *
 * SQLite finds damage to its structure, but takes a changed byte inside a text or a blob for
 * content. So every row carries a CRC of its own columns, written by the same transaction and
 * compared by `catalogue verify`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/digest.h"
#include "db/sqlite.h"

static const struct {
    const char *table, *columns;
} sealed[] = {
    {"catalogue", "one, version"},
    {"recording", "id, audio_sha256, file, title, artist, album, isrc, label, library, catalogue_no, work, iswc,"
                  " duration_ms, added_ns, removed_ns"},
    {"party", "recording_id, position, name, ipi, society, role, share"},
    {"fingerprint", "recording_id, params, data"},
    {"source", "path, size, mtime_ns, recording_id"},
    {"segment", "id, channel, source, start_ns, sample_count, time_source, uncertainty_ms, resume_sample, done"},
    {"gap", "channel, start_ns, end_ns, reason"},
    {"airplay", "id, channel, segment_id, start_ns, end_ns, outcome, witness, start_sample, end_sample, recording_id,"
                " ref_start_s, ref_end_s, time_scale, log10_e, score, music_lufs, speech_lufs, mix_lufs,"
                " engine_version, model_hash, params, catalogue_version, speech_share"},
    {"revision", "airplay_id, number, channel, review, start_ns, end_ns, outcome, witness, start_sample, end_sample,"
                 " recording_id, ref_start_s, ref_end_s, time_scale, log10_e, score, usage_code, catalogue_version,"
                 " cause, cause_id, who, why, at_ns"},
    {"trail", "id, airplay_id, params, matched_version, data"},
    {"growth", "recording_id, version"},
    {"hearing", "id, trail_id, cluster_id, from_sample, to_sample, ref_from, ref_to, log10_e"},
    {"cluster_label", "cluster_id, recording_id, who, at_ns"},
    {"rule", "id, kind, channel, recording_id, max_log10_e, who, why, added_ns, removed_ns, removed_by"},
    {"outbox", "seq, id, type, key, time_ns, json"},
    {"programme", "id, key, title, aka, episode, episode_aka, episode_no, production_no, category, version, company,"
                  " crid"},
    {"airing", "id, programme_id, channel, start_ns, end_ns, source, boundary"},
};

/* row_crc(…): over type, length and bytes of each argument, so that no two rows share one by how
 * they are cut. */
static void row_crc(sqlite3_context *context, int count, sqlite3_value **values)
{
    uint32_t crc = 0;
    for (int i = 0; i < count; i++) {
        int32_t type = sqlite3_value_type(values[i]);
        crc = ut_crc32c(crc, &type, sizeof type);
        if (type == SQLITE_INTEGER) {
            int64_t value = sqlite3_value_int64(values[i]);
            crc = ut_crc32c(crc, &value, sizeof value);
        } else if (type == SQLITE_FLOAT) {
            double value = sqlite3_value_double(values[i]);
            crc = ut_crc32c(crc, &value, sizeof value);
        } else if (type != SQLITE_NULL) {
            const void *data = sqlite3_value_blob(values[i]);
            int32_t size = sqlite3_value_bytes(values[i]);
            crc = ut_crc32c(crc, &size, sizeof size);
            crc = ut_crc32c(crc, data, data ? (size_t)size : 0);
        }
    }
    sqlite3_result_int64(context, crc);
}

ut_status ut_sqlite_define(ut_sqlite *self, ut_err *err)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
    int rc = sqlite3_create_function(self->db, "row_crc", -1, flags, NULL, row_crc, NULL, NULL);
    return rc == SQLITE_OK ? UT_OK : ut_sqlite_fail(self, rc, err);
}

ut_status ut_sqlite_seal(ut_sqlite *self, const char *table, int64_t rowid, ut_err *err)
{
    size_t i = 0;
    while (strcmp(sealed[i].table, table) != 0)
        i++;
    char sql[600];
    snprintf(sql, sizeof sql, "UPDATE %s SET crc = row_crc(%s) WHERE rowid = ?1", table, sealed[i].columns);
    return ut_sqlite_do(self, err, sql, "i", rowid);
}

ut_status ut_sqlite_audit(ut_sqlite *self, ut_err *err)
{
    for (size_t i = 0; i < sizeof sealed / sizeof *sealed; i++) {
        char sql[600];
        int64_t rowid;
        snprintf(sql, sizeof sql, "SELECT rowid FROM %s WHERE crc IS NOT row_crc(%s) LIMIT 1", sealed[i].table,
                 sealed[i].columns);
        ut_status rc = ut_sqlite_number(self, &rowid, err, sql, "");
        if (rc == UT_OK)
            return ut_fail(err, UT_E_CORRUPT, "store %s: %s %" PRId64 " does not fit its checksum", self->path,
                           sealed[i].table, rowid);
        if (rc != UT_E_NOTFOUND)
            return rc;
    }
    return UT_OK;
}

/* The first row of a check that should give none, or only "ok". */
static ut_status check_none(ut_sqlite *self, const char *sql, const char *what, ut_err *err)
{
    sqlite3_stmt *statement;
    bool row = false;
    ut_status rc = ut_sqlite_query(self, &statement, err, sql, "");
    if (rc != UT_OK)
        return rc;
    rc = ut_sqlite_step(self, statement, &row, err);
    if (rc == UT_OK && row) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        if (!text || strcmp(text, "ok") != 0)
            rc = ut_fail(err, UT_E_CORRUPT, "store %s: %s %s", self->path, what, text ? text : "");
    }
    sqlite3_finalize(statement);
    return rc;
}

/* SQLite takes what is missing of a last page for zeros, and of a table without rows that is as good as it was. */
static ut_status check_size(ut_sqlite *self, ut_err *err)
{
    int64_t page = 0;
    struct stat info;
    ut_status rc = ut_sqlite_number(self, &page, err, "PRAGMA page_size", "");
    if (rc == UT_OK && page > 0 && stat(self->path, &info) == 0 && info.st_size % page != 0)
        rc = ut_fail(err, UT_E_CORRUPT, "store %s: damaged: cut off within a page", self->path);
    return rc;
}

ut_status ut_sqlite_verify(ut_store *store, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    ut_status rc = check_none(self, "PRAGMA integrity_check(1)", "damaged:", err);
    if (rc == UT_OK)
        rc = check_size(self, err);
    if (rc == UT_OK)
        rc = check_none(self, "PRAGMA foreign_key_check", "missing what it refers to: a row of", err);
    if (rc == UT_OK)
        rc = ut_sqlite_audit(self, err);
    if (rc == UT_OK)
        rc = check_none(self,
                        "SELECT id FROM recording WHERE removed_ns = 0"
                        " AND NOT EXISTS (SELECT 1 FROM fingerprint WHERE recording_id = id)",
                        "no fingerprint of recording", err);
    return rc;
}

ut_status ut_sqlite_describe(ut_store *store, ut_store_stats *out, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    bool row = false;
    /* One statement, so that the counts are of one moment. */
    ut_status rc = ut_sqlite_query(self, &statement, err,
                                   "SELECT (SELECT count(*) FROM recording WHERE removed_ns = 0),"
                                   " (SELECT count(*) FROM fingerprint),"
                                   " (SELECT ifnull(sum(length(data)), 0) FROM fingerprint),"
                                   " (SELECT version FROM catalogue), (SELECT count(*) FROM airplay),"
                                   " (SELECT count(*) FROM outbox), (SELECT count(*) FROM gap),"
                                   " (SELECT count(*) FROM segment), (SELECT count(*) FROM revision),"
                                   " (SELECT count(*) FROM trail), (SELECT ifnull(sum(length(data)), 0) FROM trail)",
                                   "");
    if (rc != UT_OK)
        return rc;
    rc = ut_sqlite_step(self, statement, &row, err);
    if (rc == UT_OK) {
        *out = (ut_store_stats){
            .recordings = sqlite3_column_int64(statement, 0),
            .fingerprints = sqlite3_column_int64(statement, 1),
            .fingerprint_bytes = sqlite3_column_int64(statement, 2),
            .catalogue_version = sqlite3_column_int64(statement, 3),
            .airplays = sqlite3_column_int64(statement, 4),
            .outbox_pending = sqlite3_column_int64(statement, 5),
            .gaps = sqlite3_column_int64(statement, 6),
            .segments = sqlite3_column_int64(statement, 7),
            .revisions = sqlite3_column_int64(statement, 8),
            .trails = sqlite3_column_int64(statement, 9),
            .trail_bytes = sqlite3_column_int64(statement, 10),
        };
    }
    sqlite3_finalize(statement);
    return rc;
}
