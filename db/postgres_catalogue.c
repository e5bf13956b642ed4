/* What belongs to recordings: fingerprints, sources, the catalogue version, removal. */
#include <inttypes.h>
#include <string.h>

#include "core/clock.h"
#include "db/postgres.h"

enum { PAGE = 200 };

/* By the clock, so that a store made anew or restored from a backup never comes to a version that an index of its
 * former life carries. */
ut_status ut_pg_catalogue_raise(ut_postgres *self, ut_err *err)
{
    return ut_pg_query(self, NULL, NULL, err,
                       "WITH raised AS (UPDATE catalogue SET version = greatest(version + 1, $1) RETURNING version)"
                       " SELECT pg_notify('undertone_catalogue', version::text) FROM raised",
                       "i", ut_now_ns() / 1000);
}

ut_status ut_pg_growth_note(ut_postgres *self, int64_t recording_id, ut_err *err)
{
    return ut_pg_query(self, NULL, NULL, err,
                       "INSERT INTO growth (recording_id, version) SELECT $1, version FROM catalogue"
                       " ON CONFLICT (recording_id) DO UPDATE SET version = excluded.version",
                       "i", recording_id);
}

ut_status ut_pg_catalogue_version(ut_store *store, int64_t *version, ut_err *err)
{
    return ut_pg_number((ut_postgres *)store, version, err, "SELECT version FROM catalogue", "");
}

bool ut_pg_catalogue_hint(ut_store *store)
{
    ut_postgres *self = (ut_postgres *)store;
    bool hint = !self->listening; /* before, nobody listened */
    if (!self->conn || self->within)
        return false; /* the next operation connects */
    if (!self->listening) {
        PQclear(PQexec(self->conn, "LISTEN undertone_catalogue")); /* a standby refuses, and is polled */
        self->listening = true;
    }
    if (!PQconsumeInput(self->conn) || PQstatus(self->conn) == CONNECTION_BAD) {
        ut_pg_disconnect(self);
        return false;
    }
    for (PGnotify *told; (told = PQnotifies(self->conn)); PQfreemem(told))
        hint = true;
    return hint;
}

/* UT_E_NOTFOUND unless there is or was such a recording. */
static ut_status removal_get(ut_postgres *self, int64_t id, int64_t *removed_ns, ut_err *err)
{
    ut_status rc = ut_pg_number(self, removed_ns, err, "SELECT removed_ns FROM recording WHERE id = $1", "i", id);
    return rc == UT_E_NOTFOUND ? ut_fail(err, rc, "recording %" PRId64 ": not in store %s", id, self->name) : rc;
}

ut_status ut_pg_recording_holding(ut_store *store, int64_t id, ut_holding *out, ut_err *err)
{
    ut_postgres *self = (ut_postgres *)store;
    ut_holding holding = {0};
    PGresult *result = NULL;
    int64_t removed_ns = 0;
    ut_status rc = removal_get(self, id, &removed_ns, err);
    if (rc == UT_OK)
        rc =
            ut_pg_number(self, &holding.airplays, err, "SELECT count(*) FROM airplay WHERE recording_id = $1", "i", id);
    if (rc == UT_OK)
        rc = ut_pg_query(self, &result, NULL, err,
                         "SELECT params, octet_length(data) FROM fingerprint WHERE recording_id = $1"
                         " ORDER BY params LIMIT $2",
                         "ii", id, (int64_t)UT_HOLDING_SETS);
    if (rc != UT_OK)
        return rc;
    holding.removed = removed_ns != 0;
    for (int i = 0; i < PQntuples(result) && i < UT_HOLDING_SETS; i++) {
        ut_pg_field(result, i, 0, holding.sets[i].params, sizeof holding.sets->params);
        holding.sets[i].bytes = ut_pg_int(result, i, 1);
        holding.set_count++;
    }
    PQclear(result);
    *out = holding;
    return UT_OK;
}

static ut_status remove_body(ut_postgres *self, void *arg, ut_err *err)
{
    int64_t id = *(int64_t *)arg, rows = 0;
    ut_status rc =
        ut_pg_query(self, NULL, &rows, err, "UPDATE recording SET removed_ns = $1 WHERE id = $2 AND removed_ns = 0",
                    "ii", ut_now_ns(), id);
    /* A second try may meet what the first one committed. */
    if (rc == UT_OK && rows == 0)
        return self->tries > 0 ? UT_OK
                               : ut_fail(err, UT_E_NOTFOUND, "recording %" PRId64 ": not in store %s", id, self->name);
    if (rc == UT_OK)
        rc = ut_pg_query(self, NULL, NULL, err, "DELETE FROM fingerprint WHERE recording_id = $1", "i", id);
    if (rc == UT_OK)
        rc = ut_pg_query(self, NULL, NULL, err, "DELETE FROM source WHERE recording_id = $1", "i", id);
    return rc == UT_OK ? ut_pg_catalogue_raise(self, err) : rc;
}

ut_status ut_pg_recording_remove(ut_store *store, int64_t id, ut_err *err)
{
    return ut_pg_transaction((ut_postgres *)store, remove_body, &id, err);
}

/* A page: recording and fingerprint. */
static ut_status page_walk(const PGresult *page, int64_t *last, ut_fingerprint_fn fn, void *arg)
{
    ut_status rc = UT_OK;
    for (int i = 0; rc == UT_OK && i < PQntuples(page); i++) {
        *last = ut_pg_int(page, i, 0);
        rc = fn(arg, *last, (const uint8_t *)PQgetvalue(page, i, 1), (size_t)PQgetlength(page, i, 1));
    }
    return rc;
}

ut_status ut_pg_fingerprint_each(ut_store *store, const char *params, ut_fingerprint_fn fn, void *arg, ut_err *err)
{
    ut_postgres *self = (ut_postgres *)store;
    int64_t last = INT64_MIN;
    bool more = true;
    ut_status rc = UT_OK;
    while (rc == UT_OK && more) {
        PGresult *page = NULL;
        rc = ut_pg_query(self, &page, NULL, err,
                         "SELECT recording_id, data FROM fingerprint WHERE params = $1 AND recording_id > $2"
                         " ORDER BY recording_id LIMIT $3",
                         "tii", params, last, (int64_t)PAGE);
        more = rc == UT_OK && PQntuples(page) == PAGE;
        if (rc == UT_OK)
            rc = page_walk(page, &last, fn, arg);
        PQclear(page);
    }
    return rc;
}

ut_status ut_pg_fingerprint_since(ut_store *store, const char *params, int64_t version, ut_fingerprint_fn fn, void *arg,
                                  ut_err *err)
{
    ut_postgres *self = (ut_postgres *)store;
    int64_t last = INT64_MIN;
    bool more = true;
    ut_status rc = UT_OK;
    while (rc == UT_OK && more) {
        PGresult *page = NULL;
        rc = ut_pg_query(self, &page, NULL, err,
                         "SELECT f.recording_id, f.data FROM growth g"
                         " JOIN fingerprint f ON f.recording_id = g.recording_id AND f.params = $1"
                         " WHERE g.version > $2 AND f.recording_id > $3 ORDER BY f.recording_id LIMIT $4",
                         "tiii", params, version, last, (int64_t)PAGE);
        more = rc == UT_OK && PQntuples(page) == PAGE;
        if (rc == UT_OK)
            rc = page_walk(page, &last, fn, arg);
        PQclear(page);
    }
    return rc;
}

ut_status ut_pg_fingerprint_get(ut_store *store, const char *params, int64_t recording_id, ut_fingerprint_fn fn,
                                void *arg, ut_err *err)
{
    ut_postgres *self = (ut_postgres *)store;
    PGresult *result = NULL;
    int64_t last;
    ut_status rc = ut_pg_query(self, &result, NULL, err,
                               "SELECT recording_id, data FROM fingerprint WHERE params = $1 AND recording_id = $2",
                               "ti", params, recording_id);
    if (rc == UT_OK && PQntuples(result) == 0)
        rc = ut_fail(err, UT_E_NOTFOUND, "recording %" PRId64 ": no fingerprint of %s in store %s", recording_id,
                     params, self->name);
    if (rc == UT_OK)
        rc = page_walk(result, &last, fn, arg);
    PQclear(result);
    return rc;
}

ut_status ut_pg_fingerprint_list(ut_store *store, const char *params, ut_fingerprint_id_fn fn, void *arg, ut_err *err)
{
    enum { MANY = 20000 };
    ut_postgres *self = (ut_postgres *)store;
    int64_t last = INT64_MIN;
    bool more = true;
    ut_status rc = UT_OK;
    while (rc == UT_OK && more) {
        PGresult *page = NULL;
        rc = ut_pg_query(self, &page, NULL, err,
                         "SELECT recording_id, added_ns FROM fingerprint JOIN recording ON recording.id = recording_id"
                         " WHERE params = $1 AND recording_id > $2 ORDER BY recording_id LIMIT $3",
                         "tii", params, last, (int64_t)MANY);
        more = rc == UT_OK && PQntuples(page) == MANY;
        for (int i = 0; rc == UT_OK && i < PQntuples(page); i++) {
            last = ut_pg_int(page, i, 0);
            rc = fn(arg, last, ut_pg_int(page, i, 1));
        }
        PQclear(page);
    }
    return rc;
}

ut_status ut_pg_source_known(ut_store *store, const char *path, int64_t size, int64_t mtime_ns, int64_t *recording_id,
                             ut_err *err)
{
    return ut_pg_number((ut_postgres *)store, recording_id, err,
                        "SELECT recording_id FROM source WHERE path = $1 AND size = $2 AND mtime_ns = $3", "bii",
                        (const void *)path, strlen(path), size, mtime_ns);
}

ut_status ut_pg_source_put(ut_store *store, const char *path, int64_t size, int64_t mtime_ns, int64_t recording_id,
                           ut_err *err)
{
    return ut_pg_query((ut_postgres *)store, NULL, NULL, err,
                       "INSERT INTO source (path, size, mtime_ns, recording_id) VALUES ($1, $2, $3, $4)"
                       " ON CONFLICT (path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns,"
                       " recording_id = excluded.recording_id",
                       "biii", (const void *)path, strlen(path), size, mtime_ns, recording_id);
}
