#include "cuesheet/audit_rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"

const ut_audit_column ut_audit_columns[UT_AUDIT_COLUMNS] = {
    {"Finding", true},        {"Outcome", false},        {"Counts against claimant", false},
    {"Claim row", true},      {"Claimed title", false},  {"Claimed artist", false},
    {"Claimed ISRC", false},  {"Claimed start", false},  {"Claimed end", false},
    {"Claimed usage", false}, {"Detected title", false}, {"Detected artist", false},
    {"Detected ISRC", false}, {"Detected start", false}, {"Detected end", false},
    {"Detected use", false},  {"Differences", false},    {"Claimed s", true},
    {"Detected s", true},     {"Confirmed s", true},     {"Unobserved s", true},
    {"Cue ids", false},       {"Note", false},
};

const ut_audit_column ut_total_columns[UT_TOTAL_COLUMNS] = {
    {"Name", false},
    {"IPI", false},
    {"Society", false},
    {"Claimed s", true},
    {"Confirmed s", true},
    {"Wrong recording s", true},
    {"Claimed twice s", true},
    {"Undecided s", true},
    {"No music s", true},
    {"Detected s", true},
    {"Not claimed s", true},
    {"Claimed by share s", true},
    {"Confirmed by share s", true},
    {"No music by share s", true},
    {"Detected by share s", true},
    {"Not claimed by share s", true},
};

const ut_audit_column ut_cue_columns[UT_CUE_COLUMNS] = {
    {"Cue id", false},
    {"Outcome", false},
    {"Start", false},
    {"End", false},
    {"Title", false},
    {"Artist", false},
    {"ISRC", false},
    {"Recording id", true},
    {"log10 E", true},
    {"Use", false},
    {"Music LU to speech", true},
};

static double seconds(int64_t ns)
{
    return (double)(ns / 1000000) / 1e3;
}

static ut_audit_cell text(const char *what)
{
    return (ut_audit_cell){.text = what ? what : "", .number = NAN};
}

static ut_audit_cell number(double what)
{
    return (ut_audit_cell){.number = isfinite(what) ? round(what * 1e3) / 1e3 : NAN};
}

static void differences(const ut_audit_finding *f, char *out, size_t size)
{
    snprintf(out, size, "%s%s%s",
             !f->recording_differs ? ""
             : f->same_work        ? "other recording of the work; "
                                   : "recording; ",
             f->time_differs ? "time; " : "", f->use_differs ? "use; " : "");
    size_t length = strlen(out);
    if (length >= 2)
        out[length - 2] = '\0';
}

static ut_status cue_ids(const ut_audit_report *report, const ut_audit_finding *f, char **out, ut_err *err)
{
    enum { ID = 37 };
    char *ids = malloc(f->cue_count * ID + 1);
    if (!ids)
        return ut_fail(err, UT_E_NOMEM, "audit: %zu cues", f->cue_count);
    size_t used = 0;
    ids[0] = '\0';
    for (size_t i = 0; i < f->cue_count; i++)
        used += (size_t)snprintf(ids + used, ID + 1, "%s%s", i ? " " : "",
                                 report->input->cues[report->audit->links[f->first_cue + i]].id);
    *out = ids;
    return UT_OK;
}

static void claim_cells(const ut_claim *claim, ut_audit_scratch *s, ut_audit_cell *cells)
{
    cells[3] = number((double)claim->row);
    cells[4] = text(claim->what.title ? claim->what.title : claim->what.work);
    cells[5] = text(claim->what.artist);
    cells[6] = text(claim->what.isrc);
    cells[7] = text(ut_time_format(claim->start_ns, s->claim_start, sizeof s->claim_start));
    cells[8] = text(ut_time_format(claim->end_ns, s->claim_end, sizeof s->claim_end));
    cells[9] = text(claim->usage);
    cells[22] = text(claim->note);
}

ut_status ut_audit_row(const ut_audit_report *report, size_t finding, ut_audit_scratch *scratch,
                       ut_audit_cell cells[UT_AUDIT_COLUMNS], ut_err *err)
{
    const ut_audit_finding *f = &report->audit->findings[finding];
    *scratch = (ut_audit_scratch){0};
    ut_status rc = cue_ids(report, f, &scratch->cue_ids, err);
    if (rc != UT_OK)
        return rc;
    differences(f, scratch->differences, sizeof scratch->differences);
    for (size_t i = 0; i < UT_AUDIT_COLUMNS; i++)
        cells[i] = ut_audit_columns[i].number ? number(NAN) : text("");
    cells[0] = number((double)finding + 1);
    cells[1] = text(ut_audit_outcome_title(f->outcome));
    cells[2] = text(f->outcome == UT_AUDIT_NO_MUSIC ? "yes" : "");
    if (f->claim != UT_NO_CLAIM)
        claim_cells(&report->input->claims[f->claim], scratch, cells);
    if (f->cue_count > 0) {
        size_t first = report->audit->links[f->first_cue];
        const ut_cue *cue = &report->input->cues[first];
        const ut_recording *rec = report->input->recordings[first];
        cells[10] = text(rec                               ? rec->title
                         : cue->outcome == UT_UNIDENTIFIED ? "(unidentified music)"
                                                           : "(no longer in the store)");
        cells[11] = text(rec ? rec->artist : NULL);
        cells[12] = text(rec ? rec->isrc : NULL);
        cells[13] = text(ut_time_format(cue->start_ns, scratch->cue_start, sizeof scratch->cue_start));
        cells[14] = text(ut_time_format(cue->end_ns, scratch->cue_end, sizeof scratch->cue_end));
        cells[15] = text(ut_use_name(cue->use));
    }
    cells[16] = text(scratch->differences);
    cells[17] = number(f->claim != UT_NO_CLAIM ? seconds(f->claimed_ns) : NAN);
    cells[18] = number(seconds(f->detected_ns));
    cells[19] = number(seconds(f->confirmed_ns));
    cells[20] = number(seconds(f->unobserved_ns));
    cells[UT_AUDIT_CUE_IDS] = text(scratch->cue_ids);
    return UT_OK;
}

void ut_cue_row(const ut_audit_report *report, size_t cue, ut_audit_scratch *scratch,
                ut_audit_cell cells[UT_CUE_COLUMNS])
{
    const ut_cue *c = &report->input->cues[cue];
    const ut_recording *rec = report->input->recordings[cue];
    cells[0] = text(c->id);
    cells[1] = text(ut_outcome_name(c->outcome));
    cells[2] = text(ut_time_format(c->start_ns, scratch->cue_start, sizeof scratch->cue_start));
    cells[3] = text(ut_time_format(c->end_ns, scratch->cue_end, sizeof scratch->cue_end));
    cells[4] = text(rec ? rec->title : NULL);
    cells[5] = text(rec ? rec->artist : NULL);
    cells[6] = text(rec ? rec->isrc : NULL);
    cells[7] = number(c->recording_id ? (double)c->recording_id : NAN);
    cells[8] = number(c->log10_e);
    cells[9] = text(ut_use_name(c->use));
    cells[10] = number(c->delta_lu);
}

void ut_audit_scratch_clear(ut_audit_scratch *scratch)
{
    free(scratch->cue_ids);
    scratch->cue_ids = NULL;
}

void ut_total_row(const ut_total *total, ut_audit_cell cells[UT_TOTAL_COLUMNS])
{
    const double numbers[] = {
        seconds(total->claimed_ns),    seconds(total->confirmed_ns),   seconds(total->wrong_recording_ns),
        seconds(total->twice_ns),      seconds(total->undecided_ns),   seconds(total->no_music_ns),
        seconds(total->detected_ns),   seconds(total->not_claimed_ns), total->claimed_weighted_s,
        total->confirmed_weighted_s,   total->no_music_weighted_s,     total->detected_weighted_s,
        total->not_claimed_weighted_s,
    };
    cells[0] = text(total->name && *total->name ? total->name : "(not stated)");
    cells[1] = text(total->ipi);
    cells[2] = text(total->society);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        cells[3 + i] = number(numbers[i]);
}
