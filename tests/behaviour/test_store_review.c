/* Revisions and trails of db/store.h, over any backend. */
#include "tests/behaviour/store_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/digest.h"

typedef struct {
    int64_t recording, segment;
    ut_airplay air[3];
} world;

static const uint8_t TRAIL[] = "peaks of a tune";

/* Three airplays of one channel, at 10, 20 and 30 s; the first two unidentified, with trails. */
static world world_make(fixture *f)
{
    world w = {.recording = recording_add(f->store, 1)};
    ut_segment segment = segment_make("one", 0);
    ut_event events[3];
    size_t added = 0;
    assert_ok(ut_store_segment_put(f->store, &segment, ERR));
    w.segment = segment.id;
    for (int i = 0; i < 3; i++) {
        w.air[i] = airplay_make("one", segment.id, i == 2 ? w.recording : 0, i + 1);
        events[i] = event_make(&w.air[i]);
        w.air[i].trail = i < 2 ? TRAIL : NULL;
        w.air[i].trail_size = i < 2 ? sizeof TRAIL : 0;
    }
    assert_ok(ut_store_airplay_put(f->store, segment.id, w.air, events, 3, NULL, &added, ERR));
    assert_int_equal(added, 3);
    return w;
}

static ut_revision revision_make(const ut_airplay *air, int64_t number, ut_review review)
{
    ut_revision revision = {
        .air = *air, .cause = UT_CAUSE_PERSON, .who = "Ann", .why = "I know it", .at_ns = 99 * UT_NS_PER_S};
    revision.air.revision = number;
    revision.air.review = review;
    return revision;
}

static ut_status revise(fixture *f, const ut_revision *revision)
{
    ut_event event = event_make(&revision->air);
    char key[80];
    snprintf(key, sizeof key, "%s %d", revision->air.id, (int)revision->air.revision);
    ut_uuid_from_text(key, event.id);
    ut_change change = {.revisions = revision, .revision_events = &event, .revision_count = 1};
    return ut_store_change(f->store, &change, ERR);
}

typedef struct {
    ut_airplay items[8];
    size_t count;
} airplays;

static ut_status keep_airplay(void *arg, const ut_airplay *air)
{
    airplays *list = arg;
    assert_true(list->count < 8);
    list->items[list->count++] = *air;
    return UT_OK;
}

typedef struct {
    ut_revision items[8];
    size_t count;
} revisions;

static ut_status keep_revision(void *arg, const ut_revision *revision)
{
    revisions *list = arg;
    assert_true(list->count < 8);
    list->items[list->count++] = *revision;
    return UT_OK;
}

static void the_latest_revision_is_what_is_read(void **state)
{
    fixture *f = *state;
    world w = world_make(f);
    ut_revision revision = revision_make(&w.air[0], 2, UT_REVIEW_CORRECTED);
    revision.air.what.outcome = UT_IDENTIFIED;
    revision.air.what.recording_id = w.recording;
    revision.air.what.log10_e = -12;
    revision.air.start_ns += UT_NS_PER_S;
    revision.air.what.start_sample += 16000;
    strcpy(revision.air.usage_code, "VI");
    assert_ok(revise(f, &revision));
    airplays all = {0};
    assert_ok(ut_store_airplay_each(f->store, "one", 0, INT64_MAX, keep_airplay, &all, ERR));
    assert_int_equal(all.count, 3);
    const ut_airplay *air = &all.items[0];
    assert_string_equal(air->id, w.air[0].id);
    assert_int_equal(air->revision, 2);
    assert_int_equal(air->review, UT_REVIEW_CORRECTED);
    assert_int_equal(air->start_ns, 11 * UT_NS_PER_S);
    assert_int_equal(air->what.start_sample, 176000);
    assert_int_equal(air->what.outcome, UT_IDENTIFIED);
    assert_int_equal(air->what.recording_id, w.recording);
    assert_true(air->what.log10_e == -12);
    assert_string_equal(air->usage_code, "VI");
    assert_true(air->what.music_lufs == -38.1); /* as measured */
    assert_int_equal(all.items[1].revision, 1);
    assert_int_equal(all.items[1].review, UT_REVIEW_FINAL);

    /* Back to what it was: a recording of NULL is one, too. */
    revision = revision_make(&w.air[0], 3, UT_REVIEW_FINAL);
    assert_ok(revise(f, &revision));
    ut_airplay now;
    assert_ok(ut_store_airplay_get(f->store, w.air[0].id, &now, ERR));
    assert_int_equal(now.what.outcome, UT_UNIDENTIFIED);
    assert_int_equal(now.what.recording_id, 0);
    assert_true(isnan(now.what.log10_e));
    assert_int_equal(now.start_ns, 10 * UT_NS_PER_S);
    assert_int_equal(ut_store_airplay_get(f->store, "nobody", &now, ERR), UT_E_NOTFOUND);
    assert_ok(ut_store_verify(f->store, ERR));
}

static void the_history_is_whole(void **state)
{
    fixture *f = *state;
    world w = world_make(f);
    ut_revision a = revision_make(&w.air[2], 2, UT_REVIEW_APPROVED),
                b = revision_make(&w.air[2], 3, UT_REVIEW_REJECTED);
    b.cause = UT_CAUSE_RULE;
    b.cause_id = 7;
    assert_ok(revise(f, &a));
    assert_ok(revise(f, &b));
    revisions list = {0};
    assert_ok(ut_store_revision_each(f->store, w.air[2].id, keep_revision, &list, ERR));
    assert_int_equal(list.count, 3);
    assert_int_equal(list.items[0].air.revision, 1);
    assert_string_equal(list.items[0].who, "");
    assert_int_equal(list.items[0].air.review, UT_REVIEW_FINAL);
    assert_int_equal(list.items[1].air.review, UT_REVIEW_APPROVED);
    assert_string_equal(list.items[1].who, "Ann");
    assert_string_equal(list.items[1].why, "I know it");
    assert_int_equal(list.items[1].at_ns, 99 * UT_NS_PER_S);
    assert_int_equal(list.items[2].cause, UT_CAUSE_RULE);
    assert_int_equal(list.items[2].cause_id, 7);
    assert_int_equal(ut_store_revision_each(f->store, "nobody", keep_revision, &list, ERR), UT_E_NOTFOUND);
    assert_int_equal(stats_of(f->store).revisions, 2);
}

static void the_rejected_are_not_on_air(void **state)
{
    fixture *f = *state;
    world w = world_make(f);
    ut_revision revision = revision_make(&w.air[1], 2, UT_REVIEW_REJECTED);
    assert_ok(revise(f, &revision));
    airplays on_air = {0}, all = {0}, any = {0};
    assert_ok(ut_store_airplay_each(f->store, "one", 0, INT64_MAX, keep_airplay, &on_air, ERR));
    assert_int_equal(on_air.count, 2);
    assert_ok(ut_store_review_each(f->store, "one", 0, INT64_MAX, keep_airplay, &all, ERR));
    assert_int_equal(all.count, 3);
    assert_int_equal(all.items[1].review, UT_REVIEW_REJECTED);
    assert_ok(ut_store_airplay_each(f->store, NULL, 0, INT64_MAX, keep_airplay, &any, ERR));
    assert_int_equal(any.count, 2);
}

static void a_moved_cue_is_found_where_it_went(void **state)
{
    fixture *f = *state;
    world w = world_make(f);
    ut_revision revision = revision_make(&w.air[0], 2, UT_REVIEW_CORRECTED);
    revision.air.start_ns = 5000 * UT_NS_PER_S;
    revision.air.end_ns = 5010 * UT_NS_PER_S;
    assert_ok(revise(f, &revision));
    airplays there = {0}, here = {0};
    assert_ok(
        ut_store_airplay_each(f->store, "one", 5005 * UT_NS_PER_S, 5006 * UT_NS_PER_S, keep_airplay, &there, ERR));
    assert_int_equal(there.count, 1);
    assert_ok(ut_store_airplay_each(f->store, "one", 10 * UT_NS_PER_S, 18 * UT_NS_PER_S, keep_airplay, &here, ERR));
    assert_int_equal(here.count, 0);
}

static void a_change_is_one_and_in_turn(void **state)
{
    fixture *f = *state;
    world w = world_make(f);
    ut_revision two[2] = {revision_make(&w.air[0], 2, UT_REVIEW_APPROVED),
                          revision_make(&w.air[1], 3, UT_REVIEW_APPROVED)}; /* its 2 is missing */
    ut_event events[2] = {event_make(&w.air[0]), event_make(&w.air[1])};
    ut_uuid_from_text("a", events[0].id);
    ut_uuid_from_text("b", events[1].id);
    ut_change change = {.revisions = two, .revision_events = events, .revision_count = 2};
    assert_int_equal(ut_store_change(f->store, &change, ERR), UT_E_BUSY);
    assert_int_equal(stats_of(f->store).revisions, 0);
    assert_int_equal(stats_of(f->store).outbox_pending, 3);
    two[1].air.revision = 2;
    assert_ok(ut_store_change(f->store, &change, ERR));
    assert_int_equal(stats_of(f->store).revisions, 2);
    assert_int_equal(stats_of(f->store).outbox_pending, 5);
    two[0].who[0] = '\0';
    two[0].air.revision = 3;
    assert_int_equal(ut_store_change(f->store, &change, ERR), UT_E_ARG);
}

typedef struct {
    int64_t ids[8], versions[8];
    char cues[8][37];
    size_t count;
} trails;

static ut_status keep_row(void *arg, const ut_trail_row *row)
{
    trails *list = arg;
    assert_true(list->count < 8);
    assert_int_equal(row->size, sizeof TRAIL);
    assert_memory_equal(row->data, TRAIL, sizeof TRAIL);
    list->ids[list->count] = row->id;
    list->versions[list->count] = row->matched_version;
    memcpy(list->cues[list->count++], row->air.id, 37);
    return UT_OK;
}

static size_t count_of(fixture *f, ut_trail_query query, int64_t *oldest)
{
    trails list = {0};
    int64_t count = 0, least = 0;
    assert_ok(ut_store_trail_count(f->store, &query, &count, &least, ERR));
    assert_ok(ut_store_trail_each(f->store, &query, keep_row, &list, ERR));
    assert_int_equal(list.count, count);
    if (oldest)
        *oldest = least;
    return list.count;
}

static void trails_are_kept_and_chosen(void **state)
{
    fixture *f = *state;
    world w = world_make(f);
    trails list = {0};
    int64_t oldest = 0;
    const ut_trail_query all = {.params = "p3", .until_version = INT64_MAX, .since_ns = INT64_MIN};
    assert_ok(ut_store_trail_each(f->store, &all, keep_row, &list, ERR));
    assert_int_equal(list.count, 2);
    assert_string_equal(list.cues[0], w.air[0].id);
    assert_int_equal(list.versions[0], 7); /* of the airplay's catalogue */
    assert_int_equal(stats_of(f->store).trails, 2);
    assert_int_equal(stats_of(f->store).trail_bytes, 2 * sizeof TRAIL);
    assert_int_equal(count_of(f, all, &oldest), 2);
    assert_int_equal(oldest, 7);
    ut_trail_query q = all;
    q.params = "p1";
    assert_int_equal(count_of(f, q, &oldest), 0);
    assert_int_equal(oldest, INT64_MAX);
    q = all;
    q.channel = "two";
    assert_int_equal(count_of(f, q, NULL), 0);
    q = all;
    q.since_ns = 18 * UT_NS_PER_S; /* where the first ends */
    assert_int_equal(count_of(f, q, NULL), 1);
    q = all;
    q.after = list.ids[0];
    assert_int_equal(count_of(f, q, NULL), 1);

    /* The mark rises and does not fall. */
    ut_change change = {.matched = list.ids, .matched_count = 1, .matched_version = 20};
    assert_ok(ut_store_change(f->store, &change, ERR));
    change.matched_version = 10;
    assert_ok(ut_store_change(f->store, &change, ERR));
    q = all;
    q.until_version = 20;
    assert_int_equal(count_of(f, q, &oldest), 1);
    assert_int_equal(oldest, 7);

    /* What is identified now is not unknown; what a person touched is not unreviewed. */
    ut_revision revision = revision_make(&w.air[0], 2, UT_REVIEW_CORRECTED);
    revision.cause = UT_CAUSE_REIDENTIFY;
    revision.air.what.outcome = UT_IDENTIFIED;
    revision.air.what.recording_id = w.recording;
    assert_ok(revise(f, &revision));
    q = all;
    q.unknown = true;
    assert_int_equal(count_of(f, q, NULL), 1);
    q.unreviewed = true;
    revision = revision_make(&w.air[1], 2, UT_REVIEW_APPROVED);
    assert_ok(revise(f, &revision));
    assert_int_equal(count_of(f, q, NULL), 0);
    q.unreviewed = false;
    assert_int_equal(count_of(f, q, NULL), 1);
    revision.air.revision = 3;
    revision.air.review = UT_REVIEW_REJECTED;
    assert_ok(revise(f, &revision));
    assert_int_equal(count_of(f, q, NULL), 0);
    assert_ok(ut_store_verify(f->store, ERR));
}

static ut_status keep_id(void *arg, int64_t id, const uint8_t *data, size_t size)
{
    (void)data, (void)size;
    *(int64_t *)arg = *(int64_t *)arg * 100 + id;
    return UT_OK;
}

static void growth_is_told_by_version(void **state)
{
    fixture *f = *state;
    int64_t before, between, ids = 0;
    assert_ok(ut_store_catalogue_version(f->store, &before, ERR));
    int64_t one = recording_add(f->store, 1);
    assert_ok(ut_store_catalogue_version(f->store, &between, ERR));
    int64_t two = recording_add(f->store, 2);
    assert_ok(ut_store_fingerprint_since(f->store, "p3", before, keep_id, &ids, ERR));
    assert_int_equal(ids, one * 100 + two);
    ids = 0;
    assert_ok(ut_store_fingerprint_since(f->store, "p3", between, keep_id, &ids, ERR));
    assert_int_equal(ids, two);
    /* One that comes back is new again. */
    assert_ok(ut_store_recording_remove(f->store, one, ERR));
    assert_ok(ut_store_catalogue_version(f->store, &between, ERR));
    assert_int_equal(recording_add(f->store, 1), one);
    ids = 0;
    assert_ok(ut_store_fingerprint_since(f->store, "p3", between, keep_id, &ids, ERR));
    assert_int_equal(ids, one);
    assert_ok(ut_store_verify(f->store, ERR));
}

typedef struct {
    ut_hearing items[8];
    size_t count;
} heard;

static ut_status keep_airing(void *arg, const ut_hearing *airing)
{
    heard *list = arg;
    assert_true(list->count < 8);
    list->items[list->count++] = *airing;
    return UT_OK;
}

static void airings_make_clusters_and_labels(void **state)
{
    fixture *f = *state;
    world w = world_make(f);
    trails kept = {0};
    const ut_trail_query all = {.params = "p3", .until_version = INT64_MAX, .since_ns = INT64_MIN};
    assert_ok(ut_store_trail_each(f->store, &all, keep_row, &kept, ERR));
    ut_hearing first = {.trail_id = kept.ids[0], .to_sample = 100, .ref_to = 100, .log10_e = NAN};
    assert_ok(ut_store_hearing_put(f->store, &first, 1, ERR));
    assert_true(first.id > 0 && first.cluster_id == first.id);
    ut_hearing two[2] = {{.trail_id = kept.ids[1],
                          .cluster_id = first.id,
                          .from_sample = 5,
                          .to_sample = 50,
                          .ref_from = 10,
                          .ref_to = 55,
                          .log10_e = -20},
                         {.trail_id = kept.ids[1], .from_sample = 60, .to_sample = 90, .log10_e = NAN}};
    assert_ok(ut_store_hearing_put(f->store, two, 2, ERR));
    assert_int_equal(two[1].cluster_id, two[1].id);
    two[1].to_sample = 95;
    assert_ok(ut_store_hearing_put(f->store, &two[1], 1, ERR));
    heard everything = {0}, cluster = {0};
    assert_ok(ut_store_hearing_each(f->store, 0, keep_airing, &everything, ERR));
    assert_int_equal(everything.count, 3);
    assert_int_equal(everything.items[2].to_sample, 95);
    assert_ok(ut_store_hearing_each(f->store, first.id, keep_airing, &cluster, ERR));
    assert_int_equal(cluster.count, 2);
    assert_true(isnan(cluster.items[0].log10_e) && cluster.items[1].log10_e == -20);
    assert_int_equal(cluster.items[1].ref_from, 10);
    assert_string_equal(cluster.items[1].airplay_id, w.air[1].id);

    int64_t recording = 0, other = recording_add(f->store, 2);
    assert_int_equal(ut_store_label_get(f->store, first.id, &recording, ERR), UT_E_NOTFOUND);
    assert_ok(ut_store_label_put(f->store, first.id, w.recording, "Ann", 5, ERR));
    assert_ok(ut_store_label_put(f->store, first.id, other, "Bob", 6, ERR));
    assert_ok(ut_store_label_get(f->store, first.id, &recording, ERR));
    assert_int_equal(recording, other);
    assert_int_equal(ut_store_label_put(f->store, 999, other, "Bob", 6, ERR), UT_E_ARG);
    assert_ok(ut_store_verify(f->store, ERR));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_latest_revision_is_what_is_read), TEST(the_history_is_whole),
        TEST(the_rejected_are_not_on_air),         TEST(a_moved_cue_is_found_where_it_went),
        TEST(a_change_is_one_and_in_turn),         TEST(trails_are_kept_and_chosen),
        TEST(growth_is_told_by_version),           TEST(airings_make_clusters_and_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
