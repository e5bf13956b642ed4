#include "fingerprint/trace.h"

#include <math.h>
#include <stdlib.h>

#define SWITCH_NATS 6.0 /* price of a change between on and off */

ut_trace ut_trace_start(const ut_index *index, const ut_index_track *track, int64_t shift, int32_t first)
{
    return (ut_trace){.index = index, .track = track, .shift = shift, .first = first, .end = first};
}

void ut_trace_clear(ut_trace *trace)
{
    free(trace->steps);
    *trace = (ut_trace){0};
}

static ut_status reserve(ut_trace *trace, size_t count, ut_err *err)
{
    if (count > trace->capacity) {
        size_t capacity = count > 2 * trace->capacity ? count : 2 * trace->capacity;
        void *steps = realloc(trace->steps, capacity * sizeof *trace->steps);
        if (!steps)
            return ut_fail(err, UT_E_NOMEM, "trace: %zu steps", capacity);
        trace->steps = steps;
        trace->capacity = capacity;
    }
    for (; trace->count < count; trace->count++)
        trace->steps[trace->count] = (struct ut_trace_step){0};
    return UT_OK;
}

/* Whether the list has the bin within a frame of `frame`. *from moves on with rising frames. */
static bool heard(const ut_peaks *peaks, size_t *from, int32_t frame, uint16_t bin)
{
    if (!peaks)
        return false;
    while (*from < peaks->count && peaks->items[*from].frame < frame - 1)
        (*from)++;
    for (size_t i = *from; i < peaks->count && peaks->items[i].frame <= frame + 1; i++)
        if (peaks->items[i].bin == bin)
            return true;
    return false;
}

ut_status ut_trace_extend(ut_trace *trace, int32_t end, const ut_peaks *mix, const ut_peaks *music, ut_err *err)
{
    const ut_index *x = trace->index;
    if (end <= trace->end)
        return UT_OK;
    ut_status rc = reserve(trace, (size_t)(end - trace->first + UT_TRACE_STEP - 1) / UT_TRACE_STEP, err);
    if (rc != UT_OK)
        return rc;
    size_t at_mix = 0, at_music = 0;
    ut_peak peaks[UT_INDEX_PEAKS_MAX];
    for (int32_t from = trace->end; from < end; from += UT_INDEX_PAD_FRAMES) {
        int32_t frames = end - from < UT_INDEX_PAD_FRAMES ? end - from : UT_INDEX_PAD_FRAMES;
        size_t count = ut_index_peaks(x, from + trace->shift, frames, peaks, UT_INDEX_PEAKS_MAX);
        for (size_t i = 0; i < count; i++) {
            int32_t frame = from + peaks[i].frame;
            int64_t place = frame + trace->shift;
            if (place < trace->track->origin || place >= trace->track->origin + trace->track->frames)
                continue;
            struct ut_trace_step *step = &trace->steps[(frame - trace->first) / UT_TRACE_STEP];
            step->peaks++;
            step->hits += heard(mix, &at_mix, frame, peaks[i].bin) || heard(music, &at_music, frame, peaks[i].bin);
        }
    }
    trace->end = end;
    return UT_OK;
}

bool ut_trace_stretch(const ut_trace *trace, double chance, double found, ut_stretch *out)
{
    double p = fmin(fmax(chance, 0.01), 0.8), q = fmin(fmax(found, p + 0.05), 0.95);
    double hit = log(q / p), miss = log((1 - q) / (1 - p));
    /* Viterbi over off and on. A path remembers where it was first on (start), where last (end, 0 = never), what that
     * gave. */
    struct path {
        double nats, gained;
        size_t start, end;
    } off = {0}, on = {.nats = -INFINITY};
    for (size_t i = 0; i < trace->count; i++) {
        double gain = trace->steps[i].hits * hit + (trace->steps[i].peaks - trace->steps[i].hits) * miss;
        struct path next_on = on, next_off = off;
        if (off.nats - SWITCH_NATS > on.nats) {
            next_on = off;
            next_on.nats -= SWITCH_NATS;
            if (next_on.end == 0)
                next_on.start = i;
        }
        if (on.nats - SWITCH_NATS > off.nats) {
            next_off = on;
            next_off.nats -= SWITCH_NATS;
        }
        next_on.nats += gain;
        next_on.gained += gain;
        next_on.end = i + 1;
        on = next_on;
        off = next_off;
    }
    struct path best = on.nats > off.nats ? on : off;
    if (best.end == 0)
        return false;
    while (best.start < best.end && trace->steps[best.start].hits == 0)
        best.start++;
    while (best.end > best.start && trace->steps[best.end - 1].hits == 0)
        best.end--;
    *out = (ut_stretch){.start = trace->first + (int32_t)best.start * UT_TRACE_STEP,
                        .end = trace->first + (int32_t)best.end * UT_TRACE_STEP,
                        .nats = best.gained};
    if (out->end > trace->end)
        out->end = trace->end;
    return true;
}
