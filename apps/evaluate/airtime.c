#include "apps/evaluate/airtime.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "apps/evaluate/random.h"
#include "apps/evaluate/signal.h"

#define SCENE_MIN_S 25.0
#define SCENE_MAX_S 75.0
#define SPEECH_DBFS (-23.0)
#define FADE_S 1.0
#define NOISE 1e-4 /* of a microphone that is open */
#define FASTEST 1.19

enum { ATTEMPTS = 200 };
#define SILENT 1e-4 /* RMS */

typedef struct {
    const ut_eval_material *material;
    ut_random random;
    float *layer; /* room for a scene */
    ut_eval_query *query;
    ut_err *err;
} producer;

static bool chance(producer *p, double likely)
{
    return ut_random_between(&p->random, 0, 1) < likely;
}

static double ratio(double db)
{
    return pow(10.0, db / 20.0);
}

/* Half of the music is at its own speed and pitch, where it is in tune with the catalogue; a quarter moved by up to
 * three semitones, in tune still; a quarter by anything, as tape is. */
static double draw_speed(producer *p)
{
    double kind = ut_random_between(&p->random, 0, 1);
    if (kind < 0.5)
        return 1.0;
    if (kind < 0.75) {
        int steps = (int)ut_random_below(&p->random, 6);
        return pow(2.0, (steps < 3 ? steps - 3 : steps - 2) / 12.0);
    }
    return ut_random_between(&p->random, 0.84, FASTEST);
}

/* A one-pole low-pass; or what it takes off. */
static void filter(float *x, size_t frames, double hz, bool low)
{
    double keep = exp(-2 * 3.14159265358979 * hz / UT_RATE_HZ), state = 0;
    for (size_t i = 0; i < frames; i++) {
        state = keep * state + (1 - keep) * x[i];
        x[i] = low ? (float)state : (float)(x[i] - state);
    }
}

static void colour(producer *p, float *x, size_t frames)
{
    if (chance(p, 0.3))
        filter(x, frames, ut_random_between(&p->random, 800, 5000), true);
    if (chance(p, 0.3))
        filter(x, frames, ut_random_between(&p->random, 80, 600), false);
}

static void fade(float *x, size_t frames)
{
    size_t edge = (size_t)(FADE_S * UT_RATE_HZ);
    for (size_t i = 0; i < edge && i < frames / 2; i++) {
        x[i] *= (float)i / (float)edge;
        x[frames - 1 - i] *= (float)i / (float)edge;
    }
}

/* A stretch of one held-out track, as long as the scene or as the track. */
static ut_status add_music(producer *p, size_t start, size_t frames, double rms)
{
    const ut_eval_material *m = p->material;
    double speed = draw_speed(p);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        size_t at = ut_random_below(&p->random, m->track_count);
        const ut_eval_track *track = &m->tracks[at];
        if (!track->query || !track->held_out || track->frames < (size_t)2 * UT_RATE_HZ)
            continue;
        size_t wanted = (size_t)((double)frames * speed) + 1, got = wanted < track->frames ? wanted : track->frames;
        size_t offset = got < track->frames ? ut_random_below(&p->random, track->frames - got) : 0;
        size_t heard = got < wanted ? (size_t)((double)got / speed) - 1 : frames;
        if (ut_rms(track->samples + offset, got) < SILENT)
            continue;
        ut_status rc = UT_OK;
        if (speed == 1.0)
            memcpy(p->layer, track->samples + offset, heard * sizeof *p->layer);
        else
            rc = ut_play_at(track->samples + offset, got, speed, p->layer, heard, p->err);
        if (rc != UT_OK)
            return rc;
        colour(p, p->layer, heard);
        fade(p->layer, heard);
        ut_add_at(p->layer, heard, rms, p->query->mix + start);
        if (p->query->segment_count < UT_EVAL_SEGMENTS)
            p->query->segments[p->query->segment_count++] = (ut_eval_segment){.track = at,
                                                                              .source_s = (double)offset / UT_RATE_HZ,
                                                                              .speed = speed,
                                                                              .start = (int64_t)start,
                                                                              .end = (int64_t)(start + heard)};
        return UT_OK;
    }
    return ut_fail(p->err, UT_E_ARG, "music: no held-out track that is long and loud enough");
}

/* Clips one after the other, pauses of up to two seconds between them. */
static void add_clips(producer *p, const ut_eval_clip *clips, size_t count, size_t start, size_t frames, double rms)
{
    size_t have = 0;
    memset(p->layer, 0, frames * sizeof *p->layer);
    for (int attempt = 0; have < frames && attempt < ATTEMPTS; attempt++) {
        const ut_eval_clip *clip = &clips[ut_random_below(&p->random, count)];
        size_t at = clip->frames ? ut_random_below(&p->random, clip->frames) : 0;
        size_t n = clip->frames - at < frames - have ? clip->frames - at : frames - have;
        memcpy(p->layer + have, clip->samples + at, n * sizeof *p->layer);
        have += n + (size_t)(ut_random_between(&p->random, 0, 2) * UT_RATE_HZ);
    }
    ut_add_at(p->layer, frames, rms, p->query->mix + start);
}

static ut_status add_scene(producer *p, size_t start, size_t frames)
{
    const ut_eval_material *m = p->material;
    double loud = ratio(SPEECH_DBFS);
    bool speech = chance(p, 0.75), music = chance(p, 0.85);
    ut_status rc = UT_OK;
    if (music)
        rc = add_music(p, start, frames, loud * ratio(ut_random_between(&p->random, speech ? -25 : -15, 6)));
    if (rc == UT_OK && music && chance(p, 0.2))
        rc = add_music(p, start, frames, loud * ratio(ut_random_between(&p->random, -20, 0)));
    if (rc != UT_OK)
        return rc;
    if (speech)
        add_clips(p, m->speech, m->speech_count, start, frames, loud);
    if (m->effects_count && chance(p, 0.3))
        add_clips(p, m->effects, m->effects_count, start, frames, loud * ratio(ut_random_between(&p->random, -20, 3)));
    if (chance(p, 0.4))
        ut_compress(p->query->mix + start, frames);
    return UT_OK;
}

static ut_status produce(producer *p)
{
    size_t start = 0, least = (size_t)(SCENE_MIN_S * UT_RATE_HZ);
    ut_status rc = UT_OK;
    for (size_t i = 0; i < p->query->frames; i++)
        p->query->mix[i] = (float)(NOISE * ut_random_between(&p->random, -1, 1));
    while (start < p->query->frames && rc == UT_OK) {
        size_t left = p->query->frames - start;
        size_t frames = (size_t)(ut_random_between(&p->random, SCENE_MIN_S, SCENE_MAX_S) * UT_RATE_HZ);
        if (left < frames + least) /* no scrap at the end */
            frames = left < (size_t)(SCENE_MAX_S * UT_RATE_HZ) ? left : left / 2;
        rc = add_scene(p, start, frames);
        start += frames;
    }
    return rc;
}

ut_status ut_airtime_make(const ut_eval_material *material, uint64_t seed, size_t number, ut_eval_query *out,
                          ut_err *err)
{
    ut_eval_query query = {.frames = (size_t)UT_AIRTIME_S * UT_RATE_HZ};
    producer p = {.material = material, .random = ut_random_init(seed, number), .query = &query, .err = err};
    size_t room = (size_t)(2 * SCENE_MAX_S * FASTEST) * UT_RATE_HZ;
    query.mix = calloc(query.frames, sizeof *query.mix);
    p.layer = calloc(room, sizeof *p.layer);
    ut_status rc = query.mix && p.layer ? produce(&p) : ut_fail(err, UT_E_NOMEM, "%zu frames", query.frames);
    free(p.layer);
    if (rc == UT_OK)
        *out = query;
    else
        ut_eval_query_clear(&query);
    return rc;
}
