/* Launches a kernel (kernel.h) over a grid of blocks. */
#ifndef UTC_LAUNCH_H
#define UTC_LAUNCH_H

#include "cuda/kernel.h"
#include "cuda/runtime.h"

namespace utc
{

struct Grid {
    unsigned x, y, z;
};

#ifdef __CUDACC__

template <class K> __global__ void __launch_bounds__(K::THREADS) run_kernel(const __grid_constant__ K k)
{
    __shared__ typename K::Shared shared;
    k.block(shared, (int)blockIdx.x, (int)blockIdx.y, (int)blockIdx.z);
}

template <class K> rt_error launch(const K &k, Grid grid, rt_stream *stream)
{
    run_kernel<K><<<dim3(grid.x, grid.y, grid.z), K::THREADS, 0, (cudaStream_t)stream>>>(k);
    return rt_launched();
}

#else

template <class K> rt_error launch(const K &k, Grid grid, rt_stream *)
{
    typename K::Shared *shared = new typename K::Shared;
    for (unsigned z = 0; z < grid.z; z++)
        for (unsigned y = 0; y < grid.y; y++)
            for (unsigned x = 0; x < grid.x; x++) {
                memset((void *)shared, 0xFF, sizeof *shared); /* NaN, for what is read before it is written */
                k.block(*shared, (int)x, (int)y, (int)z);
            }
    delete shared;
    return rt_launched();
}

#endif

inline unsigned blocks_of(size_t count, size_t per)
{
    return (unsigned)((count + per - 1) / per);
}

} // namespace utc

#endif
