/* The SQLite backend's own helpers. Private to db/sqlite_*.c.
 *
 * Statements are prepared where they are used: that costs microseconds beside a commit, and lets
 * walks nest. */
#ifndef UT_DB_SQLITE_H
#define UT_DB_SQLITE_H

#include <sqlite3.h>

#include "db/backend.h"

#define UT_SQLITE_BUSY_MS 10000

typedef struct {
    ut_store base;
    sqlite3 *db;
    char *path; /* as the user gave it */
    ut_store_mode mode;
} ut_sqlite;

/* Fills *err from a result code of SQLite and gives the status for it. */
ut_status ut_sqlite_fail(const ut_sqlite *self, int rc, ut_err *err);

/* Prepares and binds. `types` has a letter for each parameter: t const char * (NULL: NULL), i
 * int64_t, r double (NAN: NULL), b const void * and size_t. Text and blobs must outlive the
 * statement. */
UT_CHECK ut_status ut_sqlite_query(ut_sqlite *self, sqlite3_stmt **out, ut_err *err, const char *sql, const char *types,
                                   ...);
/* *row: a row is there to read. After UT_OK without a row, and after an error, the statement is
 * done. */
UT_CHECK ut_status ut_sqlite_step(ut_sqlite *self, sqlite3_stmt *statement, bool *row, ut_err *err);
/* Query, step to the end, finalise: for statements that give no rows. */
UT_CHECK ut_status ut_sqlite_do(ut_sqlite *self, ut_err *err, const char *sql, const char *types, ...);
/* First column of the first row as a number; UT_E_NOTFOUND (with an empty text) if there is no row.
 */
UT_CHECK ut_status ut_sqlite_number(ut_sqlite *self, int64_t *out, ut_err *err, const char *sql, const char *types,
                                    ...);

/* begin takes the write lock at once, so that no later statement can find it taken. end commits if
 * rc is UT_OK, else rolls back; it gives rc, or why the commit failed. */
UT_CHECK ut_status ut_sqlite_begin(ut_sqlite *self, ut_err *err);
UT_CHECK ut_status ut_sqlite_end(ut_sqlite *self, ut_status rc, ut_err *err);

/* Columns: a heap copy (NULL for NULL), a copy cut to the field, a double (NAN for NULL). */
UT_CHECK ut_status ut_sqlite_text(sqlite3_stmt *statement, int column, char **out, ut_err *err);
void ut_sqlite_field(sqlite3_stmt *statement, int column, char *out, size_t size);
double ut_sqlite_real(sqlite3_stmt *statement, int column);

/* Row checksums. seal writes the crc of the row of `table` with that rowid; audit finds the first
 * row whose crc does not fit: UT_E_CORRUPT. */
UT_CHECK ut_status ut_sqlite_seal(ut_sqlite *self, const char *table, int64_t rowid, ut_err *err);
UT_CHECK ut_status ut_sqlite_audit(ut_sqlite *self, ut_err *err);
/* Defines the SQL function row_crc(…) on a connection. */
UT_CHECK ut_status ut_sqlite_define(ut_sqlite *self, ut_err *err);

/* Raises the catalogue version, within a transaction. */
UT_CHECK ut_status ut_sqlite_catalogue_raise(ut_sqlite *self, ut_err *err);
/* Within a transaction. UT_E_ARG if this handle writes as an owner and another has the lease of the channel. channel
 * NULL: that of the segment. */
UT_CHECK ut_status ut_sqlite_fence(ut_sqlite *self, const char *channel, int64_t segment_id, ut_err *err);
/* Adds an event to the outbox, within a transaction. */
UT_CHECK ut_status ut_sqlite_outbox_add(ut_sqlite *self, const ut_event *event, ut_err *err);

/* Airplays as their latest revisions have them: columns of the joined tables `a` (airplay) and `r` (revision, NULL
 * where there is none). Read by ut_sqlite_airplay_read from column `at` on. */
#define UT_SQLITE_NOW_COLUMNS                                                                                            \
    "a.id, a.channel, a.segment_id, ifnull(r.start_ns, a.start_ns) AS now_start, ifnull(r.end_ns, a.end_ns) AS now_end," \
    " ifnull(r.outcome, a.outcome), ifnull(r.witness, a.witness), ifnull(r.start_sample, a.start_sample),"               \
    " ifnull(r.end_sample, a.end_sample), iif(r.number IS NULL, a.recording_id, r.recording_id),"                        \
    " iif(r.number IS NULL, a.ref_start_s, r.ref_start_s), iif(r.number IS NULL, a.ref_end_s, r.ref_end_s),"             \
    " iif(r.number IS NULL, a.time_scale, r.time_scale), iif(r.number IS NULL, a.log10_e, r.log10_e),"                   \
    " iif(r.number IS NULL, a.score, r.score), a.music_lufs, a.speech_lufs, a.mix_lufs, a.engine_version,"               \
    " a.model_hash, a.params, ifnull(r.catalogue_version, a.catalogue_version), ifnull(r.number, 1),"                    \
    " ifnull(r.review, 'final'), ifnull(r.usage_code, ''), a.speech_share"
#define UT_SQLITE_NOW_JOIN                                                                                             \
    " LEFT JOIN revision r ON r.airplay_id = a.id"                                                                     \
    " AND r.number = (SELECT max(l.number) FROM revision l WHERE l.airplay_id = a.id)"
enum { UT_SQLITE_NOW_COUNT = 26 };
ut_airplay ut_sqlite_airplay_read(sqlite3_stmt *statement, int at);
/* Within a transaction: adds one that is not there, with its event and its trail; *is_new says whether. */
UT_CHECK ut_status ut_sqlite_airplay_add(ut_sqlite *self, int64_t segment_id, const ut_airplay *air,
                                         const ut_event *event, bool *is_new, ut_err *err);
UT_CHECK ut_status ut_sqlite_trail_add(ut_sqlite *self, const ut_airplay *air, ut_err *err);
UT_CHECK ut_status ut_sqlite_trail_matched(ut_sqlite *self, const int64_t *ids, size_t count, int64_t version,
                                           ut_err *err);

/* A recording with its fingerprints, and a source, within a transaction. */
UT_CHECK ut_status ut_sqlite_recording_write(ut_sqlite *self, const ut_recording *rec, const ut_fingerprint_row *rows,
                                             size_t row_count, int64_t *id, bool *created, ut_err *err);
UT_CHECK ut_status ut_sqlite_source_write(ut_sqlite *self, const char *path, int64_t size, int64_t mtime_ns,
                                          int64_t recording_id, ut_err *err);

/* The operations of the table in sqlite_open.c, by file. */
#define UT_SQLITE_OP(name, ...) ut_status ut_sqlite_##name(ut_store *store, __VA_ARGS__, ut_err *err)
/* sqlite_recording.c */
UT_SQLITE_OP(recording_put, ut_recording *rec, const ut_fingerprint_row *rows, size_t row_count, bool *created);
UT_SQLITE_OP(recording_find, const char *audio_sha256, int64_t *id);
UT_SQLITE_OP(recording_get, int64_t id, ut_recording *out);
UT_SQLITE_OP(recording_each, ut_recording_fn fn, void *arg);
/* sqlite_catalogue.c */
UT_SQLITE_OP(recording_holding, int64_t id, ut_holding *out);
UT_SQLITE_OP(recording_remove, int64_t id);
UT_SQLITE_OP(fingerprint_each, const char *params, ut_fingerprint_fn fn, void *arg);
UT_SQLITE_OP(fingerprint_since, const char *params, int64_t version, ut_fingerprint_fn fn, void *arg);
UT_SQLITE_OP(fingerprint_get, const char *params, int64_t recording_id, ut_fingerprint_fn fn, void *arg);
UT_SQLITE_OP(fingerprint_list, const char *params, ut_fingerprint_id_fn fn, void *arg);
UT_SQLITE_OP(catalogue_version, int64_t *version);
UT_SQLITE_OP(source_known, const char *path, int64_t size, int64_t mtime_ns, int64_t *recording_id);
UT_SQLITE_OP(source_put, const char *path, int64_t size, int64_t mtime_ns, int64_t recording_id);
/* sqlite_load.c */
UT_SQLITE_OP(recording_load, ut_load_item *items, size_t count);
UT_SQLITE_OP(fingerprint_of, int64_t recording_id, ut_fingerprint_row_fn fn, void *arg);
UT_SQLITE_OP(source_each, int64_t recording_id, ut_source_fn fn, void *arg);
/* sqlite_verify.c */
UT_SQLITE_OP(describe, ut_store_stats *out);
ut_status ut_sqlite_verify(ut_store *store, ut_err *err);
/* sqlite_air.c */
UT_SQLITE_OP(segment_put, ut_segment *segment);
UT_SQLITE_OP(segment_get, int64_t segment_id, ut_segment *out);
UT_SQLITE_OP(segment_end, int64_t segment_id, int64_t sample_count);
UT_SQLITE_OP(gap_put, const ut_gap *gap, const ut_event *event);
UT_SQLITE_OP(airplay_put, int64_t segment_id, const ut_airplay *airplays, const ut_event *events, size_t count,
             const ut_checkpoint *checkpoint, size_t *added);
UT_SQLITE_OP(checkpoint_get, int64_t segment_id, ut_checkpoint *out);
UT_SQLITE_OP(segment_each, const char *channel, int64_t from_ns, int64_t to_ns, ut_segment_fn fn, void *arg);
UT_SQLITE_OP(captured_until, const char *channel, int64_t *utc_ns);
UT_SQLITE_OP(airplay_each, const char *channel, int64_t from_ns, int64_t to_ns, ut_airplay_fn fn, void *arg);
UT_SQLITE_OP(gap_each, const char *channel, int64_t from_ns, int64_t to_ns, ut_gap_fn fn, void *arg);
UT_SQLITE_OP(review_each, const char *channel, int64_t from_ns, int64_t to_ns, ut_airplay_fn fn, void *arg);
UT_SQLITE_OP(airplay_get, const char *id, ut_airplay *out);
/* sqlite_review.c */
UT_SQLITE_OP(revision_each, const char *airplay_id, ut_revision_fn fn, void *arg);
UT_SQLITE_OP(change, const ut_change *change);
/* sqlite_trail.c */
UT_SQLITE_OP(trail_each, const ut_trail_query *query, ut_trail_row_fn fn, void *arg);
UT_SQLITE_OP(trail_count, const ut_trail_query *query, int64_t *count, int64_t *oldest);
/* sqlite_airing.c */
UT_SQLITE_OP(airing_change, const int64_t *gone, size_t gone_count, const ut_airing *added, size_t added_count,
             const ut_airing *known, size_t known_count);
UT_SQLITE_OP(airing_each, const char *channel, int64_t from_ns, int64_t to_ns, ut_airing_fn fn, void *arg);
UT_SQLITE_OP(airing_get, int64_t id, ut_airing *out);
/* sqlite_cluster.c */
UT_SQLITE_OP(hearing_put, ut_hearing *airings, size_t count);
UT_SQLITE_OP(hearing_each, int64_t cluster_id, ut_hearing_fn fn, void *arg);
UT_SQLITE_OP(label_put, int64_t cluster_id, int64_t recording_id, const char *who, int64_t at_ns);
UT_SQLITE_OP(label_get, int64_t cluster_id, int64_t *recording_id);
/* sqlite_rule.c */
UT_SQLITE_OP(rule_put, ut_rule *rule);
UT_SQLITE_OP(rule_remove, int64_t id, const char *who, int64_t at_ns);
UT_SQLITE_OP(rule_each, ut_rule_fn fn, void *arg);
/* sqlite_outbox.c */
UT_SQLITE_OP(outbox_peek, int64_t after, ut_event *events, size_t capacity, size_t *got);
UT_SQLITE_OP(outbox_put, const ut_event *events, size_t count, size_t *added);
UT_SQLITE_OP(outbox_ack, const int64_t *seqs, size_t count);
/* sqlite_instance.c */
UT_SQLITE_OP(lease_take, const char *name, const char *owner, double for_s, bool *held, char holder[UT_OWNER_SIZE]);
UT_SQLITE_OP(lease_drop, const char *name, const char *owner);
UT_SQLITE_OP(instance_put, const ut_instance *instance);
UT_SQLITE_OP(instance_remove, const char *id);
UT_SQLITE_OP(instance_each, ut_instance_fn fn, void *arg);

#endif
