/* What --help prints, from the tables of cli.h. */
#ifndef UT_APPS_CLI_HELP_H
#define UT_APPS_CLI_HELP_H

#include <stdio.h>

#include "apps/cli.h"

/* Options of every verb; ends with a NULL name. */
extern const ut_opt ut_cli_common[];

void ut_cli_print_verbs(FILE *out, const ut_verb *const *verbs);
/* The verbs that start with the word `group`, such as "catalogue"; gives how many there are. */
int ut_cli_print_group(FILE *out, const ut_verb *const *verbs, const char *group);
void ut_cli_print_verb(FILE *out, const ut_verb *verb);

#endif
