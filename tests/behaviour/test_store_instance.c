/* Leases, instances, and events put by hand. */
#include "tests/behaviour/store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool take(ut_store *store, const char *name, const char *owner, double for_s, char *holder)
{
    bool held = false;
    assert_ok(ut_store_lease_take(store, name, owner, for_s, &held, holder, ERR));
    return held;
}

static void a_lease_has_one_holder(void **state)
{
    fixture *f = *state;
    char holder[UT_OWNER_SIZE];
    ut_store *other;
    assert_ok(ut_store_open(f->dsn, UT_STORE_WRITE, &other, ERR));
    assert_true(take(f->store, "outbox", "a", 60, holder));
    assert_string_equal(holder, "a");
    assert_true(take(f->store, "outbox", "a", 60, NULL)); /* renewed */
    assert_false(take(other, "outbox", "b", 60, holder));
    assert_string_equal(holder, "a");
    assert_true(take(other, "channel/x", "b", 60, NULL));      /* another name is another lease */
    assert_ok(ut_store_lease_drop(other, "outbox", "b", ERR)); /* not b's to give */
    assert_false(take(other, "outbox", "b", 60, NULL));
    assert_ok(ut_store_lease_drop(f->store, "outbox", "a", ERR));
    assert_true(take(other, "outbox", "b", 60, NULL));
    assert_false(take(f->store, "outbox", "a", 60, NULL));
    ut_store_close(&other);
}

static void a_lease_that_ran_out_is_free(void **state)
{
    fixture *f = *state;
    assert_true(take(f->store, "outbox", "a", 0.02, NULL));
    usleep(40000);
    assert_true(take(f->store, "outbox", "b", 60, NULL));
    assert_false(take(f->store, "outbox", "a", 60, NULL));
}

/* As it looks after the clock was set back: a lease that has longer to run than any is given for. */
static void a_lease_from_before_the_clock_was_set_back_runs_out(void **state)
{
    fixture *f = *state;
    assert_true(take(f->store, "outbox", "dead", 36000, NULL));
    assert_false(take(f->store, "outbox", "b", 0.02, NULL)); /* it may be alive, and has this long to renew it */
    usleep(40000);
    assert_true(take(f->store, "outbox", "b", 60, NULL));
    assert_true(take(f->store, "outbox", "b", 60, NULL));
    assert_false(take(f->store, "outbox", "c", 60, NULL));
}

static ut_status put_airplay(ut_store *store, int64_t segment, int n)
{
    ut_airplay air = airplay_make("one", segment, 0, n);
    ut_event event = event_make(&air);
    ut_checkpoint at = {.resume_sample = n};
    size_t added;
    return ut_store_airplay_put(store, segment, &air, &event, 1, &at, &added, ERR);
}

/* A monitor that was cut off, or slept, has things to write when it is back; the channel is another's by then. */
static void who_lost_a_channel_writes_no_more_of_it(void **state)
{
    fixture *f = *state;
    ut_gap gap = {.channel = "one", .start_ns = 5, .end_ns = 6, .reason = "error"};
    ut_segment segment = segment_make("one", 0), later = segment_make("one", 1), elsewhere = segment_make("two", 0);
    ut_store_write_as(f->store, "a");
    assert_ok(ut_store_segment_put(f->store, &segment, ERR)); /* nobody has it */
    assert_true(take(f->store, UT_LEASE_CHANNEL "one", "a", 0.02, NULL));
    assert_ok(put_airplay(f->store, segment.id, 1));
    usleep(40000);
    assert_ok(put_airplay(f->store, segment.id, 2)); /* the lease ran out, and still nobody else has it */
    assert_true(take(f->store, UT_LEASE_CHANNEL "one", "b", 60, NULL));
    assert_int_equal(put_airplay(f->store, segment.id, 3), UT_E_ARG);
    assert_int_equal(ut_store_gap_put(f->store, &gap, NULL, ERR), UT_E_ARG);
    assert_int_equal(ut_store_segment_end(f->store, segment.id, 9, ERR), UT_E_ARG);
    assert_int_equal(ut_store_segment_put(f->store, &later, ERR), UT_E_ARG);
    assert_ok(ut_store_segment_put(f->store, &elsewhere, ERR));
    ut_store_stats stats = stats_of(f->store);
    assert_int_equal(stats.airplays, 2);
    assert_int_equal(stats.outbox_pending, 2);
    ut_store_write_as(f->store, "b");
    assert_ok(put_airplay(f->store, segment.id, 3));
    assert_ok(ut_store_gap_put(f->store, &gap, NULL, ERR));
}

typedef struct {
    int count;
    char ids[8][UT_OWNER_SIZE], states[8][64];
    double ages[8];
} seen;

static ut_status see(void *arg, const ut_instance *instance)
{
    seen *s = arg;
    assert_int_equal(instance->pid, 7);
    assert_string_equal(instance->kind, "worker");
    assert_string_equal(instance->host, "here");
    snprintf(s->ids[s->count], sizeof s->ids[0], "%s", instance->id);
    snprintf(s->states[s->count], sizeof s->states[0], "%s", instance->state);
    s->ages[s->count++] = instance->age_s;
    return UT_OK;
}

static void instances_are_listed_by_start(void **state)
{
    fixture *f = *state;
    seen s = {0};
    ut_instance one = {
        .id = "one", .kind = "worker", .host = "here", .pid = 7, .started_ns = 20, .state = (char *)"{\"n\":1}"};
    ut_instance two = one;
    strcpy(two.id, "two");
    two.started_ns = 10;
    assert_ok(ut_store_instance_put(f->store, &one, ERR));
    assert_ok(ut_store_instance_put(f->store, &two, ERR));
    usleep(30000);
    one.state = (char *)"{\"n\":2}";
    assert_ok(ut_store_instance_put(f->store, &one, ERR));
    assert_ok(ut_store_instance_each(f->store, see, &s, ERR));
    assert_int_equal(s.count, 2);
    assert_string_equal(s.ids[0], "two");
    assert_string_equal(s.ids[1], "one");
    assert_string_equal(s.states[1], "{\"n\":2}");
    assert_true(s.ages[1] >= 0 && s.ages[0] > s.ages[1]);
    assert_ok(ut_store_instance_remove(f->store, "two", ERR));
    s.count = 0;
    assert_ok(ut_store_instance_each(f->store, see, &s, ERR));
    assert_int_equal(s.count, 1);
}

static void events_put_by_hand_wait_once(void **state)
{
    fixture *f = *state;
    ut_airplay air = airplay_make("one", 1, 0, 1), next = airplay_make("one", 1, 0, 2);
    ut_event events[2] = {event_make(&air), event_make(&next)}, got[4];
    size_t added = 9, count = 0;
    assert_ok(ut_store_outbox_put(f->store, events, 1, &added, ERR));
    assert_int_equal(added, 1);
    assert_ok(ut_store_outbox_put(f->store, events, 2, &added, ERR));
    assert_int_equal(added, 1);
    assert_ok(ut_store_outbox_peek(f->store, 0, got, 4, &count, ERR));
    assert_int_equal(count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(got[i].id, events[i].id);
        assert_ok(ut_store_outbox_ack(f->store, &got[i].seq, 1, ERR));
        ut_event_clear(&got[i]);
    }
    assert_ok(ut_store_outbox_put(f->store, events, 2, &added, ERR)); /* what went out may go again */
    assert_int_equal(added, 2);
    assert_int_equal(stats_of(f->store).outbox_pending, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_lease_has_one_holder, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_lease_that_ran_out_is_free, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_lease_from_before_the_clock_was_set_back_runs_out, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(who_lost_a_channel_writes_no_more_of_it, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(instances_are_listed_by_start, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(events_put_by_hand_wait_once, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
