/* The batcher: who waits for whom, in which order, with what status. No test measures time: what must not wait would
 * hang here, since the deadline is an hour. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "separator/batcher.h"

enum { HOUR_MS = 3600000, CALLERS = 8, ROUNDS = 50 };

typedef struct {
    size_t largest;
    size_t fail_at, runs;
    bool inside;
} device;

/* y = 2 x, and the caller sees a batch of its own never run beside another. */
static ut_status run(void *arg, const float *const *x, float *const *y, size_t count, ut_err *err)
{
    device *d = arg;
    assert_false(d->inside);
    d->inside = true;
    for (size_t i = 0; i < count; i++)
        *y[i] = 2 * *x[i];
    d->largest = d->largest < count ? count : d->largest;
    d->inside = false;
    return ++d->runs == d->fail_at ? ut_fail(err, UT_E_DEVICE, "run %zu", d->runs) : UT_OK;
}

static void test_alone(void **state)
{
    (void)state;
    device d = {0};
    ut_batcher *b = NULL;
    float in[7] = {1, 2, 3, 4, 5, 6, 7}, out[7];
    const float *x[7];
    float *y[7];
    for (size_t i = 0; i < 7; i++) {
        x[i] = &in[i];
        y[i] = &out[i];
    }
    assert_int_equal(ut_batcher_open(3, HOUR_MS, run, &d, &b, NULL), UT_OK);
    assert_int_equal(ut_batcher_run(b, x, y, 1, NULL), UT_OK);
    assert_int_equal(ut_batcher_run(b, x, y, 7, NULL), UT_OK); /* more than a batch holds */
    for (size_t i = 0; i < 7; i++)
        assert_true(out[i] == 2 * in[i]);
    ut_batcher_counts counts = ut_batcher_count(b);
    assert_int_equal(counts.runs, 4);
    assert_int_equal(counts.blocks, 8);
    assert_int_equal(counts.deadlines, 0);
    assert_int_equal(d.largest, 3);
    ut_batcher_close(&b);
    assert_null(b);
}

static void test_failure(void **state)
{
    (void)state;
    device d = {.fail_at = 2};
    ut_batcher *b = NULL;
    ut_err err = {0};
    float in = 3, out = 0;
    const float *x = &in;
    float *y = &out;
    assert_int_equal(ut_batcher_open(4, HOUR_MS, run, &d, &b, NULL), UT_OK);
    assert_int_equal(ut_batcher_run(b, &x, &y, 1, &err), UT_OK);
    assert_int_equal(ut_batcher_run(b, &x, &y, 1, &err), UT_E_DEVICE);
    assert_string_equal(err.text, "run 2");
    assert_int_equal(ut_batcher_run(b, &x, &y, 1, &err), UT_OK);
    ut_batcher_close(&b);
}

typedef struct {
    ut_batcher *batcher;
    size_t number;
    bool right;
} caller;

static void *call(void *arg)
{
    caller *c = arg;
    c->right = true;
    for (size_t round = 0; round < ROUNDS; round++) {
        float in[2] = {(float)(c->number * ROUNDS + round), 0.5F}, out[2] = {0, 0};
        const float *x[2] = {&in[0], &in[1]};
        float *y[2] = {&out[0], &out[1]};
        size_t count = 1 + (c->number + round) % 2;
        c->right = c->right && ut_batcher_run(c->batcher, x, y, count, NULL) == UT_OK && out[0] == 2 * in[0] &&
                   out[1] == (count == 2 ? 1.0F : 0.0F);
    }
    return NULL;
}

/* Many at once: each gets its own; when some have gone, the deadline frees the others. */
static void test_many(void **state)
{
    (void)state;
    device d = {0};
    ut_batcher *b = NULL;
    caller callers[CALLERS];
    pthread_t threads[CALLERS];
    assert_int_equal(ut_batcher_open(CALLERS, 5, run, &d, &b, NULL), UT_OK);
    for (size_t i = 0; i < CALLERS; i++) {
        callers[i] = (caller){.batcher = b, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    }
    size_t blocks = 0;
    for (size_t i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(callers[i].right);
        blocks += ROUNDS + ROUNDS / 2;
    }
    ut_batcher_counts counts = ut_batcher_count(b);
    assert_int_equal(counts.blocks, blocks);
    assert_int_equal(counts.runs, d.runs);
    assert_true(d.largest <= CALLERS);
    ut_batcher_close(&b);
}

/* The first run holds the device until three more callers wait; then those three are one batch. */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t arrived, sizes[8], runs;
    float order[8];
    size_t seen;
} gate;

static ut_status run_gated(void *arg, const float *const *x, float *const *y, size_t count, ut_err *err)
{
    gate *g = arg;
    (void)err;
    pthread_mutex_lock(&g->lock);
    for (size_t i = 0; i < count; i++) {
        *y[i] = *x[i];
        g->order[g->seen++] = *x[i];
    }
    g->sizes[g->runs++] = count;
    pthread_cond_broadcast(&g->changed);
    while (g->runs == 1 && g->arrived < 4)
        pthread_cond_wait(&g->changed, &g->lock);
    pthread_mutex_unlock(&g->lock);
    return UT_OK;
}

typedef struct {
    gate *gate;
    ut_batcher *batcher;
    float in, out;
} visitor;

static void *visit(void *arg)
{
    visitor *v = arg;
    const float *x = &v->in;
    float *y = &v->out;
    if (ut_batcher_run(v->batcher, &x, &y, 1, NULL) != UT_OK)
        v->out = -1;
    return NULL;
}

static void test_gathers_in_order(void **state)
{
    (void)state;
    gate g = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    visitor visitors[4];
    pthread_t threads[4];
    ut_batcher *b = NULL;
    assert_int_equal(ut_batcher_open(8, HOUR_MS, run_gated, &g, &b, NULL), UT_OK);
    for (size_t i = 0; i < 4; i++) {
        visitors[i] = (visitor){.gate = &g, .batcher = b, .in = (float)i + 1};
        assert_int_equal(pthread_create(&threads[i], NULL, visit, &visitors[i]), 0);
        while (ut_batcher_count(b).callers != i + 1)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    pthread_mutex_lock(&g.lock);
    g.arrived = 4;
    pthread_cond_broadcast(&g.changed);
    pthread_mutex_unlock(&g.lock);
    pthread_join(threads[0], NULL);
    /* Three wait where four were at once: a fourth completes the batch, and none waits for the hour. */
    visitor last = {.gate = &g, .batcher = b, .in = 5};
    visit(&last);
    for (size_t i = 1; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < 4; i++)
        assert_true(visitors[i].out == visitors[i].in);
    assert_true(last.out == 5);
    assert_int_equal(g.runs, 2);
    assert_int_equal(g.sizes[1], 4);
    for (size_t i = 0; i < 5; i++)
        assert_true(g.order[i] == (float)i + 1);
    ut_batcher_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_failure),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_gathers_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
