#include "tests/unit/support.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/ut-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static const char *in_folder(const char *name)
{
    static char paths[4][160];
    static int turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void put(const char *path, const char *text)
{
    assert_int_equal(ut_file_write(path, text, strlen(text), NULL), UT_OK);
}

static size_t entries(const char *path)
{
    size_t count = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void devices_and_links_are_not_replaced(void **state)
{
    (void)state;
    const char *path = in_folder("link");
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_int_equal(ut_file_write(path, "x", 1, NULL), UT_E_ARG);
    struct stat info;
    assert_int_equal(lstat(path, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(unlink(path), 0);
}

static void written_files_are_read_back(void **state)
{
    (void)state;
    const char *path = in_folder("a");
    char *data = NULL;
    size_t size = 0;
    assert_int_equal(ut_file_write(path, "x\0y", 3, NULL), UT_OK);
    assert_int_equal(ut_file_read(path, 3, &data, &size, NULL), UT_OK);
    assert_int_equal(size, 3);
    assert_memory_equal(data, "x\0y\0", 4);
    free(data);
    assert_int_equal(ut_file_write(path, "", 0, NULL), UT_OK);
    assert_int_equal(ut_file_read(path, 3, &data, &size, NULL), UT_OK);
    assert_int_equal(size, 0);
    assert_string_equal(data, "");
    free(data);
    assert_int_equal(entries(folder), 1); /* no temporary file is left */
}

static void reading_says_what_is_wrong(void **state)
{
    (void)state;
    char *data = (char *)"untouched";
    size_t size = 7;
    ut_err err = {0};
    put(in_folder("big"), "0123456789");
    assert_int_equal(ut_file_read(in_folder("big"), 9, &data, &size, &err), UT_E_ARG);
    assert_non_null(strstr(err.text, "larger than 9 bytes"));
    assert_int_equal(ut_file_read(in_folder("absent"), 9, &data, &size, &err), UT_E_NOTFOUND);
    assert_non_null(strstr(err.text, "absent"));
    assert_int_equal(ut_file_read(folder, 9, &data, &size, &err), UT_E_ARG);
    assert_string_equal(data, "untouched");
    assert_int_equal(size, 7);
}

static void pipes_are_read_to_their_end(void **state)
{
    (void)state;
    char *data = NULL;
    size_t size = 0;
    int ends[2];
    char path[40];
    assert_int_equal(pipe(ends), 0);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    assert_int_equal(write(ends[1], "hello", 5), 5);
    close(ends[1]);
    assert_int_equal(ut_file_read(path, 100, &data, &size, NULL), UT_OK);
    assert_string_equal(data, "hello");
    free(data);
    close(ends[0]);
}

static void a_failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    const char *path = in_folder("kept");
    put(path, "old");
    size_t before = entries(folder);
    /* A limit on file size stands for a full disk: the write breaks off in the middle. */
    struct rlimit limit, small;
    getrlimit(RLIMIT_FSIZE, &limit);
    small = limit;
    small.rlim_cur = 4096;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    char *big = calloc(1, 100000);
    ut_err err = {0};
    ut_status rc = ut_file_write(path, big, 100000, &err);
    setrlimit(RLIMIT_FSIZE, &limit);
    free(big);
    assert_int_equal(rc, UT_E_IO);
    assert_non_null(strstr(err.text, "kept"));
    char *data = NULL;
    size_t size = 0;
    assert_int_equal(ut_file_read(path, 100, &data, &size, NULL), UT_OK);
    assert_string_equal(data, "old");
    free(data);
    assert_int_equal(entries(folder), before);
}

static void folders_are_made_with_their_parents(void **state)
{
    (void)state;
    struct stat info;
    assert_int_equal(ut_folder_make(in_folder("p/q/r/"), NULL), UT_OK);
    assert_int_equal(ut_folder_make(in_folder("p/q/r"), NULL), UT_OK);
    assert_int_equal(stat(in_folder("p/q/r"), &info), 0);
    put(in_folder("p/file"), "");
    assert_int_not_equal(ut_folder_make(in_folder("p/file"), NULL), UT_OK);
    assert_int_not_equal(ut_folder_make(in_folder("p/file/below"), NULL), UT_OK);
    assert_int_equal(ut_folder_make("", NULL), UT_E_ARG);
}

static void walks_are_sorted_and_leave_hidden_files_out(void **state)
{
    (void)state;
    assert_int_equal(ut_folder_make(in_folder("walk/b/.git"), NULL), UT_OK);
    put(in_folder("walk/c.wav"), "");
    put(in_folder("walk/a.wav"), "");
    put(in_folder("walk/b/1.wav"), "");
    put(in_folder("walk/b/.hidden"), "");
    put(in_folder("walk/b/.git/config"), "");
    assert_int_equal(symlink(in_folder("walk"), in_folder("walk/b/loop")), 0);
    assert_int_equal(symlink("nowhere", in_folder("walk/dangling")), 0);
    ut_paths paths = {0};
    assert_int_equal(ut_paths_walk(&paths, in_folder("walk"), NULL), UT_OK);
    assert_int_equal(paths.count, 3);
    assert_string_equal(paths.items[0], in_folder("walk/a.wav"));
    assert_string_equal(paths.items[1], in_folder("walk/b/1.wav"));
    assert_string_equal(paths.items[2], in_folder("walk/c.wav"));
    ut_paths_clear(&paths);
    assert_int_equal(ut_paths_walk(&paths, in_folder("walk/b/.hidden"), NULL), UT_OK);
    assert_int_equal(paths.count, 1); /* named, so meant */
    ut_err err = {0};
    assert_int_equal(ut_paths_walk(&paths, in_folder("absent"), &err), UT_E_NOTFOUND);
    assert_non_null(strstr(err.text, "absent"));
    ut_paths_clear(&paths);
}

static void lists_give_one_path_per_line(void **state)
{
    (void)state;
    put(in_folder("list"), "/a b\r\n\n/c\n/d");
    ut_paths paths = {0};
    assert_int_equal(ut_paths_list(&paths, in_folder("list"), NULL), UT_OK);
    assert_int_equal(paths.count, 3);
    assert_string_equal(paths.items[0], "/a b");
    assert_string_equal(paths.items[2], "/d");
    ut_paths_clear(&paths);
    assert_null(paths.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(written_files_are_read_back, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(devices_and_links_are_not_replaced, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(reading_says_what_is_wrong, make_folder, remove_folder),
        cmocka_unit_test(pipes_are_read_to_their_end),
        cmocka_unit_test_setup_teardown(a_failed_write_leaves_the_old_file, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(folders_are_made_with_their_parents, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(walks_are_sorted_and_leave_hidden_files_out, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(lists_give_one_path_per_line, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
