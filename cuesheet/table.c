#include "cuesheet/table.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "cuesheet/facets.h"

/* --- values ---------------------------------------------------------------------------------- */

static const ut_cue *cue_of(const ut_table_row *row)
{
    return &row->sheet->cues[row->cue];
}

/* Nobody is named for music that is not identified without doubt. */
static const ut_recording *recording_of(const ut_table_row *row)
{
    return cue_of(row)->outcome == UT_IDENTIFIED ? row->sheet->recordings[row->cue] : NULL;
}

static const ut_party *party_of(const ut_table_row *row)
{
    const ut_recording *rec = recording_of(row);
    return rec && row->party < rec->party_count ? &rec->parties[row->party] : NULL;
}

static void put(FILE *out, const char *text)
{
    if (text)
        fputs(text, out);
}

static void put_real(FILE *out, double value, int digits)
{
    if (isfinite(value))
        fprintf(out, "%.*f", digits, value);
}

/* A time or a length, in the profile's spelling, rounded to its unit already. */
static void put_ms(FILE *out, const ut_profile *profile, int64_t ms)
{
    const char *times = profile->times, *sign = ms < 0 ? "-" : "";
    uint64_t left = (uint64_t)(ms < 0 ? -ms : ms);
    unsigned part = (unsigned)(left % 1000);
    uint64_t s = left / 1000;
    if (strcmp(times, "seconds") == 0)
        fprintf(out, part ? "%s%" PRIu64 ".%03u" : "%s%" PRIu64, sign, s, part);
    else
        fprintf(out, "%s%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64, sign, s / 3600, s / 60 % 60, s % 60);
    if (strcmp(times, "hms-ms") == 0)
        fprintf(out, ".%03u", part);
}

/* As printed: out is in plus duration, so that a row adds up. */
static int64_t in_ms(const ut_table_row *row, size_t i)
{
    return ut_profile_round(row->profile, row->sheet->cues[i].in_ms);
}

static int64_t length_ms(const ut_table_row *row, size_t i)
{
    return ut_profile_round(row->profile, row->sheet->cues[i].duration_ms);
}

/* The cues that a row stands for: its own, or all with its recording. */
static bool stands_for(const ut_table_row *row, size_t i)
{
    const ut_cue *a = cue_of(row), *b = &row->sheet->cues[i];
    return i == row->cue ||
           (row->work && a->recording_id && a->recording_id == b->recording_id && a->outcome == b->outcome);
}

static int64_t total_ms(const ut_table_row *row)
{
    int64_t total = 0;
    for (size_t i = row->cue; i < row->sheet->count; i++)
        total += stands_for(row, i) ? length_ms(row, i) : 0;
    return total;
}

static void put_timecodes(FILE *out, const ut_table_row *row)
{
    bool more = false;
    for (size_t i = row->cue; i < row->sheet->count; i++) {
        if (!stands_for(row, i))
            continue;
        fputs(more ? "; " : "", out);
        put_ms(out, row->profile, in_ms(row, i));
        fputc('-', out);
        put_ms(out, row->profile, in_ms(row, i) + length_ms(row, i));
        more = true;
    }
}

static void put_wall(FILE *out, const ut_table_row *row, int64_t utc_ns)
{
    char text[48];
    if (row->sheet->zone)
        fputs(ut_zone_format(row->sheet->zone, utc_ns, text, sizeof text), out);
    else
        fputs(ut_time_format(utc_ns, text, sizeof text), out);
}

/* "Ada Lee; Bob Roe" */
static void put_names(FILE *out, const ut_table_row *row, unsigned roles)
{
    const ut_recording *rec = recording_of(row);
    bool more = false;
    for (size_t i = 0; rec && i < rec->party_count; i++) {
        if (!(roles >> rec->parties[i].role & 1) || !rec->parties[i].name)
            continue;
        fprintf(out, "%s%s", more ? "; " : "", rec->parties[i].name);
        more = true;
    }
}

static void put_title(FILE *out, const ut_table_row *row)
{
    const ut_cue *cue = cue_of(row);
    const ut_recording *rec = row->sheet->recordings[row->cue];
    const char *title = rec && rec->work ? rec->work : rec && rec->title ? rec->title : "?";
    if (cue->outcome == UT_UNIDENTIFIED)
        fputs("UNIDENTIFIED MUSIC", out);
    else if (cue->outcome == UT_AMBIGUOUS)
        fprintf(out, "UNRESOLVED MUSIC (possibly %s)", title);
    else
        fputs(title, out);
}

/* --- fields ---------------------------------------------------------------------------------- */

typedef enum {
    SEQ,
    CUE_ID,
    OUTCOME,
    TITLE,
    RECORDING,
    WORK,
    ARTIST,
    ALBUM,
    ISRC,
    ISWC,
    LABEL,
    LIBRARY,
    CATALOGUE_NO,
    ORIGIN,
    COMPOSERS,
    AUTHORS,
    ARRANGERS,
    PUBLISHERS,
    WRITERS,
    USAGE_CODE,
    USE,
    USE_UK,
    IN,
    OUT,
    DURATION,
    TIMECODES,
    USES,
    IN_WALL,
    OUT_WALL,
    MUSIC_LUFS,
    SPEECH_LUFS,
    MIX_LUFS,
    DELTA_LU,
    SPEECH_SHARE,
    LOG10_E,
    USE_TYPE,
    VOCAL_TYPE,
    VISUAL_TYPE,
    CUE_ORIGIN,
    ASK_VISUAL,
    PARTIES,
    ROLE,
    NAME,
    PUBLISHER,
    IPI,
    SOCIETY,
    SHARE,
    PROGRAMME,
    EPISODE,
    EPISODE_NO,
    PRODUCTION_NO,
    CHANNEL,
    AIRDATE,
    COMPANY,
    PREPARED_BY,
    EMAIL,
    NETWORK,
    FIELDS
} field;

static const char *const names[FIELDS] = {
    "seq",          "cue_id",      "outcome",       "title",        "recording", "work",
    "artist",       "album",       "isrc",          "iswc",         "label",     "library",
    "catalogue_no", "origin",      "composers",     "authors",      "arrangers", "publishers",
    "writers",      "usage_code",  "use",           "use_uk",       "in",        "out",
    "duration",     "timecodes",   "uses",          "in_wall",      "out_wall",  "music_lufs",
    "speech_lufs",  "mix_lufs",    "delta_lu",      "speech_share", "log10_e",   "use_type",
    "vocal_type",   "visual_type", "cue_origin",    "ask_visual",   "parties",   "role",
    "name",         "publisher",   "ipi",           "society",      "share",     "programme",
    "episode",      "episode_no",  "production_no", "channel",      "airdate",   "company",
    "prepared_by",  "email",       "network",
};

static field find(const char *name)
{
    field f = 0;
    while (f < FIELDS && strcmp(names[f], name) != 0)
        f++;
    return f;
}

bool ut_field_known(const char *name)
{
    return find(name) < FIELDS;
}

bool ut_field_of_header(const char *name)
{
    return find(name) >= PROGRAMME && find(name) < FIELDS;
}

const char *ut_field_names(char *buf, size_t size)
{
    size_t at = 0;
    buf[0] = '\0';
    for (field f = 0; f < FIELDS && at < size; f++)
        at += (size_t)snprintf(buf + at, size - at, "%s%s", at ? ", " : "", names[f]);
    return buf;
}

static void put_header(FILE *out, const ut_sheet *sheet, field f)
{
    const ut_sheet_header *h = &sheet->header;
    const char *const values[] = {h->programme, h->episode, h->episode_no,  h->production_no, sheet->channel,
                                  h->airdate,   h->company, h->prepared_by, h->email,         h->network};
    put(out, values[f - PROGRAMME]);
}

static void put_recording(FILE *out, const ut_recording *rec, field f)
{
    if (!rec)
        return;
    const char *const values[] = {rec->title,       rec->work ? rec->work : rec->title,
                                  rec->artist,      rec->album,
                                  rec->isrc,        rec->iswc,
                                  rec->label,       rec->library,
                                  rec->catalogue_no};
    put(out, values[f - RECORDING]);
}

static void put_party(FILE *out, const ut_table_row *row, field f)
{
    static const char *const codes[] = {"C", "A", "AR", "E", "SE"};
    const ut_recording *rec = recording_of(row);
    const ut_party *party = party_of(row);
    bool house = party && (party->role == UT_ROLE_PUBLISHER || party->role == UT_ROLE_SUBPUBLISHER);
    if (f == PARTIES && rec && rec->party_count)
        fprintf(out, "%zu", rec->party_count);
    if (!party)
        return;
    if (f == ROLE)
        fputs(codes[party->role], out);
    else if (f == NAME || (f == PUBLISHER && house))
        put(out, party->name);
    else if (f == IPI)
        put(out, party->ipi);
    else if (f == SOCIETY)
        put(out, party->society);
    else if (f == SHARE && !isnan(party->share))
        fprintf(out, "%.6g", party->share);
}

static void put_use(FILE *out, const ut_table_row *row, field f)
{
    const ut_cue *cue = cue_of(row);
    const ut_recording *rec = recording_of(row);
    const ut_facets facets = ut_facets_of(cue, rec);
    if (f == ORIGIN && rec)
        fputs(rec->library ? "L" : rec->label || rec->isrc ? "C" : "", out);
    else if (f == USAGE_CODE)
        fputs(cue->usage_code, out);
    else if (f == USE)
        fputs(ut_use_name(cue->use), out);
    else if (f == USE_UK && cue->use != UT_USE_UNKNOWN)
        fputs(cue->use == UT_USE_FOREGROUND ? "Foreground" : "Background", out);
    else if (f == USE_TYPE)
        put(out, facets.use_type);
    else if (f == VOCAL_TYPE)
        put(out, facets.vocal_type);
    else if (f == VISUAL_TYPE)
        put(out, facets.visual_perception_type);
    else if (f == CUE_ORIGIN)
        put(out, facets.cue_origin);
    else if (f == ASK_VISUAL)
        fputs(cue->ask_visual ? "yes" : "", out);
}

static void put_time(FILE *out, const ut_table_row *row, field f)
{
    const ut_cue *cue = cue_of(row);
    size_t uses = 0;
    switch (f) {
    case IN:
        put_ms(out, row->profile, in_ms(row, row->cue));
        break;
    case OUT:
        put_ms(out, row->profile, in_ms(row, row->cue) + length_ms(row, row->cue));
        break;
    case DURATION:
        put_ms(out, row->profile, total_ms(row));
        break;
    case TIMECODES:
        put_timecodes(out, row);
        break;
    case USES:
        for (size_t i = row->cue; i < row->sheet->count; i++)
            uses += stands_for(row, i);
        fprintf(out, "%zu", uses);
        break;
    case IN_WALL:
        put_wall(out, row, cue->start_ns);
        break;
    default:
        put_wall(out, row, cue->end_ns);
        break;
    }
}

void ut_field_put(FILE *out, const ut_table_row *row, const char *name)
{
    static const unsigned composer = 1U << UT_ROLE_COMPOSER, author = 1U << UT_ROLE_AUTHOR,
                          arranger = 1U << UT_ROLE_ARRANGER,
                          publishers = 1U << UT_ROLE_PUBLISHER | 1U << UT_ROLE_SUBPUBLISHER;
    field f = find(name);
    if (f >= PROGRAMME && f < FIELDS) {
        put_header(out, row->sheet, f);
        return;
    }
    const ut_cue *cue = cue_of(row);
    if (f == SEQ)
        fprintf(out, "%zu", row->work ? row->number : (size_t)cue->seq);
    else if (f == CUE_ID)
        fputs(cue->id, out);
    else if (f == OUTCOME)
        fputs(ut_outcome_name(cue->outcome), out);
    else if (f == TITLE)
        put_title(out, row);
    else if (f >= RECORDING && f <= CATALOGUE_NO)
        put_recording(out, recording_of(row), f);
    else if (f >= COMPOSERS && f <= WRITERS)
        put_names(
            out, row,
            (const unsigned[]){composer, author, arranger, publishers, composer | author | arranger}[f - COMPOSERS]);
    else if (f >= IN && f <= OUT_WALL)
        put_time(out, row, f);
    else if (f >= MUSIC_LUFS && f <= DELTA_LU)
        put_real(out, (const double[]){cue->music_lufs, cue->speech_lufs, cue->mix_lufs, cue->delta_lu}[f - MUSIC_LUFS],
                 1);
    else if (f == SPEECH_SHARE)
        put_real(out, cue->speech_share, 2);
    else if (f == LOG10_E)
        put_real(out, cue->log10_e, 1);
    else if (f >= PARTIES && f <= SHARE)
        put_party(out, row, f);
    else
        put_use(out, row, f);
}

/* --- rows ------------------------------------------------------------------------------------ */

static bool work_seen(const ut_sheet *sheet, size_t i)
{
    const ut_cue *cue = &sheet->cues[i];
    for (size_t k = 0; cue->recording_id && k < i; k++)
        if (sheet->cues[k].recording_id == cue->recording_id && sheet->cues[k].outcome == cue->outcome)
            return true;
    return false;
}

ut_status ut_table_each(const ut_sheet *sheet, const ut_profile *profile, ut_table_fn fn, void *arg, ut_err *err)
{
    bool parties = strcmp(profile->rows, "party") == 0, works = strcmp(profile->rows, "work") == 0;
    ut_table_row row = {.sheet = sheet, .profile = profile, .party = SIZE_MAX, .work = works, .number = 1};
    for (row.cue = 0; row.cue < sheet->count; row.cue++) {
        if (works && work_seen(sheet, row.cue))
            continue;
        const ut_recording *rec = recording_of(&row);
        size_t count = parties && rec ? rec->party_count : 0;
        for (size_t p = 0; p < (count ? count : 1); p++) {
            row.party = count ? p : SIZE_MAX;
            ut_status rc = fn(arg, &row, err);
            if (rc != UT_OK)
                return rc;
            row.number++;
        }
    }
    return UT_OK;
}

const char *ut_column_heading(const ut_profile *profile, size_t i)
{
    return profile->columns[i];
}

const char *ut_column_field(const ut_profile *profile, size_t i)
{
    return profile->columns[i] + strlen(profile->columns[i]) + 1;
}
