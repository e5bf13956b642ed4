/* Several handles on one store, and writers that die: what was acknowledged is there, whole, once. */
#include "tests/behaviour/store_fixture.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 12, BATCH = 3, KILLS = 12 };

/* cmocka's assertions belong to the main thread: a writer that fails says so with its status. */
typedef struct {
    const char *dsn;
    int number;
    ut_status status;
    ut_err err;
} writer;

static ut_status write_rounds(writer *w, ut_store *store)
{
    char channel[16];
    snprintf(channel, sizeof channel, "channel-%d", w->number);
    ut_segment segment = segment_make(channel, 0);
    ut_status rc = ut_store_segment_put(store, &segment, &w->err);
    for (int n = 1; rc == UT_OK && n <= ROUNDS; n++) {
        ut_recording rec = {.title = (char *)"Title"};
        uint8_t data[3] = {1, 2, 3};
        ut_fingerprint_row row = {"p3", data, sizeof data};
        bool created;
        /* Every recording is put by two writers. */
        snprintf(rec.audio_sha256, sizeof rec.audio_sha256, "%064x", w->number / 2 * 1000 + n);
        rc = ut_store_recording_put(store, &rec, &row, 1, &created, &w->err);
        ut_airplay air = airplay_make(channel, segment.id, rec.id, n);
        ut_event event = event_make(&air);
        ut_checkpoint checkpoint = {.resume_sample = n};
        size_t added;
        if (rc == UT_OK)
            rc = ut_store_airplay_put(store, segment.id, &air, &event, 1, &checkpoint, &added, &w->err);
        if (rc == UT_OK && added != 1)
            rc = UT_E_CORRUPT;
    }
    return rc;
}

static void *write_thread(void *arg)
{
    writer *w = arg;
    ut_store *store = NULL;
    w->status = ut_store_open(w->dsn, UT_STORE_CREATE, &store, &w->err);
    if (w->status == UT_OK)
        w->status = write_rounds(w, store);
    ut_store_close(&store);
    return NULL;
}

/* All at once also make the store: it is not there when they begin. */
static void handles_share_a_store(void **state)
{
    fixture *f = *state;
    char dsn[256];
    pthread_t threads[THREADS];
    writer writers[THREADS] = {0};
    fixture_new_dsn(f, dsn);
    for (int i = 0; i < THREADS; i++) {
        writers[i] = (writer){.dsn = dsn, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_thread, &writers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        if (writers[i].status != UT_OK)
            fail_msg("writer %d: %s", i, writers[i].err.text);
    }
    ut_store_close(&f->store);
    assert_ok(ut_store_open(dsn, UT_STORE_READ, &f->store, ERR));
    ut_store_stats stats = stats_of(f->store);
    assert_int_equal(stats.recordings, THREADS / 2 * ROUNDS);
    assert_int_equal(stats.fingerprints, THREADS / 2 * ROUNDS);
    assert_int_equal(stats.airplays, THREADS * ROUNDS);
    assert_int_equal(stats.outbox_pending, THREADS * ROUNDS);
    assert_int_equal(stats.segments, THREADS);
    assert_ok(ut_store_verify(f->store, ERR));
}

/* A reader sees each transaction whole, whatever a writer does meanwhile. */
static void reader_sees_whole_transactions(void **state)
{
    fixture *f = *state;
    pthread_t thread;
    writer w = {.dsn = f->dsn};
    ut_store *reader = NULL;
    assert_ok(ut_store_open(f->dsn, UT_STORE_READ, &reader, ERR));
    assert_int_equal(pthread_create(&thread, NULL, write_thread, &w), 0);
    int64_t airplays = 0;
    while (airplays < ROUNDS) {
        ut_store_stats stats = stats_of(reader);
        assert_int_equal(stats.outbox_pending, stats.airplays);
        assert_int_equal(stats.fingerprints, stats.recordings);
        assert_true(stats.airplays >= airplays);
        airplays = stats.airplays;
    }
    pthread_join(thread, NULL);
    ut_store_close(&reader);
    assert_int_equal(w.status, UT_OK);
}

/* --- kill -9 --------------------------------------------------------------------------------- */

/* Writes batches from the checkpoint on, for ever; each acknowledged one is told to the parent. */
static void child_writes(const char *dsn, int acknowledged)
{
    ut_store *store = NULL;
    ut_checkpoint at;
    ut_segment segment = segment_make("one", 0);
    if (ut_store_open(dsn, UT_STORE_WRITE, &store, NULL) != UT_OK ||
        ut_store_segment_put(store, &segment, NULL) != UT_OK ||
        ut_store_checkpoint_get(store, segment.id, &at, NULL) != UT_OK)
        _exit(1);
    for (;;) {
        ut_airplay air[BATCH];
        ut_event event[BATCH];
        size_t added;
        for (int i = 0; i < BATCH; i++) {
            air[i] = airplay_make("one", segment.id, 0, (int)at.resume_sample * BATCH + i);
            event[i] = event_make(&air[i]);
        }
        at.resume_sample++;
        if (ut_store_airplay_put(store, segment.id, air, event, BATCH, &at, &added, NULL) != UT_OK || added != BATCH)
            _exit(2);
        if (write(acknowledged, &at.resume_sample, sizeof at.resume_sample) != sizeof at.resume_sample)
            _exit(3);
    }
}

/* Kills a writer after some acknowledgements; gives the last one it told. */
static int64_t write_and_kill(const char *dsn, int acknowledgements)
{
    int ends[2], status;
    int64_t last = 0, told;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        child_writes(dsn, ends[1]);
    }
    close(ends[1]);
    for (int i = 0; i < acknowledgements && read(ends[0], &told, sizeof told) == sizeof told; i++)
        last = told;
    kill(child, SIGKILL);
    while (read(ends[0], &told, sizeof told) == sizeof told) /* told before it died */
        last = told;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    return last;
}

static void killed_writers_lose_nothing_acknowledged(void **state)
{
    fixture *f = *state;
    ut_store_close(&f->store); /* a handle does not cross a fork */
    srand(7);
    for (int i = 0; i < KILLS; i++) {
        int64_t last = write_and_kill(f->dsn, 1 + rand() % 9);
        ut_segment segment = segment_make("one", 0);
        ut_checkpoint at;
        assert_ok(ut_store_open(f->dsn, UT_STORE_WRITE, &f->store, ERR));
        assert_ok(ut_store_segment_put(f->store, &segment, ERR));
        assert_ok(ut_store_checkpoint_get(f->store, segment.id, &at, ERR));
        ut_store_stats stats = stats_of(f->store);
        /* The batch that was being written when it died may be there too, but not told. */
        assert_in_range(at.resume_sample, last, last + 1);
        assert_int_equal(stats.airplays, at.resume_sample * BATCH);
        assert_int_equal(stats.outbox_pending, stats.airplays);
        assert_ok(ut_store_verify(f->store, ERR));
        ut_store_close(&f->store);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(handles_share_a_store),
        TEST(reader_sees_whole_transactions),
        TEST(killed_writers_lose_nothing_acknowledged),
    };
    return cmocka_run_group_tests_name("store: shared", tests, NULL, NULL);
}
