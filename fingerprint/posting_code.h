/* How posting lists are written: as bits, from the low bit of each byte up, each gap as a prefix code of its number of
 * bits and then the bits below its highest. Gaps have two habits, within a recording (10 to 13 bits) and from one to
 * another (the more, the rarer the hash), which the lengths of the prefixes know. There are several codes; a list is in
 * the one that makes it shortest. No gap is 0.
 *
 * The lists of UT_POSTING_SHELF neighbouring hashes are a shelf: for each of them a number (LEB128), 8 times the bits
 * of its list plus which code that is in, 0 if there is none; then the lists, bit after bit. A shelf begins at a byte.
 * Inside fingerprint/ only. */
#ifndef UT_FINGERPRINT_POSTING_CODE_H
#define UT_FINGERPRINT_POSTING_CODE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    UT_POSTING_PREFIX_BITS = 10, /* at most */
    UT_POSTING_GAP_BITS = 30,    /* at most */
    UT_POSTING_PAD = 8,          /* bytes that may be read behind the last list */
    UT_POSTING_CODES = 8,
    UT_POSTING_SHELF_BITS = 3,
    UT_POSTING_SHELF = 1 << UT_POSTING_SHELF_BITS,
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

/* UT_POSTING_CODES of them, made once. Any thread. */
const ut_posting_code *ut_posting_codes(void);

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

/* A list of a shelf. */
typedef struct {
    uint64_t at; /* bits */
    uint64_t end;
    int code;
} ut_posting_place;

/* Where the list of one of the hashes of the shelf at bytes [begin, end) is; false: there is none. Damage gives places
 * in the shelf, or none. */
static inline bool ut_posting_find(const uint8_t *bytes, uint32_t begin, uint32_t end, uint32_t which,
                                   ut_posting_place *out)
{
    uint64_t before = 0, own = 0;
    uint32_t at = begin;
    for (uint32_t i = 0; i < UT_POSTING_SHELF; i++) {
        uint64_t number = 0;
        for (int shift = 0;; shift += 7) {
            if (at == end || shift > 28)
                return false;
            number |= (uint64_t)(bytes[at] & 127) << shift;
            if (bytes[at++] < 128)
                break;
        }
        own = i == which ? number : own;
        before += i < which ? number / UT_POSTING_CODES : 0;
    }
    uint64_t first = (uint64_t)at * 8 + before;
    *out =
        (ut_posting_place){.at = first, .end = first + own / UT_POSTING_CODES, .code = (int)(own % UT_POSTING_CODES)};
    return out->at < out->end && out->end <= (uint64_t)end * 8;
}

/* Writes a number of a shelf's head, if bytes is not NULL. Returns how many bytes it takes. */
static inline uint32_t ut_posting_put_head(uint8_t *bytes, uint64_t number)
{
    uint32_t count = 0;
    for (; number >= 128; number >>= 7, count++)
        if (bytes)
            bytes[count] = (uint8_t)(number | 128);
    if (bytes)
        bytes[count] = (uint8_t)number;
    return count + 1;
}

#endif
