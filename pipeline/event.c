#include "pipeline/event.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/digest.h"
#include "cuesheet/json.h"

void ut_airplay_make(const ut_segment *segment, const ut_identification *what, const ut_recording *rec,
                     const ut_versions *versions, ut_airplay *out)
{
    *out = (ut_airplay){
        .segment_id = segment->id,
        .start_ns = ut_sample_to_ns(segment->start_ns, what->start_sample),
        .end_ns = ut_sample_to_ns(segment->start_ns, what->end_sample),
        .what = *what,
        .engine_version = UT_VERSION,
        .catalogue_version = versions->catalogue_version,
    };
    memcpy(out->channel, segment->channel, sizeof out->channel);
    memcpy(out->model_hash, versions->model_hash, sizeof out->model_hash);
    memcpy(out->params, versions->params, sizeof out->params);

    char music[80] = "unidentified", text[256];
    if (rec && rec->audio_sha256[0])
        snprintf(music, sizeof music, "%s", rec->audio_sha256);
    else if (what->recording_id)
        snprintf(music, sizeof music, "recording %" PRId64, what->recording_id);
    snprintf(text, sizeof text, "airplay\n%s\n%" PRId64 "\n%s", out->channel, out->start_ns, music);
    ut_uuid_from_text(text, out->id);
}

static json_t *channel_json(const char *id)
{
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "id", ut_json_text(id), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

static json_t *air_json(const ut_airplay *air, const ut_segment *segment)
{
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "start_utc", ut_json_time(air->start_ns), &ok);
    ut_json_put(object, "end_utc", ut_json_time(air->end_ns), &ok);
    ut_json_put(object, "duration_ms", json_integer((air->end_ns - air->start_ns + 500000) / 1000000), &ok);
    ut_json_put(object, "time_source", ut_json_text(segment->time_source), &ok);
    ut_json_put(object, "uncertainty_ms", json_integer(segment->uncertainty_ms), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

static json_t *identification_json(const ut_identification *what, const ut_recording *rec)
{
    bool ok = true, placed = what->recording_id != 0;
    json_t *object = json_object();
    ut_json_put(object, "outcome", json_string(ut_outcome_name(what->outcome)), &ok);
    ut_json_put(object, "witness", json_string(ut_witness_name(what->witness)), &ok);
    ut_json_put(object, "recording_id", placed ? json_integer(what->recording_id) : json_null(), &ok);
    ut_json_put(object, "recording", ut_json_recording(rec), &ok);
    ut_json_put(object, "ref_begin_s", ut_json_real(placed ? what->ref_start_s : NAN), &ok);
    ut_json_put(object, "ref_end_s", ut_json_real(placed ? what->ref_end_s : NAN), &ok);
    ut_json_put(object, "time_scale", ut_json_real(placed ? what->time_scale : NAN), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

static json_t *confidence_json(const ut_identification *what)
{
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "log10_e", ut_json_real(what->log10_e), &ok);
    ut_json_put(object, "score", ut_json_real(what->score), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

static json_t *versions_json(const ut_airplay *air)
{
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "engine", ut_json_text(air->engine_version), &ok);
    ut_json_put(object, "separator", air->model_hash[0] ? ut_json_text(air->model_hash) : json_null(), &ok);
    ut_json_put(object, "fingerprint", ut_json_text(air->params), &ok);
    ut_json_put(object, "catalogue", json_integer(air->catalogue_version), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

/* In the words of the event: a rejected cue is retracted. */
static const char *status_of(ut_review review)
{
    return review == UT_REVIEW_REJECTED ? "retracted" : ut_review_name(review);
}

static json_t *review_json(const ut_revision *revision)
{
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "cause", json_string(ut_cause_name(revision->cause)), &ok);
    ut_json_put(object, "who", ut_json_text(revision->who), &ok);
    ut_json_put(object, "why", ut_json_text(revision->why), &ok);
    ut_json_put(object, "at_utc", ut_json_time(revision->at_ns), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

/* revision: NULL where there is only the airplay. */
static json_t *airplay_json(const ut_airplay *air, const ut_revision *revision, const ut_segment *segment,
                            const ut_recording *rec)
{
    const ut_identification *what = &air->what;
    ut_cue_rules rules = ut_cue_rules_default();
    ut_use use = ut_use_decide(what->music_lufs, what->speech_lufs, &rules);
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "cue_id", json_string(air->id), &ok);
    ut_json_put(object, "revision", json_integer(revision ? air->revision : 1), &ok);
    ut_json_put(object, "status", json_string(status_of(air->review)), &ok);
    if (revision) {
        ut_json_put(object, "supersedes", json_integer(air->revision - 1), &ok);
        ut_json_put(object, "review", review_json(revision), &ok);
    }
    ut_json_put(object, "channel", channel_json(air->channel), &ok);
    ut_json_put(object, "air", air_json(air, segment), &ok);
    ut_json_put(object, "identification", identification_json(what, rec), &ok);
    ut_json_put(object, "usage",
                ut_json_usage(use, air->usage_code[0] ? air->usage_code : "BI", use != UT_USE_BACKGROUND), &ok);
    ut_json_put(object, "loudness", ut_json_loudness(what->music_lufs, what->speech_lufs, what->mix_lufs), &ok);
    ut_json_put(object, "speech_share", ut_json_real(what->speech_share), &ok);
    ut_json_put(object, "confidence", confidence_json(what), &ok);
    ut_json_put(object, "versions", versions_json(air), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

static json_t *gap_json(const ut_gap *gap)
{
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "channel", channel_json(gap->channel), &ok);
    ut_json_put(object, "start_utc", ut_json_time(gap->start_ns), &ok);
    ut_json_put(object, "end_utc", ut_json_time(gap->end_ns), &ok);
    ut_json_put(object, "duration_ms", json_integer((gap->end_ns - gap->start_ns + 500000) / 1000000), &ok);
    ut_json_put(object, "reason", ut_json_text(gap->reason), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

static json_t *state_json(const ut_segment *segment, bool up, int64_t at_ns)
{
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "channel", channel_json(segment->channel), &ok);
    ut_json_put(object, "state", json_string(up ? "up" : "down"), &ok);
    ut_json_put(object, "at_utc", ut_json_time(at_ns), &ok);
    ut_json_put(object, "source", ut_json_text(segment->source), &ok);
    ut_json_put(object, "time_source", ut_json_text(segment->time_source), &ok);
    ut_json_put(object, "uncertainty_ms", json_integer(segment->uncertainty_ms), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

static json_t *audit_json(const ut_revision *revision)
{
    const ut_airplay *air = &revision->air;
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "cue_id", json_string(air->id), &ok);
    ut_json_put(object, "revision", json_integer(air->revision), &ok);
    ut_json_put(object, "channel", channel_json(air->channel), &ok);
    ut_json_put(object, "status", json_string(status_of(air->review)), &ok);
    ut_json_put(object, "outcome", json_string(ut_outcome_name(air->what.outcome)), &ok);
    ut_json_put(object, "recording_id", air->what.recording_id ? json_integer(air->what.recording_id) : json_null(),
                &ok);
    ut_json_put(object, "review", review_json(revision), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

static char *dump(json_t *object)
{
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(object);
    return text;
}

static ut_status event_of(const ut_airplay *air, const ut_revision *revision, const ut_segment *segment,
                          const ut_recording *rec, ut_event *out, ut_err *err)
{
    ut_event event = {.type = UT_EVENT_CUE, .time_ns = air->end_ns};
    char text[128];
    snprintf(text, sizeof text, "%s\n%s\n%" PRId64, UT_EVENT_CUE, air->id, revision ? air->revision : 1);
    ut_uuid_from_text(text, event.id);
    memcpy(event.key, air->channel, sizeof event.key);
    event.json = dump(airplay_json(air, revision, segment, rec));
    if (!event.json)
        return ut_fail(err, UT_E_NOMEM, "event: airplay %s", air->id);
    *out = event;
    return UT_OK;
}

ut_status ut_event_of_airplay(const ut_airplay *air, const ut_segment *segment, const ut_recording *rec, ut_event *out,
                              ut_err *err)
{
    return event_of(air, NULL, segment, rec, out, err);
}

ut_status ut_event_of_revision(const ut_revision *revision, const ut_segment *segment, const ut_recording *rec,
                               ut_event *out, ut_err *err)
{
    return event_of(&revision->air, revision, segment, rec, out, err);
}

ut_status ut_event_of_review(const ut_revision *revision, ut_event *out, ut_err *err)
{
    ut_event event = {.type = UT_EVENT_REVIEW, .time_ns = revision->at_ns};
    char text[128];
    snprintf(text, sizeof text, "%s\n%s\n%" PRId64, UT_EVENT_REVIEW, revision->air.id, revision->air.revision);
    ut_uuid_from_text(text, event.id);
    memcpy(event.key, revision->air.channel, sizeof event.key);
    event.json = dump(audit_json(revision));
    if (!event.json)
        return ut_fail(err, UT_E_NOMEM, "event: review of %s", revision->air.id);
    *out = event;
    return UT_OK;
}

ut_status ut_event_of_state(const ut_segment *segment, bool up, ut_event *out, ut_err *err)
{
    int64_t at_ns = up ? segment->start_ns : ut_sample_to_ns(segment->start_ns, segment->sample_count);
    ut_event event = {.type = UT_EVENT_STATE, .time_ns = at_ns};
    char text[256];
    snprintf(text, sizeof text, "%s\n%s\n%" PRId64 "\n%d", UT_EVENT_STATE, segment->channel, at_ns, up);
    ut_uuid_from_text(text, event.id);
    memcpy(event.key, segment->channel, sizeof event.key);
    event.json = dump(state_json(segment, up, at_ns));
    if (!event.json)
        return ut_fail(err, UT_E_NOMEM, "event: state of %s", segment->channel);
    *out = event;
    return UT_OK;
}

ut_status ut_event_of_gap(const ut_gap *gap, ut_event *out, ut_err *err)
{
    ut_event event = {.type = UT_EVENT_GAP, .time_ns = gap->end_ns};
    char text[256];
    snprintf(text, sizeof text, "%s\n%s\n%" PRId64 "\n%" PRId64, UT_EVENT_GAP, gap->channel, gap->start_ns,
             gap->end_ns);
    ut_uuid_from_text(text, event.id);
    memcpy(event.key, gap->channel, sizeof event.key);
    event.json = dump(gap_json(gap));
    if (!event.json)
        return ut_fail(err, UT_E_NOMEM, "event: gap of %s", gap->channel);
    *out = event;
    return UT_OK;
}

ut_status ut_event_envelope(const ut_event *event, char **json, ut_err *err)
{
    json_t *data = json_loads(event->json, 0, NULL);
    if (!data)
        return ut_fail(err, UT_E_CORRUPT, "event %s: its value is no JSON", event->id);
    char schema[128];
    snprintf(schema, sizeof schema, "urn:undertone:schema:%s", event->type);
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "specversion", json_string("1.0"), &ok);
    ut_json_put(object, "id", ut_json_text(event->id), &ok);
    ut_json_put(object, "source", json_string("/undertone"), &ok);
    ut_json_put(object, "type", ut_json_text(event->type), &ok);
    ut_json_put(object, "subject", ut_json_text(event->key), &ok);
    ut_json_put(object, "time", ut_json_time(event->time_ns), &ok);
    ut_json_put(object, "datacontenttype", json_string("application/json"), &ok);
    ut_json_put(object, "dataschema", json_string(schema), &ok);
    ut_json_put(object, "partitionkey", ut_json_text(event->key), &ok);
    ut_json_put(object, "data", data, &ok);
    char *text = dump(ok ? object : NULL);
    if (!ok)
        json_decref(object);
    if (!text)
        return ut_fail(err, UT_E_NOMEM, "event %s", event->id);
    *json = text;
    return UT_OK;
}
