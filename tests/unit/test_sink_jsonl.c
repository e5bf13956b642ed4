/* The JSONL sink: whole lines or none, whatever happens to the process, the disk or the file. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/file.h"
#include "core/log.h"
#include "pipeline/sink.h"

static char folder[64], path[96];

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/ut-jsonl-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/events.jsonl", folder);
    ut_log_set_level(UT_LOG_OFF);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void *sink_open(void)
{
    void *self = NULL;
    ut_err err;
    if (ut_sink_jsonl.open(path, NULL, &self, &err) != UT_OK)
        fail_msg("%s", err.text);
    return self;
}

static void send_number(void *self, int n)
{
    char json[32];
    snprintf(json, sizeof json, "{\"n\":%d}", n);
    ut_event event = {.id = "id", .type = "type", .key = "key", .json = json};
    assert_int_equal(ut_sink_jsonl.send(self, &event, NULL), UT_OK);
}

/* Lines of the file, each of which must end in the number that belongs to it. */
static int count_lines(const char *of)
{
    FILE *in = fopen(of, "r");
    char line[1024];
    int count = 0, n;
    assert_non_null(in);
    while (fgets(line, sizeof line, in)) {
        const char *value = strstr(line, "\"data\":{\"n\":");
        assert_non_null(value);
        assert_int_equal(sscanf(value, "\"data\":{\"n\":%d}}", &n), 1);
        assert_int_equal(n, count);
        assert_int_equal(line[strlen(line) - 1], '\n');
        count++;
    }
    fclose(in);
    return count;
}

static void appends_across_opens(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        void *self = sink_open();
        send_number(self, 2 * round);
        send_number(self, 2 * round + 1);
        assert_int_equal(ut_sink_jsonl.flush(self, NULL), UT_OK);
        ut_sink_jsonl.close(self);
    }
    assert_int_equal(count_lines(path), 6);
}

static void unflushed_events_do_not_count(void **state)
{
    (void)state;
    void *self = sink_open();
    send_number(self, 0);
    ut_sink_jsonl.close(self);
    assert_int_equal(count_lines(path), 0);
}

static void a_torn_last_line_is_cut(void **state)
{
    (void)state;
    void *self = sink_open();
    send_number(self, 0);
    assert_int_equal(ut_sink_jsonl.flush(self, NULL), UT_OK);
    ut_sink_jsonl.close(self);
    for (size_t torn = 1; torn <= 20000; torn = torn * 7 + 1) { /* within one read of the repair, and over several */
        FILE *out = fopen(path, "a");
        for (size_t i = 0; i < torn; i++)
            fputc('{', out);
        fclose(out);
        self = sink_open();
        ut_sink_jsonl.close(self);
        assert_int_equal(count_lines(path), 1);
    }
}

static void a_file_that_is_one_torn_line_is_emptied(void **state)
{
    (void)state;
    assert_int_equal(ut_file_write(path, "{\"spec", 6, NULL), UT_OK);
    void *self = sink_open();
    send_number(self, 0);
    assert_int_equal(ut_sink_jsonl.flush(self, NULL), UT_OK);
    ut_sink_jsonl.close(self);
    assert_int_equal(count_lines(path), 1);
}

static void a_full_disk_leaves_whole_lines(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    void *self = sink_open();
    send_number(self, 0);
    assert_int_equal(ut_sink_jsonl.flush(self, NULL), UT_OK);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    struct rlimit before, tight;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight = before;
    tight.rlim_cur = (rlim_t)st.st_size + 10; /* ten bytes fit: write() is short, then fails */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    ut_err err;
    send_number(self, 1);
    assert_int_equal(ut_sink_jsonl.flush(self, &err), UT_E_FULL);
    assert_true(err.retriable);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(count_lines(path), 1);
    send_number(self, 1);
    assert_int_equal(ut_sink_jsonl.flush(self, NULL), UT_OK);
    ut_sink_jsonl.close(self);
    assert_int_equal(count_lines(path), 2);
}

static void follows_a_rotation(void **state)
{
    (void)state;
    char old[128];
    snprintf(old, sizeof old, "%s.1", path);
    void *self = sink_open();
    send_number(self, 0);
    assert_int_equal(ut_sink_jsonl.flush(self, NULL), UT_OK);
    assert_int_equal(rename(path, old), 0);
    send_number(self, 0);
    assert_int_equal(ut_sink_jsonl.flush(self, NULL), UT_OK);
    ut_sink_jsonl.close(self);
    assert_int_equal(count_lines(old), 1);
    assert_int_equal(count_lines(path), 1);
}

static void a_second_writer_is_held_off(void **state)
{
    (void)state;
    void *self = sink_open(), *other = NULL;
    ut_err err;
    assert_int_equal(ut_sink_jsonl.open(path, NULL, &other, &err), UT_E_BUSY);
    assert_true(err.retriable);
    assert_null(other);
    ut_sink_jsonl.close(self);
    other = sink_open();
    ut_sink_jsonl.close(other);
}

static void errors_name_the_file(void **state)
{
    (void)state;
    void *self = NULL;
    ut_err err;
    assert_int_equal(ut_sink_jsonl.open("/nonexistent/e.jsonl", NULL, &self, &err), UT_E_IO);
    assert_false(err.retriable);
    assert_non_null(strstr(err.text, "/nonexistent/e.jsonl"));
    assert_int_equal(ut_sink_jsonl.open("/dev/full", NULL, &self, &err), UT_OK);
    send_number(self, 0);
    assert_int_equal(ut_sink_jsonl.flush(self, &err), UT_E_FULL);
    ut_sink_jsonl.close(self);
}

static void specs_are_checked(void **state)
{
    (void)state;
    const ut_sink_ops *ops;
    const char *target;
    ut_err err;
    assert_int_equal(ut_sink_find(NULL, "jsonl:a:b", &ops, &target, &err), UT_OK);
    assert_string_equal(target, "a:b");
    assert_ptr_equal(ops, &ut_sink_jsonl);
    const char *const wrong[] = {"", "jsonl", "jsonl:", "json:x", "jsonlx:y"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(ut_sink_find(NULL, wrong[i], &ops, &target, &err), UT_E_ARG);
    assert_non_null(strstr(err.text, "jsonl:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(appends_across_opens, setup, teardown),
        cmocka_unit_test_setup_teardown(unflushed_events_do_not_count, setup, teardown),
        cmocka_unit_test_setup_teardown(a_torn_last_line_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_one_torn_line_is_emptied, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_leaves_whole_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(follows_a_rotation, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_writer_is_held_off, setup, teardown),
        cmocka_unit_test_setup_teardown(errors_name_the_file, setup, teardown),
        cmocka_unit_test(specs_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
