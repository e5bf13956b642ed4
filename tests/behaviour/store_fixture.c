#include "tests/behaviour/store_fixture.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/digest.h"

ut_err fixture_err;

int fixture_setup(void **state)
{
    const char *kind = getenv("UT_TEST_DSN");
    fixture *f = calloc(1, sizeof *f);
    if (!f || (kind && strcmp(kind, "sqlite") != 0))
        return -1;
    strcpy(f->folder, "/tmp/undertone-store-XXXXXX");
    if (!mkdtemp(f->folder))
        return -1;
    snprintf(f->path, sizeof f->path, "%s/undertone.db", f->folder);
    snprintf(f->dsn, sizeof f->dsn, "sqlite:%s", f->path);
    assert_ok(ut_store_open(f->dsn, UT_STORE_CREATE, &f->store, ERR));
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    fixture *f = *state;
    char command[128];
    ut_store_close(&f->store);
    snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
    int rc = system(command);
    free(f);
    return rc;
}

static ut_party parties[] = {
    {.name = (char *)"Ann Lee",
     .ipi = (char *)"00017798450",
     .society = (char *)"PRS",
     .role = UT_ROLE_COMPOSER,
     .share = 0.5},
    {.name = (char *)"House Music", .role = UT_ROLE_PUBLISHER, .share = NAN},
};

ut_recording recording_make(int n)
{
    static char titles[16][32];
    char *title = titles[n % 16];
    ut_recording rec = {
        .file = (char *)"a/song.wav",
        .title = title,
        .artist = (char *)"Ann & Bob",
        .isrc = (char *)"GBAYE0000351",
        .parties = parties,
        .party_count = 2,
        .duration_ms = 1000 * n,
        .added_ns = UT_NS_PER_S * n,
    };
    snprintf(title, sizeof titles[0], "Song %d", n);
    ut_sha256(title, strlen(title), rec.audio_sha256);
    return rec;
}

int64_t recording_add(ut_store *store, int n)
{
    ut_recording rec = recording_make(n);
    uint8_t data[300];
    bool created;
    memset(data, n, sizeof data);
    ut_fingerprint_row row = {"p3", data, sizeof data};
    assert_ok(ut_store_recording_put(store, &rec, &row, 1, &created, ERR));
    return rec.id;
}

ut_segment segment_make(const char *channel, int64_t start_ns)
{
    ut_segment segment = {.start_ns = start_ns, .time_source = "given", .uncertainty_ms = 40};
    snprintf(segment.channel, sizeof segment.channel, "%s", channel);
    snprintf(segment.source, sizeof segment.source, "udp://239.0.0.1:5000");
    return segment;
}

ut_airplay airplay_make(const char *channel, int64_t segment_id, int64_t recording_id, int n)
{
    char key[128];
    ut_airplay air = {
        .segment_id = segment_id,
        .start_ns = UT_NS_PER_S * 10 * n,
        .end_ns = UT_NS_PER_S * (10 * n + 8),
        .what = {.outcome = recording_id ? UT_IDENTIFIED : UT_UNIDENTIFIED,
                 .witness = recording_id ? UT_WITNESS_BOTH : UT_WITNESS_NONE,
                 .start_sample = INT64_C(160000) * n,
                 .end_sample = INT64_C(160000) * n + 128000,
                 .recording_id = recording_id,
                 .ref_start_s = 3.25,
                 .ref_end_s = 11.25,
                 .time_scale = 1.0,
                 .log10_e = recording_id ? -21.5 : NAN,
                 .score = 77.5,
                 .music_lufs = -38.1,
                 .speech_lufs = -INFINITY,
                 .mix_lufs = NAN},
        .engine_version = "0.1.0",
        .model_hash = "",
        .params = "p3",
        .catalogue_version = 7,
    };
    snprintf(air.channel, sizeof air.channel, "%s", channel);
    snprintf(key, sizeof key, "%s %" PRId64 " %d", channel, segment_id, n);
    ut_uuid_from_text(key, air.id);
    return air;
}

ut_event event_make(const ut_airplay *air)
{
    char key[64];
    ut_event event = {
        .type = "org.undertone.cue.identified.v1", .time_ns = air->start_ns, .json = (char *)"{\"cue\":1}"};
    snprintf(event.key, sizeof event.key, "%s", air->channel);
    snprintf(key, sizeof key, "event %s", air->id);
    ut_uuid_from_text(key, event.id);
    return event;
}

ut_store_stats stats_of(ut_store *store)
{
    ut_store_stats stats = {0};
    assert_ok(ut_store_describe(store, &stats, ERR));
    return stats;
}
