#include "pipeline/recorder.h"

#include <stdlib.h>
#include <string.h>

struct ut_recorder {
    ut_segment segment;
    ut_versions versions;
    ut_finding *pending;
    size_t count, capacity;
};

ut_status ut_recorder_open(const ut_segment *segment, const ut_versions *versions, ut_recorder **out, ut_err *err)
{
    ut_recorder *recorder = malloc(sizeof *recorder);
    if (!recorder)
        return ut_fail(err, UT_E_NOMEM, "recorder");
    *recorder = (ut_recorder){.segment = *segment, .versions = *versions};
    *out = recorder;
    return UT_OK;
}

static void drop(ut_recorder *recorder)
{
    for (size_t i = 0; i < recorder->count; i++)
        free(recorder->pending[i].trail);
    recorder->count = 0;
}

void ut_recorder_close(ut_recorder **recorder)
{
    if (!recorder || !*recorder)
        return;
    drop(*recorder);
    free((*recorder)->pending);
    free(*recorder);
    *recorder = NULL;
}

ut_status ut_recorder_emit(void *arg, const ut_identification *what)
{
    ut_recorder *recorder = arg;
    if (recorder->count == recorder->capacity) {
        size_t capacity = recorder->capacity ? recorder->capacity * 2 : 16;
        ut_finding *grown = reallocarray(recorder->pending, capacity, sizeof *grown);
        if (!grown)
            return UT_E_NOMEM;
        recorder->pending = grown;
        recorder->capacity = capacity;
    }
    recorder->pending[recorder->count++] = (ut_finding){.what = *what};
    return UT_OK;
}

ut_status ut_recorder_keep(void *arg, uint8_t *trail, size_t size)
{
    ut_recorder *recorder = arg;
    ut_finding *last = recorder->count ? &recorder->pending[recorder->count - 1] : NULL;
    if (!last) {
        free(trail);
        return UT_OK;
    }
    free(last->trail);
    last->trail = trail;
    last->trail_size = size;
    return UT_OK;
}

size_t ut_recorder_pending(const ut_recorder *recorder)
{
    return recorder->count;
}

/* A recording may have been removed since the index was made: its airplay keeps the number. */
static ut_status place(const ut_recorder *recorder, ut_store *store, const ut_finding *found, ut_airplay *air,
                       ut_event *event, ut_err *err)
{
    const ut_identification *what = &found->what;
    ut_recording rec = {0};
    bool known = false;
    if (what->recording_id) {
        ut_status rc = ut_store_recording_get(store, what->recording_id, &rec, err);
        if (rc != UT_OK && rc != UT_E_NOTFOUND)
            return rc;
        known = rc == UT_OK;
    }
    ut_airplay_make(&recorder->segment, what, known ? &rec : NULL, &recorder->versions, air);
    air->trail = found->trail;
    air->trail_size = found->trail_size;
    ut_status rc = ut_event_of_airplay(air, &recorder->segment, known ? &rec : NULL, event, err);
    if (known)
        ut_recording_clear(&rec);
    return rc;
}

ut_status ut_recorder_commit(ut_recorder *recorder, ut_store *store, const ut_checkpoint *checkpoint, size_t *added,
                             ut_err *err)
{
    size_t count = recorder->count, placed = 0, fresh = 0;
    ut_airplay *airplays = calloc(count ? count : 1, sizeof *airplays);
    ut_event *events = calloc(count ? count : 1, sizeof *events);
    ut_status rc = UT_OK;
    if (!airplays || !events)
        rc = ut_fail(err, UT_E_NOMEM, "recorder: %zu airplays", count);
    for (; rc == UT_OK && placed < count; placed++)
        rc = place(recorder, store, &recorder->pending[placed], &airplays[placed], &events[placed], err);
    if (rc == UT_OK)
        rc = ut_store_airplay_put(store, recorder->segment.id, airplays, events, count, checkpoint, &fresh, err);
    for (size_t i = 0; events && i < placed; i++)
        ut_event_clear(&events[i]);
    free(events);
    free(airplays);
    if (rc != UT_OK)
        return rc;
    drop(recorder);
    if (added)
        *added = fresh;
    return UT_OK;
}
