/* Work over threads: every item once, in any number of threads; the failure of the lowest item is the one told. */
#include "tests/unit/support.h"

#include <stdatomic.h>

#include "apps/parallel.h"

enum { ITEMS = 500 };

typedef struct {
    int done[ITEMS]; /* each written by one thread only */
    int jobs;
    _Atomic int running, most;
    size_t fails_from;
} work;

static ut_status item(void *arg, int worker, size_t index, ut_err *err)
{
    work *w = arg;
    assert_in_range(worker, 0, w->jobs - 1);
    int now = atomic_fetch_add(&w->running, 1) + 1;
    int most = atomic_load(&w->most);
    while (now > most && !atomic_compare_exchange_weak(&w->most, &most, now))
        continue;
    w->done[index]++;
    atomic_fetch_sub(&w->running, 1);
    return index >= w->fails_from ? ut_fail(err, UT_E_IO, "item %zu", index) : UT_OK;
}

static void test_every_item_once(void **state)
{
    (void)state;
    for (int jobs = 1; jobs <= 4; jobs++) {
        work w = {.jobs = jobs, .fails_from = SIZE_MAX};
        assert_int_equal(ut_parallel(jobs, ITEMS, item, &w, NULL), UT_OK);
        for (int i = 0; i < ITEMS; i++)
            assert_int_equal(w.done[i], 1);
        assert_in_range(w.most, 1, jobs);
    }
    work none = {.jobs = 1};
    assert_int_equal(ut_parallel(8, 0, item, &none, NULL), UT_OK);
    assert_int_equal(none.most, 0);
}

static void test_failure_of_the_lowest(void **state)
{
    (void)state;
    for (int jobs = 1; jobs <= 4; jobs++) {
        ut_err err;
        work w = {.jobs = jobs, .fails_from = 100};
        assert_int_equal(ut_parallel(jobs, ITEMS, item, &w, &err), UT_E_IO);
        assert_int_equal(err.code, UT_E_IO);
        assert_string_equal(err.text, "item 100");
        for (int i = 0; i <= 100; i++)
            assert_int_equal(w.done[i], 1);
        for (int i = 100 + jobs; i < ITEMS; i++)
            assert_int_equal(w.done[i], 0);
    }
    assert_true(ut_cores() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_item_once),
        cmocka_unit_test(test_failure_of_the_lowest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
