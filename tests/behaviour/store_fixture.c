#include "tests/behaviour/store_fixture.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "core/clock.h"
#include "core/digest.h"

ut_err fixture_err;

bool fixture_is_postgres(void)
{
    const char *kind = getenv("UT_TEST_DSN");
    return kind && strcmp(kind, "postgresql") == 0;
}

/* Runs a statement on the server, outside of any store. */
static void server_run(const char *format, const char *name)
{
    char sql[200], connection[300];
    const char *server = getenv("UT_TEST_POSTGRES");
    assert_non_null(server);
    snprintf(connection, sizeof connection, "%s dbname=postgres options='-c client_min_messages=error'", server);
    PGconn *conn = PQconnectdb(connection);
    snprintf(sql, sizeof sql, format, name);
    PGresult *result = PQexec(conn, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
}

/* The name of a database, of the folder: unique, and dropped by it. */
static void database_name(const fixture *f, const char *suffix, char *name, size_t size)
{
    snprintf(name, size, "ut%s%s", strrchr(f->folder, '-') + 1, suffix);
}

void fixture_new_dsn(const fixture *f, char *dsn)
{
    char name[64];
    if (!fixture_is_postgres()) {
        snprintf(dsn, 256, "sqlite:%s/new/folder/other.db", f->folder);
        return;
    }
    database_name(f, "b", name, sizeof name);
    server_run("CREATE DATABASE \"%s\"", name);
    snprintf(dsn, 256, "postgresql:%s dbname=%s", getenv("UT_TEST_POSTGRES"), name);
}

static void store_make(fixture *f)
{
    char name[64];
    if (fixture_is_postgres()) {
        database_name(f, "", name, sizeof name);
        server_run("CREATE DATABASE \"%s\"", name);
        snprintf(f->dsn, sizeof f->dsn, "postgresql:%s dbname=%s", getenv("UT_TEST_POSTGRES"), name);
    } else {
        snprintf(f->dsn, sizeof f->dsn, "sqlite:%s", f->path);
    }
    assert_ok(ut_store_open(f->dsn, UT_STORE_CREATE, &f->store, ERR));
}

static void store_destroy(fixture *f)
{
    char name[64];
    ut_store_close(&f->store);
    if (fixture_is_postgres()) {
        database_name(f, "", name, sizeof name);
        server_run("DROP DATABASE IF EXISTS \"%s\" WITH (FORCE)", name);
        database_name(f, "b", name, sizeof name);
        server_run("DROP DATABASE IF EXISTS \"%s\" WITH (FORCE)", name);
    } else {
        unlink(f->path);
    }
}

void fixture_remake(fixture *f)
{
    store_destroy(f);
    store_make(f);
}

int fixture_setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    strcpy(f->folder, "/tmp/undertone-store-XXXXXX");
    if (!mkdtemp(f->folder))
        return -1;
    setenv("XDG_CACHE_HOME", f->folder, 1);
    snprintf(f->path, sizeof f->path, "%s/undertone.db", f->folder);
    store_make(f);
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    fixture *f = *state;
    char command[128];
    store_destroy(f);
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
