#include "apps/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "apps/cli.h"

typedef struct {
    pthread_mutex_t lock;
    size_t next, count;
    size_t failed; /* index of *err; count if none */
    ut_err failure;
    ut_parallel_fn fn;
    void *arg;
} shared;

typedef struct {
    shared *all;
    int number;
    pthread_t thread;
} worker;

static bool take(shared *s, size_t *index)
{
    pthread_mutex_lock(&s->lock);
    bool more = s->next < s->count && s->failed == s->count;
    if (more)
        *index = s->next++;
    pthread_mutex_unlock(&s->lock);
    return more;
}

static void *work(void *arg)
{
    worker *w = arg;
    shared *s = w->all;
    size_t index = 0;
    while (take(s, &index)) {
        ut_err err = {.code = UT_OK};
        ut_status rc =
            ut_cli_stopped() ? ut_fail(&err, UT_E_STOPPED, "stopped") : s->fn(s->arg, w->number, index, &err);
        if (rc == UT_OK)
            continue;
        pthread_mutex_lock(&s->lock);
        if (index < s->failed) {
            s->failed = index;
            s->failure = err;
        }
        pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

ut_status ut_parallel(int jobs, size_t count, ut_parallel_fn fn, void *arg, ut_err *err)
{
    if (jobs < 1)
        jobs = 1;
    if ((size_t)jobs > count)
        jobs = count ? (int)count : 1;
    worker *workers = calloc((size_t)jobs, sizeof *workers);
    if (!workers)
        return ut_fail(err, UT_E_NOMEM, "%d workers", jobs);
    shared s = {.count = count, .failed = count, .fn = fn, .arg = arg, .lock = PTHREAD_MUTEX_INITIALIZER};
    int started = 1; /* worker 0 is the calling thread */
    workers[0] = (worker){.all = &s};
    for (; started < jobs; started++) {
        workers[started] = (worker){.all = &s, .number = started};
        if (pthread_create(&workers[started].thread, NULL, work, &workers[started]) != 0)
            break;
    }
    work(&workers[0]);
    for (int i = 1; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    free(workers);
    pthread_mutex_destroy(&s.lock);
    if (s.failed == count)
        return UT_OK;
    if (err)
        *err = s.failure;
    return s.failure.code;
}

int ut_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int cores = CPU_COUNT(&set);
    return cores > 0 ? cores : 1;
}
