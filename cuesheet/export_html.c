/* A column profile as a page to print. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "cuesheet/cell.h"
#include "cuesheet/rows.h"
#include "cuesheet/table.h"

static const char style[] =
    "body{font:10pt sans-serif;margin:1.5em}h1{font-size:14pt;margin:0 0 .5em}"
    "dl{display:grid;grid-template-columns:max-content auto;gap:.1em 1em;margin:0 0 1em}dt{color:#555}dd{margin:0}"
    "table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:.2em .4em;text-align:left;"
    "vertical-align:top;font-size:8.5pt}th{background:#eee}tr{break-inside:avoid}thead{display:table-header-group}"
    "tfoot{display:table-row-group}tfoot td{font-weight:bold;border-bottom:0}p{font-size:8.5pt}@page{size:A4 landscape;margin:12mm}"
    "@media print{body{margin:0}}";

typedef struct {
    FILE *out;
    const ut_profile *profile;
} page;

static ut_status put_row(void *arg, const ut_table_row *row, ut_err *err)
{
    page *p = arg;
    fputs("<tr>", p->out);
    for (size_t i = 0; i < p->profile->column_count; i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *cell = open_memstream(&text, &size);
        if (!cell)
            return ut_fail(err, UT_E_NOMEM, "cue sheet: HTML");
        ut_field_put(cell, row, ut_column_field(p->profile, i));
        bool failed = fclose(cell) != 0;
        fputs("<td>", p->out);
        if (!failed)
            ut_html_put(p->out, text);
        fputs("</td>", p->out);
        free(text);
        if (failed)
            return ut_fail(err, UT_E_NOMEM, "cue sheet: HTML");
    }
    fputs("</tr>\n", p->out);
    return UT_OK;
}

static void put_header(FILE *out, const ut_sheet *sheet)
{
    const ut_sheet_header *h = &sheet->header;
    char start[48], end[48];
    const struct {
        const char *name, *value;
    } items[] = {
        {"Also known as", h->aka},
        {"Episode", h->episode},
        {"Episode number", h->episode_no},
        {"Production number", h->production_no},
        {"Company", h->company},
        {"Network", h->network},
        {"Category", h->category},
        {"Version", h->version},
        {"Classification", h->classification},
        {"Date of airing", h->airdate},
        {"Prepared", h->prepared},
        {"Prepared by", h->prepared_by},
        {"Email", h->email},
    };
    fputs("<h1>Music cue sheet: ", out);
    ut_html_put(out, h->programme ? h->programme : sheet->channel);
    fputs("</h1>\n<dl>", out);
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        if (!items[i].value)
            continue;
        fprintf(out, "<dt>%s</dt><dd>", items[i].name);
        ut_html_put(out, items[i].value);
        fputs("</dd>", out);
    }
    if (sheet->zone) {
        ut_zone_format(sheet->zone, sheet->start_ns, start, sizeof start);
        ut_zone_format(sheet->zone, sheet->end_ns, end, sizeof end);
    } else {
        ut_time_format(sheet->start_ns, start, sizeof start);
        ut_time_format(sheet->end_ns, end, sizeof end);
    }
    fprintf(out, "<dt>On air</dt><dd>%s to %s</dd></dl>\n", start, end);
}

static void put_total(FILE *out, const ut_sheet *sheet, const ut_profile *profile)
{
    int64_t total_ms = 0;
    for (size_t i = 0; i < sheet->count; i++)
        total_ms += ut_profile_round(profile, sheet->cues[i].duration_ms);
    fprintf(out, "<tfoot><tr><td colspan=\"%zu\">Total %02" PRId64 ":%02" PRId64 ":%02" PRId64, profile->column_count,
            total_ms / 3600000, total_ms / 60000 % 60, total_ms / 1000 % 60);
    if (total_ms % 1000)
        fprintf(out, ".%03" PRId64, total_ms % 1000);
    fputs("</td></tr></tfoot></table>\n", out);
    if (sheet->gap_count)
        fprintf(out, "<p>Not captured %zu times: this sheet cannot speak for those.</p>\n", sheet->gap_count);
}

ut_status ut_sheet_html(const ut_sheet *sheet, const ut_profile *profile, char **data, size_t *size, ut_err *err)
{
    char *text = NULL;
    size_t length = 0;
    page p = {.out = open_memstream(&text, &length), .profile = profile};
    if (!p.out)
        return ut_fail(err, UT_E_NOMEM, "cue sheet: HTML");
    fprintf(p.out,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Music cue sheet</title>"
            "<style>%s</style></head><body>\n",
            style);
    put_header(p.out, sheet);
    fputs("<table><thead><tr>", p.out);
    for (size_t i = 0; i < profile->column_count; i++) {
        fputs("<th>", p.out);
        ut_html_put(p.out, ut_column_heading(profile, i));
        fputs("</th>", p.out);
    }
    fputs("</tr></thead><tbody>\n", p.out);
    ut_status rc = ut_table_each(sheet, profile, put_row, &p, err);
    fputs("</tbody>", p.out);
    put_total(p.out, sheet, profile);
    fputs("</body></html>\n", p.out);
    bool failed = ferror(p.out) != 0;
    failed |= fclose(p.out) != 0;
    if (rc == UT_OK && failed)
        rc = ut_fail(err, UT_E_NOMEM, "cue sheet: HTML");
    if (rc != UT_OK) {
        free(text);
        return rc;
    }
    *data = text;
    *size = length;
    return UT_OK;
}
