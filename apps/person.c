#include "apps/person.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

const char *ut_person(const ut_args *args, char name[64])
{
    const char *given = ut_args_text(args, "by");
    const struct passwd *user = given && *given ? NULL : getpwuid(getuid());
    if (given && *given)
        snprintf(name, 64, "%s", given);
    else if (user && user->pw_name && *user->pw_name)
        snprintf(name, 64, "%s", user->pw_name);
    else
        snprintf(name, 64, "uid %lu", (unsigned long)getuid());
    return name;
}
