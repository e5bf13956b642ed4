/* Events on their way out. */
#include "db/sqlite.h"

ut_status ut_sqlite_outbox_add(ut_sqlite *self, const ut_event *event, ut_err *err)
{
    ut_status rc = ut_sqlite_do(self, err, "INSERT INTO outbox (id, type, key, time_ns, json) VALUES (?, ?, ?, ?, ?)",
                                "tttit", event->id, event->type, event->key, event->time_ns, event->json);
    return rc == UT_OK ? ut_sqlite_seal(self, "outbox", sqlite3_last_insert_rowid(self->db), err) : rc;
}

static ut_status event_read(sqlite3_stmt *statement, ut_event *out, ut_err *err)
{
    ut_event event = {.seq = sqlite3_column_int64(statement, 0), .time_ns = sqlite3_column_int64(statement, 4)};
    ut_sqlite_field(statement, 1, event.id, sizeof event.id);
    ut_sqlite_field(statement, 2, event.type, sizeof event.type);
    ut_sqlite_field(statement, 3, event.key, sizeof event.key);
    ut_status rc = ut_sqlite_text(statement, 5, &event.json, err);
    if (rc == UT_OK)
        *out = event;
    return rc;
}

ut_status ut_sqlite_outbox_peek(ut_store *store, int64_t after, ut_event *events, size_t capacity, size_t *got,
                                ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    sqlite3_stmt *statement;
    size_t count = 0;
    bool row = false;
    ut_status rc = ut_sqlite_query(self, &statement, err,
                                   "SELECT seq, id, type, key, time_ns, json FROM outbox WHERE seq > ?"
                                   " ORDER BY seq LIMIT ?",
                                   "ii", after, (int64_t)capacity);
    if (rc != UT_OK)
        return rc;
    while (count < capacity && (rc = ut_sqlite_step(self, statement, &row, err)) == UT_OK && row) {
        if ((rc = event_read(statement, &events[count], err)) != UT_OK)
            break;
        count++;
    }
    sqlite3_finalize(statement);
    if (rc != UT_OK) {
        while (count > 0)
            ut_event_clear(&events[--count]);
        return rc;
    }
    *got = count;
    return UT_OK;
}

ut_status ut_sqlite_outbox_put(ut_store *store, const ut_event *events, size_t count, size_t *added, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    size_t news = 0;
    ut_status rc = ut_sqlite_begin(self, err);
    if (rc != UT_OK)
        return rc;
    for (size_t i = 0; rc == UT_OK && i < count; i++) {
        int64_t waits = 0;
        rc = ut_sqlite_number(self, &waits, err, "SELECT count(*) FROM outbox WHERE id = ?", "t", events[i].id);
        if (rc == UT_OK && !waits && (rc = ut_sqlite_outbox_add(self, &events[i], err)) == UT_OK)
            news++;
    }
    if ((rc = ut_sqlite_end(self, rc, err)) == UT_OK)
        *added = news;
    return rc;
}

ut_status ut_sqlite_outbox_ack(ut_store *store, const int64_t *seqs, size_t count, ut_err *err)
{
    ut_sqlite *self = (ut_sqlite *)store;
    ut_status rc = ut_sqlite_begin(self, err);
    if (rc != UT_OK)
        return rc;
    for (size_t i = 0; rc == UT_OK && i < count; i++)
        rc = ut_sqlite_do(self, err, "DELETE FROM outbox WHERE seq = ?", "i", seqs[i]);
    return ut_sqlite_end(self, rc, err);
}
