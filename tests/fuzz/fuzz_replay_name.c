/* Any text as the name of a recording: no time in it, or a time that is written in it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "pipeline/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[256], time[40];
    int64_t utc_ns = 0;
    if (size >= sizeof name)
        return 0;
    memcpy(name, data, size);
    name[size] = '\0';
    if (ut_replay_time_of_name(name, &utc_ns, NULL) != UT_OK)
        return 0;
    ut_time_format(utc_ns, time, sizeof time);
    time[4] = '\0'; /* the year */
    if (utc_ns % UT_NS_PER_S != 0 || !strstr(name, time))
        abort();
    return 0;
}
