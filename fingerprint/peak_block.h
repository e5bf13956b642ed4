/* The peaks of 256 frames as bits, from the low bit of each byte up: for each peak the frames since the last one (Rice
 * code: half of them in unary, zeros and a one, then the rest in one bit), and its bin (9 bits). Inside fingerprint/
 * only. */
#ifndef UT_FINGERPRINT_PEAK_BLOCK_H
#define UT_FINGERPRINT_PEAK_BLOCK_H

#include <string.h>

#include "fingerprint/peaks.h"

enum { UT_PEAK_BLOCK_PAD = 8, UT_PEAK_BITS_MAX = 256 / 2 + 2 + 9 };

/* Bits that a peak takes. */
static inline uint32_t ut_peak_block_bits(uint32_t gap)
{
    return gap / 2 + 2 + 9;
}

/* Writes a peak at bit `position`; the bytes are zero beforehand. Returns the position behind it. */
static inline size_t ut_peak_block_put(uint8_t *bytes, size_t position, uint32_t gap, uint32_t bin)
{
    position += gap / 2;
    uint32_t rest = 1 | (gap & 1) << 1 | bin << 2;
    for (int i = 0; i < 11; i++, position++)
        bytes[position / 8] |= (uint8_t)((rest >> i & 1) << position % 8);
    return position;
}

/* A cursor over the peaks of one block. */
typedef struct {
    const uint8_t *bytes; /* UT_PEAK_BLOCK_PAD bytes may be read behind the end */
    size_t position;      /* bits */
    size_t bits;
    uint32_t frame; /* of the last peak, within the block */
} ut_peak_cursor;

/* The next peak; false at the end, which damage may bring early. */
static inline bool ut_peak_block_next(ut_peak_cursor *c, uint32_t *frame, uint32_t *bin)
{
    uint64_t word;
    uint32_t zeros = 0;
    for (;;) {
        if (c->position + 11 > c->bits)
            return false;
        memcpy(&word, c->bytes + c->position / 8, sizeof word);
        word >>= c->position % 8;
        uint64_t seen = word & ((UINT64_C(1) << 45) - 1); /* so that what follows is in the word too */
        if (seen) {
            uint32_t more = (uint32_t)__builtin_ctzll(seen);
            zeros += more;
            word >>= more;
            c->position += more + 11;
            break;
        }
        zeros += 45;
        c->position += 45;
    }
    c->frame += zeros * 2 + (uint32_t)(word >> 1 & 1);
    *frame = c->frame;
    *bin = (uint32_t)(word >> 2) & 511;
    return c->position <= c->bits && c->frame < 256;
}

#endif
