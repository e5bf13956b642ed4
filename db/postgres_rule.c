/* Review rules. */
#include <inttypes.h>

#include "db/postgres.h"

ut_status ut_pg_rule_put(ut_store *store, ut_rule *rule, ut_err *err)
{
    return ut_pg_number((ut_postgres *)store, &rule->id, err,
                        "INSERT INTO rule (kind, channel, recording_id, max_log10_e, who, why, added_ns)"
                        " VALUES ($1, $2, nullif($3, 0), $4, $5, $6, $7) RETURNING id",
                        "ttirtti", rule->ignore ? "ignore" : "approve", rule->channel, rule->recording_id,
                        rule->max_log10_e, rule->who, rule->why, rule->added_ns);
}

ut_status ut_pg_rule_remove(ut_store *store, int64_t id, const char *who, int64_t at_ns, ut_err *err)
{
    int64_t rows = 0;
    ut_status rc = ut_pg_query((ut_postgres *)store, NULL, &rows, err,
                               "UPDATE rule SET removed_ns = $1, removed_by = $2 WHERE id = $3 AND removed_ns = 0",
                               "iti", at_ns, who, id);
    return rc == UT_OK && rows == 0 ? ut_fail(err, UT_E_NOTFOUND, "rule %" PRId64 ": not in force", id) : rc;
}

ut_status ut_pg_rule_each(ut_store *store, ut_rule_fn fn, void *arg, ut_err *err)
{
    PGresult *result = NULL;
    ut_status rc = ut_pg_query((ut_postgres *)store, &result, NULL, err,
                               "SELECT id, kind = 'ignore', channel, recording_id, max_log10_e, who, why, added_ns,"
                               " removed_ns, removed_by FROM rule ORDER BY id",
                               "");
    for (int i = 0; rc == UT_OK && i < PQntuples(result); i++) {
        ut_rule rule = {.id = ut_pg_int(result, i, 0),
                        .ignore = ut_pg_int(result, i, 1) != 0,
                        .recording_id = ut_pg_int(result, i, 3),
                        .max_log10_e = ut_pg_real(result, i, 4),
                        .added_ns = ut_pg_int(result, i, 7),
                        .removed_ns = ut_pg_int(result, i, 8)};
        ut_pg_field(result, i, 2, rule.channel, sizeof rule.channel);
        ut_pg_field(result, i, 5, rule.who, sizeof rule.who);
        ut_pg_field(result, i, 6, rule.why, sizeof rule.why);
        ut_pg_field(result, i, 9, rule.removed_by, sizeof rule.removed_by);
        rc = fn(arg, &rule);
    }
    PQclear(result);
    return rc;
}
