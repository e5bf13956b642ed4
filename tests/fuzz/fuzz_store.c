/* A damaged store: a good one with bytes changed as the input says (4 bytes each: offset, offset, offset, value), read
 * with every verb that reads. Whatever the damage, it ends with a status. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "db/store.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/undertone-fuzz-XXXXXX";
static char *good, *bytes;
static size_t good_size;

static void remove_folder(void)
{
    char path[100];
    static const char *const names[] = {"good.db", "bad.db", "bad.db-wal", "bad.db-shm"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

static ut_status fill(ut_store *store)
{
    ut_segment segment = {.channel = "one", .source = "file", .time_source = "given"};
    ut_status rc = ut_store_segment_put(store, &segment, NULL);
    for (int n = 1; rc == UT_OK && n < 6; n++) {
        ut_party party = {.name = (char *)"Ann", .ipi = (char *)"00017798450", .share = 0.5};
        ut_recording rec = {.title = (char *)"Title", .parties = &party, .party_count = 1};
        ut_fingerprint_row row = {"p3", (const uint8_t *)"fingerprint", 11};
        ut_airplay air = {.channel = "one", .start_ns = n, .end_ns = n + 1};
        ut_event event = {.type = "type", .key = "one", .json = (char *)"{}"};
        ut_checkpoint at = {.resume_sample = n};
        bool created;
        size_t added;
        snprintf(rec.audio_sha256, sizeof rec.audio_sha256, "%064d", n);
        snprintf(air.id, sizeof air.id, "%036d", n);
        snprintf(event.id, sizeof event.id, "%036d", n);
        rc = ut_store_recording_put(store, &rec, &row, 1, &created, NULL);
        air.what.recording_id = rec.id;
        if (rc == UT_OK)
            rc = ut_store_source_put(store, "/a.wav", n, n, rec.id, NULL);
        if (rc == UT_OK)
            rc = ut_store_airplay_put(store, segment.id, &air, &event, 1, &at, &added, NULL);
    }
    return rc;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char dsn[100];
    ut_store *store = NULL;
    (void)argc;
    (void)argv;
    if (!mkdtemp(folder))
        abort();
    atexit(remove_folder);
    snprintf(dsn, sizeof dsn, "sqlite:%s/good.db", folder);
    if (ut_store_open(dsn, UT_STORE_CREATE, &store, NULL) != UT_OK || fill(store) != UT_OK)
        abort();
    ut_store_close(&store);
    if (ut_file_read(dsn + 7, 1 << 20, &good, &good_size, NULL) != UT_OK || !(bytes = malloc(good_size)))
        abort();
    return 0;
}

static ut_status see_recording(void *arg, const ut_recording *rec)
{
    *(size_t *)arg += strlen(rec->title) + rec->party_count;
    return UT_OK;
}

static ut_status see_fingerprint(void *arg, int64_t id, const uint8_t *data, size_t size)
{
    *(size_t *)arg += (size_t)id + (size ? data[size - 1] : 0);
    return UT_OK;
}

static ut_status see_airplay(void *arg, const ut_airplay *air)
{
    *(size_t *)arg += strlen(air->id) + strlen(ut_outcome_name(air->what.outcome));
    return UT_OK;
}

static ut_status see_gap(void *arg, const ut_gap *gap)
{
    *(size_t *)arg += strlen(gap->reason);
    return UT_OK;
}

static void read_all(ut_store *store)
{
    ut_event events[8];
    ut_holding holding;
    ut_checkpoint checkpoint;
    ut_store_stats stats;
    int64_t id;
    size_t sum = 0, got = 0;
    ut_err err;
    ut_status rc[] = {
        ut_store_recording_each(store, see_recording, &sum, &err),
        ut_store_fingerprint_each(store, "p3", see_fingerprint, &sum, &err),
        ut_store_airplay_each(store, "one", INT64_MIN, INT64_MAX, see_airplay, &sum, &err),
        ut_store_gap_each(store, NULL, INT64_MIN, INT64_MAX, see_gap, &sum, &err),
        ut_store_recording_holding(store, 1, &holding, &err),
        ut_store_checkpoint_get(store, 1, &checkpoint, &err),
        ut_store_source_known(store, "/a.wav", 5, 5, &id, &err),
        ut_store_describe(store, &stats, &err),
        ut_store_verify(store, &err),
    };
    if (ut_store_outbox_peek(store, 0, events, 8, &got, &err) == UT_OK) {
        for (size_t i = 0; i < got; i++)
            ut_event_clear(&events[i]);
    }
    for (size_t i = 0; i < sizeof rc / sizeof *rc; i++) {
        if (rc[i] > 0)
            __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char dsn[100];
    ut_store *store = NULL;
    ut_err err = {0};
    memcpy(bytes, good, good_size);
    for (size_t i = 0; i + 4 <= size; i += 4) {
        size_t at = (size_t)data[i] << 16 | (size_t)data[i + 1] << 8 | data[i + 2];
        bytes[at % good_size] = (char)data[i + 3];
    }
    snprintf(dsn, sizeof dsn, "sqlite:%s/bad.db", folder);
    FILE *file = fopen(dsn + 7, "wb");
    if (!file || fwrite(bytes, 1, good_size, file) != good_size || fclose(file) != 0)
        abort();
    if (ut_store_open(dsn, UT_STORE_READ, &store, &err) == UT_OK)
        read_all(store);
    else if (!err.text[0])
        __builtin_trap();
    ut_store_close(&store);
    return 0;
}
