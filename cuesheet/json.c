#include "cuesheet/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"

void ut_json_put(json_t *object, const char *key, json_t *value, bool *ok)
{
    *ok &= json_object_set_new(object, key, value) == 0;
}

json_t *ut_json_text(const char *text)
{
    if (!text)
        return json_null();
    json_t *string = json_string(text);
    if (string)
        return string;
    char *copy = strdup(text); /* not UTF-8: a broken tag must not cost the cue */
    if (!copy)
        return NULL;
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    string = json_string(copy);
    free(copy);
    return string;
}

json_t *ut_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *ut_json_time(int64_t utc_ns)
{
    char text[40];
    return json_string(ut_time_format_ns(utc_ns, text, sizeof text));
}

static json_t *party_json(const ut_party *party)
{
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "name", ut_json_text(party->name), &ok);
    ut_json_put(object, "role", json_string(ut_role_name(party->role)), &ok);
    ut_json_put(object, "ipi", ut_json_text(party->ipi), &ok);
    ut_json_put(object, "society", ut_json_text(party->society), &ok);
    ut_json_put(object, "share", ut_json_real(party->share), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

static json_t *work_json(const ut_recording *rec)
{
    bool ok = true;
    json_t *object = json_object();
    json_t *parties = json_array();
    ut_json_put(object, "title", ut_json_text(rec->work ? rec->work : rec->title), &ok);
    ut_json_put(object, "iswc", ut_json_text(rec->iswc), &ok);
    for (size_t i = 0; i < rec->party_count; i++)
        ok &= json_array_append_new(parties, party_json(&rec->parties[i])) == 0;
    ut_json_put(object, "parties", parties, &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

json_t *ut_json_recording(const ut_recording *rec)
{
    if (!rec)
        return json_null();
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "id", json_integer(rec->id), &ok);
    ut_json_put(object, "audio_sha256", ut_json_text(rec->audio_sha256), &ok);
    ut_json_put(object, "title", ut_json_text(rec->title), &ok);
    ut_json_put(object, "artist", ut_json_text(rec->artist), &ok);
    ut_json_put(object, "album", ut_json_text(rec->album), &ok);
    ut_json_put(object, "isrc", ut_json_text(rec->isrc), &ok);
    ut_json_put(object, "label", ut_json_text(rec->label), &ok);
    ut_json_put(object, "library", ut_json_text(rec->library), &ok);
    ut_json_put(object, "catalogue_no", ut_json_text(rec->catalogue_no), &ok);
    ut_json_put(object, "work", work_json(rec), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

json_t *ut_json_loudness(double music_lufs, double speech_lufs, double mix_lufs)
{
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "music_lufs", ut_json_real(music_lufs), &ok);
    ut_json_put(object, "speech_lufs", ut_json_real(speech_lufs), &ok);
    ut_json_put(object, "mix_lufs", ut_json_real(mix_lufs), &ok);
    ut_json_put(object, "delta_lu", ut_json_real(music_lufs - speech_lufs), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

json_t *ut_json_usage(ut_use use, const char *code, bool ask_visual)
{
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "use", json_string(ut_use_name(use)), &ok);
    ut_json_put(object, "code", json_string(code), &ok);
    ut_json_put(object, "suggestion", json_true(), &ok);
    ut_json_put(object, "visual", json_string("unknown"), &ok);
    ut_json_put(object, "ask_visual", json_boolean(ask_visual), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

json_t *ut_json_airing(const ut_airing *airing)
{
    if (!airing)
        return json_null();
    const ut_programme *p = &airing->programme;
    const struct {
        const char *key, *value;
    } texts[] = {
        {"channel", airing->channel},
        {"key", p->key},
        {"title", p->title},
        {"aka", p->aka},
        {"episode", p->episode},
        {"episode_aka", p->episode_aka},
        {"episode_no", p->episode_no},
        {"production_no", p->production_no},
        {"category", p->category},
        {"version", p->version},
        {"company", p->company},
        {"crid", p->crid},
        {"source", ut_airing_source_name(airing->source)},
        {"boundary", ut_boundary_name(airing->boundary)},
    };
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "airing_id", json_integer(airing->id), &ok);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ut_json_put(object, texts[i].key, ut_json_text(texts[i].value), &ok);
    ut_json_put(object, "start_utc", ut_json_time(airing->start_ns), &ok);
    ut_json_put(object, "end_utc", ut_json_time(airing->end_ns), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}
