/* catalogue copy: recordings with all that belongs to them, from one store to another of either kind. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli.h"
#include "apps/recording_json.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/progress.h"
#include "db/store.h"

enum { BATCH = 256, BATCH_BYTES = 16 << 20, SETS = UT_HOLDING_SETS };

/* One recording that waits to be written. All owned. */
typedef struct {
    ut_recording rec;
    ut_fingerprint_row rows[SETS];
    ut_source_row *sources;
    size_t row_count, source_count;
} parcel;

typedef struct {
    ut_store *from, *to;
    ut_progress *progress;
    parcel *parcels; /* BATCH of them */
    ut_load_item items[BATCH];
    size_t count, bytes;
    int64_t added, present, fingerprints, fingerprint_bytes;
    ut_err *err;
} copying;

static void parcel_clear(parcel *p)
{
    ut_recording_clear(&p->rec);
    for (size_t i = 0; i < p->row_count; i++) {
        free((void *)p->rows[i].params);
        free((void *)p->rows[i].data);
    }
    for (size_t i = 0; i < p->source_count; i++)
        free((void *)p->sources[i].path);
    free(p->sources);
    *p = (parcel){0};
}

/* --- reading ---------------------------------------------------------------------------------- */

static ut_status take_fingerprint(void *arg, const ut_fingerprint_row *row)
{
    copying *c = arg;
    parcel *p = &c->parcels[c->count];
    if (p->row_count == SETS)
        return ut_fail(c->err, UT_E_CORRUPT, "recording %" PRId64 ": more than %d fingerprints", p->rec.id, SETS);
    char *params = strdup(row->params);
    uint8_t *data = malloc(row->size ? row->size : 1);
    if (!params || !data) {
        free(params);
        free(data);
        return ut_fail(c->err, UT_E_NOMEM, "recording %" PRId64 ": fingerprint of %zu bytes", p->rec.id, row->size);
    }
    memcpy(data, row->data, row->size);
    p->rows[p->row_count++] = (ut_fingerprint_row){params, data, row->size};
    c->bytes += row->size;
    return UT_OK;
}

static ut_status take_source(void *arg, const ut_source_row *row)
{
    copying *c = arg;
    parcel *p = &c->parcels[c->count];
    ut_source_row *grown = reallocarray(p->sources, p->source_count + 1, sizeof *grown);
    if (grown)
        p->sources = grown;
    char *path = grown ? strdup(row->path) : NULL;
    if (!path)
        return ut_fail(c->err, UT_E_NOMEM, "recording %" PRId64 ": source", p->rec.id);
    p->sources[p->source_count++] = (ut_source_row){path, row->size, row->mtime_ns};
    return UT_OK;
}

static bool holds(const ut_holding *holding, const char *params)
{
    for (size_t i = 0; i < holding->set_count; i++) {
        if (strcmp(holding->sets[i].params, params) == 0)
            return true;
    }
    return false;
}

/* Whether the target lacks a fingerprint that the source has: they are most of the bytes, and need not travel twice. */
static ut_status fingerprints_wanted(copying *c, const ut_recording *rec, bool *wanted)
{
    int64_t id = 0;
    ut_holding here = {0}, there = {0};
    ut_err ignored;
    ut_status rc = ut_store_recording_find(c->to, rec->audio_sha256, &id, &ignored);
    *wanted = true;
    if (rc == UT_E_NOTFOUND)
        return UT_OK;
    if (rc != UT_OK) {
        *c->err = ignored;
        return rc;
    }
    if ((rc = ut_store_recording_holding(c->to, id, &there, c->err)) == UT_OK)
        rc = ut_store_recording_holding(c->from, rec->id, &here, c->err);
    *wanted = false;
    for (size_t i = 0; rc == UT_OK && i < here.set_count; i++)
        *wanted |= !holds(&there, here.sets[i].params);
    return rc;
}

/* --- writing ---------------------------------------------------------------------------------- */

static ut_status batch_write(copying *c)
{
    for (size_t i = 0; i < c->count; i++) {
        parcel *p = &c->parcels[i];
        c->items[i] = (ut_load_item){.rec = &p->rec,
                                     .rows = p->rows,
                                     .row_count = p->row_count,
                                     .sources = p->sources,
                                     .source_count = p->source_count};
    }
    ut_status rc = ut_store_recording_load(c->to, c->items, c->count, c->err);
    for (size_t i = 0; i < c->count; i++) {
        parcel *p = &c->parcels[i];
        if (rc == UT_OK) {
            c->added += c->items[i].created;
            c->present += !c->items[i].created;
            c->fingerprints += (int64_t)p->row_count;
            for (size_t r = 0; r < p->row_count; r++)
                c->fingerprint_bytes += (int64_t)p->rows[r].size;
            ut_progress_add(c->progress, 1, p->rec.title);
        }
        parcel_clear(p);
    }
    c->count = c->bytes = 0;
    return rc;
}

static ut_status copy_one(void *arg, const ut_recording *rec)
{
    copying *c = arg;
    parcel *p = &c->parcels[c->count];
    bool wanted = false;
    ut_status rc =
        ut_cli_stopped() ? ut_fail(c->err, UT_E_STOPPED, "stopped; the same command goes on from here") : UT_OK;
    if (rc == UT_OK)
        rc = fingerprints_wanted(c, rec, &wanted);
    if (rc == UT_OK)
        rc = ut_recording_copy(rec, &p->rec, c->err);
    if (rc != UT_OK)
        return rc;
    if (wanted)
        rc = ut_store_fingerprint_of(c->from, rec->id, take_fingerprint, c, c->err);
    if (rc == UT_OK)
        rc = ut_store_source_each(c->from, rec->id, take_source, c, c->err);
    if (rc != UT_OK) {
        parcel_clear(p);
        return rc;
    }
    c->count++;
    return c->count == BATCH || c->bytes >= BATCH_BYTES ? batch_write(c) : UT_OK;
}

static ut_status copy_all(copying *c)
{
    ut_store_stats stats;
    if (!(c->parcels = calloc(BATCH, sizeof *c->parcels)))
        return ut_fail(c->err, UT_E_NOMEM, "%d recordings", BATCH);
    ut_status rc = ut_store_describe(c->from, &stats, c->err);
    if (rc == UT_OK)
        rc = ut_progress_open("catalogue copy", "recordings", (uint64_t)stats.recordings, &c->progress);
    if (rc == UT_OK)
        rc = ut_store_recording_each(c->from, copy_one, c, c->err);
    if (rc == UT_OK && c->count > 0)
        rc = batch_write(c);
    for (size_t i = 0; i < c->count; i++)
        parcel_clear(&c->parcels[i]);
    free(c->parcels);
    ut_progress_close(&c->progress);
    return rc;
}

/* --- the verb --------------------------------------------------------------------------------- */

static ut_status report(const ut_args *args, const copying *c, double seconds, ut_err *err)
{
    if (ut_args_json(args))
        return ut_json_print(json_pack("{sI sI sI sI sf}", "added", (json_int_t)c->added, "present",
                                       (json_int_t)c->present, "fingerprints", (json_int_t)c->fingerprints,
                                       "fingerprint_bytes", (json_int_t)c->fingerprint_bytes, "seconds", seconds),
                             err);
    printf("%" PRId64 " added, %" PRId64 " there already; %" PRId64 " fingerprints, %.1f MB, %.1f s\n", c->added,
           c->present, c->fingerprints, (double)c->fingerprint_bytes / 1e6, seconds);
    return UT_OK;
}

static int run(const ut_args *args)
{
    ut_err err = {0};
    copying *c = calloc(1, sizeof *c);
    double since_s = ut_monotonic_s();
    if (strcmp(ut_args_at(args, 0), ut_args_at(args, 1)) == 0) {
        free(c);
        return ut_cli_usage(args, "FROM and TO are the same store");
    }
    ut_status rc = c ? UT_OK : ut_fail(&err, UT_E_NOMEM, "catalogue copy");
    if (rc == UT_OK) {
        c->err = &err;
        rc = ut_store_open(ut_args_at(args, 0), UT_STORE_READ, &c->from, &err);
    }
    if (rc == UT_OK)
        rc = ut_store_open(ut_args_at(args, 1), UT_STORE_CREATE, &c->to, &err);
    if (rc == UT_OK)
        rc = copy_all(c);
    if (rc == UT_OK)
        rc = report(args, c, ut_monotonic_s() - since_s, &err);
    if (c) {
        ut_store_close(&c->to);
        ut_store_close(&c->from);
    }
    free(c);
    return rc == UT_OK ? 0 : ut_cli_fail(args, &err);
}

const ut_verb ut_verb_catalogue_copy = {
    .name = "catalogue copy",
    .summary =
        "copy a catalogue to another store: recordings, who has a share, fingerprints, known files; what is there "
        "already is brought up to date, so that a copy can be repeated or, once stopped, gone on with",
    .arguments = "FROM TO",
    .min_arguments = 2,
    .max_arguments = 2,
    .examples = "undertone catalogue copy sqlite:undertone.db postgresql://monitor@db.example/undertone\n"
                "undertone catalogue copy service=undertone sqlite:copy.db --json",
    .run = run,
};
