/* The outbox: nothing is lost and order is kept while sinks fail in every way, and after kill -9 at
 * any moment. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/log.h"
#include "db/store.h"
#include "pipeline/outbox.h"

#define MANY 1000

static char folder[64], dsn[96], jsonl_spec[96];

/* A sink that fails as told. What was sent counts only once flushed, as a disk or a broker would
 * have it. */
typedef struct {
    pthread_mutex_t lock;
    unsigned calls, failures, fail_every; /* 0: never */
    bool down, slow;                      /* slow: only the third flush of a batch has it */
    unsigned asked;
    int pending[1024], got[2 * MANY];
    size_t pending_count, got_count;
} fake;
static fake fakes[2] = {{.lock = PTHREAD_MUTEX_INITIALIZER}, {.lock = PTHREAD_MUTEX_INITIALIZER}};

static ut_status fake_call(fake *self, ut_err *err)
{
    self->calls++;
    if (self->down || (self->fail_every && self->calls % self->fail_every == 0)) {
        self->pending_count = 0;
        self->failures++;
        return ut_fail(err, UT_E_BUSY, "fake: call %u", self->calls);
    }
    return UT_OK;
}

static ut_status fake_open(const char *target, const ut_config *config, void **self, ut_err *err)
{
    fake *f = &fakes[target[0] - '0'];
    assert_non_null(config);
    pthread_mutex_lock(&f->lock);
    f->pending_count = 0;
    ut_status rc = fake_call(f, err);
    pthread_mutex_unlock(&f->lock);
    if (rc == UT_OK)
        *self = f;
    return rc;
}

static ut_status fake_send(void *self, const ut_event *event, ut_err *err)
{
    fake *f = self;
    pthread_mutex_lock(&f->lock);
    ut_status rc = fake_call(f, err);
    if (rc == UT_OK)
        f->pending[f->pending_count++] = atoi(event->json + strlen("{\"n\":"));
    pthread_mutex_unlock(&f->lock);
    return rc;
}

static ut_status fake_flush(void *self, ut_err *err)
{
    fake *f = self;
    pthread_mutex_lock(&f->lock);
    ut_status rc = fake_call(f, err);
    if (rc == UT_OK && f->slow && ++f->asked % 3 != 0) {
        pthread_mutex_unlock(&f->lock);
        return ut_fail(err, UT_E_BUSY, "fake: not yet"); /* what was sent stays sent */
    }
    for (size_t i = 0; rc == UT_OK && i < f->pending_count; i++)
        f->got[f->got_count++] = f->pending[i];
    f->pending_count = 0;
    rc = rc == UT_OK ? rc : UT_E_IO; /* UT_E_BUSY would say that what was sent still counts */
    pthread_mutex_unlock(&f->lock);
    return rc;
}

static void fake_close(void *self)
{
    (void)self;
}

static const ut_sink_ops fake_ops = {
    .scheme = "fake", .open = fake_open, .send = fake_send, .flush = fake_flush, .close = fake_close};
static const ut_sink_ops *const registry[] = {&fake_ops, &ut_sink_jsonl, NULL};

static size_t fake_got(fake *f)
{
    pthread_mutex_lock(&f->lock);
    size_t count = f->got_count;
    pthread_mutex_unlock(&f->lock);
    return count;
}

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/ut-outbox-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(dsn, sizeof dsn, "sqlite:%s/store", folder);
    snprintf(jsonl_spec, sizeof jsonl_spec, "jsonl:%s/events.jsonl", folder);
    ut_log_set_level(UT_LOG_OFF);
    for (int i = 0; i < 2; i++) {
        fakes[i].calls = fakes[i].failures = fakes[i].fail_every = 0;
        fakes[i].down = fakes[i].slow = false;
        fakes[i].asked = 0;
        fakes[i].pending_count = fakes[i].got_count = 0;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

/* Adds events `from` … `to` - 1 in one transaction. */
static void add_events(int from, int to)
{
    static ut_airplay airplays[MANY];
    static ut_event events[MANY];
    static char json[MANY][32];
    size_t added;
    ut_store *store;
    ut_err err = {0};
    ut_segment segment = {.channel = "one", .source = "test", .time_source = "given"};
    if (ut_store_open(dsn, UT_STORE_CREATE, &store, &err) != UT_OK ||
        ut_store_segment_put(store, &segment, &err) != UT_OK)
        fail_msg("%s", err.text);
    for (int n = from; n < to; n++) {
        int i = n - from;
        snprintf(json[i], sizeof json[i], "{\"n\":%d}", n);
        airplays[i] = (ut_airplay){.channel = "one",
                                   .segment_id = segment.id,
                                   .start_ns = n,
                                   .end_ns = n + 1,
                                   .what = {.outcome = UT_UNIDENTIFIED},
                                   .engine_version = "1",
                                   .params = "p3"};
        events[i] = (ut_event){.type = "type", .key = "one", .time_ns = n, .json = json[i]};
        snprintf(events[i].id, sizeof events[i].id, "00000000-0000-8000-8000-%012d", n);
        memcpy(airplays[i].id, events[i].id, sizeof airplays[i].id);
    }
    const ut_checkpoint checkpoint = {.resume_sample = to};
    if (ut_store_airplay_put(store, segment.id, airplays, events, (size_t)(to - from), &checkpoint, &added, &err) !=
        UT_OK)
        fail_msg("%s", err.text);
    assert_int_equal(added, to - from);
    ut_store_close(&store);
}

static int64_t pending(void)
{
    ut_store *store;
    ut_store_stats stats;
    assert_int_equal(ut_store_open(dsn, UT_STORE_READ, &store, NULL), UT_OK);
    assert_int_equal(ut_store_describe(store, &stats, NULL), UT_OK);
    ut_store_close(&store);
    return stats.outbox_pending;
}

static ut_outbox *start(const char *first, const char *second)
{
    char *sinks[] = {(char *)first, (char *)second};
    ut_outbox_options options = {.store = dsn,
                                 .sinks = sinks,
                                 .sink_count = second ? 2 : 1,
                                 .poll_s = 0.01,
                                 .retry_min_s = 0.0001,
                                 .retry_max_s = 0.001,
                                 .registry = registry};
    ut_outbox *box;
    ut_err err;
    if (ut_outbox_start(&options, &box, &err) != UT_OK)
        fail_msg("%s", err.text);
    return box;
}

static void assert_complete(const fake *f, int count)
{
    assert_int_equal(f->got_count, count);
    for (int i = 0; i < count; i++)
        assert_int_equal(f->got[i], i);
}

static void publishes_in_order_and_acknowledges(void **state)
{
    (void)state;
    add_events(0, 600); /* more than two batches */
    ut_outbox *box = start("fake:0", NULL);
    bool left = true;
    ut_outbox_stop(&box, 60, &left);
    assert_false(left);
    assert_complete(&fakes[0], 600);
    assert_int_equal(pending(), 0);
}

/* A sink whose deliveries take time is asked again, and gets nothing a second time. */
static void waits_for_what_is_on_its_way(void **state)
{
    (void)state;
    add_events(0, 600);
    fakes[0].slow = true;
    ut_outbox *box = start("fake:0", "fake:1");
    bool left = true;
    ut_outbox_stop(&box, 60, &left);
    assert_false(left);
    assert_true(fakes[0].asked >= 6);
    assert_complete(&fakes[0], 600);
    assert_complete(&fakes[1], 600);
    assert_int_equal(pending(), 0);
}

static void survives_failures_of_every_call(void **state)
{
    (void)state;
    add_events(0, MANY);
    fakes[0].fail_every = 301; /* a batch is 258 calls: open, sends and flush all get their turn to fail */
    fakes[1].fail_every = 271;
    ut_outbox *box = start("fake:0", "fake:1");
    bool left = true;
    ut_outbox_stats stats = {0};
    for (int i = 0; i < 6000 && stats.published < MANY; i++) {
        usleep(10000);
        stats = ut_outbox_describe(box);
    }
    ut_outbox_stop(&box, 60, &left);
    assert_false(left);
    assert_int_equal(stats.published, MANY);
    assert_true(stats.failures > 0);
    assert_true(fakes[0].failures >= 3 && fakes[1].failures >= 3);
    assert_complete(&fakes[0], MANY);
    assert_complete(&fakes[1], MANY);
    assert_int_equal(pending(), 0);
}

static void a_dead_sink_keeps_events_and_stops_in_time(void **state)
{
    (void)state;
    add_events(0, 10);
    fakes[1].down = true;
    ut_outbox *box = start("fake:0", "fake:1");
    while (fake_got(&fakes[0]) < 10)
        usleep(1000);
    bool left = false;
    double before_s = ut_monotonic_s();
    ut_outbox_stop(&box, 0.2, &left);
    assert_true(left);
    assert_true(ut_monotonic_s() - before_s < 30); /* a bound of sanity: it would be for ever */
    assert_int_equal(pending(), 10);
    assert_int_equal(fakes[1].got_count, 0);

    fakes[1].down = false; /* it is back: the second gets all; the first may see repeats, never a loss */
    box = start("fake:0", "fake:1");
    ut_outbox_stop(&box, 60, &left);
    assert_false(left);
    assert_complete(&fakes[1], 10);
    assert_int_equal(pending(), 0);
}

static void sees_events_that_come_while_it_runs(void **state)
{
    (void)state;
    add_events(0, 1);
    ut_outbox *box = start("fake:0", NULL);
    for (int n = 1; n < 50; n++) {
        add_events(n, n + 1);
        ut_outbox_wake(box);
    }
    bool left = true;
    ut_outbox_stop(&box, 60, &left); /* the last ones may have come just now: the drain must look again */
    assert_false(left);
    assert_complete(&fakes[0], 50);
}

static void a_wrong_sink_fails_at_once(void **state)
{
    (void)state;
    add_events(0, 1);
    char *sinks[] = {(char *)"jsonl:/nonexistent/x"};
    ut_outbox_options options = {.store = dsn, .sinks = sinks, .sink_count = 1};
    ut_outbox *box = NULL;
    ut_err err;
    assert_int_equal(ut_outbox_start(&options, &box, &err), UT_E_IO);
    sinks[0] = (char *)"carrier-pigeon:coo";
    assert_int_equal(ut_outbox_start(&options, &box, &err), UT_E_ARG);
    assert_null(box);
}

/* Lines of the file by number; a torn one fails the test. */
static void count_lines(int *seen, int count)
{
    char line[1024];
    FILE *in = fopen(jsonl_spec + strlen("jsonl:"), "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in)) {
        int n;
        const char *value = strstr(line, "\"data\":{\"n\":");
        assert_non_null(value);
        assert_int_equal(sscanf(value, "\"data\":{\"n\":%d}}", &n), 1);
        assert_in_range(n, 0, count - 1);
        seen[n]++;
    }
    fclose(in);
}

static void kill_dash_nine_loses_nothing(void **state)
{
    (void)state;
    int killed = 0;
    srand(7);
    for (int round = 0; round < 10; round++) {
        add_events(round * 100, (round + 1) * 100);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            ut_outbox *box = start(jsonl_spec, NULL);
            ut_outbox_stop(&box, 60, NULL);
            _exit(0);
        }
        usleep((useconds_t)(rand() % 20000));
        kill(child, SIGKILL);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        killed += WIFSIGNALED(status) != 0;
    }
    ut_outbox *box = start(jsonl_spec, NULL);
    bool left = true;
    ut_outbox_stop(&box, 60, &left);
    assert_false(left);
    assert_int_equal(pending(), 0);
    int seen[MANY] = {0};
    count_lines(seen, MANY);
    for (int i = 0; i < MANY; i++)
        assert_true(seen[i] >= 1);
    assert_true(killed > 0); /* else the test has shown nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kill_dash_nine_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(publishes_in_order_and_acknowledges, setup, teardown),
        cmocka_unit_test_setup_teardown(waits_for_what_is_on_its_way, setup, teardown),
        cmocka_unit_test_setup_teardown(survives_failures_of_every_call, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dead_sink_keeps_events_and_stops_in_time, setup, teardown),
        cmocka_unit_test_setup_teardown(sees_events_that_come_while_it_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wrong_sink_fails_at_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
