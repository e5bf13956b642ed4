/* tracks.csv of any bytes: CSV, columns, identifiers, parties; and its matching against paths. */
#include <stddef.h>
#include <stdint.h>

#include "pipeline/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void missed(void *arg, size_t line, const char *file)
{
    *(size_t *)arg += line + (file != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char a[] = "/music/a.wav", b[] = "/music/b/song one.flac";
    char *const paths[] = {a, b};
    const ut_recording *rows[2];
    size_t count = 0;
    ut_metadata *metadata = NULL;
    ut_err err;
    if (ut_metadata_parse("t.csv", (const char *)data, size, &metadata, &err) != UT_OK)
        return 0;
    if (ut_metadata_match(metadata, paths, 2, rows, missed, &count, &err) == UT_OK && rows[0] && !rows[0]->file)
        __builtin_trap();
    ut_metadata_close(&metadata);
    return 0;
}
