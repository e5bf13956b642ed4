/* Any bytes as a trail, their checksum put right: refused, or encoded again to something that decodes the same. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "fingerprint/trail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ut_trail *trail = NULL, *again = NULL;
    uint8_t *copy = malloc(size + 1), *bytes = NULL, *twice = NULL;
    size_t bytes_size = 0, twice_size = 0;
    assert(copy);
    memcpy(copy, data, size);
    if (size > 4) {
        uint32_t crc = ut_crc32c(0, copy, size - 4);
        memcpy(copy + size - 4, &crc, 4);
    }
    if (ut_trail_decode(copy, size, &trail, NULL) == UT_OK) {
        ut_status rc = ut_trail_encode(trail, &bytes, &bytes_size, NULL);
        assert(rc == UT_OK);
        rc = ut_trail_decode(bytes, bytes_size, &again, NULL);
        assert(rc == UT_OK && ut_trail_describe(trail).peaks == ut_trail_describe(again).peaks);
        rc = ut_trail_encode(again, &twice, &twice_size, NULL);
        assert(rc == UT_OK && twice_size == bytes_size && memcmp(bytes, twice, bytes_size) == 0);
    }
    ut_trail_close(&again);
    ut_trail_close(&trail);
    free(twice);
    free(bytes);
    free(copy);
    return 0;
}
