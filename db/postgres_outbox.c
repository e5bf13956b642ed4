/* Events on their way out. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "db/postgres.h"

ut_status ut_pg_outbox_add(ut_postgres *self, const ut_event *event, ut_err *err)
{
    return ut_pg_query(self, NULL, NULL, err,
                       "INSERT INTO outbox (id, type, key, time_ns, json) VALUES ($1, $2, $3, $4, $5)", "tttit",
                       event->id, event->type, event->key, event->time_ns, event->json);
}

static ut_status event_read(const PGresult *result, int row, ut_event *out, ut_err *err)
{
    ut_event event = {.seq = ut_pg_int(result, row, 0), .time_ns = ut_pg_int(result, row, 4)};
    ut_pg_field(result, row, 1, event.id, sizeof event.id);
    ut_pg_field(result, row, 2, event.type, sizeof event.type);
    ut_pg_field(result, row, 3, event.key, sizeof event.key);
    ut_status rc = ut_pg_text(result, row, 5, &event.json, err);
    if (rc == UT_OK)
        *out = event;
    return rc;
}

ut_status ut_pg_outbox_peek(ut_store *store, int64_t after, ut_event *events, size_t capacity, size_t *got, ut_err *err)
{
    PGresult *result = NULL;
    size_t count = 0;
    ut_status rc = ut_pg_query((ut_postgres *)store, &result, NULL, err,
                               "SELECT seq, id, type, key, time_ns, json FROM outbox WHERE seq > $1"
                               " ORDER BY seq LIMIT $2",
                               "ii", after, (int64_t)capacity);
    while (rc == UT_OK && count < capacity && count < (size_t)PQntuples(result)) {
        if ((rc = event_read(result, (int)count, &events[count], err)) == UT_OK)
            count++;
    }
    PQclear(result);
    if (rc != UT_OK) {
        while (count > 0)
            ut_event_clear(&events[--count]);
        return rc;
    }
    *got = count;
    return UT_OK;
}

typedef struct {
    const ut_event *events;
    size_t count, added;
} putting;

static ut_status put_body(ut_postgres *self, void *arg, ut_err *err)
{
    putting *p = arg;
    ut_status rc = UT_OK;
    p->added = 0;
    for (size_t i = 0; rc == UT_OK && i < p->count; i++) {
        const ut_event *event = &p->events[i];
        int64_t rows = 0;
        rc = ut_pg_query(self, NULL, &rows, err,
                         "INSERT INTO outbox (id, type, key, time_ns, json) VALUES ($1, $2, $3, $4, $5)"
                         " ON CONFLICT (id) DO NOTHING",
                         "tttit", event->id, event->type, event->key, event->time_ns, event->json);
        p->added += rows > 0;
    }
    return rc;
}

ut_status ut_pg_outbox_put(ut_store *store, const ut_event *events, size_t count, size_t *added, ut_err *err)
{
    putting p = {events, count, 0};
    ut_status rc = ut_pg_transaction((ut_postgres *)store, put_body, &p, err);
    if (rc == UT_OK)
        *added = p.added;
    return rc;
}

ut_status ut_pg_outbox_ack(ut_store *store, const int64_t *seqs, size_t count, ut_err *err)
{
    enum { DIGITS = 21 };
    size_t size, at = 0;
    char *list = ut_mul_ok(count, DIGITS, &size) ? malloc(size + 3) : NULL;
    if (!list)
        return ut_fail(err, UT_E_NOMEM, "store: %zu acknowledgements", count);
    list[at++] = '{';
    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(list + at, size + 3 - at, "%s%" PRId64, i ? "," : "", seqs[i]);
    list[at++] = '}';
    list[at] = '\0';
    ut_status rc = ut_pg_query((ut_postgres *)store, NULL, NULL, err,
                               "DELETE FROM outbox WHERE seq = ANY ($1::bigint[])", "t", list);
    free(list);
    return rc;
}
