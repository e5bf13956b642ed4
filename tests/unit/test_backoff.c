#include "tests/unit/support.h"

#include "pipeline/backoff.h"

static void doubles_to_the_maximum(void **state)
{
    (void)state;
    ut_backoff backoff = ut_backoff_make(0.5, 30, 1);
    double full_s = 0.5;
    for (int i = 0; i < 12; i++) {
        double wait_s = ut_backoff_next(&backoff);
        assert_true(wait_s >= full_s / 2 && wait_s <= full_s);
        full_s = full_s * 2 > 30 ? 30 : full_s * 2;
    }
}

static void starts_again_after_success(void **state)
{
    (void)state;
    ut_backoff backoff = ut_backoff_make(0.5, 30, 7);
    for (int i = 0; i < 6; i++)
        ut_backoff_next(&backoff);
    assert_true(ut_backoff_next(&backoff) > 10);
    ut_backoff_reset(&backoff);
    assert_true(ut_backoff_next(&backoff) <= 0.5);
}

/* A thousand channels of one dead server must not come back at one moment. */
static void jitter_spreads(void **state)
{
    (void)state;
    int tenths[10] = {0};
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        ut_backoff backoff = ut_backoff_make(1, 1, seed * UINT64_C(0x9e3779b97f4a7c15));
        double wait_s = ut_backoff_next(&backoff);
        tenths[(int)((wait_s - 0.5) * 20) % 10]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(tenths[i], 50, 150);
}

static void never_overflows(void **state)
{
    (void)state;
    ut_backoff backoff = ut_backoff_make(0.001, 60, 3);
    for (int i = 0; i < 100000; i++)
        assert_true(ut_backoff_next(&backoff) <= 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_to_the_maximum),
        cmocka_unit_test(starts_again_after_success),
        cmocka_unit_test(jitter_spreads),
        cmocka_unit_test(never_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
