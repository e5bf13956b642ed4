/* Programmes and airings of db/store.h, over any backend: which source wins, and that nothing overlaps. */
#include "tests/behaviour/store_fixture.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"

#define MINUTE (60 * UT_NS_PER_S)

static char text_of[16][32];

/* "A", minutes from the epoch. */
static ut_airing airing(const char *title, int start, int end, ut_airing_source source)
{
    static size_t next;
    char *key = text_of[next++ % 16];
    snprintf(key, sizeof *text_of, "title:%s", title);
    return (ut_airing){.programme = {.key = key, .title = (char *)title},
                       .channel = "one",
                       .start_ns = start * MINUTE,
                       .end_ns = end * MINUTE,
                       .source = source,
                       .boundary = source == UT_FROM_ASRUN ? UT_BOUNDARY_LOGGED : UT_BOUNDARY_SCHEDULED};
}

static ut_airing_change put(fixture *f, const ut_airing *list, size_t count)
{
    ut_airing_change change;
    assert_ok(ut_store_airing_put(f->store, list, count, false, &change, ERR));
    return change;
}

static ut_status describe(void *arg, const ut_airing *a)
{
    char *text = arg;
    size_t n = strlen(text);
    snprintf(text + n, 400 - n, "%s%s %d-%d", n ? ", " : "", a->programme.title, (int)(a->start_ns / MINUTE),
             (int)(a->end_ns / MINUTE));
    return UT_OK;
}

static void is(fixture *f, const char *wanted)
{
    char text[400] = "";
    assert_ok(ut_store_airing_each(f->store, "one", INT64_MIN / 2, INT64_MAX / 2, describe, text, ERR));
    assert_string_equal(text, wanted);
    assert_ok(ut_store_verify(f->store, ERR));
}

static void the_same_again_changes_nothing(void **state)
{
    fixture *f = *state;
    const ut_airing list[] = {airing("A", 0, 30, UT_FROM_XMLTV), airing("B", 30, 60, UT_FROM_XMLTV),
                              airing("A", 60, 90, UT_FROM_XMLTV)};
    ut_airing_change change = put(f, list, 3);
    assert_int_equal(change.added, 3);
    change = put(f, list, 3);
    assert_int_equal(change.added, 0);
    assert_int_equal(change.unchanged, 3);
    assert_int_equal(change.replaced, 0);
    is(f, "A 0-30, B 30-60, A 60-90");
    ut_airing got = {0};
    assert_ok(ut_store_airing_get(f->store, 2, &got, ERR));
    assert_string_equal(got.programme.title, "B");
    ut_airing_clear(&got);
}

static void the_better_source_wins(void **state)
{
    fixture *f = *state;
    const ut_airing plan[] = {airing("News", 0, 30, UT_FROM_XMLTV), airing("Film", 30, 150, UT_FROM_XMLTV),
                              airing("Talk", 150, 200, UT_FROM_XMLTV)};
    put(f, plan, 3);
    const ut_airing log[] = {airing("News", 2, 33, UT_FROM_ASRUN), airing("Film", 33, 80, UT_FROM_ASRUN),
                             airing("Break", 80, 86, UT_FROM_ASRUN), airing("Film", 86, 160, UT_FROM_ASRUN)};
    ut_airing_change change = put(f, log, 4);
    assert_int_equal(change.added, 4);
    assert_int_equal(change.replaced, 3);
    is(f, "News 2-33, Film 33-80, Break 80-86, Film 86-160, Talk 160-200");
    change = put(f, plan, 3); /* the plan again: it must not come back */
    assert_int_equal(change.refused, 3);
    is(f, "News 2-33, Film 33-80, Break 80-86, Film 86-160, Talk 160-200");
    change = put(f, log, 4);
    assert_int_equal(change.unchanged, 4);
}

static void a_corrected_plan_replaces_the_old(void **state)
{
    fixture *f = *state;
    const ut_airing before[] = {airing("A", 0, 60, UT_FROM_EIT), airing("B", 60, 120, UT_FROM_EIT)};
    put(f, before, 2);
    const ut_airing late = airing("A", 0, 75, UT_FROM_EIT);
    ut_airing_change change = put(f, &late, 1);
    assert_int_equal(change.replaced, 2);
    is(f, "A 0-75, B 75-120");
    const ut_airing inside = airing("Special", 20, 40, UT_FROM_EIT);
    put(f, &inside, 1);
    is(f, "A 0-20, Special 20-40, A 40-75, B 75-120");
    const ut_airing nearly = airing("C", 75, 119, UT_FROM_EIT);
    put(f, &nearly, 1); /* a minute that is left is no programme */
    is(f, "A 0-20, Special 20-40, A 40-75, C 75-119");
}

static void what_is_not_known_keeps_its_value(void **state)
{
    fixture *f = *state;
    ut_airing a = airing("A", 0, 30, UT_FROM_XMLTV), got = {0};
    a.programme.company = (char *)"Maker";
    put(f, &a, 1);
    a.programme.company = NULL;
    a.programme.episode = (char *)"Pilot";
    put(f, &a, 1);
    assert_ok(ut_store_airing_get(f->store, 1, &got, ERR));
    assert_string_equal(got.programme.company, "Maker");
    assert_string_equal(got.programme.episode, "Pilot");
    ut_airing_clear(&got);
}

static void channels_are_apart(void **state)
{
    fixture *f = *state;
    ut_airing a = airing("A", 0, 30, UT_FROM_XMLTV), b = airing("B", 10, 40, UT_FROM_XMLTV);
    strcpy(b.channel, "two");
    put(f, &a, 1);
    put(f, &b, 1);
    is(f, "A 0-30");
    char text[400] = "";
    assert_ok(ut_store_airing_each(f->store, NULL, 0, INT64_MAX, describe, text, ERR));
    assert_string_equal(text, "A 0-30, B 10-40");
    text[0] = '\0';
    assert_ok(ut_store_airing_each(f->store, "two", 40 * MINUTE, INT64_MAX, describe, text, ERR));
    assert_string_equal(text, "");
    assert_ok(ut_store_airing_each(f->store, "two", 39 * MINUTE, 40 * MINUTE, describe, text, ERR));
    assert_string_equal(text, "B 10-40");
}

static void a_dry_run_writes_nothing(void **state)
{
    fixture *f = *state;
    ut_airing a = airing("A", 0, 30, UT_FROM_XMLTV);
    ut_airing_change change;
    assert_ok(ut_store_airing_put(f->store, &a, 1, true, &change, ERR));
    assert_int_equal(change.added, 1);
    is(f, "");
}

static void wrong_lists_are_refused(void **state)
{
    fixture *f = *state;
    ut_airing_change change;
    ut_airing list[] = {airing("A", 0, 30, UT_FROM_XMLTV), airing("B", 29, 60, UT_FROM_XMLTV)};
    assert_int_equal(ut_store_airing_put(f->store, list, 2, false, &change, ERR), UT_E_ARG);
    list[1] = airing("B", 30, 60, UT_FROM_EIT);
    assert_int_equal(ut_store_airing_put(f->store, list, 2, false, &change, ERR), UT_E_ARG);
    list[0].end_ns = 0;
    assert_int_equal(ut_store_airing_put(f->store, list, 1, false, &change, ERR), UT_E_ARG);
    list[0] = airing("", 0, 30, UT_FROM_XMLTV);
    assert_int_equal(ut_store_airing_put(f->store, list, 1, false, &change, ERR), UT_E_ARG);
    is(f, "");
    assert_int_equal(ut_store_airing_remove(f->store, 5, ERR), UT_E_NOTFOUND);
    ut_airing a = airing("A", 0, 30, UT_FROM_XMLTV);
    put(f, &a, 1);
    assert_ok(ut_store_airing_remove(f->store, 1, ERR));
    is(f, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_again_changes_nothing, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(the_better_source_wins, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_corrected_plan_replaces_the_old, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(what_is_not_known_keeps_its_value, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(channels_are_apart, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_dry_run_writes_nothing, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(wrong_lists_are_refused, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
