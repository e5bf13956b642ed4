/* Tensor cores: C (16×8, f32) += A (16×16, bf16) · B (16×8, bf16), by the 32 threads of a warp. On a CPU the same
 * registers are filled for all 32 in turn, and multiplied by what the instruction is documented to do with them. */
#ifndef UTC_MMA_H
#define UTC_MMA_H

#include "cuda/kernel.h"

#ifdef __CUDA_ARCH__
#define UTC_WARPS(w, count) if (const int w = (int)threadIdx.x / 32; true)
#define UTC_LANES(l) if (const int l = (int)threadIdx.x % 32; true)
#else
#if UTC_REVERSED
#define UTC_WARPS(w, count) for (int w = (count)-1; w >= 0; w--)
#else
#define UTC_WARPS(w, count) for (int w = 0; w < (count); w++)
#endif
#define UTC_LANES(l) for (int l = 0; l < 32; l++)
#endif

namespace utc
{

/* A thread's registers. Each word is two neighbours along k, the first in the low half. */
struct FragmentA {
    uint32_t word[4]; /* rows g, g + 8 at k 2q; then the same at k 2q + 8; g = lane / 4, q = lane % 4 */
};
struct FragmentB {
    uint32_t word[2]; /* column g at k 2q, 2q + 8 */
};
struct FragmentC {
    float value[4]; /* row g at columns 2q, 2q + 1; then row g + 8 */
};

/* Eight bf16, as they move. */
struct alignas(16) Eight {
    uint32_t word[4];
};

UTC_HD inline uint32_t word_at(const bf16 *p)
{
#ifdef __CUDA_ARCH__
    return *(const uint32_t *)p;
#else
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return word;
#endif
}

UTC_HD inline void put_word(bf16 *p, uint32_t word)
{
#ifdef __CUDA_ARCH__
    *(uint32_t *)p = word;
#else
    memcpy(p, &word, sizeof word);
#endif
}

UTC_HD inline Eight eight_at(const bf16 *p)
{
#ifdef __CUDA_ARCH__
    return *(const Eight *)p;
#else
    Eight v;
    memcpy(&v, p, sizeof v);
    return v;
#endif
}

UTC_HD inline void put_eight(bf16 *p, Eight v)
{
#ifdef __CUDA_ARCH__
    *(Eight *)p = v;
#else
    memcpy(p, &v, sizeof v);
#endif
}

/* tile: (rows, k), rows `pitch` numbers apart. */
UTC_HD inline FragmentA load_a(const bf16 *tile, int pitch, int lane)
{
    const bf16 *p = tile + lane / 4 * pitch + lane % 4 * 2;
    FragmentA a = {{word_at(p), word_at(p + 8 * pitch), word_at(p + 8), word_at(p + 8 * pitch + 8)}};
    return a;
}

/* tile: (columns, k). */
UTC_HD inline FragmentB load_b(const bf16 *tile, int pitch, int lane)
{
    const bf16 *p = tile + lane / 4 * pitch + lane % 4 * 2;
    FragmentB b = {{word_at(p), word_at(p + 8)}};
    return b;
}

#ifdef __CUDA_ARCH__

__device__ inline void multiply(FragmentC *c, const FragmentA *a, const FragmentB *b)
{
#if __CUDA_ARCH__ >= 800
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
                 : "+f"(c->value[0]), "+f"(c->value[1]), "+f"(c->value[2]), "+f"(c->value[3])
                 : "r"(a->word[0]), "r"(a->word[1]), "r"(a->word[2]), "r"(a->word[3]), "r"(b->word[0]),
                   "r"(b->word[1]));
#else
    (void)c;
    (void)a;
    (void)b;
    __trap(); /* model_open chooses another kernel there */
#endif
}

#else

/* c, a, b: of the 32 lanes. The layouts are those of PTX's mma.m16n8k16. */
inline void multiply_warp(FragmentC *const *c, const FragmentA *a, const FragmentB *b)
{
    float left[16][16], right[16][8];
    for (int lane = 0; lane < 32; lane++)
        for (int i = 0; i < 8; i++) {
            int row = lane / 4 + (i / 2 % 2) * 8, k = lane % 4 * 2 + i % 2 + (i / 4) * 8;
            left[row][k] = from_bf16((bf16)(a[lane].word[i / 2] >> 16 * (i % 2)));
        }
    for (int lane = 0; lane < 32; lane++)
        for (int i = 0; i < 4; i++)
            right[lane % 4 * 2 + i % 2 + i / 2 * 8][lane / 4] = from_bf16((bf16)(b[lane].word[i / 2] >> 16 * (i % 2)));
    for (int lane = 0; lane < 32; lane++)
        for (int i = 0; i < 4; i++) {
            int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
            float sum = 0;
            for (int k = 0; k < 16; k++)
                sum += left[row][k] * right[k][column];
            c[lane]->value[i] += sum;
        }
}

#endif

} // namespace utc

#endif
