#include "separator/plan.h"

#include <stdint.h>

static bool meet(const ut_span *a, const ut_span *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The end of the first placed span that stands in the way of `span` at its offset; 0 if none does. */
static size_t obstacle(const ut_span *spans, size_t placed, const ut_span *span)
{
    for (size_t i = 0; i < placed; i++) {
        const ut_span *s = &spans[i];
        if (s->bytes && meet(s, span) && s->offset < span->offset + span->bytes && span->offset < s->offset + s->bytes)
            return s->offset + s->bytes;
    }
    return 0;
}

/* Tries offset 0 and the end of every span before it, and keeps the lowest that is free. */
static size_t lowest_fit(const ut_span *spans, size_t placed, ut_span span)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i <= placed; i++) {
        span.offset = i < placed ? spans[i].offset + spans[i].bytes : 0;
        if (span.offset < best && !obstacle(spans, placed, &span))
            best = span.offset;
    }
    return best;
}

ut_status ut_plan_assign(ut_span *spans, size_t count, size_t limit, size_t *total, ut_err *err)
{
    size_t end = 0;
    for (size_t i = 0; i < count; i++) {
        ut_span *s = &spans[i];
        if (s->bytes > limit)
            return ut_fail(err, UT_E_UNSUPPORTED, "model: a buffer of %zu bytes (limit %zu)", s->bytes, limit);
        s->bytes = (s->bytes + UT_PLAN_ALIGN - 1) / UT_PLAN_ALIGN * UT_PLAN_ALIGN;
        s->offset = lowest_fit(spans, i, *s);
        if (s->offset + s->bytes > end)
            end = s->offset + s->bytes;
        if (end > limit)
            return ut_fail(err, UT_E_UNSUPPORTED, "model: more than %zu bytes of memory per block", limit);
    }
    *total = end;
    return UT_OK;
}
