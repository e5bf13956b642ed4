/* Airplays: what was recognised, on air. */
#include <inttypes.h>
#include <string.h>

#include "db/postgres.h"

#define AIRPLAY_COLUMNS                                                                                                 \
    "id, channel, segment_id, start_ns, end_ns, outcome, witness, start_sample, end_sample, recording_id, ref_start_s," \
    " ref_end_s, time_scale, log10_e, score, music_lufs, speech_lufs, mix_lufs, engine_version, model_hash, params,"    \
    " catalogue_version, speech_share"

enum { PAGE = 4000 };

/* --- writing ---------------------------------------------------------------------------------- */

typedef struct {
    int64_t segment_id;
    const ut_airplay *airplays;
    const ut_event *events;
    size_t count;
    const ut_checkpoint *checkpoint;
    size_t added;
} putting;

static ut_status airplay_insert(ut_postgres *self, int64_t segment_id, const ut_airplay *air, int64_t *rows,
                                ut_err *err)
{
    const ut_identification *what = &air->what;
    ut_status rc =
        ut_pg_query(self, NULL, rows, err,
                    "INSERT INTO airplay (" AIRPLAY_COLUMNS
                    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, nullif($10, 0), $11, $12,"
                    " $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23) ON CONFLICT (id, start_ns) DO NOTHING",
                    "ttiiittiiirrrrrrrrtttir", air->id, air->channel, segment_id, air->start_ns, air->end_ns,
                    ut_outcome_name(what->outcome), ut_witness_name(what->witness), what->start_sample,
                    what->end_sample, what->recording_id, what->ref_start_s, what->ref_end_s, what->time_scale,
                    what->log10_e, what->score, what->music_lufs, what->speech_lufs, what->mix_lufs,
                    air->engine_version, air->model_hash, air->params, air->catalogue_version, what->speech_share);
    if (rc == UT_E_ARG)
        ut_err_prefix(err, "airplay %s", air->id);
    return rc;
}

ut_status ut_pg_airplay_add(ut_postgres *self, int64_t segment_id, const ut_airplay *air, const ut_event *event,
                            bool *is_new, ut_err *err)
{
    int64_t rows = 0;
    ut_status rc = airplay_insert(self, segment_id, air, &rows, err);
    if (rc != UT_OK)
        return rc;
    *is_new = rows > 0;
    if (!*is_new)
        return UT_OK;
    rc = ut_pg_outbox_add(self, event, err);
    return rc == UT_OK && air->trail ? ut_pg_trail_add(self, air, err) : rc;
}

static ut_status checkpoint_raise(ut_postgres *self, const putting *p, ut_err *err)
{
    int64_t rows = 0;
    ut_status rc = ut_pg_query(self, NULL, &rows, err,
                               "UPDATE segment SET resume_sample = greatest(resume_sample, $1), done = done OR $2"
                               " WHERE id = $3",
                               "ioi", p->checkpoint->resume_sample, (int)p->checkpoint->done, p->segment_id);
    if (rc == UT_OK && rows == 0)
        rc = ut_fail(err, UT_E_NOTFOUND, "segment %" PRId64 ": not in store %s", p->segment_id, self->name);
    return rc;
}

static ut_status airplay_body(ut_postgres *self, void *arg, ut_err *err)
{
    putting *p = arg;
    ut_status rc = ut_pg_fence(self, NULL, p->segment_id, err);
    p->added = 0;
    for (size_t i = 0; rc == UT_OK && i < p->count; i++) {
        bool is_new = false;
        rc = ut_pg_airplay_add(self, p->segment_id, &p->airplays[i], &p->events[i], &is_new, err);
        p->added += is_new;
    }
    return rc == UT_OK && p->checkpoint ? checkpoint_raise(self, p, err) : rc;
}

ut_status ut_pg_airplay_put(ut_store *store, int64_t segment_id, const ut_airplay *airplays, const ut_event *events,
                            size_t count, const ut_checkpoint *checkpoint, size_t *added, ut_err *err)
{
    ut_postgres *self = (ut_postgres *)store;
    putting p = {segment_id, airplays, events, count, checkpoint, 0};
    ut_status rc = UT_OK;
    for (int tries = 0; tries < 2; tries++) {
        for (size_t i = 0; rc == UT_OK && i < count; i++)
            rc = ut_pg_month(self, "airplay", airplays[i].start_ns, err);
        if (rc == UT_OK)
            rc = ut_pg_transaction(self, airplay_body, &p, err);
        if (rc == UT_OK || !self->no_month)
            break;
        rc = UT_OK;
    }
    if (rc == UT_OK)
        *added = p.added;
    return rc;
}

/* --- reading ---------------------------------------------------------------------------------- */

static ut_outcome outcome_read(const char *name)
{
    for (ut_outcome outcome = UT_IDENTIFIED; outcome < UT_UNIDENTIFIED; outcome++) {
        if (strcmp(name, ut_outcome_name(outcome)) == 0)
            return outcome;
    }
    return UT_UNIDENTIFIED;
}

static ut_witness witness_read(const char *name)
{
    for (ut_witness witness = UT_WITNESS_MIX; witness <= UT_WITNESS_BOTH; witness++) {
        if (strcmp(name, ut_witness_name(witness)) == 0)
            return witness;
    }
    return UT_WITNESS_NONE;
}

static ut_review review_read(const char *name)
{
    for (ut_review review = UT_REVIEW_FINAL; review <= UT_REVIEW_REJECTED; review++) {
        if (strcmp(name, ut_review_name(review)) == 0)
            return review;
    }
    return UT_REVIEW_FINAL;
}

ut_airplay ut_pg_airplay_read(const PGresult *r, int row, int at)
{
    ut_airplay air = {
        .segment_id = ut_pg_int(r, row, at + 2),
        .start_ns = ut_pg_int(r, row, at + 3),
        .end_ns = ut_pg_int(r, row, at + 4),
        .what = {.outcome = outcome_read(PQgetvalue(r, row, at + 5)),
                 .witness = witness_read(PQgetvalue(r, row, at + 6)),
                 .start_sample = ut_pg_int(r, row, at + 7),
                 .end_sample = ut_pg_int(r, row, at + 8),
                 .recording_id = ut_pg_int(r, row, at + 9),
                 .ref_start_s = ut_pg_real(r, row, at + 10),
                 .ref_end_s = ut_pg_real(r, row, at + 11),
                 .time_scale = ut_pg_real(r, row, at + 12),
                 .log10_e = ut_pg_real(r, row, at + 13),
                 .score = ut_pg_real(r, row, at + 14),
                 .music_lufs = ut_pg_real(r, row, at + 15),
                 .speech_lufs = ut_pg_real(r, row, at + 16),
                 .mix_lufs = ut_pg_real(r, row, at + 17),
                 .speech_share = ut_pg_real(r, row, at + 25)},
        .catalogue_version = ut_pg_int(r, row, at + 21),
        .revision = ut_pg_int(r, row, at + 22),
        .review = review_read(PQgetvalue(r, row, at + 23)),
    };
    ut_pg_field(r, row, at, air.id, sizeof air.id);
    ut_pg_field(r, row, at + 1, air.channel, sizeof air.channel);
    ut_pg_field(r, row, at + 18, air.engine_version, sizeof air.engine_version);
    ut_pg_field(r, row, at + 19, air.model_hash, sizeof air.model_hash);
    ut_pg_field(r, row, at + 20, air.params, sizeof air.params);
    ut_pg_field(r, row, at + 24, air.usage_code, sizeof air.usage_code);
    return air;
}

/* A stretch that overlaps began at most the longest stretch before: that says which months need no look. */
static ut_status earliest_get(ut_postgres *self, const char *channel, int64_t from_ns, int64_t *out, ut_err *err)
{
    int64_t longest_ns = 0;
    ut_status rc = channel ? ut_pg_number(self, &longest_ns, err,
                                          "SELECT coalesce(max(end_ns - start_ns), 0) FROM airplay WHERE channel = $1",
                                          "t", channel)
                           : ut_pg_number(self, &longest_ns, err,
                                          "SELECT coalesce(max(longest), 0) FROM (SELECT DISTINCT channel FROM segment)"
                                          " AS c, LATERAL (SELECT max(end_ns - start_ns) AS longest FROM airplay"
                                          " WHERE airplay.channel = c.channel) AS l",
                                          "");
    if (rc == UT_OK && __builtin_sub_overflow(from_ns, longest_ns, out))
        *out = INT64_MIN;
    return rc;
}

/* What a page walks over; a revision may have moved one into the range. $1 channel, $2 from, $3 to, $4 earliest, $5 $6
 * $7 the last one before, $8 with the rejected, $9 how many. */
#define OF_CHANNEL                                                                                                     \
    "(SELECT id, start_ns FROM airplay WHERE channel = $1 AND start_ns < $3 AND start_ns >= $4 AND end_ns > $2"        \
    " UNION SELECT airplay_id, airplay_start_ns FROM revision WHERE channel = $1 AND start_ns < $3 AND end_ns > $2) c" \
    " JOIN airplay a ON a.id = c.id AND a.start_ns = c.start_ns"
#define OF_ALL                                                                                                         \
    "(SELECT id, start_ns FROM airplay WHERE $1::text IS NULL AND start_ns < $3 AND start_ns >= $4 AND end_ns > $2"    \
    " UNION SELECT airplay_id, airplay_start_ns FROM revision WHERE start_ns < $3 AND end_ns > $2) c"                  \
    " JOIN airplay a ON a.id = c.id AND a.start_ns = c.start_ns"
#define PAGE_OF(candidates)                                                                                            \
    "SELECT * FROM (SELECT " UT_PG_NOW_COLUMNS " FROM " candidates UT_PG_NOW_JOIN                                      \
    " WHERE $8 OR coalesce(r.review, '') <> 'rejected') AS n"                                                          \
    " WHERE now_start < $3 AND now_end > $2 AND (now_start, channel, id) > ($5, $6, $7)"                               \
    " ORDER BY now_start, channel, id LIMIT $9"

static ut_status airplay_walk(ut_postgres *self, const char *channel, int64_t from_ns, int64_t to_ns, bool rejected,
                              ut_airplay_fn fn, void *arg, ut_err *err)
{
    ut_airplay air = {.start_ns = INT64_MIN};
    int64_t earliest_ns = 0;
    bool more = true;
    ut_status rc = earliest_get(self, channel, from_ns, &earliest_ns, err);
    while (rc == UT_OK && more) {
        PGresult *page = NULL;
        rc = ut_pg_query(self, &page, NULL, err, channel ? PAGE_OF(OF_CHANNEL) : PAGE_OF(OF_ALL), "tiiiittoi", channel,
                         from_ns, to_ns, earliest_ns, air.start_ns, air.channel, air.id, (int)rejected, (int64_t)PAGE);
        more = rc == UT_OK && PQntuples(page) == PAGE;
        for (int i = 0; rc == UT_OK && i < PQntuples(page); i++) {
            air = ut_pg_airplay_read(page, i, 0);
            rc = fn(arg, &air);
        }
        PQclear(page);
    }
    return rc;
}

ut_status ut_pg_airplay_each(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_airplay_fn fn,
                             void *arg, ut_err *err)
{
    return airplay_walk((ut_postgres *)store, channel, from_ns, to_ns, false, fn, arg, err);
}

ut_status ut_pg_review_each(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_airplay_fn fn,
                            void *arg, ut_err *err)
{
    return airplay_walk((ut_postgres *)store, channel, from_ns, to_ns, true, fn, arg, err);
}

ut_status ut_pg_airplay_get(ut_store *store, const char *id, ut_airplay *out, ut_err *err)
{
    ut_postgres *self = (ut_postgres *)store;
    PGresult *result = NULL;
    ut_status rc =
        ut_pg_query(self, &result, NULL, err,
                    "SELECT " UT_PG_NOW_COLUMNS " FROM airplay a" UT_PG_NOW_JOIN " WHERE a.id = $1", "t", id);
    if (rc == UT_OK && PQntuples(result) > 0)
        *out = ut_pg_airplay_read(result, 0, 0);
    else if (rc == UT_OK)
        rc = ut_fail(err, UT_E_NOTFOUND, "cue %s: not in store %s", id, self->name);
    PQclear(result);
    return rc;
}
