/* pipeline/catalogue.h: the index from file or store, what damage costs, and following a store while threads use it. */
#include "tests/behaviour/store_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "fingerprint/fingerprint.h"
#include "pipeline/catalogue.h"

/* Noise of a seed, fingerprinted. */
static void song(int seed, const char *params, uint8_t **data, size_t *size)
{
    enum { FRAMES = 5 * UT_RATE_HZ };
    static float mono[FRAMES];
    uint32_t x = (uint32_t)seed * 2654435761U + 1;
    ut_fingerprinter *printer = NULL;
    ut_fingerprint *fingerprint = NULL;
    for (int i = 0; i < FRAMES; i++) {
        x = x * 1664525 + 1013904223;
        mono[i] = (float)(int32_t)x / 4294967296.0F;
    }
    assert_ok(ut_fingerprinter_open(ut_params_find(params), &printer, ERR));
    assert_ok(ut_fingerprinter_push(printer, mono, FRAMES, ERR));
    assert_ok(ut_fingerprinter_finish(printer, &fingerprint, ERR));
    assert_ok(ut_fingerprint_encode(fingerprint, data, size, ERR));
    ut_fingerprint_close(&fingerprint);
    ut_fingerprinter_close(&printer);
}

static int64_t song_add(ut_store *store, int seed)
{
    ut_recording rec = recording_make(seed);
    uint8_t *data = NULL;
    bool created;
    ut_fingerprint_row row = {.params = "p3"};
    song(seed, "p3", &data, &row.size);
    row.data = data;
    assert_ok(ut_store_recording_put(store, &rec, &row, 1, &created, ERR));
    free(data);
    return rec.id;
}

static size_t loaded_recordings(ut_store *store)
{
    ut_index *index = NULL;
    int64_t version;
    assert_ok(ut_catalogue_load(store, "p3", &index, ERR));
    assert_ok(ut_store_catalogue_version(store, &version, ERR));
    ut_index_info info = ut_index_describe(index);
    assert_int_equal(info.catalogue_version, version);
    assert_ptr_equal(info.params, ut_params_find("p3"));
    ut_index_close(&index);
    return info.recordings;
}

static struct stat index_stat(const fixture *f)
{
    char path[200], manifest[220];
    struct stat st;
    assert_ok(ut_store_index_path(f->store, "p3", path, sizeof path, ERR));
    snprintf(manifest, sizeof manifest, "%s/manifest", path);
    assert_int_equal(stat(manifest, &st), 0);
    return st;
}

static void index_file_is_made_once_per_version(void **state)
{
    fixture *f = *state;
    assert_int_equal(loaded_recordings(f->store), 0);
    song_add(f->store, 1);
    song_add(f->store, 2);
    assert_int_equal(loaded_recordings(f->store), 2);
    ino_t made = index_stat(f).st_ino; /* an atomic write makes another file */
    assert_int_equal(loaded_recordings(f->store), 2);
    assert_int_equal(index_stat(f).st_ino, made);
    int64_t third = song_add(f->store, 3);
    assert_int_equal(loaded_recordings(f->store), 3);
    assert_int_not_equal(index_stat(f).st_ino, made);
    assert_ok(ut_store_recording_remove(f->store, third, ERR));
    assert_int_equal(loaded_recordings(f->store), 2);
}

/* A store made anew at the same path must not be served the index of the old one. */
static void index_of_a_former_store_does_not_fit(void **state)
{
    fixture *f = *state;
    song_add(f->store, 1);
    song_add(f->store, 2);
    assert_int_equal(loaded_recordings(f->store), 2);
    fixture_remake(f);
    assert_int_equal(loaded_recordings(f->store), 0);
    int64_t a = song_add(f->store, 3);
    assert_ok(ut_store_recording_remove(f->store, a, ERR)); /* as many changes as the first store had */
    assert_int_equal(loaded_recordings(f->store), 0);
}

/* Every file of the index in turn: cut short, or with a byte changed. */
static void damaged_index_is_made_anew(void **state)
{
    fixture *f = *state;
    char path[200];
    song_add(f->store, 1);
    song_add(f->store, 2);
    assert_int_equal(loaded_recordings(f->store), 2);
    assert_ok(ut_store_index_path(f->store, "p3", path, sizeof path, ERR));
    for (int i = 0; i < 6; i++) {
        static const size_t of[] = {0, 1, 3}; /* recordings, decoys, not the lock, manifest */
        ut_paths files = {0};
        char *bytes = NULL;
        size_t size;
        ut_index *index = NULL;
        assert_ok(ut_paths_walk(&files, path, ERR));
        assert_int_equal(files.count, 4);
        const char *file = files.items[of[i / 2]];
        assert_ok(ut_file_read(file, (size_t)1 << 30, &bytes, &size, ERR));
        bytes[size / 3] ^= 1;
        assert_ok(ut_file_write(file, bytes, i % 2 ? size / 2 : size, ERR));
        assert_int_equal(loaded_recordings(f->store), 2);
        assert_ok(ut_index_load(path, UT_INDEX_CHECK, &index, ERR));
        ut_index_close(&index);
        free(bytes);
        ut_paths_clear(&files);
    }
}

/* What comes and goes costs as much as it is, not as much as the catalogue. */
static void index_follows_by_what_changed(void **state)
{
    fixture *f = *state;
    enum { SONGS = 9 };
    int64_t ids[SONGS + 1];
    char path[200];
    ut_index *index = NULL;
    assert_ok(ut_store_index_path(f->store, "p3", path, sizeof path, ERR));
    for (int i = 1; i <= SONGS; i++) {
        ids[i] = song_add(f->store, i);
        assert_int_equal(loaded_recordings(f->store), i);
        assert_ok(ut_index_load(path, UT_INDEX_CHECK, &index, ERR));
        assert_int_equal(ut_index_describe(index).segments, i + 1); /* one each, and one of decoys */
        ut_index_close(&index);
    }
    assert_ok(ut_catalogue_merge(f->store, "p3", ERR));
    assert_ok(ut_store_recording_remove(f->store, ids[3], ERR));
    assert_int_equal(loaded_recordings(f->store), SONGS - 1);
    assert_ok(ut_index_load(path, UT_INDEX_CHECK, &index, ERR));
    assert_int_equal(ut_index_describe(index).segments, 2);
    assert_int_equal(ut_index_describe(index).gone, 1);
    ut_index_close(&index);
    assert_int_equal(song_add(f->store, 3), ids[3]); /* back again, as another fingerprint */
    assert_int_equal(loaded_recordings(f->store), SONGS);
    ut_index_info info;
    assert_ok(ut_catalogue_rebuild(f->store, "p3", &info, ERR));
    assert_int_equal(info.recordings, SONGS);
    assert_int_equal(info.segments, 2);
    assert_int_equal(info.gone, 0);
    assert_int_equal(loaded_recordings(f->store), SONGS);
}

/* A process that may not write the folder works from memory, with all there is. */
static void index_that_another_writes_is_completed_in_memory(void **state)
{
    fixture *f = *state;
    char path[200];
    ut_index_lock *lock = NULL;
    song_add(f->store, 1);
    assert_int_equal(loaded_recordings(f->store), 1);
    assert_ok(ut_store_index_path(f->store, "p3", path, sizeof path, ERR));
    assert_ok(ut_index_lock_take(path, &lock, ERR));
    ino_t made = index_stat(f).st_ino;
    song_add(f->store, 2);
    assert_int_equal(loaded_recordings(f->store), 2);
    assert_int_equal(index_stat(f).st_ino, made);
    assert_int_equal(ut_catalogue_merge(f->store, "p3", ERR), UT_E_BUSY);
    ut_index_lock_release(&lock);
    assert_int_equal(loaded_recordings(f->store), 2);
    assert_int_not_equal(index_stat(f).st_ino, made);
}

static void index_that_cannot_be_saved_works_from_memory(void **state)
{
    fixture *f = *state;
    char path[200];
    song_add(f->store, 1);
    assert_ok(ut_store_index_path(f->store, "p3", path, sizeof path, ERR));
    assert_ok(ut_file_write(path, "mine", 4, ERR)); /* in the way of the folder, for root too */
    assert_int_equal(loaded_recordings(f->store), 1);
    assert_int_equal(unlink(path), 0);
}

/* The index of earlier versions was one file. */
static void index_file_of_old_gives_way(void **state)
{
    fixture *f = *state;
    char path[200];
    song_add(f->store, 1);
    assert_ok(ut_store_index_path(f->store, "p3", path, sizeof path, ERR));
    assert_ok(ut_file_write(path, "UTINDEX1 and so on", 18, ERR));
    assert_int_equal(loaded_recordings(f->store), 1);
    index_stat(f);
}

static void damaged_fingerprint_costs_only_its_recording(void **state)
{
    fixture *f = *state;
    song_add(f->store, 1);
    recording_add(f->store, 2); /* its fingerprint is no fingerprint */
    assert_int_equal(loaded_recordings(f->store), 1);
}

static void parameter_sets_that_are_not_there(void **state)
{
    fixture *f = *state;
    ut_index *index = NULL;
    song_add(f->store, 1);
    assert_int_equal(ut_catalogue_load(f->store, "p9", &index, ERR), UT_E_ARG);
    assert_int_equal(ut_catalogue_load(f->store, "p1", &index, ERR), UT_E_NOTFOUND);
    assert_non_null(strstr(fixture_err.text, "p1"));
    assert_null(index);
}

/* --- following a store -------------------------------------------------------------------------------- */

typedef struct {
    ut_catalogue *catalogue;
    atomic_bool done;
    atomic_size_t seen; /* the most recordings seen */
    atomic_bool shrunk;
} watcher;

static void *watch(void *arg)
{
    watcher *w = arg;
    size_t last = 0;
    bool done;
    do {
        done = atomic_load(&w->done);
        ut_snapshot *snapshot = ut_catalogue_take(w->catalogue);
        size_t count = ut_index_describe(ut_snapshot_index(snapshot)).recordings;
        if (count < last)
            atomic_store(&w->shrunk, true);
        last = count;
        ut_snapshot_unref(&snapshot);
    } while (!done);
    atomic_store(&w->seen, last);
    return NULL;
}

static void threads_go_on_while_the_catalogue_grows(void **state)
{
    fixture *f = *state;
    enum { THREADS = 3, SONGS = 4 };
    pthread_t threads[THREADS];
    watcher watchers[THREADS] = {0};
    ut_catalogue *catalogue = NULL;
    bool changed = true;
    song_add(f->store, 1);
    assert_ok(ut_catalogue_open(f->store, "p3", &catalogue, ERR));
    assert_ok(ut_catalogue_refresh(catalogue, f->store, &changed, ERR));
    assert_false(changed);
    ut_snapshot *old = ut_catalogue_take(catalogue);
    for (int i = 0; i < THREADS; i++) {
        watchers[i].catalogue = catalogue;
        assert_int_equal(pthread_create(&threads[i], NULL, watch, &watchers[i]), 0);
    }
    for (int n = 2; n <= SONGS; n++) {
        song_add(f->store, n);
        assert_ok(ut_catalogue_refresh(catalogue, f->store, &changed, ERR));
        assert_true(changed);
    }
    for (int i = 0; i < THREADS; i++)
        atomic_store(&watchers[i].done, true);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(atomic_load(&watchers[i].seen), SONGS);
        assert_false(atomic_load(&watchers[i].shrunk));
    }
    ut_catalogue_close(&catalogue);
    assert_null(catalogue);
    assert_int_equal(ut_index_describe(ut_snapshot_index(old)).recordings, 1); /* still there */
    ut_snapshot_unref(&old);
    assert_null(old);
}

static void failed_refresh_leaves_the_old_in_force(void **state)
{
    fixture *f = *state;
    ut_catalogue *catalogue = NULL;
    bool changed = false;
    int64_t id = song_add(f->store, 1);
    assert_ok(ut_catalogue_open(f->store, "p3", &catalogue, ERR));
    assert_ok(ut_store_recording_remove(f->store, id, ERR));
    ut_recording rec = recording_make(2);
    uint8_t byte = 0;
    ut_fingerprint_row row = {"p1", &byte, 1};
    assert_ok(ut_store_recording_put(f->store, &rec, &row, 1, &changed, ERR)); /* now none has p3 */
    changed = false;
    assert_int_equal(ut_catalogue_refresh(catalogue, f->store, &changed, ERR), UT_E_NOTFOUND);
    assert_false(changed);
    ut_snapshot *snapshot = ut_catalogue_take(catalogue);
    assert_int_equal(ut_index_describe(ut_snapshot_index(snapshot)).recordings, 1);
    ut_snapshot_unref(&snapshot);
    ut_catalogue_close(&catalogue);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(index_file_is_made_once_per_version),
        TEST(index_of_a_former_store_does_not_fit),
        TEST(damaged_index_is_made_anew),
        TEST(index_follows_by_what_changed),
        TEST(index_that_another_writes_is_completed_in_memory),
        TEST(index_that_cannot_be_saved_works_from_memory),
        TEST(index_file_of_old_gives_way),
        TEST(damaged_fingerprint_costs_only_its_recording),
        TEST(parameter_sets_that_are_not_there),
        TEST(threads_go_on_while_the_catalogue_grows),
        TEST(failed_refresh_leaves_the_old_in_force),
    };
    ut_log_set_level(UT_LOG_OFF); /* damage is logged, and meant here */
    return cmocka_run_group_tests_name("catalogue index", tests, NULL, NULL);
}
