/* Who gives an order: --by, else the login name. */
#ifndef UT_APPS_PERSON_H
#define UT_APPS_PERSON_H

#include "apps/cli.h"

/* Never NULL or empty; at most 63 bytes. */
const char *ut_person(const ut_args *args, char name[64]);
#define UT_OPT_BY                                                                                                      \
    {                                                                                                                  \
        .name = "by", .kind = UT_OPT_TEXT, .value = "NAME",                                                            \
        .help = "who does this, for the history; default: the login name"                                              \
    }

#endif
