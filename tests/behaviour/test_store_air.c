/* Segments, airplays, gaps and the outbox of db/store.h, over any backend. */
#include "tests/behaviour/store_fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"

static int64_t segment_add(ut_store *store, const char *channel)
{
    ut_segment segment = segment_make(channel, 0);
    assert_ok(ut_store_segment_put(store, &segment, ERR));
    return segment.id;
}

static void airplay_add(ut_store *store, const char *channel, int64_t segment, int64_t recording, int n)
{
    ut_airplay air = airplay_make(channel, segment, recording, n);
    ut_event event = event_make(&air);
    size_t added = 0;
    assert_ok(ut_store_airplay_put(store, segment, &air, &event, 1, NULL, &added, ERR));
    assert_int_equal(added, 1);
}

static void segment_is_one_by_channel_source_and_start(void **state)
{
    fixture *f = *state;
    ut_segment a = segment_make("one", 5), b = a, other = segment_make("two", 5);
    assert_ok(ut_store_segment_put(f->store, &a, ERR));
    b.uncertainty_ms = 1000;
    assert_ok(ut_store_segment_put(f->store, &b, ERR));
    assert_ok(ut_store_segment_put(f->store, &other, ERR));
    assert_true(a.id > 0);
    assert_int_equal(a.id, b.id);
    assert_int_not_equal(a.id, other.id);
    assert_ok(ut_store_segment_end(f->store, a.id, 160000, ERR));
    assert_int_equal(ut_store_segment_end(f->store, 999, 1, ERR), UT_E_NOTFOUND);
    assert_int_equal(stats_of(f->store).segments, 2);
    assert_ok(ut_store_verify(f->store, ERR));
}

static void a_channel_is_accounted_for_to_its_last_end(void **state)
{
    fixture *f = *state;
    int64_t until_ns = 0;
    ut_segment archive = segment_make("one", INT64_C(9000000000000)), live = segment_make("one", 5);
    assert_ok(ut_store_segment_put(f->store, &archive, ERR)); /* a replay says nothing about the live capture */
    assert_int_equal(ut_store_captured_until(f->store, "one", &until_ns, ERR), UT_E_NOTFOUND);
    strcpy(live.time_source, "arrival");
    assert_ok(ut_store_segment_put(f->store, &live, ERR));
    const ut_checkpoint checkpoint = {.resume_sample = 16000};
    size_t added;
    assert_ok(ut_store_airplay_put(f->store, live.id, NULL, NULL, 0, &checkpoint, &added, ERR));
    assert_ok(ut_store_captured_until(f->store, "one", &until_ns, ERR)); /* a crash: to the checkpoint */
    assert_int_equal(until_ns, INT64_C(1000000005));
    assert_ok(ut_store_segment_end(f->store, live.id, 32000, ERR));
    assert_ok(ut_store_captured_until(f->store, "one", &until_ns, ERR));
    assert_int_equal(until_ns, INT64_C(2000000005));
    ut_gap gap = {
        .channel = "one", .start_ns = INT64_C(2000000005), .end_ns = INT64_C(3000000000), .reason = "no-data"};
    assert_ok(ut_store_gap_put(f->store, &gap, NULL, ERR));
    assert_ok(ut_store_captured_until(f->store, "one", &until_ns, ERR));
    assert_int_equal(until_ns, INT64_C(3000000000));
    assert_int_equal(ut_store_captured_until(f->store, "two", &until_ns, ERR), UT_E_NOTFOUND);
}

typedef struct {
    ut_segment items[8];
    ut_checkpoint checkpoints[8];
    size_t count;
} segments;

static ut_status keep_segment(void *arg, const ut_segment *segment, const ut_checkpoint *checkpoint)
{
    segments *list = arg;
    assert_true(list->count < 8);
    list->items[list->count] = *segment;
    list->checkpoints[list->count++] = *checkpoint;
    return UT_OK;
}

static void segments_of_a_range_come_in_order_with_their_checkpoints(void **state)
{
    fixture *f = *state;
    const int64_t s = INT64_C(1000000000);
    ut_segment late = segment_make("one", 100 * s), early = segment_make("one", 10 * s),
               other = segment_make("two", 10 * s);
    ut_segment empty = segment_make("one", 50 * s);
    size_t added;
    late.sample_count = early.sample_count = other.sample_count = empty.sample_count = 0;
    assert_ok(ut_store_segment_put(f->store, &late, ERR));
    assert_ok(ut_store_segment_put(f->store, &early, ERR));
    assert_ok(ut_store_segment_put(f->store, &other, ERR));
    assert_ok(ut_store_segment_put(f->store, &empty, ERR));
    assert_ok(ut_store_segment_end(f->store, early.id, 20 * (int64_t)UT_RATE_HZ, ERR)); /* to 30 s */
    const ut_checkpoint checkpoint = {.resume_sample = 5 * (int64_t)UT_RATE_HZ};        /* to 105 s, and open */
    assert_ok(ut_store_airplay_put(f->store, late.id, NULL, NULL, 0, &checkpoint, &added, ERR));
    segments found = {0};
    assert_ok(ut_store_segment_each(f->store, "one", 0, 200 * s, keep_segment, &found, ERR));
    assert_int_equal(found.count, 2); /* what never held a sample reaches nowhere */
    assert_int_equal(found.items[0].id, early.id);
    assert_int_equal(found.items[0].sample_count, 20 * (int64_t)UT_RATE_HZ);
    assert_string_equal(found.items[0].channel, "one");
    assert_string_equal(found.items[0].time_source, early.time_source);
    assert_string_equal(found.items[0].source, early.source);
    assert_int_equal(found.items[1].id, late.id);
    assert_int_equal(found.checkpoints[1].resume_sample, 5 * (int64_t)UT_RATE_HZ);
    assert_false(found.checkpoints[1].done);
    found.count = 0; /* half open on both sides */
    assert_ok(ut_store_segment_each(f->store, "one", 30 * s, 100 * s, keep_segment, &found, ERR));
    assert_int_equal(found.count, 0);
    assert_ok(ut_store_segment_each(f->store, "one", 30 * s - 1, 100 * s + 1, keep_segment, &found, ERR));
    assert_int_equal(found.count, 2);
}

typedef struct {
    ut_airplay items[16];
    size_t count;
} airplays;

static ut_status keep_airplay(void *arg, const ut_airplay *air)
{
    airplays *list = arg;
    assert_true(list->count < 16);
    list->items[list->count++] = *air;
    return UT_OK;
}

static void airplay_comes_back_as_it_was_put(void **state)
{
    fixture *f = *state;
    int64_t recording = recording_add(f->store, 1), segment = segment_add(f->store, "one");
    ut_airplay want = airplay_make("one", segment, recording, 3);
    airplays got = {0};
    airplay_add(f->store, "one", segment, recording, 3);
    airplay_add(f->store, "one", segment, 0, 5);
    assert_ok(ut_store_airplay_each(f->store, "one", 0, INT64_MAX, keep_airplay, &got, ERR));
    assert_int_equal(got.count, 2);
    const ut_airplay *air = &got.items[0];
    assert_string_equal(air->id, want.id);
    assert_string_equal(air->channel, "one");
    assert_int_equal(air->segment_id, segment);
    assert_int_equal(air->start_ns, want.start_ns);
    assert_int_equal(air->end_ns, want.end_ns);
    assert_int_equal(air->what.outcome, UT_IDENTIFIED);
    assert_int_equal(air->what.witness, UT_WITNESS_BOTH);
    assert_int_equal(air->what.start_sample, want.what.start_sample);
    assert_int_equal(air->what.recording_id, recording);
    assert_true(air->what.log10_e == -21.5 && air->what.ref_end_s == 11.25 && air->what.score == 77.5);
    assert_true(air->what.music_lufs == -38.1);
    assert_true(isinf(air->what.speech_lufs));
    assert_true(isnan(air->what.mix_lufs));
    assert_string_equal(air->engine_version, "0.1.0");
    assert_string_equal(air->model_hash, "");
    assert_string_equal(air->params, "p3");
    assert_int_equal(air->catalogue_version, 7);
    assert_int_equal(got.items[1].what.outcome, UT_UNIDENTIFIED);
    assert_int_equal(got.items[1].what.recording_id, 0);
    assert_true(isnan(got.items[1].what.log10_e));
}

static void airplays_by_channel_and_overlap_in_order(void **state)
{
    fixture *f = *state;
    int64_t recording = recording_add(f->store, 1);
    int64_t one = segment_add(f->store, "one"), two = segment_add(f->store, "two");
    airplay_add(f->store, "one", one, recording, 4); /* 40 … 48 s */
    airplay_add(f->store, "one", one, recording, 2); /* 20 … 28 s */
    airplay_add(f->store, "two", two, recording, 3); /* 30 … 38 s */
    airplays all = {0}, first = {0}, edge = {0};
    assert_ok(ut_store_airplay_each(f->store, NULL, 0, INT64_MAX, keep_airplay, &all, ERR));
    assert_int_equal(all.count, 3);
    assert_true(all.items[0].start_ns < all.items[1].start_ns);
    assert_true(all.items[1].start_ns < all.items[2].start_ns);
    assert_ok(ut_store_airplay_each(f->store, "one", 27 * UT_NS_PER_S, 40 * UT_NS_PER_S, keep_airplay, &first, ERR));
    assert_int_equal(first.count, 1);
    assert_int_equal(first.items[0].start_ns, 20 * UT_NS_PER_S);
    assert_ok(ut_store_airplay_each(f->store, "one", 28 * UT_NS_PER_S, 40 * UT_NS_PER_S, keep_airplay, &edge, ERR));
    assert_int_equal(edge.count, 0); /* half open */
}

static void long_airplay_is_found_from_its_middle(void **state)
{
    fixture *f = *state;
    int64_t segment = segment_add(f->store, "one");
    ut_airplay air = airplay_make("one", segment, 0, 1);
    air.end_ns = air.start_ns + 100000 * UT_NS_PER_S;
    ut_event event = event_make(&air);
    size_t added = 0;
    assert_ok(ut_store_airplay_put(f->store, segment, &air, &event, 1, NULL, &added, ERR));
    for (int n = 2; n < 12; n++)
        airplay_add(f->store, "one", segment, 0, n);
    airplays middle = {0}, last = {0}, after = {0}, any = {0};
    int64_t at = 50000 * UT_NS_PER_S;
    assert_ok(ut_store_airplay_each(f->store, "one", at, at + 1, keep_airplay, &middle, ERR));
    assert_int_equal(middle.count, 1);
    assert_string_equal(middle.items[0].id, air.id);
    assert_ok(ut_store_airplay_each(f->store, "one", air.end_ns - 1, INT64_MAX, keep_airplay, &last, ERR));
    assert_int_equal(last.count, 1);
    assert_ok(ut_store_airplay_each(f->store, "one", air.end_ns, INT64_MAX, keep_airplay, &after, ERR));
    assert_int_equal(after.count, 0);
    assert_ok(ut_store_airplay_each(f->store, NULL, INT64_MIN, INT64_MAX, keep_airplay, &any, ERR));
    assert_int_equal(any.count, 11);
}

static void repeated_airplay_is_left_alone_with_its_event(void **state)
{
    fixture *f = *state;
    int64_t recording = recording_add(f->store, 1), segment = segment_add(f->store, "one");
    ut_airplay air[2] = {airplay_make("one", segment, recording, 1), airplay_make("one", segment, recording, 2)};
    ut_event event[2] = {event_make(&air[0]), event_make(&air[1])};
    ut_checkpoint checkpoint = {.resume_sample = 1000}, got;
    airplays list = {0};
    size_t added = 9;
    assert_ok(ut_store_airplay_put(f->store, segment, air, event, 1, &checkpoint, &added, ERR));
    assert_int_equal(added, 1);
    air[0].what.score = 1; /* the stored one must stay */
    checkpoint.resume_sample = 2000;
    assert_ok(ut_store_airplay_put(f->store, segment, air, event, 2, &checkpoint, &added, ERR));
    assert_int_equal(added, 1);
    assert_int_equal(stats_of(f->store).airplays, 2);
    assert_int_equal(stats_of(f->store).outbox_pending, 2);
    assert_ok(ut_store_airplay_each(f->store, NULL, 0, INT64_MAX, keep_airplay, &list, ERR));
    assert_true(list.items[0].what.score == 77.5);

    int64_t seq = 0;
    ut_event out[4];
    size_t count = 0;
    assert_ok(ut_store_outbox_peek(f->store, 0, out, 4, &count, ERR));
    for (size_t i = 0; i < count; i++) {
        seq = out[i].seq;
        ut_event_clear(&out[i]);
        assert_ok(ut_store_outbox_ack(f->store, &seq, 1, ERR));
    }
    assert_ok(ut_store_airplay_put(f->store, segment, air, event, 2, &checkpoint, &added, ERR));
    assert_int_equal(added, 0);
    assert_int_equal(stats_of(f->store).outbox_pending, 0); /* published once, not again */
    assert_ok(ut_store_checkpoint_get(f->store, segment, &got, ERR));
    assert_int_equal(got.resume_sample, 2000);
    assert_ok(ut_store_verify(f->store, ERR));
}

/* Of three airplays the last one is refused: nothing of the batch may stay, nor its checkpoint. */
static void airplay_put_is_all_or_nothing(void **state)
{
    fixture *f = *state;
    int64_t recording = recording_add(f->store, 1), segment = segment_add(f->store, "one");
    ut_airplay air[3];
    ut_event event[3];
    ut_checkpoint checkpoint = {.resume_sample = 1000, .done = true}, got;
    size_t added = 9;
    for (int fault = 0; fault < 4; fault++) {
        for (int i = 0; i < 3; i++) {
            air[i] = airplay_make("one", segment, recording, i + 1);
            event[i] = event_make(&air[i]);
        }
        int64_t target = segment;
        if (fault == 0)
            air[2].what.recording_id = 999; /* no such recording */
        else if (fault == 1)
            memcpy(event[2].id, event[0].id, sizeof event[2].id); /* event id taken */
        else if (fault == 2)
            air[2].end_ns = air[2].start_ns - 1;
        else
            target = 999; /* no such segment */
        assert_int_equal(ut_store_airplay_put(f->store, target, air, event, 3, &checkpoint, &added, ERR), UT_E_ARG);
        assert_int_equal(added, 9);
        assert_int_equal(stats_of(f->store).airplays, 0);
        assert_int_equal(stats_of(f->store).outbox_pending, 0);
        assert_ok(ut_store_checkpoint_get(f->store, segment, &got, ERR));
        assert_int_equal(got.resume_sample, 0);
        assert_false(got.done);
    }
    assert_ok(ut_store_airplay_put(f->store, segment, air, event, 3, &checkpoint, &added, ERR));
    assert_int_equal(added, 3);
    assert_ok(ut_store_verify(f->store, ERR));
}

static void removed_recording_can_still_be_credited(void **state)
{
    fixture *f = *state;
    int64_t recording = recording_add(f->store, 1), segment = segment_add(f->store, "one");
    assert_ok(ut_store_recording_remove(f->store, recording, ERR));
    airplay_add(f->store, "one", segment, recording, 1); /* a monitor whose index is older than the removal */
    ut_holding holding;
    assert_ok(ut_store_recording_holding(f->store, recording, &holding, ERR));
    assert_int_equal(holding.airplays, 1);
}

static void checkpoint_never_goes_back(void **state)
{
    fixture *f = *state;
    int64_t segment = segment_add(f->store, "one");
    ut_checkpoint at = {.resume_sample = 500}, got = {.resume_sample = -1, .done = true};
    size_t added = 9;
    assert_ok(ut_store_checkpoint_get(f->store, segment, &got, ERR));
    assert_int_equal(got.resume_sample, 0);
    assert_false(got.done);
    assert_ok(ut_store_airplay_put(f->store, segment, NULL, NULL, 0, &at, &added, ERR));
    assert_int_equal(added, 0);
    at = (ut_checkpoint){.resume_sample = 400, .done = true};
    assert_ok(ut_store_airplay_put(f->store, segment, NULL, NULL, 0, &at, &added, ERR));
    at = (ut_checkpoint){.resume_sample = 450};
    assert_ok(ut_store_airplay_put(f->store, segment, NULL, NULL, 0, &at, &added, ERR));
    assert_ok(ut_store_checkpoint_get(f->store, segment, &got, ERR));
    assert_int_equal(got.resume_sample, 500);
    assert_true(got.done);
    assert_int_equal(ut_store_checkpoint_get(f->store, 999, &got, ERR), UT_E_NOTFOUND);
    assert_int_equal(ut_store_airplay_put(f->store, 999, NULL, NULL, 0, &at, &added, ERR), UT_E_NOTFOUND);
}

static void outbox_keeps_order_until_acknowledged(void **state)
{
    fixture *f = *state;
    int64_t recording = recording_add(f->store, 1), segment = segment_add(f->store, "one"), seqs[5];
    ut_event out[8];
    size_t got = 0;
    for (int n = 0; n < 5; n++)
        airplay_add(f->store, "one", segment, recording, 5 - n);
    assert_ok(ut_store_outbox_peek(f->store, 0, out, 8, &got, ERR));
    assert_int_equal(got, 5);
    for (size_t i = 0; i < 5; i++) {
        ut_airplay air = airplay_make("one", segment, recording, 5 - (int)i);
        ut_event want = event_make(&air);
        assert_string_equal(out[i].id, want.id);
        assert_string_equal(out[i].type, want.type);
        assert_string_equal(out[i].key, "one");
        assert_string_equal(out[i].json, want.json);
        assert_int_equal(out[i].time_ns, want.time_ns);
        assert_true(i == 0 || out[i].seq > out[i - 1].seq);
        seqs[i] = out[i].seq;
        ut_event_clear(&out[i]);
    }
    const int64_t middle[] = {seqs[1], seqs[3]};
    assert_ok(ut_store_outbox_ack(f->store, middle, 2, ERR));
    assert_ok(ut_store_outbox_ack(f->store, middle, 2, ERR)); /* again: nothing */
    assert_ok(ut_store_outbox_peek(f->store, seqs[0], out, 8, &got, ERR));
    assert_int_equal(got, 2);
    assert_int_equal(out[0].seq, seqs[2]);
    assert_int_equal(out[1].seq, seqs[4]);
    ut_event_clear(&out[0]);
    ut_event_clear(&out[1]);
    assert_ok(ut_store_outbox_peek(f->store, 0, out, 1, &got, ERR)); /* capacity bounds it */
    assert_int_equal(got, 1);
    assert_int_equal(out[0].seq, seqs[0]);
    ut_event_clear(&out[0]);

    /* A sequence number is never given twice, even when the box was emptied. */
    assert_ok(ut_store_outbox_ack(f->store, seqs, 5, ERR));
    assert_int_equal(stats_of(f->store).outbox_pending, 0);
    airplay_add(f->store, "one", segment, recording, 9);
    assert_ok(ut_store_outbox_peek(f->store, seqs[4], out, 8, &got, ERR));
    assert_int_equal(got, 1);
    ut_event_clear(&out[0]);
}

typedef struct {
    ut_gap items[8];
    size_t count;
} gaps;

static ut_status keep_gap(void *arg, const ut_gap *gap)
{
    gaps *list = arg;
    assert_true(list->count < 8);
    list->items[list->count++] = *gap;
    return UT_OK;
}

static void gaps_with_their_events(void **state)
{
    fixture *f = *state;
    ut_gap gap = {.channel = "one", .start_ns = 100, .end_ns = 200, .reason = "no-data"};
    ut_gap later = {.channel = "one", .start_ns = 300, .end_ns = 400, .reason = "eos"};
    ut_gap other = {.channel = "two", .start_ns = 150, .end_ns = 160, .reason = "error"};
    ut_event event = {.type = "org.undertone.capture.gap.v1", .key = "one", .json = (char *)"{}"};
    memset(event.id, 'a', 36);
    assert_ok(ut_store_gap_put(f->store, &later, NULL, ERR));
    assert_ok(ut_store_gap_put(f->store, &gap, &event, ERR));
    assert_ok(ut_store_gap_put(f->store, &gap, &event, ERR)); /* again: nothing */
    assert_ok(ut_store_gap_put(f->store, &other, NULL, ERR));
    assert_int_equal(stats_of(f->store).gaps, 3);
    assert_int_equal(stats_of(f->store).outbox_pending, 1);
    gaps one = {0}, all = {0}, some = {0};
    assert_ok(ut_store_gap_each(f->store, "one", 0, 1000, keep_gap, &one, ERR));
    assert_int_equal(one.count, 2);
    assert_string_equal(one.items[0].reason, "no-data");
    assert_int_equal(one.items[1].end_ns, 400);
    assert_ok(ut_store_gap_each(f->store, NULL, 0, 1000, keep_gap, &all, ERR));
    assert_int_equal(all.count, 3);
    assert_string_equal(all.items[1].channel, "two");
    assert_ok(ut_store_gap_each(f->store, NULL, 200, 300, keep_gap, &some, ERR));
    assert_int_equal(some.count, 0);
    ut_gap backwards = {.channel = "one", .start_ns = 9, .end_ns = 8, .reason = "error"};
    assert_int_equal(ut_store_gap_put(f->store, &backwards, NULL, ERR), UT_E_ARG);
    assert_ok(ut_store_verify(f->store, ERR));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(segment_is_one_by_channel_source_and_start),
        TEST(a_channel_is_accounted_for_to_its_last_end),
        TEST(segments_of_a_range_come_in_order_with_their_checkpoints),
        TEST(airplay_comes_back_as_it_was_put),
        TEST(airplays_by_channel_and_overlap_in_order),
        TEST(long_airplay_is_found_from_its_middle),
        TEST(repeated_airplay_is_left_alone_with_its_event),
        TEST(airplay_put_is_all_or_nothing),
        TEST(removed_recording_can_still_be_credited),
        TEST(checkpoint_never_goes_back),
        TEST(outbox_keeps_order_until_acknowledged),
        TEST(gaps_with_their_events),
    };
    return cmocka_run_group_tests_name("store: air", tests, NULL, NULL);
}
