#include "tests/unit/support.h"

#include <math.h>
#include <signal.h>
#include <unistd.h>

#include "apps/cli.h"
#include "core/config.h"

/* What the verb under test saw. */
static struct {
    int runs, count;
    int64_t number;
    double real;
    bool flag, number_given;
    char text[64], choice[16], first[64], store[256], verb[32];
} seen;

static int run(const ut_args *args)
{
    seen.runs++;
    seen.count = ut_args_count(args);
    seen.number = ut_args_int(args, "number");
    seen.number_given = ut_args_given(args, "number");
    seen.real = ut_args_real(args, "real");
    seen.flag = ut_args_flag(args, "flag");
    snprintf(seen.text, sizeof seen.text, "%s", ut_args_text(args, "text") ? ut_args_text(args, "text") : "(null)");
    snprintf(seen.choice, sizeof seen.choice, "%s", ut_args_text(args, "choice"));
    snprintf(seen.first, sizeof seen.first, "%s", seen.count ? ut_args_at(args, 0) : "");
    snprintf(seen.store, sizeof seen.store, "%s", ut_args_store(args));
    return 7;
}

static int run_failing(const ut_args *args)
{
    ut_err err = {0};
    (void)ut_fail(&err, UT_E_IO, "it broke");
    return ut_cli_fail(args, &err);
}

static int run_stopped(const ut_args *args)
{
    (void)args;
    assert_false(ut_cli_stopped());
    raise(SIGTERM);
    return ut_cli_stopped() ? 0 : 1;
}

static const ut_opt options[] = {
    {.name = "number",
     .letter = 'n',
     .kind = UT_OPT_INT,
     .value = "N",
     .fallback = "5",
     .min = -1,
     .max = 10,
     .help = "h"},
    {.name = "real", .kind = UT_OPT_REAL, .value = "X", .help = "h"},
    {.name = "flag", .letter = 'f', .kind = UT_OPT_FLAG, .help = "h"},
    {.name = "text", .letter = 't', .kind = UT_OPT_TEXT, .value = "T", .help = "h"},
    {.name = "choice", .kind = UT_OPT_CHOICE, .value = "one|two", .fallback = "one", .help = "h"},
    {.name = NULL},
};
static const ut_verb plain = {
    .name = "thing", .summary = "s", .arguments = "FILE…", .max_arguments = -1, .options = options, .run = run};
static const ut_verb two = {.name = "thing do",
                            .summary = "s",
                            .arguments = "FILE",
                            .min_arguments = 1,
                            .max_arguments = 1,
                            .options = options,
                            .examples = "undertone thing do x",
                            .run = run};
static const ut_verb failing = {.name = "group fail", .summary = "s", .arguments = "", .run = run_failing};
static const ut_verb stopped = {.name = "stop", .summary = "s", .arguments = "", .run = run_stopped};
static const ut_verb *const verbs[] = {&plain, &two, &failing, &stopped, NULL};

/* Runs "undertone LINE" split at spaces. */
static int cli(const char *line)
{
    char copy[300], *argv[20] = {(char *)"undertone"};
    int argc = 1;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word && argc < 19; word = strtok(NULL, " "))
        argv[argc++] = word;
    memset(&seen, 0, sizeof seen);
    return ut_cli_main(argc, argv, verbs);
}

static void fallbacks_hold(void **state)
{
    (void)state;
    assert_int_equal(cli("thing"), 7);
    assert_int_equal(seen.number, 5);
    assert_false(seen.number_given);
    assert_true(isnan(seen.real));
    assert_false(seen.flag);
    assert_string_equal(seen.text, "(null)");
    assert_string_equal(seen.choice, "one");
}

static void options_and_arguments_may_mix(void **state)
{
    (void)state;
    assert_int_equal(cli("thing a -n -1 --real=2.5 b -ft x --choice two -- --c"), 7);
    assert_int_equal(seen.number, -1);
    assert_true(seen.number_given && seen.flag && seen.real == 2.5);
    assert_string_equal(seen.text, "x");
    assert_string_equal(seen.choice, "two");
    assert_int_equal(seen.count, 3);
    assert_string_equal(seen.first, "a");
}

static void two_words_win_over_one(void **state)
{
    (void)state;
    assert_int_equal(cli("thing do x --number 3"), 7);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.first, "x");
    assert_int_equal(cli("thing does x"), 7);
    assert_int_equal(seen.count, 2);
}

static void wrong_usage_gives_2(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "nothing",
        "group",
        "group nothing",
        "thing --unknown",
        "thing -x",
        "thing --number",
        "thing --number 11",
        "thing --number -2",
        "thing --number 3x",
        "thing --number 99999999999999999999",
        "thing --real nan",
        "thing --real 1e999",
        "thing --choice on",
        "thing --choice one|two",
        "thing --flag=1",
        "thing do",
        "thing do a b",
        "thing --log-level loud",
    };
    for (size_t i = 0; i < COUNT(lines); i++) {
        if (cli(lines[i]) != 2)
            fail_msg("accepted: undertone %s", lines[i]);
        assert_int_equal(seen.runs, 0);
    }
}

static void help_and_version_succeed(void **state)
{
    (void)state;
    static const char *const lines[] = {"--help",          "-h",          "help",        "--version", "thing --help",
                                        "thing do --help", "thing do -h", "group --help"};
    for (size_t i = 0; i < COUNT(lines); i++) {
        assert_int_equal(cli(lines[i]), 0);
        assert_int_equal(seen.runs, 0);
    }
}

static void the_store_comes_from_option_configuration_default(void **state)
{
    (void)state;
    char path[] = "/tmp/ut-cli-XXXXXX", line[200];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "store: sqlite:/from/config\n", 27), 27);
    close(fd);
    setenv("XDG_DATA_HOME", "/data", 1);
    assert_int_equal(cli("thing"), 7);
    assert_string_equal(seen.store, "sqlite:/data/undertone/undertone.db");
    unsetenv("XDG_DATA_HOME");
    setenv("HOME", "/home/x", 1);
    assert_int_equal(cli("thing"), 7);
    assert_string_equal(seen.store, "sqlite:/home/x/.local/share/undertone/undertone.db");
    snprintf(line, sizeof line, "thing --config %s", path);
    assert_int_equal(cli(line), 7);
    assert_string_equal(seen.store, "sqlite:/from/config");
    snprintf(line, sizeof line, "thing -c %s --store sqlite:/given", path);
    assert_int_equal(cli(line), 7);
    assert_string_equal(seen.store, "sqlite:/given");
    unlink(path);
    assert_int_equal(cli(line), 1);
    assert_int_equal(seen.runs, 0);
}

static void failures_give_1(void **state)
{
    (void)state;
    assert_int_equal(cli("group fail"), 1);
}

static void signals_ask_to_stop(void **state)
{
    (void)state;
    assert_int_equal(cli("stop"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fallbacks_hold),           cmocka_unit_test(options_and_arguments_may_mix),
        cmocka_unit_test(two_words_win_over_one),   cmocka_unit_test(wrong_usage_gives_2),
        cmocka_unit_test(help_and_version_succeed), cmocka_unit_test(the_store_comes_from_option_configuration_default),
        cmocka_unit_test(failures_give_1),          cmocka_unit_test(signals_ask_to_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
