#include "db/store.h"

#include <stdio.h>
#include <string.h>

#include "db/backend.h"

/* PostgreSQL's users know two schemes. */
static const struct {
    const char *scheme;
    const ut_store_ops *ops;
} backends[] = {{"sqlite", &ut_store_sqlite}, {"postgresql", &ut_store_postgres}, {"postgres", &ut_store_postgres}};

ut_status ut_dsn_parse(const char *dsn, const ut_store_ops **ops, const char **where, ut_err *err)
{
    if (strncmp(dsn, "service=", 8) == 0) { /* as libpq's other programs take it */
        *ops = &ut_store_postgres;
        *where = dsn;
        return UT_OK;
    }
    const char *colon = strchr(dsn, ':');
    if (!colon || memchr(dsn, '=', (size_t)(colon - dsn))) /* after a "=" may be a password: not shown */
        return ut_fail(err, UT_E_ARG, "store: \"%.*s\" is not of the form sqlite:PATH or postgresql://…",
                       (int)(strcspn(dsn, "=") < 100 ? strcspn(dsn, "=") : 100), dsn);
    size_t n = (size_t)(colon - dsn);
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) {
        if (strlen(backends[i].scheme) != n || strncmp(backends[i].scheme, dsn, n) != 0)
            continue;
        if (!colon[1])
            return ut_fail(err, UT_E_ARG, "store: \"%.*s:\" without a place", (int)n, dsn);
        *ops = backends[i].ops;
        *where = colon + 1;
        return UT_OK;
    }
    /* What follows the scheme may hold a password: not shown. */
    return ut_fail(err, UT_E_ARG, "store: unknown kind \"%.*s\"; known: sqlite, postgresql", (int)(n < 40 ? n : 40),
                   dsn);
}

ut_status ut_store_open(const char *dsn, ut_store_mode mode, ut_store **out, ut_err *err)
{
    const ut_store_ops *ops;
    const char *where;
    ut_status rc = ut_dsn_parse(dsn, &ops, &where, err);
    return rc == UT_OK ? ops->open(where, mode, out, err) : rc;
}

void ut_store_close(ut_store **store)
{
    if (!*store)
        return;
    (*store)->ops->close(*store);
    *store = NULL;
}

ut_status ut_store_index_path(const ut_store *store, const char *params, char *path, size_t size, ut_err *err)
{
    return store->ops->index_path(store, params, path, size, err);
}

/* --- catalogue ------------------------------------------------------------------------------- */

static ut_status recording_check(const ut_recording *rec, ut_err *err)
{
    if (strlen(rec->audio_sha256) != 64 || strspn(rec->audio_sha256, "0123456789abcdef") != 64)
        return ut_fail(err, UT_E_ARG, "recording %s: audio_sha256 is not 64 hex digits", rec->file ? rec->file : "");
    for (size_t i = 0; i < rec->party_count; i++) {
        if (!rec->parties[i].name || !*rec->parties[i].name)
            return ut_fail(err, UT_E_ARG, "recording %s: party %zu has no name", rec->file ? rec->file : "", i + 1);
    }
    return UT_OK;
}

ut_status ut_store_recording_put(ut_store *store, ut_recording *rec, const ut_fingerprint_row *rows, size_t row_count,
                                 bool *created, ut_err *err)
{
    ut_status rc = recording_check(rec, err);
    return rc == UT_OK ? store->ops->recording_put(store, rec, rows, row_count, created, err) : rc;
}

ut_status ut_store_recording_find(ut_store *store, const char *audio_sha256, int64_t *id, ut_err *err)
{
    return store->ops->recording_find(store, audio_sha256, id, err);
}

ut_status ut_store_recording_get(ut_store *store, int64_t id, ut_recording *out, ut_err *err)
{
    return store->ops->recording_get(store, id, out, err);
}

ut_status ut_store_recording_holding(ut_store *store, int64_t id, ut_holding *out, ut_err *err)
{
    return store->ops->recording_holding(store, id, out, err);
}

ut_status ut_store_recording_remove(ut_store *store, int64_t id, ut_err *err)
{
    return store->ops->recording_remove(store, id, err);
}

ut_status ut_store_recording_each(ut_store *store, ut_recording_fn fn, void *arg, ut_err *err)
{
    return store->ops->recording_each(store, fn, arg, err);
}

ut_status ut_store_fingerprint_each(ut_store *store, const char *params, ut_fingerprint_fn fn, void *arg, ut_err *err)
{
    return store->ops->fingerprint_each(store, params, fn, arg, err);
}

ut_status ut_store_fingerprint_since(ut_store *store, const char *params, int64_t version, ut_fingerprint_fn fn,
                                     void *arg, ut_err *err)
{
    return store->ops->fingerprint_since(store, params, version, fn, arg, err);
}

ut_status ut_store_fingerprint_get(ut_store *store, const char *params, int64_t recording_id, ut_fingerprint_fn fn,
                                   void *arg, ut_err *err)
{
    return store->ops->fingerprint_get(store, params, recording_id, fn, arg, err);
}

ut_status ut_store_fingerprint_list(ut_store *store, const char *params, ut_fingerprint_id_fn fn, void *arg,
                                    ut_err *err)
{
    return store->ops->fingerprint_list(store, params, fn, arg, err);
}

ut_status ut_store_catalogue_version(ut_store *store, int64_t *version, ut_err *err)
{
    return store->ops->catalogue_version(store, version, err);
}

bool ut_store_catalogue_hint(ut_store *store)
{
    return store->ops->catalogue_hint && store->ops->catalogue_hint(store);
}

ut_status ut_store_source_known(ut_store *store, const char *path, int64_t size, int64_t mtime_ns,
                                int64_t *recording_id, ut_err *err)
{
    return store->ops->source_known(store, path, size, mtime_ns, recording_id, err);
}

ut_status ut_store_source_put(ut_store *store, const char *path, int64_t size, int64_t mtime_ns, int64_t recording_id,
                              ut_err *err)
{
    return store->ops->source_put(store, path, size, mtime_ns, recording_id, err);
}

ut_status ut_store_fingerprint_of(ut_store *store, int64_t recording_id, ut_fingerprint_row_fn fn, void *arg,
                                  ut_err *err)
{
    return store->ops->fingerprint_of(store, recording_id, fn, arg, err);
}

ut_status ut_store_source_each(ut_store *store, int64_t recording_id, ut_source_fn fn, void *arg, ut_err *err)
{
    return store->ops->source_each(store, recording_id, fn, arg, err);
}

ut_status ut_store_recording_load(ut_store *store, ut_load_item *items, size_t count, ut_err *err)
{
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < count; i++)
        rc = recording_check(items[i].rec, err);
    return rc == UT_OK && count > 0 ? store->ops->recording_load(store, items, count, err) : rc;
}

ut_status ut_store_describe(ut_store *store, ut_store_stats *out, ut_err *err)
{
    return store->ops->describe(store, out, err);
}

ut_status ut_store_verify(ut_store *store, ut_err *err)
{
    return store->ops->verify(store, err);
}

/* --- air ------------------------------------------------------------------------------------- */

ut_status ut_store_segment_put(ut_store *store, ut_segment *segment, ut_err *err)
{
    return store->ops->segment_put(store, segment, err);
}

ut_status ut_store_segment_get(ut_store *store, int64_t segment_id, ut_segment *out, ut_err *err)
{
    return store->ops->segment_get(store, segment_id, out, err);
}

ut_status ut_store_segment_end(ut_store *store, int64_t segment_id, int64_t sample_count, ut_err *err)
{
    return store->ops->segment_end(store, segment_id, sample_count, err);
}

ut_status ut_store_gap_put(ut_store *store, const ut_gap *gap, const ut_event *event, ut_err *err)
{
    return store->ops->gap_put(store, gap, event, err);
}

ut_status ut_store_airplay_put(ut_store *store, int64_t segment_id, const ut_airplay *airplays, const ut_event *events,
                               size_t count, const ut_checkpoint *checkpoint, size_t *added, ut_err *err)
{
    return store->ops->airplay_put(store, segment_id, airplays, events, count, checkpoint, added, err);
}

ut_status ut_store_checkpoint_get(ut_store *store, int64_t segment_id, ut_checkpoint *out, ut_err *err)
{
    return store->ops->checkpoint_get(store, segment_id, out, err);
}

ut_status ut_store_segment_each(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_segment_fn fn,
                                void *arg, ut_err *err)
{
    return store->ops->segment_each(store, channel, from_ns, to_ns, fn, arg, err);
}

ut_status ut_store_captured_until(ut_store *store, const char *channel, int64_t *utc_ns, ut_err *err)
{
    return store->ops->captured_until(store, channel, utc_ns, err);
}

ut_status ut_store_airplay_each(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_airplay_fn fn,
                                void *arg, ut_err *err)
{
    return store->ops->airplay_each(store, channel, from_ns, to_ns, fn, arg, err);
}

ut_status ut_store_gap_each(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_gap_fn fn,
                            void *arg, ut_err *err)
{
    return store->ops->gap_each(store, channel, from_ns, to_ns, fn, arg, err);
}

/* --- review ---------------------------------------------------------------------------------- */

ut_status ut_store_review_each(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_airplay_fn fn,
                               void *arg, ut_err *err)
{
    return store->ops->review_each(store, channel, from_ns, to_ns, fn, arg, err);
}

ut_status ut_store_airplay_get(ut_store *store, const char *id, ut_airplay *out, ut_err *err)
{
    return store->ops->airplay_get(store, id, out, err);
}

ut_status ut_store_revision_each(ut_store *store, const char *airplay_id, ut_revision_fn fn, void *arg, ut_err *err)
{
    return store->ops->revision_each(store, airplay_id, fn, arg, err);
}

ut_status ut_store_change(ut_store *store, const ut_change *change, ut_err *err)
{
    for (size_t i = 0; i < change->revision_count; i++)
        if (!change->revisions[i].who[0])
            return ut_fail(err, UT_E_ARG, "airplay %s: a revision by nobody", change->revisions[i].air.id);
    return store->ops->change(store, change, err);
}

ut_status ut_store_trail_each(ut_store *store, const ut_trail_query *query, ut_trail_row_fn fn, void *arg, ut_err *err)
{
    return store->ops->trail_each(store, query, fn, arg, err);
}

ut_status ut_store_trail_count(ut_store *store, const ut_trail_query *query, int64_t *count, int64_t *oldest,
                               ut_err *err)
{
    return store->ops->trail_count(store, query, count, oldest, err);
}

/* --- unknown tunes --------------------------------------------------------------------------- */

ut_status ut_store_hearing_put(ut_store *store, ut_hearing *airings, size_t count, ut_err *err)
{
    return store->ops->hearing_put(store, airings, count, err);
}

ut_status ut_store_hearing_each(ut_store *store, int64_t cluster_id, ut_hearing_fn fn, void *arg, ut_err *err)
{
    return store->ops->hearing_each(store, cluster_id, fn, arg, err);
}

ut_status ut_store_label_put(ut_store *store, int64_t cluster_id, int64_t recording_id, const char *who, int64_t at_ns,
                             ut_err *err)
{
    return store->ops->label_put(store, cluster_id, recording_id, who, at_ns, err);
}

ut_status ut_store_label_get(ut_store *store, int64_t cluster_id, int64_t *recording_id, ut_err *err)
{
    return store->ops->label_get(store, cluster_id, recording_id, err);
}

/* --- rules ----------------------------------------------------------------------------------- */

ut_status ut_store_rule_put(ut_store *store, ut_rule *rule, ut_err *err)
{
    return store->ops->rule_put(store, rule, err);
}

ut_status ut_store_rule_remove(ut_store *store, int64_t id, const char *who, int64_t at_ns, ut_err *err)
{
    return store->ops->rule_remove(store, id, who, at_ns, err);
}

ut_status ut_store_rule_each(ut_store *store, ut_rule_fn fn, void *arg, ut_err *err)
{
    return store->ops->rule_each(store, fn, arg, err);
}

/* --- outbox ---------------------------------------------------------------------------------- */

ut_status ut_store_outbox_peek(ut_store *store, int64_t after, ut_event *events, size_t capacity, size_t *got,
                               ut_err *err)
{
    return store->ops->outbox_peek(store, after, events, capacity, got, err);
}

ut_status ut_store_outbox_put(ut_store *store, const ut_event *events, size_t count, size_t *added, ut_err *err)
{
    return store->ops->outbox_put(store, events, count, added, err);
}

ut_status ut_store_outbox_ack(ut_store *store, const int64_t *seqs, size_t count, ut_err *err)
{
    return store->ops->outbox_ack(store, seqs, count, err);
}

/* --- processes on one store ------------------------------------------------------------------ */

void ut_store_write_as(ut_store *store, const char *owner)
{
    snprintf(store->owner, sizeof store->owner, "%s", owner);
}

ut_status ut_store_lease_take(ut_store *store, const char *name, const char *owner, double for_s, bool *held,
                              char holder[UT_OWNER_SIZE], ut_err *err)
{
    char whose[UT_OWNER_SIZE];
    return store->ops->lease_take(store, name, owner, for_s, held, holder ? holder : whose, err);
}

ut_status ut_store_lease_drop(ut_store *store, const char *name, const char *owner, ut_err *err)
{
    return store->ops->lease_drop(store, name, owner, err);
}

ut_status ut_store_instance_put(ut_store *store, const ut_instance *instance, ut_err *err)
{
    return store->ops->instance_put(store, instance, err);
}

ut_status ut_store_instance_remove(ut_store *store, const char *id, ut_err *err)
{
    return store->ops->instance_remove(store, id, err);
}

ut_status ut_store_instance_each(ut_store *store, ut_instance_fn fn, void *arg, ut_err *err)
{
    return store->ops->instance_each(store, fn, arg, err);
}
