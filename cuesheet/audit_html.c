#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "cuesheet/audit_rows.h"
#include "cuesheet/cell.h"

static const char style[] =
    "body{font:14px/1.4 system-ui,sans-serif;margin:2em;color:#222}"
    "table{border-collapse:collapse;margin:1em 0}"
    "th,td{border:1px solid #ccc;padding:.25em .5em;text-align:left;vertical-align:top}"
    "th{background:#eee;position:sticky;top:0}td.n{text-align:right;font-variant-numeric:tabular-nums}"
    "tr.matched{color:#666}tr.no-music td:nth-child(2){background:#fcc}"
    "tr.no-reference td:nth-child(2),tr.capture-gap td:nth-child(2),tr.music-unmatched "
    "td:nth-child(2){background:#eef}"
    "tr.wrong-time td:nth-child(2),tr.wrong-use td:nth-child(2),tr.wrong-recording td:nth-child(2),"
    "tr.claimed-twice td:nth-child(2),tr.not-claimed td:nth-child(2),tr.unidentified "
    "td:nth-child(2){background:#ffd}"
    "td:target,tr:target{outline:2px solid #06c}code{font-size:12px}";

static void put_cell(FILE *out, const ut_audit_cell *cell)
{
    if (cell->text) {
        fputs("<td>", out);
        ut_html_put(out, cell->text);
    } else {
        fputs("<td class=n>", out);
        if (!isnan(cell->number))
            fprintf(out, "%.12g", cell->number);
    }
    fputs("</td>", out);
}

static void put_header(FILE *out, const ut_audit_column *columns, size_t count)
{
    fputs("<table><thead><tr>", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "<th>%s</th>", columns[i].title);
    fputs("</tr></thead><tbody>\n", out);
}

static void put_summary(FILE *out, const ut_audit_report *report)
{
    const ut_audit_input *in = report->input;
    char start[40], end[40], made[40];
    ut_audit_sum sums[UT_AUDIT_OUTCOMES];
    ut_audit_sums(report->audit, sums);
    fputs("<h1>Audit of ", out);
    ut_html_put(out, report->claim_file);
    fputs("</h1>\n<p>Channel ", out);
    ut_html_put(out, in->channel);
    fprintf(out, ", %s to %s. Made %s by undertone %s.</p>\n", ut_time_format(in->start_ns, start, sizeof start),
            ut_time_format(in->end_ns, end, sizeof end), ut_time_format(report->made_ns, made, sizeof made),
            UT_VERSION);
    fputs("<table><tr><th>Outcome</th><th>Findings</th><th>Seconds</th></tr>\n", out);
    for (int i = 0; i < UT_AUDIT_OUTCOMES; i++)
        fprintf(out, "<tr class=%s><td>%s</td><td class=n>%zu</td><td class=n>%.1f</td></tr>\n",
                ut_audit_outcome_name((ut_audit_outcome)i), ut_audit_outcome_title((ut_audit_outcome)i), sums[i].count,
                (double)sums[i].ns / 1e9);
    fprintf(out, "<tr><td>Not captured or not analysed</td><td></td><td class=n>%.1f</td></tr></table>\n",
            (double)report->audit->unobserved_ns / 1e9);
    fputs("<p>Only <em>no music present</em> counts against a claimant: every other claim that was not detected may be "
          "right.",
          out);
    if (!in->rules.presence_known)
        fputs(" Unidentified music was not recorded, so nothing is called so here.", out);
    fprintf(out,
            "</p>\n<p>Tolerances: edges %g s; durations %g s or %g of what was detected; looked for within %g s. "
            "%zu of %zu claims lie outside the range. Claim file SHA-256 <code>%s</code>.</p>\n",
            in->rules.edge_s, in->rules.duration_s, in->rules.duration_ratio, in->rules.search_s,
            report->audit->outside, in->claim_count, report->claim_sha256);
}

static void put_totals(FILE *out, const char *title, const ut_totals *totals)
{
    fprintf(out, "<h2>%s</h2>\n", title);
    put_header(out, ut_total_columns, UT_TOTAL_COLUMNS);
    for (size_t i = 0; i < totals->count; i++) {
        ut_audit_cell cells[UT_TOTAL_COLUMNS];
        ut_total_row(&totals->items[i], cells);
        fputs("<tr>", out);
        for (size_t k = 0; k < UT_TOTAL_COLUMNS; k++)
            put_cell(out, &cells[k]);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table>\n", out);
}

static void put_cue_links(FILE *out, const ut_audit_report *report, const ut_audit_finding *f)
{
    fputs("<td>", out);
    for (size_t i = 0; i < f->cue_count; i++) {
        const char *id = report->input->cues[report->audit->links[f->first_cue + i]].id;
        fprintf(out, "%s<a href=\"#cue-%s\"><code>%s</code></a>", i ? "<br>" : "", id, id);
    }
    fputs("</td>", out);
}

static ut_status put_findings(FILE *out, const ut_audit_report *report, ut_err *err)
{
    fputs("<h2>Findings</h2>\n", out);
    put_header(out, ut_audit_columns, UT_AUDIT_COLUMNS);
    for (size_t f = 0; f < report->audit->count; f++) {
        const ut_audit_finding *finding = &report->audit->findings[f];
        ut_audit_scratch scratch;
        ut_audit_cell cells[UT_AUDIT_COLUMNS];
        ut_status rc = ut_audit_row(report, f, &scratch, cells, err);
        if (rc != UT_OK)
            return rc;
        fprintf(out, "<tr class=%s id=finding-%zu>", ut_audit_outcome_name(finding->outcome), f + 1);
        for (size_t i = 0; i < UT_AUDIT_COLUMNS; i++) {
            if (i == UT_AUDIT_CUE_IDS)
                put_cue_links(out, report, finding);
            else
                put_cell(out, &cells[i]);
        }
        fputs("</tr>\n", out);
        ut_audit_scratch_clear(&scratch);
    }
    fputs("</tbody></table>\n", out);
    return UT_OK;
}

static void put_cues(FILE *out, const ut_audit_report *report)
{
    fputs("<h2>Cues</h2>\n", out);
    put_header(out, ut_cue_columns, UT_CUE_COLUMNS);
    for (size_t i = 0; i < report->input->cue_count; i++) {
        ut_audit_scratch scratch;
        ut_audit_cell cells[UT_CUE_COLUMNS];
        ut_cue_row(report, i, &scratch, cells);
        fprintf(out, "<tr id=\"cue-%s\">", report->input->cues[i].id);
        for (size_t k = 0; k < UT_CUE_COLUMNS; k++)
            put_cell(out, &cells[k]);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table>\n", out);
}

ut_status ut_audit_html(const ut_audit_report *report, char **data, size_t *size, ut_err *err)
{
    char *made = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&made, &length);
    if (!out)
        return ut_fail(err, UT_E_NOMEM, "audit: HTML");
    fputs("<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8><title>Audit of ", out);
    ut_html_put(out, report->claim_file);
    fprintf(out, "</title><style>%s</style></head><body>\n", style);
    put_summary(out, report);
    put_totals(out, "Societies", &report->societies);
    put_totals(out, "Parties", &report->parties);
    ut_status rc = put_findings(out, report, err);
    put_cues(out, report);
    fputs("</body></html>\n", out);
    bool failed = ferror(out) != 0;
    failed |= fclose(out) != 0;
    if (rc == UT_OK && failed)
        rc = ut_fail(err, UT_E_NOMEM, "audit: HTML");
    if (rc != UT_OK) {
        free(made);
        return rc;
    }
    *data = made;
    *size = length;
    return UT_OK;
}
