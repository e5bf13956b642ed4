/* Cue-sheet profiles of any bytes. */
#include <stddef.h>
#include <stdint.h>

#include "cuesheet/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ut_profile *profile = NULL;
    ut_err err;
    if (ut_profile_parse("p.yaml", (const char *)data, size, &profile, &err) != UT_OK)
        return 0;
    for (size_t i = 0; i < profile->column_count; i++)
        if (!ut_field_known(ut_column_field(profile, i)))
            __builtin_trap();
    if (ut_profile_round(profile, 1499) < 0)
        __builtin_trap();
    ut_profile_close(&profile);
    return 0;
}
