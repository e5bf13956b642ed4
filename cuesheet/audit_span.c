#include "cuesheet/audit.h"

#include <stdlib.h>

static int by_start(const void *a, const void *b)
{
    const ut_span *one = a, *two = b;
    return (one->start_ns > two->start_ns) - (one->start_ns < two->start_ns);
}

size_t ut_spans_join(ut_span *spans, size_t count)
{
    size_t kept = 0;
    if (count > 1)
        qsort(spans, count, sizeof *spans, by_start);
    for (size_t i = 0; i < count; i++) {
        if (spans[i].end_ns <= spans[i].start_ns)
            continue;
        if (kept > 0 && spans[i].start_ns <= spans[kept - 1].end_ns) {
            if (spans[i].end_ns > spans[kept - 1].end_ns)
                spans[kept - 1].end_ns = spans[i].end_ns;
        } else {
            spans[kept++] = spans[i];
        }
    }
    return kept;
}

size_t ut_spans_missing(const ut_span *held, size_t held_count, int64_t start_ns, int64_t end_ns, ut_span *out)
{
    size_t count = 0;
    int64_t at = start_ns;
    for (size_t i = 0; i < held_count && at < end_ns; i++) {
        if (held[i].start_ns > at)
            out[count++] = (ut_span){at, held[i].start_ns < end_ns ? held[i].start_ns : end_ns};
        if (held[i].end_ns > at)
            at = held[i].end_ns;
    }
    if (at < end_ns)
        out[count++] = (ut_span){at, end_ns};
    return count;
}

/* The first span that ends after `ns`: they are in order and apart. */
static size_t first_after(const ut_span *spans, size_t count, int64_t ns)
{
    size_t low = 0;
    while (count > 0) {
        size_t half = count / 2;
        if (spans[low + half].end_ns <= ns) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return low;
}

int64_t ut_spans_cover(const ut_span *spans, size_t count, int64_t start_ns, int64_t end_ns)
{
    int64_t total = 0;
    for (size_t i = first_after(spans, count, start_ns); i < count && spans[i].start_ns < end_ns; i++) {
        int64_t from = spans[i].start_ns > start_ns ? spans[i].start_ns : start_ns;
        int64_t to = spans[i].end_ns < end_ns ? spans[i].end_ns : end_ns;
        total += to - from;
    }
    return total;
}
