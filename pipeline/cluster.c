#include "pipeline/cluster.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/digest.h"
#include "core/log.h"
#include "fingerprint/track.h"
#include "pipeline/resolve.h"

enum { FOUND_MAX = UT_RESOLVE_MAX };
#define REST_SAMPLES ((int64_t)12 * UT_RATE_HZ) /* a shorter rest of a stretch belongs to what was found in it */

typedef struct {
    ut_hearing airing;
    ut_fingerprint *print;
    int64_t ref_from, ref_to; /* what of it the cluster is about; 0, 0: no other airing has said yet */
} founder;

typedef struct {
    ut_store *store;
    const ut_cluster_options *options;
    founder *founders;
    size_t count, capacity;
    ut_index *index; /* of the founders; ids are founders[id - 1] */
    ut_identification found[FOUND_MAX];
    size_t found_count;
    ut_cluster_result result;
} clusters;

/* --- trails ---------------------------------------------------------------------------------- */

typedef struct {
    int64_t id;
    ut_airplay air;
    ut_trail *trail; /* NULL: none, or damaged */
} loaded;

static ut_status load(void *arg, const ut_trail_row *row)
{
    loaded *l = arg;
    ut_err err = {0};
    l->id = row->id;
    l->air = row->air;
    ut_status rc = ut_trail_decode(row->data, row->size, &l->trail, &err);
    if (rc == UT_E_CORRUPT) {
        char text[2 * sizeof err.text];
        ut_log(UT_LOG_ERROR, "cluster", "trail-damaged", "cue=%s error=%s", row->air.id,
               ut_log_quote(text, sizeof text, err.text));
        return UT_OK;
    }
    return rc;
}

/* The first trail after `after`; l->id stays 0 if there is none. */
static ut_status trail_after(ut_store *store, const char *params, int64_t after, bool unknown, loaded *l, ut_err *err)
{
    *l = (loaded){0};
    ut_trail_query query = {.params = params,
                            .after = after,
                            .until_version = INT64_MAX,
                            .since_ns = INT64_MIN,
                            .unknown = unknown,
                            .limit = 1};
    return ut_store_trail_each(store, &query, load, l, err);
}

static ut_status trail_get(ut_store *store, const char *params, int64_t id, loaded *l, ut_err *err)
{
    ut_status rc = trail_after(store, params, id - 1, false, l, err);
    if (rc == UT_OK && l->id != id)
        ut_trail_close(&l->trail);
    return rc;
}

/* --- founders -------------------------------------------------------------------------------- */

static void clusters_clear(clusters *c)
{
    for (size_t i = 0; i < c->count; i++)
        ut_fingerprint_close(&c->founders[i].print);
    free(c->founders);
    ut_index_close(&c->index);
}

static ut_status founder_add(clusters *c, const ut_hearing *airing, const ut_trail *trail, ut_err *err)
{
    if (c->count == c->capacity) {
        size_t capacity = c->capacity ? 2 * c->capacity : 64;
        founder *grown = reallocarray(c->founders, capacity, sizeof *grown);
        if (!grown)
            return ut_fail(err, UT_E_NOMEM, "cluster: %zu", capacity);
        c->founders = grown;
        c->capacity = capacity;
    }
    founder *f = &c->founders[c->count];
    *f = (founder){.airing = *airing};
    ut_status rc = ut_trail_fingerprint(trail, airing->from_sample, airing->to_sample, &f->print, err);
    c->count += rc == UT_OK;
    ut_index_close(&c->index); /* made anew when it is needed */
    return rc;
}

static ut_status index_make(clusters *c, const ut_params *params, ut_err *err)
{
    ut_index_builder *builder = NULL;
    ut_status rc = ut_index_builder_open(params, &builder, err);
    for (size_t i = 0; i < c->count && rc == UT_OK; i++)
        rc = ut_index_builder_add(builder, (int64_t)i + 1, c->founders[i].print, err);
    if (rc == UT_OK)
        rc = ut_index_builder_finish(builder, 1, &c->index, err);
    ut_index_builder_close(&builder);
    return rc;
}

typedef struct {
    ut_hearing *items;
    size_t count, capacity;
} airings;

static ut_status keep_airing(void *arg, const ut_hearing *airing)
{
    airings *a = arg;
    if (a->count == a->capacity) {
        size_t capacity = a->capacity ? 2 * a->capacity : 64;
        ut_hearing *grown = reallocarray(a->items, capacity, sizeof *grown);
        if (!grown)
            return UT_E_NOMEM;
        a->items = grown;
        a->capacity = capacity;
    }
    a->items[a->count++] = *airing;
    return UT_OK;
}

static founder *founder_of(clusters *c, int64_t cluster_id)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->founders[i].airing.id == cluster_id)
            return &c->founders[i];
    return NULL;
}

/* What earlier calls left: founders, what their clusters are about, and the last trail that is dealt with. */
static ut_status restore(clusters *c, int64_t *last, ut_err *err)
{
    airings a = {0};
    *last = 0;
    ut_status rc = ut_store_hearing_each(c->store, 0, keep_airing, &a, err);
    for (size_t i = 0; i < a.count && rc == UT_OK; i++) {
        const ut_hearing *airing = &a.items[i];
        *last = airing->trail_id > *last ? airing->trail_id : *last;
        founder *f = founder_of(c, airing->cluster_id);
        if (f && f->ref_to == 0) {
            f->ref_from = airing->ref_from;
            f->ref_to = airing->ref_to;
        }
        if (airing->id != airing->cluster_id)
            continue;
        loaded l;
        rc = trail_get(c->store, c->options->params, airing->trail_id, &l, err);
        if (rc == UT_OK && l.trail)
            rc = founder_add(c, airing, l.trail, err);
        ut_trail_close(&l.trail);
    }
    free(a.items);
    return rc;
}

/* --- matching -------------------------------------------------------------------------------- */

static ut_status note_found(void *arg, const ut_identification *what)
{
    clusters *c = arg;
    if (c->found_count < FOUND_MAX)
        c->found[c->found_count++] = *what;
    return UT_OK;
}

static int64_t overlap(int64_t a_from, int64_t a_to, int64_t b_from, int64_t b_to)
{
    int64_t from = a_from > b_from ? a_from : b_from, to = a_to < b_to ? a_to : b_to;
    return to > from ? to - from : 0;
}

/* An airing of what a founder's cluster is about; false if it is of something else in the founder. */
static bool joins(const founder *f, const ut_identification *what, ut_hearing *out)
{
    int64_t from = f->airing.from_sample + (int64_t)(what->ref_start_s * UT_RATE_HZ);
    int64_t to = f->airing.from_sample + (int64_t)(what->ref_end_s * UT_RATE_HZ);
    if (f->ref_to > 0) {
        int64_t shorter = to - from < f->ref_to - f->ref_from ? to - from : f->ref_to - f->ref_from;
        if (2 * overlap(from, to, f->ref_from, f->ref_to) < shorter)
            return false;
    }
    *out = (ut_hearing){.cluster_id = f->airing.id,
                        .from_sample = what->start_sample,
                        .to_sample = what->end_sample,
                        .ref_from = from,
                        .ref_to = to,
                        .log10_e = what->log10_e};
    return true;
}

static int by_start(const void *a, const void *b)
{
    const ut_hearing *x = a, *y = b;
    return x->from_sample < y->from_sample ? -1 : x->from_sample > y->from_sample;
}

/* What of a stretch no airing covers becomes a founder, or, if it is short, part of its neighbour. */
static size_t cover(const ut_airplay *air, int64_t trail_id, ut_hearing *items, size_t joined, size_t capacity)
{
    size_t count = joined;
    int64_t at = air->what.start_sample, end = air->what.end_sample;
    qsort(items, joined, sizeof *items, by_start);
    for (size_t i = 0; i <= joined; i++) {
        int64_t next = i < joined ? items[i].from_sample : end;
        if (joined > 0 && next - at < REST_SAMPLES) {
            if (i < joined)
                items[i].from_sample = at < next ? at : next;
            else if (at < end)
                items[i - 1].to_sample = end;
        } else if (next > at && count < capacity) {
            items[count++] =
                (ut_hearing){.from_sample = at, .to_sample = next, .ref_from = at, .ref_to = next, .log10_e = NAN};
        }
        if (i < joined)
            at = items[i].to_sample > at ? items[i].to_sample : at;
    }
    for (size_t i = 0; i < count; i++)
        items[i].trail_id = trail_id;
    return count;
}

static ut_status place(clusters *c, const loaded *l, ut_hearing items[FOUND_MAX + 1], size_t *count, ut_err *err)
{
    const ut_identification *air = &l->air.what;
    size_t joined = 0;
    ut_status rc = UT_OK;
    c->found_count = 0;
    if (c->count > 0 && !c->index)
        rc = index_make(c, ut_trail_describe(l->trail).params, err);
    if (rc == UT_OK && c->count > 0)
        rc = ut_tracker_rematch(c->index, c->options->max_log10_e, l->trail, note_found, c, err);
    for (size_t i = 0; i < c->found_count && rc == UT_OK && joined < FOUND_MAX / 2; i++) {
        ut_identification *what = &c->found[i];
        if (2 * overlap(what->start_sample, what->end_sample, air->start_sample, air->end_sample) <
            what->end_sample - what->start_sample)
            continue;
        joined += joins(&c->founders[what->recording_id - 1], what, &items[joined]);
    }
    if (rc == UT_OK)
        *count = cover(&l->air, l->id, items, joined, FOUND_MAX);
    c->result.joined += joined;
    return rc;
}

static ut_status add_trail(clusters *c, const loaded *l, ut_err *err)
{
    ut_hearing items[FOUND_MAX + 1];
    size_t count = 0;
    ut_status rc = place(c, l, items, &count, err);
    if (rc == UT_OK)
        rc = ut_store_hearing_put(c->store, items, count, err);
    for (size_t i = 0; i < count && rc == UT_OK; i++) {
        founder *f = founder_of(c, items[i].cluster_id);
        if (f && f->ref_to == 0) {
            f->ref_from = items[i].ref_from;
            f->ref_to = items[i].ref_to;
        } else if (!f) {
            c->result.founded++;
            rc = founder_add(c, &items[i], l->trail, err);
        }
    }
    c->result.trails++;
    return rc;
}

/* --- labels ---------------------------------------------------------------------------------- */

typedef struct {
    ut_store *store;
    ut_resolver *resolver;
    int64_t recording_id;
} labelling;

static ut_status is_reviewed(void *arg, const ut_revision *revision)
{
    *(bool *)arg |= revision->air.revision > 1 && revision->cause == UT_CAUSE_PERSON;
    return UT_OK;
}

/* Where in the recording it is, nobody has measured: the cluster's own time counts. */
static ut_status label_one(labelling *l, const ut_hearing *airing, ut_err *err)
{
    ut_airplay air;
    loaded kept = {0};
    bool reviewed = false, changed = false;
    ut_status rc = ut_store_airplay_get(l->store, airing->airplay_id, &air, err);
    if (rc == UT_OK)
        rc = ut_store_revision_each(l->store, airing->airplay_id, is_reviewed, &reviewed, err);
    if (rc != UT_OK || reviewed || air.what.outcome != UT_UNIDENTIFIED || air.review == UT_REVIEW_REJECTED)
        return rc;
    if ((rc = trail_get(l->store, air.params, airing->trail_id, &kept, err)) != UT_OK)
        return rc;
    ut_identification what = {.outcome = UT_IDENTIFIED,
                              .witness = air.what.witness,
                              .start_sample = airing->from_sample,
                              .end_sample = airing->to_sample,
                              .recording_id = l->recording_id,
                              .ref_start_s = NAN,
                              .ref_end_s = NAN,
                              .time_scale = 1,
                              .log10_e = airing->log10_e,
                              .score = 0};
    rc = ut_resolver_add(l->resolver, &air, kept.trail, &what, 1, &changed, err);
    ut_trail_close(&kept.trail);
    return rc;
}

/* One transaction a cue: a cue that is heard in two parts is revised twice. */
static ut_status label_all(ut_store *store, int64_t cluster_id, int64_t recording_id, const char *who,
                           size_t *corrected, ut_err *err)
{
    airings a = {0};
    char why[64];
    int64_t version = 0;
    size_t added = 0;
    labelling l = {.store = store, .recording_id = recording_id};
    snprintf(why, sizeof why, "cluster %" PRId64 " was labelled", cluster_id);
    ut_status rc = ut_store_catalogue_version(store, &version, err);
    ut_resolver_note note = {.cause = UT_CAUSE_LABEL,
                             .cause_id = cluster_id,
                             .who = who,
                             .why = why,
                             .at_ns = ut_now_ns(),
                             .catalogue_version = version};
    if (rc == UT_OK)
        rc = ut_resolver_open(store, &note, &l.resolver, err);
    if (rc == UT_OK)
        rc = ut_store_hearing_each(store, cluster_id, keep_airing, &a, err);
    for (size_t i = 0; i < a.count && rc == UT_OK; i++)
        if ((rc = label_one(&l, &a.items[i], err)) == UT_OK)
            rc = ut_resolver_commit(l.resolver, corrected, &added, err);
    ut_resolver_close(&l.resolver);
    free(a.items);
    return rc;
}

ut_status ut_cluster_label(ut_store *store, int64_t cluster_id, int64_t recording_id, const char *who,
                           size_t *corrected, ut_err *err)
{
    ut_recording rec = {0};
    *corrected = 0;
    ut_status rc = ut_store_recording_get(store, recording_id, &rec, err);
    ut_recording_clear(&rec);
    if (rc == UT_OK)
        rc = ut_store_label_put(store, cluster_id, recording_id, who, ut_now_ns(), err);
    return rc == UT_OK ? label_all(store, cluster_id, recording_id, who, corrected, err) : rc;
}

ut_status ut_cluster_enrol(ut_store *store, int64_t cluster_id, const char *params, ut_recording *rec, ut_err *err)
{
    airings a = {0};
    loaded l = {0};
    ut_fingerprint *print = NULL;
    uint8_t *data = NULL;
    size_t size = 0;
    bool created;
    ut_status rc = ut_store_hearing_each(store, cluster_id, keep_airing, &a, err);
    if (rc == UT_OK && a.count == 0)
        rc = ut_fail(err, UT_E_NOTFOUND, "cluster %" PRId64 ": there is none", cluster_id);
    if (rc == UT_OK)
        rc = trail_get(store, params, a.items[0].trail_id, &l, err);
    if (rc == UT_OK && !l.trail)
        rc = ut_fail(err, UT_E_NOTFOUND, "cluster %" PRId64 ": its trail is gone", cluster_id);
    if (rc == UT_OK) /* of the founder, what the second airing shares with it */
        rc = ut_trail_fingerprint(l.trail, a.items[a.count > 1].ref_from, a.items[a.count > 1].ref_to, &print, err);
    if (rc == UT_OK)
        rc = ut_fingerprint_encode(print, &data, &size, err);
    if (rc == UT_OK) {
        ut_sha256(data, size, rec->audio_sha256);
        rec->duration_ms = (int64_t)(ut_fingerprint_seconds(print) * 1000);
        rec->added_ns = ut_now_ns();
        ut_fingerprint_row row = {params, data, size};
        rc = ut_store_recording_put(store, rec, &row, 1, &created, err);
    }
    free(data);
    ut_fingerprint_close(&print);
    ut_trail_close(&l.trail);
    free(a.items);
    return rc;
}

static ut_status apply_labels(clusters *c, ut_err *err)
{
    ut_status rc = UT_OK;
    for (size_t i = 0; i < c->count && rc == UT_OK; i++) {
        int64_t recording_id, cluster_id = c->founders[i].airing.id;
        rc = ut_store_label_get(c->store, cluster_id, &recording_id, err);
        if (rc == UT_OK)
            rc = label_all(c->store, cluster_id, recording_id, c->options->who, &c->result.labelled, err);
        else if (rc == UT_E_NOTFOUND)
            rc = UT_OK;
    }
    return rc;
}

static ut_status walk(clusters *c, int64_t last, int64_t total, ut_err *err)
{
    ut_status rc = UT_OK;
    loaded l;
    do {
        if (c->options->stopped && c->options->stopped())
            return ut_fail(err, UT_E_STOPPED, "stopped");
        rc = trail_after(c->store, c->options->params, last, true, &l, err);
        if (rc == UT_OK && l.id)
            last = l.id;
        if (rc == UT_OK && l.trail)
            rc = add_trail(c, &l, err);
        ut_trail_close(&l.trail);
        if (c->options->progress)
            c->options->progress(c->options->arg, c->result.trails, (uint64_t)total);
    } while (rc == UT_OK && l.id);
    return rc;
}

ut_status ut_cluster_update(ut_store *store, const ut_cluster_options *options, ut_cluster_result *result, ut_err *err)
{
    clusters c = {.store = store, .options = options};
    int64_t last = 0, total = 0, oldest = 0;
    ut_status rc = restore(&c, &last, err);
    ut_trail_query query = {
        .params = options->params, .after = last, .until_version = INT64_MAX, .since_ns = INT64_MIN, .unknown = true};
    if (rc == UT_OK)
        rc = ut_store_trail_count(store, &query, &total, &oldest, err);
    if (rc == UT_OK && total > 0)
        rc = walk(&c, last, total, err);
    if (rc == UT_OK)
        rc = apply_labels(&c, err);
    if (rc == UT_OK || rc == UT_E_STOPPED)
        *result = c.result;
    clusters_clear(&c);
    return rc;
}
