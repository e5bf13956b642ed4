/* A catalogue on the move: what another store needs of a recording, and many recordings at once. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "db/postgres_copy.h"

/* --- reading ---------------------------------------------------------------------------------- */

ut_status ut_pg_fingerprint_of(ut_store *store, int64_t recording_id, ut_fingerprint_row_fn fn, void *arg, ut_err *err)
{
    PGresult *result = NULL;
    ut_status rc =
        ut_pg_query((ut_postgres *)store, &result, NULL, err,
                    "SELECT params, data FROM fingerprint WHERE recording_id = $1 ORDER BY params", "i", recording_id);
    for (int i = 0; rc == UT_OK && i < PQntuples(result); i++) {
        const ut_fingerprint_row row = {PQgetvalue(result, i, 0), (const uint8_t *)PQgetvalue(result, i, 1),
                                        (size_t)PQgetlength(result, i, 1)};
        rc = fn(arg, &row);
    }
    PQclear(result);
    return rc;
}

ut_status ut_pg_source_each(ut_store *store, int64_t recording_id, ut_source_fn fn, void *arg, ut_err *err)
{
    PGresult *result = NULL;
    ut_status rc =
        ut_pg_query((ut_postgres *)store, &result, NULL, err,
                    "SELECT path, size, mtime_ns FROM source WHERE recording_id = $1 ORDER BY path", "i", recording_id);
    for (int i = 0; rc == UT_OK && i < PQntuples(result); i++) {
        const ut_source_row row = {PQgetvalue(result, i, 0), ut_pg_int(result, i, 1), ut_pg_int(result, i, 2)};
        rc = fn(arg, &row);
    }
    PQclear(result);
    return rc;
}

/* --- many at once ----------------------------------------------------------------------------- */

typedef struct {
    ut_load_item *items;
    size_t count;
    int64_t *ids;  /* of the store, one an item */
    bool *known;   /* was there before */
    bool *grown;   /* fingerprints come with it */
    bool *created; /* sticky: a second try may meet what the first one committed */
    bool changed;
} loading;

/* Which of them the store has already. */
static ut_status known_mark(ut_postgres *self, loading *l, ut_err *err)
{
    enum { EACH = 65 };
    PGresult *result = NULL;
    size_t size, at = 0;
    char *list = ut_mul_ok(l->count, EACH, &size) ? malloc(size + 3) : NULL;
    if (!list)
        return ut_fail(err, UT_E_NOMEM, "store %s: %zu recordings", self->name, l->count);
    for (size_t i = 0; i < l->count; i++) {
        list[at++] = i ? ',' : '{';
        memcpy(list + at, l->items[i].rec->audio_sha256, EACH - 1);
        at += EACH - 1;
    }
    memcpy(list + at, "}", 2);
    ut_status rc = ut_pg_query(self, &result, NULL, err,
                               "SELECT audio_sha256 FROM recording WHERE audio_sha256 = ANY ($1::text[])", "t", list);
    free(list);
    memset(l->known, 0, l->count * sizeof *l->known);
    for (int row = 0; rc == UT_OK && row < PQntuples(result); row++) {
        for (size_t i = 0; i < l->count; i++)
            l->known[i] |= strcmp(l->items[i].rec->audio_sha256, PQgetvalue(result, row, 0)) == 0;
    }
    PQclear(result);
    return rc;
}

static ut_status ids_reserve(ut_postgres *self, loading *l, ut_err *err)
{
    PGresult *result = NULL;
    int64_t wanted = 0;
    int row = 0;
    for (size_t i = 0; i < l->count; i++)
        wanted += !l->known[i];
    ut_status rc = ut_pg_query(self, &result, NULL, err,
                               "SELECT nextval(pg_get_serial_sequence('undertone.recording', 'id'))"
                               " FROM generate_series(1, $1)",
                               "i", wanted);
    for (size_t i = 0; rc == UT_OK && i < l->count; i++) {
        if (!l->known[i])
            l->ids[i] = ut_pg_int(result, row++, 0);
    }
    PQclear(result);
    return rc;
}

static ut_status recordings_copy(ut_postgres *self, const loading *l, ut_err *err)
{
    ut_pg_copy copy;
    ut_status rc =
        ut_pg_copy_begin(self,
                         "COPY recording (id, audio_sha256, file, title, artist, album, isrc, label, library,"
                         " catalogue_no, work, iswc, duration_ms, added_ns) FROM STDIN (FORMAT binary)",
                         &copy, err);
    if (rc != UT_OK)
        return rc;
    for (size_t i = 0; i < l->count; i++) {
        const ut_recording *rec = l->items[i].rec;
        if (l->known[i])
            continue;
        const char *const texts[] = {rec->audio_sha256, rec->file, rec->title, rec->artist,
                                     rec->album,        rec->isrc, rec->label, rec->library,
                                     rec->catalogue_no, rec->work, rec->iswc};
        ut_pg_copy_row(&copy, 14);
        ut_pg_copy_int(&copy, l->ids[i]);
        for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
            ut_pg_copy_text(&copy, texts[t]);
        ut_pg_copy_int(&copy, rec->duration_ms);
        ut_pg_copy_int(&copy, rec->added_ns);
    }
    return ut_pg_copy_end(&copy, err);
}

static ut_status parties_copy(ut_postgres *self, const loading *l, ut_err *err)
{
    ut_pg_copy copy;
    ut_status rc = ut_pg_copy_begin(self,
                                    "COPY party (recording_id, position, name, ipi, society, role, share)"
                                    " FROM STDIN (FORMAT binary)",
                                    &copy, err);
    if (rc != UT_OK)
        return rc;
    for (size_t i = 0; i < l->count; i++) {
        const ut_recording *rec = l->items[i].rec;
        for (size_t p = 0; !l->known[i] && p < rec->party_count; p++) {
            const ut_party *party = &rec->parties[p];
            ut_pg_copy_row(&copy, 7);
            ut_pg_copy_int(&copy, l->ids[i]);
            ut_pg_copy_int(&copy, (int64_t)p);
            ut_pg_copy_text(&copy, party->name);
            ut_pg_copy_text(&copy, party->ipi);
            ut_pg_copy_text(&copy, party->society);
            ut_pg_copy_text(&copy, ut_role_name(party->role));
            ut_pg_copy_real(&copy, party->share);
        }
    }
    return ut_pg_copy_end(&copy, err);
}

static ut_status fingerprints_copy(ut_postgres *self, const loading *l, ut_err *err)
{
    ut_pg_copy copy;
    ut_status rc =
        ut_pg_copy_begin(self, "COPY fingerprint (recording_id, params, data) FROM STDIN (FORMAT binary)", &copy, err);
    if (rc != UT_OK)
        return rc;
    for (size_t i = 0; i < l->count; i++) {
        const ut_load_item *item = &l->items[i];
        for (size_t r = 0; !l->known[i] && r < item->row_count; r++) {
            ut_pg_copy_row(&copy, 3);
            ut_pg_copy_int(&copy, l->ids[i]);
            ut_pg_copy_text(&copy, item->rows[r].params);
            ut_pg_copy_bytes(&copy, item->rows[r].data, item->rows[r].size);
        }
    }
    return ut_pg_copy_end(&copy, err);
}

static ut_status known_write(ut_postgres *self, loading *l, ut_err *err)
{
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < l->count; i++) {
        const ut_load_item *item = &l->items[i];
        l->created[i] |= !l->known[i];
        l->grown[i] = !l->known[i] && item->row_count > 0;
        if (!l->known[i])
            continue;
        ut_pg_putting p = {.rec = item->rec, .rows = item->rows, .row_count = item->row_count};
        rc = ut_pg_recording_write(self, &p, err);
        l->ids[i] = p.id;
        l->created[i] |= p.created;
        l->changed |= p.changed;
        l->grown[i] = p.grown;
    }
    return rc;
}

static ut_status sources_write(ut_postgres *self, const loading *l, ut_err *err)
{
    ut_status rc = UT_OK;
    for (size_t i = 0; i < l->count; i++) {
        for (size_t s = 0; rc == UT_OK && s < l->items[i].source_count; s++) {
            const ut_source_row *row = &l->items[i].sources[s];
            rc = ut_pg_source_put(&self->base, row->path, row->size, row->mtime_ns, l->ids[i], err);
        }
    }
    return rc;
}

static ut_status load_body(ut_postgres *self, void *arg, ut_err *err)
{
    loading *l = arg;
    bool news = false;
    ut_status rc = known_mark(self, l, err);
    for (size_t i = 0; i < l->count; i++)
        news |= !l->known[i];
    l->changed = news;
    if (rc == UT_OK && news)
        rc = ids_reserve(self, l, err);
    if (rc == UT_OK && news)
        rc = recordings_copy(self, l, err);
    if (rc == UT_OK && news)
        rc = parties_copy(self, l, err);
    if (rc == UT_OK && news)
        rc = fingerprints_copy(self, l, err);
    if (rc == UT_OK)
        rc = known_write(self, l, err);
    if (rc == UT_OK)
        rc = sources_write(self, l, err);
    if (rc == UT_OK && l->changed)
        rc = ut_pg_catalogue_raise(self, err);
    for (size_t i = 0; rc == UT_OK && i < l->count; i++) {
        if (l->grown[i])
            rc = ut_pg_growth_note(self, l->ids[i], err);
    }
    return rc;
}

ut_status ut_pg_recording_load(ut_store *store, ut_load_item *items, size_t count, ut_err *err)
{
    ut_postgres *self = (ut_postgres *)store;
    loading l = {.items = items, .count = count};
    l.ids = calloc(count, sizeof *l.ids);
    l.known = calloc(count, sizeof *l.known);
    l.grown = calloc(count, sizeof *l.grown);
    l.created = calloc(count, sizeof *l.created);
    ut_status rc = UT_E_NOMEM;
    if (!l.ids || !l.known || !l.grown || !l.created)
        ut_fail(err, rc, "store %s: %zu recordings", self->name, count);
    else
        rc = ut_pg_transaction(self, load_body, &l, err);
    /* Somebody else may have put one of them meanwhile; then it is known now. */
    if (rc == UT_E_ARG && self->taken)
        rc = ut_pg_transaction(self, load_body, &l, err);
    for (size_t i = 0; rc == UT_OK && i < count; i++) {
        items[i].rec->id = l.ids[i];
        items[i].created = l.created[i];
    }
    free(l.ids);
    free(l.known);
    free(l.grown);
    free(l.created);
    return rc;
}
