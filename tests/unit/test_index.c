/* The index: its folder and what damage does to it, growing and shrinking, merging, a process killed meanwhile; answers
 * are always those of one whole index. */
#include "tests/unit/support.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/file.h"
#include "fingerprint/fingerprint_peaks.h"
#include "fingerprint/index_fields.h"
#include "fingerprint/match.h"

enum { FRAMES = 2500, WINDOW = 750, MATCHES = 16 };

static char folder[64];

static int setup(void **state)
{
    (void)state;
    /* In memory where there is such a place: hundreds of files are written, and each to the disk. */
    strcpy(folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/ut-index-XXXXXX" : "/tmp/ut-index-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static void each_file(void (*fn)(const char *path))
{
    DIR *dir = opendir(folder);
    const struct dirent *e;
    assert_non_null(dir);
    while ((e = readdir(dir))) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (e->d_name[0] != '.' && strcmp(e->d_name, "lock") != 0)
            fn(path);
    }
    closedir(dir);
}

static void drop_file(const char *path)
{
    unlink(path);
}

static int teardown(void **state)
{
    (void)state;
    char lock[100];
    each_file(drop_file);
    snprintf(lock, sizeof lock, "%s/lock", folder);
    unlink(lock);
    return rmdir(folder);
}

/* A recording of a few notes that come again and again, as music does. */
static ut_fingerprint *print_of(int64_t id)
{
    ut_fingerprint *print = NULL;
    ut_peaks peaks = {0};
    uint32_t seed = (uint32_t)id * 2654435761u;
    int notes[12];
    for (int i = 0; i < 12; i++) {
        seed = seed * 1664525u + 1013904223u;
        notes[i] = 10 + (int)((seed >> 16) % 400);
    }
    for (int32_t frame = 0; frame < FRAMES; frame++) {
        seed = seed * 1664525u + 1013904223u;
        if ((seed >> 16) % 3)
            continue;
        ut_peak peak = {.frame = frame, .bin = (uint16_t)notes[(seed >> 24) % 12]};
        assert_int_equal(ut_peaks_add(&peaks, peak, NULL), UT_OK);
    }
    assert_int_equal(ut_fingerprint_from_peaks(ut_params_find("p3"), FRAMES, &peaks, &print, NULL), UT_OK);
    return print;
}

static void add(ut_index_builder *builder, int64_t id)
{
    ut_fingerprint *print = print_of(id);
    assert_int_equal(ut_index_builder_put(builder, id, 7 * id, print, NULL), UT_OK);
    ut_fingerprint_close(&print);
}

/* Whether state `version` of the catalogue holds recording `id`: it grows by one at a time, and loses some. */
static bool holds(int64_t version, int64_t id)
{
    return id <= version && (id % 3 != 0 || version < id + 4);
}

static size_t size_at(int64_t version)
{
    size_t count = 0;
    for (int64_t id = 1; id <= version; id++)
        count += holds(version, id);
    return count;
}

static ut_index *whole(int64_t version)
{
    ut_index_builder *builder = NULL;
    ut_index *index = NULL;
    assert_int_equal(ut_index_builder_open(ut_params_find("p3"), &builder, NULL), UT_OK);
    for (int64_t id = 1; id <= version; id++)
        if (holds(version, id))
            add(builder, id);
    assert_int_equal(ut_index_builder_finish(builder, version, &index, NULL), UT_OK);
    ut_index_builder_close(&builder);
    return index;
}

/* From the state before to that of `version`. */
static ut_index *next(const ut_index *old, int64_t version)
{
    ut_index_builder *builder = NULL;
    ut_index *index = NULL;
    int64_t id, stamp;
    assert_int_equal(ut_index_builder_reopen(old, &builder, NULL), UT_OK);
    for (size_t at = 0; ut_index_recording(old, at, &id, &stamp); at++) {
        assert_true(id == 0 || stamp == 7 * id);
        if (id && !holds(version, id))
            ut_index_builder_remove(builder, at);
    }
    add(builder, version);
    assert_int_equal(ut_index_builder_finish(builder, version, &index, NULL), UT_OK);
    ut_index_builder_close(&builder);
    return index;
}

static size_t search(const ut_index *index, int64_t id, int32_t from, ut_match *matches)
{
    ut_matcher *matcher = NULL;
    ut_query query;
    ut_fingerprint *print = print_of(id);
    assert_int_equal(ut_query_init(&query, ut_params_find("p3"), NULL), UT_OK);
    assert_int_equal(ut_query_set(&query, from, WINDOW, ut_fingerprint_peaks(print), NULL, NULL), UT_OK);
    assert_int_equal(ut_matcher_open(index, &matcher, NULL), UT_OK);
    size_t count = ut_matcher_find(matcher, &query, matches, MATCHES);
    ut_matcher_close(&matcher);
    ut_query_clear(&query);
    ut_fingerprint_close(&print);
    return count;
}

/* Both answer every recording's query alike, and rightly. */
static void same_answers(const ut_index *a, const ut_index *b, int64_t version)
{
    for (int64_t id = 1; id <= version + 2; id++) {
        ut_match x[MATCHES], y[MATCHES];
        int32_t from = (int32_t)(id * 97 % (FRAMES - WINDOW));
        size_t count = search(a, id, from, x);
        assert_int_equal(search(b, id, from, y), count);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(x[i].track->recording_id, y[i].track->recording_id);
            assert_int_equal(x[i].evidence.begin - x[i].track->origin, y[i].evidence.begin - y[i].track->origin);
            assert_true(x[i].evidence.nats == y[i].evidence.nats && x[i].log10_e == y[i].log10_e);
        }
        bool found =
            count > 0 && x[0].track->recording_id == id && llabs(x[0].evidence.begin - x[0].track->origin - from) <= 1;
        assert_true(found == holds(version, id));
    }
}

/* Saves and loads again; with `merge`, joins segments too, as long as that is due. */
static ut_index *through_folder(ut_index **index, bool merge)
{
    ut_index_lock *lock = NULL;
    ut_index *back = NULL;
    assert_int_equal(ut_index_lock_take(folder, &lock, NULL), UT_OK);
    assert_int_equal(ut_index_save(*index, folder, NULL), UT_OK);
    for (ut_index *merged = NULL; merge;) {
        assert_int_equal(ut_index_merge(*index, &merged, NULL), UT_OK);
        if (!merged)
            break;
        ut_index_close(index);
        *index = merged;
        assert_int_equal(ut_index_save(*index, folder, NULL), UT_OK);
    }
    ut_index_lock_release(&lock);
    assert_int_equal(ut_index_load(folder, UT_INDEX_CHECK, &back, NULL), UT_OK);
    ut_index_close(index);
    return back;
}

static void grown_index_answers_as_a_whole_one(void **state)
{
    (void)state;
    enum { LAST = 30 };
    ut_index *index = whole(0);
    size_t most = 0;
    for (int64_t version = 1; version <= LAST; version++) {
        ut_index *grown = next(index, version);
        ut_index_close(&index);
        index = version % 2 ? grown : through_folder(&grown, version % 4 == 0);
        ut_index_info info = ut_index_describe(index);
        assert_int_equal(info.recordings, size_at(version));
        assert_int_equal(info.decoys, size_at(version) < 64 ? size_at(version) : 64);
        assert_int_equal(info.catalogue_version, version);
        most = info.segments > most ? info.segments : most;
        if (version % 10 == 0) {
            ut_index *one = whole(version);
            same_answers(one, index, version);
            ut_index_close(&one);
        }
    }
    assert_in_range(most, 5, 12); /* it was in pieces, and they were joined */
    ut_index_close(&index);
}

static void folder_gives_back_what_was_saved(void **state)
{
    (void)state;
    ut_index *index = whole(4);
    ut_index_info a = ut_index_describe(index);
    index = through_folder(&index, false);
    ut_index_info b = ut_index_describe(index);
    assert_memory_equal(&a, &b, sizeof a);
    ut_index_close(&index);
    assert_int_equal(ut_index_load("/nonexistent/index", UT_INDEX_OPEN, &index, NULL), UT_E_NOTFOUND);
    assert_null(index);
}

static void one_writer_at_a_time(void **state)
{
    (void)state;
    ut_index_lock *a = NULL, *b = NULL;
    assert_int_equal(ut_index_lock_take(folder, &a, NULL), UT_OK);
    assert_int_equal(ut_index_lock_take(folder, &b, NULL), UT_E_BUSY);
    assert_null(b);
    ut_index_lock_release(&a);
    assert_int_equal(ut_index_lock_take(folder, &b, NULL), UT_OK);
    ut_index_lock_release(&b);
}

/* Each byte of the manifest and of the headers, and samples of the rest. */
static void damage(const char *path)
{
    char *data = NULL;
    size_t size = 0;
    ut_index *back = NULL;
    assert_int_equal(ut_file_read(path, (size_t)1 << 30, &data, &size, NULL), UT_OK);
    for (size_t i = 0; i < size; i += i < 96 ? 1 : 1 + size / 40) {
        data[i] ^= 0x01;
        assert_int_equal(ut_file_write(path, data, size, NULL), UT_OK);
        assert_int_equal(ut_index_load(folder, UT_INDEX_CHECK, &back, NULL), UT_E_CORRUPT);
        assert_int_equal(ut_index_load(folder, UT_INDEX_OPEN, &back, NULL), UT_E_CORRUPT);
        if (ut_index_load(folder, UT_INDEX_SALVAGE, &back, NULL) == UT_OK) {
            assert_int_equal(ut_index_describe(back).lost, 1);
            ut_index_close(&back);
        }
        data[i] ^= 0x01;
    }
    assert_int_equal(ut_file_write(path, data, size - 20, NULL), UT_OK);
    assert_int_equal(ut_index_load(folder, UT_INDEX_CHECK, &back, NULL), UT_E_CORRUPT);
    assert_int_equal(ut_file_write(path, data, 10, NULL), UT_OK);
    assert_int_equal(ut_index_load(folder, UT_INDEX_CHECK, &back, NULL), UT_E_CORRUPT);
    assert_null(back);
    assert_int_equal(ut_file_write(path, data, size, NULL), UT_OK);
    free(data);
}

static void damage_is_found(void **state)
{
    (void)state;
    ut_index *index = whole(3), *grown = next(index, 4);
    ut_index_close(&index);
    grown = through_folder(&grown, false);
    ut_index_close(&grown);
    each_file(damage);
    assert_int_equal(ut_index_load(folder, UT_INDEX_CHECK, &grown, NULL), UT_OK);
    assert_int_equal(ut_index_describe(grown).recordings, 4);
    ut_index_close(&grown);
}

static void segment_of_another_version_says_what_to_do(void **state)
{
    (void)state;
    ut_index *index = whole(3), *back = NULL;
    ut_err err = {.code = UT_OK};
    char path[100], *data = NULL;
    size_t size = 0;
    index = through_folder(&index, false);
    ut_index_close(&index);
    snprintf(path, sizeof path, "%s/00000001.segment", folder);
    assert_int_equal(ut_file_read(path, (size_t)1 << 30, &data, &size, NULL), UT_OK);
    data[6]--;
    assert_int_equal(ut_file_write(path, data, size, NULL), UT_OK);
    assert_int_equal(ut_index_load(folder, UT_INDEX_OPEN, &back, &err), UT_E_CORRUPT);
    assert_non_null(strstr(err.text, "00000001.segment: of another version"));
    assert_non_null(strstr(err.text, "undertone catalogue rebuild"));
    free(data);
}

/* --- killed ------------------------------------------------------------------------------------------------- */

static void must(ut_status rc)
{
    if (rc != UT_OK)
        _exit(1);
}

/* Goes on from the folder's state, merging all the time, and tells each state it has saved. */
static void write_on(int told)
{
    ut_index_lock *lock = NULL;
    ut_index *index = NULL;
    must(ut_index_lock_take(folder, &lock, NULL));
    must(ut_index_load(folder, UT_INDEX_CHECK, &index, NULL));
    for (int64_t version = index->catalogue_version + 1;; version++) {
        ut_index *grown = next(index, version), *merged = NULL;
        ut_index_close(&index);
        must(ut_index_save(grown, folder, NULL));
        must(write(told, &version, sizeof version) == (ssize_t)sizeof version ? UT_OK : UT_E_IO);
        index = grown;
        must(ut_index_merge(index, &merged, NULL));
        if (merged) {
            ut_index_close(&index);
            index = merged;
            must(ut_index_save(index, folder, NULL));
        }
    }
}

static void killed_writer_loses_nothing(void **state)
{
    (void)state;
    enum { KILLS = 25 };
    ut_index *index = whole(0);
    int64_t saved = 0;
    index = through_folder(&index, false);
    ut_index_close(&index);
    for (int kill_at = 0; kill_at < KILLS; kill_at++) {
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        if (child == 0)
            write_on(pipes[1]);
        close(pipes[1]);
        /* Until it has saved once, and a little more, never twice the same. */
        assert_int_equal(read(pipes[0], &saved, sizeof saved), sizeof saved);
        nanosleep(&(struct timespec){.tv_nsec = kill_at * 1300003}, NULL);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        while (read(pipes[0], &saved, sizeof saved) == sizeof saved) {
        }
        close(pipes[0]);
        assert_int_equal(ut_index_load(folder, UT_INDEX_CHECK, &index, NULL), UT_OK);
        assert_true(index->catalogue_version >= saved);
        assert_int_equal(index->recordings, size_at(index->catalogue_version));
        if (kill_at == KILLS - 1) {
            ut_index *one = whole(index->catalogue_version);
            same_answers(one, index, index->catalogue_version);
            ut_index_close(&one);
        }
        ut_index_close(&index);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(folder_gives_back_what_was_saved),
        TEST(one_writer_at_a_time),
        TEST(damage_is_found),
        TEST(segment_of_another_version_says_what_to_do),
        TEST(grown_index_answers_as_a_whole_one),
        TEST(killed_writer_loses_nothing),
    };
    return cmocka_run_group_tests_name("index", tests, NULL, NULL);
}
