/* What a store backend gives: one const table, and its own struct that begins with ut_store.
 * Private to db/. */
#ifndef UT_DB_BACKEND_H
#define UT_DB_BACKEND_H

#include "db/store.h"

typedef struct ut_store_ops ut_store_ops;

struct ut_store {
    const ut_store_ops *ops;
    char owner[UT_OWNER_SIZE]; /* of ut_store_write_as; "": anybody may */
};

/* As the functions of store.h, after their arguments were checked. */
struct ut_store_ops {
    const char *scheme; /* of the DSN, without the colon */
    /* `where` is the DSN after the colon. */
    ut_status (*open)(const char *where, ut_store_mode mode, ut_store **out, ut_err *err);
    void (*close)(ut_store *store);
    ut_status (*index_path)(const ut_store *store, const char *params, char *path, size_t size, ut_err *err);

    ut_status (*recording_put)(ut_store *store, ut_recording *rec, const ut_fingerprint_row *rows, size_t row_count,
                               bool *created, ut_err *err);
    ut_status (*recording_find)(ut_store *store, const char *audio_sha256, int64_t *id, ut_err *err);
    ut_status (*recording_get)(ut_store *store, int64_t id, ut_recording *out, ut_err *err);
    ut_status (*recording_holding)(ut_store *store, int64_t id, ut_holding *out, ut_err *err);
    ut_status (*recording_remove)(ut_store *store, int64_t id, ut_err *err);
    ut_status (*recording_each)(ut_store *store, ut_recording_fn fn, void *arg, ut_err *err);
    ut_status (*fingerprint_each)(ut_store *store, const char *params, ut_fingerprint_fn fn, void *arg, ut_err *err);
    ut_status (*fingerprint_since)(ut_store *store, const char *params, int64_t version, ut_fingerprint_fn fn,
                                   void *arg, ut_err *err);
    ut_status (*fingerprint_get)(ut_store *store, const char *params, int64_t recording_id, ut_fingerprint_fn fn,
                                 void *arg, ut_err *err);
    ut_status (*fingerprint_list)(ut_store *store, const char *params, ut_fingerprint_id_fn fn, void *arg, ut_err *err);
    ut_status (*catalogue_version)(ut_store *store, int64_t *version, ut_err *err);
    bool (*catalogue_hint)(ut_store *store); /* NULL: never */
    ut_status (*source_known)(ut_store *store, const char *path, int64_t size, int64_t mtime_ns, int64_t *recording_id,
                              ut_err *err);
    ut_status (*source_put)(ut_store *store, const char *path, int64_t size, int64_t mtime_ns, int64_t recording_id,
                            ut_err *err);
    ut_status (*fingerprint_of)(ut_store *store, int64_t recording_id, ut_fingerprint_row_fn fn, void *arg,
                                ut_err *err);
    ut_status (*source_each)(ut_store *store, int64_t recording_id, ut_source_fn fn, void *arg, ut_err *err);
    ut_status (*recording_load)(ut_store *store, ut_load_item *items, size_t count, ut_err *err);
    ut_status (*describe)(ut_store *store, ut_store_stats *out, ut_err *err);
    ut_status (*verify)(ut_store *store, ut_err *err);

    ut_status (*segment_put)(ut_store *store, ut_segment *segment, ut_err *err);
    ut_status (*segment_get)(ut_store *store, int64_t segment_id, ut_segment *out, ut_err *err);
    ut_status (*segment_end)(ut_store *store, int64_t segment_id, int64_t sample_count, ut_err *err);
    ut_status (*gap_put)(ut_store *store, const ut_gap *gap, const ut_event *event, ut_err *err);
    ut_status (*airplay_put)(ut_store *store, int64_t segment_id, const ut_airplay *airplays, const ut_event *events,
                             size_t count, const ut_checkpoint *checkpoint, size_t *added, ut_err *err);
    ut_status (*checkpoint_get)(ut_store *store, int64_t segment_id, ut_checkpoint *out, ut_err *err);
    ut_status (*segment_each)(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_segment_fn fn,
                              void *arg, ut_err *err);
    ut_status (*captured_until)(ut_store *store, const char *channel, int64_t *utc_ns, ut_err *err);
    ut_status (*airplay_each)(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_airplay_fn fn,
                              void *arg, ut_err *err);
    ut_status (*gap_each)(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_gap_fn fn, void *arg,
                          ut_err *err);

    ut_status (*review_each)(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_airplay_fn fn,
                             void *arg, ut_err *err);
    ut_status (*airplay_get)(ut_store *store, const char *id, ut_airplay *out, ut_err *err);
    ut_status (*revision_each)(ut_store *store, const char *airplay_id, ut_revision_fn fn, void *arg, ut_err *err);
    ut_status (*change)(ut_store *store, const ut_change *change, ut_err *err);
    ut_status (*trail_each)(ut_store *store, const ut_trail_query *query, ut_trail_row_fn fn, void *arg, ut_err *err);
    ut_status (*trail_count)(ut_store *store, const ut_trail_query *query, int64_t *count, int64_t *oldest,
                             ut_err *err);
    /* Takes airings away and adds others (their programmes by key, made or updated) in one transaction; then updates
     * the programmes of `known`. UT_E_ARG if any would overlap. */
    ut_status (*airing_change)(ut_store *store, const int64_t *gone, size_t gone_count, const ut_airing *added,
                               size_t added_count, const ut_airing *known, size_t known_count, ut_err *err);
    ut_status (*airing_each)(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_airing_fn fn,
                             void *arg, ut_err *err);
    ut_status (*airing_get)(ut_store *store, int64_t id, ut_airing *out, ut_err *err);

    ut_status (*hearing_put)(ut_store *store, ut_hearing *airings, size_t count, ut_err *err);
    ut_status (*hearing_each)(ut_store *store, int64_t cluster_id, ut_hearing_fn fn, void *arg, ut_err *err);
    ut_status (*label_put)(ut_store *store, int64_t cluster_id, int64_t recording_id, const char *who, int64_t at_ns,
                           ut_err *err);
    ut_status (*label_get)(ut_store *store, int64_t cluster_id, int64_t *recording_id, ut_err *err);

    ut_status (*rule_put)(ut_store *store, ut_rule *rule, ut_err *err);
    ut_status (*rule_remove)(ut_store *store, int64_t id, const char *who, int64_t at_ns, ut_err *err);
    ut_status (*rule_each)(ut_store *store, ut_rule_fn fn, void *arg, ut_err *err);

    ut_status (*outbox_peek)(ut_store *store, int64_t after, ut_event *events, size_t capacity, size_t *got,
                             ut_err *err);
    ut_status (*outbox_put)(ut_store *store, const ut_event *events, size_t count, size_t *added, ut_err *err);
    ut_status (*outbox_ack)(ut_store *store, const int64_t *seqs, size_t count, ut_err *err);

    ut_status (*lease_take)(ut_store *store, const char *name, const char *owner, double for_s, bool *held,
                            char holder[UT_OWNER_SIZE], ut_err *err);
    ut_status (*lease_drop)(ut_store *store, const char *name, const char *owner, ut_err *err);
    ut_status (*instance_put)(ut_store *store, const ut_instance *instance, ut_err *err);
    ut_status (*instance_remove)(ut_store *store, const char *id, ut_err *err);
    ut_status (*instance_each)(ut_store *store, ut_instance_fn fn, void *arg, ut_err *err);
};

extern const ut_store_ops ut_store_sqlite, ut_store_postgres;

/* The backend of a DSN and what follows its scheme; UT_E_ARG if there is none. */
UT_CHECK ut_status ut_dsn_parse(const char *dsn, const ut_store_ops **ops, const char **where, ut_err *err);

#endif
