/* The loudness errors as a table and as a drawing. */
#include <math.h>

#include <jansson.h>

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

enum { WIDTH = 640, HEIGHT = 360, LEFT = 60, RIGHT = 20, TOP = 40, BOTTOM = 50 };

typedef struct {
    double x_min, x_max, y_min, y_max;
} axes;

static double x_of(const axes *a, double x)
{
    return LEFT + (x - a->x_min) / (a->x_max - a->x_min) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const axes *a, double y)
{
    double inside = y < a->y_min ? a->y_min : y > a->y_max ? a->y_max : y;
    return TOP + (a->y_max - inside) / (a->y_max - a->y_min) * (HEIGHT - TOP - BOTTOM);
}

static void draw_axes(FILE *out, const axes *a, const ut_loudness_plan *plan)
{
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
            "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
            "<text x=\"%d\" y=\"20\" font-size=\"14\">Loudness of separated stems: error by level (median, 10 to 90 %%)"
            "</text>\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT);
    for (double y = a->y_min; y <= a->y_max; y += 5)
        fprintf(out,
                "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/><text x=\"%d\" y=\"%.1f\" "
                "text-anchor=\"end\">%g</text>\n",
                LEFT, WIDTH - RIGHT, y_of(a, y), y_of(a, y), y == 0 ? "#555" : "#ddd", LEFT - 6, y_of(a, y) + 4, y);
    for (size_t i = 0; i < plan->level_count; i++)
        fprintf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g</text>\n", x_of(a, plan->levels_lu[i]),
                HEIGHT - BOTTOM + 18, plan->levels_lu[i]);
    fprintf(out,
            "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">music over speech as mixed, LU</text>\n"
            "<text transform=\"translate(16 %d) rotate(-90)\" text-anchor=\"middle\">found less true, LU</text>\n",
            (WIDTH + LEFT - RIGHT) / 2, HEIGHT - 10, (HEIGHT + TOP - BOTTOM) / 2);
}

static ut_status draw_kind(FILE *out, const axes *a, const ut_loudness_plan *plan, const ut_loudness_result *result,
                           ut_loudness_kind kind, ut_err *err)
{
    static const char *const colours[UT_LOUDNESS_KINDS] = {"#1b6ca8", "#c0562a", "#3a7d44"};
    double shift = 7.0 * ((int)kind - 1);
    for (size_t level = 0; level < plan->level_count; level++) {
        ut_loudness_error e;
        ut_status rc = ut_loudness_error_of(plan, result, level, kind, &e, err);
        if (rc != UT_OK)
            return rc;
        double x = x_of(a, plan->levels_lu[level]) + shift;
        fprintf(out,
                "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"2\"/>"
                "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"/>\n",
                x, x, y_of(a, e.low), y_of(a, e.high), colours[kind], x, y_of(a, e.median), colours[kind]);
    }
    fprintf(out, "<text x=\"%d\" y=\"%d\" fill=\"%s\">%s</text>\n", LEFT + 10 + 90 * (int)kind, TOP + 18, colours[kind],
            names[kind]);
    return UT_OK;
}

/* What reaches beyond the axis is drawn at its end. */
ut_status ut_loudness_svg(FILE *out, const ut_loudness_plan *plan, const ut_loudness_result *result, ut_err *err)
{
    axes a = {.x_min = INFINITY, .x_max = -INFINITY, .y_min = -20, .y_max = 20};
    for (size_t i = 0; i < plan->level_count; i++) {
        a.x_min = fmin(a.x_min, plan->levels_lu[i] - 5);
        a.x_max = fmax(a.x_max, plan->levels_lu[i] + 5);
    }
    draw_axes(out, &a, plan);
    ut_status rc = UT_OK;
    for (ut_loudness_kind kind = 0; kind < UT_LOUDNESS_KINDS && rc == UT_OK; kind++)
        rc = draw_kind(out, &a, plan, result, kind, err);
    fputs("</svg>\n", out);
    return rc;
}
