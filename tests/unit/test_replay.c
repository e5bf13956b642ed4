/* Replay: start times from names, and the same set whatever interrupts it. Recognition is the fake one; files, decoder
 * and store are real. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/log.h"
#include "pipeline/catalogue.h"
#include "pipeline/replay.h"
#include "tests/unit/fake_recognition.h"

enum { SECONDS = 90 };

static char folder[64], dsn[96], path[96];
static ut_snapshot *snapshot;

static void put32(FILE *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        fputc((int)(value >> (8 * i) & 255), out);
}

/* A WAV file of mono float at 16 kHz: every ten seconds, 3 s in, comes the next recording for 4 s; the last one is cut
 * off. */
static void write_wav(const char *name, int seconds, size_t promised)
{
    FILE *out = fopen(name, "wb");
    assert_non_null(out);
    size_t size = (size_t)seconds * UT_RATE_HZ * 4;
    fputs("RIFF", out);
    put32(out, (uint32_t)(36 + promised));
    fputs("WAVEfmt ", out);
    put32(out, 16);
    put32(out, 3 | 1 << 16);
    put32(out, UT_RATE_HZ);
    put32(out, UT_RATE_HZ * 4);
    put32(out, 4 | 32 << 16);
    fputs("data", out);
    put32(out, (uint32_t)promised);
    for (size_t i = 0; i < size / 4; i++) {
        size_t piece = i / (10 * UT_RATE_HZ), at = i % (10 * UT_RATE_HZ);
        float level = at >= 3 * UT_RATE_HZ && at < 7 * UT_RATE_HZ ? (float)(1 + piece) / 1000 : 0;
        fwrite(&level, sizeof level, 1, out);
    }
    fclose(out);
}

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/ut-replay-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(dsn, sizeof dsn, "sqlite:%s/store", folder);
    snprintf(path, sizeof path, "%s/a.wav", folder);
    ut_log_set_level(UT_LOG_OFF);
    fake_catalogue_set(1);
    write_wav(path, SECONDS, (size_t)SECONDS * UT_RATE_HZ * 4);
    ut_store *store;
    assert_int_equal(ut_store_open(dsn, UT_STORE_CREATE, &store, NULL), UT_OK);
    for (int i = 1; i <= 10; i++) {
        ut_recording rec = {.title = (char *)"T"};
        bool created;
        memset(rec.audio_sha256, '0', 64);
        snprintf(rec.audio_sha256 + 60, 5, "%04d", i);
        assert_int_equal(ut_store_recording_put(store, &rec, NULL, 0, &created, NULL), UT_OK);
    }
    ut_store_close(&store);
    snapshot = ut_catalogue_take(NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    ut_snapshot_unref(&snapshot);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static int asked, stop_at;

static bool stopped(void)
{
    return ++asked == stop_at;
}

static ut_status replay(ut_replay_result *result, ut_err *err)
{
    const ut_replay_item item = {.path = path, .start_ns = 1000 * UT_NS_PER_S, .duration_s = SECONDS};
    const ut_replay_options options = {.store = dsn,
                                       .channel = "one",
                                       .params = "p3",
                                       .stopped = stopped,
                                       .commit_s = 5,
                                       .analyser = {.index = ut_snapshot_index(snapshot), .unidentified = true}};
    *result = (ut_replay_result){0};
    return ut_replay_file(&options, &item, result, err);
}

typedef struct {
    int count;
    char ids[32][37];
} list;

static ut_status add(void *arg, const ut_airplay *air)
{
    list *l = arg;
    assert_int_equal(air->what.recording_id, l->count + 1);
    assert_int_equal(air->start_ns, (1003 + 10 * l->count) * UT_NS_PER_S);
    memcpy(l->ids[l->count++], air->id, 37);
    return UT_OK;
}

static list read_store(ut_store_stats *stats)
{
    list l = {0};
    ut_store *store;
    assert_int_equal(ut_store_open(dsn, UT_STORE_READ, &store, NULL), UT_OK);
    assert_int_equal(ut_store_airplay_each(store, "one", 0, INT64_MAX / 2, add, &l, NULL), UT_OK);
    assert_int_equal(ut_store_describe(store, stats, NULL), UT_OK);
    ut_store_close(&store);
    return l;
}

static void twice_is_once(void **state)
{
    (void)state;
    ut_replay_result result;
    ut_store_stats stats;
    stop_at = 0;
    assert_int_equal(replay(&result, NULL), UT_OK);
    assert_int_equal(result.added, SECONDS / 10);
    assert_true(result.analysed_s == SECONDS);
    assert_false(result.skipped);
    assert_int_equal(replay(&result, NULL), UT_OK);
    assert_true(result.skipped);
    assert_int_equal(result.added, 0);
    assert_int_equal(read_store(&stats).count, SECONDS / 10);
    assert_int_equal(stats.outbox_pending, SECONDS / 10);
    assert_int_equal(stats.segments, 1);
}

static void stopping_anywhere_gives_the_same_set(void **state)
{
    (void)state;
    int runs = 0;
    size_t added = 0;
    ut_replay_result result;
    ut_status rc;
    do {
        asked = 0;
        stop_at = 25 + runs; /* each run skips what is done a second at a time, and so gets a little further */
        rc = replay(&result, NULL);
        added += result.added;
        runs++;
        assert_true(rc == UT_OK || rc == UT_E_STOPPED);
        assert_true(runs < 100);
    } while (rc != UT_OK);
    assert_true(runs > 2);
    ut_store_stats stats;
    assert_int_equal(read_store(&stats).count, SECONDS / 10);
    assert_int_equal(added, SECONDS / 10);
    assert_int_equal(stats.outbox_pending, SECONDS / 10);
}

static void another_copy_of_the_recording_changes_nothing(void **state)
{
    (void)state;
    ut_replay_result result;
    ut_store_stats stats;
    stop_at = 0;
    assert_int_equal(replay(&result, NULL), UT_OK);
    char moved[96];
    snprintf(moved, sizeof moved, "%s/b.wav", folder);
    assert_int_equal(rename(path, moved), 0);
    strcpy(path, moved);
    assert_int_equal(replay(&result, NULL), UT_OK);
    assert_false(result.skipped);
    assert_int_equal(result.added, 0);
    assert_int_equal(read_store(&stats).count, SECONDS / 10);
    assert_int_equal(stats.outbox_pending, SECONDS / 10);
}

static void a_file_that_is_not_there_is_named(void **state)
{
    (void)state;
    ut_replay_result result;
    ut_err err;
    unlink(path);
    assert_int_equal(replay(&result, &err), UT_E_NOTFOUND);
    assert_non_null(strstr(err.text, path));
}

static void files_follow_each_other(void **state)
{
    (void)state;
    char other[96];
    snprintf(other, sizeof other, "%s/b.wav", folder);
    write_wav(other, 30, 30 * UT_RATE_HZ * 4);
    ut_replay_item items[] = {{.path = path}, {.path = other}, {.path = path}};
    assert_int_equal(ut_replay_plan(items, 3, 5 * UT_NS_PER_S, NULL), UT_OK);
    assert_int_equal(items[0].start_ns, 5 * UT_NS_PER_S);
    assert_int_equal(items[1].start_ns, (5 + SECONDS) * UT_NS_PER_S);
    assert_int_equal(items[2].start_ns, (5 + SECONDS + 30) * UT_NS_PER_S);
    assert_true(items[1].duration_s == 30);
}

static void names_tell_the_time(void **state)
{
    (void)state;
    static const char *const right[] = {
        "news-20261121T201500Z.ts", "/a/2020/news_2026-11-21_20-15-00.ts", "2026-11-21T20:15:00Z.mp4",
        "20261121201500.wav",       "ch7.20261121-201500.part1.ts",        "99-20261121_201500.ts",
        "2026-11-21 20-15-00",
    };
    static const char *const wrong[] = {"news.ts",
                                        "20261121.ts",
                                        "120261121T201500.ts",
                                        "20261121T2015001.ts",
                                        "20261341T201500Z.ts",
                                        "20261121T201500Z/news.ts"};
    int64_t wanted, got;
    assert_int_equal(ut_time_parse("2026-11-21T20:15:00Z", &wanted, NULL), UT_OK);
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        if (ut_replay_time_of_name(right[i], &got, NULL) != UT_OK || got != wanted)
            fail_msg("%s", right[i]);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (ut_replay_time_of_name(wrong[i], &got, NULL) != UT_E_ARG)
            fail_msg("%s", wrong[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(twice_is_once, setup, teardown),
        cmocka_unit_test_setup_teardown(stopping_anywhere_gives_the_same_set, setup, teardown),
        cmocka_unit_test_setup_teardown(another_copy_of_the_recording_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_there_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(files_follow_each_other, setup, teardown),
        cmocka_unit_test(names_tell_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
