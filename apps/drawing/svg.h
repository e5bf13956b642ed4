/* Drawings as SVG: a page, plots with axes on it, and what is drawn in them. Nothing is kept but the stream; whether it
 * took everything is asked once at the end. Sizes are in user units, 96 to the inch. */
#ifndef UT_APPS_DRAWING_SVG_H
#define UT_APPS_DRAWING_SVG_H

#include <stdint.h>
#include <stdio.h>

#include "core/status.h"

void ut_svg_begin(FILE *out, double width, double height);
UT_CHECK ut_status ut_svg_end(FILE *out, ut_err *err);

typedef enum { UT_SVG_START, UT_SVG_MIDDLE, UT_SVG_FINISH } ut_svg_anchor;
/* Text of any bytes, escaped. `attributes` are further ones, such as "font-weight=\"bold\""; may be "". */
void ut_svg_text(FILE *out, double x, double y, ut_svg_anchor anchor, const char *attributes, const char *fmt, ...)
    UT_PRINTF(6, 7);

/* A grey image, 0 black … 255 white, rows from the top, stretched into the rectangle. */
UT_CHECK ut_status ut_svg_image(FILE *out, double x, double y, double width, double height, const uint8_t *grey,
                                size_t columns, size_t rows, ut_err *err);

typedef struct {
    double min, max;
    bool log;          /* logarithmic: min > 0 */
    const char *label; /* with its unit */
} ut_axis;

/* The rectangle inside the axes. */
typedef struct {
    double left, top, width, height;
    ut_axis x, y;
} ut_plot;

/* Clamped into the plot. */
double ut_plot_x(const ut_plot *plot, double x);
double ut_plot_y(const ut_plot *plot, double y);
/* Frame, grid lines, ticks at round numbers, labels. A label NULL: no ticks on that side. */
void ut_plot_axes(FILE *out, const ut_plot *plot, bool grid);
/* A line through the points that are numbers. `attributes` as above. */
void ut_plot_line(FILE *out, const ut_plot *plot, const double *x, const double *y, size_t count,
                  const char *attributes);

#endif
