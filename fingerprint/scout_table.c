#include "fingerprint/scout_table.h"

#include <math.h>
#include <stdlib.h>

enum { PAD = UT_INDEX_PAD_FRAMES };

void ut_scout_table_clear(ut_scout_table *table)
{
    free(table->tracks);
    free(table->present);
    free(table->rank);
    free(table->starts);
    free(table->crowded);
    free(table->places);
    *table = (ut_scout_table){0};
}

/* Every recording at every speed, one after another. */
static ut_status lay_out(const ut_index *index, ut_scout_table *t, ut_err *err)
{
    uint64_t origin = PAD;
    t->tracks = calloc((size_t)UT_SPEEDS * index->recordings + 1, sizeof *t->tracks);
    if (!t->tracks)
        return ut_fail(err, UT_E_NOMEM, "scout: %zu recordings", index->recordings);
    for (int speed = 0; speed < UT_SPEEDS; speed++)
        for (size_t i = 0; i < index->track_count; i++) {
            const ut_index_track *track = &index->tracks[i];
            if (track->recording_id == 0 || track->gone)
                continue;
            t->tracks[t->track_count++] = (ut_scout_track){track, speed, (uint32_t)origin};
            origin += (uint64_t)(track->frames / ut_speed(speed)) + PAD;
            if (origin > UT_SEGMENT_FRAMES_MAX)
                return ut_fail(err, UT_E_FULL, "scout: full at %zu recordings", t->track_count);
        }
    t->frames = (uint32_t)origin;
    return UT_OK;
}

/* Its peaks as the programme has them. */
static ut_status peaks_of(const ut_index *x, const ut_scout_track *at, ut_peaks *peaks, ut_err *err)
{
    enum { CHUNK = 256 };
    ut_peak part[UT_INDEX_PEAKS_MAX];
    peaks->count = 0;
    for (int32_t from = 0; from < (int32_t)at->track->frames; from += CHUNK) {
        size_t count = ut_index_peaks(x, at->track->origin + from, CHUNK, part, UT_INDEX_PEAKS_MAX);
        for (size_t i = 0; i < count; i++) {
            long bin = lround(part[i].bin * ut_speed(at->speed));
            if (bin < x->params->low_bin || bin >= x->params->high_bin)
                continue;
            ut_peak peak = {.frame = ut_speed_to_programme(at->speed, from + part[i].frame), .bin = (uint16_t)bin};
            ut_status rc = ut_peaks_add(peaks, peak, err);
            if (rc != UT_OK)
                return rc;
        }
    }
    return UT_OK;
}

typedef void (*visit_fn)(ut_scout_table *t, uint32_t hash, uint32_t place);

static ut_status each_landmark(ut_scout_table *t, visit_fn visit, ut_err *err)
{
    const ut_params *p = t->index->params;
    ut_peaks peaks = {0};
    ut_landmarks pairs = {0};
    ut_status rc = UT_OK;
    for (size_t i = 0; i < t->track_count && rc == UT_OK; i++) {
        pairs.count = 0;
        if ((rc = peaks_of(t->index, &t->tracks[i], &peaks, err)) != UT_OK ||
            (rc = ut_landmarks_pair(p, p->reference.fan_out, &peaks, 0, peaks.count, &pairs, err)) != UT_OK)
            break;
        for (size_t k = 0; k < pairs.count; k++)
            visit(t, pairs.items[k].hash, t->tracks[i].origin + (uint32_t)peaks.items[pairs.items[k].anchor].frame);
    }
    ut_peaks_clear(&peaks);
    ut_landmarks_clear(&pairs);
    return rc;
}

static void mark(ut_scout_table *t, uint32_t hash, uint32_t place)
{
    (void)place;
    t->present[hash / 64] |= UINT64_C(1) << hash % 64;
}

static void tally(ut_scout_table *t, uint32_t hash, uint32_t place)
{
    (void)place;
    t->starts[ut_scout_rank(t, hash) + 1]++;
}

/* starts[i + 1] is where the next place of hash i goes, and at the end where hash i + 1 begins. */
static void put(ut_scout_table *t, uint32_t hash, uint32_t place)
{
    uint32_t i = ut_scout_rank(t, hash);
    if (!t->crowded[i])
        t->places[t->starts[i + 1]++] = place;
}

/* The most places of a hash that is used. The landmarks that share their hash with most others are half of all: they
 * tell least and cost most. */
static uint32_t most_places(const ut_scout_table *t, size_t hashes)
{
    enum { TOP = 4096 };
    uint64_t landmarks[TOP] = {0}, total = 0, sum = 0;
    for (size_t i = 0; i < hashes; i++) {
        uint32_t count = t->starts[i + 1];
        landmarks[count < TOP ? count : TOP - 1] += count;
        total += count;
    }
    uint32_t most = 0;
    while (most < TOP - 1 && 2 * sum < total)
        sum += landmarks[++most];
    return most;
}

static uint32_t take_places(ut_scout_table *t, size_t hashes)
{
    uint32_t most = most_places(t, hashes), total = 0;
    for (size_t i = 0; i < hashes; i++) { /* to where each begins, one further on */
        uint32_t count = t->starts[i + 1];
        t->crowded[i] = count > most;
        t->starts[i + 1] = total;
        total += t->crowded[i] ? 0 : count;
    }
    return total;
}

ut_status ut_scout_table_make(const ut_index *index, ut_scout_table *table, ut_err *err)
{
    ut_scout_table *t = table;
    size_t words = ((size_t)1 << index->params->hash_bits) / 64, hashes = 0;
    *t = (ut_scout_table){.index = index};
    t->present = calloc(words, sizeof *t->present);
    t->rank = calloc(words, sizeof *t->rank);
    if (!t->present || !t->rank)
        return ut_fail(err, UT_E_NOMEM, "scout: %zu words", words);
    ut_status rc = lay_out(index, t, err);
    if (rc == UT_OK)
        rc = each_landmark(t, mark, err);
    if (rc != UT_OK)
        return rc;
    for (size_t i = 0; i < words; i++) {
        t->rank[i] = (uint32_t)hashes;
        hashes += (size_t)__builtin_popcountll(t->present[i]);
    }
    t->starts = calloc(hashes + 2, sizeof *t->starts);
    t->crowded = calloc(hashes + 1, sizeof *t->crowded);
    if (!t->starts || !t->crowded)
        return ut_fail(err, UT_E_NOMEM, "scout: %zu hashes", hashes);
    if ((rc = each_landmark(t, tally, err)) != UT_OK)
        return rc;
    uint32_t total = take_places(t, hashes);
    if (!(t->places = malloc(((size_t)total + 1) * sizeof *t->places)))
        return ut_fail(err, UT_E_NOMEM, "scout: %u landmarks", total);
    return each_landmark(t, put, err);
}
