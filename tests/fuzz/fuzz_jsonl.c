/* Any bytes as the file of a JSONL sink: what is kept is the text to its last newline, and no other byte changes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "pipeline/sink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    ut_log_set_level(UT_LOG_OFF);
    if (!path[0]) {
        strcpy(path, "/tmp/ut-fuzz-jsonl-XXXXXX");
        close(mkstemp(path));
    }
    FILE *out = fopen(path, "wb");
    if (!out || fwrite(data, 1, size, out) != size || fclose(out) != 0)
        abort();
    void *self = NULL;
    if (ut_sink_jsonl.open(path, NULL, &self, NULL) != UT_OK)
        abort();
    ut_sink_jsonl.close(self);

    const uint8_t *newline = size ? memrchr(data, '\n', size) : NULL;
    size_t kept = newline ? (size_t)(newline - data) + 1 : 0, got;
    uint8_t *back = malloc(size + 1);
    FILE *in = fopen(path, "rb");
    if (!back || !in)
        abort();
    got = fread(back, 1, size + 1, in);
    if (got != kept || memcmp(back, data, kept) != 0)
        abort();
    fclose(in);
    free(back);
    return 0;
}
