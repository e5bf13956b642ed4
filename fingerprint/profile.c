#include "fingerprint/profile.h"

#include <stdlib.h>

typedef struct {
    ut_peak peak; /* frame within the window */
    uint64_t bits[UT_QUERY_WITNESSES][UT_QUERY_SHIFT_WORDS];
} shadow;

static void tally(const uint64_t bits[UT_QUERY_SHIFT_WORDS], uint16_t counts[UT_QUERY_SHIFTS])
{
    for (int w = 0; w < UT_QUERY_SHIFT_WORDS; w++)
        for (uint64_t rest = bits[w]; rest; rest &= rest - 1)
            counts[64 * w + __builtin_ctzll(rest)]++;
}

/* Counts `a` as paired wherever one of its partners, which follow it, is there too. */
static void tally_pairs(const ut_params *p, const shadow *a, const shadow *end, int witnesses, ut_profile *profile)
{
    uint64_t both[UT_QUERY_WITNESSES][UT_QUERY_SHIFT_WORDS] = {0};
    int partners = 0;
    for (const shadow *b = a + 1; b < end && partners < p->reference.fan_out; b++) {
        int32_t frames = b->peak.frame - a->peak.frame;
        if (frames > p->pair_frames_max)
            break;
        if (frames < p->pair_frames_min || abs(b->peak.bin - a->peak.bin) > p->pair_bins_max)
            continue;
        partners++;
        for (int w = 0; w < witnesses; w++)
            for (int i = 0; i < UT_QUERY_SHIFT_WORDS; i++)
                both[w][i] |= a->bits[w][i] & b->bits[w][i];
    }
    for (int w = 0; w < witnesses; w++)
        tally(both[w], profile->paired[w]);
}

void ut_profile_take(const ut_index *index, const ut_query *query, int64_t begin, ut_profile *profile)
{
    shadow shadows[UT_PROFILE_PEAKS_MAX];
    uint32_t count = 0;
    int64_t first = begin > 0 ? begin / UT_INDEX_BLOCK_FRAMES : 0;
    int64_t last = (begin + query->frames - 1) / UT_INDEX_BLOCK_FRAMES;
    memset(profile, 0, sizeof *profile);
    for (int64_t block = first; block <= last && block < index->block_count; block++)
        for (uint32_t i = index->blocks[block]; i < index->blocks[block + 1] && count < UT_PROFILE_PEAKS_MAX; i++) {
            int64_t frame = block * UT_INDEX_BLOCK_FRAMES + (index->peaks[i] >> UT_INDEX_BIN_BITS) - begin;
            if (frame < 0 || frame >= query->frames)
                continue;
            shadow *s = &shadows[count++];
            s->peak = (ut_peak){.frame = (int32_t)frame, .bin = index->peaks[i] & (UT_QUERY_BINS - 1)};
            for (int w = 0; w < query->witnesses; w++) {
                ut_query_read(query, w, s->peak.bin, s->peak.frame, s->bits[w]);
                tally(s->bits[w], profile->single[w]);
            }
        }
    profile->peaks = count;
    for (uint32_t i = 0; i < count; i++)
        tally_pairs(index->params, &shadows[i], shadows + count, query->witnesses, profile);
}
