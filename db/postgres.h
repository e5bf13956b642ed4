/* The PostgreSQL backend's own helpers. Private to db/postgres_*.c.
 *
 * A statement or transaction that fails for a reason that passes (a deadlock, a connection that was cut, a server that
 * restarts) is tried again, for UT_PG_PATIENCE_S at most, over a new connection where need be. Every operation is made
 * so that doing it twice does no harm, since nobody knows what became of a commit whose answer was lost. Walks read in
 * pages, by key: they nest, take little memory, and go on over a new connection. */
#ifndef UT_DB_POSTGRES_H
#define UT_DB_POSTGRES_H

#include <libpq-fe.h>

#include "db/backend.h"

#define UT_PG_PATIENCE_S 10.0
#define UT_PG_MONTHS 8
#define UT_PG_PREPARED 96

typedef struct {
    ut_store base;
    PGconn *conn; /* NULL while there is none */
    char *dsn;    /* as libpq takes it; may hold a password */
    char *name;   /* as people are shown it; without a password */
    char id[37];  /* of the store, from the database */
    ut_store_mode mode;
    bool opened;                          /* it could be used once: a lost connection is worth another try */
    bool within;                          /* in a transaction */
    bool again;                           /* the last failure may pass */
    bool taken;                           /* the last failure was a key that is taken */
    bool no_month;                        /* the last failure was a partition that is not there */
    int tries;                            /* of the operation under way, so far */
    uint64_t chance;                      /* state of the jitter */
    const char *prepared[UT_PG_PREPARED]; /* statements the server knows on this connection, by their text's address */
    struct {
        const char *parent;
        int64_t month;
    } months[UT_PG_MONTHS]; /* partitions known to be there */
    size_t month_next;
    bool listening; /* to changes of the catalogue, on this connection */
} ut_postgres;

/* --- postgres_link.c ------------------------------------------------------------------------- */

/* Makes self->name of self->dsn. UT_E_ARG: libpq cannot read it. */
UT_CHECK ut_status ut_pg_name(ut_postgres *self, ut_err *err);
/* Connects unless that is done. */
UT_CHECK ut_status ut_pg_connect(ut_postgres *self, ut_err *err);
void ut_pg_disconnect(ut_postgres *self);
/* Fills *err from a failed result (NULL: from the connection), sets self->again. */
ut_status ut_pg_fail(ut_postgres *self, const PGresult *result, ut_err *err);

/* How long it has been tried. */
typedef struct {
    double since_s;
    int tries;
} ut_pg_patience;
/* After a failure: true, after a wait, if it is to be tried again. */
UT_CHECK bool ut_pg_retry(ut_postgres *self, ut_pg_patience *patience);

/* Runs `body` within a transaction and commits it if that gives UT_OK; again, from the start, after a failure that may
 * pass. */
typedef ut_status (*ut_pg_body)(ut_postgres *self, void *arg, ut_err *err);
UT_CHECK ut_status ut_pg_transaction(ut_postgres *self, ut_pg_body body, void *arg, ut_err *err);
/* Sees to it that the month of at_ns has its partition of `parent` (a literal). Not within a transaction. */
UT_CHECK ut_status ut_pg_month(ut_postgres *self, const char *parent, int64_t at_ns, ut_err *err);

/* --- postgres_statement.c -------------------------------------------------------------------- */

/* Runs a statement. `sql` is a literal: the server keeps it prepared. `types` has a letter for each parameter: t const
 * char * (NULL: NULL; bytes that are no UTF-8 become '?'), i int64_t, r double (NAN: NULL), o int as boolean, b const
 * void * and size_t. *out is the caller's, to be cleared; `out` may be NULL. *rows, if not NULL: how many it changed.
 */
UT_CHECK ut_status ut_pg_query(ut_postgres *self, PGresult **out, int64_t *rows, ut_err *err, const char *sql,
                               const char *types, ...);
/* The same without parameters and preparation, for several statements at once. */
UT_CHECK ut_status ut_pg_script(ut_postgres *self, const char *sql, ut_err *err);
/* First column of the first row as a number; UT_E_NOTFOUND if there is no row. */
UT_CHECK ut_status ut_pg_number(ut_postgres *self, int64_t *out, ut_err *err, const char *sql, const char *types, ...);

/* Columns: a number of any width (booleans too), a double (NAN for NULL), a heap copy (NULL for NULL), a copy cut to
 * the field. */
int64_t ut_pg_int(const PGresult *result, int row, int column);
double ut_pg_real(const PGresult *result, int row, int column);
UT_CHECK ut_status ut_pg_text(const PGresult *result, int row, int column, char **out, ut_err *err);
void ut_pg_field(const PGresult *result, int row, int column, char *out, size_t size);

/* --- within a transaction -------------------------------------------------------------------- */

/* Raises the catalogue version and tells who listens. Last in its transaction: until the commit, others that change the
 * catalogue wait for it. */
UT_CHECK ut_status ut_pg_catalogue_raise(ut_postgres *self, ut_err *err);
UT_CHECK ut_status ut_pg_outbox_add(ut_postgres *self, const ut_event *event, ut_err *err);
/* UT_E_ARG if this handle writes as an owner and another has the lease of the channel, which stays his until the end of
 * the transaction. channel NULL: that of the segment. */
UT_CHECK ut_status ut_pg_fence(ut_postgres *self, const char *channel, int64_t segment_id, ut_err *err);
/* A recording on its way in: as ut_store_recording_put, short of raising the catalogue version, which is due if
 * `changed`. Sets all below row_count. */
typedef struct {
    const ut_recording *rec;
    const ut_fingerprint_row *rows;
    size_t row_count;
    int64_t id, removed_ns;
    bool known, changed, created;
    bool grown; /* fingerprints came with it */
} ut_pg_putting;
UT_CHECK ut_status ut_pg_recording_write(ut_postgres *self, ut_pg_putting *p, ut_err *err);

/* Adds an airplay that is not there, with its event and its trail; *is_new says whether. */
UT_CHECK ut_status ut_pg_airplay_add(ut_postgres *self, int64_t segment_id, const ut_airplay *air,
                                     const ut_event *event, bool *is_new, ut_err *err);
UT_CHECK ut_status ut_pg_trail_add(ut_postgres *self, const ut_airplay *air, ut_err *err);
UT_CHECK ut_status ut_pg_trail_matched(ut_postgres *self, const int64_t *ids, size_t count, int64_t version,
                                       ut_err *err);
/* The catalogue version, raised before, is the one that this recording can be recognised from. */
UT_CHECK ut_status ut_pg_growth_note(ut_postgres *self, int64_t recording_id, ut_err *err);

/* Airplays as their latest revisions have them: columns of the joined tables a (airplay) and r (revision, NULL where
 * there is none). Read by ut_pg_airplay_read from column `at` on. */
#define UT_PG_NOW(column) "CASE WHEN r.number IS NULL THEN a." column " ELSE r." column " END"
#define UT_PG_NOW_COLUMNS                                                                                                                                                                                                               \
    "a.id, a.channel, a.segment_id, coalesce(r.start_ns, a.start_ns) AS now_start,"                                                                                                                                                     \
    " coalesce(r.end_ns, a.end_ns) AS now_end, coalesce(r.outcome, a.outcome), coalesce(r.witness, a.witness),"                                                                                                                         \
    " coalesce(r.start_sample, a.start_sample), coalesce(r.end_sample, a.end_sample), " UT_PG_NOW("recording_id") ", " UT_PG_NOW(                                                                                                       \
        "ref_start_s") ", " UT_PG_NOW("ref_end_s") ", " UT_PG_NOW("time_scale") ", " UT_PG_NOW("log10_e") ", " UT_PG_NOW("score") ", a.music_lufs, a.speech_lufs, a.mix_lufs, a.engine_version,"                                        \
                                                                                                                                  " a.model_hash, a.params, coalesce(r.catalogue_version, a.catalogue_version), coalesce(r.number, 1)," \
                                                                                                                                  " coalesce(r.review, 'final'), coalesce(r.usage_code, ''), a.speech_share"
#define UT_PG_NOW_JOIN                                                                                                 \
    " LEFT JOIN LATERAL (SELECT * FROM revision l WHERE l.airplay_id = a.id ORDER BY l.number DESC LIMIT 1) r ON true"
enum { UT_PG_NOW_COUNT = 26 };
ut_airplay ut_pg_airplay_read(const PGresult *result, int row, int at);

/* --- the operations of the table in postgres_open.c, by file --------------------------------- */

#define UT_PG_OP(name, ...) ut_status ut_pg_##name(ut_store *store, __VA_ARGS__, ut_err *err)
/* postgres_recording.c */
UT_PG_OP(recording_put, ut_recording *rec, const ut_fingerprint_row *rows, size_t row_count, bool *created);
UT_PG_OP(recording_find, const char *audio_sha256, int64_t *id);
UT_PG_OP(recording_get, int64_t id, ut_recording *out);
UT_PG_OP(recording_each, ut_recording_fn fn, void *arg);
/* postgres_catalogue.c */
UT_PG_OP(recording_holding, int64_t id, ut_holding *out);
UT_PG_OP(recording_remove, int64_t id);
UT_PG_OP(fingerprint_each, const char *params, ut_fingerprint_fn fn, void *arg);
UT_PG_OP(fingerprint_get, const char *params, int64_t recording_id, ut_fingerprint_fn fn, void *arg);
UT_PG_OP(fingerprint_list, const char *params, ut_fingerprint_id_fn fn, void *arg);
UT_PG_OP(fingerprint_since, const char *params, int64_t version, ut_fingerprint_fn fn, void *arg);
UT_PG_OP(catalogue_version, int64_t *version);
bool ut_pg_catalogue_hint(ut_store *store);
UT_PG_OP(source_known, const char *path, int64_t size, int64_t mtime_ns, int64_t *recording_id);
UT_PG_OP(source_put, const char *path, int64_t size, int64_t mtime_ns, int64_t recording_id);
/* postgres_load.c */
UT_PG_OP(recording_load, ut_load_item *items, size_t count);
UT_PG_OP(fingerprint_of, int64_t recording_id, ut_fingerprint_row_fn fn, void *arg);
UT_PG_OP(source_each, int64_t recording_id, ut_source_fn fn, void *arg);
/* postgres_verify.c */
UT_PG_OP(describe, ut_store_stats *out);
ut_status ut_pg_verify(ut_store *store, ut_err *err);
/* postgres_air.c */
UT_PG_OP(segment_put, ut_segment *segment);
UT_PG_OP(segment_get, int64_t segment_id, ut_segment *out);
UT_PG_OP(segment_end, int64_t segment_id, int64_t sample_count);
UT_PG_OP(gap_put, const ut_gap *gap, const ut_event *event);
UT_PG_OP(checkpoint_get, int64_t segment_id, ut_checkpoint *out);
UT_PG_OP(segment_each, const char *channel, int64_t from_ns, int64_t to_ns, ut_segment_fn fn, void *arg);
UT_PG_OP(captured_until, const char *channel, int64_t *utc_ns);
UT_PG_OP(gap_each, const char *channel, int64_t from_ns, int64_t to_ns, ut_gap_fn fn, void *arg);
/* postgres_airplay.c */
UT_PG_OP(airplay_put, int64_t segment_id, const ut_airplay *airplays, const ut_event *events, size_t count,
         const ut_checkpoint *checkpoint, size_t *added);
UT_PG_OP(airplay_each, const char *channel, int64_t from_ns, int64_t to_ns, ut_airplay_fn fn, void *arg);
UT_PG_OP(review_each, const char *channel, int64_t from_ns, int64_t to_ns, ut_airplay_fn fn, void *arg);
UT_PG_OP(airplay_get, const char *id, ut_airplay *out);
/* postgres_airing.c */
UT_PG_OP(airing_change, const int64_t *gone, size_t gone_count, const ut_airing *added, size_t added_count,
         const ut_airing *known, size_t known_count);
UT_PG_OP(airing_each, const char *channel, int64_t from_ns, int64_t to_ns, ut_airing_fn fn, void *arg);
UT_PG_OP(airing_get, int64_t id, ut_airing *out);
/* postgres_review.c */
UT_PG_OP(revision_each, const char *airplay_id, ut_revision_fn fn, void *arg);
UT_PG_OP(change, const ut_change *change);
/* postgres_trail.c */
UT_PG_OP(trail_each, const ut_trail_query *query, ut_trail_row_fn fn, void *arg);
UT_PG_OP(trail_count, const ut_trail_query *query, int64_t *count, int64_t *oldest);
/* postgres_cluster.c */
UT_PG_OP(hearing_put, ut_hearing *airings, size_t count);
UT_PG_OP(hearing_each, int64_t cluster_id, ut_hearing_fn fn, void *arg);
UT_PG_OP(label_put, int64_t cluster_id, int64_t recording_id, const char *who, int64_t at_ns);
UT_PG_OP(label_get, int64_t cluster_id, int64_t *recording_id);
/* postgres_rule.c */
UT_PG_OP(rule_put, ut_rule *rule);
UT_PG_OP(rule_remove, int64_t id, const char *who, int64_t at_ns);
UT_PG_OP(rule_each, ut_rule_fn fn, void *arg);
/* postgres_outbox.c */
UT_PG_OP(outbox_peek, int64_t after, ut_event *events, size_t capacity, size_t *got);
UT_PG_OP(outbox_put, const ut_event *events, size_t count, size_t *added);
UT_PG_OP(outbox_ack, const int64_t *seqs, size_t count);
/* postgres_instance.c */
UT_PG_OP(lease_take, const char *name, const char *owner, double for_s, bool *held, char holder[UT_OWNER_SIZE]);
UT_PG_OP(lease_drop, const char *name, const char *owner);
UT_PG_OP(instance_put, const ut_instance *instance);
UT_PG_OP(instance_remove, const char *id);
UT_PG_OP(instance_each, ut_instance_fn fn, void *arg);

#endif
