/* Recordings and their parties. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "db/postgres.h"

#define RECORDING_COLUMNS                                                                                              \
    "id, audio_sha256, file, title, artist, album, isrc, label, library, catalogue_no, work, iswc, duration_ms,"       \
    " added_ns"
#define PARTY_COLUMNS "recording_id, name, ipi, society, role, share"

enum { PAGE = 500 };

/* --- reading ---------------------------------------------------------------------------------- */

static bool role_parse(const char *name, ut_role *out)
{
    for (ut_role role = UT_ROLE_COMPOSER; role <= UT_ROLE_SUBPUBLISHER; role++) {
        if (strcmp(name, ut_role_name(role)) == 0) {
            *out = role;
            return true;
        }
    }
    return false;
}

/* From a row of PARTY_COLUMNS. Half read after a failure: the caller clears the recording. */
static ut_status party_read(const PGresult *result, int row, ut_party *out, ut_err *err)
{
    char role[16];
    *out = (ut_party){.share = ut_pg_real(result, row, 5)};
    ut_pg_field(result, row, 4, role, sizeof role);
    ut_status rc = ut_pg_text(result, row, 1, &out->name, err);
    if (rc == UT_OK)
        rc = ut_pg_text(result, row, 2, &out->ipi, err);
    if (rc == UT_OK)
        rc = ut_pg_text(result, row, 3, &out->society, err);
    if (rc == UT_OK && (!out->name || !role_parse(role, &out->role)))
        rc = ut_fail(err, UT_E_CORRUPT, "store: damaged party, role \"%s\"", role);
    return rc;
}

/* Takes the parties of rec from the rows at *row on, which are sorted by recording. */
static ut_status parties_take(const PGresult *result, int *row, ut_recording *rec, ut_err *err)
{
    int first = *row, count = 0;
    while (first < PQntuples(result) && ut_pg_int(result, first, 0) < rec->id)
        first++;
    while (first + count < PQntuples(result) && ut_pg_int(result, first + count, 0) == rec->id)
        count++;
    *row = first + count;
    if (count == 0)
        return UT_OK;
    if (!(rec->parties = calloc((size_t)count, sizeof *rec->parties)))
        return ut_fail(err, UT_E_NOMEM, "recording %" PRId64 ": %d parties", rec->id, count);
    ut_status rc = UT_OK;
    for (int i = 0; rc == UT_OK && i < count; i++)
        rc = party_read(result, first + i, &rec->parties[rec->party_count++], err);
    return rc;
}

/* From a row of RECORDING_COLUMNS, without its parties. */
static ut_status recording_read(const PGresult *result, int row, ut_recording *out, ut_err *err)
{
    ut_recording rec = {
        .id = ut_pg_int(result, row, 0),
        .duration_ms = ut_pg_int(result, row, 12),
        .added_ns = ut_pg_int(result, row, 13),
    };
    char **const texts[] = {&rec.file,  &rec.title,   &rec.artist,       &rec.album, &rec.isrc,
                            &rec.label, &rec.library, &rec.catalogue_no, &rec.work,  &rec.iswc};
    ut_status rc = UT_OK;
    ut_pg_field(result, row, 1, rec.audio_sha256, sizeof rec.audio_sha256);
    for (int i = 0; rc == UT_OK && i < (int)(sizeof texts / sizeof *texts); i++)
        rc = ut_pg_text(result, row, 2 + i, texts[i], err);
    if (rc == UT_OK)
        *out = rec;
    else
        ut_recording_clear(&rec);
    return rc;
}

static ut_status parties_query(ut_postgres *self, int64_t first, int64_t last, PGresult **out, ut_err *err)
{
    return ut_pg_query(self, out, NULL, err,
                       "SELECT " PARTY_COLUMNS " FROM party WHERE recording_id BETWEEN $1 AND $2"
                       " ORDER BY recording_id, position",
                       "ii", first, last);
}

ut_status ut_pg_recording_get(ut_store *store, int64_t id, ut_recording *out, ut_err *err)
{
    ut_postgres *self = (ut_postgres *)store;
    PGresult *result = NULL, *parties = NULL;
    ut_recording rec = {0};
    int row = 0;
    ut_status rc =
        ut_pg_query(self, &result, NULL, err, "SELECT " RECORDING_COLUMNS " FROM recording WHERE id = $1", "i", id);
    if (rc == UT_OK && PQntuples(result) == 0)
        rc = ut_fail(err, UT_E_NOTFOUND, "recording %" PRId64 ": not in store %s", id, self->name);
    if (rc == UT_OK)
        rc = recording_read(result, 0, &rec, err);
    if (rc == UT_OK)
        rc = parties_query(self, id, id, &parties, err);
    if (rc == UT_OK)
        rc = parties_take(parties, &row, &rec, err);
    PQclear(result);
    PQclear(parties);
    if (rc == UT_OK)
        *out = rec;
    else
        ut_recording_clear(&rec);
    return rc;
}

static ut_status page_walk(ut_postgres *self, const PGresult *page, int64_t *last, ut_recording_fn fn, void *arg,
                           ut_err *err)
{
    int count = PQntuples(page), row = 0;
    PGresult *parties = NULL;
    *last = ut_pg_int(page, count - 1, 0);
    ut_status rc = parties_query(self, ut_pg_int(page, 0, 0), *last, &parties, err);
    for (int i = 0; rc == UT_OK && i < count; i++) {
        ut_recording rec;
        if ((rc = recording_read(page, i, &rec, err)) != UT_OK)
            break;
        if ((rc = parties_take(parties, &row, &rec, err)) == UT_OK)
            rc = fn(arg, &rec);
        ut_recording_clear(&rec);
    }
    PQclear(parties);
    return rc;
}

ut_status ut_pg_recording_each(ut_store *store, ut_recording_fn fn, void *arg, ut_err *err)
{
    ut_postgres *self = (ut_postgres *)store;
    int64_t last = INT64_MIN;
    bool more = true;
    ut_status rc = UT_OK;
    while (rc == UT_OK && more) {
        PGresult *page = NULL;
        rc = ut_pg_query(self, &page, NULL, err,
                         "SELECT " RECORDING_COLUMNS " FROM recording WHERE id > $1 AND removed_ns = 0"
                         " ORDER BY id LIMIT $2",
                         "ii", last, (int64_t)PAGE);
        if (rc == UT_OK && (more = PQntuples(page) > 0))
            rc = page_walk(self, page, &last, fn, arg, err);
        PQclear(page);
    }
    return rc;
}

ut_status ut_pg_recording_find(ut_store *store, const char *audio_sha256, int64_t *id, ut_err *err)
{
    return ut_pg_number((ut_postgres *)store, id, err, "SELECT id FROM recording WHERE audio_sha256 = $1", "t",
                        audio_sha256);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Locks the recording, if it is there. */
static ut_status known_read(ut_postgres *self, ut_pg_putting *p, ut_err *err)
{
    PGresult *result = NULL;
    ut_status rc = ut_pg_query(self, &result, NULL, err,
                               "SELECT id, removed_ns FROM recording WHERE audio_sha256 = $1 FOR NO KEY UPDATE", "t",
                               p->rec->audio_sha256);
    if (rc == UT_OK && (p->known = PQntuples(result) > 0)) {
        p->id = ut_pg_int(result, 0, 0);
        p->removed_ns = ut_pg_int(result, 0, 1);
    }
    PQclear(result);
    return rc;
}

static ut_status recording_insert(ut_postgres *self, ut_pg_putting *p, ut_err *err)
{
    const ut_recording *rec = p->rec;
    PGresult *result = NULL;
    if (!rec->title || !*rec->title)
        return ut_fail(err, UT_E_ARG, "recording %s: no title", rec->file ? rec->file : rec->audio_sha256);
    ut_status rc =
        ut_pg_query(self, &result, NULL, err,
                    "INSERT INTO recording (audio_sha256, file, title, artist, album, isrc, label, library,"
                    " catalogue_no, work, iswc, duration_ms, added_ns)"
                    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
                    " ON CONFLICT (audio_sha256) DO NOTHING RETURNING id",
                    "tttttttttttii", rec->audio_sha256, rec->file, rec->title, rec->artist, rec->album, rec->isrc,
                    rec->label, rec->library, rec->catalogue_no, rec->work, rec->iswc, rec->duration_ms, rec->added_ns);
    if (rc == UT_OK && PQntuples(result) > 0) {
        p->id = ut_pg_int(result, 0, 0);
        p->changed = true;
    } else if (rc == UT_OK) {
        rc = known_read(self, p, err); /* somebody else was faster */
    }
    PQclear(result);
    return rc;
}

/* Also brings a removed recording back, as one added now. */
static ut_status recording_update(ut_postgres *self, ut_pg_putting *p, ut_err *err)
{
    const ut_recording *rec = p->rec;
    int64_t rows = 0;
    ut_status rc = ut_pg_query(
        self, NULL, &rows, err,
        "UPDATE recording SET file = coalesce($1, file), title = coalesce(nullif($2, ''), title),"
        " artist = coalesce($3, artist), album = coalesce($4, album), isrc = coalesce($5, isrc),"
        " label = coalesce($6, label), library = coalesce($7, library), catalogue_no = coalesce($8, catalogue_no),"
        " work = coalesce($9, work), iswc = coalesce($10, iswc),"
        " added_ns = CASE removed_ns WHEN 0 THEN added_ns ELSE $11 END, removed_ns = 0"
        " WHERE id = $12 AND (removed_ns <> 0 OR (file, title, artist, album, isrc, label, library, catalogue_no, work,"
        " iswc) IS DISTINCT FROM (coalesce($1, file), coalesce(nullif($2, ''), title), coalesce($3, artist),"
        " coalesce($4, album), coalesce($5, isrc), coalesce($6, label), coalesce($7, library),"
        " coalesce($8, catalogue_no), coalesce($9, work), coalesce($10, iswc)))",
        "ttttttttttii", rec->file, rec->title, rec->artist, rec->album, rec->isrc, rec->label, rec->library,
        rec->catalogue_no, rec->work, rec->iswc, rec->added_ns, p->id);
    p->changed |= rows > 0;
    return rc;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_parties(const ut_recording *a, const ut_recording *b)
{
    bool same = a->party_count == b->party_count;
    for (size_t i = 0; same && i < a->party_count; i++) {
        const ut_party *x = &a->parties[i], *y = &b->parties[i];
        same = same_text(x->name, y->name) && same_text(x->ipi, y->ipi) && same_text(x->society, y->society) &&
               x->role == y->role && (x->share == y->share || (isnan(x->share) && isnan(y->share)));
    }
    return same;
}

static ut_status parties_replace(ut_postgres *self, const ut_pg_putting *p, ut_err *err)
{
    ut_status rc = ut_pg_query(self, NULL, NULL, err, "DELETE FROM party WHERE recording_id = $1", "i", p->id);
    for (size_t i = 0; rc == UT_OK && i < p->rec->party_count; i++) {
        const ut_party *party = &p->rec->parties[i];
        rc = ut_pg_query(self, NULL, NULL, err,
                         "INSERT INTO party (recording_id, position, name, ipi, society, role, share)"
                         " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                         "iittttr", p->id, (int64_t)i, party->name, party->ipi, party->society,
                         ut_role_name(party->role), party->share);
    }
    return rc;
}

static ut_status parties_put(ut_postgres *self, ut_pg_putting *p, ut_err *err)
{
    PGresult *result = NULL;
    ut_recording stored = {.id = p->id};
    int row = 0;
    if (p->rec->party_count == 0)
        return UT_OK;
    ut_status rc = parties_query(self, p->id, p->id, &result, err);
    if (rc == UT_OK)
        rc = parties_take(result, &row, &stored, err);
    if (rc == UT_OK && !same_parties(&stored, p->rec)) {
        p->changed = true;
        rc = parties_replace(self, p, err);
    }
    PQclear(result);
    ut_recording_clear(&stored);
    return rc;
}

static ut_status fingerprints_put(ut_postgres *self, ut_pg_putting *p, ut_err *err)
{
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < p->row_count; i++) {
        int64_t rows = 0;
        rc = ut_pg_query(self, NULL, &rows, err,
                         "INSERT INTO fingerprint (recording_id, params, data) VALUES ($1, $2, $3)"
                         " ON CONFLICT (params, recording_id) DO NOTHING",
                         "itb", p->id, p->rows[i].params, (const void *)p->rows[i].data, p->rows[i].size);
        p->grown |= rows > 0;
    }
    p->changed |= p->grown;
    return rc;
}

ut_status ut_pg_recording_write(ut_postgres *self, ut_pg_putting *p, ut_err *err)
{
    p->changed = p->grown = false;
    ut_status rc = known_read(self, p, err);
    if (rc == UT_OK && !p->known)
        rc = recording_insert(self, p, err);
    if (rc == UT_OK && p->known)
        rc = recording_update(self, p, err);
    if (rc == UT_OK)
        rc = parties_put(self, p, err);
    if (rc == UT_OK)
        rc = fingerprints_put(self, p, err);
    /* A second try may meet what the first one committed. */
    p->created |= rc == UT_OK && (!p->known || p->removed_ns != 0);
    return rc;
}

static ut_status put_body(ut_postgres *self, void *arg, ut_err *err)
{
    ut_pg_putting *p = arg;
    ut_status rc = ut_pg_recording_write(self, p, err);
    if (rc == UT_OK && p->changed)
        rc = ut_pg_catalogue_raise(self, err);
    return rc == UT_OK && p->grown ? ut_pg_growth_note(self, p->id, err) : rc;
}

ut_status ut_pg_recording_put(ut_store *store, ut_recording *rec, const ut_fingerprint_row *rows, size_t row_count,
                              bool *created, ut_err *err)
{
    ut_pg_putting p = {.rec = rec, .rows = rows, .row_count = row_count};
    ut_status rc = ut_pg_transaction((ut_postgres *)store, put_body, &p, err);
    if (rc != UT_OK)
        return rc;
    rec->id = p.id;
    *created = p.created;
    return UT_OK;
}
