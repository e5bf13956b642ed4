#include "cuesheet/report.h"

#include <math.h>
#include <stdlib.h>

/* Layers that lie over a moment; the first four are ut_use. */
enum { IDENTIFIED = 4, ANALYSED, GAP, LAYERS };

typedef struct {
    int64_t ns;
    int layer;
    int step; /* +1: begins, -1: ends */
} edge;

typedef struct {
    edge *items;
    size_t count;
    ut_span of;
} edges;

static void add(edges *e, int layer, int64_t start_ns, int64_t end_ns)
{
    start_ns = start_ns < e->of.start_ns ? e->of.start_ns : start_ns;
    end_ns = end_ns > e->of.end_ns ? e->of.end_ns : end_ns;
    if (end_ns <= start_ns)
        return;
    e->items[e->count++] = (edge){start_ns, layer, 1};
    e->items[e->count++] = (edge){end_ns, layer, -1};
}

static int by_time(const void *a, const void *b)
{
    const edge *x = a, *y = b;
    return (x->ns > y->ns) - (x->ns < y->ns);
}

static void count_stretch(const int over[LAYERS], double s, ut_music_sums *sums)
{
    static const ut_use first[] = {UT_USE_FOREGROUND, UT_USE_INDISTINGUISHABLE, UT_USE_BACKGROUND, UT_USE_UNKNOWN};
    sums->analysed_s += over[ANALYSED] ? s : 0;
    sums->gap_s += over[GAP] && !over[ANALYSED] ? s : 0;
    for (size_t i = 0; over[ANALYSED] && i < 4; i++) {
        if (!over[first[i]])
            continue;
        sums->music_s += s;
        sums->use_s[first[i]] += s;
        sums->identified_s += over[IDENTIFIED] ? s : 0;
        return;
    }
}

/* Shares are known by cue only, so their mean over the cues is taken for the music as a whole. */
static double speech_over(const ut_cue *cues, size_t count, ut_span of, double music_s)
{
    double spoken_s = 0, all_s = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t start = cues[i].start_ns > of.start_ns ? cues[i].start_ns : of.start_ns;
        int64_t end = cues[i].end_ns < of.end_ns ? cues[i].end_ns : of.end_ns;
        if (end <= start)
            continue;
        double s = (double)(end - start) / 1e9;
        all_s += s;
        spoken_s += s * cues[i].speech_share;
    }
    return all_s > 0 ? music_s * spoken_s / all_s : 0;
}

ut_status ut_music_sum(const ut_cue *cues, size_t count, const ut_span *analysed, size_t analysed_count,
                       const ut_gap *gaps, size_t gap_count, ut_span of, ut_music_sums *out, ut_err *err)
{
    ut_music_sums sums = {.length_s = (double)(of.end_ns - of.start_ns) / 1e9};
    edges e = {.of = of, .items = calloc(4 * count + 2 * (analysed_count + gap_count) + 1, sizeof *e.items)};
    if (!e.items)
        return ut_fail(err, UT_E_NOMEM, "report: %zu cues", count);
    for (size_t i = 0; i < count; i++) {
        add(&e, (int)cues[i].use, cues[i].start_ns, cues[i].end_ns);
        if (cues[i].outcome == UT_IDENTIFIED)
            add(&e, IDENTIFIED, cues[i].start_ns, cues[i].end_ns);
        sums.cues += cues[i].start_ns >= of.start_ns && cues[i].start_ns < of.end_ns;
    }
    for (size_t i = 0; i < analysed_count; i++)
        add(&e, ANALYSED, analysed[i].start_ns, analysed[i].end_ns);
    for (size_t i = 0; i < gap_count; i++)
        add(&e, GAP, gaps[i].start_ns, gaps[i].end_ns);
    qsort(e.items, e.count, sizeof *e.items, by_time);
    int over[LAYERS] = {0};
    for (size_t i = 0; i < e.count; i++) {
        over[e.items[i].layer] += e.items[i].step;
        if (i + 1 < e.count && e.items[i + 1].ns > e.items[i].ns)
            count_stretch(over, (double)(e.items[i + 1].ns - e.items[i].ns) / 1e9, &sums);
    }
    free(e.items);
    sums.speech_over_s = speech_over(cues, count, of, sums.music_s);
    *out = sums;
    return UT_OK;
}
