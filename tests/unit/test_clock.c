#include "tests/unit/support.h"

#include "core/clock.h"

static void good_times_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-21T20:15:00Z", INT64_C(1795292100) * UT_NS_PER_S},
        {"2026-11-21T21:15:00.250+01:00", INT64_C(1795292100250000000)},
        {"2026-11-21t20:15:00z", INT64_C(1795292100) * UT_NS_PER_S},
        {"2026-11-21T15:45:00-04:30", INT64_C(1795292100) * UT_NS_PER_S},
        {"2024-02-29T00:00:00Z", INT64_C(1709164800) * UT_NS_PER_S},
        {"2000-02-29T23:59:59.999999999Z", INT64_C(951868799999999999)},
        {"2000-02-29T23:59:59.9999999999Z", INT64_C(951868799999999999)},
        {"1969-12-31T23:59:59.5Z", -INT64_C(500000000)},
        {"1678-01-01T00:00:00Z", INT64_C(-9214560000) * UT_NS_PER_S},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t ns = 1;
        ut_err err = {0};
        if (ut_time_parse(cases[i].text, &ns, &err) != UT_OK)
            fail_msg("%s: %s", cases[i].text, err.text);
        assert_int_equal(ns, cases[i].ns);
    }
}

static void bad_times_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "2026",
        "2026-11-21",
        "2026-11-21T20:15Z",
        "2026-11-21T20:15:00",
        "2026-11-21 20:15:00Z",
        "2026-11-21T20:15:00Z ",
        " 2026-11-21T20:15:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00,5Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+01:60",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00+1:00",
        "26-01-01T00:00:00Z",
        "+026-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2026-01-01T00:00:00Zulu",
        "2026-1-01T00:00:00Z",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t ns = 42;
        ut_err err = {0};
        if (ut_time_parse(cases[i], &ns, &err) != UT_E_ARG)
            fail_msg("accepted: %s", cases[i]);
        assert_int_equal(ns, 42);
        assert_int_equal(err.code, UT_E_ARG);
    }
}

static void formatted_times_are_read_back(void **state)
{
    (void)state;
    static const int64_t cases[] = {0,
                                    -1,
                                    999999,
                                    1000000,
                                    INT64_C(1795292100250000000),
                                    -INT64_C(9214560000) * UT_NS_PER_S,
                                    INT64_C(9214646400000000000)};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char buf[40];
        int64_t ns = 0, floor_ms = cases[i] / 1000000 - (cases[i] % 1000000 < 0);
        assert_int_equal(ut_time_parse(ut_time_format(cases[i], buf, sizeof buf), &ns, NULL), UT_OK);
        assert_int_equal(ns, floor_ms * 1000000);
    }
    char buf[40];
    assert_string_equal(ut_time_format(INT64_C(1795292100250000000), buf, sizeof buf), "2026-11-21T20:15:00.250Z");
    assert_string_equal(ut_time_format(-1, buf, sizeof buf), "1969-12-31T23:59:59.999Z");
}

static void samples_are_placed_exactly(void **state)
{
    (void)state;
    assert_int_equal(ut_sample_to_ns(5, 0), 5);
    assert_int_equal(ut_sample_to_ns(0, 1), 62500);
    /* ten years of samples: no rounding */
    assert_int_equal(ut_sample_to_ns(7, INT64_C(16000) * 315360000), INT64_C(315360000) * UT_NS_PER_S + 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_times_are_read),
        cmocka_unit_test(bad_times_are_refused),
        cmocka_unit_test(formatted_times_are_read_back),
        cmocka_unit_test(samples_are_placed_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
