#include "cuesheet/share.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"

#define MAX_CLUSTERS 100000
#define MAX_SOCIETIES 1000
#define SEED UINT64_C(0x756E646572746F6E) /* fixed, so that a report can be made again */

double ut_party_weight(const ut_party *parties, size_t count, size_t which)
{
    double known = 0;
    size_t unknown = 0;
    if (!isnan(parties[which].share))
        return parties[which].share;
    for (size_t i = 0; i < count; i++) {
        known += isnan(parties[i].share) ? 0 : parties[i].share;
        unknown += isnan(parties[i].share);
    }
    return fmax(1.0 - known, 0) / (double)unknown;
}

/* Seconds by cluster and society, and the clusters that a round draws from. */
typedef struct {
    const ut_share_input *in;
    int64_t cluster_ns;
    size_t clusters;
    const char *societies[MAX_SOCIETIES]; /* borrowed */
    size_t society_count;
    double *seconds; /* [cluster * society_count + society] */
    double *music;   /* [cluster]: identified */
    size_t *drawn;   /* clusters that were observed */
    size_t drawn_count;
    double *values; /* [society * rounds + round] */
} estimate;

static ut_status society_of(estimate *e, const char *name, size_t *out, ut_err *err)
{
    const char *society = name ? name : "";
    for (*out = 0; *out < e->society_count; ++*out)
        if (strcasecmp(e->societies[*out], society) == 0)
            return UT_OK;
    if (e->society_count == MAX_SOCIETIES)
        return ut_fail(err, UT_E_ARG, "share: more than %d societies", MAX_SOCIETIES);
    e->societies[e->society_count++] = society;
    return UT_OK;
}

/* Societies first, so that the table of seconds has its width. */
static ut_status societies_collect(estimate *e, ut_err *err)
{
    size_t at;
    ut_status rc = society_of(e, "", &at, err);
    for (size_t i = 0; rc == UT_OK && i < e->in->cue_count; i++) {
        const ut_recording *rec = e->in->recordings[i];
        for (size_t p = 0; rc == UT_OK && rec && p < rec->party_count; p++)
            rc = society_of(e, rec->parties[p].society, &at, err);
    }
    return rc;
}

static void credit(estimate *e, const ut_recording *rec, size_t cluster, double s)
{
    double *row = e->seconds + cluster * e->society_count, given = 0;
    size_t society = 0;
    for (size_t p = 0; rec && p < rec->party_count; p++) {
        double weight = fmin(ut_party_weight(rec->parties, rec->party_count, p), 1.0 - given);
        if (society_of(e, rec->parties[p].society, &society, NULL) == UT_OK)
            row[society] += weight * s;
        given += weight;
    }
    row[0] += (1.0 - given) * s; /* what no party has */
    e->music[cluster] += s;
}

static void seconds_collect(estimate *e, ut_shares *out)
{
    const ut_share_input *in = e->in;
    for (size_t i = 0; i < in->cue_count; i++) {
        const ut_cue *cue = &in->cues[i];
        if (cue->outcome != UT_IDENTIFIED) {
            out->unidentified_s += (double)(cue->end_ns - cue->start_ns) / 1e9;
            continue;
        }
        for (int64_t from = cue->start_ns, to; from < cue->end_ns; from = to) { /* a cue may lie over midnight */
            int64_t cluster = (from - in->start_ns) / e->cluster_ns;
            to = in->start_ns + (cluster + 1) * e->cluster_ns;
            if (to > cue->end_ns)
                to = cue->end_ns;
            credit(e, in->recordings[i], (size_t)cluster, (double)(to - from) / 1e9);
        }
    }
    for (size_t c = 0; c < e->clusters; c++) {
        int64_t from = in->start_ns + (int64_t)c * e->cluster_ns, to = from + e->cluster_ns;
        to = to < in->end_ns ? to : in->end_ns;
        int64_t observed_ns = to - from - ut_spans_cover(in->unobserved, in->unobserved_count, from, to);
        out->observed_s += (double)observed_ns / 1e9;
        out->identified_s += e->music[c];
        if (observed_ns > 0)
            e->drawn[e->drawn_count++] = c;
    }
}

static uint64_t next_random(uint64_t *state) /* SplitMix64 */
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Whole clusters are drawn with replacement: what is alike within a day stays together. */
static void resample(estimate *e)
{
    uint64_t state = SEED;
    size_t rounds = e->in->rounds;
    for (size_t round = 0; round < rounds; round++) {
        double music = 0;
        for (size_t s = 0; s < e->society_count; s++)
            e->values[s * rounds + round] = 0;
        for (size_t i = 0; i < e->drawn_count; i++) {
            size_t cluster = e->drawn[(size_t)((next_random(&state) >> 11) % e->drawn_count)];
            const double *row = e->seconds + cluster * e->society_count;
            music += e->music[cluster];
            for (size_t s = 0; s < e->society_count; s++)
                e->values[s * rounds + round] += row[s];
        }
        for (size_t s = 0; s < e->society_count; s++) /* a draw without music says nothing of shares */
            e->values[s * rounds + round] = music > 0 ? e->values[s * rounds + round] / music : 0;
    }
}

static int by_value(const void *a, const void *b)
{
    double one = *(const double *)a, two = *(const double *)b;
    return (one > two) - (one < two);
}

static double quantile(const double *sorted, size_t count, double q)
{
    double at = q * (double)(count - 1);
    size_t low = (size_t)at, high = low + 1 < count ? low + 1 : low;
    return sorted[low] + (at - (double)low) * (sorted[high] - sorted[low]);
}

static void conclude(const estimate *e, size_t society, ut_shares *shares, ut_share *out)
{
    double all_s = shares->identified_s + shares->unidentified_s, tail = (1.0 - e->in->level) / 2;
    double *values = e->values + society * e->in->rounds;
    *out = (ut_share){.low = NAN, .high = NAN, .share = NAN, .least = NAN, .most = NAN};
    for (size_t c = 0; c < e->clusters; c++)
        out->seconds += e->seconds[c * e->society_count + society];
    if (shares->identified_s > 0)
        out->share = out->seconds / shares->identified_s;
    if (all_s > 0) {
        out->least = out->seconds / all_s;
        out->most = (out->seconds + shares->unidentified_s) / all_s;
    }
    if (e->drawn_count >= UT_SHARE_CLUSTERS && shares->identified_s > 0) {
        qsort(values, e->in->rounds, sizeof *values, by_value);
        out->low = quantile(values, e->in->rounds, tail);
        out->high = quantile(values, e->in->rounds, 1.0 - tail);
    }
}

static int by_seconds(const void *a, const void *b)
{
    const ut_share *one = a, *two = b;
    if (one->seconds != two->seconds)
        return one->seconds > two->seconds ? -1 : 1;
    return strcmp(one->society, two->society);
}

static ut_status shares_make(estimate *e, ut_shares *out, ut_err *err)
{
    out->items = calloc(e->society_count, sizeof *out->items);
    if (!out->items)
        return ut_fail(err, UT_E_NOMEM, "share: %zu societies", e->society_count);
    for (size_t s = 0; s < e->society_count; s++) {
        ut_share share;
        conclude(e, s, out, &share);
        if (share.seconds <= 0)
            continue;
        if (!(share.society = strdup(e->societies[s])))
            return ut_fail(err, UT_E_NOMEM, "share: out of memory");
        out->items[out->count++] = share;
    }
    if (out->count > 1)
        qsort(out->items, out->count, sizeof *out->items, by_seconds);
    return UT_OK;
}

static ut_status clusters_set(estimate *e, ut_err *err)
{
    const ut_share_input *in = e->in;
    const int64_t hour_ns = 3600 * UT_NS_PER_S, length_ns = in->end_ns - in->start_ns;
    if (length_ns <= 0 || in->rounds < 100 || !(in->level > 0 && in->level < 1))
        return ut_fail(err, UT_E_ARG, "share: an empty range, fewer than 100 rounds, or a level outside 0 to 1");
    e->cluster_ns = in->cluster_ns                              ? in->cluster_ns
                    : length_ns >= UT_SHARE_DAYS * 24 * hour_ns ? 24 * hour_ns
                                                                : hour_ns;
    int64_t clusters = (length_ns + e->cluster_ns - 1) / e->cluster_ns;
    if (clusters > MAX_CLUSTERS)
        return ut_fail(err, UT_E_ARG, "share: %lld clusters, at most %d", (long long)clusters, MAX_CLUSTERS);
    e->clusters = (size_t)clusters;
    return UT_OK;
}

ut_status ut_shares_estimate(const ut_share_input *input, ut_shares *out, ut_err *err)
{
    ut_shares shares = {0};
    estimate *e = calloc(1, sizeof *e);
    if (!e)
        return ut_fail(err, UT_E_NOMEM, "share: out of memory");
    e->in = input;
    ut_status rc = clusters_set(e, err);
    if (rc == UT_OK)
        rc = societies_collect(e, err);
    if (rc == UT_OK) {
        e->seconds = calloc(e->clusters * e->society_count, sizeof *e->seconds);
        e->music = calloc(e->clusters, sizeof *e->music);
        e->drawn = calloc(e->clusters, sizeof *e->drawn);
        e->values = calloc(e->society_count * input->rounds, sizeof *e->values);
        if (!e->seconds || !e->music || !e->drawn || !e->values)
            rc = ut_fail(err, UT_E_NOMEM, "share: %zu clusters", e->clusters);
    }
    if (rc == UT_OK) {
        seconds_collect(e, &shares);
        if (e->drawn_count >= UT_SHARE_CLUSTERS)
            resample(e);
        shares.cluster_ns = e->cluster_ns;
        shares.clusters = e->drawn_count;
        rc = shares_make(e, &shares, err);
    }
    free(e->seconds);
    free(e->music);
    free(e->drawn);
    free(e->values);
    free(e);
    if (rc == UT_OK)
        *out = shares;
    else
        ut_shares_clear(&shares);
    return rc;
}

void ut_shares_clear(ut_shares *shares)
{
    for (size_t i = 0; i < shares->count; i++)
        free(shares->items[i].society);
    free(shares->items);
    *shares = (ut_shares){0};
}
