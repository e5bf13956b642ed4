/* The figures of the false-alarm proof: bounds, tables, and the calibration curve. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "apps/drawing/svg.h"
#include "apps/evaluate/false_alarms.h"
#include "apps/evaluate/statistics.h"
#include "apps/machine.h"
#include "cuesheet/json.h"

enum { OVERLAP = 4 /* windows that share audio */ };
#define ALPHA 0.05

uint64_t ut_alarms_at_most(const ut_alarms_result *result, double log10_e)
{
    uint64_t sum = 0;
    int end = (int)lround((log10_e - UT_ALARM_LOWEST) * UT_ALARM_CELLS_PER_DECADE);
    for (int i = 0; i < end && i < UT_ALARM_CELLS; i++)
        sum += result->cells[i];
    return sum;
}

static uint64_t trials_of(const ut_alarms_result *r)
{
    return r->windows - r->shared;
}

void ut_alarms_rate(const ut_alarms_result *result, double log10_e, double *low, double *rate, double *high)
{
    uint64_t hits = ut_alarms_at_most(result, log10_e), trials = trials_of(result);
    size_t some = (size_t)((hits + OVERLAP - 1) / OVERLAP), all = (size_t)(trials / OVERLAP);
    *rate = trials ? (double)hits / (double)trials : NAN;
    *low = fmin(ut_rate_lower(some, all, ALPHA / 2), *rate);
    *high = fmax(ut_rate_upper(some, all, ALPHA / 2), *rate);
}

/* Alarms are rare: their number is Poisson's, which the binomial of very many trials is. */
double ut_alarms_bound_per_hour(const ut_alarms_result *result)
{
    size_t trials = 1000000;
    return result->hours > 0 ? ut_rate_upper(result->alarm_count, trials, ALPHA) * (double)trials / result->hours
                             : INFINITY;
}

/* --- text ---------------------------------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path ? path : "no music";
}

static void text_alarms(FILE *out, const ut_alarm *alarms, size_t count)
{
    fprintf(out, "| log10 E | claimed | playing | speed |\n|---:|---|---|---:|\n");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "| %.1f%s | %s | %s | %.3f |\n", alarms[i].log10_e, alarms[i].ambiguous ? " (ambiguous)" : "",
                base_name(alarms[i].claimed), base_name(alarms[i].playing), alarms[i].speed);
}

static void text_head(FILE *out, const ut_alarms_plan *plan, const ut_alarms_result *r)
{
    const ut_eval_material *m = plan->material;
    ut_machine machine = ut_machine_describe();
    ut_index_info info = ut_index_describe(m->index_without[0]);
    size_t held_out = 0;
    for (size_t i = 0; i < m->track_count; i++)
        held_out += m->tracks[i].query && m->tracks[i].held_out;
    fprintf(out,
            "%.1f channel-hours of airtime made of %zu absent tracks, %zu speech files and %zu of effects, through the "
            "tracker (%s, %s), against %zu recordings and %zu decoys. Seed %llu.\n\n",
            r->hours, held_out, m->speech_count, m->effects_count, ut_params_name(m->params[0]),
            plan->model ? ut_model_describe(plan->model)->name : "the mixture alone", info.recordings, info.decoys,
            (unsigned long long)plan->seed);
    fprintf(out, "Machine: %s; undertone %s, %s. %.0f s of CPU time an hour of airtime.\n\n", machine.cpu,
            machine.version, machine.compiler, r->cpu_s / fmax(r->hours, 1e-9));
    fprintf(
        out,
        "**False identifications: %zu** (95 %% bound: %.4f an hour, one in %.0f hours).\n\n"
        "%llu windows; %llu without a candidate; %llu whose candidate holds the very audio that is playing, left out "
        "below.\n\n",
        r->alarm_count, ut_alarms_bound_per_hour(r), 1 / ut_alarms_bound_per_hour(r), (unsigned long long)r->windows,
        (unsigned long long)r->empty, (unsigned long long)r->shared);
}

static void text_report(FILE *out, const ut_alarms_plan *plan, const ut_alarms_result *r)
{
    text_head(out, plan, r);
    fprintf(out,
            "Windows whose clearest candidate states an E-value of at most so much (95 %% interval; windows overlap, "
            "so only every fourth counts as a trial):\n\n"
            "| stated E | windows | observed | interval | observed / stated |\n|---|---:|---:|---|---:|\n");
    for (int decade = 0; decade >= -8; decade--) {
        double low, rate, high;
        ut_alarms_rate(r, decade, &low, &rate, &high);
        fprintf(out, "| 1e%d | %llu | %.2g | %.2g … %.2g | %.2g |\n", decade,
                (unsigned long long)ut_alarms_at_most(r, decade), rate, low, high, rate / pow(10, decade));
    }
    if (r->alarm_count > 0) {
        fprintf(out, "\nThe false identifications:\n\n");
        text_alarms(out, r->alarms, r->alarm_count);
    }
    if (r->low_count > 0) {
        fprintf(out, "\nThe clearest wrong windows:\n\n");
        text_alarms(out, r->lows, r->low_count);
    }
}

/* --- JSON ---------------------------------------------------------------------------------------------------- */

static json_t *alarms_json(const ut_alarm *alarms, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:I, s:f, s:o, s:s, s:s, s:f, s:b}", "programme",
                                              (json_int_t)alarms[i].programme, "at_s", alarms[i].at_s, "log10_e",
                                              ut_json_real(alarms[i].log10_e), "claimed", base_name(alarms[i].claimed),
                                              "playing", base_name(alarms[i].playing), "speed", alarms[i].speed,
                                              "ambiguous", alarms[i].ambiguous));
    return list;
}

static json_t *curve_json(const ut_alarms_result *r)
{
    json_t *curve = json_array();
    for (int tenth = -100; tenth <= 10; tenth += 5) {
        double low, rate, high;
        ut_alarms_rate(r, tenth / 10.0, &low, &rate, &high);
        json_array_append_new(curve,
                              json_pack("{s:f, s:I, s:o, s:o, s:o}", "log10_e", tenth / 10.0, "windows",
                                        (json_int_t)ut_alarms_at_most(r, tenth / 10.0), "observed", ut_json_real(rate),
                                        "low_95", ut_json_real(low), "high_95", ut_json_real(high)));
    }
    return curve;
}

ut_status ut_alarms_report(FILE *out, const ut_alarms_plan *plan, const ut_alarms_result *result, bool json,
                           ut_err *err)
{
    const ut_alarms_result *r = result;
    if (!json) {
        text_report(out, plan, r);
        return UT_OK;
    }
    ut_machine machine = ut_machine_describe();
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:f, s:I, s:I, s:I, s:f}", "undertone", machine.version, "cpu",
                          machine.cpu, "params", ut_params_name(plan->material->params[0]), "separator",
                          plan->model ? ut_model_describe(plan->model)->name : "none", "hours", r->hours, "windows",
                          (json_int_t)r->windows, "empty", (json_int_t)r->empty, "shared", (json_int_t)r->shared,
                          "cpu_s_per_hour", r->cpu_s / fmax(r->hours, 1e-9));
    bool ok = o != NULL;
    ut_json_put(o, "false_identifications", alarms_json(r->alarms, r->alarm_count), &ok);
    ut_json_put(o, "bound_95_per_hour", ut_json_real(ut_alarms_bound_per_hour(r)), &ok);
    ut_json_put(o, "curve", curve_json(r), &ok);
    ut_json_put(o, "clearest_wrong_windows", alarms_json(r->lows, r->low_count), &ok);
    ok = ok && json_dumpf(o, out, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) == 0 && fputc('\n', out) != EOF;
    json_decref(o);
    return ok ? UT_OK : ut_fail(err, UT_E_IO, "report: cannot be written");
}

/* --- drawing ------------------------------------------------------------------------------------------------- */

enum { WIDTH = 640, HEIGHT = 520, LEFT = 80, TOP = 50, POINTS = 200 };

static void draw_band(FILE *out, const ut_plot *plot, const double *x, const double *low, const double *high, int count)
{
    fprintf(out, "<path class=\"band\" fill=\"#2a6fb0\" fill-opacity=\"0.2\" d=\"");
    for (int i = 0; i < count; i++)
        fprintf(out, "%c%.1f %.1f", i ? 'L' : 'M', ut_plot_x(plot, x[i]), ut_plot_y(plot, high[i]));
    for (int i = count; i-- > 0;)
        fprintf(out, "L%.1f %.1f", ut_plot_x(plot, x[i]), ut_plot_y(plot, low[i]));
    fprintf(out, "Z\"/>\n");
}

static double log_of(double rate)
{
    return rate > 0 ? log10(rate) : -99;
}

ut_status ut_alarms_svg(FILE *out, const ut_alarms_result *result, double max_log10_e, ut_err *err)
{
    double x[POINTS], y[POINTS], low[POINTS], high[POINTS];
    ut_plot plot = {LEFT,
                    TOP,
                    WIDTH - LEFT - 20,
                    HEIGHT - TOP - 60,
                    {-8, 2, false, "stated log10 E of a window's clearest candidate"},
                    {-8, 0, false, "log10 of the share of windows with at most that E"}};
    int count = 0;
    for (int tenth = -80; tenth <= 20; tenth++, count++) {
        double l, r, h;
        ut_alarms_rate(result, tenth / 10.0, &l, &r, &h);
        x[count] = tenth / 10.0;
        y[count] = r > 0 ? log10(r) : NAN;
        low[count] = log_of(l);
        high[count] = log_of(h);
    }
    const double diagonal_x[] = {-8, 0}, limit_y[] = {-8, 0}, limit_x[] = {max_log10_e, max_log10_e};
    ut_svg_begin(out, WIDTH, HEIGHT);
    ut_svg_text(out, LEFT, 22, UT_SVG_START, "font-size=\"14\" font-weight=\"bold\"",
                "Calibration: %.0f channel-hours of absent music, %zu false identifications", result->hours,
                result->alarm_count);
    ut_svg_text(out, LEFT, 40, UT_SVG_START, "",
                "On or under the diagonal, no more happens than is stated. Band: 95 %% interval.");
    ut_plot_axes(out, &plot, true);
    draw_band(out, &plot, x, low, high, count);
    ut_plot_line(out, &plot, diagonal_x, diagonal_x, 2, "stroke=\"#555\" stroke-dasharray=\"6 4\"");
    ut_plot_line(out, &plot, limit_x, limit_y, 2, "stroke=\"#e0662f\" stroke-width=\"1.4\" stroke-dasharray=\"5 3\"");
    ut_plot_line(out, &plot, x, y, (size_t)count, "stroke=\"#2a6fb0\" stroke-width=\"2.4\"");
    ut_svg_text(out, ut_plot_x(&plot, max_log10_e) + 6, TOP + 16, UT_SVG_START, "fill=\"#b0461a\"", "accepted");
    ut_svg_text(out, ut_plot_x(&plot, -1.3), ut_plot_y(&plot, -0.9), UT_SVG_FINISH, "fill=\"#555\"", "as stated");
    return ut_svg_end(out, err);
}
