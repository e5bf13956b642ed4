#include "pipeline/rematch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "fingerprint/scout.h"
#include "fingerprint/track.h"
#include "pipeline/catalogue.h"
#include "pipeline/resolve.h"

enum { BATCH = 64, TRIES = 5 };

typedef struct {
    int64_t id;
    ut_airplay air;
    ut_trail *trail; /* NULL: damaged */
} kept;

typedef struct {
    ut_store *store;
    const ut_rematch_options *options;
    ut_index *index; /* the whole catalogue */
    ut_index *fresh; /* what is new; NULL: everything is asked for */
    ut_scout *scout;
    ut_resolver *resolver;
    kept batch[BATCH];
    size_t batch_count;
    ut_identification found[UT_RESOLVE_MAX];
    size_t found_count;
    ut_rematch_result result;
} rematch;

/* --- what is new ----------------------------------------------------------------------------- */

static ut_status fresh_add(void *arg, int64_t recording_id, const uint8_t *data, size_t size)
{
    ut_fingerprint *print = NULL;
    if (ut_fingerprint_decode(data, size, &print, NULL) != UT_OK)
        return UT_OK; /* a damaged one is told when the catalogue is loaded */
    ut_status rc = ut_index_builder_add(arg, recording_id, print, NULL);
    ut_fingerprint_close(&print);
    return rc;
}

static ut_status fresh_build(rematch *r, int64_t since_version, ut_err *err)
{
    ut_index_builder *builder = NULL;
    ut_index_info info = ut_index_describe(r->index);
    ut_status rc = ut_index_builder_open(info.params, &builder, err);
    if (rc == UT_OK)
        rc = ut_store_fingerprint_since(r->store, r->options->params, since_version, fresh_add, builder, err);
    if (rc == UT_OK)
        rc = ut_index_builder_finish(builder, info.catalogue_version, &r->fresh, err);
    ut_index_builder_close(&builder);
    if (rc == UT_OK)
        rc = ut_scout_open(r->fresh, &r->scout, err);
    return rc;
}

/* --- a batch --------------------------------------------------------------------------------- */

static void batch_clear(rematch *r)
{
    for (size_t i = 0; i < r->batch_count; i++)
        ut_trail_close(&r->batch[i].trail);
    r->batch_count = 0;
}

static ut_status batch_add(void *arg, const ut_trail_row *row)
{
    rematch *r = arg;
    kept *k = &r->batch[r->batch_count];
    ut_err err = {0};
    *k = (kept){.id = row->id, .air = row->air};
    ut_status rc = ut_trail_decode(row->data, row->size, &k->trail, &err);
    if (rc == UT_E_CORRUPT) {
        char text[2 * sizeof err.text];
        ut_log(UT_LOG_ERROR, "rematch", "trail-damaged", "cue=%s error=%s", row->air.id,
               ut_log_quote(text, sizeof text, err.text));
        r->result.damaged++;
        rc = UT_OK;
    }
    if (rc == UT_OK)
        r->batch_count++;
    return rc;
}

static ut_status note_found(void *arg, const ut_identification *what)
{
    rematch *r = arg;
    if (r->found_count < UT_RESOLVE_MAX)
        r->found[r->found_count++] = *what;
    return UT_OK;
}

static ut_status match_one(rematch *r, const kept *k, ut_err *err)
{
    bool maybe = true, changed;
    ut_trail_info info = ut_trail_describe(k->trail);
    ut_status rc = r->scout ? ut_scout_look(r->scout, k->trail, &maybe, err) : UT_OK;
    r->found_count = 0;
    if (rc == UT_OK && maybe) {
        r->result.matched++;
        rc = ut_tracker_rematch(r->index, r->options->max_log10_e, k->trail, note_found, r, err);
    }
    if (rc == UT_OK && r->found_count)
        rc = ut_resolver_add(r->resolver, &k->air, k->trail, r->found, r->found_count, &changed, err);
    if (rc == UT_OK)
        rc = ut_resolver_matched(r->resolver, k->id, err);
    r->result.trails++;
    r->result.seconds += (double)(info.end_sample - info.start_sample) / UT_RATE_HZ;
    return rc;
}

static ut_status batch_match(rematch *r, ut_err *err)
{
    ut_status rc = UT_OK;
    for (size_t i = 0; i < r->batch_count && rc == UT_OK; i++)
        if (r->batch[i].trail)
            rc = match_one(r, &r->batch[i], err);
    return rc == UT_OK ? ut_resolver_commit(r->resolver, &r->result.revised, &r->result.added, err) : rc;
}

/* Somebody may revise an airplay between our reading and our writing: then it is read again. */
static ut_status batch_do(rematch *r, const ut_trail_query *query, ut_err *err)
{
    ut_status rc = UT_E_BUSY;
    for (int i = 0; i < TRIES && rc == UT_E_BUSY; i++) {
        ut_rematch_result before = r->result;
        batch_clear(r);
        rc = ut_store_trail_each(r->store, query, batch_add, r, err);
        if (rc == UT_OK)
            rc = batch_match(r, err);
        if (rc == UT_E_BUSY)
            r->result = before;
    }
    return rc;
}

static ut_status walk(rematch *r, ut_trail_query query, uint64_t total, ut_err *err)
{
    uint64_t done = 0;
    query.limit = BATCH;
    do {
        if (r->options->stopped && r->options->stopped())
            return ut_fail(err, UT_E_STOPPED, "stopped");
        ut_status rc = batch_do(r, &query, err);
        if (rc != UT_OK)
            return rc;
        done += r->batch_count;
        if (r->batch_count)
            query.after = r->batch[r->batch_count - 1].id;
        if (r->options->progress)
            r->options->progress(r->options->arg, done, total);
    } while (r->batch_count == BATCH);
    return UT_OK;
}

ut_status ut_rematch(ut_store *store, const ut_rematch_options *options, ut_rematch_result *result, ut_err *err)
{
    rematch *r = calloc(1, sizeof *r);
    if (!r)
        return ut_fail(err, UT_E_NOMEM, "rematch");
    r->store = store;
    r->options = options;
    int64_t total = 0, oldest = 0;
    char why[128] = "";
    ut_status rc = ut_catalogue_load(store, options->params, &r->index, err);
    if (rc != UT_OK)
        goto done;
    int64_t version = ut_index_describe(r->index).catalogue_version;
    ut_trail_query query = {.params = options->params,
                            .channel = options->channel,
                            .since_ns = options->since_ns,
                            .until_version = options->everything ? INT64_MAX : version,
                            .unreviewed = true,
                            .unknown = !options->everything};
    if ((rc = ut_store_trail_count(store, &query, &total, &oldest, err)) != UT_OK)
        goto done;
    if (!options->everything && (rc = fresh_build(r, oldest, err)) != UT_OK)
        goto done;
    r->result.recordings = ut_index_describe(r->fresh ? r->fresh : r->index).recordings;
    snprintf(why, sizeof why, "matched again with catalogue %" PRId64, version);
    ut_resolver_note note = {.cause = UT_CAUSE_REIDENTIFY,
                             .who = options->who,
                             .why = why,
                             .at_ns = ut_now_ns(),
                             .catalogue_version = version};
    if ((rc = ut_resolver_open(store, &note, &r->resolver, err)) != UT_OK)
        goto done;
    if (total > 0 && r->result.recordings > 0)
        rc = walk(r, query, (uint64_t)total, err);
done:
    if (rc == UT_OK || rc == UT_E_STOPPED)
        *result = r->result;
    batch_clear(r);
    ut_resolver_close(&r->resolver);
    ut_scout_close(&r->scout);
    ut_index_close(&r->fresh);
    ut_index_close(&r->index);
    free(r);
    return rc;
}
