#include "apps/drawing/svg.h"

#include <glib.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include "apps/drawing/png.h"
#include "core/text.h"

enum { TICKS = 8, TEXT_SIZE = 2048 };

void ut_svg_begin(FILE *out, double width, double height)
{
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" height=\"%g\" viewBox=\"0 0 %g %g\" "
            "font-family=\"DejaVu Sans, Helvetica, Arial, sans-serif\" font-size=\"12\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
            width, height, width, height);
}

ut_status ut_svg_end(FILE *out, ut_err *err)
{
    fputs("</svg>\n", out);
    return ferror(out) ? ut_fail(err, UT_E_IO, "drawing: cannot be written") : UT_OK;
}

static void escape(FILE *out, char *text)
{
    for (const char *c = ut_utf8_clean(text); *c; c++)
        if (*c == '<')
            fputs("&lt;", out);
        else if (*c == '&')
            fputs("&amp;", out);
        else
            fputc((unsigned char)*c < ' ' ? ' ' : *c, out);
}

void ut_svg_text(FILE *out, double x, double y, ut_svg_anchor anchor, const char *attributes, const char *fmt, ...)
{
    static const char *const anchors[] = {"start", "middle", "end"};
    char text[TEXT_SIZE];
    va_list list;
    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" %s>", x, y, anchors[anchor], attributes);
    escape(out, text);
    fputs("</text>\n", out);
}

ut_status ut_svg_image(FILE *out, double x, double y, double width, double height, const uint8_t *grey, size_t columns,
                       size_t rows, ut_err *err)
{
    uint8_t *png = NULL;
    size_t size = 0;
    ut_status rc = ut_png_encode(grey, columns, rows, &png, &size, err);
    if (rc != UT_OK)
        return rc;
    char *text = g_base64_encode(png, size);
    fprintf(out,
            "<image x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" preserveAspectRatio=\"none\" "
            "href=\"data:image/png;base64,%s\"/>\n",
            x, y, width, height, text);
    g_free(text);
    free(png);
    return UT_OK;
}

static double part_of(const ut_axis *axis, double value)
{
    double part =
        axis->log ? log(value / axis->min) / log(axis->max / axis->min) : (value - axis->min) / (axis->max - axis->min);
    return isnan(part) ? part : fmin(fmax(part, 0.0), 1.0);
}

double ut_plot_x(const ut_plot *plot, double x)
{
    return plot->left + part_of(&plot->x, x) * plot->width;
}

double ut_plot_y(const ut_plot *plot, double y)
{
    return plot->top + (1 - part_of(&plot->y, y)) * plot->height;
}

/* A round step that gives at most `most` of them. */
static double round_step(double span, int most)
{
    double step = pow(10, floor(log10(span / most)));
    for (int i = 0; span / step > most; i++)
        step *= i % 3 == 1 ? 2.5 : 2;
    return step;
}

/* The tick after `value`; the first for NAN. Octaves where decades would be too few. */
static double next_tick(const ut_axis *axis, int most, double value)
{
    if (axis->log) {
        double factor = axis->max / axis->min < 300 ? 2 : 10;
        double first = factor == 2 ? 1000.0 / pow(2, floor(log2(1000.0 / axis->min))) : pow(10, ceil(log10(axis->min)));
        while (first < axis->min * 0.999)
            first *= factor;
        double decades = factor == 10 ? ceil(log10(axis->max / axis->min) / most) : 1;
        return isnan(value) ? first : value * pow(factor, decades);
    }
    double step = round_step(axis->max - axis->min, most);
    double tick = isnan(value) ? ceil(axis->min / step - 1e-9) : round(value / step + 1);
    return tick == 0 ? 0 : tick * step; /* never -0 */
}

static bool within(const ut_axis *axis, double value)
{
    double slack = axis->log ? 1e-9 * axis->max : 1e-9 * (axis->max - axis->min);
    return value <= axis->max + slack;
}

static void draw_x_axis(FILE *out, const ut_plot *p, bool grid)
{
    double bottom = p->top + p->height;
    if (!p->x.label)
        return;
    for (double at = next_tick(&p->x, TICKS, NAN); within(&p->x, at); at = next_tick(&p->x, TICKS, at)) {
        double x = ut_plot_x(p, at);
        fprintf(out, "<path d=\"M%.1f %.1fV%.1f\" stroke=\"%s\"/>\n", x, bottom + 4, grid ? p->top : bottom,
                grid ? "#ddd" : "#555");
        ut_svg_text(out, x, bottom + 16, UT_SVG_MIDDLE, "", "%g", at);
    }
    ut_svg_text(out, p->left + p->width / 2, bottom + 32, UT_SVG_MIDDLE, "", "%s", p->x.label);
}

static void draw_y_axis(FILE *out, const ut_plot *p, bool grid)
{
    int most = p->height < 120 ? TICKS / 2 : TICKS;
    if (!p->y.label)
        return;
    for (double at = next_tick(&p->y, most, NAN); within(&p->y, at); at = next_tick(&p->y, most, at)) {
        double y = ut_plot_y(p, at);
        fprintf(out, "<path d=\"M%.1f %.1fH%.1f\" stroke=\"%s\"/>\n", p->left - 4, y,
                grid ? p->left + p->width : p->left, grid ? "#ddd" : "#555");
        ut_svg_text(out, p->left - 7, y + 4, UT_SVG_FINISH, "", "%g", at);
    }
    double middle = p->top + p->height / 2;
    char turn[64];
    snprintf(turn, sizeof turn, "transform=\"rotate(-90 %.1f %.1f)\"", p->left - 48, middle);
    ut_svg_text(out, p->left - 48, middle, UT_SVG_MIDDLE, turn, "%s", p->y.label);
}

void ut_plot_axes(FILE *out, const ut_plot *plot, bool grid)
{
    draw_x_axis(out, plot, grid);
    draw_y_axis(out, plot, grid);
    fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"none\" stroke=\"#555\"/>\n",
            plot->left, plot->top, plot->width, plot->height);
}

void ut_plot_line(FILE *out, const ut_plot *plot, const double *x, const double *y, size_t count,
                  const char *attributes)
{
    bool on = false;
    fprintf(out, "<path fill=\"none\" %s d=\"", attributes);
    for (size_t i = 0; i < count; i++) {
        bool number = !isnan(x[i]) && !isnan(y[i]);
        if (number)
            fprintf(out, "%c%.1f %.1f", on ? 'L' : 'M', ut_plot_x(plot, x[i]), ut_plot_y(plot, y[i]));
        on = number;
    }
    fputs("\"/>\n", out);
}
