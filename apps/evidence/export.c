#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/evidence/clip.h"
#include "apps/evidence/evidence.h"
#include "apps/explain/audio.h"
#include "apps/explain/explain.h"
#include "apps/separate/stems.h"
#include "core/clock.h"
#include "core/digest.h"
#include "core/file.h"
#include "cuesheet/json.h"
#include "pipeline/catalogue.h"
#include "pipeline/recognition.h"

#define SCHEMA "urn:undertone:schema:evidence.v1"

typedef struct {
    const ut_evidence_options *options;
    ut_store *store;
    char folder[PATH_MAX]; /* while it is being made */
    ut_airplay air;
    ut_segment segment;
    ut_recording rec; /* title NULL: none */
    json_t *history, *files;
    int64_t from, to; /* of the clips */
    ut_evidence_result result;
} evidence;

static ut_status path_of(const evidence *e, const char *name, char path[PATH_MAX], ut_err *err)
{
    int n = snprintf(path, PATH_MAX, "%s/%s", e->folder, name);
    return n > 0 && n < PATH_MAX ? UT_OK : ut_fail(err, UT_E_ARG, "%s: path too long", e->folder);
}

/* Notes a file that is complete in the manifest. */
static ut_status note_file(evidence *e, const char *name, ut_err *err)
{
    char path[PATH_MAX], sha256[65];
    char *data = NULL;
    size_t size = 0;
    bool ok = true;
    ut_status rc = path_of(e, name, path, err);
    if (rc == UT_OK)
        rc = ut_file_read(path, (size_t)1 << 31, &data, &size, err);
    if (rc != UT_OK)
        return rc;
    ut_sha256(data, size, sha256);
    free(data);
    json_t *file = json_object();
    ut_json_put(file, "name", json_string(name), &ok);
    ut_json_put(file, "bytes", json_integer((json_int_t)size), &ok);
    ut_json_put(file, "sha256", json_string(sha256), &ok);
    ok = json_array_append_new(e->files, file) == 0 && ok;
    return ok ? UT_OK : ut_fail(err, UT_E_NOMEM, "evidence: %s", name);
}

/* Takes the value over. */
static ut_status write_json(evidence *e, const char *name, json_t *value, bool listed, ut_err *err)
{
    char path[PATH_MAX];
    char *text = value ? json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(value);
    if (!text)
        return ut_fail(err, UT_E_NOMEM, "evidence: %s", name);
    ut_status rc = path_of(e, name, path, err);
    if (rc == UT_OK)
        rc = ut_file_write(path, text, strlen(text), err);
    if (rc == UT_OK && !listed)
        ut_sha256(text, strlen(text), e->result.manifest_sha256);
    free(text);
    return rc == UT_OK && listed ? note_file(e, name, err) : rc;
}

static json_t *stretch_json(const ut_airplay *air)
{
    bool ok = true;
    const ut_identification *what = &air->what;
    json_t *object = json_object();
    ut_json_put(object, "revision", json_integer(air->revision), &ok);
    ut_json_put(object, "status", json_string(ut_review_name(air->review)), &ok);
    ut_json_put(object, "start_utc", ut_json_time(air->start_ns), &ok);
    ut_json_put(object, "end_utc", ut_json_time(air->end_ns), &ok);
    ut_json_put(object, "start_sample", json_integer(what->start_sample), &ok);
    ut_json_put(object, "end_sample", json_integer(what->end_sample), &ok);
    ut_json_put(object, "outcome", json_string(ut_outcome_name(what->outcome)), &ok);
    ut_json_put(object, "recording_id", what->recording_id ? json_integer(what->recording_id) : json_null(), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

static ut_status add_revision(void *arg, const ut_revision *revision)
{
    evidence *e = arg;
    bool ok = true, first = revision->air.revision == 1;
    json_t *object = stretch_json(&revision->air);
    ut_json_put(object, "cause", json_string(first ? "recognition" : ut_cause_name(revision->cause)), &ok);
    ut_json_put(object, "who", first ? json_null() : ut_json_text(revision->who), &ok);
    ut_json_put(object, "why", first ? json_null() : ut_json_text(revision->why), &ok);
    ut_json_put(object, "at_utc", first ? json_null() : ut_json_time(revision->at_ns), &ok);
    ok = json_array_append_new(e->history, object) == 0 && ok;
    return ok ? UT_OK : UT_E_NOMEM;
}

/* What the identification rests on, in numbers. */
static json_t *match_json(const evidence *e)
{
    bool ok = true;
    const ut_identification *what = &e->air.what;
    json_t *object = stretch_json(&e->air);
    ut_json_put(object, "recording", ut_json_recording(e->rec.title ? &e->rec : NULL), &ok);
    ut_json_put(object, "log10_e", ut_json_real(what->log10_e), &ok);
    ut_json_put(object, "score_nats", ut_json_real(what->score), &ok);
    ut_json_put(object, "witness", json_string(ut_witness_name(what->witness)), &ok);
    ut_json_put(object, "ref_begin_s", ut_json_real(what->ref_start_s), &ok);
    ut_json_put(object, "ref_end_s", ut_json_real(what->ref_end_s), &ok);
    ut_json_put(object, "time_scale", ut_json_real(what->time_scale), &ok);
    ut_json_put(object, "loudness", ut_json_loudness(what->music_lufs, what->speech_lufs, what->mix_lufs), &ok);
    ut_json_put(object, "engine", ut_json_text(e->air.engine_version), &ok);
    ut_json_put(object, "separator", e->air.model_hash[0] ? ut_json_text(e->air.model_hash) : json_null(), &ok);
    ut_json_put(object, "fingerprint", ut_json_text(e->air.params), &ok);
    ut_json_put(object, "catalogue", json_integer(e->air.catalogue_version), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

/* Why it is that recording (docs/EXPLAIN.md), by the catalogue as it is now; none of one that left it. */
static ut_status write_drawing(evidence *e, const ut_model *model, ut_err *err)
{
    char path[PATH_MAX];
    ut_index *index = NULL;
    ut_explain_audio audio = {0};
    ut_explanation explanation = {0};
    const ut_explain_source source = {.from_s = (double)e->from / UT_RATE_HZ,
                                      .to_s = (double)e->to / UT_RATE_HZ,
                                      .model = model,
                                      .backend = e->options->backend};
    const ut_explain_options options = {.recording_id = e->air.what.recording_id, .context_s = -1};
    if (!e->air.what.recording_id)
        return UT_OK;
    ut_status rc = path_of(e, "explain.svg", path, err);
    if (rc == UT_OK)
        rc = ut_catalogue_load(e->store, e->air.params, &index, err);
    if (rc == UT_OK)
        rc = ut_explain_load(e->segment.source, &source, &audio, err);
    if (rc == UT_OK)
        rc = ut_explain(index, &audio, &options, &explanation, err);
    if (rc == UT_OK) {
        const ut_explain_caption caption = {.file = e->segment.source,
                                            .recording = e->rec.title ? &e->rec : NULL,
                                            .separator = model ? ut_model_describe(model)->name : NULL,
                                            .params = e->air.params,
                                            .catalogue_version = ut_index_describe(index).catalogue_version};
        rc = ut_explain_write(path, &audio, &explanation, &caption, err);
    }
    if (rc == UT_OK)
        rc = note_file(e, "explain.svg", err);
    ut_explanation_clear(&explanation);
    ut_explain_audio_free(&audio);
    ut_index_close(&index);
    return rc == UT_E_NOTFOUND ? UT_OK : rc;
}

static ut_status write_clips(evidence *e, ut_err *err)
{
    char mix[PATH_MAX], music[PATH_MAX];
    ut_model *model = NULL;
    ut_stems_result stems;
    int64_t around = (int64_t)(e->options->context_s * UT_RATE_HZ);
    e->from = e->air.what.start_sample > around ? e->air.what.start_sample - around : 0;
    e->to = e->air.what.end_sample + around;
    ut_status rc = path_of(e, "mix.wav", mix, err);
    if (rc == UT_OK)
        rc = path_of(e, "music.wav", music, err);
    if (rc == UT_OK)
        rc = ut_clip_write(&e->segment, e->from, e->to, mix, err);
    if (rc == UT_OK)
        rc = note_file(e, "mix.wav", err);
    if (rc == UT_OK)
        rc = ut_recognition_model(e->options->separator, &model, err);
    if (rc == UT_OK && model) {
        ut_stems_options options = {.model = model, .backend = e->options->backend, .music = music};
        rc = ut_stems_write(mix, &options, &stems, err);
        if (rc == UT_OK)
            rc = note_file(e, "music.wav", err);
    }
    if (rc == UT_OK)
        rc = write_drawing(e, model, err);
    ut_model_close(&model);
    return rc;
}

static json_t *audio_json(const evidence *e)
{
    bool ok = true, audio = e->result.audio;
    json_t *object = json_object();
    ut_json_put(object, "source", ut_json_text(e->segment.source), &ok);
    ut_json_put(object, "present", json_boolean(audio), &ok);
    ut_json_put(object, "absent_because", audio ? json_null() : ut_json_text(e->result.why), &ok);
    ut_json_put(object, "from_sample", audio ? json_integer(e->from) : json_null(), &ok);
    ut_json_put(object, "to_sample", audio ? json_integer(e->to) : json_null(), &ok);
    ut_json_put(object, "rate_hz", json_integer(UT_RATE_HZ), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

static ut_status write_manifest(evidence *e, ut_err *err)
{
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "schema", json_string(SCHEMA), &ok);
    ut_json_put(object, "undertone", json_string(UT_VERSION), &ok);
    ut_json_put(object, "made_utc", ut_json_time(ut_now_ns()), &ok);
    ut_json_put(object, "cue_id", ut_json_text(e->air.id), &ok);
    ut_json_put(object, "channel", ut_json_text(e->air.channel), &ok);
    ut_json_put(object, "cue", stretch_json(&e->air), &ok);
    ut_json_put(object, "audio", audio_json(e), &ok);
    ut_json_put(object, "files", json_incref(e->files), &ok);
    if (!ok) {
        json_decref(object);
        object = NULL;
    }
    return write_json(e, UT_EVIDENCE_MANIFEST, object, false, err);
}

static ut_status fill(evidence *e, ut_err *err)
{
    ut_status rc = write_json(e, "match.json", match_json(e), true, err);
    if (rc == UT_OK)
        rc = ut_store_revision_each(e->store, e->air.id, add_revision, e, err);
    if (rc == UT_OK)
        rc = write_json(e, "history.json", json_incref(e->history), true, err);
    e->result.audio = ut_clip_possible(&e->segment, e->result.why, sizeof e->result.why);
    if (rc == UT_OK && e->result.audio)
        rc = write_clips(e, err);
    return rc == UT_OK ? write_manifest(e, err) : rc;
}

static void discard(const evidence *e)
{
    ut_paths paths = {0};
    if (ut_paths_walk(&paths, e->folder, NULL) == UT_OK)
        for (size_t i = 0; i < paths.count; i++)
            unlink(paths.items[i]);
    ut_paths_clear(&paths);
    rmdir(e->folder);
}

static ut_status make_folder(evidence *e, ut_err *err)
{
    const char *folder = e->options->folder;
    int n = snprintf(e->folder, sizeof e->folder, "%s.%ld.partial", folder, (long)getpid());
    if (n <= 0 || (size_t)n >= sizeof e->folder)
        return ut_fail(err, UT_E_ARG, "%s: path too long", folder);
    if (rmdir(folder) != 0 && errno != ENOENT) /* an empty one makes room */
        return ut_fail(err, UT_E_ARG, "%s: %s; evidence goes into a folder of its own", folder, strerror(errno));
    return ut_folder_make(e->folder, err);
}

ut_status ut_evidence_export(ut_store *store, const ut_evidence_options *options, ut_evidence_result *out, ut_err *err)
{
    evidence e = {.options = options, .store = store, .history = json_array(), .files = json_array()};
    ut_status rc = e.history && e.files ? ut_store_airplay_get(store, options->cue, &e.air, err)
                                        : ut_fail(err, UT_E_NOMEM, "evidence");
    if (rc == UT_OK)
        rc = ut_store_segment_get(store, e.air.segment_id, &e.segment, err);
    if (rc == UT_OK && e.air.what.recording_id &&
        (rc = ut_store_recording_get(store, e.air.what.recording_id, &e.rec, err)) == UT_E_NOTFOUND)
        rc = UT_OK;
    if (rc == UT_OK && (rc = make_folder(&e, err)) == UT_OK) {
        rc = fill(&e, err);
        if (rc == UT_OK && rename(e.folder, options->folder) != 0)
            rc = ut_fail(err, UT_E_IO, "%s: %s", options->folder, strerror(errno));
        if (rc != UT_OK)
            discard(&e);
    }
    if (rc == UT_OK)
        *out = e.result;
    ut_recording_clear(&e.rec);
    json_decref(e.history);
    json_decref(e.files);
    return rc;
}
