#include "fingerprint/landmark.h"

#include <stdlib.h>

void ut_landmarks_clear(ut_landmarks *landmarks)
{
    free(landmarks->items);
    *landmarks = (ut_landmarks){0};
}

static ut_status reserve(ut_landmarks *landmarks, size_t more, ut_err *err)
{
    size_t capacity = landmarks->capacity ? landmarks->capacity : 1024;
    while (capacity - landmarks->count < more)
        capacity *= 2;
    if (capacity == landmarks->capacity)
        return UT_OK;
    ut_landmark *items = realloc(landmarks->items, capacity * sizeof *items);
    if (!items)
        return ut_fail(err, UT_E_NOMEM, "landmarks: %zu", capacity);
    landmarks->items = items;
    landmarks->capacity = capacity;
    return UT_OK;
}

static uint32_t hash_pair(const ut_params *p, ut_peak a, ut_peak b)
{
    uint32_t frames = (uint32_t)(b.frame - a.frame);
    uint32_t bins = (uint32_t)(b.bin - a.bin) & ((1u << p->bins_bits) - 1);
    uint32_t hash = ((uint32_t)a.bin << p->bins_bits | bins) << p->frames_bits | frames;
    return hash & ((1u << p->hash_bits) - 1);
}

ut_status ut_landmarks_pair(const ut_params *params, int fan_out, const ut_peaks *peaks, size_t begin, size_t end,
                            ut_landmarks *landmarks, ut_err *err)
{
    for (size_t i = begin; i < end; i++) {
        ut_peak a = peaks->items[i];
        int paired = 0;
        ut_status rc = reserve(landmarks, (size_t)fan_out, err);
        if (rc != UT_OK)
            return rc;
        for (size_t j = i + 1; j < peaks->count && paired < fan_out; j++) {
            ut_peak b = peaks->items[j];
            if (b.frame - a.frame > params->pair_frames_max)
                break;
            if (b.frame - a.frame < params->pair_frames_min || abs(b.bin - a.bin) > params->pair_bins_max)
                continue;
            landmarks->items[landmarks->count++] =
                (ut_landmark){.hash = hash_pair(params, a, b), .anchor = (uint32_t)i};
            paired++;
        }
    }
    return UT_OK;
}

ut_peak ut_landmark_partner(const ut_params *params, ut_peak anchor, uint32_t hash)
{
    int32_t frames = (int32_t)(hash & ((1u << params->frames_bits) - 1));
    int32_t bins = (int32_t)(hash >> params->frames_bits & ((1u << params->bins_bits) - 1));
    if (bins > params->pair_bins_max)
        bins -= 1 << params->bins_bits;
    return (ut_peak){.frame = anchor.frame + frames, .bin = (uint16_t)(anchor.bin + bins)};
}
