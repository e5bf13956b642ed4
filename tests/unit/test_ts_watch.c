#include "tests/unit/support.h"

#include <string.h>

#include "pipeline/ts_watch.h"

#define PID 0x101
#define STEP 10800 /* 120 ms */
#define WRAP (INT64_C(1) << 33)

/* One packet that starts a PES with this PTS. */
static void packet(uint8_t *p, int pid, int counter, int64_t pts)
{
    memset(p, 0xff, UT_TS_PACKET);
    const uint8_t head[] = {0x47,
                            (uint8_t)(0x40 | pid >> 8),
                            (uint8_t)pid,
                            (uint8_t)(0x10 | (counter & 15)),
                            0,
                            0,
                            1,
                            0xc0,
                            0,
                            0,
                            0x80,
                            0x80,
                            5,
                            (uint8_t)(0x21 | (pts >> 29 & 0x0e)),
                            (uint8_t)(pts >> 22),
                            (uint8_t)(1 | (pts >> 14 & 0xfe)),
                            (uint8_t)(pts >> 7),
                            (uint8_t)(1 | (pts << 1 & 0xfe))};
    memcpy(p, head, sizeof head);
}

typedef struct {
    ut_ts_watch watch;
    int counter;
    int64_t pts;
} fixture;

static fixture make(int64_t pts)
{
    fixture f = {.pts = pts};
    ut_ts_watch_init(&f.watch, PID, 0.1);
    return f;
}

static bool next(fixture *f)
{
    uint8_t p[UT_TS_PACKET];
    packet(p, PID, f->counter++, f->pts & (WRAP - 1));
    f->pts += STEP;
    return ut_ts_watch_push(&f->watch, p, sizeof p);
}

static void a_steady_stream_has_no_jumps(void **state)
{
    (void)state;
    fixture f = make(126000);
    for (int i = 0; i < 1000; i++)
        assert_false(next(&f));
    assert_int_equal(f.watch.jumps, 0);
    assert_int_equal(f.watch.lost, 0);
}

static void the_wrap_of_33_bits_is_no_jump(void **state)
{
    (void)state;
    fixture f = make(WRAP - 50 * STEP);
    for (int i = 0; i < 100; i++)
        assert_false(next(&f));
    assert_true(f.watch.pts < 60 * STEP);
}

static void jumps_show_one_pes_later(void **state)
{
    (void)state;
    static const int64_t jumps[] = {90000000, -90000000, 3 * 90000, -STEP - 9001, 9001, WRAP / 2 - 1};
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        fixture f = make(INT64_C(1) << 32);
        for (int k = 0; k < 20; k++)
            assert_false(next(&f));
        f.pts += jumps[i];
        assert_false(next(&f)); /* a demuxer still gives what was before */
        assert_true(next(&f));
        for (int k = 0; k < 20; k++)
            assert_false(next(&f));
        assert_int_equal(f.watch.jumps, 1);
    }
}

static void the_tolerance_is_kept(void **state)
{
    (void)state;
    fixture f = make(126000);
    for (int k = 0; k < 20; k++)
        next(&f);
    f.pts += 8999;
    assert_false(next(&f));
    assert_false(next(&f));
    assert_int_equal(f.watch.jumps, 0);
}

static void other_streams_do_not_matter(void **state)
{
    (void)state;
    fixture f = make(126000);
    uint8_t other[UT_TS_PACKET];
    for (int i = 0; i < 100; i++) {
        packet(other, PID + 1, i * 3, i * 7777777 % WRAP);
        assert_false(ut_ts_watch_push(&f.watch, other, sizeof other));
        assert_false(next(&f));
    }
    assert_int_equal(f.watch.lost, 0);
}

static void lost_packets_are_counted(void **state)
{
    (void)state;
    fixture f = make(126000);
    next(&f);
    f.counter += 2;
    next(&f);
    next(&f);
    assert_int_equal(f.watch.lost, 1);
}

/* However the bytes are cut, and whatever rubbish is before the first packet. */
static void cutting_does_not_matter(void **state)
{
    (void)state;
    uint8_t stream[7 + 40 * UT_TS_PACKET];
    memset(stream, 0x11, 7);
    for (int i = 0; i < 40; i++)
        packet(stream + 7 + i * UT_TS_PACKET, PID, i, 126000 + i * STEP + (i < 20 ? 0 : 900000));
    for (size_t cut = 1; cut < 400; cut += 13) {
        ut_ts_watch watch;
        ut_ts_watch_init(&watch, PID, 0.1);
        int shown = 0;
        for (size_t at = 0; at < sizeof stream; at += cut)
            shown += ut_ts_watch_push(&watch, stream + at, cut < sizeof stream - at ? cut : sizeof stream - at);
        assert_int_equal(shown, 1);
        assert_int_equal(watch.jumps, 1);
        assert_int_equal(watch.lost, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_stream_has_no_jumps), cmocka_unit_test(the_wrap_of_33_bits_is_no_jump),
        cmocka_unit_test(jumps_show_one_pes_later),     cmocka_unit_test(the_tolerance_is_kept),
        cmocka_unit_test(other_streams_do_not_matter),  cmocka_unit_test(lost_packets_are_counted),
        cmocka_unit_test(cutting_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
