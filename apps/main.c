#include <stddef.h>

#include "apps/cli.h"

/* One file per verb: apps/verb_NAME.c defines ut_verb_NAME. Shown by --help in this order. */
#define VERBS(X)                                                                                   \
    X(config_check)                                                                                \
    X(config_dump)                                                                                 \
    X(config_document)

#define DECLARE(name) extern const ut_verb ut_verb_##name;
VERBS(DECLARE)

#define ENTRY(name) &ut_verb_##name,
static const ut_verb *const verbs[] = {VERBS(ENTRY) NULL};

int main(int argc, char **argv)
{
    return ut_cli_main(argc, argv, verbs);
}
