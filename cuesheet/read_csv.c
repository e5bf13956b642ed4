/* The CSV or workbook of a profile, read back: the RapidCue columns by place, those of a column profile by heading. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/csv.h"
#include "cuesheet/check.h"
#include "cuesheet/grid.h"
#include "cuesheet/table.h"

#define ROWS_MAX 200000
#define PARTIES_MAX 200

typedef enum {
    SEQ,
    TITLE,
    USAGE,
    IN,
    OUT,
    DURATION,
    ROLE,
    NAME,
    LAST,
    PUBLISHER,
    IPI,
    SOCIETY,
    SHARE,
    ISRC,
    ISWC,
    ARTIST,
    LABEL,
    LIBRARY,
    CATALOGUE_NO,
    ALBUM,
    OUTCOME,
    KINDS
} kind;

static const char *const fields[KINDS] = {"seq",          "title", "usage_code", "in",        "out",   "duration",
                                          "role",         "name",  "",           "publisher", "ipi",   "society",
                                          "share",        "isrc",  "iswc",       "artist",    "label", "library",
                                          "catalogue_no", "album", "outcome"};

typedef struct {
    const char *name;
    const ut_profile *profile;
    bool rapidcue;
    int map[KINDS]; /* field of the row; -1: none */
    const ut_csv_record *record;
    ut_sheet_file *file;
    size_t capacity;
    ut_err *err;
} reader;

static ut_status complain(const reader *r, const char *fmt, ...) UT_PRINTF(2, 3);
static ut_status complain(const reader *r, const char *fmt, ...)
{
    char text[300];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return ut_fail(r->err, UT_E_ARG, "%.100s:%zu: %s", r->name, r->record->line, text);
}

/* The apostrophe that kept a spreadsheet from calculating is taken off again. */
static const char *at(const reader *r, int i)
{
    const char *text = i >= 0 && (size_t)i < r->record->count ? r->record->fields[i] : "";
    text += strspn(text, " ");
    return *text == '\'' && text[1] && strchr("=+-@", text[1]) ? text + 1 : text;
}

static const char *value(const reader *r, kind k)
{
    return at(r, r->map[k]);
}

static ut_status text_read(const reader *r, kind k, char **out)
{
    const char *text = value(r, k);
    if (*text && !(*out = strdup(text)))
        return ut_fail(r->err, UT_E_NOMEM, "%s", r->name);
    return UT_OK;
}

/* "", "1", "1:02:03.4", "62.5" */
static ut_status time_read(const reader *r, kind k, int64_t *ms)
{
    const char *text = value(r, k), *c = text;
    bool minus = *c == '-';
    double total = 0;
    c += minus;
    for (int parts = 0; *c && parts < 3; parts++) {
        char *end;
        double part = strtod(c, &end);
        if (end == c || !(part >= 0 && part < 1e9) || (*end && *end != ':'))
            return complain(r, "%s: %.40s: not a time such as 00:01:30", fields[k], text);
        total = 60 * total + part;
        c = *end ? end + 1 : end;
    }
    if (*c)
        return complain(r, "%s: %.40s: not a time such as 00:01:30", fields[k], text);
    *ms = llround((minus ? -total : total) * 1000);
    return UT_OK;
}

static ut_status whole_read(const reader *r, int i, int64_t most, int64_t *out)
{
    char *end;
    const char *text = at(r, i);
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (*end || errno || number < 0 || number > most)
        return complain(r, "column %d: %.40s: not a whole number up to %lld", i + 1, text, (long long)most);
    *out = number;
    return UT_OK;
}

/* Three cells of hours, minutes, seconds, or two of minutes, seconds. */
static ut_status cells_read(const reader *r, int from, int count, int64_t *ms)
{
    int64_t total = 0, part = 0;
    ut_status rc = UT_OK;
    for (int i = 0; rc == UT_OK && i < count; i++) {
        rc = whole_read(r, from + i, i == 0 ? 1000000 : 59, &part);
        total = 60 * total + part;
    }
    *ms = 1000 * total;
    return rc;
}

static bool any_time(const reader *r)
{
    if (!r->rapidcue)
        return *value(r, IN) || *value(r, OUT) || *value(r, DURATION);
    for (int i = 3; i < 11; i++)
        if (*at(r, i))
            return true;
    return false;
}

static ut_status times_read(const reader *r, ut_cue *cue)
{
    ut_status rc;
    if (r->rapidcue) {
        rc = cells_read(r, 3, 3, &cue->in_ms);
        if (rc == UT_OK)
            rc = cells_read(r, 6, 3, &cue->out_ms);
        return rc == UT_OK ? cells_read(r, 9, 2, &cue->duration_ms) : rc;
    }
    rc = time_read(r, IN, &cue->in_ms);
    if (rc == UT_OK)
        rc = time_read(r, OUT, &cue->out_ms);
    if (rc == UT_OK)
        rc = time_read(r, DURATION, &cue->duration_ms);
    if (!*value(r, DURATION))
        cue->duration_ms = cue->out_ms - cue->in_ms;
    if (!*value(r, OUT))
        cue->out_ms = cue->in_ms + cue->duration_ms;
    return rc;
}

static ut_role role_of(const char *code)
{
    static const char *const codes[] = {"C", "A", "AR", "E", "SE"};
    if (strcmp(code, "CA") == 0) /* wrote both */
        return UT_ROLE_COMPOSER;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(codes[i], code) == 0)
            return (ut_role)i;
    return UT_ROLE_COMPOSER;
}

static ut_status party_read(const reader *r, ut_recording *rec)
{
    bool house = *value(r, PUBLISHER) && !*value(r, NAME) && !*value(r, LAST);
    char name[300], *end;
    snprintf(name, sizeof name, "%s%s%s", house ? value(r, PUBLISHER) : value(r, NAME),
             !house && *value(r, NAME) && *value(r, LAST) ? " " : "", house ? "" : value(r, LAST));
    if (!*name && !*value(r, IPI) && !*value(r, SHARE))
        return UT_OK;
    if (rec->party_count == PARTIES_MAX)
        return complain(r, "more than %d parties of one cue", PARTIES_MAX);
    ut_party *grown = reallocarray(rec->parties, rec->party_count + 1, sizeof *grown);
    if (!grown)
        return ut_fail(r->err, UT_E_NOMEM, "%s", r->name);
    rec->parties = grown;
    ut_party *party = &grown[rec->party_count++];
    *party = (ut_party){.role = house && !*value(r, ROLE) ? UT_ROLE_PUBLISHER : role_of(value(r, ROLE)), .share = NAN};
    if (*value(r, SHARE)) {
        party->share = strtod(value(r, SHARE), &end);
        if (*end == '%' && !end[1])
            party->share /= 100;
        else if (*end || !isfinite(party->share))
            return complain(r, "share: %.40s: not a fraction such as 0.5", value(r, SHARE));
    }
    ut_status rc = text_read(r, IPI, &party->ipi);
    if (rc == UT_OK)
        rc = text_read(r, SOCIETY, &party->society);
    if (rc == UT_OK && *name && !(party->name = strdup(name)))
        rc = ut_fail(r->err, UT_E_NOMEM, "%s", r->name);
    return rc;
}

static ut_status recording_read(const reader *r, ut_recording *rec)
{
    static const kind kinds[] = {TITLE, ARTIST, ISRC, ISWC, LABEL, LIBRARY, CATALOGUE_NO, ALBUM};
    char **const to[] = {&rec->title, &rec->artist,  &rec->isrc,         &rec->iswc,
                         &rec->label, &rec->library, &rec->catalogue_no, &rec->album};
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < sizeof kinds / sizeof *kinds; i++)
        rc = text_read(r, kinds[i], to[i]);
    return rc;
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static ut_outcome outcome_of(const reader *r)
{
    const char *said = value(r, OUTCOME), *title = value(r, TITLE);
    if (starts(said, "unid") || starts(title, "UNIDENTIFIED MUSIC"))
        return UT_UNIDENTIFIED;
    return starts(said, "amb") || starts(title, "UNRESOLVED MUSIC") ? UT_AMBIGUOUS : UT_IDENTIFIED;
}

static ut_status room(reader *r)
{
    ut_sheet_file *f = r->file;
    if (f->sheet.count == ROWS_MAX)
        return complain(r, "more than %d cues", ROWS_MAX);
    if (f->sheet.count < r->capacity)
        return UT_OK;
    size_t capacity = r->capacity ? 2 * r->capacity : 64;
    void *cues = reallocarray(f->cues, capacity, sizeof *f->cues);
    f->cues = cues ? cues : f->cues;
    void *recordings = reallocarray(f->recordings, capacity, sizeof *f->recordings);
    f->recordings = recordings ? recordings : f->recordings;
    if (!cues || !recordings)
        return ut_fail(r->err, UT_E_NOMEM, "%s", r->name);
    r->capacity = capacity;
    return UT_OK;
}

/* A row with the number of the one before and without times tells of one more party. */
static ut_status row_read(reader *r)
{
    ut_sheet_file *f = r->file;
    int64_t seq = (int64_t)f->sheet.count + 1;
    ut_status rc = *value(r, SEQ) ? whole_read(r, r->map[SEQ], INT_MAX, &seq) : UT_OK;
    if (rc != UT_OK)
        return rc;
    bool more = f->sheet.count && f->cues[f->sheet.count - 1].seq == seq && (!r->rapidcue || !any_time(r));
    if (more)
        return party_read(r, &f->recordings[f->sheet.count - 1]);
    if ((rc = room(r)) != UT_OK)
        return rc;
    ut_cue *cue = &f->cues[f->sheet.count];
    ut_recording *rec = &f->recordings[f->sheet.count++];
    *cue = (ut_cue){.seq = (int)seq,
                    .outcome = outcome_of(r),
                    .music_lufs = NAN,
                    .speech_lufs = NAN,
                    .mix_lufs = NAN,
                    .delta_lu = NAN,
                    .speech_share = NAN,
                    .log10_e = NAN};
    *rec = (ut_recording){0};
    snprintf(cue->usage_code, sizeof cue->usage_code, "%s", value(r, USAGE));
    rc = times_read(r, cue);
    if (rc == UT_OK)
        rc = recording_read(r, rec);
    return rc == UT_OK ? party_read(r, rec) : rc;
}

static const int rapidcue_places[KINDS] = {0,  1,  2,  -1, -1, -1, 11, 12, 13, 14, 15,
                                           16, 17, -1, -1, -1, -1, -1, -1, -1, -1};

static ut_status header_read(reader *r)
{
    memcpy(r->map, rapidcue_places, sizeof r->map);
    if (r->rapidcue) {
        if (r->record->count < 18)
            return complain(r, "%zu columns; the RapidCue form has 18, A to R", r->record->count);
        return UT_OK;
    }
    for (int k = 0; k < KINDS; k++)
        r->map[k] = -1;
    for (size_t i = 0; i < r->profile->column_count; i++)
        for (size_t at_cell = 0; at_cell < r->record->count; at_cell++)
            for (int k = 0; k < KINDS; k++)
                if (strcmp(ut_column_heading(r->profile, i), r->record->fields[at_cell]) == 0 &&
                    strcmp(ut_column_field(r->profile, i), fields[k]) == 0)
                    r->map[k] = (int)at_cell;
    if (r->map[TITLE] < 0)
        return complain(r, "no column for the title; this is not a file of profile %s", r->profile->name);
    return UT_OK;
}

/* Cues with the same title and artist are of one recording, as far as a file without identifiers of ours can say. */
static ut_status finish(reader *r)
{
    ut_sheet_file *f = r->file;
    size_t count = f->sheet.count;
    f->recording_of = calloc(count + 1, sizeof *f->recording_of);
    if (!f->recording_of)
        return ut_fail(r->err, UT_E_NOMEM, "%s", r->name);
    for (size_t i = 0; i < count; i++)
        f->recording_of[i] = f->cues[i].outcome == UT_UNIDENTIFIED ? NULL : &f->recordings[i];
    f->sheet.cues = f->cues;
    f->sheet.recordings = f->recording_of;
    f->sheet.channel = "-";
    return UT_OK;
}

/* CSV carries no header, so none is asked of it; nor do the workbooks of column profiles. */
static void no_header(reader *r)
{
    ut_sheet_header *h = &r->file->sheet.header;
    const char **const parts[] = {&h->programme, &h->episode,     &h->episode_no, &h->production_no, &h->airdate,
                                  &h->company,   &h->prepared_by, &h->email,      &h->network};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        *parts[i] = "-";
}

ut_status ut_sheet_read_csv(const char *name, const char *text, size_t size, const ut_profile *profile,
                            ut_sheet_file *out, ut_err *err)
{
    ut_sheet_file file = {0};
    ut_csv_record record;
    reader r = {.name = name,
                .profile = profile,
                .rapidcue = strcmp(profile->layout, "rapidcue") == 0,
                .record = &record,
                .file = &file,
                .err = err};
    ut_csv *csv = NULL;
    ut_status rc = ut_csv_open(name, text, size, &csv, err);
    if (rc != UT_OK)
        return rc;
    ut_csv_sniff(csv);
    if ((rc = ut_csv_next(csv, &record, err)) == UT_OK)
        rc = header_read(&r);
    while (rc == UT_OK && (rc = ut_csv_next(csv, &record, err)) == UT_OK && record.count)
        rc = row_read(&r);
    ut_csv_close(&csv);
    no_header(&r);
    if (rc == UT_OK)
        rc = finish(&r);
    if (rc != UT_OK) {
        ut_sheet_file_clear(&file);
        return rc;
    }
    *out = file;
    return UT_OK;
}

/* --- workbooks ------------------------------------------------------------------------------- */

enum { TITLES_ROW = 19, SHOW_ROW = 13, TOTAL_ROW = 14 }; /* of the RapidCue workbook */

typedef struct {
    reader reader;
    ut_csv_record record;
    bool headed;
} book_reader;

/* Minutes in column D, seconds in F. */
static ut_status length_read(const reader *r, int64_t *seconds)
{
    int64_t minutes = 0, rest = 0;
    ut_status rc = whole_read(r, 'D' - 'A', 1000000, &minutes);
    if (rc == UT_OK)
        rc = whole_read(r, 'F' - 'A', 59, &rest);
    *seconds = 60 * minutes + rest;
    return rc;
}

/* What stands above the cues in the RapidCue workbook. */
static ut_status header_cells_read(reader *r)
{
    static const struct {
        size_t row;
        char column;
        size_t offset;
    } cells[] = {
        {4, 'N', offsetof(ut_sheet_header, programme)},      {5, 'N', offsetof(ut_sheet_header, aka)},
        {6, 'N', offsetof(ut_sheet_header, episode)},        {7, 'N', offsetof(ut_sheet_header, episode_aka)},
        {8, 'N', offsetof(ut_sheet_header, episode_no)},     {9, 'N', offsetof(ut_sheet_header, production_no)},
        {11, 'N', offsetof(ut_sheet_header, company)},       {12, 'N', offsetof(ut_sheet_header, address)},
        {13, 'N', offsetof(ut_sheet_header, prepared_by)},   {14, 'N', offsetof(ut_sheet_header, email)},
        {4, 'D', offsetof(ut_sheet_header, classification)}, {5, 'D', offsetof(ut_sheet_header, prepared)},
        {8, 'D', offsetof(ut_sheet_header, airdate)},        {9, 'D', offsetof(ut_sheet_header, category)},
        {10, 'D', offsetof(ut_sheet_header, version)},       {11, 'D', offsetof(ut_sheet_header, network)},
    };
    ut_sheet *sheet = &r->file->sheet;
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        const char *text = cells[i].row == r->record->line ? at(r, cells[i].column - 'A') : "";
        if (*text && !(r->file->strings[i] = strdup(text)))
            return ut_fail(r->err, UT_E_NOMEM, "%s", r->name);
        if (*text)
            *(const char **)((char *)&sheet->header + cells[i].offset) = r->file->strings[i];
    }
    int64_t show_s = 0;
    if (r->record->line == TOTAL_ROW)
        return length_read(r, &sheet->said_total_s);
    if (r->record->line != SHOW_ROW)
        return UT_OK;
    ut_status rc = length_read(r, &show_s);
    sheet->end_ns = show_s * UT_NS_PER_S;
    return rc;
}

static ut_status book_row(void *arg, const ut_grid_row *row, ut_err *err)
{
    book_reader *b = arg;
    reader *r = &b->reader;
    (void)err;
    b->record = (ut_csv_record){.line = row->row, .count = row->count, .fields = row->cells};
    if (!r->rapidcue && !b->headed) {
        b->headed = true;
        return header_read(r);
    }
    if (r->rapidcue && row->row < TITLES_ROW)
        return header_cells_read(r);
    bool empty = !*value(r, TITLE) && !*value(r, NAME) && !*value(r, LAST) && !*value(r, PUBLISHER) && !any_time(r);
    return (r->rapidcue && row->row == TITLES_ROW) || empty ? UT_OK : row_read(r);
}

ut_status ut_sheet_read_xlsx(const char *name, const char *data, size_t size, const ut_profile *profile,
                             ut_sheet_file *out, ut_err *err)
{
    ut_sheet_file file = {0};
    book_reader b = {.reader = {.name = name,
                                .profile = profile,
                                .rapidcue = strcmp(profile->layout, "rapidcue") == 0,
                                .file = &file,
                                .err = err}};
    b.reader.record = &b.record;
    if (b.reader.rapidcue)
        memcpy(b.reader.map, rapidcue_places, sizeof b.reader.map);
    else
        no_header(&b.reader);
    ut_status rc = ut_grid_each(name, NULL, data, size, book_row, &b, err);
    if (rc == UT_OK)
        rc = finish(&b.reader);
    if (rc != UT_OK) {
        ut_sheet_file_clear(&file);
        return rc;
    }
    *out = file;
    return UT_OK;
}
