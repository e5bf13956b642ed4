/* How posting lists are written: as bits, from the low bit of each byte up, each gap as a prefix code of its number of
 * bits and then the bits below its highest. Gaps have two habits, within a recording (10 to 13 bits) and from one to
 * another (20 to 24), which the lengths of the prefixes know. A list begins at a byte and ends with fewer than 8 zero
 * bits; no gap is 0, and no code has fewer than 8 bits and only zeros. Inside fingerprint/ only. */
#ifndef UT_FINGERPRINT_POSTING_CODE_H
#define UT_FINGERPRINT_POSTING_CODE_H

#include <stdint.h>
#include <string.h>

enum {
    UT_POSTING_PREFIX_BITS = 10, /* at most */
    UT_POSTING_GAP_BITS = 30,    /* at most */
    UT_POSTING_PAD = 8,          /* bytes that may be read behind the last list */
};

/* What the next UT_POSTING_PREFIX_BITS bits begin with. */
typedef struct {
    uint8_t prefix; /* bits */
    uint8_t rest;   /* bits of the gap below its highest */
} ut_posting_step;

typedef struct {
    ut_posting_step steps[1 << UT_POSTING_PREFIX_BITS];
    uint16_t codes[UT_POSTING_GAP_BITS + 1]; /* by bits of the gap */
    uint8_t lengths[UT_POSTING_GAP_BITS + 1];
} ut_posting_code;

/* Made once. Any thread. */
const ut_posting_code *ut_posting_code_get(void);

/* The gap at bit *position; moves on. Reads 8 bytes. */
static inline uint32_t ut_posting_read(const ut_posting_code *code, const uint8_t *bytes, uint64_t *position)
{
    uint64_t word;
    memcpy(&word, bytes + *position / 8, sizeof word);
    word >>= *position % 8;
    ut_posting_step step = code->steps[word & ((1 << UT_POSTING_PREFIX_BITS) - 1)];
    uint32_t top = UINT32_C(1) << step.rest;
    *position += (uint64_t)step.prefix + step.rest;
    return top | ((uint32_t)(word >> step.prefix) & (top - 1));
}

static inline uint32_t ut_posting_bits(const ut_posting_code *code, uint32_t gap)
{
    uint32_t bits = 32 - (uint32_t)__builtin_clz(gap);
    return code->lengths[bits] + bits - 1;
}

/* Writes a gap at bit `position`; the bits are zero beforehand. Returns the position behind it. */
static inline uint64_t ut_posting_write(const ut_posting_code *code, uint8_t *bytes, uint64_t position, uint32_t gap)
{
    uint32_t bits = 32 - (uint32_t)__builtin_clz(gap);
    uint64_t word, value = (uint64_t)(gap ^ UINT32_C(1) << (bits - 1)) << code->lengths[bits] | code->codes[bits];
    memcpy(&word, bytes + position / 8, sizeof word);
    word |= value << position % 8;
    memcpy(bytes + position / 8, &word, sizeof word);
    return position + code->lengths[bits] + bits - 1;
}

#endif
