/* Cue sheets in JSON of any bytes: read, checked, and written again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cuesheet/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] =
    "title: t\nrows: work\ncolumns: [T = title, U = timecodes, W = writers]\nrequired: [title]\n";

static ut_status count(void *arg, const ut_sheet_finding *finding)
{
    *(size_t *)arg += strlen(finding->text);
    return UT_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ut_profile *profile;
    ut_sheet_file file = {0};
    size_t total = 0, written;
    char *csv = NULL;
    ut_err err;
    if (!profile && ut_profile_parse("a", text, strlen(text), &profile, &err) != UT_OK)
        __builtin_trap();
    if (ut_sheet_read_json("f", (const char *)data, size, &file, &err) != UT_OK)
        return 0;
    file.sheet.profile = profile;
    if (ut_sheet_check(&file.sheet, profile, count, &total, &err) != UT_OK ||
        ut_sheet_table_csv(&file.sheet, profile, &csv, &written, &err) != UT_OK)
        __builtin_trap();
    free(csv);
    ut_sheet_file_clear(&file);
    return 0;
}
