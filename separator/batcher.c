#include "separator/batcher.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* A caller's blocks, on its stack while it waits. */
typedef struct request {
    const float *const *x;
    float *const *y;
    size_t count;
    struct timespec deadline;
    bool done;
    ut_status rc;
    ut_err err;
    struct request *next;
} request;

struct ut_batcher {
    pthread_mutex_t lock;
    pthread_cond_t gathered; /* a request came: for the leader */
    pthread_cond_t finished; /* a batch is done: for all others */
    size_t capacity;
    size_t crowd;   /* callers that were here at once, lately */
    size_t running; /* requests in the batch being run */
    int deadline_ms;
    ut_batch_fn run;
    void *arg;
    request *first, **end; /* waiting, oldest first */
    size_t requests, blocks;
    bool led;
    const float **x; /* (capacity) of the batch being run: the leader's */
    float **y;
    ut_batcher_counts counts;
};

ut_status ut_batcher_open(size_t capacity, int deadline_ms, ut_batch_fn run, void *arg, ut_batcher **out, ut_err *err)
{
    pthread_condattr_t monotonic;
    ut_batcher *b = calloc(1, sizeof *b);
    if (!b || !(b->x = calloc(capacity, sizeof *b->x)) || !(b->y = calloc(capacity, sizeof *b->y))) {
        ut_batcher_close(&b);
        return ut_fail(err, UT_E_NOMEM, "batcher: %zu blocks", capacity);
    }
    b->capacity = capacity;
    b->deadline_ms = deadline_ms;
    b->run = run;
    b->arg = arg;
    b->end = &b->first;
    pthread_mutex_init(&b->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&b->gathered, &monotonic);
    pthread_cond_init(&b->finished, NULL);
    pthread_condattr_destroy(&monotonic);
    *out = b;
    return UT_OK;
}

void ut_batcher_close(ut_batcher **batcher)
{
    ut_batcher *b = *batcher;
    if (!b)
        return;
    if (b->run) {
        pthread_cond_destroy(&b->gathered);
        pthread_cond_destroy(&b->finished);
        pthread_mutex_destroy(&b->lock);
    }
    free(b->x);
    free(b->y);
    free(b);
    *batcher = NULL;
}

ut_batcher_counts ut_batcher_count(ut_batcher *b)
{
    pthread_mutex_lock(&b->lock);
    ut_batcher_counts counts = b->counts;
    counts.callers = b->requests + b->running;
    pthread_mutex_unlock(&b->lock);
    return counts;
}

static bool complete(const ut_batcher *b)
{
    return b->blocks >= b->capacity || b->requests >= b->crowd;
}

/* Takes the oldest requests that fit together off the queue. */
static request *take(ut_batcher *b, size_t *count)
{
    request *taken = b->first, **last = &b->first;
    *count = 0;
    while (*last && *count + (*last)->count <= b->capacity) {
        for (size_t i = 0; i < (*last)->count; i++) {
            b->x[*count + i] = (*last)->x[i];
            b->y[*count + i] = (*last)->y[i];
        }
        *count += (*last)->count;
        b->requests--;
        b->running++;
        last = &(*last)->next;
    }
    b->first = *last;
    if (!b->first)
        b->end = &b->first;
    *last = NULL;
    b->blocks -= *count;
    return taken;
}

/* Gathers, runs one batch, and tells those whose blocks were in it. The lock is held on entry and on return. */
static void lead(ut_batcher *b)
{
    int waited = 0;
    size_t count;
    ut_err err = {0};
    while (!complete(b) && waited == 0)
        waited = pthread_cond_timedwait(&b->gathered, &b->lock, &b->first->deadline);
    request *taken = take(b, &count);
    if (waited)
        b->crowd = b->running; /* the others do something else now */
    b->counts.runs++;
    b->counts.blocks += count;
    b->counts.deadlines += waited != 0;
    pthread_mutex_unlock(&b->lock);
    ut_status rc = b->run(b->arg, b->x, b->y, count, &err);
    pthread_mutex_lock(&b->lock);
    b->running = 0;
    while (taken) {
        request *next = taken->next; /* it may be gone once it is done */
        taken->rc = rc;
        taken->err = err;
        taken->done = true;
        taken = next;
    }
}

static struct timespec in_ms(int ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

static ut_status run_request(ut_batcher *b, request *r, ut_err *err)
{
    r->deadline = in_ms(b->deadline_ms);
    pthread_mutex_lock(&b->lock);
    *b->end = r;
    b->end = &r->next;
    b->requests++;
    b->blocks += r->count;
    if (b->crowd < b->requests + b->running)
        b->crowd = b->requests + b->running;
    pthread_cond_signal(&b->gathered);
    while (!r->done) {
        if (b->led) {
            pthread_cond_wait(&b->finished, &b->lock);
            continue;
        }
        b->led = true;
        lead(b);
        b->led = false;
        pthread_cond_broadcast(&b->finished);
    }
    pthread_mutex_unlock(&b->lock);
    if (r->rc != UT_OK && err)
        *err = r->err;
    return r->rc;
}

ut_status ut_batcher_run(ut_batcher *b, const float *const *x, float *const *y, size_t count, ut_err *err)
{
    ut_status rc = UT_OK;
    for (size_t at = 0; at < count && rc == UT_OK; at += b->capacity) {
        size_t n = count - at < b->capacity ? count - at : b->capacity;
        request r = {.x = x + at, .y = y + at, .count = n};
        rc = run_request(b, &r, err);
    }
    return rc;
}
