#include "apps/cli.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli_help.h"
#include "core/config.h"
#include "core/log.h"
#include "core/progress.h"

enum { MAX_OPTIONS = 64, FIRST_CODE = 256 };

struct ut_args {
    const ut_verb *verb;
    const ut_opt *options[MAX_OPTIONS]; /* the verb's, then the common ones */
    const char *values[MAX_OPTIONS];    /* as given; NULL: not given */
    int option_count;
    char **arguments;
    int argument_count;
    ut_config *config;
    char store[4096];
};

static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
    (void)number;
    stop_asked = 1;
}

bool ut_cli_stopped(void)
{
    return stop_asked != 0;
}

static void catch_signals(void)
{
    /* Only the first signal is caught: a second one ends a verb that does not get to its stopping
     * point. */
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of the write, not the end of the process */
}

/* --- values
 * ------------------------------------------------------------------------------------------ */

static int find(const ut_args *args, const char *name)
{
    for (int i = 0; i < args->option_count; i++)
        if (strcmp(args->options[i]->name, name) == 0)
            return i;
    assert(!"option of no table");
    abort();
}

const char *ut_args_text(const ut_args *args, const char *name)
{
    int i = find(args, name);
    return args->values[i] ? args->values[i] : args->options[i]->fallback;
}

const char *ut_args_text_if(const ut_args *args, const char *name)
{
    for (int i = 0; i < args->option_count; i++)
        if (strcmp(args->options[i]->name, name) == 0)
            return ut_args_text(args, name);
    return NULL;
}

int64_t ut_args_int(const ut_args *args, const char *name)
{
    const char *text = ut_args_text(args, name);
    return text ? strtoll(text, NULL, 10) : 0;
}

double ut_args_real(const ut_args *args, const char *name)
{
    const char *text = ut_args_text(args, name);
    return text ? strtod(text, NULL) : NAN;
}

bool ut_args_flag(const ut_args *args, const char *name)
{
    return args->values[find(args, name)] != NULL;
}

bool ut_args_given(const ut_args *args, const char *name)
{
    return args->values[find(args, name)] != NULL;
}

int ut_args_count(const ut_args *args)
{
    return args->argument_count;
}

const char *ut_args_at(const ut_args *args, int i)
{
    assert(i >= 0 && i < args->argument_count);
    return args->arguments[i];
}

bool ut_args_json(const ut_args *args)
{
    return ut_args_flag(args, "json");
}

const char *ut_args_store(const ut_args *args)
{
    return args->store;
}

const ut_config *ut_args_config(const ut_args *args)
{
    return args->config;
}

const char *ut_args_config_path(const ut_args *args)
{
    return ut_args_text(args, "config");
}

/* --- errors
 * ------------------------------------------------------------------------------------------ */

int ut_cli_fail(const ut_args *args, const ut_err *err)
{
    fflush(stdout);
    fprintf(stderr, "undertone: %s: %s\n", args->verb->name, err->text);
    return 1;
}

int ut_cli_usage(const ut_args *args, const char *fmt, ...)
{
    char text[400];
    va_list list;
    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    fflush(stdout);
    fprintf(stderr, "undertone: %s: %s (undertone %s --help)\n", args->verb->name, text, args->verb->name);
    return 2;
}

/* --- parsing
 * ----------------------------------------------------------------------------------------- */

static bool is_choice(const char *choices, const char *value)
{
    size_t size = strlen(value);
    for (const char *at = choices; *at;) {
        size_t length = strcspn(at, "|");
        if (length == size && memcmp(at, value, size) == 0)
            return true;
        at += length + (at[length] == '|');
    }
    return false;
}

/* 0 if `value` fits the option, else the usage exit code. */
static int check_value(const ut_args *args, const ut_opt *opt, const char *value)
{
    char *end = NULL;
    double number = 0;
    errno = 0;
    switch (opt->kind) {
    case UT_OPT_FLAG:
    case UT_OPT_TEXT:
        return 0;
    case UT_OPT_CHOICE:
        return is_choice(opt->value, value) ? 0
                                            : ut_cli_usage(args, "--%s: %s: allowed: %s", opt->name, value, opt->value);
    case UT_OPT_INT:
        number = (double)strtoll(value, &end, 10);
        break;
    case UT_OPT_REAL:
        number = strtod(value, &end);
        break;
    }
    if (end == value || *end || errno || !isfinite(number))
        return ut_cli_usage(args, "--%s: %s: must be %s number", opt->name, value,
                            opt->kind == UT_OPT_INT ? "a whole" : "a");
    if (opt->min < opt->max && (number < opt->min || number > opt->max))
        return ut_cli_usage(args, "--%s: %s: must be %.15g to %.15g", opt->name, value, opt->min, opt->max);
    return 0;
}

static void add_options(ut_args *args, const ut_opt *table)
{
    for (; table && table->name; table++) {
        assert(args->option_count < MAX_OPTIONS);
        args->options[args->option_count++] = table;
    }
}

/* The tables in the form of getopt_long: option i has the code FIRST_CODE + i, or its letter. */
static void getopt_tables(const ut_args *args, struct option *longs, char *letters)
{
    *letters++ = ':';
    for (int i = 0; i < args->option_count; i++) {
        const ut_opt *opt = args->options[i];
        bool takes_value = opt->kind != UT_OPT_FLAG;
        longs[i] = (struct option){opt->name, takes_value ? required_argument : no_argument, NULL, FIRST_CODE + i};
        if (opt->letter) {
            *letters++ = opt->letter;
            if (takes_value)
                *letters++ = ':';
        }
    }
    longs[args->option_count] = (struct option){0};
    *letters = '\0';
}

static int option_of_code(const ut_args *args, int code)
{
    if (code >= FIRST_CODE)
        return code - FIRST_CODE;
    for (int i = 0; i < args->option_count; i++)
        if (args->options[i]->letter == code)
            return i;
    assert(!"letter of no table");
    abort();
}

/* argv[0] is the last word of the verb. Gives 0 or the usage exit code. */
static int parse(ut_args *args, int argc, char **argv)
{
    struct option longs[MAX_OPTIONS + 1];
    char letters[2 * MAX_OPTIONS + 2];
    getopt_tables(args, longs, letters);
    opterr = 0;
    optind = 0; /* GNU: start afresh */
    for (int code; (code = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
        if (code == ':')
            return ut_cli_usage(args, "%s: needs a value", argv[optind - 1]);
        if (code == '?' && optopt && optopt < FIRST_CODE)
            return ut_cli_usage(args, "-%c: no such option", optopt);
        if (code == '?')
            return ut_cli_usage(args, "%s: %s", argv[optind - 1], optopt ? "takes no value" : "no such option");
        int i = option_of_code(args, code);
        args->values[i] = args->options[i]->kind == UT_OPT_FLAG ? "" : optarg;
        int rc = check_value(args, args->options[i], args->values[i]);
        if (rc)
            return rc;
    }
    args->arguments = argv + optind;
    args->argument_count = argc - optind;
    if (ut_args_flag(args, "help"))
        return 0;
    if (args->argument_count < args->verb->min_arguments)
        return ut_cli_usage(args, "needs %s", args->verb->arguments);
    if (args->verb->max_arguments >= 0 && args->argument_count > args->verb->max_arguments)
        return ut_cli_usage(args, "%s: one argument too many", args->arguments[args->verb->max_arguments]);
    return 0;
}

/* --- running
 * ----------------------------------------------------------------------------------------- */

static void default_store(char *buf, size_t size)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (data && data[0] == '/')
        snprintf(buf, size, "sqlite:%s/undertone/undertone.db", data);
    else if (home && home[0] == '/')
        snprintf(buf, size, "sqlite:%s/.local/share/undertone/undertone.db", home);
    else
        snprintf(buf, size, "sqlite:/var/lib/undertone/undertone.db");
}

static ut_status settle(ut_args *args, ut_err *err)
{
    const char *path = ut_args_config_path(args);
    ut_status rc = path ? ut_config_load(path, &args->config, err) : ut_config_default(&args->config, err);
    if (rc != UT_OK)
        return rc;
    const char *dsn = ut_args_text(args, "store");
    if (!dsn)
        dsn = args->config->store;
    if (!dsn)
        default_store(args->store, sizeof args->store);
    else if ((size_t)snprintf(args->store, sizeof args->store, "%s", dsn) >= sizeof args->store)
        return ut_fail(err, UT_E_ARG, "--store: %.40s…: too long", dsn);
    ut_log_level level = UT_LOG_INFO;
    const char *name = ut_args_text(args, "log-level");
    if (!name)
        name = ut_args_flag(args, "quiet") ? "error" : args->config->log_level;
    if (!ut_log_level_parse(name, &level))
        return ut_fail(err, UT_E_ARG, "log level %s: unknown", name);
    ut_log_set_level(level);
    if (ut_args_flag(args, "quiet"))
        ut_progress_silence();
    return UT_OK;
}

static int run(const ut_verb *verb, int argc, char **argv)
{
    ut_args args = {.verb = verb};
    ut_err err = {0};
    add_options(&args, verb->options);
    add_options(&args, ut_cli_common);
    int code = parse(&args, argc, argv);
    if (code)
        return code;
    if (ut_args_flag(&args, "help")) {
        ut_cli_print_verb(stdout, verb);
    } else if (settle(&args, &err) != UT_OK) {
        code = ut_cli_fail(&args, &err);
    } else {
        catch_signals();
        code = verb->run(&args);
    }
    ut_config_close(&args.config);
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == 0) {
        fprintf(stderr, "undertone: %s: stdout: %s\n", verb->name, strerror(errno));
        code = 1;
    }
    return code;
}

/* The verb that the words at argv[1] name, two words before one; *used says how many they are. */
static const ut_verb *find_verb(const ut_verb *const *verbs, int argc, char **argv, int *used)
{
    char two[128] = "";
    if (argc > 2)
        snprintf(two, sizeof two, "%s %s", argv[1], argv[2]);
    const ut_verb *found = NULL;
    for (; *verbs; verbs++) {
        if (argc > 2 && strcmp((*verbs)->name, two) == 0) {
            *used = 2;
            return *verbs;
        }
        if (strcmp((*verbs)->name, argv[1]) == 0) {
            *used = 1;
            found = *verbs;
        }
    }
    return found;
}

int ut_cli_main(int argc, char **argv, const ut_verb *const *verbs)
{
    const char *first = argc > 1 ? argv[1] : "";
    if (strcmp(first, "--version") == 0) {
        puts("undertone " UT_VERSION);
        return 0;
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || strcmp(first, "help") == 0) {
        ut_cli_print_verbs(stdout, verbs);
        return 0;
    }
    int used = 0;
    const ut_verb *verb = argc > 1 ? find_verb(verbs, argc, argv, &used) : NULL;
    if (verb)
        return run(verb, argc - used, argv + used);
    if (argc < 2) {
        ut_cli_print_verbs(stderr, verbs);
        return 2;
    }
    bool help = argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0);
    if (ut_cli_print_group(help ? stdout : stderr, verbs, first) > 0 && help)
        return 0;
    fprintf(stderr, "undertone: %s%s%s: no such verb (undertone --help)\n", first, argc > 2 ? " " : "",
            argc > 2 ? argv[2] : "");
    return 2;
}
