#include "pipeline/republish.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/event.h"

enum { BATCH = 256 };

typedef struct {
    ut_store *store;
    int64_t from_ns, to_ns;
    ut_airplay *airplays;
    size_t airplay_count, airplay_capacity;
    ut_gap *gaps;
    size_t gap_count, gap_capacity;
    ut_segment segment; /* of the airplay before */
    bool segment_known;
    ut_event batch[BATCH];
    size_t batch_count;
    ut_republished done;
    ut_err *err;
} work;

/* Room for one more in a list of items of `size` bytes. */
static ut_status grow(void **items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return UT_OK;
    size_t wanted = *capacity ? *capacity * 2 : 64;
    void *grown = reallocarray(*items, wanted, size);
    if (!grown)
        return UT_E_NOMEM;
    *items = grown;
    *capacity = wanted;
    return UT_OK;
}

static ut_status take_airplay(void *arg, const ut_airplay *air)
{
    work *w = arg;
    void *items = w->airplays;
    if (grow(&items, w->airplay_count, &w->airplay_capacity, sizeof *air) != UT_OK)
        return ut_fail(w->err, UT_E_NOMEM, "republish: %zu airplays", w->airplay_count);
    w->airplays = items;
    w->airplays[w->airplay_count++] = *air;
    return UT_OK;
}

static ut_status take_gap(void *arg, const ut_gap *gap)
{
    work *w = arg;
    void *items = w->gaps;
    if (grow(&items, w->gap_count, &w->gap_capacity, sizeof *gap) != UT_OK)
        return ut_fail(w->err, UT_E_NOMEM, "republish: %zu gaps", w->gap_count);
    w->gaps = items;
    w->gaps[w->gap_count++] = *gap;
    return UT_OK;
}

static ut_status find_segment(work *w, const ut_airplay *air)
{
    if (w->segment_known && w->segment.id == air->segment_id)
        return UT_OK;
    ut_status rc = ut_store_segment_get(w->store, air->segment_id, &w->segment, w->err);
    w->segment_known = rc == UT_OK;
    return rc;
}

static ut_status put_batch(work *w)
{
    size_t added = 0;
    ut_status rc = w->batch_count ? ut_store_outbox_put(w->store, w->batch, w->batch_count, &added, w->err) : UT_OK;
    w->done.added += added;
    while (w->batch_count > 0)
        ut_event_clear(&w->batch[--w->batch_count]);
    return rc;
}

/* The first revision is the airplay as it was recognised. */
static ut_status add_revision(work *w, const ut_revision *revision)
{
    const ut_airplay *air = &revision->air;
    ut_recording rec = {0};
    ut_status rc = find_segment(w, air);
    bool known = rc == UT_OK && air->what.recording_id != 0;
    if (known) {
        rc = ut_store_recording_get(w->store, air->what.recording_id, &rec, w->err);
        known = rc == UT_OK;
        rc = rc == UT_E_NOTFOUND ? UT_OK : rc;
    }
    ut_event *out = &w->batch[w->batch_count];
    if (rc == UT_OK && air->revision <= 1)
        rc = ut_event_of_airplay(air, &w->segment, known ? &rec : NULL, out, w->err);
    else if (rc == UT_OK)
        rc = ut_event_of_revision(revision, &w->segment, known ? &rec : NULL, out, w->err);
    ut_recording_clear(&rec);
    if (rc == UT_OK)
        w->batch_count++;
    return rc;
}

typedef struct {
    ut_revision *items;
    size_t count, capacity;
    ut_err *err;
} history;

static ut_status take_revision(void *arg, const ut_revision *revision)
{
    history *h = arg;
    void *items = h->items;
    if (grow(&items, h->count, &h->capacity, sizeof *revision) != UT_OK)
        return ut_fail(h->err, UT_E_NOMEM, "republish: %zu revisions", h->count);
    h->items = items;
    h->items[h->count++] = *revision;
    return UT_OK;
}

static ut_status add_airplay(work *w, const ut_airplay *air)
{
    history h = {.err = w->err};
    ut_status rc = ut_store_revision_each(w->store, air->id, take_revision, &h, w->err);
    for (size_t i = 0; rc == UT_OK && i < h.count; i++) {
        rc = add_revision(w, &h.items[i]);
        if (rc == UT_OK && w->batch_count == BATCH)
            rc = put_batch(w);
    }
    free(h.items);
    w->done.airplays += rc == UT_OK;
    return rc;
}

static ut_status add_gap(work *w, const ut_gap *gap)
{
    ut_status rc = ut_event_of_gap(gap, &w->batch[w->batch_count], w->err);
    if (rc != UT_OK)
        return rc;
    w->batch_count++;
    w->done.gaps++;
    return w->batch_count < BATCH ? UT_OK : put_batch(w);
}

ut_status ut_republish(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_republished *out,
                       ut_err *err)
{
    ut_err own = {0};
    work *w = calloc(1, sizeof *w);
    if (!w)
        return ut_fail(err, UT_E_NOMEM, "republish");
    w->store = store;
    w->err = &own;
    ut_status rc = ut_store_review_each(store, channel, from_ns, to_ns, take_airplay, w, &own);
    if (rc == UT_OK)
        rc = ut_store_gap_each(store, channel, from_ns, to_ns, take_gap, w, &own);
    for (size_t i = 0; rc == UT_OK && i < w->airplay_count; i++)
        rc = add_airplay(w, &w->airplays[i]);
    for (size_t i = 0; rc == UT_OK && i < w->gap_count; i++)
        rc = add_gap(w, &w->gaps[i]);
    if (rc == UT_OK)
        rc = put_batch(w);
    while (w->batch_count > 0)
        ut_event_clear(&w->batch[--w->batch_count]);
    if (rc == UT_OK)
        *out = w->done;
    else if (err)
        *err = own;
    free(w->airplays);
    free(w->gaps);
    free(w);
    return rc;
}
