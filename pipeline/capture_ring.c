#include "pipeline/capture_ring.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define KEPT_BACK 64 /* slots for segments and gaps alone */

struct ut_capture_ring {
    pthread_mutex_t lock;
    pthread_cond_t filled, freed;
    ut_slot *slots;
    size_t capacity; /* all slots */
    size_t head;     /* next to read */
    size_t count;    /* committed and not given back */
    bool reading;    /* the slot at head is the reader's */
    bool finished;
    bool awake; /* the writer is not to wait */
};

ut_status ut_capture_ring_open(size_t audio_slots, ut_capture_ring **out, ut_err *err)
{
    ut_capture_ring *ring = calloc(1, sizeof *ring);
    size_t bytes;
    if (!ring || !ut_mul_ok(audio_slots + KEPT_BACK, sizeof *ring->slots, &bytes) || !(ring->slots = malloc(bytes))) {
        free(ring);
        return ut_fail(err, UT_E_NOMEM, "capture ring of %zu slots", audio_slots);
    }
    ring->capacity = audio_slots + KEPT_BACK;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&ring->filled, &attributes);
    pthread_cond_init(&ring->freed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&ring->lock, NULL);
    *out = ring;
    return UT_OK;
}

void ut_capture_ring_close(ut_capture_ring **ring)
{
    if (!*ring)
        return;
    pthread_mutex_destroy(&(*ring)->lock);
    pthread_cond_destroy(&(*ring)->filled);
    pthread_cond_destroy(&(*ring)->freed);
    free((*ring)->slots);
    free(*ring);
    *ring = NULL;
}

ut_slot *ut_capture_ring_reserve(ut_capture_ring *ring, ut_capture_kind kind)
{
    pthread_mutex_lock(&ring->lock);
    size_t limit = ring->capacity - (kind == UT_CAPTURE_AUDIO ? KEPT_BACK : 0);
    ut_slot *slot = ring->count < limit ? &ring->slots[(ring->head + ring->count) % ring->capacity] : NULL;
    pthread_mutex_unlock(&ring->lock);
    if (slot)
        slot->kind = kind;
    return slot;
}

void ut_capture_ring_commit(ut_capture_ring *ring, bool ready)
{
    pthread_mutex_lock(&ring->lock);
    ut_slot *slot = &ring->slots[(ring->head + ring->count) % ring->capacity];
    slot->ready = ready;
    slot->void_ = false;
    ring->count++;
    pthread_cond_signal(&ring->filled);
    pthread_mutex_unlock(&ring->lock);
}

void ut_capture_ring_settle(ut_capture_ring *ring, ut_slot *slot, bool void_)
{
    pthread_mutex_lock(&ring->lock);
    slot->ready = true;
    slot->void_ = void_;
    pthread_cond_signal(&ring->filled);
    pthread_mutex_unlock(&ring->lock);
}

void ut_capture_ring_wait_room(ut_capture_ring *ring, size_t slots)
{
    pthread_mutex_lock(&ring->lock);
    while (!ring->awake && ring->count + slots > ring->capacity - KEPT_BACK && ring->count)
        pthread_cond_wait(&ring->freed, &ring->lock);
    pthread_mutex_unlock(&ring->lock);
}

void ut_capture_ring_wake_writer(ut_capture_ring *ring, bool awake)
{
    pthread_mutex_lock(&ring->lock);
    ring->awake = awake;
    pthread_cond_broadcast(&ring->freed);
    pthread_mutex_unlock(&ring->lock);
}

void ut_capture_ring_finish(ut_capture_ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    ring->finished = true;
    pthread_cond_broadcast(&ring->filled);
    pthread_mutex_unlock(&ring->lock);
}

static void give_back(ut_capture_ring *ring)
{
    ring->head = (ring->head + 1) % ring->capacity;
    ring->count--;
    pthread_cond_signal(&ring->freed);
}

static bool has_next(ut_capture_ring *ring)
{
    while (ring->count && ring->slots[ring->head].ready && ring->slots[ring->head].void_)
        give_back(ring);
    return ring->count && ring->slots[ring->head].ready;
}

ut_status ut_capture_ring_read(ut_capture_ring *ring, int timeout_ms, const ut_slot **out, ut_err *err)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + (int64_t)timeout_ms * 1000000;
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    pthread_mutex_lock(&ring->lock);
    if (ring->reading) {
        ring->reading = false;
        give_back(ring);
    }
    int waited = 0;
    while (!has_next(ring) && !(ring->finished && !ring->count) && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&ring->filled, &ring->lock, &until);
    ut_status rc = UT_OK;
    if (has_next(ring)) {
        ring->reading = true;
        *out = &ring->slots[ring->head];
    } else if (ring->finished && !ring->count) {
        rc = ut_fail(err, UT_E_STOPPED, "capture has stopped");
    } else {
        rc = ut_fail(err, UT_E_BUSY, "nothing captured within %d ms", timeout_ms);
    }
    pthread_mutex_unlock(&ring->lock);
    return rc;
}

size_t ut_capture_ring_waiting(ut_capture_ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    size_t count = ring->count;
    pthread_mutex_unlock(&ring->lock);
    return count;
}

size_t ut_capture_ring_room(ut_capture_ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    size_t limit = ring->capacity - KEPT_BACK, room = ring->count < limit ? limit - ring->count : 0;
    pthread_mutex_unlock(&ring->lock);
    return room;
}
