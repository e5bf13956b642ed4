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
    int64_t begin = trace->end + trace->shift, stop = end + trace->shift;
    for (int64_t block = begin > 0 ? begin / UT_INDEX_BLOCK_FRAMES : 0;
         block < x->block_count && block * UT_INDEX_BLOCK_FRAMES < stop; block++)
        for (uint32_t i = x->blocks[block]; i < x->blocks[block + 1]; i++) {
            int64_t place = block * UT_INDEX_BLOCK_FRAMES + (x->peaks[i] >> UT_INDEX_BIN_BITS);
            if (place < begin || place >= stop || place < trace->track->origin ||
                place >= (int64_t)trace->track->origin + trace->track->frames)
                continue;
            int32_t frame = (int32_t)(place - trace->shift);
            uint16_t bin = x->peaks[i] & ((1u << UT_INDEX_BIN_BITS) - 1);
            struct ut_trace_step *step = &trace->steps[(frame - trace->first) / UT_TRACE_STEP];
            step->peaks++;
            step->hits += heard(mix, &at_mix, frame, bin) || heard(music, &at_music, frame, bin);
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
