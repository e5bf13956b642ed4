/* Votes: what is counted in slices, lists read by turns, is what a plain count gives, and in the same order. */
#include "tests/unit/support.h"

#include <stdlib.h>
#include <string.h>

#include "fingerprint/fingerprint_peaks.h"
#include "fingerprint/vote.h"

enum { RECORDINGS = 50, FRAMES = 15000, WINDOW = 750, CANDIDATES = 64 };

static uint32_t seed;

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

/* Peaks of a few notes each: hashes come again and again, as in music. */
static void make_peaks(uint32_t number, int32_t frames, ut_peaks *peaks)
{
    uint32_t notes[20];
    seed = number * 2654435761u;
    for (int i = 0; i < 20; i++)
        notes[i] = 10 + draw(400);
    peaks->count = 0;
    for (int32_t frame = 0; frame < frames; frame++)
        if (draw(3) == 0)
            assert_int_equal(ut_peaks_add(peaks, (ut_peak){.frame = frame, .bin = (uint16_t)notes[draw(20)]}, NULL),
                             UT_OK);
}

static ut_index *make_index(void)
{
    const ut_params *params = ut_params_find("p3");
    ut_index_builder *builder = NULL;
    ut_index *first = NULL, *index = NULL;
    assert_int_equal(ut_index_builder_open(params, &builder, NULL), UT_OK);
    for (uint32_t id = 1; id <= RECORDINGS; id++) {
        ut_peaks peaks = {0};
        ut_fingerprint *print = NULL;
        make_peaks(id, FRAMES, &peaks);
        assert_int_equal(ut_fingerprint_from_peaks(params, FRAMES, &peaks, &print, NULL), UT_OK);
        assert_int_equal(ut_index_builder_add(builder, id, print, NULL), UT_OK);
        ut_fingerprint_close(&print);
        if (id != RECORDINGS / 2)
            continue;
        assert_int_equal(ut_index_builder_finish(builder, 1, &first, NULL), UT_OK); /* the rest in a further segment */
        ut_index_builder_close(&builder);
        assert_int_equal(ut_index_builder_reopen(first, &builder, NULL), UT_OK);
        ut_index_builder_remove(builder, 3);
    }
    assert_int_equal(ut_index_builder_finish(builder, 2, &index, NULL), UT_OK);
    ut_index_builder_close(&builder);
    ut_index_close(&first);
    assert_true(index->part_count == 3);
    return index;
}

static int most_votes(const void *a, const void *b)
{
    const ut_candidate *x = a, *y = b;
    if (x->votes != y->votes)
        return x->votes > y->votes ? -1 : 1;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* Votes of each frame where the window may begin; [0] is UT_QUERY_FRAMES_MAX before the part. */
static void count_part(const ut_index_part *part, const ut_query *q, uint32_t *votes)
{
    const ut_params *p = q->params;
    uint32_t **heads = calloc((size_t)1 << p->hash_bits, sizeof *heads); /* of each hash: count, frames … */
    assert_non_null(heads);
    ut_peaks peaks = {0};
    ut_landmarks pairs = {0};
    for (uint32_t t = 0; t < part->segment->track_count; t++) {
        const ut_segment_track *k = &part->segment->tracks[t];
        pairs.count = 0;
        assert_int_equal(ut_segment_peaks(part->segment, k, &peaks, NULL), UT_OK);
        assert_int_equal(ut_landmarks_pair(p, p->reference.fan_out, &peaks, 0, peaks.count, &pairs, NULL), UT_OK);
        for (size_t i = 0; i < pairs.count; i++) {
            uint32_t **head = &heads[pairs.items[i].hash], n = *head ? **head : 0;
            if ((n & (n + 1)) == 0) /* full: 2^k - 1 frames */
                *head = realloc(*head, 2 * ((size_t)n + 1) * sizeof **head);
            assert_non_null(*head);
            (*head)[n + 1] = k->origin + (uint32_t)peaks.items[pairs.items[i].anchor].frame;
            **head = n + 1;
        }
    }
    for (size_t i = 0; i < q->landmarks[0].count; i++) {
        const uint32_t *head = heads[q->landmarks[0].items[i].hash];
        uint32_t anchor = (uint32_t)q->paired[0].items[q->landmarks[0].items[i].anchor].frame;
        for (uint32_t n = 1; head && n <= *head; n++)
            votes[head[n] + UT_QUERY_FRAMES_MAX - anchor]++;
    }
    for (size_t h = 0; h < (size_t)1 << p->hash_bits; h++)
        free(heads[h]);
    free(heads);
    ut_peaks_clear(&peaks);
    ut_landmarks_clear(&pairs);
}

/* Three neighbouring frames count together; of overlapping threes, the best stands. */
static size_t candidates_of(const ut_index *x, const ut_index_part *part, const uint32_t *votes, size_t frames,
                            ut_candidate *out)
{
    ut_candidate best = {0};
    size_t count = 0;
    for (size_t f = 0; f <= frames; f++) {
        ut_candidate c = {.begin = part->base + (int64_t)f + 1 - UT_QUERY_FRAMES_MAX};
        c.votes = f < frames && votes[f] ? votes[f] + votes[f + 1] + votes[f + 2] : 0;
        if (best.votes && (f == frames || (c.votes && c.begin > best.begin + 2))) {
            if (best.votes >= 3 && ut_index_track_at(x, best.begin))
                out[count++] = best;
            best = c;
        } else if (c.votes > best.votes) {
            best = c;
        }
    }
    return count;
}

static size_t count_plainly(const ut_index *x, const ut_query *q, ut_candidate *out)
{
    ut_candidate *all = malloc((size_t)x->frames * sizeof *all);
    size_t count = 0;
    assert_non_null(all);
    for (size_t i = 0; i < x->part_count; i++) {
        size_t frames = (size_t)x->parts[i].segment->block_count * UT_INDEX_BLOCK_FRAMES + UT_QUERY_FRAMES_MAX;
        uint32_t *votes = calloc(frames + 4, sizeof *votes);
        assert_non_null(votes);
        count_part(&x->parts[i], q, votes);
        count += candidates_of(x, &x->parts[i], votes, frames, all + count);
        free(votes);
    }
    qsort(all, count, sizeof *all, most_votes);
    count = count < CANDIDATES ? count : CANDIDATES;
    memcpy(out, all, count * sizeof *all);
    free(all);
    return count;
}

static void votes_are_those_of_a_plain_count(void **state)
{
    (void)state;
    ut_index *index = make_index();
    ut_votes *votes = NULL;
    ut_query query;
    ut_peaks peaks = {0};
    assert_int_equal(ut_votes_open(index, &votes, NULL), UT_OK);
    assert_int_equal(ut_query_init(&query, ut_params_find("p3"), NULL), UT_OK);
    /* Recordings of both segments, one that is gone, one that is in none; from the first frame, the middle, the end. */
    static const struct {
        uint32_t recording;
        int32_t first;
    } asked[] = {{1, 0}, {2, 4000}, {4, 100}, {17, FRAMES - WINDOW}, {45, 9000}, {RECORDINGS, 12000}, {99, 500}};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        ut_candidate found[CANDIDATES], plain[CANDIDATES];
        make_peaks(asked[i].recording, FRAMES, &peaks);
        assert_int_equal(ut_query_set(&query, asked[i].first, WINDOW, &peaks, NULL, NULL), UT_OK);
        size_t count = ut_votes_count(votes, &query, found, CANDIDATES);
        assert_int_equal(count, count_plainly(index, &query, plain));
        assert_true(count >= 8);
        for (size_t k = 0; k < count; k++) {
            assert_int_equal(found[k].votes, plain[k].votes);
            assert_int_equal(found[k].begin, plain[k].begin);
        }
        const ut_index_track *best = ut_index_track_at(index, found[0].begin);
        bool there = asked[i].recording <= RECORDINGS && asked[i].recording != 4;
        assert_true(!there || best->recording_id == asked[i].recording);
    }
    ut_peaks_clear(&peaks);
    ut_query_clear(&query);
    ut_votes_close(&votes);
    ut_index_close(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(votes_are_those_of_a_plain_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
