/* The byte form of a fingerprint, version 1. Landmarks are not stored: they follow from the peaks.
 *
 *     "UTFP"  version 1  name of the parameter set (3 bytes)  frames u32  peaks u32
 *     peaks, as one string of bits from the low bit of each byte up: frames since the last peak (Rice code: quotient by
 * 4 in unary, then two bits), bin (9 bits) CRC-32C u32 of all before it */
#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "fingerprint/fingerprint_peaks.h"

enum { HEADER = 16, TRAILER = 4, RICE_BITS = 2, BIN_BITS = 9, VERSION = 1 };

static void put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static size_t peak_bits(const ut_peaks *peaks)
{
    size_t bits = 0;
    int32_t last = 0;
    for (size_t i = 0; i < peaks->count; i++) {
        bits += ((size_t)(peaks->items[i].frame - last) >> RICE_BITS) + 1 + RICE_BITS + BIN_BITS;
        last = peaks->items[i].frame;
    }
    return bits;
}

/* The bytes at `at` are zero beforehand. */
static size_t put_bits(uint8_t *at, size_t position, uint32_t value, int count)
{
    for (int i = 0; i < count; i++, position++)
        at[position / 8] |= (uint8_t)((value >> i & 1) << position % 8);
    return position;
}

ut_status ut_fingerprint_encode(const ut_fingerprint *fingerprint, uint8_t **data, size_t *size, ut_err *err)
{
    const ut_peaks *peaks = ut_fingerprint_peaks(fingerprint);
    size_t body = (peak_bits(peaks) + 7) / 8, total = HEADER + body + TRAILER;
    uint8_t *bytes = calloc(1, total);
    if (!bytes)
        return ut_fail(err, UT_E_NOMEM, "fingerprint: %zu bytes", total);
    memcpy(bytes, "UTFP", 4);
    bytes[4] = VERSION;
    memcpy(bytes + 5, ut_params_name(ut_fingerprint_params(fingerprint)), 2);
    put_u32(bytes + 8, (uint32_t)ut_fingerprint_frames(fingerprint));
    put_u32(bytes + 12, (uint32_t)peaks->count);
    size_t position = 0;
    uint32_t last = 0;
    for (size_t i = 0; i < peaks->count; i++) {
        uint32_t gap = (uint32_t)peaks->items[i].frame - last;
        last += gap;
        position += gap >> RICE_BITS;
        position = put_bits(bytes + HEADER, position, 1, 1);
        position = put_bits(bytes + HEADER, position, gap & ((1u << RICE_BITS) - 1), RICE_BITS);
        position = put_bits(bytes + HEADER, position, peaks->items[i].bin, BIN_BITS);
    }
    put_u32(bytes + HEADER + body, ut_crc32c(0, bytes, HEADER + body));
    *data = bytes;
    *size = total;
    return UT_OK;
}

/* Bounded cursor over bits; reading past the end gives zeros and is noted. */
typedef struct {
    const uint8_t *bytes;
    size_t bits;
    size_t position;
    bool over;
} bit_reader;

static uint32_t get_bits(bit_reader *r, int count)
{
    uint32_t value = 0;
    if (r->bits - r->position < (size_t)count) {
        r->over = true;
        return 0;
    }
    for (int i = 0; i < count; i++, r->position++)
        value |= (uint32_t)(r->bytes[r->position / 8] >> r->position % 8 & 1) << i;
    return value;
}

static uint32_t get_gap(bit_reader *r)
{
    uint32_t quotient = 0;
    while (!r->over && get_bits(r, 1) == 0)
        quotient++;
    return quotient << RICE_BITS | get_bits(r, RICE_BITS);
}

static ut_status read_peaks(bit_reader *r, uint32_t frames, uint32_t count, ut_peaks *peaks, ut_err *err)
{
    uint64_t frame = 0;
    for (uint32_t i = 0; i < count; i++) {
        frame += get_gap(r);
        ut_peak peak = {.frame = (int32_t)frame, .bin = (uint16_t)get_bits(r, BIN_BITS)};
        if (r->over || frame >= frames)
            return ut_fail(err, UT_E_CORRUPT, "fingerprint: peak %u of %u does not fit", i, count);
        ut_status rc = ut_peaks_add(peaks, peak, err);
        if (rc != UT_OK)
            return rc;
    }
    return UT_OK;
}

ut_status ut_fingerprint_decode(const uint8_t *data, size_t size, ut_fingerprint **out, ut_err *err)
{
    if (size < HEADER + TRAILER || memcmp(data, "UTFP", 4) != 0)
        return ut_fail(err, UT_E_CORRUPT, "fingerprint: not one: %zu bytes", size);
    if (data[4] != VERSION)
        return ut_fail(err, UT_E_CORRUPT, "fingerprint: version %u", data[4]);
    size_t body = size - HEADER - TRAILER;
    if (get_u32(data + HEADER + body) != ut_crc32c(0, data, HEADER + body))
        return ut_fail(err, UT_E_CORRUPT, "fingerprint: checksum");
    char name[3] = {(char)data[5], (char)data[6]};
    const ut_params *params = ut_params_find(name);
    if (!params || data[7] != 0)
        return ut_fail(err, UT_E_CORRUPT, "fingerprint: unknown parameter set");
    uint32_t frames = get_u32(data + 8), count = get_u32(data + 12);
    if (frames > INT32_MAX || count > body * 8 / (1 + RICE_BITS + BIN_BITS))
        return ut_fail(err, UT_E_CORRUPT, "fingerprint: %u peaks in %zu bytes", count, size);
    bit_reader reader = {.bytes = data + HEADER, .bits = body * 8};
    ut_peaks peaks = {0};
    ut_status rc = read_peaks(&reader, frames, count, &peaks, err);
    if (rc == UT_OK && reader.bits - reader.position >= 8)
        rc = ut_fail(err, UT_E_CORRUPT, "fingerprint: bytes left over");
    if (rc == UT_OK)
        rc = ut_fingerprint_from_peaks(params, (int32_t)frames, &peaks, out, err);
    ut_peaks_clear(&peaks);
    return rc;
}
