#include "apps/evaluate/evaluate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/evaluate/cache.h"
#include "apps/parallel.h"
#include "core/clock.h"
#include "core/digest.h"
#include "core/progress.h"
#include "fingerprint/track.h"
#include "separator/stream.h"

enum { FOUND_MAX = 64, PUSH_FRAMES = 4096 };

typedef struct {
    ut_eval_verdict of[UT_EVAL_PARAMS][UT_EVAL_MODES];
    size_t track;
} outcome;

typedef struct {
    const ut_eval_material *material;
    const ut_eval_plan *plan;
    ut_separator **separators; /* one per worker */
    outcome *outcomes;         /* by task */
    ut_progress *progress;
} evaluation;

typedef struct {
    ut_identification items[FOUND_MAX];
    size_t count;
} findings;

const char *ut_eval_mode_name(ut_eval_mode mode)
{
    static const char *const names[] = {"mix", "separated", "joint"};
    return mode < UT_EVAL_MODES ? names[mode] : "?";
}

/* --- one query
 * ------------------------------------------------------------------------------------------- */

/* The separated music of a query, from the cache if it is there. *music is malloc'd. */
static ut_status music_of(const evaluation *e, ut_separator *separator, const ut_eval_query *query, float **music,
                          ut_err *err)
{
    char key[65], text[256];
    float *samples = NULL;
    size_t frames = 0;
    if (e->material->cache) {
        ut_sha256(query->mix, query->frames * sizeof *query->mix, key);
        const ut_model_info *model = ut_model_describe(e->plan->model); /* the same weights may be in another graph */
        snprintf(text, sizeof text, "%s %s %s %zu %zu %.0f", key, model->hash, ut_separator_backend(separator),
                 model->block, model->hop, model->macs_per_block);
        ut_sha256(text, strlen(text), key);
        if (ut_cache_get(e->material->cache, key, &samples, &frames) && frames == query->frames) {
            *music = samples;
            return UT_OK;
        }
        free(samples); /* of another length: not of this query */
    }
    samples = calloc(query->frames, sizeof *samples);
    if (!samples)
        return ut_fail(err, UT_E_NOMEM, "%zu samples", query->frames);
    ut_status rc = ut_stream_whole(separator, query->mix, query->frames, samples, err);
    if (rc != UT_OK) {
        free(samples);
        return rc;
    }
    if (e->material->cache)
        ut_cache_put(e->material->cache, key, samples, query->frames);
    *music = samples;
    return UT_OK;
}

static ut_status note(void *arg, const ut_identification *what)
{
    findings *f = arg;
    if (f->count == FOUND_MAX)
        return UT_E_FULL;
    f->items[f->count++] = *what;
    return UT_OK;
}

static ut_status track(const ut_index *index, double max_log10_e, const float *mix, const float *music, size_t frames,
                       findings *found, ut_err *err)
{
    ut_tracker *tracker = NULL;
    ut_tracker_options options = {.max_log10_e = max_log10_e};
    ut_status rc = ut_tracker_open(index, &options, note, found, &tracker, err);
    for (size_t at = 0; at < frames && rc == UT_OK; at += PUSH_FRAMES) {
        size_t n = frames - at < PUSH_FRAMES ? frames - at : PUSH_FRAMES;
        rc = ut_tracker_push(tracker, mix + at, music ? music + at : NULL, n, err);
    }
    if (rc == UT_OK)
        rc = ut_tracker_finish(tracker, err);
    ut_tracker_close(&tracker);
    return rc;
}

static ut_status judge_all(const evaluation *e, const ut_eval_query *query, const float *music, bool absent,
                           outcome *out, ut_err *err)
{
    const ut_eval_material *m = e->material;
    ut_status rc = UT_OK;
    for (size_t p = 0; p < m->param_count && rc == UT_OK; p++) {
        const ut_index *index = absent ? m->index_without[p] : m->index[p];
        for (int mode = 0; mode < UT_EVAL_MODES && rc == UT_OK; mode++) {
            if (!e->plan->modes[mode])
                continue;
            findings found = {.count = 0};
            rc = track(index, e->plan->max_log10_e, mode == UT_EVAL_SEPARATED ? music : query->mix,
                       mode == UT_EVAL_JOINT ? music : NULL, query->frames, &found, err);
            if (rc == UT_OK)
                rc = ut_eval_judge(m, query, found.items, found.count, &out->of[p][mode], err);
        }
    }
    return rc;
}

/* Column and number of a task: columns follow each other. */
static size_t column_of(const ut_eval_plan *plan, size_t task, size_t *number)
{
    size_t column = 0;
    while (task >= plan->columns[column].queries)
        task -= plan->columns[column++].queries;
    *number = task;
    return column;
}

static ut_status evaluate_query(void *arg, int worker, size_t task, ut_err *err)
{
    evaluation *e = arg;
    size_t number = 0;
    const ut_eval_column *column = &e->plan->columns[column_of(e->plan, task, &number)];
    ut_eval_recipe recipe = {
        .kind = column->kind, .snr_db = column->snr_db, .seconds = e->plan->seconds, .seed = e->plan->seed};
    ut_eval_query query = {0};
    float *music = NULL;
    ut_status rc = ut_eval_query_make(e->material, &recipe, number, &query, err);
    if (rc == UT_OK && e->plan->model)
        rc = music_of(e, e->separators[worker], &query, &music, err);
    if (rc == UT_OK)
        rc = judge_all(e, &query, music, column->kind == UT_EVAL_ABSENT, &e->outcomes[task], err);
    e->outcomes[task].track = query.segment_count ? query.segments[0].track : SIZE_MAX;
    free(music);
    ut_eval_query_clear(&query);
    ut_progress_add(e->progress, 1, column->name);
    return rc;
}

/* --- sums
 * ------------------------------------------------------------------------------------------------
 */

static void add_wrong(ut_eval_result *r, size_t param, ut_eval_mode mode, size_t column, size_t number,
                      const ut_eval_verdict *v, size_t track_of)
{
    if (v->wrong > 0 && r->wrong_count < UT_EVAL_WRONG_KEPT)
        r->wrong[r->wrong_count++] = (ut_eval_wrong){.param = param,
                                                     .column = column,
                                                     .number = number,
                                                     .mode = mode,
                                                     .recording_id = v->wrong_id,
                                                     .log10_e = v->wrong_log10_e,
                                                     .correlation = v->wrong_correlation,
                                                     .track = track_of};
}

static char letter(const ut_eval_verdict *v)
{
    if (v->wrong > 0)
        return 'f';
    if (v->hits > 0)
        return v->hits == v->segments ? 'i' : 'p';
    return v->ambiguous > 0 ? 'a' : '-';
}

static void add_verdict(ut_eval_cell *cell, const ut_eval_verdict *v)
{
    cell->outcomes[cell->queries++] = letter(v);
    cell->segments += v->segments;
    cell->hits += v->hits;
    cell->ambiguous += v->ambiguous;
    cell->shared += v->shared;
    cell->wrong += v->wrong;
    cell->queries_wrong += v->wrong > 0;
}

static ut_status add_up(const evaluation *e, size_t tasks, size_t param, ut_eval_mode mode, ut_eval_result *r,
                        ut_err *err)
{
    double *edges = malloc((tasks ? tasks : 1) * 2 * UT_EVAL_SEGMENTS * sizeof *edges);
    size_t edge_count = 0;
    r->edges[param][mode] = edges;
    if (!edges)
        return ut_fail(err, UT_E_NOMEM, "%zu queries", tasks);
    for (size_t c = 0; c < e->plan->column_count; c++)
        if (!(r->cells[param][mode][c].outcomes = calloc(e->plan->columns[c].queries + 1, 1)))
            return ut_fail(err, UT_E_NOMEM, "%zu queries", tasks);
    for (size_t task = 0; task < tasks; task++) {
        size_t number = 0, column = column_of(e->plan, task, &number);
        const ut_eval_verdict *v = &e->outcomes[task].of[param][mode];
        add_verdict(&r->cells[param][mode][column], v);
        add_wrong(r, param, mode, column, number, v, e->outcomes[task].track);
        if (e->plan->columns[column].kind == UT_EVAL_EDGES)
            for (size_t i = 0; i < 2 * v->hits; i++)
                edges[edge_count++] = fabs(v->edge_error_s[i]);
    }
    r->edge_count[param][mode] = edge_count;
    return UT_OK;
}

static ut_status note_music(const evaluation *e, size_t tasks, ut_eval_result *r, ut_err *err)
{
    for (size_t c = 0; c < e->plan->column_count; c++)
        if (!(r->music[c] = calloc(e->plan->columns[c].queries + 1, sizeof *r->music[c])))
            return ut_fail(err, UT_E_NOMEM, "%zu queries", tasks);
    for (size_t task = 0; task < tasks; task++) {
        size_t number = 0, column = column_of(e->plan, task, &number);
        r->music[column][number] = e->outcomes[task].track;
    }
    return UT_OK;
}

static ut_status open_separators(evaluation *e, ut_eval_result *r, ut_err *err)
{
    ut_status rc = UT_OK;
    if (!e->plan->model)
        return rc;
    for (int i = 0; i < e->plan->jobs && rc == UT_OK; i++)
        rc = ut_separator_open(e->plan->model, e->plan->backend, e->plan->precision, 1, &e->separators[i], err);
    if (rc == UT_OK)
        snprintf(r->backend, sizeof r->backend, "%s", ut_separator_backend(e->separators[0]));
    return rc;
}

ut_status ut_eval_run(const ut_eval_material *material, const ut_eval_plan *plan, ut_eval_result *out, ut_err *err)
{
    evaluation e = {.material = material, .plan = plan};
    ut_eval_result result = {.wall_s = 0};
    size_t tasks = 0;
    double begin_s = ut_monotonic_s();
    for (size_t c = 0; c < plan->column_count; c++)
        tasks += plan->columns[c].queries;
    e.separators = calloc((size_t)plan->jobs, sizeof *e.separators);
    e.outcomes = calloc(tasks ? tasks : 1, sizeof *e.outcomes);
    ut_status rc = UT_OK;
    if (!e.separators || !e.outcomes || ut_progress_open("evaluate", "queries", tasks, &e.progress) != UT_OK)
        rc = ut_fail(err, UT_E_NOMEM, "%zu queries", tasks);
    if (rc == UT_OK)
        rc = open_separators(&e, &result, err);
    if (rc == UT_OK)
        rc = ut_parallel(plan->jobs, tasks, evaluate_query, &e, err);
    if (rc == UT_OK)
        rc = note_music(&e, tasks, &result, err);
    for (size_t p = 0; p < material->param_count; p++)
        for (int mode = 0; mode < UT_EVAL_MODES && rc == UT_OK; mode++)
            if (plan->modes[mode])
                rc = add_up(&e, tasks, p, (ut_eval_mode)mode, &result, err);
    for (int i = 0; e.separators && i < plan->jobs; i++)
        ut_separator_close(&e.separators[i]);
    ut_progress_close(&e.progress);
    free(e.separators);
    free(e.outcomes);
    result.wall_s = ut_monotonic_s() - begin_s;
    if (rc == UT_OK)
        *out = result;
    else
        ut_eval_result_clear(&result);
    return rc;
}

void ut_eval_result_clear(ut_eval_result *result)
{
    for (size_t p = 0; p < UT_EVAL_PARAMS; p++)
        for (int mode = 0; mode < UT_EVAL_MODES; mode++) {
            free(result->edges[p][mode]);
            for (size_t c = 0; c < UT_EVAL_COLUMNS; c++)
                free(result->cells[p][mode][c].outcomes);
        }
    for (size_t c = 0; c < UT_EVAL_COLUMNS; c++)
        free(result->music[c]);
    *result = (ut_eval_result){0};
}
