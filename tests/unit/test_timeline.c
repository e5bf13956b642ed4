#include "tests/unit/support.h"

#include "core/clock.h"
#include "core/types.h"
#include "pipeline/timeline.h"

#define MS INT64_C(1000000)
#define START (INT64_C(1700000000) * UT_NS_PER_S)

/* A source of 100 ms buffers, played by hand. */
typedef struct {
    ut_timeline line;
    int64_t now_ns, pts_ns;
} fixture;

static fixture make(void)
{
    fixture f = {.now_ns = START, .pts_ns = 0};
    ut_timeline_init(&f.line, START, 100 * MS, 1000 * MS, 1000 * MS);
    return f;
}

/* Feeds one buffer; gives the reason of a cut, if one is due. */
static const char *feed(fixture *f)
{
    const char *cut = ut_timeline_check(&f->line, f->now_ns, f->pts_ns);
    if (cut)
        ut_timeline_end(&f->line);
    if (!f->line.open)
        ut_timeline_begin(&f->line, f->now_ns);
    ut_timeline_add(&f->line, f->now_ns, f->pts_ns, 100 * MS, 1600);
    ut_timeline_settle(&f->line, f->now_ns);
    f->pts_ns += 100 * MS;
    return cut;
}

static void run(fixture *f, int buffers, int64_t every_ns)
{
    for (int i = 0; i < buffers; i++) {
        f->now_ns += every_ns;
        assert_null(feed(f));
    }
}

static void a_steady_source_is_one_segment(void **state)
{
    (void)state;
    fixture f = make();
    run(&f, 100000, 100 * MS);
    assert_true(f.line.settled);
    assert_int_equal(f.line.samples, INT64_C(1600) * 100000);
    /* The first buffer arrived 100 ms after the start and is 100 ms long. */
    assert_int_equal(f.line.anchor_ns, START);
}

static void a_burst_is_older_than_its_arrival(void **state)
{
    (void)state;
    fixture f = make();
    run(&f, 40, 1 * MS); /* four seconds at once */
    run(&f, 100, 100 * MS);
    int64_t error_ns = f.line.anchor_ns - (START + 40 * MS - 4000 * MS);
    assert_in_range(error_ns + 2 * MS, 0, 4 * MS);
}

static void jumps_of_the_time_stamps_cut(void **state)
{
    (void)state;
    static const int64_t jumps[] = {101 * MS, -101 * MS, 3040 * MS, -3040 * MS, 95443 * UT_NS_PER_S};
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        fixture f = make();
        run(&f, 50, 100 * MS);
        f.now_ns += 100 * MS;
        f.pts_ns += jumps[i];
        assert_string_equal(feed(&f), "discontinuity");
        assert_int_equal(f.line.samples, 1600);
        run(&f, 50, 100 * MS);
    }
}

static void small_bursts_of_srt_do_not_cut(void **state)
{
    (void)state;
    fixture f = make();
    run(&f, 20, 100 * MS);
    for (int i = 0; i < 52; i++) { /* as measured: 33 to 83 ms backwards, 52 times */
        f.pts_ns -= (33 + i) * MS > 83 * MS ? 83 * MS : (33 + i) * MS;
        f.now_ns += 100 * MS;
        assert_null(feed(&f));
    }
}

static void without_time_stamps_only_the_clock_cuts(void **state)
{
    (void)state;
    fixture f = make();
    for (int i = 0; i < 200; i++) {
        f.now_ns += 100 * MS;
        f.pts_ns = UT_TIMELINE_NO_PTS;
        assert_null(feed(&f));
    }
    f.now_ns -= 1500 * MS; /* the system clock is set back */
    f.pts_ns = UT_TIMELINE_NO_PTS;
    assert_string_equal(feed(&f), "clock");
}

static void a_slow_clock_is_noticed(void **state)
{
    (void)state;
    fixture f = make();
    const char *cut = NULL;
    int buffers = 0;
    while (!cut && buffers < 200000) { /* 0.1 % slow: a second in 1,000 seconds */
        f.now_ns += 100100000;
        cut = feed(&f);
        buffers++;
    }
    assert_non_null(cut);
    assert_string_equal(cut, "clock");
    assert_in_range(buffers, 10000, 22000);
}

static void a_late_network_is_not_a_slow_clock(void **state)
{
    (void)state;
    fixture f = make();
    run(&f, 600, 100 * MS);
    for (int i = 0; i < 20; i++) { /* five seconds late, then all at once, every minute */
        f.now_ns += 5000 * MS;
        assert_null(feed(&f));
        for (int k = 0; k < 49; k++)
            assert_null(feed(&f));
        run(&f, 550, 100 * MS);
    }
}

/* Starts a second segment with a burst of so many buffers after five seconds of the first. */
static int64_t overlap_after_burst(int buffers)
{
    fixture f = make();
    run(&f, 50, 100 * MS);
    ut_timeline_end(&f.line);
    assert_int_equal(f.line.end_ns, START + 5000 * MS);
    run(&f, buffers, 1 * MS);
    run(&f, 20, 100 * MS);
    assert_true(f.line.settled);
    return START + 5000 * MS - f.line.anchor_ns;
}

static void jitter_does_not_make_segments_overlap(void **state)
{
    (void)state;
    assert_int_equal(overlap_after_burst(4), 0);
}

static void what_is_sent_again_does_overlap(void **state)
{
    (void)state;
    int64_t overlap_ns = overlap_after_burst(40);
    assert_in_range(overlap_ns, 3900 * MS, 4000 * MS);
}

static void an_early_end_settles(void **state)
{
    (void)state;
    fixture f = make();
    run(&f, 3, 100 * MS);
    assert_false(f.line.settled);
    assert_true(ut_timeline_end(&f.line));
    assert_int_equal(f.line.end_ns, START + 300 * MS);
    assert_false(ut_timeline_end(&f.line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_source_is_one_segment),
        cmocka_unit_test(a_burst_is_older_than_its_arrival),
        cmocka_unit_test(jumps_of_the_time_stamps_cut),
        cmocka_unit_test(small_bursts_of_srt_do_not_cut),
        cmocka_unit_test(without_time_stamps_only_the_clock_cuts),
        cmocka_unit_test(a_slow_clock_is_noticed),
        cmocka_unit_test(a_late_network_is_not_a_slow_clock),
        cmocka_unit_test(jitter_does_not_make_segments_overlap),
        cmocka_unit_test(what_is_sent_again_does_overlap),
        cmocka_unit_test(an_early_end_settles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
