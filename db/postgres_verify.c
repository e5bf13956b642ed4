/* The integrity check, and the counts of a store. */
#include <inttypes.h>

#include "db/postgres.h"

/* A query that should give no row, but for damage: its first column is the number of what is damaged. */
static ut_status check_none(ut_postgres *self, const char *sql, const char *what, ut_err *err)
{
    int64_t id;
    ut_status rc = ut_pg_number(self, &id, err, sql, "");
    if (rc == UT_OK)
        return ut_fail(err, UT_E_CORRUPT, "store %s: %s %" PRId64, self->name, what, id);
    return rc == UT_E_NOTFOUND ? UT_OK : rc;
}

/* Foreign keys and checks hold by themselves. What is left: pages the server found damaged, bytes of fingerprints, and
 * recordings that could not be recognised. */
ut_status ut_pg_verify(ut_store *store, ut_err *err)
{
    ut_postgres *self = (ut_postgres *)store;
    /* Reads every page of every table, which the server compares with its checksums if it keeps any. */
    ut_status rc = ut_pg_query(
        self, NULL, NULL, err,
        "SELECT (SELECT count(*) FROM catalogue), (SELECT sum(length(title)) FROM recording),"
        " (SELECT sum(length(name)) FROM party), (SELECT count(*) FROM source), (SELECT sum(start_ns) FROM segment),"
        " (SELECT sum(start_ns) FROM gap), (SELECT sum(start_ns) FROM airplay), (SELECT sum(start_ns) FROM airing),"
        " (SELECT sum(length(title)) FROM programme), (SELECT sum(length(why)) FROM revision),"
        " (SELECT sum(length(data)) FROM trail), (SELECT sum(length(json)) FROM outbox)",
        "");
    if (rc == UT_OK)
        rc = check_none(self,
                        "SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()"
                        " AND checksum_failures > 0",
                        "pages that the server found damaged:", err);
    if (rc == UT_OK)
        rc = check_none(self, "SELECT recording_id FROM fingerprint WHERE digest <> sha256(data) LIMIT 1",
                        "damaged fingerprint of recording", err);
    if (rc == UT_OK)
        rc = check_none(self,
                        "SELECT id FROM recording WHERE removed_ns = 0"
                        " AND NOT EXISTS (SELECT 1 FROM fingerprint WHERE recording_id = id) LIMIT 1",
                        "no fingerprint of recording", err);
    return rc;
}

ut_status ut_pg_describe(ut_store *store, ut_store_stats *out, ut_err *err)
{
    PGresult *result = NULL;
    /* One statement, so that the counts are of one moment. */
    ut_status rc = ut_pg_query((ut_postgres *)store, &result, NULL, err,
                               "SELECT (SELECT count(*) FROM recording WHERE removed_ns = 0),"
                               " (SELECT count(*) FROM fingerprint),"
                               " (SELECT coalesce(sum(octet_length(data)), 0)::bigint FROM fingerprint),"
                               " (SELECT version FROM catalogue), (SELECT count(*) FROM airplay),"
                               " (SELECT count(*) FROM outbox), (SELECT count(*) FROM gap),"
                               " (SELECT count(*) FROM segment), (SELECT count(*) FROM revision),"
                               " (SELECT count(*) FROM trail),"
                               " (SELECT coalesce(sum(octet_length(data)), 0)::bigint FROM trail)",
                               "");
    if (rc != UT_OK)
        return rc;
    *out = (ut_store_stats){
        .recordings = ut_pg_int(result, 0, 0),
        .fingerprints = ut_pg_int(result, 0, 1),
        .fingerprint_bytes = ut_pg_int(result, 0, 2),
        .catalogue_version = ut_pg_int(result, 0, 3),
        .airplays = ut_pg_int(result, 0, 4),
        .outbox_pending = ut_pg_int(result, 0, 5),
        .gaps = ut_pg_int(result, 0, 6),
        .segments = ut_pg_int(result, 0, 7),
        .revisions = ut_pg_int(result, 0, 8),
        .trails = ut_pg_int(result, 0, 9),
        .trail_bytes = ut_pg_int(result, 0, 10),
    };
    PQclear(result);
    return UT_OK;
}
