#include "apps/evaluate/material.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "apps/evaluate/cache.h"
#include "apps/evaluate/made_up.h"
#include "apps/evaluate/signal.h"
#include "apps/parallel.h"
#include "core/digest.h"
#include "core/file.h"
#include "core/progress.h"
#include "pipeline/media.h"

enum { READ_FRAMES = 1 << 16, PADDING_SECONDS = 240 };

typedef struct {
    ut_eval_material *m;
    ut_progress *progress;
    ut_paths paths; /* of the clips being loaded */
    ut_eval_clip *clips;
    bool cut_pauses;
} loading;

static ut_status decode(const char *path, float **samples, size_t *frames, ut_err *err)
{
    ut_media *media = NULL;
    float *data = NULL;
    size_t have = 0, room = 0, got = 0;
    ut_media_options options = {.rate_hz = UT_RATE_HZ, .channels = 1};
    ut_status rc = ut_media_open(path, &options, &media, err);
    while (rc == UT_OK) {
        if (room - have < READ_FRAMES) {
            room = 2 * room + READ_FRAMES;
            float *more = realloc(data, room * sizeof *data);
            if (!more) {
                rc = ut_fail(err, UT_E_NOMEM, "%s: %zu samples", path, room);
                break;
            }
            data = more;
        }
        rc = ut_media_read(media, data + have, room - have, &got, err);
        have += rc == UT_OK ? got : 0;
        if (rc == UT_OK && got == 0)
            break;
    }
    ut_media_close(&media);
    if (rc != UT_OK) {
        free(data);
        return rc;
    }
    *samples = data;
    *frames = have;
    return UT_OK;
}

ut_status ut_eval_decode(const char *path, const char *cache, float **samples, size_t *frames, ut_err *err)
{
    char text[1200], key[65];
    struct stat st;
    if (!cache || stat(path, &st) != 0)
        return decode(path, samples, frames, err);
    snprintf(text, sizeof text, "%s %lld %lld", path, (long long)st.st_size, (long long)st.st_mtime);
    ut_sha256(text, strlen(text), key);
    if (ut_cache_get(cache, key, samples, frames))
        return UT_OK;
    ut_status rc = decode(path, samples, frames, err);
    if (rc == UT_OK)
        ut_cache_put(cache, key, *samples, *frames);
    return rc;
}

static ut_status digest_of(const float *samples, size_t frames, char hex[65], ut_err *err)
{
    int16_t buffer[4096];
    ut_digest *digest = NULL;
    ut_status rc = ut_digest_open(&digest, err);
    if (rc != UT_OK)
        return rc;
    for (size_t at = 0; at < frames; at += 4096) {
        size_t n = frames - at < 4096 ? frames - at : 4096;
        for (size_t i = 0; i < n; i++)
            buffer[i] = (int16_t)lrintf(32767.0f * fminf(1.0f, fmaxf(-1.0f, samples[at + i])));
        ut_digest_update(digest, buffer, n * sizeof *buffer);
    }
    ut_digest_finish(&digest, hex);
    return UT_OK;
}

static ut_status fingerprint(const ut_params *params, const float *samples, size_t frames, ut_fingerprint **out,
                             ut_err *err)
{
    ut_fingerprinter *printer = NULL;
    ut_status rc = ut_fingerprinter_open(params, &printer, err);
    for (size_t at = 0; at < frames && rc == UT_OK; at += READ_FRAMES)
        rc = ut_fingerprinter_push(printer, samples + at, frames - at < READ_FRAMES ? frames - at : READ_FRAMES, err);
    if (rc == UT_OK)
        rc = ut_fingerprinter_finish(printer, out, err);
    ut_fingerprinter_close(&printer);
    return rc;
}

static ut_status load_track(void *arg, int worker, size_t index, ut_err *err)
{
    (void)worker;
    loading *l = arg;
    ut_eval_track *track = &l->m->tracks[index];
    ut_status rc = ut_eval_decode(track->path, l->m->cache, &track->samples, &track->frames, err);
    if (rc == UT_OK)
        rc = digest_of(track->samples, track->frames, track->digest, err);
    for (size_t p = 0; p < l->m->param_count && rc == UT_OK; p++)
        rc = fingerprint(l->m->params[p], track->samples, track->frames, &track->prints[p], err);
    if (!track->query) {
        free(track->samples);
        track->samples = NULL;
    }
    ut_progress_add(l->progress, 1, track->path);
    return rc;
}

static ut_status load_clip(void *arg, int worker, size_t index, ut_err *err)
{
    (void)worker;
    loading *l = arg;
    ut_eval_clip *clip = &l->clips[index];
    ut_status rc = ut_eval_decode(l->paths.items[index], l->m->cache, &clip->samples, &clip->frames, err);
    if (rc == UT_OK && l->cut_pauses)
        rc = ut_pauses_cut(clip->samples, clip->frames, &clip->frames, err);
    ut_progress_add(l->progress, 1, l->paths.items[index]);
    return rc;
}

static ut_status load_clips(ut_eval_material *m, const char *folder, bool cut_pauses, int jobs, ut_eval_clip **clips,
                            size_t *count, ut_err *err)
{
    loading l = {.m = m, .cut_pauses = cut_pauses};
    ut_status rc = ut_paths_walk(&l.paths, folder, err);
    if (rc == UT_OK && l.paths.count == 0)
        rc = ut_fail(err, UT_E_NOTFOUND, "%s: no files", folder);
    if (rc == UT_OK && !(l.clips = calloc(l.paths.count, sizeof *l.clips)))
        rc = ut_fail(err, UT_E_NOMEM, "%zu clips", l.paths.count);
    if (rc == UT_OK) {
        *clips = l.clips;
        *count = l.paths.count;
        rc = ut_progress_open("reading", "clips", l.paths.count, &l.progress);
    }
    if (rc == UT_OK)
        rc = ut_parallel(jobs, l.paths.count, load_clip, &l, err);
    ut_progress_close(&l.progress);
    ut_paths_clear(&l.paths);
    return rc;
}

static ut_status list_tracks(const ut_eval_sources *sources, ut_eval_material *m, ut_err *err)
{
    ut_paths music = {0}, others = {0};
    char *folders = sources->catalogue ? strdup(sources->catalogue) : NULL;
    char *rest = folders;
    ut_status rc = ut_paths_walk(&music, sources->music, err);
    for (char *folder = folders ? strsep(&rest, ",") : NULL; folder && rc == UT_OK; folder = strsep(&rest, ","))
        if (*folder)
            rc = ut_paths_walk(&others, folder, err);
    if (rc == UT_OK && music.count == 0)
        rc = ut_fail(err, UT_E_NOTFOUND, "%s: no files", sources->music);
    if (rc == UT_OK && !(m->tracks = calloc(music.count + others.count, sizeof *m->tracks)))
        rc = ut_fail(err, UT_E_NOMEM, "%zu tracks", music.count + others.count);
    for (size_t i = 0; i < music.count + others.count && rc == UT_OK; i++) {
        ut_eval_track *track = &m->tracks[m->track_count++];
        track->query = i < music.count;
        track->path = strdup(track->query ? music.items[i] : others.items[i - music.count]);
        if (!track->path)
            rc = ut_fail(err, UT_E_NOMEM, "%zu tracks", music.count + others.count);
    }
    ut_paths_clear(&music);
    ut_paths_clear(&others);
    free(folders);
    return rc;
}

/* Equal audio is one recording; a recording is held out as a whole. */
static void number_tracks(ut_eval_material *m)
{
    size_t queries = 0, others = 0;
    for (size_t i = 0; i < m->track_count; i++) {
        ut_eval_track *track = &m->tracks[i];
        track->id = (int64_t)i + 1;
        for (size_t j = 0; j < i && track->id == (int64_t)i + 1; j++)
            if (strcmp(m->tracks[j].digest, track->digest) == 0)
                track->id = m->tracks[j].id;
        bool first = track->id == (int64_t)i + 1;
        queries += first && track->query;
        others += first && !track->query;
    }
    for (size_t i = 0; i < m->track_count; i++) {
        ut_eval_track *track = &m->tracks[i];
        const ut_eval_track *first = &m->tracks[track->id - 1];
        track->held_out = first->query && (others >= queries || track->id % 2 == 0);
    }
}

/* An index of made-up tracks alone. */
static ut_status build_padding(const ut_eval_material *m, size_t p, ut_index **out, ut_err *err)
{
    ut_index_builder *builder = NULL;
    ut_progress *progress = NULL;
    ut_status rc = ut_index_builder_open(m->params[p], &builder, err);
    if (rc == UT_OK)
        rc = ut_progress_open("making up", "tracks", m->padding, &progress);
    for (size_t i = 1; i <= m->padding && rc == UT_OK; i++) {
        ut_fingerprint *print = NULL;
        rc = ut_made_up_track(m->params[p], i, PADDING_SECONDS, &print, err);
        if (rc == UT_OK)
            rc = ut_index_builder_add(builder, (int64_t)(m->track_count + i), print, err);
        ut_fingerprint_close(&print);
        ut_progress_add(progress, 1, NULL);
    }
    if (rc == UT_OK)
        rc = ut_index_builder_finish(builder, 1, out, err);
    ut_progress_close(&progress);
    ut_index_builder_close(&builder);
    return rc;
}

/* Beside what `padding` holds. */
static ut_status build_index(ut_eval_material *m, size_t p, bool all, const ut_index *padding, ut_index **out,
                             ut_err *err)
{
    ut_index_builder *builder = NULL;
    ut_status rc = ut_index_builder_reopen(padding, &builder, err);
    for (size_t i = 0; i < m->track_count && rc == UT_OK; i++) {
        const ut_eval_track *track = &m->tracks[i];
        if (track->id == (int64_t)i + 1 && (all || !track->held_out))
            rc = ut_index_builder_add(builder, track->id, track->prints[p], err);
    }
    if (rc == UT_OK)
        rc = ut_index_builder_finish(builder, 1, out, err);
    ut_index_builder_close(&builder);
    return rc;
}

static ut_status build_indexes(ut_eval_material *m, ut_err *err)
{
    ut_status rc = UT_OK;
    for (size_t p = 0; p < m->param_count && rc == UT_OK; p++) {
        ut_index *padding = NULL;
        rc = build_padding(m, p, &padding, err);
        if (rc == UT_OK)
            rc = build_index(m, p, true, padding, &m->index[p], err);
        if (rc == UT_OK)
            rc = build_index(m, p, false, padding, &m->index_without[p], err);
        ut_index_close(&padding);
        for (size_t i = 0; i < m->track_count; i++)
            ut_fingerprint_close(&m->tracks[i].prints[p]);
    }
    return rc;
}

static ut_status load_tracks(ut_eval_material *m, int jobs, ut_err *err)
{
    loading l = {.m = m};
    ut_status rc = ut_progress_open("reading", "tracks", m->track_count, &l.progress);
    if (rc == UT_OK)
        rc = ut_parallel(jobs, m->track_count, load_track, &l, err);
    ut_progress_close(&l.progress);
    if (rc != UT_OK)
        return rc;
    number_tracks(m);
    for (size_t i = 0; i < m->track_count; i++)
        m->catalogue_s += m->tracks[i].id == (int64_t)i + 1 ? (double)m->tracks[i].frames / UT_RATE_HZ : 0.0;
    return build_indexes(m, err);
}

ut_status ut_eval_material_load(const ut_eval_sources *sources, ut_eval_material **out, ut_err *err)
{
    ut_eval_material *m = calloc(1, sizeof *m);
    if (!m)
        return ut_fail(err, UT_E_NOMEM, "material");
    m->cache = sources->cache;
    m->padding = sources->padding;
    m->param_count = sources->param_count;
    memcpy(m->params, sources->params, sizeof m->params);
    ut_status rc = list_tracks(sources, m, err);
    if (rc == UT_OK)
        rc = load_clips(m, sources->speech, true, sources->jobs, &m->speech, &m->speech_count, err);
    if (rc == UT_OK && sources->effects)
        rc = load_clips(m, sources->effects, false, sources->jobs, &m->effects, &m->effects_count, err);
    if (rc == UT_OK)
        rc = load_tracks(m, sources->jobs, err);
    if (rc != UT_OK) {
        ut_eval_material_close(&m);
        return rc;
    }
    *out = m;
    return UT_OK;
}

static void clips_free(ut_eval_clip *clips, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(clips[i].samples);
    free(clips);
}

void ut_eval_material_close(ut_eval_material **material)
{
    if (!material || !*material)
        return;
    ut_eval_material *m = *material;
    for (size_t i = 0; i < m->track_count; i++) {
        free(m->tracks[i].path);
        free(m->tracks[i].samples);
        for (size_t p = 0; p < UT_EVAL_PARAMS; p++)
            ut_fingerprint_close(&m->tracks[i].prints[p]);
    }
    free(m->tracks);
    clips_free(m->speech, m->speech_count);
    clips_free(m->effects, m->effects_count);
    for (size_t p = 0; p < UT_EVAL_PARAMS; p++) {
        ut_index_close(&m->index[p]);
        ut_index_close(&m->index_without[p]);
    }
    free(m);
    *material = NULL;
}

const char *ut_eval_track_path(const ut_eval_material *material, int64_t recording_id)
{
    return recording_id <= (int64_t)material->track_count ? material->tracks[recording_id - 1].path : "made up";
}
