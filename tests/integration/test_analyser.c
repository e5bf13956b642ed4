/* The analyser end to end on made-up programmes: right recordings at the right times, absent music left alone,
 * loudness, the same result however the audio is cut and wherever it is resumed, and memory that does not grow. */
#include "tests/unit/support.h"

#include <math.h>
#include <unistd.h>

#include "apps/evaluate/signal.h"
#include "apps/evaluate/synth.h"
#include "pipeline/analyser.h"
#include "tests/unit/model_maker.h"

enum {
    TRACKS = 12, /* in the index; seeds 1 … */
    ABSENT_SEED = 99,
    TRACK_FRAMES = 60 * UT_RATE_HZ,
    PROGRAMME_S = 100,
    PROGRAMME_FRAMES = PROGRAMME_S * UT_RATE_HZ,
    FOUND_MAX = 64,
};

/* Where music is in the programme, under speech at 0 dB. */
static const struct {
    int seed, start_s, end_s, source_s;
} bits[] = {{3, 10, 32, 5}, {7, 46, 70, 20}, {ABSENT_SEED, 80, 95, 10}};

typedef struct {
    ut_index *index;
    ut_model *model;
    float *programme;
} world;

typedef struct {
    ut_identification items[FOUND_MAX];
    size_t count;
} findings;

static ut_status note(void *arg, const ut_identification *what)
{
    findings *f = arg;
    assert_true(f->count < FOUND_MAX);
    f->items[f->count++] = *what;
    return UT_OK;
}

static float *audio_new(size_t frames)
{
    float *x = calloc(frames, sizeof *x);
    assert_non_null(x);
    return x;
}

static ut_index *index_of_tracks(void)
{
    ut_err err;
    const ut_params *params = ut_params_find("p3");
    ut_index_builder *builder = NULL;
    ut_index *index = NULL;
    float *music = audio_new(TRACK_FRAMES);
    assert_int_equal(ut_index_builder_open(params, &builder, &err), UT_OK);
    for (int id = 1; id <= TRACKS; id++) {
        ut_fingerprinter *printer = NULL;
        ut_fingerprint *print = NULL;
        ut_synth_music((uint64_t)id, music, TRACK_FRAMES);
        assert_int_equal(ut_fingerprinter_open(params, &printer, &err), UT_OK);
        assert_int_equal(ut_fingerprinter_push(printer, music, TRACK_FRAMES, &err), UT_OK);
        assert_int_equal(ut_fingerprinter_finish(printer, &print, &err), UT_OK);
        assert_int_equal(ut_index_builder_add(builder, id, print, &err), UT_OK);
        ut_fingerprint_close(&print);
        ut_fingerprinter_close(&printer);
    }
    assert_int_equal(ut_index_builder_finish(builder, 1, &index, &err), UT_OK);
    ut_index_builder_close(&builder);
    free(music);
    return index;
}

/* A network with context that halves its input: the "music" is 6.02 dB under the mixture, and so is the "speech". */
static ut_model *halving_model(void)
{
    maker *m = maker_open(MAKER_INTEGERS, 1);
    float *w = maker_tensor(m, "w", 1, 1, 1, 9);
    for (int i = 0; i < 9; i++)
        w[i] = i == 4 ? 0.5F : 0.0F;
    maker_node(m, "{\"op\":\"conv\",\"in\":\"x\",\"out\":\"y\",\"w\":\"w\",\"pad\":[0,0,4,4]}");
    return maker_model(&m, "{\"kind\":\"wave\",\"block\":4096}");
}

static float *programme_new(void)
{
    float *speech = audio_new(PROGRAMME_FRAMES), *mix = audio_new(PROGRAMME_FRAMES), *music = audio_new(TRACK_FRAMES);
    ut_synth_speech(1, speech, PROGRAMME_FRAMES);
    ut_add_at(speech, PROGRAMME_FRAMES, 0.07, mix);
    for (size_t i = 0; i < COUNT(bits); i++) {
        ut_synth_music((uint64_t)bits[i].seed, music, TRACK_FRAMES);
        ut_add_at(music + bits[i].source_s * UT_RATE_HZ, (size_t)(bits[i].end_s - bits[i].start_s) * UT_RATE_HZ, 0.07,
                  mix + bits[i].start_s * UT_RATE_HZ);
    }
    free(speech);
    free(music);
    return mix;
}

static int set_up(void **state)
{
    world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    *w = (world){.index = index_of_tracks(), .model = halving_model(), .programme = programme_new()};
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    ut_index_close(&w->index);
    ut_model_close(&w->model);
    free(w->programme);
    free(w);
    return 0;
}

/* Analyses the programme from `first` on, in pushes of about `push`; at `ask_at` (if not 0) notes the resume sample. */
static void analyse(const world *w, bool separated, int64_t first, size_t push, int64_t ask_at, int64_t *resume,
                    findings *found)
{
    ut_err err;
    ut_analyser *analyser = NULL;
    ut_analyser_options options = {
        .index = w->index, .model = separated ? w->model : NULL, .backend = "ref", .unidentified = true};
    memset(found, 0, sizeof *found);
    assert_int_equal(ut_analyser_open(&options, first, note, found, &analyser, &err), UT_OK);
    assert_int_equal(ut_analyser_resume_sample(analyser), first);
    int64_t last = first;
    for (int64_t at = first; at < PROGRAMME_FRAMES;) {
        int64_t end = at + (int64_t)push < PROGRAMME_FRAMES ? at + (int64_t)push : PROGRAMME_FRAMES;
        if (ask_at > at && ask_at < end)
            end = ask_at;
        assert_int_equal(ut_analyser_push(analyser, w->programme + at, (size_t)(end - at), &err), UT_OK);
        assert_true(ut_analyser_resume_sample(analyser) >= last);
        last = ut_analyser_resume_sample(analyser);
        at = end;
        if (at == ask_at)
            *resume = last;
    }
    assert_int_equal(ut_analyser_finish(analyser, &err), UT_OK);
    ut_analyser_close(&analyser);
    assert_null(analyser);
}

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static bool same(const ut_identification *a, const ut_identification *b)
{
    return a->outcome == b->outcome && a->witness == b->witness && a->start_sample == b->start_sample &&
           a->end_sample == b->end_sample && a->recording_id == b->recording_id &&
           same_number(a->ref_start_s, b->ref_start_s) && same_number(a->ref_end_s, b->ref_end_s) &&
           same_number(a->time_scale, b->time_scale) && same_number(a->log10_e, b->log10_e) &&
           same_number(a->score, b->score) && same_number(a->music_lufs, b->music_lufs) &&
           same_number(a->speech_lufs, b->speech_lufs) && same_number(a->mix_lufs, b->mix_lufs);
}

static void test_finds_what_is_there(void **state)
{
    const world *w = *state;
    for (int separated = 0; separated < 2; separated++) {
        findings found;
        size_t identified = 0;
        analyse(w, separated, 0, 5000, 0, NULL, &found);
        for (size_t i = 0; i < found.count; i++) {
            const ut_identification *what = &found.items[i];
            if (what->outcome != UT_IDENTIFIED)
                continue;
            assert_true(identified < 2);
            assert_int_equal(what->recording_id, bits[identified].seed);
            double start_s = (double)what->start_sample / UT_RATE_HZ, end_s = (double)what->end_sample / UT_RATE_HZ;
            assert_float_equal(start_s, bits[identified].start_s, 1.0);
            assert_float_equal(end_s, bits[identified].end_s, 1.0);
            double shift_s = bits[identified].source_s - bits[identified].start_s;
            assert_float_equal(what->ref_start_s, start_s + shift_s, 0.1);
            assert_float_equal(what->time_scale, 1.0, 0.002);
            assert_true(what->log10_e < 0);
            assert_true(isfinite(what->mix_lufs));
            if (separated) { /* values are rounded to 0.01 */
                assert_float_equal(what->music_lufs, what->mix_lufs - 6.0206, 0.011);
                assert_float_equal(what->speech_lufs, what->mix_lufs - 6.0206, 0.011);
            } else {
                assert_true(isnan(what->music_lufs) && isnan(what->speech_lufs));
            }
            identified++;
        }
        assert_int_equal(identified, 2);
    }
}

static void test_pushes_do_not_matter(void **state)
{
    const world *w = *state;
    for (int separated = 0; separated < 2; separated++) {
        static const size_t pushes[] = {1, 997, 16000, PROGRAMME_FRAMES};
        findings once, again;
        analyse(w, separated, 0, 4096, 0, NULL, &once);
        for (size_t i = separated ? 1 : 0; i < COUNT(pushes); i++) {
            analyse(w, separated, 0, pushes[i], 0, NULL, &again);
            assert_int_equal(again.count, once.count);
            for (size_t k = 0; k < once.count; k++)
                assert_true(same(&once.items[k], &again.items[k]));
        }
    }
}

/* What a broken source delivers, each kind for a while. */
static float bad_sample(int kind, int64_t i, const float *speech)
{
    float loud = 30 * speech[i % PROGRAMME_FRAMES];
    switch (kind) {
    case 0:
        return 0;
    case 1:
        return 0.7F; /* DC */
    case 2:
        return loud > 1 ? 1 : loud < -1 ? -1 : loud; /* clipped all along */
    case 3:
        return i % 7 ? NAN : INFINITY;
    case 4:
        return i % 2 ? 1e30F : -1e30F;
    default:
        return 1e-40F; /* denormal */
    }
}

/* A day of it (UT_BAD_AUDIO_S seconds of each kind; default 40) identifies nothing, only the clipped speech may pass
 * for music; and what comes after is found as ever. */
static void test_bad_audio_harms_nothing(void **state)
{
    enum { KINDS = 6, CLIPPED = 2, PUSH = 8000 };
    const world *w = *state;
    const char *given = getenv("UT_BAD_AUDIO_S");
    int64_t each = (given ? atoi(given) : 40) * (int64_t)UT_RATE_HZ, all = KINDS * each;
    float *speech = audio_new(PROGRAMME_FRAMES), push[PUSH];
    ut_err err;
    ut_analyser *analyser = NULL;
    findings found = {.count = 0};
    ut_analyser_options options = {.index = w->index, .model = w->model, .backend = "onednn", .unidentified = true};
    ut_synth_speech(2, speech, PROGRAMME_FRAMES);
    assert_int_equal(ut_analyser_open(&options, 0, note, &found, &analyser, &err), UT_OK);
    for (int64_t at = 0; at < all; at += PUSH) {
        for (int64_t i = at; i < at + PUSH; i++)
            push[i - at] = bad_sample((int)(i / each), i, speech);
        assert_int_equal(ut_analyser_push(analyser, push, PUSH, &err), UT_OK);
    }
    assert_int_equal(ut_analyser_push(analyser, w->programme, PROGRAMME_FRAMES, &err), UT_OK);
    assert_int_equal(ut_analyser_finish(analyser, &err), UT_OK);
    ut_analyser_close(&analyser);
    size_t identified = 0;
    for (size_t i = 0; i < found.count; i++) {
        const ut_identification *what = &found.items[i];
        bool before = what->start_sample < all;
        assert_true(!before || what->outcome != UT_IDENTIFIED);
        assert_true(!before || (what->end_sample > CLIPPED * each && what->start_sample < (CLIPPED + 1) * each));
        if (what->outcome != UT_IDENTIFIED)
            continue;
        assert_true(identified < 2);
        assert_int_equal(what->recording_id, bits[identified].seed);
        assert_float_equal((double)(what->start_sample - all) / UT_RATE_HZ, bits[identified].start_s, 1.0);
        identified++;
    }
    assert_int_equal(identified, 2);
    free(speech);
}

static size_t emitted_by(const world *w, bool separated, int64_t sample)
{
    ut_err err;
    ut_analyser *analyser = NULL;
    findings found = {.count = 0};
    ut_analyser_options options = {
        .index = w->index, .model = separated ? w->model : NULL, .backend = "ref", .unidentified = true};
    assert_int_equal(ut_analyser_open(&options, 0, note, &found, &analyser, &err), UT_OK);
    assert_int_equal(ut_analyser_push(analyser, w->programme, (size_t)sample, &err), UT_OK);
    ut_analyser_close(&analyser);
    return found.count;
}

/* Whatever had not been emitted by the time of the interruption comes from the resumed analyser, the same; it may
 * repeat what was emitted, but invents nothing. */
static void test_resumes_exactly(void **state)
{
    const world *w = *state;
    bool moved = false;
    for (int separated = 0; separated < 2; separated++) {
        findings whole, rest;
        analyse(w, separated, 0, 4096, 0, NULL, &whole);
        assert_true(whole.count > 0);
        for (int second = 5; second < PROGRAMME_S; second += 6) {
            int64_t at = (int64_t)second * UT_RATE_HZ + 123, resume = 0;
            analyse(w, separated, 0, 4096, at, &resume, &rest);
            assert_in_range(resume, 0, at);
            moved = moved || resume > 0;
            size_t done = emitted_by(w, separated, at);
            analyse(w, separated, resume, 3001, 0, NULL, &rest);
            assert_true(rest.count <= whole.count && rest.count >= whole.count - done);
            for (size_t k = 0; k < rest.count; k++)
                assert_true(same(&rest.items[rest.count - 1 - k], &whole.items[whole.count - 1 - k]));
        }
    }
    assert_true(moved);
}

static double resident_mib(void)
{
    long pages = 0, ignored = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &ignored, &pages), 2);
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1048576.0;
}

/* The programme over and over: the second hour takes no more memory than the first twenty minutes. */
static void test_memory_is_bounded(void **state)
{
    const world *w = *state;
    enum { MINUTES = 90, SETTLED_MINUTES = 20 };
    ut_err err;
    findings found = {.count = 0};
    ut_analyser *analyser = NULL;
    ut_analyser_options options = {.index = w->index};
    double settled = 0;
    assert_int_equal(ut_analyser_open(&options, 0, note, &found, &analyser, &err), UT_OK);
    for (int64_t second = 0, n = 0; second < MINUTES * 60; second += PROGRAMME_S, n++) {
        assert_int_equal(ut_analyser_push(analyser, w->programme, PROGRAMME_FRAMES, &err), UT_OK);
        assert_true(found.count > 0 || n == 0);
        found.count = 0;
        if (settled == 0 && second >= SETTLED_MINUTES * 60)
            settled = resident_mib();
    }
    assert_true(resident_mib() - settled < 2.0);
    int64_t position = ((int64_t)MINUTES * 60 / PROGRAMME_S) * PROGRAMME_FRAMES;
    assert_true(ut_analyser_resume_sample(analyser) > position - (int64_t)300 * UT_RATE_HZ);
    ut_analyser_close(&analyser);
}

static ut_status refuse(void *arg, const ut_identification *what)
{
    (void)arg, (void)what;
    return UT_E_STOPPED;
}

static void test_errors(void **state)
{
    const world *w = *state;
    ut_err err;
    findings found = {.count = 0};
    ut_analyser *analyser = NULL;
    ut_analyser_options options = {.index = w->index, .model = w->model, .backend = "no such"};
    assert_int_equal(ut_analyser_open(&options, 0, note, &found, &analyser, &err), UT_E_ARG);
    options.backend = "ref";
    assert_int_equal(ut_analyser_open(&options, -1, note, &found, &analyser, &err), UT_E_ARG);
    assert_null(analyser);
    assert_int_equal(ut_analyser_open(&options, 0, refuse, NULL, &analyser, &err), UT_OK);
    ut_status rc = ut_analyser_push(analyser, w->programme, PROGRAMME_FRAMES, &err);
    if (rc == UT_OK)
        rc = ut_analyser_finish(analyser, &err);
    assert_int_equal(rc, UT_E_STOPPED);
    assert_int_equal(err.code, UT_E_STOPPED);
    ut_analyser_close(&analyser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_what_is_there),  cmocka_unit_test(test_bad_audio_harms_nothing),
        cmocka_unit_test(test_pushes_do_not_matter), cmocka_unit_test(test_resumes_exactly),
        cmocka_unit_test(test_memory_is_bounded),    cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
