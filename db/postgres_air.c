/* Segments, gaps and checkpoints. */
#include <inttypes.h>
#include <string.h>

#include "db/postgres.h"

enum { PAGE = 1000 };

/* --- segments --------------------------------------------------------------------------------- */

static ut_status segment_body(ut_postgres *self, void *arg, ut_err *err)
{
    ut_segment *segment = arg;
    ut_status rc = ut_pg_fence(self, segment->channel, 0, err);
    if (rc == UT_OK)
        rc = ut_pg_query(self, NULL, NULL, err,
                         "INSERT INTO segment (channel, source, start_ns, sample_count, time_source, uncertainty_ms)"
                         " SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS (SELECT 1 FROM segment"
                         " WHERE channel = $1 AND source = $2 AND start_ns = $3)"
                         " ON CONFLICT (channel, source, start_ns) DO NOTHING",
                         "ttiiti", segment->channel, segment->source, segment->start_ns, segment->sample_count,
                         segment->time_source, segment->uncertainty_ms);
    if (rc == UT_OK)
        rc = ut_pg_number(self, &segment->id, err,
                          "SELECT id FROM segment WHERE channel = $1 AND source = $2 AND start_ns = $3", "tti",
                          segment->channel, segment->source, segment->start_ns);
    return rc;
}

ut_status ut_pg_segment_put(ut_store *store, ut_segment *segment, ut_err *err)
{
    ut_segment work = *segment;
    ut_status rc = ut_pg_transaction((ut_postgres *)store, segment_body, &work, err);
    if (rc == UT_OK)
        segment->id = work.id;
    return rc;
}

static ut_status segment_missing(const ut_postgres *self, int64_t segment_id, ut_err *err)
{
    return ut_fail(err, UT_E_NOTFOUND, "segment %" PRId64 ": not in store %s", segment_id, self->name);
}

typedef struct {
    int64_t segment_id, sample_count;
} ending;

static ut_status end_body(ut_postgres *self, void *arg, ut_err *err)
{
    const ending *e = arg;
    int64_t rows = 0;
    ut_status rc = ut_pg_fence(self, NULL, e->segment_id, err);
    if (rc == UT_OK)
        rc = ut_pg_query(self, NULL, &rows, err, "UPDATE segment SET sample_count = $1 WHERE id = $2", "ii",
                         e->sample_count, e->segment_id);
    return rc == UT_OK && rows == 0 ? segment_missing(self, e->segment_id, err) : rc;
}

ut_status ut_pg_segment_end(ut_store *store, int64_t segment_id, int64_t sample_count, ut_err *err)
{
    ending e = {segment_id, sample_count};
    return ut_pg_transaction((ut_postgres *)store, end_body, &e, err);
}

ut_status ut_pg_checkpoint_get(ut_store *store, int64_t segment_id, ut_checkpoint *out, ut_err *err)
{
    ut_postgres *self = (ut_postgres *)store;
    PGresult *result = NULL;
    ut_status rc =
        ut_pg_query(self, &result, NULL, err, "SELECT resume_sample, done FROM segment WHERE id = $1", "i", segment_id);
    if (rc == UT_OK && PQntuples(result) == 0)
        rc = segment_missing(self, segment_id, err);
    else if (rc == UT_OK)
        *out = (ut_checkpoint){ut_pg_int(result, 0, 0), ut_pg_int(result, 0, 1) != 0};
    PQclear(result);
    return rc;
}

/* id, channel, source, start_ns, sample_count, time_source, uncertainty_ms */
static ut_segment segment_read(const PGresult *result, int row)
{
    ut_segment segment = {.id = ut_pg_int(result, row, 0),
                          .start_ns = ut_pg_int(result, row, 3),
                          .sample_count = ut_pg_int(result, row, 4),
                          .uncertainty_ms = ut_pg_int(result, row, 6)};
    ut_pg_field(result, row, 1, segment.channel, sizeof segment.channel);
    ut_pg_field(result, row, 2, segment.source, sizeof segment.source);
    ut_pg_field(result, row, 5, segment.time_source, sizeof segment.time_source);
    return segment;
}

ut_status ut_pg_segment_get(ut_store *store, int64_t segment_id, ut_segment *out, ut_err *err)
{
    ut_postgres *self = (ut_postgres *)store;
    PGresult *result = NULL;
    ut_status rc = ut_pg_query(
        self, &result, NULL, err,
        "SELECT id, channel, source, start_ns, sample_count, time_source, uncertainty_ms FROM segment WHERE id = $1",
        "i", segment_id);
    if (rc == UT_OK && PQntuples(result) == 0)
        rc = segment_missing(self, segment_id, err);
    else if (rc == UT_OK)
        *out = segment_read(result, 0);
    PQclear(result);
    return rc;
}

ut_status ut_pg_segment_each(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_segment_fn fn,
                             void *arg, ut_err *err)
{
    ut_postgres *self = (ut_postgres *)store;
    int64_t last_ns = INT64_MIN, last_id = INT64_MIN;
    bool more = true;
    ut_status rc = UT_OK;
    while (rc == UT_OK && more) {
        PGresult *page = NULL;
        rc = ut_pg_query(self, &page, NULL, err,
                         "SELECT id, channel, source, start_ns, sample_count, time_source, uncertainty_ms,"
                         " resume_sample, done FROM segment"
                         " WHERE channel = $1 AND start_ns < $3 AND greatest(sample_count, resume_sample) > 0"
                         " AND start_ns + greatest(sample_count, resume_sample) * $4 > $2"
                         " AND (start_ns, id) > ($5, $6) ORDER BY start_ns, id LIMIT $7",
                         "tiiiiii", channel, from_ns, to_ns, (int64_t)(1000000000 / UT_RATE_HZ), last_ns, last_id,
                         (int64_t)PAGE);
        more = rc == UT_OK && PQntuples(page) == PAGE;
        for (int i = 0; rc == UT_OK && i < PQntuples(page); i++) {
            ut_segment segment = segment_read(page, i);
            ut_checkpoint checkpoint = {ut_pg_int(page, i, 7), ut_pg_int(page, i, 8) != 0};
            last_id = segment.id;
            last_ns = segment.start_ns;
            rc = fn(arg, &segment, &checkpoint);
        }
        PQclear(page);
    }
    return rc;
}

ut_status ut_pg_captured_until(ut_store *store, const char *channel, int64_t *utc_ns, ut_err *err)
{
    int64_t until_ns = 0;
    ut_status rc = ut_pg_number((ut_postgres *)store, &until_ns, err,
                                "SELECT coalesce(max(until), -1) FROM ("
                                " SELECT max(start_ns + greatest(sample_count, resume_sample) * $1) AS until"
                                " FROM segment WHERE channel = $2 AND time_source <> 'given'"
                                " UNION ALL SELECT max(end_ns) FROM gap WHERE channel = $2) AS ends",
                                "it", (int64_t)(1000000000 / UT_RATE_HZ), channel);
    if (rc != UT_OK)
        return rc;
    if (until_ns < 0)
        return ut_fail(err, UT_E_NOTFOUND, "channel %s: never captured", channel);
    *utc_ns = until_ns;
    return UT_OK;
}

/* --- gaps ------------------------------------------------------------------------------------- */

typedef struct {
    const ut_gap *gap;
    const ut_event *event;
} gap_putting;

static ut_status gap_body(ut_postgres *self, void *arg, ut_err *err)
{
    const gap_putting *p = arg;
    int64_t rows = 0;
    ut_status rc = ut_pg_fence(self, p->gap->channel, 0, err);
    if (rc == UT_OK)
        rc = ut_pg_query(self, NULL, &rows, err,
                         "INSERT INTO gap (channel, start_ns, end_ns, reason) VALUES ($1, $2, $3, $4)"
                         " ON CONFLICT DO NOTHING",
                         "tiit", p->gap->channel, p->gap->start_ns, p->gap->end_ns, p->gap->reason);
    return rc == UT_OK && rows > 0 && p->event ? ut_pg_outbox_add(self, p->event, err) : rc;
}

ut_status ut_pg_gap_put(ut_store *store, const ut_gap *gap, const ut_event *event, ut_err *err)
{
    ut_postgres *self = (ut_postgres *)store;
    gap_putting p = {gap, event};
    ut_status rc = UT_OK;
    for (int tries = 0; tries < 2; tries++) {
        if ((rc = ut_pg_month(self, "gap", gap->start_ns, err)) == UT_OK)
            rc = ut_pg_transaction(self, gap_body, &p, err);
        if (rc == UT_OK || !self->no_month)
            break;
    }
    return rc;
}

ut_status ut_pg_gap_each(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_gap_fn fn, void *arg,
                         ut_err *err)
{
    ut_postgres *self = (ut_postgres *)store;
    ut_gap gap = {.start_ns = INT64_MIN, .end_ns = INT64_MIN};
    bool more = true;
    ut_status rc = UT_OK;
    while (rc == UT_OK && more) {
        PGresult *page = NULL;
        rc = ut_pg_query(self, &page, NULL, err,
                         "SELECT channel, start_ns, end_ns, reason FROM gap"
                         " WHERE channel = coalesce($1, channel) AND start_ns < $3 AND end_ns > $2"
                         " AND (start_ns, channel, end_ns, reason) > ($4, $5, $6, $7)"
                         " ORDER BY start_ns, channel, end_ns, reason LIMIT $8",
                         "tiiititi", channel, from_ns, to_ns, gap.start_ns, gap.channel, gap.end_ns, gap.reason,
                         (int64_t)PAGE);
        more = rc == UT_OK && PQntuples(page) == PAGE;
        for (int i = 0; rc == UT_OK && i < PQntuples(page); i++) {
            gap = (ut_gap){.start_ns = ut_pg_int(page, i, 1), .end_ns = ut_pg_int(page, i, 2)};
            ut_pg_field(page, i, 0, gap.channel, sizeof gap.channel);
            ut_pg_field(page, i, 3, gap.reason, sizeof gap.reason);
            rc = fn(arg, &gap);
        }
        PQclear(page);
    }
    return rc;
}
