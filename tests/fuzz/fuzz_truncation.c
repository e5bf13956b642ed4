#include <stdlib.h>
#include <string.h>

#include "pipeline/truncation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const containers[] = {"audio/x-wav", "application/ogg", "audio/mpeg", "video/mpegts"};
    if (!size)
        return 0;
    const char *container = containers[data[0] % 4];
    /* Copies of the exact size, so that a byte too far is seen. */
    uint8_t *copy = malloc(size);
    if (!copy)
        return 0;
    memcpy(copy, data + 1, size - 1);
    size_t head = size - 1 < 8192 ? size - 1 : 8192;
    uint8_t *exact = realloc(copy, head ? head : 1);
    (void)ut_is_cut(container, exact, head, data[0], exact, head, size - 1);
    free(exact);
    return 0;
}
