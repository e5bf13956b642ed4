#include "tests/unit/fake_store.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "db/store.h"

struct ut_store {
    int unused;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ut_store handle;
static fake_store_state in;
static ut_status failing;
static int period, calls;
static ut_status periodic;

fake_store_state fake_store(void)
{
    pthread_mutex_lock(&lock);
    fake_store_state copy = in;
    pthread_mutex_unlock(&lock);
    return copy;
}

void fake_store_reset(void)
{
    pthread_mutex_lock(&lock);
    memset(&in, 0, sizeof in);
    failing = UT_OK;
    period = calls = 0;
    pthread_mutex_unlock(&lock);
}

void fake_store_fail(ut_status code)
{
    pthread_mutex_lock(&lock);
    failing = code;
    pthread_mutex_unlock(&lock);
}

void fake_store_fail_every(int every, ut_status code)
{
    pthread_mutex_lock(&lock);
    period = every;
    periodic = code;
    pthread_mutex_unlock(&lock);
}

/* Takes the lock; on UT_OK the caller gives it back. */
static ut_status enter(ut_err *err)
{
    pthread_mutex_lock(&lock);
    ut_status rc = failing;
    if (rc == UT_OK && period && ++calls % period == 0)
        rc = periodic;
    if (rc == UT_OK)
        return rc;
    pthread_mutex_unlock(&lock);
    return ut_fail(err, rc, "fake store: told to fail");
}

static ut_status leave(void)
{
    pthread_mutex_unlock(&lock);
    return UT_OK;
}

ut_status ut_store_open(const char *dsn, ut_store_mode mode, ut_store **out, ut_err *err)
{
    (void)dsn, (void)mode;
    if (enter(err) != UT_OK)
        return err->code;
    in.opens++;
    *out = &handle;
    return leave();
}

void ut_store_close(ut_store **store)
{
    if (!*store)
        return;
    pthread_mutex_lock(&lock);
    in.closes++;
    pthread_mutex_unlock(&lock);
    *store = NULL;
}

ut_status ut_store_segment_put(ut_store *store, ut_segment *segment, ut_err *err)
{
    (void)store;
    if (enter(err) != UT_OK)
        return err->code;
    segment->id = ++in.segments;
    return leave();
}

void ut_store_write_as(ut_store *store, const char *owner)
{
    (void)store;
    (void)owner;
}

ut_status ut_store_segment_end(ut_store *store, int64_t segment_id, int64_t sample_count, ut_err *err)
{
    (void)store, (void)segment_id, (void)sample_count;
    if (enter(err) != UT_OK)
        return err->code;
    in.ended++;
    return leave();
}

ut_status ut_store_gap_put(ut_store *store, const ut_gap *gap, const ut_event *event, ut_err *err)
{
    (void)store;
    if (enter(err) != UT_OK)
        return err->code;
    in.gap_list[in.gaps++ % 64] = *gap;
    in.events += event != NULL;
    return leave();
}

ut_status ut_store_recording_get(ut_store *store, int64_t id, ut_recording *out, ut_err *err)
{
    (void)store, (void)out;
    return ut_fail(err, UT_E_NOTFOUND, "fake store: recording %d", (int)id);
}

ut_status ut_store_airplay_put(ut_store *store, int64_t segment_id, const ut_airplay *airplays, const ut_event *events,
                               size_t count, const ut_checkpoint *checkpoint, size_t *added, ut_err *err)
{
    (void)store;
    if (segment_id <= 0)
        return ut_fail(err, UT_E_ARG, "fake store: segment %d", (int)segment_id);
    if (enter(err) != UT_OK)
        return err->code;
    *added = 0;
    for (size_t i = 0; i < count; i++) {
        bool there = false;
        for (int k = 0; k < in.airplays && k < 64; k++)
            there |= strcmp(in.first_ids[k], airplays[i].id) == 0;
        if (there)
            continue;
        int at = in.airplays++ % 64;
        memcpy(in.first_ids[at], airplays[i].id, sizeof in.first_ids[at]);
        in.starts[at] = airplays[i].start_ns;
        in.recording_ids[at] = airplays[i].what.recording_id;
        in.catalogue_versions[at] = airplays[i].catalogue_version;
        in.events += events[i].json != NULL;
        *added += 1;
    }
    in.resume_sample = checkpoint->resume_sample;
    in.done = checkpoint->done;
    return leave();
}

/* Of what a channel does, its state is of no interest here. */
ut_status ut_store_outbox_put(ut_store *store, const ut_event *events, size_t count, size_t *added, ut_err *err)
{
    (void)store, (void)events, (void)err;
    *added = count;
    return UT_OK;
}

/* The outbox is linked with the journal, though none of these tests starts one. */
ut_status ut_store_outbox_peek(ut_store *store, int64_t after, ut_event *events, size_t capacity, size_t *got,
                               ut_err *err)
{
    (void)store, (void)after, (void)events, (void)capacity, (void)got;
    return ut_fail(err, UT_E_UNSUPPORTED, "fake store: no outbox");
}

ut_status ut_store_outbox_ack(ut_store *store, const int64_t *seqs, size_t count, ut_err *err)
{
    (void)store, (void)seqs, (void)count;
    return ut_fail(err, UT_E_UNSUPPORTED, "fake store: no outbox");
}

ut_status ut_store_lease_take(ut_store *store, const char *name, const char *owner, double for_s, bool *held,
                              char holder[UT_OWNER_SIZE], ut_err *err)
{
    (void)store, (void)name, (void)owner, (void)for_s, (void)held, (void)holder;
    return ut_fail(err, UT_E_UNSUPPORTED, "fake store: no leases");
}

ut_status ut_store_lease_drop(ut_store *store, const char *name, const char *owner, ut_err *err)
{
    (void)store, (void)name, (void)owner;
    return ut_fail(err, UT_E_UNSUPPORTED, "fake store: no leases");
}
