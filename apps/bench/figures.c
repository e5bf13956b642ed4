#include "apps/bench/figures.h"

#include <stdarg.h>
#include <stdlib.h>

#include <jansson.h>

#include "apps/machine.h"

ut_status ut_figures_add(ut_figures *figures, ut_err *err, const char *stage, double value, const char *unit,
                         const char *fmt, ...)
{
    if (figures->count == figures->capacity) {
        size_t capacity = figures->capacity ? 2 * figures->capacity : 32;
        ut_figure *items = realloc(figures->items, capacity * sizeof *items);
        if (!items)
            return ut_fail(err, UT_E_NOMEM, "%zu figures", capacity);
        figures->items = items;
        figures->capacity = capacity;
    }
    ut_figure *figure = &figures->items[figures->count++];
    va_list list;
    va_start(list, fmt);
    vsnprintf(figure->what, sizeof figure->what, fmt, list);
    va_end(list);
    snprintf(figure->stage, sizeof figure->stage, "%s", stage);
    snprintf(figure->unit, sizeof figure->unit, "%s", unit);
    figure->value = value;
    return UT_OK;
}

void ut_figures_clear(ut_figures *figures)
{
    free(figures->items);
    *figures = (ut_figures){0};
}

void ut_figures_text(FILE *out, const ut_figures *figures)
{
    ut_machine machine = ut_machine_describe();
    fprintf(out, "machine: %s, %d cores (%s), %lld MiB; %s\n", machine.cpu, machine.cores, machine.features,
            (long long)machine.memory_mib, machine.system);
    fprintf(out, "undertone %s, %s; one core each unless said otherwise\n\n", machine.version, machine.compiler);
    fprintf(out, "| stage       | %-62s |      figure | unit             |\n", "what");
    fprintf(out, "|-------------|%.64s|------------:|------------------|\n",
            "----------------------------------------------------------------");
    for (size_t i = 0; i < figures->count; i++) {
        const ut_figure *figure = &figures->items[i];
        fprintf(out, "| %-11s | %-62s | %11.*f | %-16s |\n", figure->stage, figure->what,
                figure->value < 10     ? 2
                : figure->value < 1000 ? 1
                                       : 0,
                figure->value, figure->unit);
    }
}

ut_status ut_figures_json(FILE *out, const ut_figures *figures, ut_err *err)
{
    ut_machine machine = ut_machine_describe();
    json_t *list = json_array();
    for (size_t i = 0; i < figures->count; i++) {
        const ut_figure *figure = &figures->items[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:f, s:s}", "stage", figure->stage, "what", figure->what,
                                              "value", figure->value, "unit", figure->unit));
    }
    json_t *root = json_pack("{s:s, s:{s:s, s:s, s:i, s:I, s:s, s:s}, s:o}", "undertone", machine.version, "machine",
                             "cpu", machine.cpu, "features", machine.features, "cores", machine.cores, "memory_mib",
                             (json_int_t)machine.memory_mib, "system", machine.system, "compiler", machine.compiler,
                             "figures", list);
    bool ok = root && json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) == 0 && fputc('\n', out) != EOF;
    json_decref(root);
    return ok ? UT_OK : ut_fail(err, UT_E_IO, "figures cannot be written");
}
