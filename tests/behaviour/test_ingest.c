/* pipeline/ingest.h without audio: the reading of a file is played by this test (the linker takes its ut_reading_make),
 * so that order, failure, stopping and the hand-over between threads can be seen. */
#include "tests/behaviour/store_fixture.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/digest.h"
#include "pipeline/ingest.h"
#include "pipeline/ingest_file.h"

enum { FILES = 60, JOBS = 4 };

static atomic_int reading_count, stop_after;
static atomic_size_t read_ahead; /* readings not yet cleared */
static atomic_size_t most_read_ahead;
static ut_recording tags; /* borrowed strings: what each file says of itself */

void ut_reading_clear(ut_reading *reading)
{
    if (reading->row_count > 0)
        atomic_fetch_sub(&read_ahead, 1);
    ut_recording_clear(&reading->tags);
    for (size_t i = 0; i < reading->row_count; i++)
        free((void *)reading->rows[i].data);
    *reading = (ut_reading){0};
}

/* A file "bad…" fails; "same…" holds the audio of "000"; every other one its own. */
ut_status ut_reading_make(const char *path, const ut_params *const *params, size_t params_count, ut_stopped_fn stopped,
                          void *arg, ut_reading *out, ut_err *err)
{
    const char *name = strrchr(path, '/') + 1;
    ut_reading reading = {.audio_s = 1};
    atomic_fetch_add(&reading_count, 1);
    usleep((useconds_t)(name[2] * 37 % 11 * 100)); /* some take longer than others */
    if (params_count != 1 || stopped(arg))
        return ut_fail(err, UT_E_STOPPED, "%s: stopped", path);
    if (strncmp(name, "bad", 3) == 0)
        return ut_fail(err, UT_E_UNSUPPORTED, "%s: not audio", path);
    if (strncmp(name, "mem", 3) == 0)
        return ut_fail(err, UT_E_NOMEM, "%s: out of memory", path);
    ut_err copy_err;
    if (ut_recording_copy(&tags, &reading.tags, &copy_err) != UT_OK)
        abort();
    const char *audio = strncmp(name, "same", 4) == 0 ? "000.wav" : name;
    ut_sha256(audio, strlen(audio), reading.tags.audio_sha256);
    uint8_t *data = calloc(1, 8);
    reading.rows[0] = (ut_fingerprint_row){ut_params_name(params[0]), data, 8};
    reading.row_count = 1;
    size_t ahead = atomic_fetch_add(&read_ahead, 1) + 1, most = atomic_load(&most_read_ahead);
    while (ahead > most && !atomic_compare_exchange_weak(&most_read_ahead, &most, ahead))
        ;
    *out = reading;
    return UT_OK;
}

static bool stopped_later(void)
{
    return atomic_load(&reading_count) >= atomic_load(&stop_after);
}

typedef struct {
    fixture *f;
    char *paths[FILES];
    size_t count;
    const ut_recording *rows[FILES];
    const ut_params *params;
    ut_ingest_options options;
    ut_ingest_result result;
    size_t failures;
    char last_failure[64];
} job;

static void on_failed(void *arg, const char *path, const ut_err *err)
{
    job *j = arg;
    const char *name = strrchr(path, '/') + 1;
    assert_non_null(strstr(err->text, name));
    assert_true(strcmp(name, j->last_failure) > 0); /* in the order of the paths */
    snprintf(j->last_failure, sizeof j->last_failure, "%s", name);
    j->failures++;
}

static void job_add(job *j, const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", j->f->folder, name);
    int file = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(file >= 0);
    close(file);
    assert_true(j->count < FILES);
    j->paths[j->count++] = strdup(path);
}

/* A job of `count` files "000.wav" …; in the place of every tenth a bad one, if `bad`. */
static job *job_make(fixture *f, size_t count, bool bad)
{
    job *j = calloc(1, sizeof *j);
    assert_non_null(j);
    j->f = f;
    j->params = ut_params_find("p3");
    j->options =
        (ut_ingest_options){.params = &j->params, .params_count = 1, .jobs = JOBS, .failed = on_failed, .arg = j};
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, bad && i % 10 == 7 ? "bad%02zu.wav" : "%03zu.wav", i);
        job_add(j, name);
    }
    tags = (ut_recording){.duration_ms = 1000};
    atomic_store(&reading_count, 0);
    atomic_store(&most_read_ahead, 0);
    return j;
}

static ut_status job_run(job *j)
{
    j->last_failure[0] = '\0';
    j->failures = 0;
    ut_status rc = ut_ingest(j->f->store, j->paths, j->rows, j->count, &j->options, &j->result, ERR);
    assert_int_equal(atomic_load(&read_ahead), 0); /* nothing read was forgotten */
    return rc;
}

static void job_close(job *j)
{
    for (size_t i = 0; i < j->count; i++)
        free(j->paths[i]);
    free(j);
}

typedef struct {
    char titles[FILES][16];
    int64_t ids[FILES];
    size_t count;
} listed;

static ut_status list_one(void *arg, const ut_recording *rec)
{
    listed *l = arg;
    snprintf(l->titles[l->count], sizeof l->titles[0], "%s", rec->title);
    l->ids[l->count++] = rec->id;
    return UT_OK;
}

static void written_in_order_with_failures_reported(void **state)
{
    job *j = job_make(*state, FILES, true);
    listed l = {0};
    assert_ok(job_run(j));
    assert_int_equal(j->result.added, FILES - FILES / 10);
    assert_int_equal(j->result.failed, FILES / 10);
    assert_int_equal(j->failures, FILES / 10);
    assert_true(j->result.audio_s == (double)j->result.added);
    assert_ok(ut_store_recording_each(j->f->store, list_one, &l, ERR));
    assert_int_equal(l.count, j->result.added);
    for (size_t i = 1; i < l.count; i++)
        assert_true(strcmp(l.titles[i - 1], l.titles[i]) < 0);
    assert_in_range(atomic_load(&most_read_ahead), 1, 5 * JOBS); /* memory does not grow with the number of files */
    atomic_store(&reading_count, 0);
    assert_ok(job_run(j));
    assert_int_equal(j->result.known, FILES - FILES / 10);
    assert_int_equal(atomic_load(&reading_count), FILES / 10); /* bad ones are tried again */
    job_close(j);
}

static void stops_and_goes_on(void **state)
{
    job *j = job_make(*state, FILES, false);
    j->options.stopped = stopped_later;
    atomic_store(&stop_after, FILES / 2);
    assert_int_equal(job_run(j), UT_E_STOPPED);
    size_t first = j->result.added;
    assert_true(first < FILES / 2);
    assert_int_equal(stats_of(j->f->store).recordings, first);
    atomic_store(&stop_after, INT32_MAX);
    assert_ok(job_run(j));
    assert_int_equal(j->result.known, first);
    assert_int_equal(j->result.added, FILES - first);
    assert_ok(ut_store_verify(j->f->store, ERR));
    job_close(j);
}

static void failing_store_ends_it(void **state)
{
    job *j = job_make(*state, FILES, false);
    ut_store_close(&j->f->store);
    assert_ok(ut_store_open(j->f->dsn, UT_STORE_READ, &j->f->store, ERR));
    assert_int_equal(job_run(j), UT_E_IO);
    assert_int_equal(j->result.added, 0);
    job_close(j);
}

static void lack_of_memory_ends_it(void **state)
{
    job *j = job_make(*state, FILES - 1, false);
    job_add(j, "mem.wav");
    assert_int_equal(job_run(j), UT_E_NOMEM);
    assert_int_equal(j->result.failed, 0);
    job_close(j);
}

static void absent_files_are_failures(void **state)
{
    job *j = job_make(*state, 3, false);
    assert_int_equal(unlink(j->paths[1]), 0);
    assert_ok(job_run(j));
    assert_int_equal(j->result.added, 2);
    assert_int_equal(j->result.failed, 1);
    assert_string_equal(j->last_failure, "001.wav");
    job_close(j);
}

/* The user's row before the file's tags, tags before nothing, the file's name last; what is known stays. */
static void who_knows_best(void **state)
{
    job *j = job_make(*state, 1, false);
    ut_recording got, row = {.title = (char *)"Row", .label = (char *)"Row label"};
    ut_party composer = {.name = (char *)"Tag composer", .share = 0.5},
             author = {.name = (char *)"Row author", .share = 1};
    tags.artist = (char *)"Tag artist";
    tags.label = (char *)"Tag label";
    tags.parties = &composer;
    tags.party_count = 1;
    assert_ok(job_run(j));
    assert_ok(ut_store_recording_get(j->f->store, 1, &got, ERR));
    assert_string_equal(got.title, "000"); /* no tag: the file's name */
    assert_string_equal(got.artist, "Tag artist");
    assert_string_equal(got.label, "Tag label");
    assert_string_equal(got.parties[0].name, "Tag composer");
    assert_string_equal(got.file, j->paths[0]);
    ut_recording_clear(&got);

    row.parties = &author;
    row.party_count = 1;
    j->rows[0] = &row;
    assert_ok(job_run(j));
    assert_int_equal(j->result.known, 1);
    assert_int_equal(j->result.updated, 1);
    j->rows[0] = NULL;
    tags.title = (char *)"Tag title"; /* of another copy of the same audio */
    tags.album = (char *)"Tag album";
    job_add(j, "same.wav");
    assert_ok(job_run(j));
    assert_int_equal(j->result.repeated, 1);
    assert_int_equal(j->result.updated, 1);
    assert_ok(ut_store_recording_get(j->f->store, 1, &got, ERR));
    assert_string_equal(got.title, "Row");
    assert_string_equal(got.label, "Row label");
    assert_string_equal(got.artist, "Tag artist");
    assert_string_equal(got.album, "Tag album"); /* not known before */
    assert_int_equal(got.party_count, 1);
    assert_string_equal(got.parties[0].name, "Row author");
    assert_string_equal(got.file, j->paths[0]); /* the first it came from */
    ut_recording_clear(&got);
    assert_int_equal(stats_of(j->f->store).recordings, 1);
    job_close(j);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(written_in_order_with_failures_reported),
        TEST(stops_and_goes_on),
        TEST(failing_store_ends_it),
        TEST(lack_of_memory_ends_it),
        TEST(absent_files_are_failures),
        TEST(who_knows_best),
    };
    return cmocka_run_group_tests_name("ingest", tests, NULL, NULL);
}
