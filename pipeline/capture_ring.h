/* The ring between capture and reader of one channel: a fixed number of slots, allocated once. The writer never waits
 * unless it asks to; audio is refused when the ring is full, and a few slots are kept back so that segments and gaps
 * still find room.
 *
 * One writer at a time (the channel's lock sees to that) and one reader. */
#ifndef UT_PIPELINE_CAPTURE_RING_H
#define UT_PIPELINE_CAPTURE_RING_H

#include "pipeline/supervisor.h"

#define UT_SLOT_FRAMES 1600 /* 100 ms */

typedef struct {
    ut_capture_kind kind;
    bool ready; /* false: its times are not settled yet; the reader waits for it */
    bool void_; /* the reader passes over it */
    int64_t first_sample;
    size_t frames;
    union {
        ut_segment segment;
        ut_gap gap;
        float samples[UT_SLOT_FRAMES];
    } of;
} ut_slot;

typedef struct ut_capture_ring ut_capture_ring;

UT_CHECK ut_status ut_capture_ring_open(size_t audio_slots, ut_capture_ring **out, ut_err *err);
void ut_capture_ring_close(ut_capture_ring **ring);

/* Writer: a slot to fill, or NULL if there is none. Asking again before the commit gives the same one. */
ut_slot *ut_capture_ring_reserve(ut_capture_ring *ring, ut_capture_kind kind);
/* Passes the reserved slot on. A slot that is not ready stays the writer's to fill until ut_capture_ring_settle. */
void ut_capture_ring_commit(ut_capture_ring *ring, bool ready);
/* Makes `slot` ready; void_: nothing is to be read of it. */
void ut_capture_ring_settle(ut_capture_ring *ring, ut_slot *slot, bool void_);
/* Waits until `slots` audio slots are free, or the ring is woken. */
void ut_capture_ring_wait_room(ut_capture_ring *ring, size_t slots);
/* Ends every wait of the writer, now and from now on (true) or no longer (false). */
void ut_capture_ring_wake_writer(ut_capture_ring *ring, bool awake);
/* Nothing more will come: once all is read, read gives UT_E_STOPPED. */
void ut_capture_ring_finish(ut_capture_ring *ring);

/* Reader: the next slot, borrowed until the next call. As ut_supervisor_read. */
UT_CHECK ut_status ut_capture_ring_read(ut_capture_ring *ring, int timeout_ms, const ut_slot **out, ut_err *err);
/* Slots that wait for the reader. */
size_t ut_capture_ring_waiting(ut_capture_ring *ring);
/* Slots that are free for audio. */
size_t ut_capture_ring_room(ut_capture_ring *ring);

#endif
