/* Programmes and their airings. */
#include <inttypes.h>
#include <string.h>

#include "db/sqlite.h"

#define AIRING_COLUMNS                                                                                                 \
    "a.id, a.channel, a.start_ns, a.end_ns, a.source, a.boundary, p.id, p.key, p.title, p.aka, p.episode,"             \
    " p.episode_aka, p.episode_no, p.production_no, p.category, p.version, p.company, p.crid"
enum { FIRST_STRING = 7 };

/* What an import does not know keeps its value. */
static ut_status programme_put(ut_sqlite *self, const ut_programme *p, int64_t *id, ut_err *err)
{
    ut_status rc = ut_sqlite_do(
        self, err,
        "INSERT INTO programme (key, title, aka, episode, episode_aka, episode_no, production_no, category, version,"
        " company, crid) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET"
        " title = excluded.title, aka = ifnull(excluded.aka, aka), episode = ifnull(excluded.episode, episode),"
        " episode_aka = ifnull(excluded.episode_aka, episode_aka), episode_no = ifnull(excluded.episode_no, episode_no),"
        " production_no = ifnull(excluded.production_no, production_no), category = ifnull(excluded.category, category),"
        " version = ifnull(excluded.version, version), company = ifnull(excluded.company, company),"
        " crid = ifnull(excluded.crid, crid)",
        "ttttttttttt", p->key, p->title, p->aka, p->episode, p->episode_aka, p->episode_no, p->production_no,
        p->category, p->version, p->company, p->crid);
    if (rc == UT_OK)
        rc = ut_sqlite_number(self, id, err, "SELECT id FROM programme WHERE key = ?", "t", p->key);
    return rc == UT_OK ? ut_sqlite_seal(self, "programme", *id, err) : rc;
}

static ut_status airing_insert(ut_sqlite *self, const ut_airing *airing, ut_err *err)
{
    int64_t programme_id = 0;
    ut_status rc = programme_put(self, &airing->programme, &programme_id, err);
    if (rc == UT_OK)
        rc = ut_sqlite_do(self, err,
                          "INSERT INTO airing (programme_id, channel, start_ns, end_ns, source, boundary)"
                          " VALUES (?, ?, ?, ?, ?, ?)",
                          "itiitt", programme_id, airing->channel, airing->start_ns, airing->end_ns,
                          ut_airing_source_name(airing->source), ut_boundary_name(airing->boundary));
    return rc == UT_OK ? ut_sqlite_seal(self, "airing", sqlite3_last_insert_rowid(self->db), err) : rc;
}

ut_status ut_sqlite_airing_change(ut_store *store, const int64_t *gone, size_t gone_count, const ut_airing *added,
                                  size_t added_count, const ut_airing *known, size_t known_count, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    ut_status rc = ut_sqlite_begin(self, err);
    if (rc != UT_OK)
        return rc;
    for (size_t i = 0; rc == UT_OK && i < gone_count; i++)
        rc = ut_sqlite_do(self, err, "DELETE FROM airing WHERE id = ?", "i", gone[i]);
    for (size_t i = 0; rc == UT_OK && i < added_count; i++)
        rc = airing_insert(self, &added[i], err);
    for (size_t i = 0; rc == UT_OK && i < known_count; i++) {
        int64_t id;
        rc = programme_put(self, &known[i].programme, &id, err);
    }
    return ut_sqlite_end(self, rc, err);
}

static ut_airing_source source_read(sqlite3_stmt *statement, int column)
{
    const char *name = (const char *)sqlite3_column_text(statement, column);
    ut_airing_source source = UT_FROM_MANUAL;
    while (name && source < UT_FROM_XMLTV && strcmp(name, ut_airing_source_name(source)) != 0)
        source++;
    return source;
}

static ut_boundary boundary_read(sqlite3_stmt *statement, int column)
{
    const char *name = (const char *)sqlite3_column_text(statement, column);
    ut_boundary boundary = UT_BOUNDARY_LOGGED;
    while (name && boundary < UT_BOUNDARY_GUESSED && strcmp(name, ut_boundary_name(boundary)) != 0)
        boundary++;
    return boundary;
}

/* From a row of AIRING_COLUMNS; to be cleared by the caller. */
static ut_status airing_read(sqlite3_stmt *statement, ut_airing *out, ut_err *err)
{
    ut_airing airing = {
        .id = sqlite3_column_int64(statement, 0),
        .start_ns = sqlite3_column_int64(statement, 2),
        .end_ns = sqlite3_column_int64(statement, 3),
        .source = source_read(statement, 4),
        .boundary = boundary_read(statement, 5),
        .programme.id = sqlite3_column_int64(statement, 6),
    };
    ut_sqlite_field(statement, 1, airing.channel, sizeof airing.channel);
    for (size_t i = 0; i < UT_PROGRAMME_STRINGS; i++) {
        ut_status rc = ut_sqlite_text(statement, FIRST_STRING + (int)i, ut_programme_string(&airing.programme, i), err);
        if (rc != UT_OK) {
            ut_airing_clear(&airing);
            return rc;
        }
    }
    *out = airing;
    return UT_OK;
}

ut_status ut_sqlite_airing_each(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_airing_fn fn,
                                void *arg, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    bool row = false;
    /* Without overlap only the last that begins before the range can reach into it. */
    const char *sql = channel
                          ? "SELECT " AIRING_COLUMNS " FROM airing a JOIN programme p ON p.id = a.programme_id"
                            " WHERE a.channel = ?1 AND a.start_ns < ?3 AND a.end_ns > ?2 AND a.start_ns >= ifnull("
                            "(SELECT max(start_ns) FROM airing WHERE channel = ?1 AND start_ns <= ?2), ?2)"
                            " ORDER BY a.start_ns"
                          : "SELECT " AIRING_COLUMNS " FROM airing a JOIN programme p ON p.id = a.programme_id"
                            " WHERE ?1 IS NULL AND a.start_ns < ?3 AND a.end_ns > ?2 ORDER BY a.start_ns, a.channel";
    ut_status rc = ut_sqlite_query(self, &statement, err, sql, "tii", channel, from_ns, to_ns);
    if (rc != UT_OK)
        return rc;
    while (rc == UT_OK && (rc = ut_sqlite_step(self, statement, &row, err)) == UT_OK && row) {
        ut_airing airing;
        if ((rc = airing_read(statement, &airing, err)) == UT_OK) {
            rc = fn(arg, &airing);
            ut_airing_clear(&airing);
        }
    }
    sqlite3_finalize(statement);
    return rc;
}

ut_status ut_sqlite_airing_get(ut_store *store, int64_t id, ut_airing *out, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    bool row = false;
    ut_status rc = ut_sqlite_query(
        self, &statement, err,
        "SELECT " AIRING_COLUMNS " FROM airing a JOIN programme p ON p.id = a.programme_id WHERE a.id = ?", "i", id);
    if (rc != UT_OK)
        return rc;
    rc = ut_sqlite_step(self, statement, &row, err);
    if (rc == UT_OK && row)
        rc = airing_read(statement, out, err);
    else if (rc == UT_OK)
        rc = ut_fail(err, UT_E_NOTFOUND, "airing %" PRId64 ": not in store %s", id, self->path);
    sqlite3_finalize(statement);
    return rc;
}
