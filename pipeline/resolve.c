#include "pipeline/resolve.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/digest.h"

#define LEFT_SAMPLES ((int64_t)3 * UT_RATE_HZ) /* shorter rests are not worth a cue */
#define PART_SAMPLES ((int64_t)UT_RATE_HZ)
/* Where unidentified music begins and ends is known to a quarter of a window; what is found may reach further. */
#define REACH_SAMPLES ((int64_t)12 * UT_RATE_HZ)

struct ut_resolver {
    ut_store *store;
    ut_resolver_note note;
    char who[64], why[256];
    ut_revision *revisions;
    ut_event *revision_events, *review_events;
    size_t revision_count, revision_capacity;
    ut_airplay *airplays; /* own their trails */
    ut_event *airplay_events;
    size_t airplay_count, airplay_capacity;
    int64_t *matched;
    size_t matched_count, matched_capacity;
};

ut_status ut_resolver_open(ut_store *store, const ut_resolver_note *note, ut_resolver **out, ut_err *err)
{
    ut_resolver *r = calloc(1, sizeof *r);
    if (!r)
        return ut_fail(err, UT_E_NOMEM, "resolver");
    r->store = store;
    r->note = *note;
    snprintf(r->who, sizeof r->who, "%s", note->who);
    snprintf(r->why, sizeof r->why, "%s", note->why);
    *out = r;
    return UT_OK;
}

static void drop(ut_resolver *r)
{
    for (size_t i = 0; i < r->revision_count; i++) {
        ut_event_clear(&r->revision_events[i]);
        ut_event_clear(&r->review_events[i]);
    }
    for (size_t i = 0; i < r->airplay_count; i++) {
        ut_event_clear(&r->airplay_events[i]);
        free((void *)(uintptr_t)r->airplays[i].trail);
    }
    r->revision_count = r->airplay_count = r->matched_count = 0;
}

void ut_resolver_close(ut_resolver **resolver)
{
    ut_resolver *r = *resolver;
    if (!r)
        return;
    drop(r);
    free(r->revisions);
    free(r->revision_events);
    free(r->review_events);
    free(r->airplays);
    free(r->airplay_events);
    free(r->matched);
    free(r);
    *resolver = NULL;
}

/* Room for one more in an array. */
static ut_status room(void *items, size_t count, size_t capacity, size_t size, ut_err *err)
{
    void **array = items;
    if (count < capacity)
        return UT_OK;
    void *grown = reallocarray(*array, capacity ? 2 * capacity : 16, size);
    if (!grown)
        return ut_fail(err, UT_E_NOMEM, "resolver: %zu changes", count);
    *array = grown;
    return UT_OK;
}

/* The recording, if there is one and it is known; *rec is cleared by the caller if it has a title. */
static ut_status recording_of(ut_resolver *r, const ut_identification *what, ut_recording *rec, ut_err *err)
{
    *rec = (ut_recording){0};
    if (!what->recording_id)
        return UT_OK;
    ut_status rc = ut_store_recording_get(r->store, what->recording_id, rec, err);
    return rc == UT_E_NOTFOUND ? UT_OK : rc;
}

ut_status ut_resolver_revise(ut_resolver *resolver, const ut_airplay *air, ut_err *err)
{
    ut_resolver *r = resolver;
    ut_segment segment;
    ut_recording rec;
    ut_status rc = room(&r->revisions, r->revision_count, r->revision_capacity, sizeof *r->revisions, err);
    if (rc == UT_OK)
        rc = room(&r->revision_events, r->revision_count, r->revision_capacity, sizeof *r->revision_events, err);
    if (rc == UT_OK)
        rc = room(&r->review_events, r->revision_count, r->revision_capacity, sizeof *r->review_events, err);
    if (rc == UT_OK)
        rc = ut_store_segment_get(r->store, air->segment_id, &segment, err);
    if (rc == UT_OK)
        rc = recording_of(r, &air->what, &rec, err);
    if (rc != UT_OK)
        return rc;
    if (r->revision_count == r->revision_capacity)
        r->revision_capacity = r->revision_capacity ? 2 * r->revision_capacity : 16;
    ut_revision *revision = &r->revisions[r->revision_count];
    *revision =
        (ut_revision){.air = *air, .cause = r->note.cause, .cause_id = r->note.cause_id, .at_ns = r->note.at_ns};
    revision->air.revision = (air->revision ? air->revision : 1) + 1;
    memcpy(revision->who, r->who, sizeof revision->who);
    memcpy(revision->why, r->why, sizeof revision->why);
    rc = ut_event_of_revision(revision, &segment, rec.title ? &rec : NULL, &r->revision_events[r->revision_count], err);
    ut_recording_clear(&rec);
    if (rc == UT_OK && (rc = ut_event_of_review(revision, &r->review_events[r->revision_count], err)) != UT_OK)
        ut_event_clear(&r->revision_events[r->revision_count]);
    r->revision_count += rc == UT_OK;
    return rc;
}

/* A new airplay of the same segment. */
static ut_status airplay_add(ut_resolver *r, const ut_airplay *of, const ut_identification *what, const ut_trail *trail,
                             ut_err *err)
{
    ut_segment segment;
    ut_recording rec;
    uint8_t *data = NULL;
    size_t size = 0;
    ut_status rc = room(&r->airplays, r->airplay_count, r->airplay_capacity, sizeof *r->airplays, err);
    if (rc == UT_OK)
        rc = room(&r->airplay_events, r->airplay_count, r->airplay_capacity, sizeof *r->airplay_events, err);
    if (rc == UT_OK)
        rc = ut_store_segment_get(r->store, of->segment_id, &segment, err);
    if (rc == UT_OK)
        rc = recording_of(r, what, &rec, err);
    if (rc != UT_OK)
        return rc;
    if (r->airplay_count == r->airplay_capacity)
        r->airplay_capacity = r->airplay_capacity ? 2 * r->airplay_capacity : 16;
    ut_versions versions = {.catalogue_version = r->note.catalogue_version};
    memcpy(versions.model_hash, of->model_hash, sizeof versions.model_hash);
    memcpy(versions.params, of->params, sizeof versions.params);
    ut_airplay air;
    ut_airplay_make(&segment, what, rec.title ? &rec : NULL, &versions, &air);
    memcpy(air.engine_version, of->engine_version, sizeof air.engine_version);
    if (!what->recording_id) { /* the first rest begins where the whole began, and must not have its id */
        char text[96];
        snprintf(text, sizeof text, "rest\n%s\n%" PRId64, of->id, air.start_ns);
        ut_uuid_from_text(text, air.id);
    }
    if (trail)
        rc = ut_trail_encode(trail, &data, &size, err);
    if (rc == UT_OK)
        rc = ut_event_of_airplay(&air, &segment, rec.title ? &rec : NULL, &r->airplay_events[r->airplay_count], err);
    ut_recording_clear(&rec);
    if (rc != UT_OK) {
        free(data);
        return rc;
    }
    air.trail = data;
    air.trail_size = size;
    r->airplays[r->airplay_count++] = air;
    return UT_OK;
}

static int by_start(const void *a, const void *b)
{
    const ut_identification *x = a, *y = b;
    return x->start_sample < y->start_sample ? -1 : x->start_sample > y->start_sample;
}

typedef struct {
    const ut_airplay *air;
    int64_t zero_ns, start, end; /* of the segment; samples */
} reach;

/* No further than where the neighbours are. */
static ut_status stop_at(void *arg, const ut_airplay *other)
{
    reach *x = arg;
    if (strcmp(other->id, x->air->id) == 0)
        return UT_OK;
    int64_t start = (other->start_ns - x->zero_ns) / (1000000000 / UT_RATE_HZ);
    int64_t end = (other->end_ns - x->zero_ns) / (1000000000 / UT_RATE_HZ);
    if (start >= x->air->what.start_sample && start < x->end)
        x->end = start > x->air->what.end_sample ? start : x->air->what.end_sample;
    if (end <= x->air->what.end_sample && end > x->start)
        x->start = end < x->air->what.start_sample ? end : x->air->what.start_sample;
    return UT_OK;
}

static int64_t zero_of(const ut_airplay *air)
{
    return air->start_ns - ut_sample_to_ns(0, air->what.start_sample);
}

static ut_status reach_of(ut_resolver *r, const ut_airplay *air, reach *out, ut_err *err)
{
    int64_t reach_ns = ut_sample_to_ns(0, REACH_SAMPLES);
    *out = (reach){.air = air,
                   .zero_ns = zero_of(air),
                   .start = air->what.start_sample - REACH_SAMPLES,
                   .end = air->what.end_sample + REACH_SAMPLES};
    if (out->start < 0)
        out->start = 0;
    return ut_store_airplay_each(r->store, air->channel, air->start_ns - reach_ns, air->end_ns + reach_ns, stop_at, out,
                                 err);
}

/* Those that lie in the airplay's stretch for the greater part, cut to what they may reach, in order, without what is
 * too short. */
static size_t cut(const ut_identification *found, size_t count, const reach *x, ut_identification *out)
{
    const ut_identification *air = &x->air->what;
    int64_t start = x->start, end = x->end;
    size_t kept = 0;
    for (size_t i = 0; i < count && kept < UT_RESOLVE_MAX; i++) {
        ut_identification what = found[i];
        int64_t from = what.start_sample > air->start_sample ? what.start_sample : air->start_sample;
        int64_t to = what.end_sample < air->end_sample ? what.end_sample : air->end_sample;
        if (2 * (to - from) < what.end_sample - what.start_sample)
            continue;
        double scale = what.time_scale > 0 ? what.time_scale : 1;
        if (what.start_sample < start) {
            what.ref_start_s += (double)(start - what.start_sample) / UT_RATE_HZ / scale;
            what.start_sample = start;
        }
        if (what.end_sample > end) {
            what.ref_end_s -= (double)(what.end_sample - end) / UT_RATE_HZ / scale;
            what.end_sample = end;
        }
        if (what.end_sample - what.start_sample >= PART_SAMPLES)
            out[kept++] = what;
    }
    qsort(out, kept, sizeof *out, by_start);
    return kept;
}

static ut_status leave_rest(ut_resolver *r, const ut_airplay *air, const ut_trail *trail, int64_t from, int64_t to,
                            ut_err *err)
{
    ut_identification rest = air->what;
    ut_trail *part = NULL;
    if (to - from < LEFT_SAMPLES)
        return UT_OK;
    rest.outcome = UT_UNIDENTIFIED;
    rest.recording_id = 0;
    rest.start_sample = from;
    rest.end_sample = to;
    rest.log10_e = NAN;
    rest.score = rest.ref_start_s = rest.ref_end_s = 0;
    rest.time_scale = 1;
    ut_status rc = trail ? ut_trail_part(trail, from, to, &part, err) : UT_OK;
    if (rc == UT_OK)
        rc = airplay_add(r, air, &rest, part, err);
    ut_trail_close(&part);
    return rc;
}

/* As the airplay will be; what was measured of the stretch stays. */
static ut_airplay revised(const ut_airplay *air, const ut_identification *what, int64_t catalogue_version)
{
    ut_airplay next = *air;
    int64_t zero_ns = zero_of(air);
    next.what = *what;
    next.what.music_lufs = air->what.music_lufs;
    next.what.speech_lufs = air->what.speech_lufs;
    next.what.mix_lufs = air->what.mix_lufs;
    next.start_ns = ut_sample_to_ns(zero_ns, what->start_sample);
    next.end_ns = ut_sample_to_ns(zero_ns, what->end_sample);
    next.review = UT_REVIEW_CORRECTED;
    next.catalogue_version = catalogue_version;
    return next;
}

ut_status ut_resolver_add(ut_resolver *resolver, const ut_airplay *air, const ut_trail *trail,
                          const ut_identification *found, size_t count, bool *changed, ut_err *err)
{
    ut_resolver *r = resolver;
    ut_identification parts[UT_RESOLVE_MAX];
    reach reaches;
    ut_status rc = reach_of(r, air, &reaches, err);
    if (rc != UT_OK)
        return rc;
    size_t kept = cut(found, count, &reaches, parts), main = 0;
    *changed = false;
    for (size_t i = 0; i < kept; i++) {
        if (parts[i].outcome == air->what.outcome && parts[i].recording_id == air->what.recording_id)
            return UT_OK; /* it says so already */
        if (parts[i].end_sample - parts[i].start_sample > parts[main].end_sample - parts[main].start_sample)
            main = i;
    }
    if (kept == 0)
        return UT_OK;
    ut_airplay next = revised(air, &parts[main], r->note.catalogue_version);
    rc = ut_resolver_revise(r, &next, err);
    int64_t at = air->what.start_sample;
    for (size_t i = 0; i < kept && rc == UT_OK; i++) {
        rc = leave_rest(r, air, trail, at, parts[i].start_sample, err);
        if (rc == UT_OK && i != main)
            rc = airplay_add(r, air, &parts[i], NULL, err);
        at = parts[i].end_sample > at ? parts[i].end_sample : at;
    }
    if (rc == UT_OK)
        rc = leave_rest(r, air, trail, at, air->what.end_sample, err);
    *changed = rc == UT_OK;
    return rc;
}

ut_status ut_resolver_matched(ut_resolver *resolver, int64_t trail_id, ut_err *err)
{
    ut_resolver *r = resolver;
    ut_status rc = room(&r->matched, r->matched_count, r->matched_capacity, sizeof *r->matched, err);
    if (rc != UT_OK)
        return rc;
    if (r->matched_count == r->matched_capacity)
        r->matched_capacity = r->matched_capacity ? 2 * r->matched_capacity : 16;
    r->matched[r->matched_count++] = trail_id;
    return UT_OK;
}

ut_status ut_resolver_commit(ut_resolver *resolver, size_t *revised, size_t *added, ut_err *err)
{
    ut_resolver *r = resolver;
    ut_change change = {
        .revisions = r->revisions,
        .revision_events = r->revision_events,
        .review_events = r->review_events,
        .revision_count = r->revision_count,
        .airplays = r->airplays,
        .airplay_events = r->airplay_events,
        .airplay_count = r->airplay_count,
        .matched = r->matched,
        .matched_count = r->matched_count,
        .matched_version = r->note.catalogue_version,
    };
    ut_status rc = UT_OK;
    if (r->revision_count || r->airplay_count || r->matched_count)
        rc = ut_store_change(r->store, &change, err);
    if (rc == UT_OK) {
        *revised += r->revision_count;
        *added += r->airplay_count;
    }
    if (rc == UT_OK || rc == UT_E_BUSY)
        drop(r);
    return rc;
}
