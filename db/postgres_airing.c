/* Programmes and their airings. */
#include <inttypes.h>
#include <string.h>

#include "db/postgres.h"

#define AIRING                                                                                                         \
    "SELECT a.id, a.channel, a.start_ns, a.end_ns, a.source, a.boundary, p.id, p.key, p.title, p.aka, p.episode,"      \
    " p.episode_aka, p.episode_no, p.production_no, p.category, p.version, p.company, p.crid"                          \
    " FROM airing a JOIN programme p ON p.id = a.programme_id"
enum { FIRST_STRING = 7, PAGE = 1000 };

/* What an import does not know keeps its value. */
static ut_status programme_put(ut_postgres *self, const ut_programme *p, int64_t *id, ut_err *err)
{
    return ut_pg_number(
        self, id, err,
        "INSERT INTO programme AS p (key, title, aka, episode, episode_aka, episode_no, production_no, category, version,"
        " company, crid) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (key) DO UPDATE SET"
        " title = excluded.title, aka = coalesce(excluded.aka, p.aka), episode = coalesce(excluded.episode, p.episode),"
        " episode_aka = coalesce(excluded.episode_aka, p.episode_aka),"
        " episode_no = coalesce(excluded.episode_no, p.episode_no),"
        " production_no = coalesce(excluded.production_no, p.production_no),"
        " category = coalesce(excluded.category, p.category), version = coalesce(excluded.version, p.version),"
        " company = coalesce(excluded.company, p.company), crid = coalesce(excluded.crid, p.crid) RETURNING id",
        "ttttttttttt", p->key, p->title, p->aka, p->episode, p->episode_aka, p->episode_no, p->production_no,
        p->category, p->version, p->company, p->crid);
}

static ut_status airing_insert(ut_postgres *self, const ut_airing *airing, ut_err *err)
{
    int64_t programme_id = 0;
    ut_status rc = programme_put(self, &airing->programme, &programme_id, err);
    if (rc != UT_OK)
        return rc;
    return ut_pg_query(self, NULL, NULL, err,
                       "INSERT INTO airing (programme_id, channel, start_ns, end_ns, source, boundary)"
                       " VALUES ($1, $2, $3, $4, $5, $6)",
                       "itiitt", programme_id, airing->channel, airing->start_ns, airing->end_ns,
                       ut_airing_source_name(airing->source), ut_boundary_name(airing->boundary));
}

typedef struct {
    const int64_t *gone;
    const ut_airing *added, *known;
    size_t gone_count, added_count, known_count;
} changing;

static ut_status change_body(ut_postgres *self, void *arg, ut_err *err)
{
    const changing *c = arg;
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < c->gone_count; i++)
        rc = ut_pg_query(self, NULL, NULL, err, "DELETE FROM airing WHERE id = $1", "i", c->gone[i]);
    for (size_t i = 0; rc == UT_OK && i < c->added_count; i++)
        rc = airing_insert(self, &c->added[i], err);
    for (size_t i = 0; rc == UT_OK && i < c->known_count; i++) {
        int64_t id;
        rc = programme_put(self, &c->known[i].programme, &id, err);
    }
    return rc;
}

ut_status ut_pg_airing_change(ut_store *store, const int64_t *gone, size_t gone_count, const ut_airing *added,
                              size_t added_count, const ut_airing *known, size_t known_count, ut_err *err)
{
    changing c = {gone, added, known, gone_count, added_count, known_count};
    return ut_pg_transaction((ut_postgres *)store, change_body, &c, err);
}

static ut_airing_source source_read(const char *name)
{
    ut_airing_source source = UT_FROM_MANUAL;
    while (source < UT_FROM_XMLTV && strcmp(name, ut_airing_source_name(source)) != 0)
        source++;
    return source;
}

static ut_boundary boundary_read(const char *name)
{
    ut_boundary boundary = UT_BOUNDARY_LOGGED;
    while (boundary < UT_BOUNDARY_GUESSED && strcmp(name, ut_boundary_name(boundary)) != 0)
        boundary++;
    return boundary;
}

/* From a row of AIRING; to be cleared by the caller. */
static ut_status airing_read(const PGresult *result, int row, ut_airing *out, ut_err *err)
{
    ut_airing airing = {
        .id = ut_pg_int(result, row, 0),
        .start_ns = ut_pg_int(result, row, 2),
        .end_ns = ut_pg_int(result, row, 3),
        .source = source_read(PQgetvalue(result, row, 4)),
        .boundary = boundary_read(PQgetvalue(result, row, 5)),
        .programme.id = ut_pg_int(result, row, 6),
    };
    ut_pg_field(result, row, 1, airing.channel, sizeof airing.channel);
    for (size_t i = 0; i < UT_PROGRAMME_STRINGS; i++) {
        ut_status rc = ut_pg_text(result, row, FIRST_STRING + (int)i, ut_programme_string(&airing.programme, i), err);
        if (rc != UT_OK) {
            ut_airing_clear(&airing);
            return rc;
        }
    }
    *out = airing;
    return UT_OK;
}

ut_status ut_pg_airing_each(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_airing_fn fn,
                            void *arg, ut_err *err)
{
    ut_postgres *self = (ut_postgres *)store;
    char last_channel[64] = "";
    int64_t last_ns = INT64_MIN;
    bool more = true;
    ut_status rc = UT_OK;
    while (rc == UT_OK && more) {
        PGresult *page = NULL;
        rc = ut_pg_query(self, &page, NULL, err,
                         AIRING " WHERE a.channel = coalesce($1, a.channel) AND a.start_ns < $3 AND a.end_ns > $2"
                                " AND (a.start_ns, a.channel) > ($4, $5) ORDER BY a.start_ns, a.channel LIMIT $6",
                         "tiiiti", channel, from_ns, to_ns, last_ns, last_channel, (int64_t)PAGE);
        more = rc == UT_OK && PQntuples(page) == PAGE;
        for (int i = 0; rc == UT_OK && i < PQntuples(page); i++) {
            ut_airing airing;
            if ((rc = airing_read(page, i, &airing, err)) != UT_OK)
                break;
            last_ns = airing.start_ns;
            memcpy(last_channel, airing.channel, sizeof last_channel);
            rc = fn(arg, &airing);
            ut_airing_clear(&airing);
        }
        PQclear(page);
    }
    return rc;
}

ut_status ut_pg_airing_get(ut_store *store, int64_t id, ut_airing *out, ut_err *err)
{
    ut_postgres *self = (ut_postgres *)store;
    PGresult *result = NULL;
    ut_status rc = ut_pg_query(self, &result, NULL, err, AIRING " WHERE a.id = $1", "i", id);
    if (rc == UT_OK && PQntuples(result) == 0)
        rc = ut_fail(err, UT_E_NOTFOUND, "airing %" PRId64 ": not in store %s", id, self->name);
    if (rc == UT_OK)
        rc = airing_read(result, 0, out, err);
    PQclear(result);
    return rc;
}
