#include "fingerprint/coincidence.h"

#include <stdlib.h>

enum { SHIFT_MIN = 6, SHIFT_MAX = 126 };

ut_status ut_peak_map_fill(const ut_peaks *peaks, int32_t first, int32_t frames, ut_peak_map *out, ut_err *err)
{
    ut_peak_map map = {.first = first, .frames = frames, .row = (size_t)frames / 64 + 1};
    map.words = calloc(map.row * UT_QUERY_BINS, sizeof *map.words);
    if (!map.words)
        return ut_fail(err, UT_E_NOMEM, "map of %d frames", frames);
    for (size_t i = 0; i < peaks->count; i++)
        for (int64_t at = (int64_t)peaks->items[i].frame - first - 1; at <= (int64_t)peaks->items[i].frame - first + 1;
             at++)
            if (at >= 0 && at < frames)
                map.words[peaks->items[i].bin * map.row + (size_t)at / 64] |= UINT64_C(1) << at % 64;
    *out = map;
    return UT_OK;
}

void ut_peak_map_clear(ut_peak_map *map)
{
    free(map->words);
    *map = (ut_peak_map){0};
}

double ut_coincidence_chance(const ut_peak_map *mix, const ut_peak_map *music, ut_peak peak)
{
    int hits = 0, places = 0;
    for (int32_t shift = SHIFT_MIN; shift <= SHIFT_MAX; shift++)
        for (int side = -1; side <= 1; side += 2) {
            int32_t frame = peak.frame + side * shift;
            if (frame < mix->first || frame >= mix->first + mix->frames)
                continue;
            places++;
            hits += ut_peak_map_has(mix, frame, peak.bin) || ut_peak_map_has(music, frame, peak.bin);
        }
    return places ? (double)hits / places : 0.0;
}

/* A landmark and where it is. */
typedef struct {
    uint32_t hash;
    int32_t frame;
} place;

typedef struct {
    place *items;
    size_t count;
} places;

static int by_hash(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->frame > y->frame) - (x->frame < y->frame);
}

static void sort_once(places *p)
{
    size_t kept = 0;
    if (p->count > 0)
        qsort(p->items, p->count, sizeof *p->items, by_hash);
    for (size_t i = 0; i < p->count; i++)
        if (i == 0 || by_hash(&p->items[i], &p->items[kept - 1]) != 0)
            p->items[kept++] = p->items[i];
    p->count = kept;
}

/* The landmarks of all lists (at most UT_QUERY_WITNESSES), sorted, each once. */
static ut_status list_places(const ut_params *params, int fan_out, const ut_peaks *lists, int list_count, places *out,
                             ut_err *err)
{
    ut_landmarks pairs[UT_QUERY_WITNESSES] = {{0}};
    places all = {0};
    size_t count = 0;
    ut_status rc = UT_OK;
    for (int l = 0; l < list_count && rc == UT_OK; l++) {
        rc = ut_landmarks_pair(params, fan_out, &lists[l], 0, lists[l].count, &pairs[l], err);
        count += pairs[l].count;
    }
    if (rc == UT_OK && !(all.items = malloc((count + 1) * sizeof *all.items)))
        rc = ut_fail(err, UT_E_NOMEM, "%zu landmarks", count);
    for (int l = 0; l < list_count && rc == UT_OK; l++)
        for (size_t i = 0; i < pairs[l].count; i++)
            all.items[all.count++] = (place){pairs[l].items[i].hash, lists[l].items[pairs[l].items[i].anchor].frame};
    for (int l = 0; l < list_count; l++)
        ut_landmarks_clear(&pairs[l]);
    sort_once(&all);
    *out = all;
    return rc;
}

ut_status ut_coincidence_votes(const ut_params *params, const ut_peaks *reference, const ut_peaks *witnesses,
                               int witness_count, int32_t first, size_t count, uint32_t **votes, ut_err *err)
{
    places known = {0}, heard = {0};
    uint32_t *sums = calloc(count ? count : 1, sizeof *sums);
    ut_status rc = sums ? UT_OK : ut_fail(err, UT_E_NOMEM, "%zu offsets", count);
    if (rc == UT_OK)
        rc = list_places(params, params->reference.fan_out, reference, 1, &known, err);
    if (rc == UT_OK)
        rc = list_places(params, params->query.fan_out, witnesses, witness_count, &heard, err);
    for (size_t i = 0, from = 0; rc == UT_OK && i < heard.count; i++) {
        while (from < known.count && known.items[from].hash < heard.items[i].hash)
            from++;
        for (size_t k = from; k < known.count && known.items[k].hash == heard.items[i].hash; k++) {
            int64_t offset = (int64_t)known.items[k].frame - heard.items[i].frame - first;
            if (offset >= 0 && offset < (int64_t)count)
                sums[offset]++;
        }
    }
    free(known.items);
    free(heard.items);
    if (rc == UT_OK)
        *votes = sums;
    else
        free(sums);
    return rc;
}
