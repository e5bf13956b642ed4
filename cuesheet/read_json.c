/* The lossless JSON form, read back. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "cuesheet/check.h"
#include "cuesheet/json.h"

void ut_sheet_file_clear(ut_sheet_file *file)
{
    for (size_t i = 0; file->recordings && i < file->sheet.count; i++)
        ut_recording_clear(&file->recordings[i]);
    for (size_t i = 0; i < sizeof file->strings / sizeof *file->strings; i++)
        free(file->strings[i]);
    free(file->recordings);
    free(file->recording_of);
    free(file->cues);
    free(file->gaps);
    *file = (ut_sheet_file){0};
}

typedef struct {
    const char *name;
    ut_sheet_file *file;
    size_t cue; /* 1 …; 0: the header */
    ut_err *err;
} reader;

static ut_status wrong(const reader *r, const char *key, const char *wanted)
{
    return ut_fail(r->err, UT_E_ARG, "%.100s: %s%.0zu%s: not %s", r->name, r->cue ? "cue " : "", r->cue, key, wanted);
}

/* A copy; NULL for null or nothing. */
static ut_status text_read(const reader *r, const json_t *object, const char *key, char **out)
{
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value))
        return UT_OK;
    if (!json_is_string(value))
        return wrong(r, key, "a text");
    *out = strdup(json_string_value(value));
    return *out ? UT_OK : ut_fail(r->err, UT_E_NOMEM, "%s", r->name);
}

static ut_status time_read(const reader *r, const json_t *object, const char *key, int64_t *out)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text && ut_time_parse(text, out, NULL) == UT_OK ? UT_OK
                                                           : wrong(r, key, "a time such as 2026-11-21T20:15:00Z");
}

static ut_status whole_read(const reader *r, const json_t *object, const char *key, int64_t *out)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value) || llabs(json_integer_value(value)) > INT64_MAX / 1000000000)
        return wrong(r, key, "a whole number of milliseconds");
    *out = json_integer_value(value);
    return UT_OK;
}

static double real_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static ut_role role_of(const char *name)
{
    ut_role role = UT_ROLE_COMPOSER;
    while (name && role < UT_ROLE_SUBPUBLISHER && strcmp(name, ut_role_name(role)) != 0)
        role++;
    return role;
}

static ut_status parties_read(const reader *r, const json_t *list, ut_recording *rec)
{
    size_t count = json_array_size(list);
    rec->parties = calloc(count + 1, sizeof *rec->parties);
    if (!rec->parties)
        return ut_fail(r->err, UT_E_NOMEM, "%s", r->name);
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < count; i++) {
        const json_t *from = json_array_get(list, i);
        ut_party *party = &rec->parties[rec->party_count++];
        party->role = role_of(json_string_value(json_object_get(from, "role")));
        party->share = real_of(from, "share");
        rc = text_read(r, from, "name", &party->name);
        if (rc == UT_OK)
            rc = text_read(r, from, "ipi", &party->ipi);
        if (rc == UT_OK)
            rc = text_read(r, from, "society", &party->society);
    }
    return rc;
}

static ut_status recording_read(const reader *r, const json_t *from, ut_recording *rec)
{
    const json_t *work = json_object_get(from, "work");
    const struct {
        const json_t *object;
        const char *key;
        char **to;
    } texts[] = {
        {from, "title", &rec->title},
        {from, "artist", &rec->artist},
        {from, "album", &rec->album},
        {from, "isrc", &rec->isrc},
        {from, "label", &rec->label},
        {from, "library", &rec->library},
        {from, "catalogue_no", &rec->catalogue_no},
        {work, "title", &rec->work},
        {work, "iswc", &rec->iswc},
    };
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < sizeof texts / sizeof *texts; i++)
        rc = text_read(r, texts[i].object, texts[i].key, texts[i].to);
    return rc == UT_OK ? parties_read(r, json_object_get(work, "parties"), rec) : rc;
}

static ut_use use_of(const char *name)
{
    ut_use use = UT_USE_UNKNOWN;
    while (name && use < UT_USE_INDISTINGUISHABLE && strcmp(name, ut_use_name(use)) != 0)
        use++;
    return name && strcmp(name, ut_use_name(use)) == 0 ? use : UT_USE_UNKNOWN;
}

static ut_status cue_read(const reader *r, const json_t *from, ut_cue *cue, ut_recording *rec)
{
    const json_t *loud = json_object_get(from, "loudness"), *usage = json_object_get(from, "usage");
    const char *outcome = json_string_value(json_object_get(from, "outcome"));
    const char *id = json_string_value(json_object_get(from, "id"));
    const char *code = json_string_value(json_object_get(usage, "code"));
    const json_t *recording = json_object_get(from, "recording");
    int64_t seq = (int64_t)r->cue;
    if (json_is_integer(json_object_get(from, "seq")))
        seq = json_integer_value(json_object_get(from, "seq"));
    cue->seq = seq > 0 && seq < INT_MAX ? (int)seq : (int)r->cue;
    snprintf(cue->id, sizeof cue->id, "%s", id ? id : "");
    snprintf(cue->usage_code, sizeof cue->usage_code, "%s", code ? code : "");
    if (!outcome || (strcmp(outcome, "identified") != 0 && strcmp(outcome, "ambiguous") != 0 &&
                     strcmp(outcome, "unidentified") != 0))
        return wrong(r, "outcome", "identified, ambiguous or unidentified");
    cue->outcome = outcome[0] == 'i' ? UT_IDENTIFIED : outcome[0] == 'a' ? UT_AMBIGUOUS : UT_UNIDENTIFIED;
    cue->recording_id = json_integer_value(json_object_get(from, "recording_id"));
    cue->use = use_of(json_string_value(json_object_get(usage, "use")));
    cue->music_lufs = real_of(loud, "music_lufs");
    cue->speech_lufs = real_of(loud, "speech_lufs");
    cue->mix_lufs = real_of(loud, "mix_lufs");
    cue->delta_lu = real_of(loud, "delta_lu");
    cue->speech_share = real_of(from, "speech_share");
    cue->log10_e = real_of(from, "log10_e");
    ut_status rc = time_read(r, from, "start_utc", &cue->start_ns);
    if (rc == UT_OK)
        rc = time_read(r, from, "end_utc", &cue->end_ns);
    if (rc == UT_OK)
        rc = whole_read(r, from, "in_ms", &cue->in_ms);
    if (rc == UT_OK)
        rc = whole_read(r, from, "out_ms", &cue->out_ms);
    if (rc == UT_OK)
        rc = whole_read(r, from, "duration_ms", &cue->duration_ms);
    if (rc == UT_OK && json_is_object(recording)) {
        rc = recording_read(r, recording, rec);
        r->file->recording_of[r->cue - 1] = rec;
    }
    return rc;
}

static ut_status cues_read(reader *r, const json_t *list)
{
    ut_sheet_file *f = r->file;
    size_t count = json_array_size(list);
    f->cues = calloc(count + 1, sizeof *f->cues);
    f->recordings = calloc(count + 1, sizeof *f->recordings);
    f->recording_of = calloc(count + 1, sizeof *f->recording_of);
    if (!f->cues || !f->recordings || !f->recording_of)
        return ut_fail(r->err, UT_E_NOMEM, "%s", r->name);
    f->sheet.count = count;
    ut_status rc = UT_OK;
    for (r->cue = 1; rc == UT_OK && r->cue <= count; r->cue++)
        rc = cue_read(r, json_array_get(list, r->cue - 1), &f->cues[r->cue - 1], &f->recordings[r->cue - 1]);
    r->cue = 0;
    return rc;
}

static ut_status gaps_read(const reader *r, const json_t *list)
{
    size_t count = json_array_size(list);
    ut_gap *gaps = calloc(count + 1, sizeof *gaps);
    if (!gaps)
        return ut_fail(r->err, UT_E_NOMEM, "%s", r->name);
    r->file->gaps = gaps;
    r->file->sheet.gap_count = count;
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < count; i++) {
        rc = time_read(r, json_array_get(list, i), "start_utc", &gaps[i].start_ns);
        if (rc == UT_OK)
            rc = time_read(r, json_array_get(list, i), "end_utc", &gaps[i].end_ns);
    }
    return rc;
}

static ut_status sheet_read(reader *r, const json_t *object)
{
    ut_sheet_file *f = r->file;
    ut_sheet_header *h = &f->sheet.header;
    static const char *const keys[] = {
        "programme",   "aka",   "episode",        "episode_aka", "episode_no", "production_no", "company",  "address",
        "prepared_by", "email", "classification", "category",    "version",    "network",       "prepared", "airdate"};
    const char **const to[] = {&h->programme,   &h->aka,           &h->episode,        &h->episode_aka,
                               &h->episode_no,  &h->production_no, &h->company,        &h->address,
                               &h->prepared_by, &h->email,         &h->classification, &h->category,
                               &h->version,     &h->network,       &h->prepared,       &h->airdate};
    const json_t *header = json_object_get(object, "header"), *cues = json_object_get(object, "cues");
    if (!json_is_object(object) || !json_is_array(cues))
        return ut_fail(r->err, UT_E_ARG, "%.100s: not a cue sheet in JSON (cuesheet.v1)", r->name);
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < sizeof keys / sizeof *keys; i++) {
        rc = text_read(r, header, keys[i], &f->strings[i]);
        *to[i] = f->strings[i];
    }
    if (rc == UT_OK)
        rc = text_read(r, object, "channel", &f->strings[16]);
    f->sheet.channel = f->strings[16] ? f->strings[16] : "";
    if (rc == UT_OK)
        rc = time_read(r, object, "start_utc", &f->sheet.start_ns);
    if (rc == UT_OK)
        rc = time_read(r, object, "end_utc", &f->sheet.end_ns);
    if (rc == UT_OK)
        rc = cues_read(r, cues);
    return rc == UT_OK ? gaps_read(r, json_object_get(object, "gaps")) : rc;
}

ut_status ut_sheet_read_json(const char *name, const char *text, size_t size, ut_sheet_file *out, ut_err *err)
{
    json_error_t error;
    ut_sheet_file file = {0};
    reader r = {.name = name, .file = &file, .err = err};
    json_t *object = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!object)
        return ut_fail(err, UT_E_ARG, "%.100s:%d: not JSON: %s", name, error.line, error.text);
    ut_status rc = sheet_read(&r, object);
    json_decref(object);
    if (rc != UT_OK) {
        ut_sheet_file_clear(&file);
        return rc;
    }
    file.sheet.cues = file.cues;
    file.sheet.recordings = file.recording_of;
    file.sheet.gaps = file.gaps;
    *out = file;
    return UT_OK;
}
