#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cuesheet/audit.h"
#include "cuesheet/json.h"

static json_t *seconds(int64_t ns)
{
    return json_real((double)(ns / 1000000) / 1e3); /* whole milliseconds: no digits that mean nothing */
}

static json_t *real(double value)
{
    return isfinite(value) ? json_real(round(value * 1e3) / 1e3) : json_null();
}

/* The object, or NULL if a member could not be made. */
static json_t *finished(json_t *object, bool ok)
{
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

static json_t *claim_parties_json(const ut_recording *what)
{
    bool ok = true;
    json_t *array = json_array();
    for (size_t i = 0; i < what->party_count; i++) {
        const ut_party *party = &what->parties[i];
        json_t *object = json_object();
        ut_json_put(object, "name", ut_json_text(party->name), &ok);
        ut_json_put(object, "role", json_string(ut_role_name(party->role)), &ok);
        ut_json_put(object, "ipi", ut_json_text(party->ipi), &ok);
        ut_json_put(object, "society", ut_json_text(party->society), &ok);
        ut_json_put(object, "share", ut_json_real(party->share), &ok);
        ok &= json_array_append_new(array, object) == 0;
    }
    return finished(array, ok);
}

static json_t *claim_json(const char *file, const ut_claim *claim)
{
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "file", ut_json_text(file), &ok);
    ut_json_put(object, "row", json_integer((json_int_t)claim->row), &ok);
    ut_json_put(object, "start_utc", ut_json_time(claim->start_ns), &ok);
    ut_json_put(object, "end_utc", ut_json_time(claim->end_ns), &ok);
    ut_json_put(object, "duration_s", seconds(claim->end_ns - claim->start_ns), &ok);
    ut_json_put(object, "title", ut_json_text(claim->what.title), &ok);
    ut_json_put(object, "work", ut_json_text(claim->what.work), &ok);
    ut_json_put(object, "artist", ut_json_text(claim->what.artist), &ok);
    ut_json_put(object, "isrc", ut_json_text(claim->what.isrc), &ok);
    ut_json_put(object, "iswc", ut_json_text(claim->what.iswc), &ok);
    ut_json_put(object, "library", ut_json_text(claim->what.library), &ok);
    ut_json_put(object, "catalogue_no", ut_json_text(claim->what.catalogue_no), &ok);
    ut_json_put(object, "usage", ut_json_text(claim->usage), &ok);
    ut_json_put(object, "use", json_string(ut_use_name(claim->use)), &ok);
    ut_json_put(object, "parties", claim_parties_json(&claim->what), &ok);
    ut_json_put(object, "note", ut_json_text(claim->note[0] ? claim->note : NULL), &ok);
    return finished(object, ok);
}

static json_t *cue_json(const ut_cue *cue, const ut_recording *rec)
{
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "id", json_string(cue->id), &ok);
    ut_json_put(object, "outcome", json_string(ut_outcome_name(cue->outcome)), &ok);
    ut_json_put(object, "start_utc", ut_json_time(cue->start_ns), &ok);
    ut_json_put(object, "end_utc", ut_json_time(cue->end_ns), &ok);
    ut_json_put(object, "duration_s", seconds(cue->end_ns - cue->start_ns), &ok);
    ut_json_put(object, "recording_id", cue->recording_id ? json_integer(cue->recording_id) : json_null(), &ok);
    ut_json_put(object, "title", ut_json_text(rec ? rec->title : NULL), &ok);
    ut_json_put(object, "artist", ut_json_text(rec ? rec->artist : NULL), &ok);
    ut_json_put(object, "isrc", ut_json_text(rec ? rec->isrc : NULL), &ok);
    ut_json_put(object, "work", ut_json_text(rec ? rec->work : NULL), &ok);
    ut_json_put(object, "iswc", ut_json_text(rec ? rec->iswc : NULL), &ok);
    ut_json_put(object, "log10_e", ut_json_real(cue->log10_e), &ok);
    ut_json_put(object, "use", json_string(ut_use_name(cue->use)), &ok);
    ut_json_put(object, "delta_lu", real(cue->delta_lu), &ok);
    return finished(object, ok);
}

static json_t *finding_json(const ut_audit_report *report, size_t index)
{
    const ut_audit_input *in = report->input;
    const ut_audit_finding *f = &report->audit->findings[index];
    bool ok = true;
    json_t *object = json_object(), *cues = json_array(), *differ = json_array();
    bool claimed = f->claim != UT_NO_CLAIM;
    for (size_t i = 0; i < f->cue_count; i++) {
        size_t cue = report->audit->links[f->first_cue + i];
        ok &= json_array_append_new(cues, cue_json(&in->cues[cue], in->recordings[cue])) == 0;
    }
    if (f->recording_differs)
        ok &= json_array_append_new(differ, json_string(f->same_work ? "recording-of-the-work" : "recording")) == 0;
    if (f->time_differs)
        ok &= json_array_append_new(differ, json_string("time")) == 0;
    if (f->use_differs)
        ok &= json_array_append_new(differ, json_string("use")) == 0;
    ut_json_put(object, "seq", json_integer((json_int_t)index + 1), &ok);
    ut_json_put(object, "outcome", json_string(ut_audit_outcome_name(f->outcome)), &ok);
    ut_json_put(object, "counts_against_claimant", json_boolean(f->outcome == UT_AUDIT_NO_MUSIC), &ok);
    ut_json_put(object, "claim", claimed ? claim_json(report->claim_file, &in->claims[f->claim]) : json_null(), &ok);
    ut_json_put(object, "cues", cues, &ok);
    ut_json_put(object, "differences", differ, &ok);
    ut_json_put(object, "start_diff_s", real(f->start_diff_s), &ok);
    ut_json_put(object, "end_diff_s", real(f->end_diff_s), &ok);
    ut_json_put(object, "duration_diff_s", real(f->duration_diff_s), &ok);
    ut_json_put(object, "claimed_s", seconds(f->claimed_ns), &ok);
    ut_json_put(object, "detected_s", seconds(f->detected_ns), &ok);
    ut_json_put(object, "confirmed_s", seconds(f->confirmed_ns), &ok);
    ut_json_put(object, "music_s", seconds(f->music_ns), &ok);
    ut_json_put(object, "unobserved_s", seconds(f->unobserved_ns), &ok);
    ut_json_put(object, "other_rows", json_integer((json_int_t)f->sibling_count), &ok);
    return finished(object, ok);
}

static json_t *total_json(const ut_total *t, bool society)
{
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, society ? "society" : "name", ut_json_text(t->name), &ok);
    if (!society) {
        ut_json_put(object, "ipi", ut_json_text(t->ipi), &ok);
        ut_json_put(object, "society", ut_json_text(t->society), &ok);
    }
    ut_json_put(object, "claimed_s", seconds(t->claimed_ns), &ok);
    ut_json_put(object, "confirmed_s", seconds(t->confirmed_ns), &ok);
    ut_json_put(object, "wrong_recording_s", seconds(t->wrong_recording_ns), &ok);
    ut_json_put(object, "claimed_twice_s", seconds(t->twice_ns), &ok);
    ut_json_put(object, "undecided_s", seconds(t->undecided_ns), &ok);
    ut_json_put(object, "no_music_s", seconds(t->no_music_ns), &ok);
    ut_json_put(object, "detected_s", seconds(t->detected_ns), &ok);
    ut_json_put(object, "not_claimed_s", seconds(t->not_claimed_ns), &ok);
    ut_json_put(object, "claimed_by_share_s", real(t->claimed_weighted_s), &ok);
    ut_json_put(object, "confirmed_by_share_s", real(t->confirmed_weighted_s), &ok);
    ut_json_put(object, "no_music_by_share_s", real(t->no_music_weighted_s), &ok);
    ut_json_put(object, "detected_by_share_s", real(t->detected_weighted_s), &ok);
    ut_json_put(object, "not_claimed_by_share_s", real(t->not_claimed_weighted_s), &ok);
    return finished(object, ok);
}

static json_t *totals_json(const ut_totals *totals, bool society)
{
    bool ok = true;
    json_t *array = json_array();
    for (size_t i = 0; i < totals->count; i++)
        ok &= json_array_append_new(array, total_json(&totals->items[i], society)) == 0;
    return finished(array, ok);
}

static json_t *summary_json(const ut_audit_report *report)
{
    bool ok = true;
    json_t *object = json_object(), *outcomes = json_object();
    ut_audit_sum sums[UT_AUDIT_OUTCOMES];
    ut_audit_sums(report->audit, sums);
    for (int i = 0; i < UT_AUDIT_OUTCOMES; i++) {
        json_t *one = json_object();
        ut_json_put(one, "count", json_integer((json_int_t)sums[i].count), &ok);
        ut_json_put(one, "seconds", seconds(sums[i].ns), &ok);
        ut_json_put(outcomes, ut_audit_outcome_name((ut_audit_outcome)i), one, &ok);
    }
    ut_json_put(object, "claims", json_integer((json_int_t)report->input->claim_count), &ok);
    ut_json_put(object, "claims_outside", json_integer((json_int_t)report->audit->outside), &ok);
    ut_json_put(object, "cues", json_integer((json_int_t)report->input->cue_count), &ok);
    ut_json_put(object, "outcomes", outcomes, &ok);
    return finished(object, ok);
}

static json_t *coverage_json(const ut_audit_report *report)
{
    const ut_audit_input *in = report->input;
    bool ok = true;
    json_t *object = json_object(), *spans = json_array(), *gaps = json_array();
    for (size_t i = 0; i < in->unobserved_count; i++) {
        json_t *span = json_object();
        ut_json_put(span, "start_utc", ut_json_time(in->unobserved[i].start_ns), &ok);
        ut_json_put(span, "end_utc", ut_json_time(in->unobserved[i].end_ns), &ok);
        ok &= json_array_append_new(spans, span) == 0;
    }
    for (size_t i = 0; i < report->gap_count; i++) {
        json_t *gap = json_object();
        ut_json_put(gap, "start_utc", ut_json_time(report->gaps[i].start_ns), &ok);
        ut_json_put(gap, "end_utc", ut_json_time(report->gaps[i].end_ns), &ok);
        ut_json_put(gap, "reason", ut_json_text(report->gaps[i].reason), &ok);
        ok &= json_array_append_new(gaps, gap) == 0;
    }
    ut_json_put(object, "observed_s", seconds(in->end_ns - in->start_ns - report->audit->unobserved_ns), &ok);
    ut_json_put(object, "unobserved_s", seconds(report->audit->unobserved_ns), &ok);
    ut_json_put(object, "unobserved", spans, &ok);
    ut_json_put(object, "gaps", gaps, &ok);
    return finished(object, ok);
}

static json_t *rules_json(const ut_audit_rules *rules)
{
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "edge_s", json_real(rules->edge_s), &ok);
    ut_json_put(object, "duration_s", json_real(rules->duration_s), &ok);
    ut_json_put(object, "duration_ratio", json_real(rules->duration_ratio), &ok);
    ut_json_put(object, "search_s", json_real(rules->search_s), &ok);
    ut_json_put(object, "unidentified_music_recorded", json_boolean(rules->presence_known), &ok);
    return finished(object, ok);
}

static json_t *report_json(const ut_audit_report *report)
{
    const ut_audit_input *in = report->input;
    bool ok = true;
    json_t *object = json_object(), *findings = json_array(), *file = json_object();
    ut_json_put(file, "name", ut_json_text(report->claim_file), &ok);
    ut_json_put(file, "sha256", ut_json_text(report->claim_sha256), &ok);
    for (size_t i = 0; i < report->audit->count; i++)
        ok &= json_array_append_new(findings, finding_json(report, i)) == 0;
    ut_json_put(object, "schema", json_string("urn:undertone:schema:audit.v1"), &ok);
    ut_json_put(object, "engine", json_string(UT_VERSION), &ok);
    ut_json_put(object, "made_utc", ut_json_time(report->made_ns), &ok);
    ut_json_put(object, "channel", ut_json_text(in->channel), &ok);
    ut_json_put(object, "start_utc", ut_json_time(in->start_ns), &ok);
    ut_json_put(object, "end_utc", ut_json_time(in->end_ns), &ok);
    ut_json_put(object, "claim_file", file, &ok);
    ut_json_put(object, "tolerances", rules_json(&in->rules), &ok);
    ut_json_put(object, "coverage", coverage_json(report), &ok);
    ut_json_put(object, "summary", summary_json(report), &ok);
    ut_json_put(object, "parties", totals_json(&report->parties, false), &ok);
    ut_json_put(object, "societies", totals_json(&report->societies, true), &ok);
    ut_json_put(object, "findings", findings, &ok);
    return finished(object, ok);
}

ut_status ut_audit_json(const ut_audit_report *report, char **data, size_t *size, ut_err *err)
{
    json_t *object = report_json(report);
    char *text = object ? json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(object);
    size_t length = text ? strlen(text) : 0;
    char *line = text ? realloc(text, length + 2) : NULL;
    if (!line) {
        free(text);
        return ut_fail(err, UT_E_NOMEM, "audit: JSON");
    }
    memcpy(line + length, "\n", 2);
    *data = line;
    *size = length + 1;
    return UT_OK;
}
