#include "apps/evaluate/report.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "apps/evaluate/statistics.h"
#include "apps/machine.h"

#define ALPHA 0.05

enum { TEXT_WRONG = 12 };

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Queries whose music the index does not hold, or that hold none. */
static bool is_absent(ut_eval_kind kind)
{
    return kind == UT_EVAL_ABSENT || kind == UT_EVAL_SPEECH;
}

/* Columns of the table of rates: those with music to find, boundaries apart. */
static bool is_rate(ut_eval_kind kind)
{
    return !is_absent(kind) && kind != UT_EVAL_EDGES;
}

typedef struct {
    size_t absent, absent_wrong; /* queries, and those with a false identification */
    size_t present, present_wrong;
    size_t shared;
} falses;

static falses count_falses(const ut_eval_plan *plan, const ut_eval_result *r, size_t p, int mode)
{
    falses f = {0};
    for (size_t c = 0; c < plan->column_count; c++) {
        const ut_eval_cell *cell = &r->cells[p][mode][c];
        if (is_absent(plan->columns[c].kind)) {
            f.absent += cell->queries;
            f.absent_wrong += cell->queries_wrong;
        } else {
            f.present += cell->queries;
            f.present_wrong += cell->queries_wrong;
        }
        f.shared += cell->shared;
    }
    return f;
}

/* --- text
 * ------------------------------------------------------------------------------------------------
 */

static void text_head(FILE *out, const ut_eval_material *m, const ut_eval_plan *plan, const ut_eval_result *r)
{
    ut_machine machine = ut_machine_describe();
    fprintf(out, "catalogue: %zu recordings, %.2f h; made-up tracks beside them: %zu; queries of %g s; seed %llu\n",
            m->track_count, m->catalogue_s / 3600.0, m->padding, plan->seconds, (unsigned long long)plan->seed);
    if (plan->model) {
        const ut_model_info *info = ut_model_describe(plan->model);
        fprintf(out, "separator: %s-%.8s, %s\n", info->name, info->hash, r->backend);
    }
    fprintf(out, "machine: %s, %d cores (%s); undertone %s, %s; %.0f s\n\n", machine.cpu, machine.cores,
            machine.features, machine.version, machine.compiler, r->wall_s);
}

static void text_rates(FILE *out, const ut_eval_material *m, const ut_eval_plan *plan, const ut_eval_result *r)
{
    bool any = false;
    for (size_t c = 0; c < plan->column_count; c++)
        any = any || is_rate(plan->columns[c].kind);
    if (!any)
        return;
    fprintf(out, "Identified, %% of the queries:\n\n| params | heard     |");
    for (size_t c = 0; c < plan->column_count; c++)
        if (is_rate(plan->columns[c].kind))
            fprintf(out, " %7s |", plan->columns[c].name);
    fprintf(out, "\n|--------|-----------|");
    for (size_t c = 0; c < plan->column_count; c++)
        if (is_rate(plan->columns[c].kind))
            fprintf(out, "--------:|");
    fprintf(out, "\n");
    for (size_t p = 0; p < m->param_count; p++)
        for (int mode = 0; mode < UT_EVAL_MODES; mode++) {
            if (!plan->modes[mode])
                continue;
            fprintf(out, "| %-6s | %-9s |", ut_params_name(m->params[p]), ut_eval_mode_name((ut_eval_mode)mode));
            for (size_t c = 0; c < plan->column_count; c++) {
                const ut_eval_cell *cell = &r->cells[p][mode][c];
                if (is_rate(plan->columns[c].kind))
                    fprintf(out, " %7.1f |", cell->queries ? 100.0 * (double)cell->hits / (double)cell->queries : NAN);
            }
            fprintf(out, "\n");
        }
}

static void text_queries(FILE *out, const ut_eval_plan *plan)
{
    fprintf(out, "\nQueries:");
    for (size_t c = 0; c < plan->column_count; c++)
        fprintf(out, "%s %s %zu", c ? "," : "", plan->columns[c].name, plan->columns[c].queries);
    fprintf(out, ".\n");
}

/* Upper bound of a rate in per cent; a dash without trials. */
static const char *bound(size_t hits, size_t trials, char buffer[16])
{
    snprintf(buffer, 16, trials ? "%.2f %%" : "-", 100.0 * ut_rate_upper(hits, trials, ALPHA));
    return buffer;
}

static void text_falses(FILE *out, const ut_eval_material *m, const ut_eval_plan *plan, const ut_eval_result *r)
{
    fprintf(out, "\nFalse identifications (queries with one or more), with the 95 %% upper bound of their rate:\n\n"
                 "| params | heard     | absent or speech only |   bound | music present |   bound | shared audio |\n"
                 "|--------|-----------|----------------------:|--------:|--------------:|--------:|-------------:|\n");
    for (size_t p = 0; p < m->param_count; p++)
        for (int mode = 0; mode < UT_EVAL_MODES; mode++) {
            if (!plan->modes[mode])
                continue;
            char buffers[2][16];
            falses f = count_falses(plan, r, p, mode);
            fprintf(out, "| %-6s | %-9s | %12zu of %5zu | %7s | %4zu of %5zu | %7s | %12zu |\n",
                    ut_params_name(m->params[p]), ut_eval_mode_name((ut_eval_mode)mode), f.absent_wrong, f.absent,
                    bound(f.absent_wrong, f.absent, buffers[0]), f.present_wrong, f.present,
                    bound(f.present_wrong, f.present, buffers[1]), f.shared);
        }
}

/* The first false ones by name: whether a listener would call them so is worth knowing. */
static void text_wrong(FILE *out, const ut_eval_material *m, const ut_eval_plan *plan, const ut_eval_result *r)
{
    for (size_t i = 0; i < r->wrong_count && i < TEXT_WRONG; i++) {
        const ut_eval_wrong *w = &r->wrong[i];
        fprintf(out, "%s* %s %s, %s query %zu: %s called %s (E 1e%.1f, waveforms correlate by %.2f)\n", i ? "" : "\n",
                ut_params_name(m->params[w->param]), ut_eval_mode_name(w->mode), plan->columns[w->column].name,
                w->number, w->track == SIZE_MAX ? "no music" : base_name(m->tracks[w->track].path),
                base_name(ut_eval_track_path(m, w->recording_id)), w->log10_e, w->correlation);
    }
    if (r->wrong_count > TEXT_WRONG)
        fprintf(out, "* and more, in the JSON report\n");
}

static void text_edges(FILE *out, const ut_eval_material *m, const ut_eval_plan *plan, const ut_eval_result *r)
{
    size_t column = 0;
    while (column < plan->column_count && plan->columns[column].kind != UT_EVAL_EDGES)
        column++;
    if (column == plan->column_count || plan->columns[column].queries == 0)
        return;
    fprintf(out,
            "\nBoundaries, music coming and going under speech at -10 dB (%zu streams of 2 minutes):\n\n"
            "| params | heard     | found        | median error | 90 %% within |\n"
            "|--------|-----------|-------------:|-------------:|------------:|\n",
            plan->columns[column].queries);
    for (size_t p = 0; p < m->param_count; p++)
        for (int mode = 0; mode < UT_EVAL_MODES; mode++) {
            if (!plan->modes[mode])
                continue;
            const ut_eval_cell *cell = &r->cells[p][mode][column];
            fprintf(out, "| %-6s | %-9s | %4zu of %4zu | %10.2f s | %9.2f s |\n", ut_params_name(m->params[p]),
                    ut_eval_mode_name((ut_eval_mode)mode), cell->hits, cell->segments,
                    ut_quantile(r->edges[p][mode], r->edge_count[p][mode], 0.5),
                    ut_quantile(r->edges[p][mode], r->edge_count[p][mode], 0.9));
        }
}

void ut_eval_report_text(FILE *out, const ut_eval_material *material, const ut_eval_plan *plan,
                         const ut_eval_result *result)
{
    text_head(out, material, plan, result);
    text_rates(out, material, plan, result);
    text_queries(out, plan);
    text_falses(out, material, plan, result);
    text_wrong(out, material, plan, result);
    text_edges(out, material, plan, result);
}

/* --- JSON
 * ------------------------------------------------------------------------------------------------
 */

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *json_cell(const ut_eval_column *column, const ut_eval_cell *cell)
{
    json_t *o = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "condition", column->name, "queries",
                          (json_int_t)cell->queries, "segments", (json_int_t)cell->segments, "identified",
                          (json_int_t)cell->hits, "ambiguous", (json_int_t)cell->ambiguous, "shared_audio",
                          (json_int_t)cell->shared, "queries_with_false", (json_int_t)cell->queries_wrong);
    if (is_rate(column->kind)) {
        double n = (double)cell->queries;
        json_object_set_new(o, "rate", number((double)cell->hits / n));
        json_object_set_new(o, "rate_low_95", number(ut_rate_lower(cell->hits, cell->queries, ALPHA / 2)));
        json_object_set_new(o, "rate_high_95", number(ut_rate_upper(cell->hits, cell->queries, ALPHA / 2)));
    }
    json_object_set_new(o, "outcomes", json_string(cell->outcomes));
    json_object_set_new(o, "false_bound_95", number(ut_rate_upper(cell->queries_wrong, cell->queries, ALPHA)));
    return o;
}

static json_t *json_row(const ut_eval_material *m, const ut_eval_plan *plan, const ut_eval_result *r, size_t p,
                        int mode)
{
    falses f = count_falses(plan, r, p, mode);
    json_t *cells = json_array();
    for (size_t c = 0; c < plan->column_count; c++)
        json_array_append_new(cells, json_cell(&plan->columns[c], &r->cells[p][mode][c]));
    json_t *row = json_pack("{s:s, s:s, s:o}", "params", ut_params_name(m->params[p]), "heard",
                            ut_eval_mode_name((ut_eval_mode)mode), "conditions", cells);
    json_object_set_new(row, "false_absent_or_speech",
                        json_pack("{s:I, s:I, s:f}", "queries", (json_int_t)f.absent, "with_false",
                                  (json_int_t)f.absent_wrong, "bound_95",
                                  ut_rate_upper(f.absent_wrong, f.absent, ALPHA)));
    json_object_set_new(row, "boundary_median_s", number(ut_quantile(r->edges[p][mode], r->edge_count[p][mode], 0.5)));
    json_object_set_new(row, "boundary_p90_s", number(ut_quantile(r->edges[p][mode], r->edge_count[p][mode], 0.9)));
    return row;
}

/* What music each query holds, so that the letters of `outcomes` can be told apart. */
static json_t *json_music(const ut_eval_material *m, const ut_eval_plan *plan, const ut_eval_result *r)
{
    json_t *all = json_object();
    for (size_t c = 0; c < plan->column_count; c++) {
        json_t *names = json_array();
        for (size_t i = 0; i < plan->columns[c].queries; i++) {
            size_t track = r->music[c][i];
            json_array_append_new(names,
                                  track == SIZE_MAX ? json_null() : json_string(base_name(m->tracks[track].path)));
        }
        json_object_set_new(all, plan->columns[c].name, names);
    }
    return all;
}

static json_t *json_wrong(const ut_eval_material *m, const ut_eval_plan *plan, const ut_eval_wrong *w)
{
    json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:s}", "params", ut_params_name(m->params[w->param]), "heard",
                          ut_eval_mode_name(w->mode), "condition", plan->columns[w->column].name, "query",
                          (json_int_t)w->number, "identified", base_name(ut_eval_track_path(m, w->recording_id)));
    json_object_set_new(o, "music",
                        w->track == SIZE_MAX ? json_null() : json_string(base_name(m->tracks[w->track].path)));
    json_object_set_new(o, "log10_e", number(w->log10_e));
    json_object_set_new(o, "waveform_correlation", number(w->correlation));
    return o;
}

static json_t *json_machine(void)
{
    ut_machine machine = ut_machine_describe();
    return json_pack("{s:s, s:s, s:i, s:I, s:s, s:s}", "cpu", machine.cpu, "features", machine.features, "cores",
                     machine.cores, "memory_mib", (json_int_t)machine.memory_mib, "system", machine.system, "compiler",
                     machine.compiler);
}

ut_status ut_eval_report_json(FILE *out, const ut_eval_material *material, const ut_eval_plan *plan,
                              const ut_eval_result *result, ut_err *err)
{
    json_t *rows = json_array(), *wrong = json_array();
    for (size_t p = 0; p < material->param_count; p++)
        for (int mode = 0; mode < UT_EVAL_MODES; mode++)
            if (plan->modes[mode])
                json_array_append_new(rows, json_row(material, plan, result, p, mode));
    for (size_t i = 0; i < result->wrong_count; i++)
        json_array_append_new(wrong, json_wrong(material, plan, &result->wrong[i]));
    const ut_model_info *info = plan->model ? ut_model_describe(plan->model) : NULL;
    json_t *root = json_pack("{s:s, s:o, s:I, s:f, s:I, s:f, s:I, s:f, s:o, s:o}", "undertone", UT_VERSION, "machine",
                             json_machine(), "catalogue_recordings", (json_int_t)material->track_count,
                             "catalogue_hours", material->catalogue_s / 3600.0, "padding",
                             (json_int_t)material->padding, "seconds", plan->seconds, "seed", (json_int_t)plan->seed,
                             "wall_s", result->wall_s, "results", rows, "false_identifications", wrong);
    if (root) {
        json_object_set_new(root, "music", json_music(material, plan, result));
        json_object_set_new(root, "model", info ? json_sprintf("%s-%.8s", info->name, info->hash) : json_null());
        json_object_set_new(root, "backend", info ? json_string(result->backend) : json_null());
    }
    bool ok = root && json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) == 0 && fputc('\n', out) != EOF;
    json_decref(root);
    return ok ? UT_OK : ut_fail(err, UT_E_IO, "report: cannot be written");
}
