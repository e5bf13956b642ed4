/* What can befall a store on a PostgreSQL server: names and passwords, absent, foreign, newer, locked, cut off, full.
 */
#include "tests/behaviour/store_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"

static const ut_store_mode modes[] = {UT_STORE_READ, UT_STORE_WRITE, UT_STORE_CREATE};

/* Opening must fail in this way, with a text that says `why` and keeps the passwords. */
static void refused(const char *dsn, ut_store_mode mode, ut_status want, const char *why)
{
    ut_store *store = NULL;
    ut_err err = {0};
    ut_status rc = ut_store_open(dsn, mode, &store, &err);
    if (rc != want || !strstr(err.text, why))
        fail_msg("%s: %s \"%s\", expected %s \"%s\"", dsn, ut_status_name(rc), err.text, ut_status_name(want), why);
    assert_null(store);
    assert_null(strstr(err.text, "wr0ng"));
    assert_null(strstr(err.text, "secret"));
}

static int64_t segment_add(ut_store *store, const char *channel)
{
    ut_segment segment = segment_make(channel, 0);
    assert_ok(ut_store_segment_put(store, &segment, ERR));
    return segment.id;
}

/* --- names and passwords ---------------------------------------------------------------------- */

static void dsn_of(const fixture *f, const char *format, char dsn[300])
{
    snprintf(dsn, 300, format, getenv("UT_TEST_POSTGRES_PORT"), strstr(f->dsn, "dbname=") + 7);
}

static void passwords_open_and_stay_secret(void **state)
{
    fixture *f = *state;
    char dsn[300], path[100], text[300];
    ut_store *store = NULL;
    dsn_of(f, "postgresql://ut:wr0ng@127.0.0.1:%s/%s", dsn);
    for (size_t i = 0; i < 3; i++)
        refused(dsn, modes[i], UT_E_IO, "password authentication failed");
    dsn_of(f, "postgres://ut:secret@127.0.0.1:%s/%s", dsn);
    assert_ok(ut_store_open(dsn, UT_STORE_READ, &store, ERR));
    ut_store_close(&store);
    dsn_of(f, "postgresql:host=127.0.0.1 user=ut password='secret' port=%s dbname=%s", dsn);
    assert_ok(ut_store_open(dsn, UT_STORE_READ, &store, ERR));
    ut_store_close(&store);
    dsn_of(f, "postgresql://ut:secret@127.0.0.1:%s/%s?sslmode=nonsense", dsn);
    refused(dsn, UT_STORE_READ, UT_E_IO, "sslmode");
    refused("postgresql://ut:secret%zz@127.0.0.1/x", UT_STORE_READ, UT_E_ARG, "not a connection string");
    refused("postgresql:password=secret host", UT_STORE_READ, UT_E_ARG, "not a connection string");
    refused("postgresql:", UT_STORE_READ, UT_E_ARG, "without a place");

    /* A password file and a service file, as libpq's users have them. */
    snprintf(path, sizeof path, "%s/pgpass", f->folder);
    assert_ok(ut_file_write(path, "*:*:*:ut:secret\n", 16, ERR));
    assert_int_equal(chmod(path, 0600), 0);
    setenv("PGPASSFILE", path, 1);
    dsn_of(f, "postgresql://ut@127.0.0.1:%s/%s", dsn);
    assert_ok(ut_store_open(dsn, UT_STORE_READ, &store, ERR));
    ut_store_close(&store);
    snprintf(path, sizeof path, "%s/services", f->folder);
    dsn_of(f, "[undertone]\nhost=127.0.0.1\nuser=ut\nport=%s\ndbname=%s\n", text);
    assert_ok(ut_file_write(path, text, strlen(text), ERR));
    setenv("PGSERVICEFILE", path, 1);
    assert_ok(ut_store_open("service=undertone", UT_STORE_READ, &store, ERR));
    ut_store_close(&store);
    assert_ok(ut_store_open("postgresql:///?service=undertone", UT_STORE_READ, &store, ERR));
    ut_store_close(&store);
    setenv("PGSERVICE", "undertone", 1);
    assert_ok(ut_store_open("postgresql://", UT_STORE_READ, &store, ERR));
    ut_store_close(&store);
    unsetenv("PGSERVICE");
    refused("service=nowhere", UT_STORE_READ, UT_E_IO, "nowhere");
    unsetenv("PGPASSFILE");
    unsetenv("PGSERVICEFILE");
}

/* Who the server is, is proved or refused as libpq's users ask for it. */
static void tls_is_verified(void **state)
{
    fixture *f = *state;
    const char *root = getenv("UT_TEST_POSTGRES_ROOT");
    char dsn[300], with_root[400], text[500];
    ut_store *store = NULL;
    dsn_of(f, "postgresql:host=127.0.0.1 user=ut password=secret port=%s dbname=%s", dsn);
    snprintf(with_root, sizeof with_root, "%s sslmode=verify-full sslrootcert=%s", dsn, root);
    assert_ok(ut_store_open(with_root, UT_STORE_WRITE, &store, ERR));
    recording_add(store, 1);
    PGconn *conn = server_session(f);
    assert_int_equal(server_number(conn, "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
                                         " WHERE ssl AND datname = current_database()"),
                     1);
    PQfinish(conn);
    ut_store_close(&store);
    snprintf(text, sizeof text, "%s hostaddr=127.0.0.1", with_root);
    char *host = strstr(text, "127.0.0.1");
    memcpy(host, "elsewhere", 9); /* as long: the certificate is of another host */
    refused(text, UT_STORE_READ, UT_E_IO, "certificate");
    snprintf(text, sizeof text, "%s sslmode=verify-full sslrootcert=%s/absent.crt", dsn, f->folder);
    refused(text, UT_STORE_READ, UT_E_IO, "absent.crt");
}

static void index_has_a_file_of_its_own(void **state)
{
    fixture *f = *state;
    char one[200], two[200], folder[100];
    snprintf(folder, sizeof folder, "%s/undertone/", f->folder); /* $XDG_CACHE_HOME of the fixture */
    assert_ok(ut_store_index_path(f->store, "p3", one, sizeof one, ERR));
    assert_memory_equal(one, folder, strlen(folder));
    assert_non_null(strstr(one, ".p3.index"));
    assert_int_equal(ut_store_index_path(f->store, "p3", two, 10, ERR), UT_E_ARG);
    fixture_remake(f);
    assert_ok(ut_store_index_path(f->store, "p3", two, sizeof two, ERR));
    assert_string_not_equal(one, two);
}

/* --- not a store ------------------------------------------------------------------------------ */

static void absent(void **state)
{
    fixture *f = *state;
    char dsn[256];
    ut_store *store = NULL;
    fixture_new_dsn(f, dsn);
    refused(dsn, UT_STORE_READ, UT_E_NOTFOUND, "does not exist");
    refused(dsn, UT_STORE_WRITE, UT_E_NOTFOUND, "does not exist");
    assert_ok(ut_store_open(dsn, UT_STORE_CREATE, &store, ERR));
    ut_store_close(&store);
    dsn[strlen(dsn) - 1] = 'z'; /* a database that is not there */
    for (size_t i = 0; i < 3; i++)
        refused(dsn, modes[i], UT_E_NOTFOUND, "does not exist");
    refused("postgresql:host=/nowhere dbname=x", UT_STORE_CREATE, UT_E_IO, "/nowhere");
}

static void newer_or_other_schema(void **state)
{
    fixture *f = *state;
    ut_store_close(&f->store);
    server_sql(f, "INSERT INTO undertone.migration VALUES (99, 'x', now(), 'undertone 99')");
    for (size_t i = 0; i < 3; i++)
        refused(f->dsn, modes[i], UT_E_CORRUPT, "schema 99 is newer");
    server_sql(f, "DELETE FROM undertone.migration WHERE step = 99; UPDATE undertone.migration SET checksum = 'x'");
    for (size_t i = 0; i < 3; i++)
        refused(f->dsn, modes[i], UT_E_CORRUPT, "schema step 1 is not the one of this program");
}

/* --- partitions ------------------------------------------------------------------------------- */

static void airplay_at(fixture *f, int64_t segment, int64_t start_ns, int n)
{
    ut_airplay air = airplay_make("one", segment, 0, n);
    ut_event event = event_make(&air);
    ut_gap gap = {.channel = "one", .start_ns = start_ns, .end_ns = start_ns + 1, .reason = "error"};
    size_t added = 0;
    air.start_ns = start_ns;
    air.end_ns = start_ns + UT_NS_PER_S;
    assert_ok(ut_store_airplay_put(f->store, segment, &air, &event, 1, NULL, &added, ERR));
    assert_int_equal(added, 1);
    assert_ok(ut_store_gap_put(f->store, &gap, NULL, ERR));
}

static ut_status count_airplay(void *arg, const ut_airplay *air)
{
    (void)air;
    ++*(int *)arg;
    return UT_OK;
}

static void months_are_made_when_needed(void **state)
{
    fixture *f = *state;
    int64_t segment = segment_add(f->store, "one"), at_ns;
    int seen = 0;
    static const char *const times[] = {"1969-12-31T23:59:59.999Z", "2026-01-31T23:59:59.999Z", "2026-02-01T00:00:00Z",
                                        "2028-02-29T12:00:00Z", "2199-12-31T23:59:59Z"};
    enum { TIMES = sizeof times / sizeof *times };
    for (int i = 0; i < TIMES; i++) {
        assert_ok(ut_time_parse(times[i], &at_ns, ERR));
        airplay_at(f, segment, at_ns, i);
    }
    PGconn *conn = server_session(f);
    assert_int_equal(
        server_number(conn, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'undertone.airplay'::regclass"), TIMES);
    assert_int_equal(server_number(conn, "SELECT count(*) FROM undertone.gap_2026_02"), 1);
    /* An operator drops an old month; a monitor that goes on knows it as being there. */
    server_sql_on(conn, "ALTER TABLE undertone.airplay DETACH PARTITION undertone.airplay_2026_02");
    server_sql_on(conn, "DROP TABLE undertone.airplay_2026_02, undertone.gap_2026_02");
    PQfinish(conn);
    assert_ok(ut_time_parse(times[2], &at_ns, ERR));
    airplay_at(f, segment, at_ns, TIMES);
    assert_ok(ut_store_airplay_each(f->store, "one", INT64_MIN, INT64_MAX, count_airplay, &seen, ERR));
    assert_int_equal(seen, TIMES);
}

static void walks_go_over_many_pages(void **state)
{
    fixture *f = *state;
    int64_t segment = segment_add(f->store, "one");
    enum { AIRPLAYS = 9000 };
    int seen = 0;
    server_sql(f, "INSERT INTO undertone.segment (channel, source, start_ns, sample_count, time_source, uncertainty_ms)"
                  " SELECT 'many', 'x', n, 1, 'given', 0 FROM generate_series(1, 2500) AS n");
    airplay_at(f, segment, 1, 1);
    server_sql(
        f, "INSERT INTO undertone.airplay SELECT lpad(n::text, 36, '0'), 'one', segment_id, n % 7, n % 7 + 1, outcome,"
           " witness, 0, 0, NULL, 0, 0, 0, 0, 0, 0, 0, 0, '', '', '', 0"
           " FROM undertone.airplay, generate_series(1, 8999) AS n");
    assert_ok(ut_store_airplay_each(f->store, "one", INT64_MIN, INT64_MAX, count_airplay, &seen, ERR));
    assert_int_equal(seen, AIRPLAYS);
    seen = 0;
    assert_ok(ut_store_airplay_each(f->store, NULL, INT64_MIN, INT64_MAX, count_airplay, &seen, ERR));
    assert_int_equal(seen, AIRPLAYS);
}

/* --- text that is none ------------------------------------------------------------------------ */

static void names_in_no_known_encoding_are_kept(void **state)
{
    fixture *f = *state;
    ut_recording rec = recording_make(1), got;
    bool created;
    int64_t known = 0;
    rec.title = rec.file = (char *)"K\xC3\xB6ln m\xFCsik";
    assert_ok(ut_store_recording_put(f->store, &rec, NULL, 0, &created, ERR));
    assert_ok(ut_store_recording_put(f->store, &rec, NULL, 0, &created, ERR));
    assert_ok(ut_store_recording_get(f->store, rec.id, &got, ERR));
    assert_string_equal(got.title, "K\xC3\xB6ln m?sik");
    ut_recording_clear(&got);
    assert_ok(ut_store_source_put(f->store, "/a/m\xFC.wav", 1, 2, rec.id, ERR)); /* told apart by their bytes */
    assert_ok(ut_store_source_known(f->store, "/a/m\xFC.wav", 1, 2, &known, ERR));
    assert_int_equal(ut_store_source_known(f->store, "/a/m\xFD.wav", 1, 2, &known, ERR), UT_E_NOTFOUND);
}

/* --- roles ------------------------------------------------------------------------------------ */

/* Opens the store as a user of one of the roles of deploy/postgres-roles.sql. */
static ut_store *open_as(fixture *f, const char *role, ut_store_mode mode)
{
    char text[300], dsn[300], *user = strstr(f->dsn, "user=ut ");
    ut_store *store = NULL;
    snprintf(text, sizeof text, "CREATE ROLE a_%s LOGIN IN ROLE undertone_%s", role, role);
    server_sql(f, text);
    assert_non_null(user);
    snprintf(dsn, sizeof dsn, "%.*suser=a_%s %s", (int)(user - f->dsn), f->dsn, role, user + 8);
    assert_ok(ut_store_open(dsn, mode, &store, ERR));
    return store;
}

/* The call must fail because its user may not do it. */
static void forbidden(ut_status rc)
{
    assert_int_equal(rc, UT_E_IO);
    if (!strstr(fixture_err.text, "permission denied"))
        fail_msg("%s", fixture_err.text);
}

static void roles_may_what_they_must(void **state)
{
    fixture *f = *state;
    char command[400];
    ut_recording rec = recording_make(5), other = recording_make(6);
    ut_load_item item = {.rec = &other};
    bool created;
    int64_t id = recording_add(f->store, 1);
    snprintf(command, sizeof command, "psql -qX -v ON_ERROR_STOP=1 -f %s/../deploy/postgres-roles.sql '%s'",
             UT_TEST_DATA, strchr(f->dsn, ':') + 1);
    assert_int_equal(system(command), 0);

    ut_store *mine = f->store;
    f->store = open_as(f, "monitor", UT_STORE_CREATE);
    int64_t segment = segment_add(f->store, "one");
    airplay_at(f, segment, 5, 1); /* makes a partition */
    forbidden(ut_store_recording_put(f->store, &rec, NULL, 0, &created, ERR));
    forbidden(ut_store_recording_remove(f->store, id, ERR));
    ut_store_close(&f->store);

    f->store = open_as(f, "operator", UT_STORE_CREATE);
    assert_ok(ut_store_recording_put(f->store, &rec, NULL, 0, &created, ERR));
    assert_ok(ut_store_recording_load(f->store, &item, 1, ERR));
    assert_ok(ut_store_source_put(f->store, "/a", 1, 1, rec.id, ERR));
    assert_ok(ut_store_recording_remove(f->store, id, ERR));
    airplay_at(f, segment, 50000, 2);
    ut_store_close(&f->store);

    f->store = open_as(f, "auditor", UT_STORE_WRITE);
    assert_int_equal(stats_of(f->store).airplays, 2);
    ut_segment another = segment_make("two", 0);
    forbidden(ut_store_segment_put(f->store, &another, ERR));
    forbidden(ut_store_recording_remove(f->store, rec.id, ERR));
    ut_store_close(&f->store);
    f->store = mine;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(passwords_open_and_stay_secret), TEST(tls_is_verified),
        TEST(index_has_a_file_of_its_own),    TEST(absent),
        TEST(newer_or_other_schema),          TEST(months_are_made_when_needed),
        TEST(walks_go_over_many_pages),       TEST(names_in_no_known_encoding_are_kept),
        TEST(roles_may_what_they_must),
    };
    ut_log_set_level(UT_LOG_OFF);
    return cmocka_run_group_tests_name("store: postgres", tests, NULL, NULL);
}
