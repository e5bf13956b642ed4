#include "apps/evaluate/query.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "apps/evaluate/chain.h"
#include "apps/evaluate/random.h"
#include "apps/evaluate/signal.h"

#define SPEECH_DBFS (-23.0)
#define FX_SNR_DB (-10.0)
#define FX_LEVEL_DB (-6.0)
#define EDGES_SNR_DB (-10.0)
#define EDGES_S 120
#define SPEED_STEP 0.04
/* A stretch this far under the level of its track is a pause or a fade: nothing to identify. */
#define QUIET_DB (-20.0)

enum { ATTEMPTS = 64 };

typedef struct {
    const ut_eval_material *material;
    ut_random random;
    bool absent; /* music comes from the tracks held out */
    ut_err *err;
} maker;

static double ratio(double db)
{
    return pow(10.0, db / 20.0);
}

static bool fits(const maker *m, const ut_eval_track *track, size_t frames)
{
    return track->query && track->frames > frames && (!m->absent || track->held_out);
}

/* Track `turn` (in turn, so that all tracks count alike) and a random stretch of it that is not
 * quiet. */
static bool pick_music(maker *m, size_t turn, size_t frames, size_t *track, size_t *at)
{
    const ut_eval_material *mat = m->material;
    size_t usable = 0;
    for (size_t i = 0; i < mat->track_count; i++)
        usable += fits(m, &mat->tracks[i], frames);
    if (usable == 0)
        return false;
    for (size_t attempt = 0; attempt < ATTEMPTS; attempt++) {
        size_t wanted = (turn + attempt / 8) % usable, i = 0;
        for (;; i++)
            if (fits(m, &mat->tracks[i], frames) && wanted-- == 0)
                break;
        const ut_eval_track *t = &mat->tracks[i];
        size_t offset = ut_random_below(&m->random, t->frames - frames);
        if (ut_rms(t->samples + offset, frames) <= ratio(QUIET_DB) * ut_rms(t->samples, t->frames))
            continue;
        *track = i;
        *at = offset;
        return true;
    }
    return false;
}

/* Fills `out` with clips one after the other, the first from a random place on. */
static void fill(maker *m, const ut_eval_clip *clips, size_t count, float *out, size_t frames)
{
    size_t have = 0, at = 0;
    for (int empty = 0; have < frames && empty < ATTEMPTS;) {
        const ut_eval_clip *clip = &clips[ut_random_below(&m->random, count)];
        if (clip->frames == 0) {
            empty++;
            continue;
        }
        at = have == 0 ? ut_random_below(&m->random, clip->frames) : 0;
        size_t n = clip->frames - at < frames - have ? clip->frames - at : frames - have;
        memcpy(out + have, clip->samples + at, n * sizeof *out);
        have += n;
    }
}

static ut_status no_music(const maker *m, size_t frames)
{
    return ut_fail(m->err, UT_E_ARG, "music: no track is longer than %.1f s and loud enough",
                   (double)frames / UT_RATE_HZ);
}

/* Puts music into query->mix from `start` on, at an RMS of `rms` (0: as it is), and notes it as a
 * segment. */
static ut_status place_music(maker *m, size_t turn, int64_t start, size_t frames, double speed, double rms,
                             ut_eval_query *query)
{
    size_t source_frames = (size_t)ceil((double)frames * speed) + 1, track = 0, at = 0;
    if (!pick_music(m, turn, source_frames, &track, &at))
        return no_music(m, source_frames);
    const float *source = m->material->tracks[track].samples + at;
    float *music = malloc(frames * sizeof *music);
    if (!music)
        return ut_fail(m->err, UT_E_NOMEM, "%zu frames", frames);
    ut_status rc = UT_OK;
    if (speed == 1.0)
        memcpy(music, source, frames * sizeof *music);
    else
        rc = ut_play_at(source, source_frames, speed, music, frames, m->err);
    if (rc == UT_OK) {
        ut_add_at(music, frames, rms > 0 ? rms : ut_rms(music, frames), query->mix + start);
        query->segments[query->segment_count++] = (ut_eval_segment){.track = track,
                                                                    .source_s = (double)at / UT_RATE_HZ,
                                                                    .speed = speed,
                                                                    .start = start,
                                                                    .end = start + (int64_t)frames};
    }
    free(music);
    return rc;
}

/* Adds speech, or effects, over the whole query. */
static ut_status place_clips(maker *m, const ut_eval_clip *clips, size_t count, double rms, ut_eval_query *query)
{
    float *sound = calloc(query->frames, sizeof *sound);
    if (!sound)
        return ut_fail(m->err, UT_E_NOMEM, "%zu frames", query->frames);
    fill(m, clips, count, sound, query->frames);
    ut_add_at(sound, query->frames, rms, query->mix);
    free(sound);
    return UT_OK;
}

/* Music of 12 to 30 s with 5 to 12 s without it in between. */
static ut_status place_edges(maker *m, size_t number, double rms, ut_eval_query *query)
{
    size_t turn = number * 5;
    double at_s = ut_random_between(&m->random, 5, 12);
    for (;;) {
        double length_s = ut_random_between(&m->random, 12, 30);
        if (at_s + length_s > EDGES_S - 5 || query->segment_count == UT_EVAL_SEGMENTS)
            return UT_OK;
        ut_status rc =
            place_music(m, turn++, (int64_t)(at_s * UT_RATE_HZ), (size_t)(length_s * UT_RATE_HZ), 1.0, rms, query);
        if (rc != UT_OK)
            return rc;
        at_s += length_s + ut_random_between(&m->random, 5, 12);
    }
}

/* Level of the music over the speech in dB; +infinity without speech. */
static double snr_of(const ut_eval_recipe *recipe, size_t number)
{
    static const double absent[] = {INFINITY, 0, -10, -20};
    switch (recipe->kind) {
    case UT_EVAL_CLEAN:
        return INFINITY;
    case UT_EVAL_MIXED:
        return recipe->snr_db;
    case UT_EVAL_SPEED:
        return 0;
    case UT_EVAL_ABSENT:
        return absent[number % 4];
    default:
        return FX_SNR_DB;
    }
}

static ut_status compose(maker *m, const ut_eval_recipe *recipe, size_t number, ut_eval_query *query)
{
    const ut_eval_material *mat = m->material;
    double speech_rms = ratio(SPEECH_DBFS), snr_db = snr_of(recipe, number);
    double speed = recipe->kind != UT_EVAL_SPEED ? 1.0 : number % 2 ? 1 - SPEED_STEP : 1 + SPEED_STEP;
    bool speech = !isinf(snr_db);
    double music_rms = speech ? speech_rms * ratio(snr_db) : 0;
    ut_status rc = UT_OK;
    if (recipe->kind == UT_EVAL_EDGES)
        rc = place_edges(m, number, speech_rms * ratio(EDGES_SNR_DB), query);
    else if (recipe->kind != UT_EVAL_SPEECH)
        rc = place_music(m, number, 0, query->frames, speed, music_rms, query);
    if (rc == UT_OK && speech)
        rc = place_clips(m, mat->speech, mat->speech_count, speech_rms, query);
    if (rc == UT_OK && recipe->kind == UT_EVAL_FX)
        rc = place_clips(m, mat->effects, mat->effects_count, speech_rms * ratio(FX_LEVEL_DB), query);
    if (rc == UT_OK && recipe->kind == UT_EVAL_CHAIN)
        rc = ut_chain_run(query->mix, query->frames, query->mix, m->err);
    return rc;
}

/* The conditions that differ in the treatment of the same mixture share a stream of random numbers.
 */
static uint64_t stream_of(ut_eval_kind kind, size_t number)
{
    uint64_t family = kind <= UT_EVAL_SPEED ? 0 : (uint64_t)kind;
    return (family << 32) + number;
}

ut_status ut_eval_query_make(const ut_eval_material *material, const ut_eval_recipe *recipe, size_t number,
                             ut_eval_query *out, ut_err *err)
{
    double seconds = recipe->kind == UT_EVAL_EDGES ? EDGES_S : recipe->seconds;
    maker m = {.material = material,
               .random = ut_random_init(recipe->seed, stream_of(recipe->kind, number)),
               .absent = recipe->kind == UT_EVAL_ABSENT,
               .err = err};
    ut_eval_query query = {.frames = (size_t)(seconds * UT_RATE_HZ)};
    if (!(query.mix = calloc(query.frames, sizeof *query.mix)))
        return ut_fail(err, UT_E_NOMEM, "%zu frames", query.frames);
    ut_status rc = compose(&m, recipe, number, &query);
    if (rc != UT_OK) {
        ut_eval_query_clear(&query);
        return rc;
    }
    *out = query;
    return UT_OK;
}

void ut_eval_query_clear(ut_eval_query *query)
{
    free(query->mix);
    *query = (ut_eval_query){0};
}
