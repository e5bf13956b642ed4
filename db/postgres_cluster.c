/* Airings of unknown tunes, and what they are. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "db/postgres.h"

enum { PAGE = 2000 };

typedef struct {
    ut_hearing *hearings; /* a copy: a second try begins anew */
    const ut_hearing *given;
    size_t count;
} putting;

static ut_status hearing_insert(ut_postgres *self, ut_hearing *hearing, ut_err *err)
{
    /* A founder refers to itself: its id is drawn first. */
    ut_status rc =
        ut_pg_number(self, &hearing->id, err, "SELECT nextval(pg_get_serial_sequence('undertone.hearing', 'id'))", "");
    if (rc != UT_OK)
        return rc;
    if (hearing->cluster_id == 0)
        hearing->cluster_id = hearing->id;
    return ut_pg_query(
        self, NULL, NULL, err,
        "INSERT INTO hearing (id, trail_id, cluster_id, from_sample, to_sample, ref_from, ref_to, log10_e)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        "iiiiiiir", hearing->id, hearing->trail_id, hearing->cluster_id, hearing->from_sample, hearing->to_sample,
        hearing->ref_from, hearing->ref_to, hearing->log10_e);
}

static ut_status put_body(ut_postgres *self, void *arg, ut_err *err)
{
    putting *p = arg;
    ut_status rc = UT_OK;
    memcpy(p->hearings, p->given, p->count * sizeof *p->hearings);
    for (size_t i = 0; i < p->count && rc == UT_OK; i++) {
        ut_hearing *hearing = &p->hearings[i];
        if (hearing->id)
            rc = ut_pg_query(self, NULL, NULL, err,
                             "UPDATE hearing SET from_sample = $1, to_sample = $2, ref_from = $3, ref_to = $4"
                             " WHERE id = $5",
                             "iiiii", hearing->from_sample, hearing->to_sample, hearing->ref_from, hearing->ref_to,
                             hearing->id);
        else
            rc = hearing_insert(self, hearing, err);
        if (rc == UT_OK && hearing->cluster_id == 0)
            hearing->cluster_id = hearing->id;
    }
    return rc;
}

ut_status ut_pg_hearing_put(ut_store *store, ut_hearing *hearings, size_t count, ut_err *err)
{
    ut_postgres *self = (ut_postgres *)store;
    putting p = {.hearings = calloc(count ? count : 1, sizeof *hearings), .given = hearings, .count = count};
    if (!p.hearings)
        return ut_fail(err, UT_E_NOMEM, "store %s: %zu hearings", self->name, count);
    ut_status rc = ut_pg_transaction(self, put_body, &p, err);
    if (rc == UT_OK)
        memcpy(hearings, p.hearings, count * sizeof *hearings);
    free(p.hearings);
    return rc;
}

ut_status ut_pg_hearing_each(ut_store *store, int64_t cluster_id, ut_hearing_fn fn, void *arg, ut_err *err)
{
    ut_postgres *self = (ut_postgres *)store;
    int64_t last = INT64_MIN;
    bool more = true;
    ut_status rc = UT_OK;
    while (rc == UT_OK && more) {
        PGresult *page = NULL;
        rc = ut_pg_query(self, &page, NULL, err,
                         "SELECT g.id, g.trail_id, g.cluster_id, g.from_sample, g.to_sample, g.ref_from, g.ref_to,"
                         " g.log10_e, t.airplay_id FROM hearing g JOIN trail t ON t.id = g.trail_id"
                         " WHERE g.cluster_id = coalesce(nullif($1, 0), g.cluster_id) AND g.id > $2"
                         " ORDER BY g.id LIMIT $3",
                         "iii", cluster_id, last, (int64_t)PAGE);
        more = rc == UT_OK && PQntuples(page) == PAGE;
        for (int i = 0; rc == UT_OK && i < PQntuples(page); i++) {
            ut_hearing hearing = {.id = last = ut_pg_int(page, i, 0),
                                  .trail_id = ut_pg_int(page, i, 1),
                                  .cluster_id = ut_pg_int(page, i, 2),
                                  .from_sample = ut_pg_int(page, i, 3),
                                  .to_sample = ut_pg_int(page, i, 4),
                                  .ref_from = ut_pg_int(page, i, 5),
                                  .ref_to = ut_pg_int(page, i, 6),
                                  .log10_e = ut_pg_real(page, i, 7)};
            ut_pg_field(page, i, 8, hearing.airplay_id, sizeof hearing.airplay_id);
            rc = fn(arg, &hearing);
        }
        PQclear(page);
    }
    return rc;
}

ut_status ut_pg_label_put(ut_store *store, int64_t cluster_id, int64_t recording_id, const char *who, int64_t at_ns,
                          ut_err *err)
{
    return ut_pg_query((ut_postgres *)store, NULL, NULL, err,
                       "INSERT INTO cluster_label (cluster_id, recording_id, who, at_ns) VALUES ($1, $2, $3, $4)"
                       " ON CONFLICT (cluster_id) DO UPDATE SET recording_id = excluded.recording_id,"
                       " who = excluded.who, at_ns = excluded.at_ns",
                       "iiti", cluster_id, recording_id, who, at_ns);
}

ut_status ut_pg_label_get(ut_store *store, int64_t cluster_id, int64_t *recording_id, ut_err *err)
{
    return ut_pg_number((ut_postgres *)store, recording_id, err,
                        "SELECT recording_id FROM cluster_label WHERE cluster_id = $1", "i", cluster_id);
}
