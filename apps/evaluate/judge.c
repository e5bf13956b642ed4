#include "apps/evaluate/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COMPARE_FRAMES = 3 * UT_RATE_HZ, SLACK_FRAMES = UT_RATE_HZ / 4 };

double ut_eval_correlation(const float *a, size_t frames, const float *b, size_t slack)
{
    double energy_a = 0, energy_b = 0, best = 0;
    for (size_t i = 0; i < frames; i++) {
        energy_a += (double)a[i] * a[i];
        energy_b += (double)b[i] * b[i];
    }
    for (size_t lag = 0; lag <= 2 * slack; lag++) {
        double product = 0;
        for (size_t i = 0; i < frames; i += 64) {
            float part = 0; /* in float, so that it vectorises */
            size_t end = i + 64 < frames ? i + 64 : frames;
            for (size_t j = i; j < end; j++)
                part += a[j] * b[j + lag];
            product += part;
        }
        if (energy_a > 0 && energy_b > 0)
            best = fmax(best, product / sqrt(energy_a * energy_b));
        double gone = b[lag];
        double come = lag < 2 * slack ? b[lag + frames] : 0.0;
        energy_b += come * come - gone * gone;
    }
    return best;
}

/* Programme samples in which both are. */
static int64_t overlap(const ut_eval_segment *segment, const ut_identification *what)
{
    int64_t start = segment->start > what->start_sample ? segment->start : what->start_sample;
    int64_t end = segment->end < what->end_sample ? segment->end : what->end_sample;
    return end - start;
}

/* Compares the middle of the overlap in the segment's track with the place that is claimed for it.
 */
static ut_status compare_place(const ut_eval_material *m, const ut_eval_segment *segment, const ut_identification *what,
                               double *correlation, ut_err *err)
{
    const ut_eval_track *source = &m->tracks[segment->track];
    if (what->recording_id > (int64_t)m->track_count) /* made up: no audio */
        return UT_OK;
    float *claimed = NULL;
    size_t claimed_frames = 0;
    ut_status rc = ut_eval_decode(m->tracks[what->recording_id - 1].path, m->cache, &claimed, &claimed_frames, err);
    if (rc != UT_OK)
        return rc;
    int64_t start = segment->start > what->start_sample ? segment->start : what->start_sample;
    double middle = (double)start + 0.5 * (double)overlap(segment, what);
    double scale = what->time_scale > 0 ? what->time_scale : 1.0;
    double source_s = segment->source_s + (middle - (double)segment->start) / UT_RATE_HZ * segment->speed;
    double claimed_s = what->ref_start_s + (middle - (double)what->start_sample) / UT_RATE_HZ / scale;
    int64_t a = (int64_t)(source_s * UT_RATE_HZ) - COMPARE_FRAMES / 2;
    int64_t b = (int64_t)(claimed_s * UT_RATE_HZ) - COMPARE_FRAMES / 2 - SLACK_FRAMES;
    int64_t forward = a < 0 ? -a : 0; /* near the edge of either recording, what is next to it */
    forward = -b > forward ? -b : forward;
    int64_t beyond_a = a + COMPARE_FRAMES - (int64_t)source->frames;
    int64_t beyond_b = b + COMPARE_FRAMES + 2 * SLACK_FRAMES - (int64_t)claimed_frames;
    int64_t shift = forward > 0 ? forward : -(beyond_a > beyond_b ? beyond_a : beyond_b);
    if (forward > 0 || shift < 0) {
        a += shift;
        b += shift;
    }
    bool inside = a >= 0 && a + COMPARE_FRAMES <= (int64_t)source->frames && b >= 0 &&
                  b + COMPARE_FRAMES + 2 * SLACK_FRAMES <= (int64_t)claimed_frames;
    if (inside)
        *correlation =
            fmax(*correlation, ut_eval_correlation(source->samples + a, COMPARE_FRAMES, claimed + b, SLACK_FRAMES));
    free(claimed);
    return UT_OK;
}

/* Sorts one identification into the verdict; `hit` marks segments, with the edges found. */
static ut_status sort_in(const ut_eval_material *m, const ut_eval_query *query, const ut_identification *what,
                         ut_identification edges[UT_EVAL_SEGMENTS], ut_eval_verdict *v, ut_err *err)
{
    double correlation = 0;
    for (size_t s = 0; s < query->segment_count; s++) {
        const ut_eval_segment *segment = &query->segments[s];
        if (overlap(segment, what) <= 0)
            continue;
        if (m->tracks[segment->track].id == what->recording_id) {
            ut_identification *edge = &edges[s];
            if (edge->recording_id == 0 || what->start_sample < edge->start_sample)
                edge->start_sample = what->start_sample;
            if (edge->recording_id == 0 || what->end_sample > edge->end_sample)
                edge->end_sample = what->end_sample;
            edge->recording_id = what->recording_id;
            return UT_OK;
        }
        ut_status rc = compare_place(m, segment, what, &correlation, err);
        if (rc != UT_OK)
            return rc;
    }
    if (correlation >= UT_EVAL_SAME_AUDIO) {
        v->shared++;
        return UT_OK;
    }
    if (v->wrong++ == 0) {
        v->wrong_id = what->recording_id;
        v->wrong_log10_e = what->log10_e;
        v->wrong_correlation = correlation;
    }
    return UT_OK;
}

static bool ambiguous_in(const ut_eval_segment *segment, const ut_identification *found, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (found[i].outcome == UT_AMBIGUOUS && overlap(segment, &found[i]) > 0)
            return true;
    return false;
}

ut_status ut_eval_judge(const ut_eval_material *material, const ut_eval_query *query, const ut_identification *found,
                        size_t count, ut_eval_verdict *out, ut_err *err)
{
    ut_eval_verdict v = {.segments = query->segment_count};
    ut_identification edges[UT_EVAL_SEGMENTS] = {0};
    for (size_t i = 0; i < count; i++) {
        if (found[i].outcome != UT_IDENTIFIED)
            continue;
        ut_status rc = sort_in(material, query, &found[i], edges, &v, err);
        if (rc != UT_OK)
            return rc;
    }
    for (size_t s = 0; s < query->segment_count; s++) {
        const ut_eval_segment *segment = &query->segments[s];
        if (edges[s].recording_id == 0) {
            v.ambiguous += ambiguous_in(segment, found, count);
            continue;
        }
        v.edge_error_s[2 * v.hits] = (double)(edges[s].start_sample - segment->start) / UT_RATE_HZ;
        v.edge_error_s[2 * v.hits + 1] = (double)(edges[s].end_sample - segment->end) / UT_RATE_HZ;
        v.hits++;
    }
    *out = v;
    return UT_OK;
}
