#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cuesheet/facets.h"
#include "cuesheet/json.h"
#include "cuesheet/rows.h"

static json_t *header_json(const ut_sheet_header *h)
{
    const struct {
        const char *key, *value;
    } fields[] = {
        {"programme", h->programme},
        {"aka", h->aka},
        {"episode", h->episode},
        {"episode_aka", h->episode_aka},
        {"episode_no", h->episode_no},
        {"production_no", h->production_no},
        {"company", h->company},
        {"address", h->address},
        {"prepared_by", h->prepared_by},
        {"email", h->email},
        {"classification", h->classification},
        {"category", h->category},
        {"version", h->version},
        {"network", h->network},
        {"prepared", h->prepared},
        {"airdate", h->airdate},
    };
    bool ok = true;
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        ut_json_put(object, fields[i].key, ut_json_text(fields[i].value), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

json_t *ut_json_cue(const ut_cue *cue, const ut_recording *rec)
{
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "id", json_string(cue->id), &ok);
    ut_json_put(object, "seq", json_integer(cue->seq), &ok);
    ut_json_put(object, "outcome", json_string(ut_outcome_name(cue->outcome)), &ok);
    ut_json_put(object, "start_utc", ut_json_time(cue->start_ns), &ok);
    ut_json_put(object, "end_utc", ut_json_time(cue->end_ns), &ok);
    ut_json_put(object, "in_ms", json_integer(cue->in_ms), &ok);
    ut_json_put(object, "out_ms", json_integer(cue->out_ms), &ok);
    ut_json_put(object, "duration_ms", json_integer(cue->duration_ms), &ok);
    ut_json_put(object, "printed_duration_s", json_integer(ut_round_s(cue->duration_ms)), &ok);
    ut_json_put(object, "recording_id", cue->recording_id ? json_integer(cue->recording_id) : json_null(), &ok);
    ut_json_put(object, "recording", ut_json_recording(rec), &ok);
    bool placed = cue->recording_id != 0;
    ut_json_put(object, "ref_start_s", ut_json_real(placed ? cue->ref_start_s : NAN), &ok);
    ut_json_put(object, "ref_end_s", ut_json_real(placed ? cue->ref_end_s : NAN), &ok);
    ut_json_put(object, "log10_e", ut_json_real(cue->log10_e), &ok);
    ut_json_put(object, "loudness", ut_json_loudness(cue->music_lufs, cue->speech_lufs, cue->mix_lufs), &ok);
    ut_json_put(object, "usage", ut_json_usage(cue->use, cue->usage_code, cue->ask_visual), &ok);
    const ut_facets facets = ut_facets_of(cue, rec);
    ut_json_put(object, "facets",
                json_pack("{s:s?, s:s, s:s, s:s}", "use_type", facets.use_type, "vocal_type", facets.vocal_type,
                          "visual_perception_type", facets.visual_perception_type, "cue_origin", facets.cue_origin),
                &ok);
    ut_json_put(object, "speech_share", ut_json_real(cue->speech_share), &ok);
    ut_json_put(object, "merged", json_integer((json_int_t)cue->merged), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

static json_t *gap_json(const ut_gap *gap)
{
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "start_utc", ut_json_time(gap->start_ns), &ok);
    ut_json_put(object, "end_utc", ut_json_time(gap->end_ns), &ok);
    ut_json_put(object, "reason", ut_json_text(gap->reason), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

static json_t *sheet_json(const ut_sheet *sheet)
{
    bool ok = true;
    json_t *object = json_object(), *cues = json_array(), *gaps = json_array();
    for (size_t i = 0; i < sheet->count; i++)
        ok &= json_array_append_new(cues, ut_json_cue(&sheet->cues[i], sheet->recordings[i])) == 0;
    for (size_t i = 0; i < sheet->gap_count; i++)
        ok &= json_array_append_new(gaps, gap_json(&sheet->gaps[i])) == 0;
    ut_json_put(object, "schema", json_string("urn:undertone:schema:cuesheet.v1"), &ok);
    ut_json_put(object, "header", header_json(&sheet->header), &ok);
    ut_json_put(object, "channel", ut_json_text(sheet->channel), &ok);
    ut_json_put(object, "start_utc", ut_json_time(sheet->start_ns), &ok);
    ut_json_put(object, "end_utc", ut_json_time(sheet->end_ns), &ok);
    ut_json_put(object, "programme", ut_json_airing(sheet->airing), &ok);
    ut_json_put(object, "printed_total_s", json_integer(ut_rows_total_s(sheet)), &ok);
    ut_json_put(object, "cues", cues, &ok);
    ut_json_put(object, "gaps", gaps, &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

ut_status ut_sheet_json(const ut_sheet *sheet, char **data, size_t *size, ut_err *err)
{
    json_t *object = sheet_json(sheet);
    char *text = object ? json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(object);
    size_t length = text ? strlen(text) : 0;
    char *line = text ? realloc(text, length + 2) : NULL;
    if (!line) {
        free(text);
        return ut_fail(err, UT_E_NOMEM, "cue sheet: JSON");
    }
    memcpy(line + length, "\n", 2);
    *data = line;
    *size = length + 1;
    return UT_OK;
}
