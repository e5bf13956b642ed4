#include "apps/evaluate/random.h"

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

ut_random ut_random_init(uint64_t seed, uint64_t stream)
{
    return (ut_random){.state = mix(mix(seed) + stream * UINT64_C(0x9e3779b97f4a7c15))};
}

uint64_t ut_random_next(ut_random *random)
{
    return mix(random->state += UINT64_C(0x9e3779b97f4a7c15));
}

size_t ut_random_below(ut_random *random, size_t limit)
{
    return (size_t)(((unsigned __int128)ut_random_next(random) * limit) >> 64);
}

double ut_random_between(ut_random *random, double low, double high)
{
    return low + (high - low) * ((double)(ut_random_next(random) >> 11) * 0x1p-53);
}
