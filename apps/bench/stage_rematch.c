#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "apps/bench/stages.h"
#include "apps/evaluate/signal.h"
#include "apps/evaluate/synth.h"
#include "apps/machine.h"
#include "core/types.h"
#include "fingerprint/scout.h"
#include "fingerprint/track.h"

enum {
    PIECE_S = 60,
    PIECE_FRAMES = PIECE_S * UT_RATE_HZ,
    PIECES = 30, /* of unidentified music, one after another */
    ABSENT = 500,
    TRAILS_MAX = 2 * PIECES,
};

typedef struct {
    struct {
        uint8_t *bytes;
        size_t size;
    } trails[TRAILS_MAX];
    size_t count;
    double seconds;
    size_t bytes;
} kept;

static ut_status ignore(void *arg, const ut_identification *what)
{
    (void)arg, (void)what;
    return UT_OK;
}

static ut_status keep(void *arg, const ut_trail *trail)
{
    kept *k = arg;
    ut_trail_info info = ut_trail_describe(trail);
    if (k->count == TRAILS_MAX)
        return UT_OK;
    ut_status rc = ut_trail_encode(trail, &k->trails[k->count].bytes, &k->trails[k->count].size, NULL);
    if (rc != UT_OK)
        return rc;
    k->seconds += (double)(info.end_sample - info.start_sample) / UT_RATE_HZ;
    k->bytes += k->trails[k->count++].size;
    return UT_OK;
}

/* Half an hour of absent music under speech at 0 dB, as mixture and as separated music with residue. */
static ut_status make_trail(const ut_index *index, kept *out, ut_err *err)
{
    ut_tracker *tracker = NULL;
    ut_tracker_options options = {.unidentified = true, .keep = keep};
    float *mix = malloc(3 * PIECE_FRAMES * sizeof *mix), *music = mix + PIECE_FRAMES, *sound = music + PIECE_FRAMES;
    ut_status rc = mix ? ut_tracker_open(index, &options, ignore, out, &tracker, err)
                       : ut_fail(err, UT_E_NOMEM, "%d samples", PIECE_FRAMES);
    for (int i = 0; i < PIECES && rc == UT_OK; i++) {
        memset(mix, 0, (size_t)2 * PIECE_FRAMES * sizeof *mix);
        ut_synth_music((uint64_t)ABSENT + (uint64_t)i, sound, PIECE_FRAMES);
        ut_add_at(sound, PIECE_FRAMES, 0.07, mix);
        ut_add_at(sound, PIECE_FRAMES, 0.07, music);
        ut_synth_speech((uint64_t)i + 1, sound, PIECE_FRAMES);
        ut_add_at(sound, PIECE_FRAMES, 0.07, mix);
        ut_add_at(sound, PIECE_FRAMES, 0.022, music);
        rc = ut_tracker_push(tracker, mix, music, PIECE_FRAMES, err);
    }
    if (rc == UT_OK)
        rc = ut_tracker_finish(tracker, err);
    if (rc == UT_OK && out->count == 0)
        rc = ut_fail(err, UT_E_UNSUPPORTED, "rematch: the music was not taken for music");
    ut_tracker_close(&tracker);
    free(mix);
    return rc;
}

/* From stored bytes to the scout's answer, for `seconds` of CPU time. */
static ut_status scout_for(const ut_index *index, const kept *k, double seconds, double *realtime, double *passed,
                           ut_err *err)
{
    ut_scout *scout = NULL;
    ut_status rc = ut_scout_open(index, &scout, err);
    double begin_s = ut_machine_cpu_s(), spent_s = 0, music_s = 0;
    size_t runs = 0, maybes = 0;
    while (rc == UT_OK && (spent_s < seconds || runs % k->count)) {
        ut_trail *trail = NULL;
        bool maybe = false;
        rc = ut_trail_decode(k->trails[runs % k->count].bytes, k->trails[runs % k->count].size, &trail, err);
        if (rc == UT_OK)
            rc = ut_scout_look(scout, trail, &maybe, err);
        ut_trail_close(&trail);
        runs++;
        maybes += maybe;
        music_s += k->seconds / (double)k->count;
        spent_s = ut_machine_cpu_s() - begin_s;
    }
    ut_scout_close(&scout);
    *realtime = spent_s > 0 ? music_s / spent_s : 0;
    *passed = runs ? 100.0 * (double)maybes / (double)runs : 0;
    return rc;
}

static ut_status rematch_for(const ut_index *index, const kept *k, double seconds, double *realtime, ut_err *err)
{
    double begin_s = ut_machine_cpu_s(), spent_s = 0, music_s = 0;
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < k->count && spent_s < seconds; i++) {
        ut_trail *trail = NULL;
        rc = ut_trail_decode(k->trails[i].bytes, k->trails[i].size, &trail, err);
        if (rc == UT_OK)
            rc = ut_tracker_rematch(index, 0, trail, ignore, NULL, err);
        if (rc == UT_OK) {
            ut_trail_info info = ut_trail_describe(trail);
            music_s += (double)(info.end_sample - info.start_sample) / UT_RATE_HZ;
        }
        ut_trail_close(&trail);
        spent_s = ut_machine_cpu_s() - begin_s;
    }
    *realtime = spent_s > 0 ? music_s / spent_s : 0;
    return rc;
}

ut_status ut_bench_rematch(const ut_params *params, size_t tracks, double seconds, ut_figures *figures, ut_err *err)
{
    static const size_t news[] = {10, 100, 1000};
    const char *name = ut_params_name(params);
    kept k = {0};
    ut_index *index = NULL;
    double realtime = 0, passed = 0;
    ut_status rc = ut_bench_index(params, 1, &index, err);
    if (rc == UT_OK)
        rc = make_trail(index, &k, err);
    ut_index_close(&index);
    if (rc == UT_OK)
        rc = ut_figures_add(figures, err, "rematch", (double)k.bytes / k.seconds * 3600, "bytes",
                            "%s, kept of an hour of unidentified music (%zu stretches)", name, k.count);
    for (size_t i = 0; i < sizeof news / sizeof *news && rc == UT_OK; i++) {
        rc = ut_bench_index(params, news[i], &index, err);
        if (rc == UT_OK)
            rc = scout_for(index, &k, seconds, &realtime, &passed, err);
        if (rc == UT_OK)
            rc = ut_figures_add(figures, err, "rematch", realtime, "x real time",
                                "%s, the scout against %zu new tracks (%.0f %% passed on)", name, news[i], passed);
        ut_index_close(&index);
    }
    if (rc == UT_OK)
        rc = ut_bench_index(params, tracks, &index, err);
    if (rc == UT_OK)
        rc = rematch_for(index, &k, seconds, &realtime, err);
    if (rc == UT_OK)
        rc = ut_figures_add(figures, err, "rematch", realtime, "x real time",
                            "%s, the tracker against all of %zu tracks", name, tracks);
    ut_index_close(&index);
    for (size_t i = 0; i < k.count; i++)
        free(k.trails[i].bytes);
    return rc;
}
