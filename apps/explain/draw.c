#include <math.h>
#include <stdlib.h>

#include "apps/drawing/svg.h"
#include "apps/explain/explain.h"
#include "apps/explain/spectrogram.h"
#include "core/file.h"

enum {
    WIDTH = 1000,
    LEFT = 70,
    PLOT_WIDTH = WIDTH - LEFT - 20,
    HEAD = 104,
    SPECTRUM = 250,
    SERIES = 100,
    WINDOWS = 90,
    VOTES = 120,
    ABOVE = 24, /* a heading over each plot */
    BELOW = 40, /* ticks and label under it */
    COLUMNS_MAX = 1400,
    ROWS = 250,
    KEYS = 300, /* where they begin */
};
/* Told apart in grey too: what is found is filled and dark, what is not is a light ring. */
#define FOUND "#0b6b2b"
#define MISSING "#e0662f"
#define PROGRAMME "#2a6fb0"
#define PLAIN "#555"
#define ZOOM_S 1.0

typedef struct {
    FILE *out;
    const ut_explain_audio *audio;
    const ut_explanation *x;
    const ut_explain_caption *caption;
    double y; /* where the next plot's heading begins */
} page;

/* --- head ---------------------------------------------------------------------------------------------------- */

static void draw_title(page *p)
{
    const ut_recording *r = p->caption->recording;
    const char *title = r && r->title ? r->title : "(no longer in the catalogue)";
    bool artist = r && r->artist;
    ut_svg_text(p->out, LEFT, 26, UT_SVG_START, "font-size=\"16\" font-weight=\"bold\"", "%s%s%s [%lld] in %s",
                artist ? r->artist : "", artist ? ": " : "", title, (long long)p->x->recording_id, p->caption->file);
}

static void draw_verdict(page *p)
{
    const ut_explanation *x = p->x;
    char speed[48] = "";
    if (fabs(x->time_scale - 1) > 1e-9)
        snprintf(speed, sizeof speed, ", at %.2f %% speed", 100 / x->time_scale);
    if (isnan(x->log10_e))
        ut_svg_text(p->out, LEFT, 46, UT_SVG_START, "",
                    "Not identified: no evidence for this recording in any window.");
    else
        ut_svg_text(
            p->out, LEFT, 46, UT_SVG_START, "",
            "%s: log10 E = %.1f in the clearest window (accepted: %.1f or less). E is how many wrong matches as "
            "good as this one window would give.",
            x->accepted ? "Identified" : "Not identified", x->log10_e, x->max_log10_e);
    double n = x->reference_count ? (double)x->reference_count : 1;
    if (x->heard)
        ut_svg_text(p->out, LEFT, 63, UT_SVG_START, "",
                    "Sounds from %.2f s to %.2f s%s. The recording has %zu peaks there: %zu come again (%.0f %%), %.0f "
                    "would by chance (%.0f %%).",
                    x->start_s, x->end_s, speed, x->reference_count, x->found_count, 100 * (double)x->found_count / n,
                    x->expected_count, 100 * x->expected_count / n);
    else
        ut_svg_text(
            p->out, LEFT, 63, UT_SVG_START, "",
            "Sounds nowhere. At the best offset the recording has %zu peaks: %zu come again (%.0f %%), %.0f would "
            "by chance (%.0f %%).",
            x->reference_count, x->found_count, 100 * (double)x->found_count / n, x->expected_count,
            100 * x->expected_count / n);
}

static void draw_nats(page *p)
{
    const ut_explanation *x = p->x;
    bool music = p->audio->music != NULL;
    double at = LEFT + 290;
    ut_svg_text(
        p->out, LEFT, 80, UT_SVG_START, "",
        "Evidence %.1f nats against %.1f for the places in the catalogue; the richest half second gives %.1f, the "
        "best wrong offset reaches %.1f.",
        x->nats, log(x->places), x->spike_nats, x->elsewhere_nats);
    ut_svg_text(p->out, LEFT, 97, UT_SVG_START, "",
                "By situation (seen in %s):", music ? "the mixture, in the music" : "the mixture");
    for (size_t i = 0; i < x->situation_count; i++, at += 190) {
        const ut_explained_situation *s = &x->situations[i];
        if (music)
            ut_svg_text(p->out, at, 97, UT_SVG_START, "", "%.1f nats (%.0f %%, %.0f %%)", s->nats, 100 * s->mix_share,
                        100 * s->music_share);
        else
            ut_svg_text(p->out, at, 97, UT_SVG_START, "", "%.1f nats (%.0f %%)", s->nats, 100 * s->mix_share);
    }
}

/* --- plots over time ----------------------------------------------------------------------------------------- */

static ut_plot next_plot(page *p, double height, ut_axis y, const char *x_label)
{
    ut_plot plot = {.left = LEFT,
                    .top = p->y + ABOVE,
                    .width = PLOT_WIDTH,
                    .height = height,
                    .x = {.min = p->x->from_s, .max = p->x->to_s, .label = x_label},
                    .y = y};
    p->y = plot.top + height + (x_label ? BELOW : 0);
    return plot;
}

static void heading(page *p, const ut_plot *plot, const char *text)
{
    ut_svg_text(p->out, plot->left, plot->top - 7, UT_SVG_START, "font-weight=\"bold\"", "%s", text);
}

/* A sample of a mark and what it means, right of the heading. Returns where the next may begin. */
static double key(page *p, const ut_plot *plot, double x, const char *mark, const char *text, double width)
{
    fprintf(p->out, "<g transform=\"translate(%.1f %.1f)\">%s</g>\n", x, plot->top - 11, mark);
    ut_svg_text(p->out, x + 9, plot->top - 7, UT_SVG_START, "", "%s", text);
    return x + 9 + width;
}

static void mark_peaks(page *p, const ut_plot *plot, const ut_explained_peaks *peaks, ut_witness of, bool found,
                       const char *attributes, double radius)
{
    fprintf(p->out, "<g %s>\n", attributes);
    for (size_t i = 0; i < peaks->count; i++) {
        const ut_explained_peak *k = &peaks->items[i];
        if (((k->matched & of) != 0) == found)
            fprintf(p->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"/>", ut_plot_x(plot, k->time_s),
                    ut_plot_y(plot, k->frequency_hz), radius);
    }
    fprintf(p->out, "\n</g>\n");
}

/* Vertical lines where it starts and ends. */
static void mark_stretch(page *p, const ut_plot *plot)
{
    if (p->x->heard)
        fprintf(p->out,
                "<path class=\"stretch\" d=\"M%.1f %.1fv%.1fM%.1f %.1fv%.1f\" stroke=\"#000\" stroke-width=\"1.2\" "
                "stroke-dasharray=\"6 3\"/>\n",
                ut_plot_x(plot, p->x->start_s), plot->top, plot->height, ut_plot_x(plot, p->x->end_s), plot->top,
                plot->height);
}

static ut_status draw_spectrum(page *p, const float *samples, const ut_explained_peaks *peaks, ut_witness of,
                               const char *name, ut_err *err)
{
    const ut_explanation *x = p->x;
    ut_plot plot =
        next_plot(p, SPECTRUM, (ut_axis){UT_SPECTROGRAM_LOW_HZ, UT_SPECTROGRAM_HIGH_HZ, true, "frequency, Hz"}, NULL);
    double first = x->from_s * UT_RATE_HZ - (double)p->audio->first_sample;
    size_t from = first > 0 ? (size_t)first : 0, count = (size_t)((x->to_s - x->from_s) * UT_RATE_HZ);
    uint8_t *grey = NULL;
    from = from < p->audio->frames ? from : p->audio->frames - 1;
    count = count < p->audio->frames - from ? count : p->audio->frames - from;
    size_t columns = count / 256 < COLUMNS_MAX ? count / 256 + 1 : COLUMNS_MAX;
    ut_status rc = ut_spectrogram(samples + from, count, columns, ROWS, &grey, err);
    if (rc == UT_OK)
        rc = ut_svg_image(p->out, plot.left, plot.top, plot.width, plot.height, grey, columns, ROWS, err);
    free(grey);
    if (rc != UT_OK)
        return rc;
    mark_peaks(p, &plot, peaks, of, true, "class=\"programme\" fill=\"" PROGRAMME "\" fill-opacity=\"0.7\"", 1.2);
    mark_peaks(p, &plot, peaks, of, false, "class=\"programme\" fill=\"" PROGRAMME "\" fill-opacity=\"0.7\"", 1.2);
    mark_peaks(p, &plot, &x->reference, of, false,
               "class=\"missing\" fill=\"none\" stroke=\"" MISSING "\" stroke-width=\"1\"", 2.6);
    mark_peaks(p, &plot, &x->reference, of, true,
               "class=\"found\" fill=\"" FOUND "\" stroke=\"#fff\" stroke-width=\"0.6\"", 3.2);
    mark_stretch(p, &plot);
    ut_plot_axes(p->out, &plot, false);
    heading(p, &plot, name);
    double at =
        key(p, &plot, LEFT + KEYS, "<circle r=\"3.2\" fill=\"" FOUND "\"/>", "peak of the recording, found here", 220);
    at = key(p, &plot, at, "<circle r=\"2.6\" fill=\"none\" stroke=\"" MISSING "\"/>", "not found", 80);
    key(p, &plot, at, "<circle r=\"1.6\" fill=\"" PROGRAMME "\"/>", "peak of the programme; dashed: start and end",
        200);
    return UT_OK;
}

static void draw_series(page *p)
{
    const ut_explanation *x = p->x;
    double most = 4;
    for (size_t i = 0; i < x->step_count; i++)
        most = fmax(most, x->steps[i].peaks);
    char label[48];
    snprintf(label, sizeof label, "peaks per %.2f s", x->step_s);
    ut_plot plot = next_plot(p, SERIES, (ut_axis){0, most * 1.05, false, label}, NULL);
    for (int found = 0; found <= 1; found++) {
        fprintf(p->out, "<g class=\"%s\" fill=\"%s\">\n", found ? "series-found" : "series-peaks",
                found ? FOUND : "#d5d5d5");
        for (size_t i = 0; i < x->step_count; i++) {
            const ut_explained_step *s = &x->steps[i];
            double left = ut_plot_x(&plot, s->start_s), right = ut_plot_x(&plot, s->start_s + x->step_s);
            double top = ut_plot_y(&plot, found ? s->found : s->peaks);
            fprintf(p->out, "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\"/>", left, top,
                    fmax(right - left - 0.4, 0.2), plot.top + plot.height - top);
        }
        fprintf(p->out, "\n</g>\n");
    }
    fprintf(p->out, "<path class=\"series-expected\" fill=\"none\" stroke=\"" MISSING "\" stroke-width=\"1.6\" d=\"");
    for (size_t i = 0; i < x->step_count; i++)
        fprintf(p->out, "%c%.2f %.1fH%.2f", i ? 'L' : 'M', ut_plot_x(&plot, x->steps[i].start_s),
                ut_plot_y(&plot, x->steps[i].expected), ut_plot_x(&plot, x->steps[i].start_s + x->step_s));
    fprintf(p->out, "\"/>\n");
    mark_stretch(p, &plot);
    ut_plot_axes(p->out, &plot, false);
    heading(p, &plot, "Coincidences over time");
    double at = key(p, &plot, LEFT + KEYS, "<rect x=\"-4\" y=\"-4\" width=\"8\" height=\"8\" fill=\"" FOUND "\"/>",
                    "found", 60);
    at = key(p, &plot, at, "<rect x=\"-4\" y=\"-4\" width=\"8\" height=\"8\" fill=\"#d5d5d5\"/>",
             "all that the recording has", 180);
    key(p, &plot, at, "<path d=\"M-6 0H6\" stroke=\"" MISSING "\" stroke-width=\"2\"/>", "expected by chance", 100);
}

static void draw_windows(page *p)
{
    const ut_explanation *x = p->x;
    double top = fmax(log10(x->places), 0) + 1, least = x->max_log10_e - 4;
    for (size_t i = 0; i < x->window_count; i++)
        if (isfinite(x->windows[i].log10_e))
            least = fmin(least, x->windows[i].log10_e * 1.05);
    ut_plot plot = next_plot(p, WINDOWS, (ut_axis){least, top, false, "log10 E"}, "time in the programme, s");
    ut_plot_axes(p->out, &plot, true);
    double limit = ut_plot_y(&plot, x->max_log10_e);
    fprintf(p->out,
            "<path d=\"M%.1f %.1fh%.1f\" stroke=\"" MISSING "\" stroke-width=\"1.4\" stroke-dasharray=\"5 3\"/>\n",
            plot.left, limit, plot.width);
    fprintf(p->out, "<g class=\"windows\" stroke=\"" FOUND "\" stroke-width=\"2.4\">\n");
    for (size_t i = 0; i < x->window_count; i++) {
        const ut_explained_window *w = &x->windows[i];
        if (isnan(w->log10_e) || w->end_s <= x->from_s || w->start_s >= x->to_s)
            continue;
        double y = ut_plot_y(&plot, w->log10_e);
        fprintf(p->out, "<path d=\"M%.1f %.1fH%.1f\"/>", ut_plot_x(&plot, w->start_s), y, ut_plot_x(&plot, w->end_s));
    }
    fprintf(p->out, "\n</g>\n");
    mark_stretch(p, &plot);
    heading(p, &plot, "E-value by window (lower is clearer)");
    double at = key(p, &plot, LEFT + KEYS, "<path d=\"M-6 0H6\" stroke=\"" FOUND "\" stroke-width=\"2.4\"/>",
                    "a window of the programme", 180);
    key(p, &plot, at, "<path d=\"M-6 0H6\" stroke=\"" MISSING "\" stroke-width=\"1.4\" stroke-dasharray=\"5 3\"/>",
        "accepted at or below", 100);
}

/* --- votes --------------------------------------------------------------------------------------------------- */

/* Bars of one unit: the most votes of any offset that falls on it. */
static void draw_bars(page *p, const ut_plot *plot)
{
    const ut_explanation *x = p->x;
    double from = (plot->x.min - x->votes_first_s) / x->vote_step_s,
           to = (plot->x.max - x->votes_first_s) / x->vote_step_s;
    size_t first = from > 0 ? (size_t)from : 0;
    size_t last = to < (double)x->vote_count ? (size_t)fmax(to + 1, 0) : x->vote_count;
    double unit = fmax(1.0, plot->width / fmax(to - from, 1)), at = -1, most = 0;
    fprintf(p->out, "<g class=\"votes\" fill=\"" FOUND "\">\n");
    for (size_t i = first; i <= last && i <= x->vote_count; i++) {
        double column = i < last ? floor(ut_plot_x(plot, x->votes_first_s + (double)i * x->vote_step_s) / unit) : -2;
        if (column != at && most > 0) {
            double top = ut_plot_y(plot, most);
            fprintf(p->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", at * unit, top,
                    fmax(unit - 0.5, 0.8), plot->top + plot->height - top);
        }
        most = column == at ? most : 0;
        at = column;
        if (i < last)
            most = fmax(most, x->votes[i]);
    }
    fprintf(p->out, "\n</g>\n");
}

static void draw_votes(page *p)
{
    const ut_explanation *x = p->x;
    double most = 5, gap = 90, half = (PLOT_WIDTH - gap) / 2;
    for (size_t i = 0; i < x->vote_count; i++)
        most = fmax(most, x->votes[i]);
    ut_axis votes = {0, most * 1.05, false, "landmarks in common"};
    double end_s = x->votes_first_s + (double)x->vote_count * x->vote_step_s;
    ut_plot all = {
        LEFT, p->y + ABOVE, half, VOTES, {x->votes_first_s, end_s, false, "where the recording would begin, s"}, votes};
    ut_plot near = {LEFT + half + gap,
                    p->y + ABOVE,
                    half,
                    VOTES,
                    {x->begin_s - ZOOM_S, x->begin_s + ZOOM_S, false, "the same, around the offset explained, s"},
                    votes};
    draw_bars(p, &all);
    draw_bars(p, &near);
    ut_plot_axes(p->out, &all, false);
    ut_plot_axes(p->out, &near, false);
    heading(p, &all, "Offset histogram");
    double at = ut_plot_x(&all, x->begin_s);
    fprintf(p->out, "<path d=\"M%.1f %.1fl-4 -6h8z\" fill=\"" MISSING "\"/>\n", at, all.top);
    key(p, &all, LEFT + 130, "<path d=\"M0 4l-4 -6h8z\" fill=\"" MISSING "\"/>", "the offset explained", 120);
    p->y = all.top + VOTES + BELOW;
}

static void draw_foot(page *p)
{
    const ut_explain_caption *c = p->caption;
    ut_svg_text(p->out, LEFT, p->y + 22, UT_SVG_START, "font-size=\"10\" fill=\"" PLAIN "\"",
                "undertone %s, fingerprint %s, separator %s, catalogue version %lld. Chance: how often the recording's "
                "peaks are met when the programme is moved by 0.1 to 2 s.",
                UT_VERSION, c->params, c->separator ? c->separator : "none", (long long)c->catalogue_version);
}

ut_status ut_explain_draw(FILE *out, const ut_explain_audio *audio, const ut_explanation *explanation,
                          const ut_explain_caption *caption, ut_err *err)
{
    page p = {.out = out, .audio = audio, .x = explanation, .caption = caption, .y = HEAD};
    double height = HEAD + (audio->music ? 2 : 1) * (SPECTRUM + ABOVE) + SERIES + ABOVE + WINDOWS + ABOVE + BELOW +
                    VOTES + ABOVE + BELOW + 36;
    ut_svg_begin(out, WIDTH, height);
    draw_title(&p);
    draw_verdict(&p);
    draw_nats(&p);
    ut_status rc = draw_spectrum(&p, audio->mix, &explanation->mix, UT_WITNESS_MIX, "The programme", err);
    if (rc == UT_OK && audio->music)
        rc = draw_spectrum(&p, audio->music, &explanation->music, UT_WITNESS_MUSIC, "Its music, separated", err);
    if (rc != UT_OK)
        return rc;
    draw_series(&p);
    draw_windows(&p);
    draw_votes(&p);
    draw_foot(&p);
    return ut_svg_end(out, err);
}

ut_status ut_explain_write(const char *path, const ut_explain_audio *audio, const ut_explanation *explanation,
                           const ut_explain_caption *caption, ut_err *err)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return ut_fail(err, UT_E_NOMEM, "%s: drawing", path);
    ut_status rc = ut_explain_draw(out, audio, explanation, caption, err);
    if (fclose(out) != 0 && rc == UT_OK)
        rc = ut_fail(err, UT_E_NOMEM, "%s: drawing", path);
    if (rc == UT_OK)
        rc = ut_file_write(path, text, size, err);
    free(text);
    return rc;
}
