/* Trails: what is kept of unidentified music to recognise it later. */
#include "db/postgres.h"

enum { PAGE = 200 };

ut_status ut_pg_trail_add(ut_postgres *self, const ut_airplay *air, ut_err *err)
{
    return ut_pg_query(self, NULL, NULL, err,
                       "INSERT INTO trail (airplay_id, airplay_start_ns, params, matched_version, data)"
                       " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (airplay_id) DO NOTHING",
                       "titib", air->id, air->start_ns, air->params, air->catalogue_version, (const void *)air->trail,
                       air->trail_size);
}

/* A mark never goes back. */
ut_status ut_pg_trail_matched(ut_postgres *self, const int64_t *ids, size_t count, int64_t version, ut_err *err)
{
    ut_status rc = UT_OK;
    for (size_t i = 0; i < count && rc == UT_OK; i++)
        rc = ut_pg_query(self, NULL, NULL, err,
                         "UPDATE trail SET matched_version = $2 WHERE id = $1 AND matched_version < $2", "ii", ids[i],
                         version);
    return rc;
}

/* $1 params, $2 channel, $3 after, $4 until, $5 since, $6 unknown, $7 unreviewed */
#define CHOSEN                                                                                                         \
    " FROM trail t JOIN airplay a ON a.id = t.airplay_id AND a.start_ns = t.airplay_start_ns" UT_PG_NOW_JOIN           \
    " WHERE t.params = $1 AND a.channel = coalesce($2, a.channel) AND t.id > $3 AND t.matched_version < $4"            \
    " AND coalesce(r.end_ns, a.end_ns) > $5"                                                                           \
    " AND (NOT $6 OR (coalesce(r.outcome, a.outcome) <> 'identified' AND coalesce(r.review, '') <> 'rejected'))"       \
    " AND NOT ($7 AND EXISTS (SELECT 1 FROM revision p WHERE p.airplay_id = a.id AND p.cause = 'person'))"

ut_status ut_pg_trail_each(ut_store *store, const ut_trail_query *query, ut_trail_row_fn fn, void *arg, ut_err *err)
{
    ut_postgres *self = (ut_postgres *)store;
    int64_t last = query->after, left = query->limit ? (int64_t)query->limit : INT64_MAX, wanted;
    bool more = true;
    ut_status rc = UT_OK;
    while (rc == UT_OK && more) {
        PGresult *page = NULL;
        wanted = left < PAGE ? left : PAGE;
        rc = ut_pg_query(self, &page, NULL, err,
                         "SELECT t.id, t.matched_version, t.data, " UT_PG_NOW_COLUMNS CHOSEN " ORDER BY t.id LIMIT $8",
                         "ttiiiooi", query->params, query->channel, last, query->until_version, query->since_ns,
                         (int)query->unknown, (int)query->unreviewed, wanted);
        int count = rc == UT_OK ? PQntuples(page) : 0;
        for (int i = 0; rc == UT_OK && i < count; i++) {
            ut_trail_row trail = {.id = ut_pg_int(page, i, 0),
                                  .matched_version = ut_pg_int(page, i, 1),
                                  .air = ut_pg_airplay_read(page, i, 3),
                                  .data = (const uint8_t *)PQgetvalue(page, i, 2),
                                  .size = (size_t)PQgetlength(page, i, 2)};
            last = trail.id;
            rc = fn(arg, &trail);
        }
        left -= count;
        more = count == wanted && left > 0;
        PQclear(page);
    }
    return rc;
}

ut_status ut_pg_trail_count(ut_store *store, const ut_trail_query *query, int64_t *count, int64_t *oldest, ut_err *err)
{
    PGresult *result = NULL;
    ut_status rc = ut_pg_query((ut_postgres *)store, &result, NULL, err,
                               "SELECT count(*), coalesce(min(t.matched_version), 9223372036854775807)" CHOSEN,
                               "ttiiioo", query->params, query->channel, query->after, query->until_version,
                               query->since_ns, (int)query->unknown, (int)query->unreviewed);
    if (rc != UT_OK)
        return rc;
    *count = ut_pg_int(result, 0, 0);
    *oldest = ut_pg_int(result, 0, 1);
    PQclear(result);
    return UT_OK;
}
