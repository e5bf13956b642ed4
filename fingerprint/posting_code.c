#include "fingerprint/posting_code.h"

#include <pthread.h>

/* By the bits of a gap, 1, 2, …: Huffman's for gaps of segments of 240 recordings of music and of 3,000 and 33,000
 * made-up ones, whose lists were dealt out among the codes until each was in the one that suits it best. */
static const uint8_t LENGTHS[UT_POSTING_CODES][UT_POSTING_GAP_BITS] = {
    {6, 8, 6, 6, 6, 5, 5, 4, 4, 3, 3, 4, 4, 5, 5, 4, 4, 4, 4, 5, 6, 8, 10, 10, 10, 10, 10, 10, 10, 10},
    {8, 8, 8, 9, 8, 7, 6, 6, 5, 4, 4, 4, 4, 5, 7, 6, 5, 4, 4, 3, 3, 3, 4, 7, 10, 10, 10, 10, 10, 10},
    {8, 9, 9, 9, 9, 7, 7, 6, 5, 4, 4, 4, 4, 6, 9, 8, 7, 6, 5, 4, 3, 3, 3, 3, 5, 9, 10, 10, 10, 10},
    {10, 10, 10, 10, 10, 10, 9, 10, 8, 9, 8, 7, 7, 8, 6, 5, 4, 2, 1, 4, 5, 10, 10, 10, 10, 10, 10, 10, 10, 10},
    {10, 10, 9, 8, 8, 8, 8, 8, 7, 8, 7, 7, 5, 6, 6, 3, 3, 3, 9, 1, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10},
    {9, 9, 9, 10, 10, 9, 8, 7, 7, 6, 5, 4, 4, 5, 9, 8, 7, 6, 5, 4, 4, 3, 2, 3, 4, 6, 10, 10, 10, 10},
    {9, 10, 8, 8, 10, 10, 10, 10, 10, 10, 10, 4, 5, 7, 9, 8, 8, 7, 6, 6, 1, 4, 4, 3, 4, 6, 10, 10, 10, 10},
    {9, 10, 10, 10, 10, 10, 9, 9, 8, 7, 6, 6, 5, 6, 10, 9, 9, 7, 7, 6, 5, 4, 3, 2, 2, 3, 6, 9, 10, 10},
};

static ut_posting_code codes[UT_POSTING_CODES];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint16_t reversed(uint32_t value, int bits)
{
    uint32_t out = 0;
    for (int i = 0; i < bits; i++)
        out |= (value >> i & 1) << (bits - 1 - i);
    return (uint16_t)out;
}

/* The canonical code of the lengths, shortest first, read from the low bit. */
static void make(const uint8_t *lengths, ut_posting_code *code)
{
    uint32_t next = 0;
    for (int length = 1; length <= UT_POSTING_PREFIX_BITS; length++, next <<= 1)
        for (int bits = 1; bits <= UT_POSTING_GAP_BITS; bits++) {
            if (lengths[bits - 1] != length)
                continue;
            code->lengths[bits] = (uint8_t)length;
            code->codes[bits] = reversed(next++, length);
            for (uint32_t rest = 0; rest < 1u << (UT_POSTING_PREFIX_BITS - length); rest++)
                code->steps[code->codes[bits] | rest << length] =
                    (ut_posting_step){.prefix = (uint8_t)length, .rest = (uint8_t)(bits - 1)};
        }
}

static void make_all(void)
{
    for (int i = 0; i < UT_POSTING_CODES; i++)
        make(LENGTHS[i], &codes[i]);
}

const ut_posting_code *ut_posting_codes(void)
{
    pthread_once(&once, make_all);
    return codes;
}
