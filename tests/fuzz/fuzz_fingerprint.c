/* Any bytes as a fingerprint, their checksum put right: refused, or encoded again to something that decodes the same.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "fingerprint/fingerprint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ut_fingerprint *print = NULL, *again = NULL;
    uint8_t *copy = malloc(size + 1), *bytes = NULL, *twice = NULL;
    size_t bytes_size = 0, twice_size = 0;
    assert(copy);
    memcpy(copy, data, size);
    if (size > 4) {
        uint32_t crc = ut_crc32c(0, copy, size - 4);
        memcpy(copy + size - 4, &crc, 4);
    }
    if (ut_fingerprint_decode(copy, size, &print, NULL) == UT_OK) {
        ut_status rc = ut_fingerprint_encode(print, &bytes, &bytes_size, NULL);
        assert(rc == UT_OK);
        rc = ut_fingerprint_decode(bytes, bytes_size, &again, NULL);
        assert(rc == UT_OK && ut_fingerprint_landmarks(print) == ut_fingerprint_landmarks(again));
        rc = ut_fingerprint_encode(again, &twice, &twice_size, NULL);
        assert(rc == UT_OK && twice_size == bytes_size && memcmp(bytes, twice, bytes_size) == 0);
    }
    ut_fingerprint_close(&again);
    ut_fingerprint_close(&print);
    free(twice);
    free(bytes);
    free(copy);
    return 0;
}
