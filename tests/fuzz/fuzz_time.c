/* Any text as a time: refused, or formatted and read back to the millisecond. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[64], again[40];
    int64_t ns = 0, back = 0;
    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (ut_time_parse(text, &ns, NULL) != UT_OK)
        return 0;
    /* The first milliseconds of the range round down out of it. */
    if (ut_time_parse(ut_time_format(ns, again, sizeof again), &back, NULL) != UT_OK)
        return ns > INT64_MIN + 1000000 ? abort(), 0 : 0;
    if (ns - back < 0 || ns - back >= 1000000)
        abort();
    return 0;
}
