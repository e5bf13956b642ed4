#include "tests/unit/support.h"

#include <pthread.h>

#include "pipeline/capture_ring.h"

static bool put(ut_capture_ring *ring, ut_capture_kind kind, int64_t first, bool ready)
{
    ut_slot *slot = ut_capture_ring_reserve(ring, kind);
    if (!slot)
        return false;
    slot->first_sample = first;
    slot->frames = 1;
    ut_capture_ring_commit(ring, ready);
    return true;
}

static ut_capture_ring *make(size_t slots)
{
    ut_capture_ring *ring;
    assert_int_equal(ut_capture_ring_open(slots, &ring, NULL), UT_OK);
    return ring;
}

static void audio_is_refused_when_full_and_gaps_are_not(void **state)
{
    (void)state;
    ut_capture_ring *ring = make(3);
    for (int i = 0; i < 3; i++)
        assert_true(put(ring, UT_CAPTURE_AUDIO, i, true));
    assert_false(put(ring, UT_CAPTURE_AUDIO, 3, true));
    assert_int_equal(ut_capture_ring_room(ring), 0);
    assert_true(put(ring, UT_CAPTURE_GAP, 4, true));
    const ut_slot *slot;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ut_capture_ring_read(ring, 0, &slot, NULL), UT_OK);
        assert_int_equal(slot->first_sample, i);
    }
    assert_int_equal(ut_capture_ring_read(ring, 0, &slot, NULL), UT_OK);
    assert_int_equal(slot->kind, UT_CAPTURE_GAP);
    assert_int_equal(ut_capture_ring_read(ring, 1, &slot, NULL), UT_E_BUSY);
    assert_int_equal(ut_capture_ring_room(ring), 3);
    ut_capture_ring_close(&ring);
}

static void what_is_not_settled_waits_with_all_behind_it(void **state)
{
    (void)state;
    ut_capture_ring *ring = make(8);
    ut_slot *gap = ut_capture_ring_reserve(ring, UT_CAPTURE_GAP);
    ut_capture_ring_commit(ring, false);
    ut_slot *segment = ut_capture_ring_reserve(ring, UT_CAPTURE_SEGMENT);
    ut_capture_ring_commit(ring, false);
    assert_ptr_not_equal(gap, segment);
    assert_true(put(ring, UT_CAPTURE_AUDIO, 0, true));
    const ut_slot *slot;
    assert_int_equal(ut_capture_ring_read(ring, 1, &slot, NULL), UT_E_BUSY);
    ut_capture_ring_settle(ring, gap, true); /* there was no gap after all */
    assert_int_equal(ut_capture_ring_read(ring, 1, &slot, NULL), UT_E_BUSY);
    ut_capture_ring_settle(ring, segment, false);
    assert_int_equal(ut_capture_ring_read(ring, 1, &slot, NULL), UT_OK);
    assert_int_equal(slot->kind, UT_CAPTURE_SEGMENT);
    assert_int_equal(ut_capture_ring_read(ring, 1, &slot, NULL), UT_OK);
    assert_int_equal(slot->kind, UT_CAPTURE_AUDIO);
    ut_capture_ring_close(&ring);
}

static void what_is_there_is_read_before_the_end(void **state)
{
    (void)state;
    ut_capture_ring *ring = make(8);
    assert_true(put(ring, UT_CAPTURE_AUDIO, 0, true));
    ut_capture_ring_finish(ring);
    const ut_slot *slot;
    assert_int_equal(ut_capture_ring_read(ring, 1, &slot, NULL), UT_OK);
    assert_int_equal(ut_capture_ring_read(ring, 1, &slot, NULL), UT_E_STOPPED);
    assert_int_equal(ut_capture_ring_read(ring, 1, &slot, NULL), UT_E_STOPPED);
    ut_capture_ring_close(&ring);
}

#define MANY 20000

static void *write_all(void *arg)
{
    ut_capture_ring *ring = arg;
    for (int64_t i = 0; i < MANY; i++) {
        ut_capture_ring_wait_room(ring, 1);
        assert_true(put(ring, UT_CAPTURE_AUDIO, i, true));
    }
    ut_capture_ring_finish(ring);
    return NULL;
}

static void a_patient_writer_loses_nothing(void **state)
{
    (void)state;
    ut_capture_ring *ring = make(4);
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, write_all, ring), 0);
    const ut_slot *slot;
    ut_status rc;
    int64_t next = 0;
    while ((rc = ut_capture_ring_read(ring, 1000, &slot, NULL)) == UT_OK)
        assert_int_equal(slot->first_sample, next++);
    assert_int_equal(rc, UT_E_STOPPED);
    assert_int_equal(next, MANY);
    pthread_join(writer, NULL);
    ut_capture_ring_close(&ring);
}

static void *write_live(void *arg)
{
    int64_t *stored = ((void **)arg)[1];
    for (int64_t i = 0; i < MANY; i++)
        *stored += put(((void **)arg)[0], UT_CAPTURE_AUDIO, i, true);
    ut_capture_ring_finish(((void **)arg)[0]);
    return NULL;
}

static void a_live_writer_never_waits(void **state)
{
    (void)state;
    ut_capture_ring *ring = make(4);
    int64_t stored = 0, got = 0, last = -1;
    void *arg[] = {ring, &stored};
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, write_live, arg), 0);
    const ut_slot *slot;
    while (ut_capture_ring_read(ring, 1000, &slot, NULL) == UT_OK) {
        assert_true(slot->first_sample > last);
        last = slot->first_sample;
        got++;
    }
    pthread_join(writer, NULL);
    assert_int_equal(got, stored);
    ut_capture_ring_close(&ring);
}

static void *wait_for_room(void *ring)
{
    ut_capture_ring_wait_room(ring, 1);
    return NULL;
}

static void a_waiting_writer_can_be_woken(void **state)
{
    (void)state;
    ut_capture_ring *ring = make(1);
    assert_true(put(ring, UT_CAPTURE_AUDIO, 0, true));
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, wait_for_room, ring), 0);
    ut_capture_ring_wake_writer(ring, true);
    pthread_join(writer, NULL);
    ut_capture_ring_close(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(audio_is_refused_when_full_and_gaps_are_not),
        cmocka_unit_test(what_is_not_settled_waits_with_all_behind_it),
        cmocka_unit_test(what_is_there_is_read_before_the_end),
        cmocka_unit_test(a_patient_writer_loses_nothing),
        cmocka_unit_test(a_live_writer_never_waits),
        cmocka_unit_test(a_waiting_writer_can_be_woken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
