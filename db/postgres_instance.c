/* Leases and instances: several processes on one store, by the clock of the server. */
#include <stdlib.h>
#include <string.h>

#include "db/postgres.h"

#define NOW_NS "(extract(epoch FROM clock_timestamp()) * 1000000000)::bigint"

typedef struct {
    const char *name, *owner;
    int64_t for_ns;
    char holder[UT_OWNER_SIZE];
} taking;

static ut_status take_body(ut_postgres *self, void *arg, ut_err *err)
{
    taking *t = arg;
    PGresult *result = NULL;
    ut_status rc = ut_pg_query(self, NULL, NULL, err,
                               "INSERT INTO lease AS l (name, owner, until_ns) VALUES ($1, $2, " NOW_NS " + $3)"
                               " ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until_ns = excluded.until_ns"
                               " WHERE l.owner = excluded.owner OR l.until_ns <= " NOW_NS,
                               "tti", t->name, t->owner, t->for_ns);
    if (rc == UT_OK) /* the clock was set back: as if it had been renewed just now */
        rc = ut_pg_query(self, NULL, NULL, err,
                         "UPDATE lease SET until_ns = " NOW_NS " + $3 WHERE name = $1 AND owner <> $2"
                         " AND until_ns > " NOW_NS " + 2 * $3",
                         "tti", t->name, t->owner, t->for_ns);
    if (rc == UT_OK)
        rc = ut_pg_query(self, &result, NULL, err, "SELECT owner FROM lease WHERE name = $1", "t", t->name);
    t->holder[0] = '\0';
    if (rc == UT_OK && PQntuples(result) > 0)
        ut_pg_field(result, 0, 0, t->holder, sizeof t->holder);
    PQclear(result);
    return rc;
}

ut_status ut_pg_lease_take(ut_store *store, const char *name, const char *owner, double for_s, bool *held,
                           char holder[UT_OWNER_SIZE], ut_err *err)
{
    taking t = {.name = name, .owner = owner, .for_ns = (int64_t)(for_s * 1e9)};
    ut_status rc = ut_pg_transaction((ut_postgres *)store, take_body, &t, err);
    if (rc != UT_OK)
        return rc;
    *held = strcmp(t.holder, owner) == 0;
    memcpy(holder, t.holder, sizeof t.holder);
    return UT_OK;
}

ut_status ut_pg_lease_drop(ut_store *store, const char *name, const char *owner, ut_err *err)
{
    return ut_pg_query((ut_postgres *)store, NULL, NULL, err, "DELETE FROM lease WHERE name = $1 AND owner = $2", "tt",
                       name, owner);
}

ut_status ut_pg_fence(ut_postgres *self, const char *channel, int64_t segment_id, ut_err *err)
{
    PGresult *result = NULL;
    if (!self->base.owner[0])
        return UT_OK;
    ut_status rc = ut_pg_query(self, &result, NULL, err,
                               "SELECT owner FROM lease WHERE name = '" UT_LEASE_CHANNEL
                               "' || coalesce($1, (SELECT channel FROM segment WHERE id = $2)) FOR SHARE",
                               "ti", channel, segment_id);
    if (rc == UT_OK && PQntuples(result) > 0 && strcmp(PQgetvalue(result, 0, 0), self->base.owner) != 0)
        rc = ut_fail(err, UT_E_ARG, "store %s: another monitor has the channel: %s", self->name,
                     PQgetvalue(result, 0, 0));
    PQclear(result);
    return rc;
}

ut_status ut_pg_instance_put(ut_store *store, const ut_instance *instance, ut_err *err)
{
    return ut_pg_query((ut_postgres *)store, NULL, NULL, err,
                       "INSERT INTO instance (id, kind, host, pid, started_ns, beat_ns, state)"
                       " VALUES ($1, $2, $3, $4, $5, " NOW_NS ", $6)"
                       " ON CONFLICT (id) DO UPDATE SET beat_ns = excluded.beat_ns, state = excluded.state",
                       "tttiit", instance->id, instance->kind, instance->host, instance->pid, instance->started_ns,
                       instance->state);
}

ut_status ut_pg_instance_remove(ut_store *store, const char *id, ut_err *err)
{
    return ut_pg_query((ut_postgres *)store, NULL, NULL, err, "DELETE FROM instance WHERE id = $1", "t", id);
}

ut_status ut_pg_instance_each(ut_store *store, ut_instance_fn fn, void *arg, ut_err *err)
{
    PGresult *result = NULL;
    ut_status rc = ut_pg_query((ut_postgres *)store, &result, NULL, err,
                               "SELECT id, kind, host, pid, started_ns, " NOW_NS " - beat_ns, state FROM instance"
                               " ORDER BY started_ns, id",
                               "");
    for (int i = 0; rc == UT_OK && i < PQntuples(result); i++) {
        ut_instance instance = {.pid = ut_pg_int(result, i, 3),
                                .started_ns = ut_pg_int(result, i, 4),
                                .age_s = (double)ut_pg_int(result, i, 5) / 1e9};
        ut_pg_field(result, i, 0, instance.id, sizeof instance.id);
        ut_pg_field(result, i, 1, instance.kind, sizeof instance.kind);
        ut_pg_field(result, i, 2, instance.host, sizeof instance.host);
        if ((rc = ut_pg_text(result, i, 6, &instance.state, err)) == UT_OK)
            rc = fn(arg, &instance);
        free(instance.state);
    }
    PQclear(result);
    return rc;
}
