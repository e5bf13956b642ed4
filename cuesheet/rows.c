#include "cuesheet/rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const ut_row_titles[UT_ROW_COLUMNS] = {
    "Cue #", "Cue Title", "Usage", "In H",       "In M",      "In S",      "Out H", "Out M", "Out S",
    "Dur M", "Dur S",     "Role",  "First Name", "Last Name", "Publisher", "IPI",   "PRO",   "Share",
};

int64_t ut_round_s(int64_t ms)
{
    int64_t shifted = ms + 500;
    return shifted / 1000 - (shifted % 1000 < 0);
}

int64_t ut_row_s(const ut_sheet *sheet, int64_t ms)
{
    return ut_profile_round(sheet->profile, ms) / 1000;
}

static const char *text_or_empty(const char *text)
{
    return text ? text : "";
}

static const char *role_code(ut_role role)
{
    switch (role) {
    case UT_ROLE_COMPOSER:
        return "C";
    case UT_ROLE_AUTHOR:
        return "A";
    case UT_ROLE_ARRANGER:
        return "AR";
    case UT_ROLE_PUBLISHER:
        return "E";
    case UT_ROLE_SUBPUBLISHER:
        return "SE";
    }
    return "";
}

/* Parties get paid, so only what is identified without doubt names any. */
static size_t party_count(const ut_cue *cue, const ut_recording *rec)
{
    return cue->outcome == UT_IDENTIFIED && rec ? rec->party_count : 0;
}

/* A name too long for its cell is cut between characters, never inside one. */
static void trim_utf8(char *text, size_t size)
{
    size_t end = strlen(text);
    if (end + 1 < size)
        return;
    while (end > 0 && ((unsigned char)text[end - 1] & 0xC0) == 0x80)
        end--;
    if (end > 0 && (unsigned char)text[end - 1] >= 0xC0)
        end--;
    text[end] = '\0';
}

static void put_title(ut_row *row, const ut_cue *cue, const ut_recording *rec)
{
    const char *title = rec && rec->work ? rec->work : rec && rec->title ? rec->title : "?";
    if (cue->outcome == UT_IDENTIFIED)
        snprintf(row->title, sizeof row->title, "%s", title);
    else if (cue->outcome == UT_AMBIGUOUS)
        snprintf(row->title, sizeof row->title, "UNRESOLVED MUSIC (possibly %s)", title);
    else
        snprintf(row->title, sizeof row->title, "UNIDENTIFIED MUSIC");
    trim_utf8(row->title, sizeof row->title);
}

/* "Last, First" as it stands; else the last word is the last name. */
static void split_name(const char *name, ut_row *row)
{
    const char *comma = strchr(name, ',');
    const char *space = strrchr(name, ' ');
    if (comma) {
        snprintf(row->last_name, sizeof row->last_name, "%.*s", (int)(comma - name), name);
        snprintf(row->first_name, sizeof row->first_name, "%s", comma + 1 + strspn(comma + 1, " "));
    } else if (space) {
        snprintf(row->first_name, sizeof row->first_name, "%.*s", (int)(space - name), name);
        snprintf(row->last_name, sizeof row->last_name, "%s", space + 1);
    } else {
        snprintf(row->last_name, sizeof row->last_name, "%s", name);
    }
    trim_utf8(row->first_name, sizeof row->first_name);
    trim_utf8(row->last_name, sizeof row->last_name);
}

static void put_party(ut_row *row, const ut_party *party)
{
    row->role = role_code(party->role);
    row->first_name[0] = row->last_name[0] = '\0';
    row->publisher = "";
    if (party->role == UT_ROLE_PUBLISHER || party->role == UT_ROLE_SUBPUBLISHER)
        row->publisher = text_or_empty(party->name);
    else
        split_name(text_or_empty(party->name), row);
    row->ipi = text_or_empty(party->ipi);
    row->society = text_or_empty(party->society);
    row->share = party->share;
}

ut_status ut_rows_each(const ut_sheet *sheet, ut_row_fn fn, void *arg, ut_err *err)
{
    for (size_t i = 0; i < sheet->count; i++) {
        const ut_cue *cue = &sheet->cues[i];
        const ut_recording *rec = sheet->recordings[i];
        ut_row row = {.seq = cue->seq,
                      .first = true,
                      .usage = cue->usage_code,
                      .role = "",
                      .publisher = "",
                      .ipi = "",
                      .society = "",
                      .share = NAN};
        put_title(&row, cue, rec);
        row.in_s = ut_row_s(sheet, cue->in_ms);
        row.duration_s = ut_row_s(sheet, cue->duration_ms);
        row.out_s = row.in_s + row.duration_s;
        size_t parties = party_count(cue, rec);
        for (size_t p = 0; p < (parties ? parties : 1); p++) {
            if (parties)
                put_party(&row, &rec->parties[p]);
            ut_status rc = fn(arg, &row, err);
            if (rc != UT_OK)
                return rc;
            row.first = false;
        }
    }
    return UT_OK;
}

size_t ut_rows_count(const ut_sheet *sheet)
{
    size_t count = 0;
    for (size_t i = 0; i < sheet->count; i++) {
        size_t parties = party_count(&sheet->cues[i], sheet->recordings[i]);
        count += parties ? parties : 1;
    }
    return count;
}

int64_t ut_rows_total_s(const ut_sheet *sheet)
{
    int64_t total_s = 0;
    for (size_t i = 0; i < sheet->count; i++)
        total_s += ut_row_s(sheet, sheet->cues[i].duration_ms);
    return total_s;
}
