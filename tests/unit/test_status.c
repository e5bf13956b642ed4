#include "tests/unit/support.h"

#include "core/log.h"
#include "core/status.h"
#include "core/types.h"

static void fail_fills_the_error(void **state)
{
    (void)state;
    ut_err err = {0};
    assert_int_equal(ut_fail(&err, UT_E_CORRUPT, "model: %s: %d bytes", "a.bin", 7), UT_E_CORRUPT);
    assert_int_equal(err.code, UT_E_CORRUPT);
    assert_false(err.retriable);
    assert_string_equal(err.text, "model: a.bin: 7 bytes");
    assert_int_equal(ut_fail(NULL, UT_E_IO, "nobody listens"), UT_E_IO);
}

static void busy_and_full_may_be_tried_again(void **state)
{
    (void)state;
    ut_err err = {0};
    (void)ut_fail(&err, UT_E_BUSY, "x");
    assert_true(err.retriable);
    (void)ut_fail(&err, UT_E_FULL, "x");
    assert_true(err.retriable);
    (void)ut_fail(&err, UT_E_IO, "x");
    assert_false(err.retriable);
}

static void text_may_come_from_the_error_itself(void **state)
{
    (void)state;
    ut_err err = {0};
    (void)ut_fail(&err, UT_E_IO, "disk\non fire");
    (void)ut_fail(&err, UT_E_IO, "store: %s", err.text);
    assert_string_equal(err.text, "store: disk on fire");
    assert_int_equal(ut_err_prefix(&err, "channel %d", 3), UT_E_IO);
    assert_string_equal(err.text, "channel 3: store: disk on fire");
    assert_int_equal(ut_err_prefix(NULL, "x"), UT_OK);
}

static void long_text_is_cut_not_overrun(void **state)
{
    (void)state;
    ut_err err = {0};
    char big[2000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    (void)ut_fail(&err, UT_E_IO, "%s", big);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    (void)ut_err_prefix(&err, "%s", big);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void every_status_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = UT_E_BUSY; a <= UT_OK; a++) {
        assert_string_not_equal(ut_status_name(a), "unknown");
        for (int b = a + 1; b <= UT_OK; b++)
            assert_string_not_equal(ut_status_name(a), ut_status_name(b));
    }
    assert_string_equal(ut_status_name((ut_status)-99), "unknown");
}

static void products_that_overflow_are_refused(void **state)
{
    (void)state;
    size_t product = 1;
    assert_true(ut_mul_ok(SIZE_MAX / 2, 2, &product));
    assert_true(product == SIZE_MAX - 1);
    assert_false(ut_mul_ok(SIZE_MAX / 2 + 1, 2, &product));
    assert_true(product == SIZE_MAX - 1);
    assert_true(ut_mul_ok(0, SIZE_MAX, &product));
    assert_true(product == 0);
}

static void log_values_are_quoted_where_needed(void **state)
{
    (void)state;
    char buf[32];
    assert_string_equal(ut_log_quote(buf, sizeof buf, "plain"), "plain");
    assert_string_equal(ut_log_quote(buf, sizeof buf, ""), "\"\"");
    assert_string_equal(ut_log_quote(buf, sizeof buf, NULL), "\"\"");
    assert_string_equal(ut_log_quote(buf, sizeof buf, "two words"), "\"two words\"");
    assert_string_equal(ut_log_quote(buf, sizeof buf, "a\"b\\c\nd"), "\"a\\\"b\\\\c d\"");
    char small[8];
    assert_string_equal(ut_log_quote(small, sizeof small, "long \"\"\"\" text"), "\"long\"");
}

static void log_levels_have_names(void **state)
{
    (void)state;
    ut_log_level level = UT_LOG_OFF;
    assert_true(ut_log_level_parse("warn", &level));
    assert_int_equal(level, UT_LOG_WARN);
    assert_false(ut_log_level_parse("warning", &level));
    assert_int_equal(level, UT_LOG_WARN);
}

static void repeats_are_held_and_counted(void **state)
{
    (void)state;
    ut_log_limit limit = {0};
    unsigned long held = 99;
    assert_true(ut_log_admit(&limit, 3600, &held));
    assert_int_equal(held, 0);
    assert_false(ut_log_admit(&limit, 3600, &held));
    assert_false(ut_log_admit(&limit, 3600, &held));
    assert_true(ut_log_admit(&limit, 0, &held));
    assert_int_equal(held, 2);
}

static void recordings_are_copied_in_depth(void **state)
{
    (void)state;
    ut_party party = {.name = (char *)"Ada", .role = UT_ROLE_AUTHOR, .share = 0.5};
    ut_recording rec = {.id = 4, .title = (char *)"Song", .isrc = (char *)"XX1", .parties = &party, .party_count = 1};
    ut_recording copy = {0};
    assert_int_equal(ut_recording_copy(&rec, &copy, NULL), UT_OK);
    assert_string_equal(copy.title, "Song");
    assert_ptr_not_equal(copy.title, rec.title);
    assert_null(copy.artist);
    assert_int_equal(copy.party_count, 1);
    assert_string_equal(copy.parties[0].name, "Ada");
    assert_ptr_not_equal(copy.parties[0].name, party.name);
    ut_recording_clear(&copy);
    assert_null(copy.title);
    assert_int_equal(copy.party_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_fills_the_error),
        cmocka_unit_test(busy_and_full_may_be_tried_again),
        cmocka_unit_test(text_may_come_from_the_error_itself),
        cmocka_unit_test(long_text_is_cut_not_overrun),
        cmocka_unit_test(every_status_has_a_name_of_its_own),
        cmocka_unit_test(products_that_overflow_are_refused),
        cmocka_unit_test(log_values_are_quoted_where_needed),
        cmocka_unit_test(log_levels_have_names),
        cmocka_unit_test(repeats_are_held_and_counted),
        cmocka_unit_test(recordings_are_copied_in_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
