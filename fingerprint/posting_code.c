#include "fingerprint/posting_code.h"

#include <pthread.h>

/* Of the gaps with 1, 2, … bits in segments of 10,000 and 20,000 recordings: Huffman's, the first of 3 bits being that
 * of gaps of 21 bits. */
static const uint8_t LENGTHS[UT_POSTING_GAP_BITS] = {8, 9, 8, 8, 8, 7, 6, 5, 5, 4, 4, 4,  4,  6, 7,
                                                     6, 5, 5, 4, 4, 3, 3, 4, 4, 5, 7, 10, 10, 9, 9};

static ut_posting_code code;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint16_t reversed(uint32_t value, int bits)
{
    uint32_t out = 0;
    for (int i = 0; i < bits; i++)
        out |= (value >> i & 1) << (bits - 1 - i);
    return (uint16_t)out;
}

/* The canonical code of the lengths, shortest first, read from the low bit. */
static void make(void)
{
    uint32_t next = 0;
    for (int length = 1; length <= UT_POSTING_PREFIX_BITS; length++, next <<= 1)
        for (int bits = 1; bits <= UT_POSTING_GAP_BITS; bits++) {
            if (LENGTHS[bits - 1] != length)
                continue;
            code.lengths[bits] = (uint8_t)length;
            code.codes[bits] = reversed(next++, length);
            for (uint32_t rest = 0; rest < 1u << (UT_POSTING_PREFIX_BITS - length); rest++)
                code.steps[code.codes[bits] | rest << length] =
                    (ut_posting_step){.prefix = (uint8_t)length, .rest = (uint8_t)(bits - 1)};
        }
}

const ut_posting_code *ut_posting_code_get(void)
{
    pthread_once(&once, make);
    return &code;
}
