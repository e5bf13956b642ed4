/* What a store bears. Prints one line of JSON; times are wall times but where it says CPU, which is that of this
 * process.
 *
 *     bench_store catalogue DSN RECORDINGS [SECONDS]     fills a catalogue of made-up tracks (apps/bench/tracks.h)
 *     bench_store flood DSN WRITERS AIRPLAYS             identifications as fast as they go, each in its transaction
 *     bench_store channels DSN CHANNELS SECONDS          channels at the pace of television, spread over monitors
 *
 * The latter two need a catalogue in the store. */
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "apps/bench/tracks.h"
#include "core/clock.h"
#include "fingerprint/fingerprint.h"
#include "pipeline/recorder.h"

#define LEASE_S 10.0      /* kafka.session_timeout_s */
#define BEAT_S 2.0        /* UT_HEARTBEAT_S */
#define CUE_S 45.0        /* from one stretch of music to the next, on a channel */
#define SEGMENT_S 600.0   /* from one interruption of a channel to the next */
#define CHECKPOINT_S 60.0 /* pipeline/channel.c */
enum { BATCH = 256, CROWD = 50 /* channels of one monitor */, PUBLISH = 256 };

static void must(ut_status rc, const ut_err *err)
{
    if (rc == UT_OK)
        return;
    fprintf(stderr, "bench_store: %s\n", err->text);
    exit(1);
}

static double cpu_s(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static void nap(double seconds)
{
    const struct timespec ts = {(time_t)seconds, (long)(fmod(seconds, 1) * 1e9)};
    if (seconds > 0)
        nanosleep(&ts, NULL);
}

/* --- catalogue -------------------------------------------------------------------------------- */

static int fill(const char *dsn, int recordings, int seconds)
{
    ut_err err = {0};
    ut_store *store = NULL;
    const ut_params *params = ut_params_find("p3");
    static ut_load_item items[BATCH];
    static ut_recording recs[BATCH];
    static ut_fingerprint_row rows[BATCH];
    char text[80];
    size_t landmarks = 0, bytes = 0, waiting = 0;
    must(ut_store_open(dsn, UT_STORE_CREATE, &store, &err), &err);
    for (int i = 1; i <= recordings; i++) {
        ut_fingerprint *print = NULL;
        uint8_t *data = NULL;
        must(ut_bench_track(params, (uint64_t)i, seconds, &print, &err), &err);
        must(ut_fingerprint_encode(print, &data, &rows[waiting].size, &err), &err);
        landmarks += ut_fingerprint_landmarks(print);
        ut_fingerprint_close(&print);
        rows[waiting] = (ut_fingerprint_row){"p3", data, rows[waiting].size};
        bytes += rows[waiting].size;
        ut_recording *rec = &recs[waiting];
        *rec = (ut_recording){.duration_ms = seconds * INT64_C(1000), .artist = strdup("Somebody")};
        snprintf(rec->audio_sha256, sizeof rec->audio_sha256, "%064x", i);
        snprintf(text, sizeof text, "Track %d", i);
        rec->title = strdup(text);
        items[waiting] = (ut_load_item){.rec = rec, .rows = &rows[waiting], .row_count = 1};
        if (++waiting < BATCH && i < recordings)
            continue;
        must(ut_store_recording_load(store, items, waiting, &err), &err);
        for (; waiting > 0; waiting--) {
            ut_recording_clear(&recs[waiting - 1]);
            free((void *)rows[waiting - 1].data);
        }
    }
    ut_store_close(&store);
    printf("{\"recordings\": %d, \"landmarks\": %zu, \"fingerprint_bytes\": %zu}\n", recordings, landmarks, bytes);
    return 0;
}

/* --- latencies -------------------------------------------------------------------------------- */

typedef struct {
    double *items;
    size_t count, capacity;
} series;

static void note(series *s, double value)
{
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 1024;
        if (!(s->items = reallocarray(s->items, s->capacity, sizeof *s->items)))
            exit(1);
    }
    s->items[s->count++] = value;
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void print_series(const char *name, series *s)
{
    qsort(s->items, s->count, sizeof *s->items, rising);
    printf(", \"%s\": {\"count\": %zu", name, s->count);
    if (s->count)
        printf(", \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"worst_ms\": %.2f", 1e3 * s->items[s->count / 2],
               1e3 * s->items[s->count * 99 / 100], 1e3 * s->items[s->count - 1]);
    printf("}");
    free(s->items);
}

static void join(series *to, series *from)
{
    for (size_t i = 0; i < from->count; i++)
        note(to, from->items[i]);
    free(from->items);
}

/* --- channels --------------------------------------------------------------------------------- */

typedef struct {
    ut_segment segment;
    ut_recorder *recorder;
    int64_t cues;
    double lease_s, cue_s, checkpoint_s, segment_s; /* when the next is due */
} channel;

typedef struct {
    const char *dsn;
    char id[64];
    ut_store *store;
    channel *channels;
    size_t count;
    uint64_t chance;
    int64_t recordings;
    double opened_s, until_s, beat_s, late_s;
    series commits, leases;
    pthread_t thread;
} monitor;

static double chance(monitor *m) /* 0 … 1 */
{
    m->chance = m->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(m->chance >> 11) / 9007199254740992.0;
}

static void segment_begin(monitor *m, channel *ch, ut_err *err)
{
    const ut_versions versions = {.params = "p3", .catalogue_version = 1};
    ch->segment.start_ns = ut_now_ns();
    ch->segment.sample_count = 0;
    must(ut_store_segment_put(m->store, &ch->segment, err), err);
    ut_recorder_close(&ch->recorder);
    must(ut_recorder_open(&ch->segment, &versions, &ch->recorder, err), err);
}

static void cue(monitor *m, channel *ch, ut_err *err)
{
    int64_t at = (ut_now_ns() - ch->segment.start_ns) / 62500,
            recording = 1 + (int64_t)(chance(m) * (double)m->recordings);
    const ut_identification what = {.outcome = UT_IDENTIFIED,
                                    .witness = UT_WITNESS_BOTH,
                                    .start_sample = at + ch->cues, /* no two alike */
                                    .end_sample = at + ch->cues + 20 * UT_RATE_HZ,
                                    .recording_id = recording,
                                    .ref_end_s = 20,
                                    .time_scale = 1,
                                    .log10_e = -20,
                                    .score = 80,
                                    .music_lufs = -30,
                                    .speech_lufs = -24,
                                    .mix_lufs = -23,
                                    .speech_share = 0.5};
    const ut_checkpoint checkpoint = {.resume_sample = at};
    double before_s = ut_monotonic_s();
    ch->cues++;
    must(ut_recorder_emit(ch->recorder, &what), err);
    must(ut_recorder_commit(ch->recorder, m->store, &checkpoint, NULL, err), err);
    note(&m->commits, ut_monotonic_s() - before_s);
}

static void interrupt(monitor *m, channel *ch, ut_err *err)
{
    ut_gap gap = {.start_ns = ut_now_ns() - UT_NS_PER_S, .end_ns = ut_now_ns(), .reason = "no-data"};
    ut_event event;
    memcpy(gap.channel, ch->segment.channel, sizeof gap.channel);
    must(ut_store_segment_end(m->store, ch->segment.id, 1, err), err);
    must(ut_event_of_gap(&gap, &event, err), err);
    must(ut_store_gap_put(m->store, &gap, &event, err), err);
    ut_event_clear(&event);
    segment_begin(m, ch, err);
}

static void renew(monitor *m, const channel *ch, ut_err *err)
{
    char name[128], holder[UT_OWNER_SIZE];
    bool held = false;
    snprintf(name, sizeof name, UT_LEASE_CHANNEL "%s", ch->segment.channel);
    double before_s = ut_monotonic_s();
    must(ut_store_lease_take(m->store, name, m->id, LEASE_S, &held, holder, err), err);
    note(&m->leases, ut_monotonic_s() - before_s);
}

static void beat(monitor *m, ut_err *err)
{
    ut_instance self = {.pid = 1, .started_ns = 1, .state = (char *)"{\"channels\":[]}"};
    snprintf(self.id, sizeof self.id, "%s", m->id);
    snprintf(self.kind, sizeof self.kind, "monitor");
    snprintf(self.host, sizeof self.host, "bench");
    must(ut_store_instance_put(m->store, &self, err), err);
}

/* Moves *at on by about `every` seconds if it is due. */
static bool due(monitor *m, double *at, double every)
{
    double now_s = ut_monotonic_s();
    if (now_s < *at)
        return false;
    m->late_s = fmax(m->late_s, now_s - *at);
    *at += every * (0.5 + chance(m));
    return true;
}

static void *live(void *arg)
{
    monitor *m = arg;
    ut_err err = {0};
    double waited_s = ut_monotonic_s() - m->opened_s; /* for the other monitors to open */
    m->beat_s += waited_s;
    for (size_t i = 0; i < m->count; i++) {
        channel *ch = &m->channels[i];
        ch->lease_s += waited_s;
        ch->cue_s += waited_s;
        ch->checkpoint_s += waited_s;
        ch->segment_s += waited_s;
    }
    while (ut_monotonic_s() < m->until_s) {
        for (size_t i = 0; i < m->count; i++) {
            channel *ch = &m->channels[i];
            const ut_checkpoint checkpoint = {.resume_sample = 1};
            if (due(m, &ch->lease_s, LEASE_S / 4))
                renew(m, ch, &err);
            if (due(m, &ch->cue_s, CUE_S))
                cue(m, ch, &err);
            if (due(m, &ch->checkpoint_s, CHECKPOINT_S))
                must(ut_recorder_commit(ch->recorder, m->store, &checkpoint, NULL, &err), &err);
            if (due(m, &ch->segment_s, SEGMENT_S))
                interrupt(m, ch, &err);
        }
        if (due(m, &m->beat_s, BEAT_S))
            beat(m, &err);
        nap(0.002);
    }
    return NULL;
}

/* Takes from the outbox what comes, as the outbox thread does when a sink has it. */
static size_t publish(ut_store *store, ut_err *err)
{
    static ut_event events[PUBLISH];
    int64_t seqs[PUBLISH];
    size_t got = 0;
    must(ut_store_outbox_peek(store, 0, events, PUBLISH, &got, err), err);
    for (size_t i = 0; i < got; i++) {
        seqs[i] = events[i].seq;
        ut_event_clear(&events[i]);
    }
    if (got)
        must(ut_store_outbox_ack(store, seqs, got, err), err);
    return got;
}

static void open_monitor(monitor *m, const char *dsn, size_t number, size_t count)
{
    ut_err err = {0};
    ut_store_stats stats;
    double now_s = ut_monotonic_s();
    snprintf(m->id, sizeof m->id, "bench:%zu:%zu", number, number);
    m->chance = number + 1;
    m->count = count;
    m->opened_s = m->beat_s = now_s;
    must(ut_store_open(dsn, UT_STORE_WRITE, &m->store, &err), &err);
    must(ut_store_describe(m->store, &stats, &err), &err);
    m->recordings = stats.recordings;
    if (!m->recordings || !(m->channels = calloc(count, sizeof *m->channels)))
        exit(1);
    for (size_t i = 0; i < count; i++) {
        channel *ch = &m->channels[i];
        snprintf(ch->segment.channel, sizeof ch->segment.channel, "channel-%zu-%zu", number, i);
        snprintf(ch->segment.source, sizeof ch->segment.source, "udp://239.0.%zu.%zu:5000", number, i);
        snprintf(ch->segment.time_source, sizeof ch->segment.time_source, "arrival");
        segment_begin(m, ch, &err);
        ch->lease_s = now_s + chance(m) * LEASE_S / 4;
        ch->cue_s = now_s + chance(m) * CUE_S;
        ch->checkpoint_s = now_s + chance(m) * CHECKPOINT_S;
        ch->segment_s = now_s + chance(m) * SEGMENT_S;
    }
}

static void close_monitor(monitor *m)
{
    for (size_t i = 0; i < m->count; i++)
        ut_recorder_close(&m->channels[i].recorder);
    free(m->channels);
    ut_store_close(&m->store);
}

static int channels(const char *dsn, size_t wanted, double seconds)
{
    size_t crew = (wanted + CROWD - 1) / CROWD, published = 0;
    monitor *monitors = calloc(crew, sizeof *monitors);
    ut_store *store = NULL;
    ut_err err = {0};
    series commits = {0}, leases = {0};
    double late_s = 0;
    must(ut_store_open(dsn, UT_STORE_WRITE, &store, &err), &err);
    for (size_t i = 0; monitors && i < crew; i++)
        open_monitor(&monitors[i], dsn, i, i + 1 < crew ? CROWD : wanted - i * CROWD);
    puts("ready");
    fflush(stdout);
    double begin_s = ut_monotonic_s(), used_s = cpu_s();
    for (size_t i = 0; monitors && i < crew; i++) {
        monitors[i].until_s = begin_s + seconds;
        if (pthread_create(&monitors[i].thread, NULL, live, &monitors[i]) != 0)
            return 1;
    }
    while (ut_monotonic_s() < begin_s + seconds) {
        published += publish(store, &err);
        nap(1);
    }
    for (size_t i = 0; monitors && i < crew; i++)
        pthread_join(monitors[i].thread, NULL);
    double took_s = ut_monotonic_s() - begin_s;
    used_s = cpu_s() - used_s;
    for (size_t i = 0; monitors && i < crew; i++) {
        join(&commits, &monitors[i].commits);
        join(&leases, &monitors[i].leases);
        late_s = fmax(late_s, monitors[i].late_s);
        close_monitor(&monitors[i]);
    }
    free(monitors);
    ut_store_close(&store);
    printf("{\"channels\": %zu, \"monitors\": %zu, \"seconds\": %.1f, \"published\": %zu, \"worst_late_ms\": %.0f,"
           " \"client_cpu_s\": %.2f",
           wanted, crew, took_s, published, 1e3 * late_s, used_s);
    print_series("commits", &commits);
    print_series("leases", &leases);
    puts("}");
    return 0;
}

/* --- flood ------------------------------------------------------------------------------------ */

static void *pour(void *arg)
{
    monitor *m = arg;
    ut_err err = {0};
    for (size_t i = 0; i < m->count; i++)
        cue(m, &m->channels[0], &err);
    return NULL;
}

static int flood(const char *dsn, size_t writers, size_t airplays)
{
    monitor *monitors = calloc(writers, sizeof *monitors);
    series commits = {0};
    for (size_t i = 0; monitors && i < writers; i++)
        open_monitor(&monitors[i], dsn, i, 1);
    double begin_s = ut_monotonic_s(), used_s = cpu_s();
    for (size_t i = 0; monitors && i < writers; i++) {
        monitors[i].count = airplays / writers;
        if (pthread_create(&monitors[i].thread, NULL, pour, &monitors[i]) != 0)
            return 1;
    }
    for (size_t i = 0; monitors && i < writers; i++) {
        pthread_join(monitors[i].thread, NULL);
        join(&commits, &monitors[i].commits);
        monitors[i].count = 1;
        close_monitor(&monitors[i]);
    }
    double took_s = ut_monotonic_s() - begin_s;
    free(monitors);
    printf("{\"writers\": %zu, \"airplays\": %zu, \"seconds\": %.2f, \"per_s\": %.0f, \"client_cpu_s\": %.2f", writers,
           commits.count, took_s, (double)commits.count / took_s, cpu_s() - used_s);
    print_series("commits", &commits);
    puts("}");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "channels") == 0)
        return channels(argv[2], strtoul(argv[3], NULL, 10), strtod(argv[4], NULL));
    if (argc == 5 && strcmp(argv[1], "flood") == 0)
        return flood(argv[2], strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10));
    if (argc >= 4 && strcmp(argv[1], "catalogue") == 0)
        return fill(argv[2], (int)strtol(argv[3], NULL, 10), argc > 4 ? (int)strtol(argv[4], NULL, 10) : 240);
    fputs("usage: bench_store catalogue|flood|channels DSN …\n", stderr);
    return 2;
}
