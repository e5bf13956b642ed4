/* The command line: a table of verbs, one option table per verb, one parser for all. `--help` is
 * printed from the tables.
 *
 * Every verb also takes --store, --config, --json, --log-level, --quiet, --help.
 * Results go to stdout; progress and log to stderr. Exit: 0 ok, 1 failed, 2 usage. */
#ifndef UT_APPS_CLI_H
#define UT_APPS_CLI_H

#include <stdint.h>

#include "core/status.h"

typedef enum { UT_OPT_FLAG, UT_OPT_TEXT, UT_OPT_INT, UT_OPT_REAL, UT_OPT_CHOICE } ut_opt_kind;

typedef struct {
    const char *name; /* long name without dashes */
    char letter;      /* short name or 0 */
    ut_opt_kind kind;
    const char *value;    /* UT_OPT_CHOICE: "a|b|c"; else what --help shows, such as "MODEL" */
    const char *fallback; /* default as text, shown by --help; NULL: none */
    double min, max;      /* INT and REAL: inclusive range, checked if min < max */
    const char *help;
} ut_opt;

struct ut_config;
typedef struct ut_args ut_args;

typedef struct ut_verb {
    const char *name;                 /* "identify", "catalogue add" */
    const char *summary;              /* one line */
    const char *arguments;            /* "FILE|URI…", "" for none */
    int min_arguments, max_arguments; /* -1: any number */
    const ut_opt *options;            /* ends with a NULL name; may be NULL */
    const char *examples;             /* shown by --help, one per line */
    int (*run)(const ut_args *args);  /* gives the exit code */
} ut_verb;

/* Values: what was given, else the fallback. Text may be NULL. */
const char *ut_args_text(const ut_args *args, const char *name);
/* The same, NULL if the verb has no such option: for what several verbs share. */
const char *ut_args_text_if(const ut_args *args, const char *name);
int64_t ut_args_int(const ut_args *args, const char *name);
double ut_args_real(const ut_args *args, const char *name);
bool ut_args_flag(const ut_args *args, const char *name);
bool ut_args_given(const ut_args *args, const char *name);
int ut_args_count(const ut_args *args); /* positional arguments */
const char *ut_args_at(const ut_args *args, int i);
bool ut_args_json(const ut_args *args);         /* --json */
const char *ut_args_store(const ut_args *args); /* DSN from --store, else the configuration, else the default */
/* The file of --config, parsed before the verb runs (a bad one ends the program); all defaults
 * without it. */
const struct ut_config *ut_args_config(const ut_args *args);
const char *ut_args_config_path(const ut_args *args); /* NULL without --config */

/* Prints "undertone: VERB: text" to stderr and gives exit code 1 (or 2 for usage). */
int ut_cli_fail(const ut_args *args, const ut_err *err);
int ut_cli_usage(const ut_args *args, const char *fmt, ...) UT_PRINTF(2, 3);
/* True once SIGINT or SIGTERM came; long verbs stop cleanly at the next good point. */
bool ut_cli_stopped(void);

/* main: finds the verb, parses its arguments, runs it. `verbs` ends with NULL. Gives the exit code.
 */
int ut_cli_main(int argc, char **argv, const ut_verb *const *verbs);

#endif
