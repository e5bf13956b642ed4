/* The loudness errors as a table and as a drawing. */
#include <math.h>

#include <jansson.h>

#include "apps/drawing/svg.h"
#include "apps/evaluate/loudness.h"

static const char *const names[UT_LOUDNESS_KINDS] = {"music", "speech", "difference"};

ut_status ut_loudness_text(FILE *out, const ut_loudness_plan *plan, const ut_loudness_result *result, ut_err *err)
{
    fprintf(
        out,
        "%zu mixtures of %g s at each level, seed %llu, %s. Errors in LU, found less true: median (10 %% … 90 %%).\n\n"
        "| music over speech, LU | music | speech | difference | use as of the true stems |\n|---|---|---|---|---|\n",
        plan->queries, plan->seconds, (unsigned long long)plan->seed, result->backend);
    for (size_t level = 0; level < plan->level_count; level++) {
        fprintf(out, "| %g |", plan->levels_lu[level]);
        for (ut_loudness_kind kind = 0; kind < UT_LOUDNESS_KINDS; kind++) {
            ut_loudness_error e;
            ut_status rc = ut_loudness_error_of(plan, result, level, kind, &e, err);
            if (rc != UT_OK)
                return rc;
            fprintf(out, " %.1f (%.1f … %.1f) |", e.median, e.low, e.high);
        }
        fprintf(out, " %.0f %% |\n", 100 * ut_loudness_agreement(plan, result, level));
    }
    return UT_OK;
}

ut_status ut_loudness_json(FILE *out, const ut_loudness_plan *plan, const ut_loudness_result *result, ut_err *err)
{
    json_t *levels = json_array();
    for (size_t level = 0; level < plan->level_count; level++) {
        json_t *object = json_pack("{s:f, s:f}", "level_lu", plan->levels_lu[level], "use_agreement",
                                   ut_loudness_agreement(plan, result, level));
        for (ut_loudness_kind kind = 0; kind < UT_LOUDNESS_KINDS; kind++) {
            ut_loudness_error e;
            ut_status rc = ut_loudness_error_of(plan, result, level, kind, &e, err);
            if (rc != UT_OK) {
                json_decref(object);
                json_decref(levels);
                return rc;
            }
            json_object_set_new(object, names[kind],
                                json_pack("{s:f, s:f, s:f, s:f}", "median", e.median, "p10", e.low, "p90", e.high,
                                          "mean_abs", e.mean_abs));
        }
        json_array_append_new(levels, object);
    }
    json_t *all = json_pack("{s:i, s:f, s:I, s:s, s:o}", "queries", (int)plan->queries, "seconds", plan->seconds,
                            "seed", (json_int_t)plan->seed, "backend", result->backend, "levels", levels);
    int failed = all ? json_dumpf(all, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : -1;
    fputc('\n', out);
    json_decref(all);
    return failed ? ut_fail(err, UT_E_IO, "loudness: JSON cannot be written") : UT_OK;
}

/* --- drawing --------------------------------------------------------------------------------- */

enum { WIDTH = 640, HEIGHT = 360, LEFT = 70, TOP = 40 };

static ut_status draw_kind(FILE *out, const ut_plot *plot, const ut_loudness_plan *plan,
                           const ut_loudness_result *result, ut_loudness_kind kind, ut_err *err)
{
    static const char *const colours[UT_LOUDNESS_KINDS] = {"#1b6ca8", "#c0562a", "#3a7d44"};
    char fill[32];
    double shift = 7.0 * ((int)kind - 1);
    for (size_t level = 0; level < plan->level_count; level++) {
        ut_loudness_error e;
        ut_status rc = ut_loudness_error_of(plan, result, level, kind, &e, err);
        if (rc != UT_OK)
            return rc;
        double x = ut_plot_x(plot, plan->levels_lu[level]) + shift;
        fprintf(out,
                "<path d=\"M%.1f %.1fV%.1f\" stroke=\"%s\" stroke-width=\"2\"/>"
                "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"/>\n",
                x, ut_plot_y(plot, e.low), ut_plot_y(plot, e.high), colours[kind], x, ut_plot_y(plot, e.median),
                colours[kind]);
    }
    snprintf(fill, sizeof fill, "fill=\"%s\"", colours[kind]);
    ut_svg_text(out, LEFT + 10 + 90 * (int)kind, TOP + 18, UT_SVG_START, fill, "%s", names[kind]);
    return UT_OK;
}

/* What reaches beyond the axis is drawn at its end. */
ut_status ut_loudness_svg(FILE *out, const ut_loudness_plan *plan, const ut_loudness_result *result, ut_err *err)
{
    ut_plot plot = {.left = LEFT,
                    .top = TOP,
                    .width = WIDTH - LEFT - 20,
                    .height = HEIGHT - TOP - 50,
                    .x = {INFINITY, -INFINITY, false, "music over speech as mixed, LU"},
                    .y = {-20, 20, false, "found less true, LU"}};
    for (size_t i = 0; i < plan->level_count; i++) {
        plot.x.min = fmin(plot.x.min, plan->levels_lu[i] - 5);
        plot.x.max = fmax(plot.x.max, plan->levels_lu[i] + 5);
    }
    ut_svg_begin(out, WIDTH, HEIGHT);
    ut_svg_text(out, LEFT, 20, UT_SVG_START, "font-size=\"14\"",
                "Loudness of separated stems: error by level (median, 10 to 90 %%)");
    ut_plot_axes(out, &plot, true);
    ut_status rc = UT_OK;
    for (ut_loudness_kind kind = 0; kind < UT_LOUDNESS_KINDS && rc == UT_OK; kind++)
        rc = draw_kind(out, &plot, plan, result, kind, err);
    return rc == UT_OK ? ut_svg_end(out, err) : rc;
}
