/* Recordings and their parties. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "db/sqlite.h"

#define RECORDING_COLUMNS                                                                                              \
    "id, audio_sha256, file, title, artist, album, isrc, label, library, catalogue_no, work, iswc, duration_ms,"       \
    " added_ns"

/* --- reading --------------------------------------------------------------------------------- */

static bool role_parse(const char *name, ut_role *out)
{
    for (ut_role role = UT_ROLE_COMPOSER; role <= UT_ROLE_SUBPUBLISHER; role++) {
        if (name && strcmp(name, ut_role_name(role)) == 0) {
            *out = role;
            return true;
        }
    }
    return false;
}

static ut_status party_read(sqlite3_stmt *statement, ut_party *out, ut_err *err)
{
    ut_party party = {.share = ut_sqlite_real(statement, 4)};
    const char *role = (const char *)sqlite3_column_text(statement, 3);
    ut_status rc = ut_sqlite_text(statement, 0, &party.name, err);
    if (rc == UT_OK)
        rc = ut_sqlite_text(statement, 1, &party.ipi, err);
    if (rc == UT_OK)
        rc = ut_sqlite_text(statement, 2, &party.society, err);
    if (rc == UT_OK && (!party.name || !role_parse(role, &party.role)))
        rc = ut_fail(err, UT_E_CORRUPT, "store: damaged party, role \"%.20s\"", role ? role : "");
    *out = party; /* also half read: the caller clears the recording */
    return rc;
}

static ut_status parties_read(ut_sqlite *self, ut_recording *rec, ut_err *err)
{
    sqlite3_stmt *statement;
    size_t capacity = 0;
    bool row = false;
    ut_status rc = ut_sqlite_query(self, &statement, err,
                                   "SELECT name, ipi, society, role, share FROM party WHERE recording_id = ?"
                                   " ORDER BY position",
                                   "i", rec->id);
    if (rc != UT_OK)
        return rc;
    while ((rc = ut_sqlite_step(self, statement, &row, err)) == UT_OK && row) {
        if (rec->party_count == capacity) {
            capacity = capacity ? 2 * capacity : 4;
            ut_party *grown = reallocarray(rec->parties, capacity, sizeof *grown);
            if (!grown) {
                rc = ut_fail(err, UT_E_NOMEM, "recording %" PRId64 ": parties", rec->id);
                break;
            }
            rec->parties = grown;
        }
        if ((rc = party_read(statement, &rec->parties[rec->party_count++], err)) != UT_OK)
            break;
    }
    sqlite3_finalize(statement);
    return rc;
}

/* From a row of RECORDING_COLUMNS. */
static ut_status recording_read(ut_sqlite *self, sqlite3_stmt *statement, ut_recording *out, ut_err *err)
{
    ut_recording rec = {
        .id = sqlite3_column_int64(statement, 0),
        .duration_ms = sqlite3_column_int64(statement, 12),
        .added_ns = sqlite3_column_int64(statement, 13),
    };
    char **const texts[] = {&rec.file,  &rec.title,   &rec.artist,       &rec.album, &rec.isrc,
                            &rec.label, &rec.library, &rec.catalogue_no, &rec.work,  &rec.iswc};
    ut_status rc = UT_OK;
    ut_sqlite_field(statement, 1, rec.audio_sha256, sizeof rec.audio_sha256);
    for (int i = 0; rc == UT_OK && i < (int)(sizeof texts / sizeof *texts); i++)
        rc = ut_sqlite_text(statement, 2 + i, texts[i], err);
    if (rc == UT_OK && !rec.title)
        rc = ut_fail(err, UT_E_CORRUPT, "store %s: recording %" PRId64 " has no title", self->path, rec.id);
    if (rc == UT_OK)
        rc = parties_read(self, &rec, err);
    if (rc == UT_OK)
        *out = rec;
    else
        ut_recording_clear(&rec);
    return rc;
}

ut_status ut_sqlite_recording_get(ut_store *store, int64_t id, ut_recording *out, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    bool row = false;
    ut_status rc =
        ut_sqlite_query(self, &statement, err, "SELECT " RECORDING_COLUMNS " FROM recording WHERE id = ?", "i", id);
    if (rc != UT_OK)
        return rc;
    if ((rc = ut_sqlite_step(self, statement, &row, err)) == UT_OK)
        rc = row ? recording_read(self, statement, out, err)
                 : ut_fail(err, UT_E_NOTFOUND, "recording %" PRId64 ": not in store %s", id, self->path);
    sqlite3_finalize(statement);
    return rc;
}

ut_status ut_sqlite_recording_each(ut_store *store, ut_recording_fn fn, void *arg, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    bool row = false;
    ut_status rc = ut_sqlite_query(self, &statement, err,
                                   "SELECT " RECORDING_COLUMNS " FROM recording WHERE removed_ns = 0 ORDER BY id", "");
    if (rc != UT_OK)
        return rc;
    while (rc == UT_OK && (rc = ut_sqlite_step(self, statement, &row, err)) == UT_OK && row) {
        ut_recording rec;
        if ((rc = recording_read(self, statement, &rec, err)) != UT_OK)
            break;
        rc = fn(arg, &rec);
        ut_recording_clear(&rec);
    }
    sqlite3_finalize(statement);
    return rc;
}

ut_status ut_sqlite_recording_find(ut_store *store, const char *audio_sha256, int64_t *id, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    return ut_sqlite_number(self, id, err, "SELECT id FROM recording WHERE audio_sha256 = ?", "t", audio_sha256);
}

/* --- writing --------------------------------------------------------------------------------- */

/* A number that changes with what is stored of a recording: its rows' checksums. Enough to tell
 * whether the catalogue version must rise for a change of metadata; fingerprints are counted apart.
 */
static ut_status mark_get(ut_sqlite *self, int64_t id, int64_t *mark, ut_err *err)
{
    return ut_sqlite_number(self, mark, err,
                            "SELECT crc * 65537 + (SELECT ifnull(sum(crc), 0) FROM party WHERE recording_id = ?1)"
                            " FROM recording WHERE id = ?1",
                            "i", id);
}

static ut_status recording_insert(ut_sqlite *self, const ut_recording *rec, int64_t *id, ut_err *err)
{
    if (!rec->title || !*rec->title)
        return ut_fail(err, UT_E_ARG, "recording %s: no title", rec->file ? rec->file : rec->audio_sha256);
    ut_status rc = ut_sqlite_do(self, err,
                                "INSERT INTO recording (audio_sha256, file, title, artist, album, isrc, label, library,"
                                " catalogue_no, work, iswc, duration_ms, added_ns)"
                                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                "tttttttttttii", rec->audio_sha256, rec->file, rec->title, rec->artist, rec->album,
                                rec->isrc, rec->label, rec->library, rec->catalogue_no, rec->work, rec->iswc,
                                rec->duration_ms, rec->added_ns);
    if (rc == UT_OK)
        *id = sqlite3_last_insert_rowid(self->db);
    return rc;
}

/* Also brings a removed recording back, as one added now. */
static ut_status recording_update(ut_sqlite *self, const ut_recording *rec, int64_t id, ut_err *err)
{
    return ut_sqlite_do(self, err,
                        "UPDATE recording SET file = coalesce(?, file), title = coalesce(nullif(?, ''), title),"
                        " artist = coalesce(?, artist), album = coalesce(?, album), isrc = coalesce(?, isrc),"
                        " label = coalesce(?, label), library = coalesce(?, library),"
                        " catalogue_no = coalesce(?, catalogue_no), work = coalesce(?, work), iswc = coalesce(?, iswc),"
                        " added_ns = iif(removed_ns = 0, added_ns, ?), removed_ns = 0 WHERE id = ?",
                        "ttttttttttii", rec->file, rec->title, rec->artist, rec->album, rec->isrc, rec->label,
                        rec->library, rec->catalogue_no, rec->work, rec->iswc, rec->added_ns, id);
}

static ut_status parties_put(ut_sqlite *self, const ut_recording *rec, int64_t id, ut_err *err)
{
    if (rec->party_count == 0)
        return UT_OK;
    ut_status rc = ut_sqlite_do(self, err, "DELETE FROM party WHERE recording_id = ?", "i", id);
    for (size_t i = 0; rc == UT_OK && i < rec->party_count; i++) {
        const ut_party *party = &rec->parties[i];
        rc = ut_sqlite_do(self, err,
                          "INSERT INTO party (recording_id, position, name, ipi, society, role, share)"
                          " VALUES (?, ?, ?, ?, ?, ?, ?)",
                          "iittttr", id, (int64_t)i, party->name, party->ipi, party->society, ut_role_name(party->role),
                          party->share);
        if (rc == UT_OK)
            rc = ut_sqlite_seal(self, "party", sqlite3_last_insert_rowid(self->db), err);
    }
    return rc;
}

static ut_status fingerprints_put(ut_sqlite *self, int64_t id, const ut_fingerprint_row *rows, size_t row_count,
                                  int *added, ut_err *err)
{
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < row_count; i++) {
        rc = ut_sqlite_do(self, err,
                          "INSERT INTO fingerprint (recording_id, params, data) VALUES (?, ?, ?)"
                          " ON CONFLICT (params, recording_id) DO NOTHING",
                          "itb", id, rows[i].params, (const void *)rows[i].data, rows[i].size);
        if (rc != UT_OK || sqlite3_changes(self->db) == 0)
            continue;
        ++*added;
        rc = ut_sqlite_seal(self, "fingerprint", sqlite3_last_insert_rowid(self->db), err);
    }
    return rc;
}

/* The catalogue version, raised before, is the one that this recording can be recognised from. */
static ut_status growth_note(ut_sqlite *self, int64_t id, ut_err *err)
{
    int64_t rowid = 0;
    ut_status rc = ut_sqlite_do(self, err,
                                "INSERT INTO growth (recording_id, version) SELECT ?, version FROM catalogue WHERE true"
                                " ON CONFLICT (recording_id) DO UPDATE SET version = excluded.version",
                                "i", id);
    if (rc == UT_OK)
        rc = ut_sqlite_number(self, &rowid, err, "SELECT rowid FROM growth WHERE recording_id = ?", "i", id);
    return rc == UT_OK ? ut_sqlite_seal(self, "growth", rowid, err) : rc;
}

ut_status ut_sqlite_recording_write(ut_sqlite *self, const ut_recording *rec, const ut_fingerprint_row *rows,
                                    size_t row_count, int64_t *id, bool *created, ut_err *err)
{
    int64_t before = 0, after = 0, removed_ns = 0;
    int added = 0;
    ut_status rc = ut_sqlite_recording_find(&self->base, rec->audio_sha256, id, err);
    bool known = rc == UT_OK;
    if (known) {
        if ((rc = mark_get(self, *id, &before, err)) == UT_OK)
            rc = ut_sqlite_number(self, &removed_ns, err, "SELECT removed_ns FROM recording WHERE id = ?", "i", *id);
        if (rc == UT_OK)
            rc = recording_update(self, rec, *id, err);
    } else if (rc == UT_E_NOTFOUND) {
        rc = recording_insert(self, rec, id, err);
    }
    if (rc == UT_OK)
        rc = ut_sqlite_seal(self, "recording", *id, err);
    if (rc == UT_OK)
        rc = parties_put(self, rec, *id, err);
    if (rc == UT_OK)
        rc = fingerprints_put(self, *id, rows, row_count, &added, err);
    if (rc == UT_OK)
        rc = mark_get(self, *id, &after, err);
    if (rc == UT_OK && (!known || added || before != after))
        rc = ut_sqlite_catalogue_raise(self, err);
    if (rc == UT_OK && added)
        rc = growth_note(self, *id, err);
    *created = !known || removed_ns != 0;
    return rc;
}

ut_status ut_sqlite_recording_put(ut_store *store, ut_recording *rec, const ut_fingerprint_row *rows, size_t row_count,
                                  bool *created, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    int64_t id = 0;
    bool is_new = false;
    ut_status rc = ut_sqlite_begin(self, err);
    if (rc != UT_OK)
        return rc;
    rc = ut_sqlite_recording_write(self, rec, rows, row_count, &id, &is_new, err);
    if ((rc = ut_sqlite_end(self, rc, err)) != UT_OK)
        return rc;
    rec->id = id;
    *created = is_new;
    return UT_OK;
}
