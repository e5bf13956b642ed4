/* Revisions: written once, in order, and read as a history. */
#include <inttypes.h>
#include <string.h>

#include "db/postgres.h"

static ut_cause cause_read(const char *name)
{
    for (ut_cause cause = UT_CAUSE_PERSON; cause <= UT_CAUSE_REIDENTIFY; cause++) {
        if (strcmp(name, ut_cause_name(cause)) == 0)
            return cause;
    }
    return UT_CAUSE_PERSON;
}

ut_status ut_pg_revision_each(ut_store *store, const char *airplay_id, ut_revision_fn fn, void *arg, ut_err *err)
{
    enum { CAUSE = UT_PG_NOW_COUNT };
    ut_postgres *self = (ut_postgres *)store;
    PGresult *result = NULL;
    /* The airplay itself as the row without a revision, then each of its revisions. */
    ut_status rc =
        ut_pg_query(self, &result, NULL, err,
                    "SELECT " UT_PG_NOW_COLUMNS ", coalesce(r.cause, ''), coalesce(r.cause_id, 0), coalesce(r.who, ''),"
                    " coalesce(r.why, ''), coalesce(r.at_ns, 0) FROM airplay a CROSS JOIN LATERAL"
                    " (SELECT none.* FROM (SELECT) AS one LEFT JOIN revision none ON false"
                    " UNION ALL SELECT * FROM revision WHERE airplay_id = a.id) AS r"
                    " WHERE a.id = $1 ORDER BY coalesce(r.number, 1)",
                    "t", airplay_id);
    if (rc == UT_OK && PQntuples(result) == 0)
        rc = ut_fail(err, UT_E_NOTFOUND, "cue %s: not in store %s", airplay_id, self->name);
    for (int i = 0; rc == UT_OK && i < PQntuples(result); i++) {
        ut_revision revision = {
            .air = ut_pg_airplay_read(result, i, 0),
            .cause = cause_read(PQgetvalue(result, i, CAUSE)),
            .cause_id = ut_pg_int(result, i, CAUSE + 1),
            .at_ns = ut_pg_int(result, i, CAUSE + 4),
        };
        ut_pg_field(result, i, CAUSE + 2, revision.who, sizeof revision.who);
        ut_pg_field(result, i, CAUSE + 3, revision.why, sizeof revision.why);
        rc = fn(arg, &revision);
    }
    PQclear(result);
    return rc;
}

/* The last revision of an airplay and the start that is part of its key. */
static ut_status last_get(ut_postgres *self, const char *id, int64_t *start_ns, int64_t *last, ut_err *err)
{
    PGresult *result = NULL;
    ut_status rc = ut_pg_query(self, &result, NULL, err,
                               "SELECT start_ns, coalesce((SELECT max(number) FROM revision WHERE airplay_id = $1), 1)"
                               " FROM airplay WHERE id = $1",
                               "t", id);
    if (rc == UT_OK && PQntuples(result) == 0)
        rc = ut_fail(err, UT_E_NOTFOUND, "cue %s: not in store %s", id, self->name);
    if (rc == UT_OK) {
        *start_ns = ut_pg_int(result, 0, 0);
        *last = ut_pg_int(result, 0, 1);
    }
    PQclear(result);
    return rc;
}

static ut_status too_late(const ut_airplay *air, ut_err *err)
{
    return ut_fail(err, UT_E_BUSY, "cue %s: is at revision %" PRId64 " or later, changed by somebody else meanwhile",
                   air->id, air->revision);
}

static ut_status revision_add(ut_postgres *self, const ut_revision *revision, ut_err *err)
{
    const ut_airplay *air = &revision->air;
    const ut_identification *what = &air->what;
    int64_t start_ns = 0, last = 0;
    ut_status rc = last_get(self, air->id, &start_ns, &last, err);
    if (rc == UT_OK && last + 1 != air->revision)
        rc = too_late(air, err);
    if (rc != UT_OK)
        return rc;
    rc = ut_pg_query(
        self, NULL, NULL, err,
        "INSERT INTO revision (airplay_id, airplay_start_ns, number, channel, review, start_ns, end_ns, outcome, witness,"
        " start_sample, end_sample, recording_id, ref_start_s, ref_end_s, time_scale, log10_e, score, usage_code,"
        " catalogue_version, cause, cause_id, who, why, at_ns) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
        " nullif($12, 0), $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)",
        "tiittiittiiirrrrrtititti", air->id, start_ns, air->revision, air->channel, ut_review_name(air->review),
        air->start_ns, air->end_ns, ut_outcome_name(what->outcome), ut_witness_name(what->witness), what->start_sample,
        what->end_sample, what->recording_id, what->ref_start_s, what->ref_end_s, what->time_scale, what->log10_e,
        what->score, air->usage_code, air->catalogue_version, ut_cause_name(revision->cause), revision->cause_id,
        revision->who, revision->why, revision->at_ns);
    if (rc == UT_E_ARG && self->taken)
        return too_late(air, err);
    if (rc == UT_E_ARG)
        ut_err_prefix(err, "cue %s", air->id);
    return rc;
}

static ut_status change_body(ut_postgres *self, void *arg, ut_err *err)
{
    const ut_change *change = arg;
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < change->revision_count; i++) {
        rc = revision_add(self, &change->revisions[i], err);
        if (rc == UT_OK)
            rc = ut_pg_outbox_add(self, &change->revision_events[i], err);
        if (rc == UT_OK && change->review_events)
            rc = ut_pg_outbox_add(self, &change->review_events[i], err);
    }
    for (size_t i = 0; rc == UT_OK && i < change->airplay_count; i++) {
        bool is_new;
        const ut_airplay *air = &change->airplays[i];
        rc = ut_pg_airplay_add(self, air->segment_id, air, &change->airplay_events[i], &is_new, err);
    }
    if (rc == UT_OK)
        rc = ut_pg_trail_matched(self, change->matched, change->matched_count, change->matched_version, err);
    return rc;
}

ut_status ut_pg_change(ut_store *store, const ut_change *change, ut_err *err)
{
    ut_postgres *self = (ut_postgres *)store;
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < change->airplay_count; i++)
        rc = ut_pg_month(self, "airplay", change->airplays[i].start_ns, err);
    return rc == UT_OK ? ut_pg_transaction(self, change_body, (void *)change, err) : rc;
}
