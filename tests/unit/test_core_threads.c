/* What core promises to any thread, from many at once; of use under ThreadSanitizer. And what a log line looks like. */
#include "tests/unit/support.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "core/file.h"
#include "core/log.h"
#include "core/progress.h"

enum { THREADS = 4, ROUNDS = 200 };

static char path[] = "/tmp/ut-threads-XXXXXX";
static int saved_stderr;

/* Everything written to stderr from here on goes into a file. */
static int catch_stderr(void **state)
{
    (void)state;
    strcpy(path, "/tmp/ut-threads-XXXXXX");
    int fd = mkstemp(path);
    saved_stderr = dup(STDERR_FILENO);
    return fd >= 0 && dup2(fd, STDERR_FILENO) >= 0 && close(fd) == 0 ? 0 : -1;
}

static int release_stderr(void **state)
{
    (void)state;
    unlink(path);
    return dup2(saved_stderr, STDERR_FILENO) >= 0 && close(saved_stderr) == 0 ? 0 : -1;
}

static char *caught(void)
{
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(ut_file_read(path, 10 << 20, &text, &size, NULL), UT_OK);
    return text;
}

static void *log_many(void *progress)
{
    for (int i = 0; i < ROUNDS; i++) {
        ut_log(UT_LOG_INFO, "test", "round", "i=%d word=%s", i, "0123456789012345678901234567890123456789");
        ut_log(UT_LOG_DEBUG, "test", "hidden", "i=%d", i);
        ut_progress_add(progress, 1, "some/file.wav");
    }
    return NULL;
}

static void lines_of_many_threads_do_not_mix(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    ut_progress *progress = NULL;
    assert_int_equal(ut_progress_open("test", "rounds", THREADS * ROUNDS, &progress), UT_OK);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, progress), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ut_progress_close(&progress);
    char *text = caught(), *rest = NULL;
    size_t lines = 0;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), lines++) {
        assert_int_equal(strncmp(line, "time=2", 6), 0);
        assert_non_null(strstr(line, " level=info module=test event=round i="));
        assert_string_equal(line + strlen(line) - 10, "0123456789");
    }
    assert_int_equal(lines, THREADS * ROUNDS);
    free(text);
}

static void one_event_is_one_line(void **state)
{
    (void)state;
    char *big = calloc(1, 5001);
    memset(big, 'x', 5000);
    ut_log(UT_LOG_WARN, "test", "forged", "name=%s", "a\ntime=1 level=error");
    ut_log(UT_LOG_WARN, "test", "plain", "%s", "");
    ut_log(UT_LOG_WARN, "test", "long", "name=%s", big);
    free(big);
    char *text = caught(), *rest = NULL;
    size_t lines = 0;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), lines++)
        assert_non_null(strstr(line, "level=warn module=test event="));
    assert_int_equal(lines, 3);
    free(text);
}

static void *write_many(void *target)
{
    char content[2000];
    for (int i = 0; i < 20; i++) {
        memset(content, 'a' + i % 26, sizeof content);
        if (ut_file_write(target, content, sizeof content, NULL) != UT_OK)
            return target;
    }
    return NULL;
}

static void writers_of_one_file_leave_a_whole_one(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, path), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    char *text = caught();
    assert_int_equal(strlen(text), 2000);
    for (size_t i = 1; i < 2000; i++)
        assert_int_equal(text[i], text[0]);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_of_many_threads_do_not_mix, catch_stderr, release_stderr),
        cmocka_unit_test_setup_teardown(one_event_is_one_line, catch_stderr, release_stderr),
        cmocka_unit_test_setup_teardown(writers_of_one_file_leave_a_whole_one, catch_stderr, release_stderr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
