/* Cue sheets in CSV and workbooks of any bytes, as RapidCue and by columns: read, and checked. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cuesheet/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char columns[] =
    "title: t\nrows: party\ncolumns: [No = seq, T = title, I = in, O = out, D = duration, S = share,"
    " N = name, R = role, P = ipi, C = isrc]\nrequired: [title]\nrequired_identified: [name]\n";
static const char rapidcue[] =
    "title: t\nlayout: rapidcue\nrequired: [programme]\nrequired_identified: [parties, ipi]\n";

static ut_status count(void *arg, const ut_sheet_finding *finding)
{
    *(size_t *)arg += strlen(finding->text);
    return UT_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ut_profile *profiles[2];
    ut_err err;
    if (!profiles[0] && (ut_profile_parse("a", columns, strlen(columns), &profiles[0], &err) != UT_OK ||
                         ut_profile_parse("b", rapidcue, strlen(rapidcue), &profiles[1], &err) != UT_OK))
        __builtin_trap();
    for (size_t i = 0; i < 2; i++) {
        ut_sheet_file file = {0};
        size_t total = 0;
        bool book = size >= 4 && memcmp(data, "PK\3\4", 4) == 0;
        ut_status rc = book ? ut_sheet_read_xlsx("f", (const char *)data, size, profiles[i], &file, &err)
                            : ut_sheet_read_csv("f", (const char *)data, size, profiles[i], &file, &err);
        if (rc != UT_OK)
            continue;
        file.sheet.profile = profiles[i];
        if (ut_sheet_check(&file.sheet, profiles[i], count, &total, &err) != UT_OK)
            __builtin_trap();
        ut_sheet_file_clear(&file);
    }
    return 0;
}
