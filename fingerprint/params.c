#include "fingerprint/params_fields.h"

#include <string.h>

static const ut_params PARAMS[] = {
    {.name = "p3",
     .rate_hz = 16000,
     .fft = 1024,
     .hop = 256,
     .low_bin = 4,
     .high_bin = 448,
     .pair_frames_min = 1,
     .pair_frames_max = 63,
     .pair_bins_max = 63,
     .frames_bits = 6,
     .bins_bits = 7,
     .hash_bits = 22,
     .reference = {.peaks_per_s = 20, .fan_out = 3},
     .query = {.peaks_per_s = 60, .fan_out = 40, .fine = true}},
    {.name = "p1",
     .rate_hz = 11025,
     .fft = 512,
     .hop = 256,
     .low_bin = 1,
     .high_bin = 256,
     .pair_frames_min = 2,
     .pair_frames_max = 63,
     .pair_bins_max = 31,
     .frames_bits = 6,
     .bins_bits = 6,
     .hash_bits = 20,
     .reference = {.peaks_per_s = 20, .fan_out = 3},
     .query = {.peaks_per_s = 20, .fan_out = 3}},
    {.name = "p2",
     .rate_hz = 16000,
     .fft = 1024,
     .hop = 373,
     .low_bin = 1,
     .high_bin = 512,
     .pair_frames_min = 2,
     .pair_frames_max = 63,
     .pair_bins_max = 31,
     .frames_bits = 6,
     .bins_bits = 6,
     .hash_bits = 21,
     .reference = {.peaks_per_s = 20, .fan_out = 3},
     .query = {.peaks_per_s = 20, .fan_out = 3}},
};

const ut_params *ut_params_find(const char *name)
{
    for (size_t i = 0; i < sizeof PARAMS / sizeof *PARAMS; i++)
        if (name && strcmp(PARAMS[i].name, name) == 0)
            return &PARAMS[i];
    return NULL;
}

const char *ut_params_name(const ut_params *params)
{
    return params->name;
}

int ut_params_rate_hz(const ut_params *params)
{
    return params->rate_hz;
}

int ut_params_fft(const ut_params *params)
{
    return params->fft;
}

int ut_params_hop(const ut_params *params)
{
    return params->hop;
}
