#include "apps/cli_help.h"

#include <string.h>

const ut_opt ut_cli_common[] = {
    {.name = "store", .kind = UT_OPT_TEXT, .value = "DSN", .help = "the store, such as sqlite:PATH or postgresql://…"},
    {.name = "config", .letter = 'c', .kind = UT_OPT_TEXT, .value = "FILE", .help = "configuration file"},
    {.name = "json", .kind = UT_OPT_FLAG, .help = "results as JSON, one object per line"},
    {.name = "log-level",
     .kind = UT_OPT_CHOICE,
     .value = "debug|info|warn|error|off",
     .help = "what is logged to stderr"},
    {.name = "quiet", .letter = 'q', .kind = UT_OPT_FLAG, .help = "errors only, no progress bar"},
    {.name = "help", .letter = 'h', .kind = UT_OPT_FLAG, .help = "this text"},
    {.name = NULL},
};

static void print_summary(FILE *out, const ut_verb *verb)
{
    fprintf(out, "  %-20s %s\n", verb->name, verb->summary);
}

void ut_cli_print_verbs(FILE *out, const ut_verb *const *verbs)
{
    fputs("undertone " UT_VERSION ": recognises the music under the speech of TV audio and writes the cue sheet\n\n"
          "usage: undertone VERB [OPTION…] [ARGUMENT…]\n\n",
          out);
    for (; *verbs; verbs++)
        print_summary(out, *verbs);
    fputs("\nundertone VERB --help shows the options of a verb. Exit status: 0 done, 1 failed, 2 wrong usage.\n", out);
}

int ut_cli_print_group(FILE *out, const ut_verb *const *verbs, const char *group)
{
    int count = 0;
    size_t size = strlen(group);
    for (; *verbs; verbs++)
        if (strncmp((*verbs)->name, group, size) == 0 && (*verbs)->name[size] == ' ') {
            print_summary(out, *verbs);
            count++;
        }
    return count;
}

static void print_option(FILE *out, const ut_opt *opt)
{
    char left[80], letter[8] = "    ";
    if (opt->letter)
        snprintf(letter, sizeof letter, "-%c, ", opt->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, opt->name, opt->value ? " " : "", opt->value ? opt->value : "");
    enum { COLUMN = 34 };
    if (strlen(left) <= COLUMN)
        fprintf(out, "  %-*s %s", COLUMN, left, opt->help);
    else
        fprintf(out, "  %s\n  %*s %s", left, COLUMN, "", opt->help);
    if (opt->fallback)
        fprintf(out, " (default %s)", opt->fallback);
    fputc('\n', out);
}

void ut_cli_print_verb(FILE *out, const ut_verb *verb)
{
    fprintf(out, "undertone %s: %s\n\nusage: undertone %s [OPTION…]%s%s\n\n", verb->name, verb->summary, verb->name,
            verb->arguments[0] ? " " : "", verb->arguments);
    for (const ut_opt *opt = verb->options; opt && opt->name; opt++)
        print_option(out, opt);
    if (verb->options && verb->options->name)
        fputc('\n', out);
    for (const ut_opt *opt = ut_cli_common; opt->name; opt++)
        print_option(out, opt);
    if (!verb->examples)
        return;
    fputs("\nexamples:\n", out);
    for (const char *line = verb->examples; *line;) {
        size_t size = strcspn(line, "\n");
        fprintf(out, "  %.*s\n", (int)size, line);
        line += size + (line[size] == '\n');
    }
}
