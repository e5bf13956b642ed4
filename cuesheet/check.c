#include "cuesheet/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/identifier.h"
#include "cuesheet/rows.h"
#include "cuesheet/table.h"

typedef struct {
    const ut_sheet *sheet;
    const ut_profile *profile;
    ut_sheet_finding_fn fn;
    void *arg;
    ut_err *err;
    ut_table_row row; /* looked at */
    size_t number;    /* of it, as its file counts */
} checking;

/* Says one thing about the row looked at; `remedy` after the text, parted by "|". */
static ut_status say(checking *c, bool whole, bool error, const char *code, const char *fmt, ...) UT_PRINTF(5, 6);
static ut_status say(checking *c, bool whole, bool error, const char *code, const char *fmt, ...)
{
    ut_sheet_finding finding = {.error = error, .code = code};
    char text[480];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    char *bar = strchr(text, '|');
    if (bar)
        *bar++ = '\0';
    snprintf(finding.text, sizeof finding.text, "%.239s", text);
    snprintf(finding.remedy, sizeof finding.remedy, "%.239s", bar ? bar : "");
    if (!whole) {
        finding.row = c->number;
        finding.seq = c->sheet->cues[c->row.cue].seq;
    }
    return c->fn(c->arg, &finding);
}

/* --- mandatory fields ------------------------------------------------------------------------ */

static ut_status field_empty(const checking *c, const char *field, bool *empty)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return ut_fail(c->err, UT_E_NOMEM, "cue sheet check");
    ut_field_put(out, &c->row, field);
    if (fclose(out) != 0) {
        free(text);
        return ut_fail(c->err, UT_E_NOMEM, "cue sheet check");
    }
    *empty = text[strspn(text, " \t")] == '\0';
    free(text);
    return UT_OK;
}

static bool of_party(const char *field)
{
    static const char *const fields[] = {"role", "name", "ipi", "society", "share"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strcmp(fields[i], field) == 0)
            return true;
    return false;
}

static ut_status need_one(checking *c, const char *field, const char *of)
{
    bool empty;
    ut_status rc = field_empty(c, field, &empty);
    if (rc != UT_OK || !empty)
        return rc;
    const ut_recording *rec = c->sheet->recordings[c->row.cue];
    const char *party = rec && c->row.party < rec->party_count ? rec->parties[c->row.party].name : NULL;
    return say(c, false, true, "missing",
               "%s is missing%s%s%.80s|fill it in: `catalogue add --metadata` takes it from tracks.csv", field, of,
               party ? ": " : "", party ? party : "");
}

/* Fields of parties are asked of each party. */
static ut_status need(checking *c, char *const *fields, size_t count, const char *of)
{
    const ut_recording *rec = c->sheet->recordings[c->row.cue];
    bool known = c->sheet->cues[c->row.cue].outcome == UT_IDENTIFIED && rec;
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < count; i++) {
        if (ut_field_of_header(fields[i]))
            continue;
        bool each = of_party(fields[i]);
        if (each && !known)
            continue;
        size_t before = c->row.party, number = c->number;
        bool rows = strcmp(c->profile->rows, "party") == 0 || strcmp(c->profile->layout, "rapidcue") == 0;
        for (size_t p = 0; rc == UT_OK && p < (each ? rec->party_count : 1); p++) {
            c->row.party = each ? p : before;
            c->number = number + (each && rows ? p : 0);
            rc = need_one(c, fields[i], of);
        }
        c->row.party = before;
        c->number = number;
    }
    return rc;
}

static ut_status check_fields(checking *c)
{
    const ut_profile *p = c->profile;
    const ut_recording *rec = c->sheet->recordings[c->row.cue];
    ut_status rc = need(c, p->required, p->required_count, "");
    if (rc != UT_OK || c->sheet->cues[c->row.cue].outcome != UT_IDENTIFIED)
        return rc;
    if (!rec)
        return say(c, false, true, "missing", "the recording is no longer in the catalogue|add it again");
    rc = need(c, p->required_identified, p->required_identified_count, "");
    if (rc == UT_OK && rec->library)
        rc = need(c, p->required_library, p->required_library_count, " (of library music)");
    else if (rc == UT_OK)
        rc = need(c, p->required_commercial, p->required_commercial_count, " (of commercial music)");
    return rc;
}

static ut_status check_header(checking *c)
{
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < c->profile->required_count; i++) {
        bool empty = false;
        const char *field = c->profile->required[i];
        if (!ut_field_of_header(field) || (rc = field_empty(c, field, &empty)) != UT_OK || !empty)
            continue;
        rc = say(c, true, true, "missing", "%s is missing|give it with --%s, or export by --programme", field, field);
    }
    return rc;
}

/* --- shares and identifiers ------------------------------------------------------------------ */

static bool adds_up(double sum, double tolerance)
{
    return fabs(sum - 1) <= tolerance + 1e-9;
}

static ut_status check_shares(checking *c)
{
    const ut_recording *rec = c->sheet->recordings[c->row.cue];
    const char *rule = c->profile->shares;
    double writers = 0, publishers = 0, tolerance = c->profile->share_tolerance;
    bool unknown = false, any_publisher = false;
    if (c->sheet->cues[c->row.cue].outcome != UT_IDENTIFIED || !rec || !rec->party_count || strcmp(rule, "none") == 0)
        return UT_OK;
    for (size_t i = 0; i < rec->party_count; i++) {
        bool house = rec->parties[i].role >= UT_ROLE_PUBLISHER;
        double share = rec->parties[i].share;
        unknown |= isnan(share);
        any_publisher |= house;
        *(house ? &publishers : &writers) += isnan(share) ? 0 : share;
    }
    if (unknown)
        return UT_OK; /* missing, if the profile asks for them */
    bool total = adds_up(writers + publishers, tolerance);
    bool each = adds_up(writers, tolerance) && (!any_publisher || adds_up(publishers, tolerance));
    if (strcmp(rule, "total") == 0 ? total : strcmp(rule, "each") == 0 ? each : total || each)
        return UT_OK;
    return say(c, false, true, "shares", "shares do not add up: writers %.4g %%, publishers %.4g %%|%s", 100 * writers,
               100 * publishers,
               strcmp(rule, "total") == 0  ? "all together must be 100 %"
               : strcmp(rule, "each") == 0 ? "writers must be 100 %, and publishers 100 %"
                                           : "all together must be 100 %, or writers and publishers 100 % each");
}

static ut_status check_identifiers(checking *c)
{
    const ut_recording *rec = c->sheet->recordings[c->row.cue];
    char code[16];
    ut_status rc = UT_OK;
    if (!rec)
        return UT_OK;
    if (rec->isrc && !ut_isrc_parse(rec->isrc, code))
        rc = say(c, false, true, "identifier",
                 "ISRC %.40s is not one|two letters, three letters or digits, seven digits", rec->isrc);
    if (rc == UT_OK && rec->iswc && !ut_iswc_parse(rec->iswc, code))
        rc = say(c, false, true, "identifier", "ISWC %.40s is not one|T, nine digits and their check digit", rec->iswc);
    for (size_t i = 0; rc == UT_OK && i < rec->party_count; i++)
        if (rec->parties[i].ipi && !ut_ipi_parse(rec->parties[i].ipi, code))
            rc = say(c, false, true, "identifier", "IPI %.40s of %.60s is not one|eleven digits, the last two a check",
                     rec->parties[i].ipi, rec->parties[i].name ? rec->parties[i].name : "?");
    return rc;
}

/* --- times ----------------------------------------------------------------------------------- */

static ut_status check_times(checking *c)
{
    const ut_cue *cue = &c->sheet->cues[c->row.cue];
    int64_t length_ms = (c->sheet->end_ns - c->sheet->start_ns) / 1000000;
    int64_t slack_ms = llround(c->profile->round_s * 1000); /* of what was rounded when it was printed */
    ut_status rc = UT_OK;
    if (cue->in_ms < 0)
        rc = say(c, false, true, "times", "begins %.3f s before the programme|check the programme's times",
                 -(double)cue->in_ms / 1000);
    if (rc == UT_OK && cue->duration_ms <= 0)
        rc = say(c, false, true, "times", "lasts %.3f s|correct in, out or duration, or take the row out",
                 (double)cue->duration_ms / 1000);
    else if (rc == UT_OK && llabs(cue->out_ms - cue->in_ms - cue->duration_ms) > slack_ms)
        rc = say(c, false, true, "times", "out less in is %.3f s, the duration says %.3f s|correct one of the three",
                 (double)(cue->out_ms - cue->in_ms) / 1000, (double)cue->duration_ms / 1000);
    if (rc == UT_OK && length_ms > 0 && cue->out_ms > length_ms + slack_ms)
        rc = say(c, false, true, "times", "ends %.3f s after the programme|check the programme's times",
                 (double)(cue->out_ms - length_ms) / 1000);
    if (rc == UT_OK && cue->duration_ms > 0 && ut_profile_round(c->profile, cue->duration_ms) == 0)
        rc = say(c, false, false, "times",
                 "prints as no time at all|raise min_length_s of the profile, or round_s is too coarse");
    return rc;
}

/* The same recording twice at a time would be paid twice. */
static ut_status check_overlap(checking *c)
{
    const ut_cue *cue = &c->sheet->cues[c->row.cue];
    for (size_t i = c->row.cue; cue->recording_id && i-- > 0;) {
        const ut_cue *other = &c->sheet->cues[i];
        if (other->recording_id == cue->recording_id && other->out_ms > cue->in_ms && other->in_ms < cue->out_ms)
            return say(c, false, true, "overlap", "overlaps cue %d of the same recording by %.3f s|merge the two",
                       other->seq,
                       (double)((other->out_ms < cue->out_ms ? other->out_ms : cue->out_ms) - cue->in_ms) / 1000);
    }
    return UT_OK;
}

static ut_status check_outcome(checking *c)
{
    const ut_cue *cue = &c->sheet->cues[c->row.cue];
    if (cue->outcome == UT_UNIDENTIFIED)
        return say(c, false, false, "unidentified",
                   "music that nothing in the catalogue explains|name it by hand, or add the recording and replay");
    if (cue->outcome == UT_AMBIGUOUS)
        return say(c, false, false, "unidentified", "several recordings fit|a person has to decide which");
    return UT_OK;
}

/* --- all ------------------------------------------------------------------------------------- */

static ut_status check_cue(void *arg, const ut_table_row *row, ut_err *err)
{
    checking *c = arg;
    (void)err;
    c->row = *row;
    ut_status rc = check_outcome(c);
    if (rc == UT_OK)
        rc = check_fields(c);
    if (rc == UT_OK)
        rc = check_shares(c);
    if (rc == UT_OK)
        rc = check_identifiers(c);
    if (rc == UT_OK)
        rc = check_times(c);
    return rc == UT_OK ? check_overlap(c) : rc;
}

static ut_status check_whole(checking *c, size_t rows)
{
    const ut_sheet *s = c->sheet;
    ut_status rc = check_header(c);
    if (rc == UT_OK && c->profile->max_rows && rows > (size_t)c->profile->max_rows)
        rc = say(c, true, true, "rows", "%zu rows, the form holds %" PRId64 "|export in parts, by programme", rows,
                 c->profile->max_rows);
    int64_t total_s = 0;
    for (size_t i = 0; i < s->count; i++)
        total_s += ut_row_s(s, s->cues[i].duration_ms);
    if (rc == UT_OK && s->said_total_s && s->said_total_s != total_s)
        rc =
            say(c, true, true, "total",
                "the total is %" PRId64 " s, the rows add up to %" PRId64 " s|recalculate the workbook, or correct one",
                s->said_total_s, total_s);
    double lost_s = 0;
    for (size_t i = 0; i < s->gap_count; i++)
        lost_s += (double)(s->gaps[i].end_ns - s->gaps[i].start_ns) / 1e9;
    if (rc == UT_OK && s->gap_count)
        rc = say(c, true, false, "gap",
                 "%.1f s were not captured (%zu gaps)|the sheet cannot speak for them: ask for the recording", lost_s,
                 s->gap_count);
    if (rc == UT_OK && s->count == 0)
        rc = say(c, true, false, "missing", "no cue at all|was the range captured and analysed? `cues list` tells");
    return rc;
}

ut_status ut_sheet_check(const ut_sheet *sheet, const ut_profile *profile, ut_sheet_finding_fn fn, void *arg,
                         ut_err *err)
{
    static const ut_cue no_cue = {.id = ""};
    static const ut_recording *const no_recording = NULL;
    ut_sheet shown = *sheet;
    checking c = {.sheet = sheet, .profile = profile, .fn = fn, .arg = arg, .err = err};
    bool rapidcue = strcmp(profile->layout, "rapidcue") == 0, works = strcmp(profile->rows, "work") == 0;
    bool parties = rapidcue || strcmp(profile->rows, "party") == 0;
    size_t number = rapidcue && strcmp(profile->format, "xlsx") == 0 ? 20 : 2, first = number;
    if (sheet->count == 0) { /* header fields are read through a row */
        shown.cues = &no_cue;
        shown.recordings = &no_recording;
    }
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < sheet->count; i++) {
        const ut_recording *rec = sheet->cues[i].outcome == UT_IDENTIFIED ? sheet->recordings[i] : NULL;
        const ut_table_row row = {.sheet = sheet, .profile = profile, .cue = i, .party = SIZE_MAX};
        c.number = works ? 0 : number;
        rc = check_cue(&c, &row, err);
        number += parties && rec && rec->party_count ? rec->party_count : 1;
    }
    c.row = (ut_table_row){.sheet = &shown, .profile = profile, .party = SIZE_MAX};
    return rc == UT_OK ? check_whole(&c, number - first) : rc;
}
