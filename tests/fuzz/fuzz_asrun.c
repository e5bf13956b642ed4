/* As-run logs of any bytes: the list that comes out is sorted, without overlap, with keys and titles. */
#include <stddef.h>
#include <stdint.h>

#include "pipeline/schedule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ut_zone *zone;
    ut_err err;
    ut_schedule schedule = {0};
    if (!zone && ut_zone_open("Europe/Berlin", &zone, &err) != UT_OK)
        __builtin_trap();
    const ut_schedule_options options = {
        .channel = "one", .zone = zone, .date = size & 1 ? "2026-10-25" : NULL, .dates = UT_DATES_DMY};
    if (ut_schedule_asrun("f", (const char *)data, size, &options, &schedule, &err) != UT_OK)
        return 0;
    for (size_t i = 0; i < schedule.count; i++) {
        const ut_airing *a = &schedule.items[i];
        if (!a->programme.key || !a->programme.title || a->end_ns <= a->start_ns ||
            (i > 0 && a->start_ns < a[-1].end_ns))
            __builtin_trap();
    }
    ut_schedule_clear(&schedule);
    return 0;
}
