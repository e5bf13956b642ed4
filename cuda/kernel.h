/* How a kernel is written here, so that its source runs on the device and, under a loop, on any CPU.
 *
 * A kernel is a struct of its parameters with THREADS, a Shared type, and block(shared, x, y, z), the work of one
 * block. UTC_THREADS(t) { … } is what every thread does between two UTC_SYNC(): on the device its body runs once in
 * each thread, on a CPU once for each of them in turn. What a thread keeps from one such piece to the next is a
 * PerThread. Nothing else may depend on threads: no warp intrinsics outside mma.h, no early return. */
#ifndef UTC_KERNEL_H
#define UTC_KERNEL_H

#include <stdint.h>
#include <string.h>

#include <math.h>

#ifndef UTC_REVERSED
#define UTC_REVERSED 0
#endif

#ifdef __CUDACC__
#define UTC_HD __host__ __device__
#else
#define UTC_HD
#endif

#ifdef __CUDA_ARCH__
#define UTC_THREADS(t) if (const int t = (int)threadIdx.x; true)
#define UTC_SYNC() __syncthreads()
#define UTC_UNROLL _Pragma("unroll") /* so that what the loop indexes stays in registers */
#else
#if UTC_REVERSED /* threads that depend on one another in there give another result in one of the two orders */
#define UTC_THREADS(t) for (int t = THREADS - 1; t >= 0; t--)
#else
#define UTC_THREADS(t) for (int t = 0; t < THREADS; t++)
#endif
#define UTC_SYNC() (void)0
#define UTC_UNROLL
#endif

namespace utc
{

template <class T, int N> struct PerThread {
#ifdef __CUDA_ARCH__
    T value;
    UTC_HD T &operator[](int)
    {
        return value;
    }
#else
    T values[N];
    UTC_HD T &operator[](int t)
    {
        return values[t];
    }
#endif
};

struct NoShared {
    int none;
};

/* bf16 is the upper half of a float; rounded to nearest even. NaN stays one. */
typedef uint16_t bf16;

UTC_HD inline uint32_t bits_of(float v)
{
#ifdef __CUDA_ARCH__
    return __float_as_uint(v);
#else
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
#endif
}

UTC_HD inline float float_of(uint32_t bits)
{
#ifdef __CUDA_ARCH__
    return __uint_as_float(bits);
#else
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
#endif
}

UTC_HD inline bf16 to_bf16(float v)
{
    uint32_t bits = bits_of(v);
    if ((bits & 0x7FFFFFFF) > 0x7F800000)
        return (bf16)(bits >> 16 | 0x40);
    return (bf16)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

UTC_HD inline float from_bf16(bf16 v)
{
    return float_of((uint32_t)v << 16);
}

/* A value's numbers, in either type. */
struct Numbers {
    void *data;
    int half; /* bf16 */

    UTC_HD float get(size_t i) const { return half ? from_bf16(((const bf16 *)data)[i]) : ((const float *)data)[i]; }
    UTC_HD void set(size_t i, float v) const
    {
        if (half)
            ((bf16 *)data)[i] = to_bf16(v);
        else
            ((float *)data)[i] = v;
    }
};

UTC_HD inline float activate(int act, float alpha, float v)
{
    switch (act) {
    case 1:
        return v > 0 ? v : 0;
    case 2:
        return 1 / (1 + expf(-v));
    case 3:
        return tanhf(v);
    case 4:
        return v > 0 ? v : v * alpha;
    default:
        return v;
    }
}

} // namespace utc

#endif
