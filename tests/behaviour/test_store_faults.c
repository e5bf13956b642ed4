/* A PostgreSQL server that fails under a writer: connections cut, deadlocks, restarts, a full disk. Whatever happens,
 * what was acknowledged is there, once; and the same handle goes on. */
#include "tests/behaviour/store_server.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"

enum { BATCH = 3 };

static int64_t segment_add(ut_store *store)
{
    ut_segment segment = segment_make("one", 0);
    assert_ok(ut_store_segment_put(store, &segment, ERR));
    return segment.id;
}

/* Writes batch number n of a segment; its checkpoint is n. */
static ut_status batch_write(ut_store *store, int64_t segment, int n, ut_err *err)
{
    ut_airplay air[BATCH];
    ut_event event[BATCH];
    ut_checkpoint at = {.resume_sample = n};
    size_t added;
    for (int i = 0; i < BATCH; i++) {
        air[i] = airplay_make("one", segment, 0, n * BATCH + i);
        event[i] = event_make(&air[i]);
    }
    return ut_store_airplay_put(store, segment, air, event, BATCH, &at, &added, err);
}

/* --- connections that are cut ------------------------------------------------------------------ */

static const char cut_all[] = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                              " WHERE datname = current_database() AND pid <> pg_backend_pid()";

static void cut_between_operations(void **state)
{
    fixture *f = *state;
    ut_recording rec;
    int64_t id = recording_add(f->store, 1), version;
    PGconn *other = server_session(f);
    server_sql_on(other, cut_all);
    assert_ok(ut_store_recording_get(f->store, id, &rec, ERR));
    ut_recording_clear(&rec);
    server_sql_on(other, cut_all);
    assert_int_equal(recording_add(f->store, 1), id);
    server_sql_on(other, cut_all);
    assert_ok(ut_store_catalogue_version(f->store, &version, ERR));
    server_sql_on(other, cut_all);
    assert_ok(ut_store_recording_remove(f->store, id, ERR));
    PQfinish(other);
}

typedef struct {
    PGconn *other;
    int64_t last;
    int seen;
} walking;

static ut_status walk_and_cut(void *arg, const ut_recording *rec)
{
    walking *w = arg;
    assert_true(rec->id > w->last); /* in order, none twice */
    w->last = rec->id;
    if (++w->seen % 200 == 0)
        server_sql_on(w->other, cut_all);
    return UT_OK;
}

static void cut_in_the_midst_of_a_walk(void **state)
{
    fixture *f = *state;
    walking w = {.other = server_session(f)};
    server_sql_on(w.other, "INSERT INTO undertone.recording (audio_sha256, title, duration_ms, added_ns)"
                           " SELECT encode(sha256(n::text::bytea), 'hex'), n, 0, 0 FROM generate_series(1, 1300) AS n");
    assert_ok(ut_store_recording_each(f->store, walk_and_cut, &w, ERR));
    assert_int_equal(w.seen, 1300);
    PQfinish(w.other);
}

typedef struct {
    const fixture *f;
    atomic_bool done;
    atomic_int last; /* batch that was acknowledged */
    int cuts;
} cutter;

/* Once after each batch, at some moment of the next. */
static void *cut_again_and_again(void *arg)
{
    cutter *c = arg;
    PGconn *conn = server_session(c->f);
    unsigned chance = 5;
    for (int seen = -1; !atomic_load(&c->done);) {
        int last = atomic_load(&c->last);
        usleep((useconds_t)(rand_r(&chance) % 4000));
        if (last == seen)
            continue;
        seen = last;
        PGresult *result = PQexec(conn, cut_all);
        c->cuts += PQntuples(result) > 0;
        PQclear(result);
    }
    PQfinish(conn);
    return NULL;
}

/* Wherever in a transaction it happens to be. */
static void cut_in_the_midst_of_transactions(void **state)
{
    fixture *f = *state;
    enum { BATCHES = 120 };
    int64_t segment = segment_add(f->store);
    cutter c = {.f = f};
    pthread_t thread;
    atomic_store(&c.last, -1);
    assert_int_equal(pthread_create(&thread, NULL, cut_again_and_again, &c), 0);
    for (int n = 0; n < BATCHES && batch_write(f->store, segment, n, ERR) == UT_OK; n++)
        atomic_store(&c.last, n);
    atomic_store(&c.done, true);
    pthread_join(thread, NULL);
    if (atomic_load(&c.last) != BATCHES - 1)
        fail_msg("batch %d: %s", atomic_load(&c.last) + 1, fixture_err.text);
    assert_true(c.cuts > 3);
    ut_store_stats stats = stats_of(f->store);
    assert_int_equal(stats.airplays, BATCHES * BATCH);
    assert_int_equal(stats.outbox_pending, BATCHES * BATCH);
}

/* --- deadlocks and the like -------------------------------------------------------------------- */

static void *put_recording(void *arg)
{
    fixture *f = arg;
    ut_recording rec = recording_make(1);
    bool created;
    static ut_status rc;
    rec.label = (char *)"Another label"; /* so that the recording is locked and the catalogue raised */
    rc = ut_store_recording_put(f->store, &rec, NULL, 0, &created, ERR);
    return &rc;
}

/* The store holds the recording and waits for the catalogue; the other session the other way round. */
static void deadlock_is_tried_again(void **state)
{
    fixture *f = *state;
    pthread_t thread;
    void *rc;
    recording_add(f->store, 1);
    PGconn *other = server_session(f), *watch = server_session(f);
    server_sql_on(other, "SET deadlock_timeout = '60s'"); /* so that the store's session is the one that is ended */
    server_sql_on(other, "BEGIN; UPDATE undertone.catalogue SET version = version");
    assert_int_equal(pthread_create(&thread, NULL, put_recording, f), 0);
    while (server_number(watch, "SELECT count(*) FROM pg_locks WHERE NOT granted") == 0)
        usleep(1000);
    server_sql_on(other, "UPDATE undertone.recording SET title = title; COMMIT");
    pthread_join(thread, &rc);
    if (*(ut_status *)rc != UT_OK)
        fail_msg("%s", fixture_err.text);
    assert_int_equal(server_number(watch, "SELECT count(*) FROM undertone.recording WHERE label = 'Another label'"), 1);
    PQfinish(other);
    PQfinish(watch);
}

/* A trigger that refuses the first times, as a server does that serialises transactions. Sequences do not go back with
 * what was rolled back. */
static void refuse(const fixture *f, const char *state, const char *times)
{
    char text[600];
    snprintf(text, sizeof text,
             "CREATE SEQUENCE refusals; CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
             " IF nextval('public.refusals') <= %s THEN RAISE EXCEPTION 'refused' USING ERRCODE = '%s'; END IF;"
             " RETURN NEW; END $$; CREATE TRIGGER refuse BEFORE INSERT ON undertone.outbox FOR EACH ROW"
             " EXECUTE FUNCTION refuse()",
             times, state);
    server_sql(f, text);
}

static void serialization_failure_is_tried_again(void **state)
{
    fixture *f = *state;
    int64_t segment = segment_add(f->store);
    refuse(f, "40001", "4");
    assert_ok(batch_write(f->store, segment, 1, ERR));
    ut_store_stats stats = stats_of(f->store);
    assert_int_equal(stats.airplays, BATCH);
    assert_int_equal(stats.outbox_pending, BATCH);
}

static void what_lasts_is_not_tried_again(void **state)
{
    fixture *f = *state;
    int64_t segment = segment_add(f->store);
    refuse(f, "22000", "1000");
    assert_int_equal(batch_write(f->store, segment, 1, ERR), UT_E_ARG);
    PGconn *conn = server_session(f);
    assert_int_equal(server_number(conn, "SELECT last_value FROM refusals"), 1);
    PQfinish(conn);
}

static void locked_for_long(void **state)
{
    fixture *f = *state;
    ut_segment segment = segment_make("one", 0);
    ut_err err = {0};
    PGconn *other = server_session(f);
    server_sql_on(other, "BEGIN; LOCK TABLE undertone.segment IN EXCLUSIVE MODE");
    assert_int_equal(ut_store_segment_put(f->store, &segment, &err), UT_E_BUSY);
    assert_true(err.retriable);
    assert_non_null(strstr(err.text, "locked"));
    assert_int_equal(stats_of(f->store).segments, 0); /* reading goes on */
    PQfinish(other);
    assert_ok(ut_store_segment_put(f->store, &segment, ERR));
}

/* --- the server -------------------------------------------------------------------------------- */

static void server_control(const char *what)
{
    char command[400];
    snprintf(command, sizeof command, "cd / && %s -D %s -w %s -l %s/../log >/dev/null 2>&1",
             getenv("UT_TEST_POSTGRES_CTL"), getenv("UT_TEST_POSTGRES_DATA"), what, getenv("UT_TEST_POSTGRES_DATA"));
    if (system(command) != 0)
        fail_msg("%s", command);
}

typedef struct {
    fixture *f;
    int64_t segment;
    atomic_bool done;
    atomic_int last;
    ut_status status;
    ut_err err;
} writer;

static void *write_on(void *arg)
{
    writer *w = arg;
    for (int n = 1; !atomic_load(&w->done) && w->status == UT_OK; n++) {
        w->status = batch_write(w->f->store, w->segment, n, &w->err);
        if (w->status == UT_OK)
            atomic_store(&w->last, n);
    }
    return NULL;
}

static void wait_for_batches(writer *w, int more)
{
    int want = atomic_load(&w->last) + more;
    for (int i = 0; i < 30000 && atomic_load(&w->last) < want; i++)
        usleep(1000);
    if (atomic_load(&w->last) < want)
        fail_msg("writer stuck at %d", atomic_load(&w->last));
}

static void restarts_lose_nothing(void **state)
{
    fixture *f = *state;
    static const char *const how[] = {"restart -m fast", "restart -m immediate"};
    writer w = {.f = f, .segment = segment_add(f->store)};
    pthread_t thread;
    assert_ok(batch_write(f->store, w.segment, 0, ERR));
    assert_int_equal(pthread_create(&thread, NULL, write_on, &w), 0);
    for (size_t i = 0; i < 2; i++) {
        wait_for_batches(&w, 5);
        server_control(how[i]);
    }
    wait_for_batches(&w, 5);
    atomic_store(&w.done, true);
    pthread_join(thread, NULL);
    if (w.status != UT_OK)
        fail_msg("%s", w.err.text);
    ut_checkpoint at;
    assert_ok(ut_store_checkpoint_get(f->store, w.segment, &at, ERR));
    assert_int_equal(at.resume_sample, atomic_load(&w.last));
    assert_int_equal(stats_of(f->store).airplays, (at.resume_sample + 1) * BATCH);
    assert_int_equal(stats_of(f->store).outbox_pending, (at.resume_sample + 1) * BATCH);
    assert_ok(ut_store_verify(f->store, ERR));
}

static void away_for_long_is_an_error_that_passes(void **state)
{
    fixture *f = *state;
    ut_err err = {0};
    ut_store *second = NULL;
    int64_t segment = segment_add(f->store);
    assert_ok(batch_write(f->store, segment, 1, ERR));
    server_control("stop -m fast");
    ut_status rc = batch_write(f->store, segment, 2, &err);
    ut_status opened = ut_store_open(f->dsn, UT_STORE_WRITE, &second, ERR);
    server_control("start");
    assert_int_equal(rc, UT_E_IO);
    assert_true(err.retriable);
    assert_int_equal(opened, UT_E_IO);
    assert_true(fixture_err.retriable);
    assert_ok(batch_write(f->store, segment, 2, ERR)); /* the same handle */
    assert_int_equal(stats_of(f->store).airplays, 2 * BATCH);
}

/* --- a full disk ------------------------------------------------------------------------------- */

static void full_disk_of_the_server(void **state)
{
    fixture *f = *state;
    char folder[100], text[300];
    struct stat owner;
    static uint8_t data[30000];
    ut_fingerprint_row row = {"p3", data, sizeof data};
    int added = 0;
    ut_status rc = UT_OK;
    ut_err err = {0};
    snprintf(folder, sizeof folder, "%s/../disk", getenv("UT_TEST_POSTGRES_DATA"));
    assert_int_equal(stat(getenv("UT_TEST_POSTGRES_DATA"), &owner), 0);
    mkdir(folder, 0700);
    snprintf(text, sizeof text, "size=2m,mode=0700,uid=%u,gid=%u", owner.st_uid, owner.st_gid);
    if (mount("none", folder, "tmpfs", 0, text) != 0) {
        print_message("no small disk to fill: mount: %s\n", strerror(errno));
        skip();
    }
    snprintf(text, sizeof text, "CREATE TABLESPACE small LOCATION '%s'", realpath(folder, (char[4096]){0}));
    server_sql(f, text);
    server_sql(f, "ALTER TABLE undertone.fingerprint SET TABLESPACE small");
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * i >> 3);
    for (; rc == UT_OK && added < 1000; added += rc == UT_OK) {
        ut_recording rec = {.title = (char *)"Title"};
        bool created;
        snprintf(rec.audio_sha256, sizeof rec.audio_sha256, "%064x", added);
        rc = ut_store_recording_put(f->store, &rec, &row, 1, &created, &err);
    }
    ut_store_stats stats = stats_of(f->store);
    ut_status verified = ut_store_verify(f->store, ERR);
    server_sql(f, "ALTER TABLE undertone.fingerprint SET TABLESPACE pg_default"); /* room again */
    server_sql(f, "DROP TABLESPACE small");
    assert_int_equal(umount(folder), 0);
    assert_int_equal(rc, UT_E_FULL);
    assert_true(err.retriable);
    assert_in_range(added, 1, 100);
    assert_int_equal(stats.recordings, added);
    assert_int_equal(stats.fingerprints, added);
    assert_int_equal(verified, UT_OK);
    recording_add(f->store, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cut_between_operations),
        TEST(cut_in_the_midst_of_a_walk),
        TEST(cut_in_the_midst_of_transactions),
        TEST(deadlock_is_tried_again),
        TEST(serialization_failure_is_tried_again),
        TEST(what_lasts_is_not_tried_again),
        TEST(locked_for_long),
        TEST(restarts_lose_nothing),
        TEST(away_for_long_is_an_error_that_passes),
        TEST(full_disk_of_the_server),
    };
    ut_log_set_level(UT_LOG_OFF);
    return cmocka_run_group_tests_name("store: faults", tests, NULL, NULL);
}
