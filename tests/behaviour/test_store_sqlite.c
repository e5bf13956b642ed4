/* What can befall a store that is a file: absent, foreign, newer, locked, read-only, full, damaged. */
#include "tests/behaviour/store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"

static const ut_store_mode modes[] = {UT_STORE_READ, UT_STORE_WRITE, UT_STORE_CREATE};

/* Opening must fail in this way, with a text that names `name` and says `why`. */
static void refused(const char *dsn, ut_store_mode mode, ut_status want, const char *name, const char *why)
{
    ut_store *store = NULL;
    ut_err err = {0};
    assert_int_equal(ut_store_open(dsn, mode, &store, &err), want);
    assert_null(store);
    if (!strstr(err.text, name) || !strstr(err.text, why))
        fail_msg("\"%s\" does not say \"%s\" and \"%s\"", err.text, name, why);
}

static void sql(const char *path, const char *text)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* --- names -------------------------------------------------------------------------------------- */

static void wrong_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        refused("", modes[i], UT_E_ARG, "store", "sqlite:PATH");
        refused("/a/path", modes[i], UT_E_ARG, "/a/path", "sqlite:PATH");
        refused("sqlite:", modes[i], UT_E_ARG, "sqlite:", "without a place");
        refused("mysql://me:secret@host/db", modes[i], UT_E_ARG, "mysql", "unknown kind");
        refused("password=secret host=x:y", modes[i], UT_E_ARG, "\"password\"", "is not of the form");
    }
    ut_err err = {0};
    ut_store *store = NULL;
    assert_int_equal(ut_store_open("mysql://me:secret@host/db", UT_STORE_READ, &store, &err), UT_E_ARG);
    assert_null(strstr(err.text, "secret"));
}

/* SQLite gives these names a meaning of its own; to us they are files. */
static void odd_names_are_files(void **state)
{
    fixture *f = *state;
    const char *names[] = {":memory:", "file:x?mode=memory", "a#b%41?c", "-", "K\xC3\xB6ln m\xFCsik.db"};
    assert_int_equal(chdir(f->folder), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char dsn[100];
        struct stat st;
        ut_store *store = NULL;
        snprintf(dsn, sizeof dsn, "sqlite:%s", names[i]);
        assert_ok(ut_store_open(dsn, UT_STORE_CREATE, &store, ERR));
        recording_add(store, 1);
        ut_store_close(&store);
        assert_int_equal(stat(names[i], &st), 0);
        assert_ok(ut_store_open(dsn, UT_STORE_READ, &store, ERR));
        assert_int_equal(stats_of(store).recordings, 1);
        ut_store_close(&store);
    }
    assert_int_equal(chdir("/"), 0);
}

static void index_lies_beside(void **state)
{
    fixture *f = *state;
    char path[200], want[200];
    snprintf(want, sizeof want, "%s.p3.index", f->path);
    assert_ok(ut_store_index_path(f->store, "p3", path, sizeof path, ERR));
    assert_string_equal(path, want);
    assert_int_equal(ut_store_index_path(f->store, "p3", path, 10, ERR), UT_E_ARG);
}

/* --- not a store ----------------------------------------------------------------------------------- */

static void absent(void **state)
{
    fixture *f = *state;
    char dsn[128];
    struct stat st;
    snprintf(dsn, sizeof dsn, "sqlite:%s/none.db", f->folder);
    refused(dsn, UT_STORE_READ, UT_E_NOTFOUND, "none.db", "does not exist");
    refused(dsn, UT_STORE_WRITE, UT_E_NOTFOUND, "none.db", "does not exist");
    assert_int_not_equal(stat(dsn + 7, &st), 0); /* asking does not make it */
    snprintf(dsn, sizeof dsn, "sqlite:%s", f->folder);
    for (size_t i = 0; i < 3; i++)
        refused(dsn, modes[i], UT_E_IO, f->folder, "not a file");
}

static void foreign(void **state)
{
    fixture *f = *state;
    char path[100], dsn[128], *after = NULL;
    const char text[] = "This is a letter, and long enough to be taken for the header of a database. "
                        "It goes on and on, until a hundred bytes are over.";
    size_t size = 0;
    snprintf(path, sizeof path, "%s/letter.txt", f->folder);
    snprintf(dsn, sizeof dsn, "sqlite:%s", path);
    write_file(path, text, sizeof text);
    for (size_t i = 0; i < 3; i++)
        refused(dsn, modes[i], UT_E_IO, path, "not a store of undertone");
    assert_ok(ut_file_read(path, 1000, &after, &size, ERR));
    assert_int_equal(size, sizeof text);
    assert_memory_equal(after, text, size);
    free(after);

    write_file(path, "", 0);
    refused(dsn, UT_STORE_READ, UT_E_IO, path, "not a store of undertone");
    refused(dsn, UT_STORE_WRITE, UT_E_IO, path, "not a store of undertone");

    snprintf(path, sizeof path, "%s/other.db", f->folder);
    snprintf(dsn, sizeof dsn, "sqlite:%s", path);
    sql(path, "CREATE TABLE photo (id)");
    for (size_t i = 0; i < 3; i++)
        refused(dsn, modes[i], UT_E_IO, path, "not a store of undertone");
}

static void newer_schema(void **state)
{
    fixture *f = *state;
    ut_store_close(&f->store);
    sql(f->path, "PRAGMA user_version = 99");
    for (size_t i = 0; i < 3; i++)
        refused(f->dsn, modes[i], UT_E_CORRUPT, f->path, "schema 99 is newer");
}

/* --- locked, read-only, full ----------------------------------------------------------------------- */

static void locked(void **state)
{
    fixture *f = *state;
    sqlite3 *other = NULL;
    ut_segment segment = segment_make("one", 0);
    ut_err err = {0};
    assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(ut_store_segment_put(f->store, &segment, &err), UT_E_BUSY);
    assert_true(err.retriable);
    assert_non_null(strstr(err.text, f->path));
    assert_non_null(strstr(err.text, "locked"));
    assert_int_equal(stats_of(f->store).segments, 0); /* reading goes on */
    sqlite3_close(other);
    assert_ok(ut_store_segment_put(f->store, &segment, ERR));
}

/* Runs `body` in a child, as nobody if we are root: file modes do not bind root. */
static void as_nobody(void (*body)(fixture *), fixture *f)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (getuid() == 0 && (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0))
            _exit(99);
        body(f);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("child ended with %d", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
}

static void read_only_body(fixture *f)
{
    ut_store *store = NULL;
    ut_store_stats stats;
    ut_err err = {0};
    if (ut_store_open(f->dsn, UT_STORE_READ, &store, &err) != UT_OK)
        _exit(1);
    if (ut_store_describe(store, &stats, &err) != UT_OK || stats.recordings != 1)
        _exit(2);
    if (ut_store_verify(store, &err) != UT_OK)
        _exit(3);
    ut_store_close(&store);
    if (ut_store_open(f->dsn, UT_STORE_WRITE, &store, &err) != UT_E_IO || !strstr(err.text, "read-only"))
        _exit(4);
}

static void read_only_folder(void **state)
{
    fixture *f = *state;
    recording_add(f->store, 1);
    ut_store_close(&f->store);
    assert_int_equal(chmod(f->path, 0444), 0);
    assert_int_equal(chmod(f->folder, 0555), 0);
    as_nobody(read_only_body, f);
    assert_int_equal(chmod(f->folder, 0755), 0);
}

static void unreadable_body(fixture *f)
{
    ut_store *store = NULL;
    ut_err err = {0};
    if (ut_store_open(f->dsn, UT_STORE_READ, &store, &err) != UT_E_IO || !strstr(err.text, strerror(EACCES)))
        _exit(1);
}

static void unreadable(void **state)
{
    fixture *f = *state;
    ut_store_close(&f->store);
    assert_int_equal(chmod(f->folder, 0755), 0);
    assert_int_equal(chmod(f->path, 0), 0);
    as_nobody(unreadable_body, f);
}

/* Adds recordings until the disk is full; gives how many were acknowledged, or -1 for another failure. */
static int fill(const char *dsn)
{
    ut_store *store = NULL;
    static uint8_t data[20000];
    ut_fingerprint_row row = {"p3", data, sizeof data};
    ut_err err = {0};
    ut_status rc = ut_store_open(dsn, UT_STORE_CREATE, &store, &err);
    int added = 0;
    while (rc == UT_OK && added < 1000) {
        ut_recording rec = {.title = (char *)"Title"};
        bool created;
        snprintf(rec.audio_sha256, sizeof rec.audio_sha256, "%064x", added);
        rc = ut_store_recording_put(store, &rec, &row, 1, &created, &err);
        added += rc == UT_OK;
    }
    ut_store_close(&store);
    if (rc != UT_E_FULL || !err.retriable) {
        fprintf(stderr, "%s: %s\n", ut_status_name(rc), err.text);
        return -1;
    }
    return added;
}

static void whole_after_filling(fixture *f, const char *dsn, int added)
{
    ut_store_close(&f->store);
    assert_ok(ut_store_open(dsn, UT_STORE_WRITE, &f->store, ERR));
    assert_int_equal(stats_of(f->store).recordings, added);
    assert_int_equal(stats_of(f->store).fingerprints, added);
    assert_ok(ut_store_verify(f->store, ERR));
}

static void file_size_limit(void **state)
{
    fixture *f = *state;
    int status;
    ut_store_close(&f->store);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit limit = {600000, 600000};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        int added = fill(f->dsn);
        _exit(added < 0 ? 255 : added);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_in_range(WEXITSTATUS(status), 1, 100);
    whole_after_filling(f, f->dsn, WEXITSTATUS(status));
}

static void full_disk(void **state)
{
    fixture *f = *state;
    char folder[100], dsn[140];
    snprintf(folder, sizeof folder, "%s/disk", f->folder);
    snprintf(dsn, sizeof dsn, "sqlite:%s/undertone.db", folder);
    assert_int_equal(mkdir(folder, 0755), 0);
    if (mount("none", folder, "tmpfs", 0, "size=1m") != 0) {
        print_message("no small disk to fill: mount: %s\n", strerror(errno));
        skip();
    }
    int added = fill(dsn);
    if (added > 0)
        whole_after_filling(f, dsn, added);
    ut_store_close(&f->store);
    assert_int_equal(umount(folder), 0);
    assert_in_range(added, 1, 100);
}

/* --- damage ------------------------------------------------------------------------------------------ */

typedef struct {
    char text[40000];
    size_t size;
} dump;

static void dump_add(dump *d, const void *data, size_t size)
{
    assert_true(d->size + size <= sizeof d->text);
    memcpy(d->text + d->size, data, size);
    d->size += size;
}

static ut_status dump_recording(void *arg, const ut_recording *rec)
{
    char line[500];
    int n = snprintf(line, sizeof line, "%d %s %s %s %s %d %d %d\n", (int)rec->id, rec->audio_sha256, rec->title,
                     rec->artist ? rec->artist : "", rec->file ? rec->file : "", (int)rec->duration_ms,
                     (int)(rec->added_ns / 1000000), (int)rec->party_count);
    dump_add(arg, line, (size_t)n);
    for (size_t i = 0; i < rec->party_count; i++)
        dump_add(arg, rec->parties[i].name, strlen(rec->parties[i].name));
    return UT_OK;
}

static ut_status dump_fingerprint(void *arg, int64_t id, const uint8_t *data, size_t size)
{
    dump_add(arg, &id, sizeof id);
    dump_add(arg, data, size);
    return UT_OK;
}

static ut_status dump_airplay(void *arg, const ut_airplay *air)
{
    dump_add(arg, air->id, strlen(air->id));
    dump_add(arg, &air->start_ns, sizeof air->start_ns);
    dump_add(arg, &air->what.recording_id, sizeof air->what.recording_id);
    dump_add(arg, &air->what.log10_e, sizeof air->what.log10_e);
    return UT_OK;
}

static ut_status dump_all(ut_store *store, dump *d)
{
    ut_event event;
    size_t got = 0;
    ut_status rc = ut_store_recording_each(store, dump_recording, d, NULL);
    if (rc == UT_OK)
        rc = ut_store_fingerprint_each(store, "p3", dump_fingerprint, d, NULL);
    if (rc == UT_OK)
        rc = ut_store_airplay_each(store, NULL, INT64_MIN, INT64_MAX, dump_airplay, d, NULL);
    for (int64_t after = 0; rc == UT_OK; after = event.seq) {
        if ((rc = ut_store_outbox_peek(store, after, &event, 1, &got, NULL)) != UT_OK || got == 0)
            break;
        dump_add(d, event.json, strlen(event.json));
        dump_add(d, event.id, strlen(event.id));
        int64_t seq = event.seq;
        ut_event_clear(&event);
        event.seq = seq;
    }
    return rc;
}

/* Whether the store at dsn is found damaged; if not, *d is what it holds. */
static bool found_damaged(const char *dsn, dump *d)
{
    ut_store *store = NULL;
    ut_err err = {0};
    ut_status rc = ut_store_open(dsn, UT_STORE_READ, &store, &err);
    if (rc == UT_OK)
        rc = ut_store_verify(store, &err);
    if (rc == UT_OK)
        rc = dump_all(store, d);
    else if (!err.text[0] || (rc != UT_E_CORRUPT && rc != UT_E_IO))
        fail_msg("%s: \"%s\"", ut_status_name(rc), err.text);
    ut_store_close(&store);
    return rc != UT_OK;
}

static void store_fill(fixture *f)
{
    ut_segment segment = segment_make("one", 0);
    assert_ok(ut_store_segment_put(f->store, &segment, ERR));
    for (int n = 1; n <= 12; n++) {
        ut_airplay air = airplay_make("one", segment.id, recording_add(f->store, n), n);
        ut_event event = event_make(&air);
        size_t added;
        assert_ok(ut_store_airplay_put(f->store, segment.id, &air, &event, 1, NULL, &added, ERR));
    }
}

/* Every change of a byte is either found, or of a byte that says nothing. */
static void changed_bytes_are_found(void **state)
{
    fixture *f = *state;
    char path[100], dsn[128], *bytes = NULL;
    size_t size = 0, found = 0;
    static dump want, got;
    enum { TRIES = 600 };
    store_fill(f);
    ut_store_close(&f->store);
    want.size = 0;
    assert_false(found_damaged(f->dsn, &want));
    assert_ok(ut_file_read(f->path, 1 << 20, &bytes, &size, ERR));
    snprintf(path, sizeof path, "%s/damaged.db", f->folder);
    snprintf(dsn, sizeof dsn, "sqlite:%s", path);
    srand(11);
    for (int i = 0; i < TRIES; i++) {
        size_t at = (size_t)rand() % size;
        char mask = (char)(1 << rand() % 8);
        bytes[at] ^= mask;
        write_file(path, bytes, size);
        got.size = 0;
        if (found_damaged(dsn, &got))
            found++;
        else if (got.size != want.size || memcmp(got.text, want.text, want.size) != 0)
            fail_msg("bit %#x of byte %zu changed what is read and was not found", mask & 0xff, at);
        bytes[at] ^= mask;
    }
    print_message("%zu of %d changed bytes found, the others said nothing\n", found, TRIES);
    assert_true(found > TRIES / 10);
    free(bytes);
}

static void cut_stores_are_found(void **state)
{
    fixture *f = *state;
    char path[100], dsn[128], *bytes = NULL;
    size_t size = 0;
    static dump got, want;
    store_fill(f);
    ut_store_close(&f->store);
    want.size = 0;
    assert_false(found_damaged(f->dsn, &want));
    assert_ok(ut_file_read(f->path, 1 << 20, &bytes, &size, ERR));
    snprintf(path, sizeof path, "%s/cut.db", f->folder);
    snprintf(dsn, sizeof dsn, "sqlite:%s", path);
    for (size_t left = 0; left < size; left += 1500) {
        write_file(path, bytes, left);
        got.size = 0;
        /* The last page may end in zeros, which reading beyond the end gives too. */
        if (!found_damaged(dsn, &got) && (got.size != want.size || memcmp(got.text, want.text, want.size) != 0))
            fail_msg("cut to %zu of %zu bytes: not found", left, size);
        assert_true(left + 4096 > size || got.size == 0); /* of a whole page less is always found */
    }
    free(bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(wrong_names),
        TEST(odd_names_are_files),
        TEST(index_lies_beside),
        TEST(absent),
        TEST(foreign),
        TEST(newer_schema),
        TEST(locked),
        TEST(read_only_folder),
        TEST(unreadable),
        TEST(file_size_limit),
        TEST(full_disk),
        TEST(changed_bytes_are_found),
        TEST(cut_stores_are_found),
    };
    return cmocka_run_group_tests_name("store: sqlite", tests, NULL, NULL);
}
