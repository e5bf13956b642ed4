/* The journal: what is handed over is written in order, whatever the store does meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/log.h"
#include "pipeline/journal.h"
#include "tests/unit/fake_store.h"

static const ut_segment segment = {.channel = "one", .source = "test", .start_ns = 1000, .time_source = "given"};
static const ut_versions versions = {.params = "p3", .catalogue_version = 4};

static int setup(void **state)
{
    (void)state;
    fake_store_reset();
    ut_log_set_level(UT_LOG_OFF);
    return 0;
}

static ut_journal *start(void)
{
    ut_journal *journal = NULL;
    assert_int_equal(ut_journal_start("fake:", NULL, NULL, &journal, NULL), UT_OK);
    return journal;
}

static void write_segment(ut_journal *journal, int airplays)
{
    ut_journal_segment *token;
    assert_int_equal(ut_journal_begin(journal, &segment, &token, NULL), UT_OK);
    for (int i = 0; i < airplays; i++) {
        ut_identification what = {
            .outcome = UT_IDENTIFIED, .recording_id = i + 1, .start_sample = i * 16000, .end_sample = i * 16000 + 8000};
        ut_finding found = {.what = what};
        ut_checkpoint checkpoint = {.resume_sample = i, .done = i + 1 == airplays};
        assert_int_equal(ut_journal_commit(journal, token, &versions, &found, 1, &checkpoint, NULL), UT_OK);
    }
    assert_int_equal(ut_journal_end(journal, &token, 99, NULL), UT_OK);
    assert_null(token);
    ut_gap gap = {.channel = "one", .start_ns = 1, .end_ns = 2, .reason = "test"};
    assert_int_equal(ut_journal_gap(journal, &gap, NULL), UT_OK);
}

static void assert_written(int airplays)
{
    fake_store_state in = fake_store();
    assert_int_equal(in.segments, 1);
    assert_int_equal(in.ended, 1);
    assert_int_equal(in.gaps, 1);
    assert_int_equal(in.airplays, airplays);
    assert_int_equal(in.events, airplays + 1);
    assert_true(in.done);
    for (int i = 0; i < airplays; i++)
        assert_int_equal(in.recording_ids[i], i + 1);
    assert_int_equal(in.opens, in.closes);
}

static void writes_in_order(void **state)
{
    (void)state;
    ut_journal *journal = start();
    write_segment(journal, 5);
    size_t lost = 1;
    ut_journal_stop(&journal, 60, &lost);
    assert_int_equal(lost, 0);
    assert_null(journal);
    assert_written(5);
    assert_int_equal(fake_store().catalogue_versions[0], 4);
    assert_int_equal(fake_store().starts[1], 1000 + 1000000000);
}

static void outlives_failures(void **state)
{
    (void)state;
    const ut_status codes[] = {UT_E_BUSY, UT_E_FULL, UT_E_IO, UT_E_CORRUPT};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        fake_store_reset();
        ut_journal *journal = start();
        fake_store_fail_every(3, codes[i]);
        write_segment(journal, 5);
        size_t lost = 1;
        ut_journal_stop(&journal, 60, &lost);
        assert_int_equal(lost, 0);
        assert_written(5);
    }
}

static void waits_for_a_store_that_is_away(void **state)
{
    (void)state;
    ut_journal *journal = start();
    fake_store_fail(UT_E_IO);
    write_segment(journal, 3);
    while (ut_journal_describe(journal).failures < 2)
        usleep(1000);
    ut_journal_stats stats = ut_journal_describe(journal);
    assert_false(stats.healthy);
    assert_int_equal(stats.pending, 6);
    fake_store_fail(UT_OK);
    size_t lost = 1;
    ut_journal_stop(&journal, 60, &lost);
    assert_int_equal(lost, 0);
    assert_written(3);
}

static void counts_what_it_could_not_write(void **state)
{
    (void)state;
    ut_journal *journal = start();
    fake_store_fail(UT_E_FULL);
    write_segment(journal, 3);
    size_t lost = 0;
    ut_journal_stop(&journal, 0.05, &lost);
    assert_int_equal(lost, 6);
    assert_int_equal(fake_store().segments, 0);
}

static void a_refused_entry_does_not_block(void **state)
{
    (void)state;
    ut_journal *journal = start();
    fake_store_fail(UT_E_ARG);
    ut_gap gap = {.channel = "", .reason = "test"};
    assert_int_equal(ut_journal_gap(journal, &gap, NULL), UT_OK);
    while (ut_journal_describe(journal).refused < 1)
        usleep(1000);
    fake_store_fail(UT_OK);
    write_segment(journal, 1);
    size_t lost = 1;
    ut_journal_stop(&journal, 60, &lost);
    assert_int_equal(lost, 0);
    assert_written(1);
}

static void a_store_that_cannot_be_opened_fails_the_start(void **state)
{
    (void)state;
    ut_journal *journal = NULL;
    ut_err err;
    fake_store_fail(UT_E_IO);
    assert_int_equal(ut_journal_start("fake:", NULL, NULL, &journal, &err), UT_E_IO);
    assert_null(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(writes_in_order, setup),
        cmocka_unit_test_setup(outlives_failures, setup),
        cmocka_unit_test_setup(waits_for_a_store_that_is_away, setup),
        cmocka_unit_test_setup(counts_what_it_could_not_write, setup),
        cmocka_unit_test_setup(a_refused_entry_does_not_block, setup),
        cmocka_unit_test_setup(a_store_that_cannot_be_opened_fails_the_start, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
