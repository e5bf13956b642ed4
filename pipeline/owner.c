#include "pipeline/owner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void ut_owner_host(char out[65])
{
    char name[65] = "localhost";
    gethostname(name, sizeof name - 1); /* cut, perhaps; as it was, if there is none */
    memcpy(out, name, sizeof name);
    for (char *c = out; *c; c++)
        if (*c == ':')
            *c = '_';
}

/* When a process began, in clock ticks since the machine did: tells apart two of the same number. 0 if there is none.
 */
static unsigned long long start_of(int64_t pid)
{
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    size_t got = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[got] = '\0';
    char *at = strrchr(line, ')'); /* the name before may hold anything */
    unsigned long long start = 0;
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    if (at)
        start = strtoull(at + 1, NULL, 10);
    return start;
}

void ut_owner_make(char out[UT_OWNER_SIZE])
{
    char host[65];
    ut_owner_host(host);
    snprintf(out, UT_OWNER_SIZE, "%s:%d:%llu", host, (int)getpid(), start_of(getpid()));
}

bool ut_owner_is_dead(const char *owner)
{
    char host[65], *end;
    ut_owner_host(host);
    size_t size = strlen(host);
    if (strncmp(owner, host, size) != 0 || owner[size] != ':')
        return false;
    long long pid = strtoll(owner + size + 1, &end, 10);
    if (*end != ':' || pid <= 0)
        return false;
    return strtoull(end + 1, NULL, 10) != start_of(pid);
}
