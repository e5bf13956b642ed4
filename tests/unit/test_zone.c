/* Wall clocks and broadcast days where the clock changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/zone.h"

#define HOUR_NS (3600 * UT_NS_PER_S)

static int64_t at(const char *text)
{
    int64_t ns;
    assert_int_equal(ut_time_parse(text, &ns, NULL), UT_OK);
    return ns;
}

static ut_zone *open_zone(const char *name)
{
    ut_zone *zone;
    assert_int_equal(ut_zone_open(name, &zone, NULL), UT_OK);
    return zone;
}

static void only_names_of_the_database(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "Mars/Base", "+02:00", "EST5EDT,M3.2.0,M11.1.0", "../../etc/passwd"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ut_zone *zone = NULL;
        ut_err err;
        assert_int_equal(ut_zone_open(bad[i], &zone, &err), UT_E_ARG);
        assert_null(zone);
    }
    ut_zone *utc = open_zone("UTC");
    assert_int_equal(ut_zone_offset_s(utc, at("2026-07-01T00:00:00Z")), 0);
    ut_zone_close(&utc);
    ut_zone_close(&utc);
}

static void the_hour_that_is_there_twice(void **state)
{
    (void)state;
    char text[40];
    int64_t utc[2];
    ut_zone *zone = open_zone("Europe/Berlin");
    assert_int_equal(ut_zone_utc(zone, at("2026-10-25T02:30:00Z"), utc), 2);
    assert_string_equal(ut_zone_format(zone, utc[0], text, sizeof text), "2026-10-25T02:30:00.000+02:00");
    assert_string_equal(ut_zone_format(zone, utc[1], text, sizeof text), "2026-10-25T02:30:00.000+01:00");
    assert_int_equal(ut_zone_utc(zone, at("2026-03-29T02:30:00Z"), utc), 0);
    assert_int_equal(ut_zone_utc(zone, at("2026-03-29T03:00:00Z"), utc), 1);
    assert_int_equal(utc[0], at("2026-03-29T01:00:00Z"));
    ut_zone_close(&zone);
    zone = open_zone("America/St_Johns"); /* half an hour */
    assert_string_equal(ut_zone_format(zone, at("2026-01-01T00:00:00Z"), text, sizeof text),
                        "2025-12-31T20:30:00.000-03:30");
    ut_zone_close(&zone);
}

static void broadcast_days(void **state)
{
    (void)state;
    ut_zone *zone = open_zone("Europe/Berlin");
    ut_day day;
    assert_int_equal(ut_zone_date(zone, 6 * 3600, "2026-10-24", &day, NULL), UT_OK);
    assert_int_equal(day.end_ns - day.start_ns, 25 * HOUR_NS);
    assert_int_equal(day.start_ns, at("2026-10-24T06:00:00+02:00"));
    assert_int_equal(day.end_ns, at("2026-10-25T06:00:00+01:00"));
    assert_int_equal(ut_zone_date(zone, 6 * 3600, "2026-03-28", &day, NULL), UT_OK);
    assert_int_equal(day.end_ns - day.start_ns, 23 * HOUR_NS);
    /* Every half hour of the week around either change belongs to the one day that contains it. */
    static const char *const starts[] = {"2026-10-22T00:00:00Z", "2026-03-26T00:00:00Z"};
    for (size_t k = 0; k < 2; k++)
        for (int64_t day_start_s = 0; day_start_s < 86400; day_start_s += 5400)
            for (int i = 0; i < 7 * 48; i++) {
                int64_t t = at(starts[k]) + i * HOUR_NS / 2;
                day = ut_zone_day(zone, day_start_s, t);
                assert_true(day.start_ns <= t && t < day.end_ns);
                ut_day next = ut_zone_day(zone, day_start_s, day.end_ns);
                assert_int_equal(next.start_ns, day.end_ns);
                ut_day named;
                assert_int_equal(ut_zone_date(zone, day_start_s, day.date, &named, NULL), UT_OK);
                assert_int_equal(named.start_ns, day.start_ns);
                assert_true(strcmp(next.date, day.date) > 0);
            }
    assert_int_equal(ut_zone_date(zone, 0, "2026-02-30", &day, NULL), UT_E_ARG);
    assert_int_equal(ut_zone_date(zone, 0, "20260230", &day, NULL), UT_E_ARG);
    ut_zone_close(&zone);
}

static void day_starts(void **state)
{
    (void)state;
    int64_t s;
    assert_int_equal(ut_day_start_parse("05:30", &s, NULL), UT_OK);
    assert_int_equal(s, 19800);
    static const char *const bad[] = {"", "5:30", "24:00", "05:60", "05:30:00", "ab:cd"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(ut_day_start_parse(bad[i], &s, NULL), UT_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_names_of_the_database),
        cmocka_unit_test(the_hour_that_is_there_twice),
        cmocka_unit_test(broadcast_days),
        cmocka_unit_test(day_starts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
