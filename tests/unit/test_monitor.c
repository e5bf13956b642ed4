/* The monitor, all its threads, over captured audio that comes at memory speed: what is on air gets into the store and
 * out as events, whole, also when it is stopped in the middle. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "core/clock.h"
#include "core/log.h"
#include "db/store.h"
#include "pipeline/monitor.h"
#include "tests/unit/fake_recognition.h"

enum { CHANNELS = 6, PIECES = 20, PIECE_S = 10, CHUNK = 1600 };

/* A source that has `pieces` pieces of 10 s, each with 4 s of a recording in it; after every tenth there is a gap. */
struct ut_supervisor {
    pthread_mutex_t lock;
    char channel[64];
    ut_segment segment;
    ut_gap gap;
    int64_t clock;  /* samples since the start */
    int64_t sample; /* of the segment */
    int64_t end;    /* of the clock */
    bool stopped, in_segment, hold;
    float chunk[CHUNK];
};

static int pieces = PIECES;
static bool endless;

static ut_status source_open(const ut_supervisor_options *options, ut_supervisor **out, ut_err *err)
{
    ut_supervisor *s = calloc(1, sizeof *s);
    if (!s)
        return ut_fail(err, UT_E_NOMEM, "source");
    if (strcmp(options->uri, "bad:") == 0) {
        free(s);
        return ut_fail(err, UT_E_ARG, "source: bad:");
    }
    pthread_mutex_init(&s->lock, NULL);
    snprintf(s->channel, sizeof s->channel, "%s", options->channel);
    s->end = endless ? INT64_MAX : (int64_t)pieces * PIECE_S * UT_RATE_HZ;
    *out = s;
    return UT_OK;
}

static void source_close(ut_supervisor **source)
{
    if (!*source)
        return;
    pthread_mutex_destroy(&(*source)->lock);
    free(*source);
    *source = NULL;
}

static void source_stop(ut_supervisor *s)
{
    pthread_mutex_lock(&s->lock);
    s->stopped = true;
    s->end = s->clock < s->end ? s->clock + 5 * CHUNK : s->end; /* a little more is captured already */
    pthread_mutex_unlock(&s->lock);
}

static int64_t air_ns(const ut_supervisor *s)
{
    return ut_sample_to_ns(0, s->clock);
}

static void next_segment(ut_supervisor *s, ut_capture_item *item)
{
    s->segment = (ut_segment){.source = "test", .start_ns = air_ns(s), .time_source = "given"};
    snprintf(s->segment.channel, sizeof s->segment.channel, "%s", s->channel);
    s->in_segment = true;
    s->sample = 0;
    *item = (ut_capture_item){.kind = UT_CAPTURE_SEGMENT, .segment = &s->segment};
}

static void next_gap(ut_supervisor *s, ut_capture_item *item)
{
    s->gap = (ut_gap){.start_ns = air_ns(s), .reason = "no-data"};
    s->clock += PIECE_S * UT_RATE_HZ;
    s->gap.end_ns = air_ns(s);
    snprintf(s->gap.channel, sizeof s->gap.channel, "%s", s->channel);
    s->in_segment = false;
    *item = (ut_capture_item){.kind = UT_CAPTURE_GAP, .gap = &s->gap};
}

static void next_audio(ut_supervisor *s, ut_capture_item *item)
{
    for (size_t i = 0; i < CHUNK; i++) {
        int64_t at = s->clock + (int64_t)i, piece = at / (PIECE_S * UT_RATE_HZ);
        bool music = at % (PIECE_S * UT_RATE_HZ) >= 3 * UT_RATE_HZ && at % (PIECE_S * UT_RATE_HZ) < 7 * UT_RATE_HZ;
        s->chunk[i] = music ? (float)(1 + piece % 90) / 1000 : 0;
    }
    *item =
        (ut_capture_item){.kind = UT_CAPTURE_AUDIO, .samples = s->chunk, .frames = CHUNK, .first_sample = s->sample};
    s->clock += CHUNK;
    s->sample += CHUNK;
}

static ut_status source_read(ut_supervisor *s, int timeout_ms, ut_capture_item *item, ut_err *err)
{
    (void)timeout_ms;
    pthread_mutex_lock(&s->lock);
    ut_status rc = UT_OK;
    s->hold = !s->hold && s->clock % (3 * CHUNK) == 0; /* now and then nothing is there yet */
    if (s->hold)
        rc = ut_fail(err, UT_E_BUSY, "source: nothing yet");
    else if (s->clock >= s->end)
        rc = ut_fail(err, UT_E_STOPPED, "source: ended");
    else if (s->in_segment && s->clock % (10 * PIECE_S * UT_RATE_HZ) == 9 * PIECE_S * UT_RATE_HZ)
        next_gap(s, item);
    else if (!s->in_segment)
        next_segment(s, item);
    else
        next_audio(s, item);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

static void source_status(ut_supervisor *s, ut_capture_status *out)
{
    pthread_mutex_lock(&s->lock);
    *out = (ut_capture_status){.up = true, .samples = (uint64_t)s->clock, .gap_s = 2.5};
    pthread_mutex_unlock(&s->lock);
}

static const ut_capture_ops source = {source_open, source_close, source_stop, source_read, source_status};

typedef struct {
    char folder[64], dsn[96], sink[96];
    char *sinks[1];
    ut_config *config;
} fixture;

static int setup(void **state)
{
    static fixture f;
    f = (fixture){.folder = "/tmp/ut-monitor-XXXXXX"};
    endless = false;
    fake_catalogue_set(1);
    ut_log_set_level(UT_LOG_OFF);
    assert_non_null(mkdtemp(f.folder));
    snprintf(f.dsn, sizeof f.dsn, "sqlite:%s/store", f.folder);
    char yaml[2048];
    int used = snprintf(
        yaml, sizeof yaml,
        "separator:\n  model: none\nrecognition:\n  threads: 3\nevents:\n  sinks: [\"jsonl:%s/events.jsonl\"]\n"
        "channels:\n",
        f.folder);
    for (int i = 0; i < CHANNELS; i++)
        used += snprintf(yaml + used, sizeof yaml - (size_t)used, "  - id: c%d\n    uri: \"test:%d\"\n", i, i);
    ut_err err;
    if (ut_config_parse(yaml, (size_t)used, "test", &f.config, &err) != UT_OK)
        fail_msg("%s", err.text);
    f.config->metrics.listen = strdup("127.0.0.1:0"); /* any free port */
    /* The recordings that the fake recogniser names. */
    ut_store *store;
    assert_int_equal(ut_store_open(f.dsn, UT_STORE_CREATE, &store, NULL), UT_OK);
    for (int i = 1; i <= 90; i++) {
        ut_recording rec = {.title = (char *)"T"};
        bool created;
        memset(rec.audio_sha256, '0', 64);
        snprintf(rec.audio_sha256 + 60, 5, "%04d", i);
        if (ut_store_recording_put(store, &rec, NULL, 0, &created, &err) != UT_OK)
            fail_msg("%s", err.text);
        assert_int_equal(rec.id, i);
    }
    ut_store_close(&store);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    char command[128];
    ut_config_close(&f->config);
    snprintf(command, sizeof command, "rm -r %s", f->folder);
    return system(command);
}

static ut_monitor *start(const fixture *f)
{
    ut_monitor_options options = {
        .config = f->config, .store = f->dsn, .capture = &source, .once = true, .drain_s = 300};
    ut_monitor *monitor = NULL;
    ut_err err;
    if (ut_monitor_open(&options, &monitor, &err) != UT_OK)
        fail_msg("%s", err.text);
    return monitor;
}

static void stop(ut_monitor **monitor)
{
    ut_err err;
    if (ut_monitor_close(monitor, &err) != UT_OK)
        fail_msg("%s", err.text);
    assert_int_equal(fake_snapshots(), 0);
}

typedef struct {
    int count, per_channel[CHANNELS];
    int64_t last_end_ns;
} heard;

/* Each airplay must be the recording of its piece, in its place. */
static ut_status check_airplay(void *arg, const ut_airplay *air)
{
    heard *h = arg;
    int64_t piece = air->start_ns / (PIECE_S * UT_NS_PER_S);
    assert_int_equal(air->what.recording_id, 1 + piece % 90);
    assert_int_equal(air->start_ns % (PIECE_S * UT_NS_PER_S), 3 * UT_NS_PER_S);
    h->count++;
    h->per_channel[air->channel[1] - '0']++;
    if (air->end_ns > h->last_end_ns)
        h->last_end_ns = air->end_ns;
    return UT_OK;
}

static ut_status count_gap(void *arg, const ut_gap *gap)
{
    assert_true(strcmp(gap->reason, "no-data") == 0 || strcmp(gap->reason, "restart") == 0 ||
                strcmp(gap->reason, "takeover") == 0);
    ++*(int *)arg;
    return UT_OK;
}

static heard read_store(const fixture *f, int *gaps, ut_store_stats *stats)
{
    heard h = {0};
    ut_store *store;
    *gaps = 0;
    assert_int_equal(ut_store_open(f->dsn, UT_STORE_READ, &store, NULL), UT_OK);
    assert_int_equal(ut_store_airplay_each(store, NULL, INT64_MIN / 2, INT64_MAX / 2, check_airplay, &h, NULL), UT_OK);
    assert_int_equal(ut_store_gap_each(store, NULL, INT64_MIN / 2, INT64_MAX / 2, count_gap, gaps, NULL), UT_OK);
    assert_int_equal(ut_store_describe(store, stats, NULL), UT_OK);
    ut_store_close(&store);
    return h;
}

/* Events published: of airplays and gaps, or of the state of a channel. */
static int count_events(const fixture *f, bool of_state)
{
    char path[128], *line = NULL;
    size_t size = 0;
    int count = 0;
    snprintf(path, sizeof path, "%s/events.jsonl", f->folder);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    while (getline(&line, &size, in) > 0)
        count += (strstr(line, "capture.state") != NULL) == of_state;
    free(line);
    fclose(in);
    return count;
}

static void everything_on_air_is_recorded_and_published(void **state)
{
    fixture *f = *state;
    ut_monitor *monitor = start(f);
    while (!ut_monitor_ended(monitor)) {
        assert_true(ut_monitor_alive(monitor));
        usleep(10000);
    }
    stop(&monitor);
    int gaps;
    ut_store_stats stats;
    heard h = read_store(f, &gaps, &stats);
    for (int i = 0; i < CHANNELS; i++)
        assert_int_equal(h.per_channel[i], PIECES - PIECES / 10);
    assert_int_equal(gaps, CHANNELS * PIECES / 10);
    assert_int_equal(stats.outbox_pending, 0);
    assert_int_equal(count_events(f, false), h.count + gaps);
    assert_int_equal(count_events(f, true), 2 * stats.segments);
}

static void stopping_concludes_what_was_captured(void **state)
{
    fixture *f = *state;
    endless = true;
    ut_monitor *monitor = start(f);
    usleep(200000);
    stop(&monitor);
    int gaps;
    ut_store_stats stats;
    heard h = read_store(f, &gaps, &stats);
    assert_true(h.count > 0);
    assert_int_equal(stats.outbox_pending, 0);
    assert_int_equal(count_events(f, false), h.count + gaps);
    assert_int_equal(count_events(f, true), 2 * stats.segments);
}

static void own(ut_monitor *monitor, const char *id)
{
    ut_err err;
    if (ut_monitor_own(monitor, id, "takeover", &err) != UT_OK)
        fail_msg("%s", err.text);
}

static void give_up(ut_monitor *monitor, const char *id, bool discard)
{
    ut_err err;
    if (ut_monitor_give_up(monitor, id, discard, &err) != UT_OK)
        fail_msg("%s", err.text);
}

static void assert_state(ut_monitor *monitor, const char *there, const char *absent)
{
    char *state = ut_monitor_state(monitor);
    assert_non_null(state);
    if (!strstr(state, there) || strstr(state, absent))
        fail_msg("%s", state);
    free(state);
}

/* Channels of a group: what is given up is concluded and in the store, what another has taken is dropped. */
static void channels_come_and_go(void **state)
{
    fixture *f = *state;
    const char *one = f->config->channels[0].id, *two = f->config->channels[1].id;
    ut_monitor *monitor = NULL;
    ut_err err;
    ut_monitor_options options = {
        .config = f->config, .store = f->dsn, .capture = &source, .parked = true, .drain_s = 300};
    endless = true;
    if (ut_monitor_open(&options, &monitor, &err) != UT_OK)
        fail_msg("%s", err.text);
    assert_int_equal(ut_monitor_own(monitor, "nobody", "takeover", &err), UT_E_ARG);
    assert_state(monitor, "\"channels\":[]", one);
    own(monitor, one);
    own(monitor, one); /* it is already */
    assert_state(monitor, one, two);
    usleep(200000);
    give_up(monitor, one, false);
    give_up(monitor, one, false); /* nothing to give */
    int gaps;
    ut_store_stats stats;
    heard h = read_store(f, &gaps, &stats);
    assert_true(h.per_channel[0] > 0);
    own(monitor, two);
    usleep(100000);
    assert_state(monitor, two, one);
    give_up(monitor, two, true);
    own(monitor, one);
    own(monitor, two);
    assert_true(ut_monitor_alive(monitor));
    usleep(100000);
    stop(&monitor); /* with both at work */
    heard after = read_store(f, &gaps, &stats);
    assert_true(after.per_channel[0] >= h.per_channel[0] && after.per_channel[1] > 0);
    assert_int_equal(stats.outbox_pending, 0);
}

static void a_restart_repeats_nothing(void **state)
{
    fixture *f = *state;
    int gaps, gaps_again;
    ut_store_stats stats, again;
    for (int run = 0; run < 2; run++) {
        ut_monitor *monitor = start(f);
        while (!ut_monitor_ended(monitor))
            usleep(10000);
        stop(&monitor);
        if (run == 0)
            read_store(f, &gaps, &stats);
    }
    read_store(f, &gaps_again, &again); /* the same audio at the same time: the same ids */
    assert_int_equal(again.airplays, stats.airplays);
    assert_int_equal(gaps_again, gaps + CHANNELS); /* nobody listened between the runs */
}

/* GET of a path; the whole answer. */
static char *get(int port, const char *path)
{
    static char answer[1 << 16];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    dprintf(fd, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    size_t used = 0;
    for (ssize_t got; (got = read(fd, answer + used, sizeof answer - 1 - used)) > 0;)
        used += (size_t)got;
    answer[used] = '\0';
    close(fd);
    return answer;
}

static void metrics_are_served(void **state)
{
    fixture *f = *state;
    ut_monitor *monitor = start(f);
    int port = ut_monitor_port(monitor);
    assert_in_range(port, 1, 65535);
    while (!ut_monitor_ended(monitor))
        assert_non_null(strstr(get(port, "/metrics"), " 200 "));
    const char *answer = get(port, "/metrics");
    assert_non_null(strstr(answer, "undertone_capture_up{channel=\"c0\"} 1\n"));
    assert_non_null(strstr(answer, "undertone_capture_gap_seconds_total{channel=\"c5\"} 2.5\n"));
    assert_non_null(strstr(answer, "# TYPE undertone_capture_gap_seconds_total counter\n"));
    char cues[128];
    snprintf(cues, sizeof cues, "undertone_cues_total{channel=\"c3\",status=\"identified\"} %d\n",
             PIECES - PIECES / 10);
    assert_non_null(strstr(answer, cues));
    snprintf(cues, sizeof cues, "undertone_music_seconds_total{channel=\"c3\",class=\"background\"} %d\n",
             4 * (PIECES - PIECES / 10));
    assert_non_null(strstr(answer, cues));
    assert_non_null(strstr(answer, "undertone_catalogue_recordings 7\n"));
    assert_non_null(strstr(answer, "model=\"none\"} 1\n"));
    assert_non_null(strstr(get(port, "/healthz"), " 200 "));
    assert_non_null(strstr(get(port, "/secret"), " 404 "));
    stop(&monitor);
}

static void what_is_wrong_fails_the_start(void **state)
{
    fixture *f = *state;
    ut_monitor *monitor = NULL;
    ut_err err;
    ut_monitor_options options = {.config = f->config, .store = f->dsn, .capture = &source};
    free(f->config->channels[CHANNELS - 1].uri);
    f->config->channels[CHANNELS - 1].uri = strdup("bad:");
    assert_int_equal(ut_monitor_open(&options, &monitor, &err), UT_E_ARG);
    f->config->channels[CHANNELS - 1].enabled = false;
    free(f->config->metrics.listen);
    f->config->metrics.listen = strdup("127.0.0.1:99999");
    assert_int_equal(ut_monitor_open(&options, &monitor, &err), UT_E_ARG);
    for (int i = 0; i < CHANNELS; i++)
        f->config->channels[i].enabled = false;
    assert_int_equal(ut_monitor_open(&options, &monitor, &err), UT_E_ARG);
    assert_non_null(strstr(err.text, "no enabled channel"));
    assert_null(monitor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everything_on_air_is_recorded_and_published, setup, teardown),
        cmocka_unit_test_setup_teardown(stopping_concludes_what_was_captured, setup, teardown),
        cmocka_unit_test_setup_teardown(channels_come_and_go, setup, teardown),
        cmocka_unit_test_setup_teardown(a_restart_repeats_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(metrics_are_served, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_wrong_fails_the_start, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
