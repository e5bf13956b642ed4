/* Stems from files: aligned, of the file's length, rate and channels, adding up to the original; nothing half-written.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <glob.h>
#include <sndfile.h>

#include "apps/separate/stems.h"
#include "apps/separate/wav.h"
#include "tests/unit/model_maker.h"

static char folder[64], input[128], music[128], speech[128];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/undertone-separate-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(input, sizeof input, "%s/in.wav", folder);
    snprintf(music, sizeof music, "%s/music.wav", folder);
    snprintf(speech, sizeof speech, "%s/speech.wav", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(input);
    unlink(music);
    unlink(speech);
    return rmdir(folder);
}

/* Passes what is positive: the "music" of a test. */
static ut_model *rectifier(void)
{
    maker *m = maker_open(MAKER_INTEGERS, 1);
    maker_node(m, "{\"op\":\"act\",\"in\":\"x\",\"out\":\"y\",\"act\":\"relu\"}");
    return maker_model(&m, "{\"kind\":\"wave\",\"block\":4096}");
}

static ut_model *copier(void)
{
    maker *m = maker_open(MAKER_INTEGERS, 1);
    maker_node(m, "{\"op\":\"act\",\"in\":\"x\",\"out\":\"y\"}");
    return maker_model(&m, "{\"kind\":\"wave\",\"block\":4096}");
}

/* A different tone in each channel, below the model's 8 kHz. */
static float tone(int rate_hz, size_t frame, int channel)
{
    return (float)(0.4 * sin(6.2831853 * (300 + 500 * channel) * (double)frame / rate_hz));
}

static void write_input(int rate_hz, int channels, size_t frames)
{
    ut_wav *wav = NULL;
    ut_wav_format format = {.rate_hz = rate_hz, .channels = channels, .floats = true, .duration_s = NAN};
    float *samples = malloc(frames * (size_t)channels * sizeof *samples);
    for (size_t i = 0; i < frames * (size_t)channels; i++)
        samples[i] = tone(rate_hz, i / (size_t)channels, (int)(i % (size_t)channels));
    unlink(input);
    assert_int_equal(ut_wav_open(input, &format, &wav, NULL), UT_OK);
    assert_int_equal(ut_wav_write(wav, samples, frames, NULL), UT_OK);
    assert_int_not_equal(access(input, F_OK), 0); /* not there before it is whole */
    assert_int_equal(ut_wav_finish(&wav, NULL), UT_OK);
    free(samples);
}

static float *read_wav(const char *path, int rate_hz, int channels, size_t frames)
{
    SF_INFO info = {0};
    SNDFILE *file = sf_open(path, SFM_READ, &info);
    assert_non_null(file);
    assert_int_equal(info.samplerate, rate_hz);
    assert_int_equal(info.channels, channels);
    assert_int_equal(info.frames, frames);
    float *samples = malloc(frames * (size_t)channels * sizeof *samples);
    assert_int_equal(sf_readf_float(file, samples, info.frames), info.frames);
    sf_close(file);
    return samples;
}

static ut_stems_options options_of(const ut_model *model)
{
    return (ut_stems_options){.model = model, .backend = "ref", .floats = true, .music = music, .speech = speech};
}

static void check_stems(const ut_model *model, int rate_hz, int channels, size_t frames, double *apart)
{
    ut_stems_options options = options_of(model);
    ut_stems_result result;
    ut_err err = {0};
    write_input(rate_hz, channels, frames);
    ut_status rc = ut_stems_write(input, &options, &result, &err);
    if (rc != UT_OK)
        fail_msg("%s", err.text);
    assert_int_equal(result.rate_hz, rate_hz);
    assert_true(fabs(result.seconds - (double)frames / rate_hz) < 1e-9);
    float *a = read_wav(music, rate_hz, channels, frames), *b = read_wav(speech, rate_hz, channels, frames);
    *apart = 0;
    for (size_t i = 0; i < frames * (size_t)channels; i++) {
        size_t frame = i / (size_t)channels;
        float original = tone(rate_hz, frame, (int)(i % (size_t)channels));
        assert_true(fabsf(a[i] + b[i] - original) < 1e-5F);
        if (frame > 2000 && frame + 2000 < frames) /* away from the resamplers' edges */
            *apart = fmax(*apart, fabs((double)a[i] - (double)original));
    }
    free(a);
    free(b);
}

static void test_aligned(void **state)
{
    (void)state;
    double apart;
    ut_model *model = copier();
    check_stems(model, 16000, 1, 40000, &apart);
    assert_true(apart < 1e-6);
    check_stems(model, 44100, 2, 100001, &apart);
    assert_true(apart < 1e-4);
    check_stems(model, 48000, 3, 70000, &apart);
    assert_true(apart < 1e-4);
    ut_model_close(&model);
}

static void test_sum(void **state)
{
    (void)state;
    double apart;
    ut_model *model = rectifier();
    check_stems(model, 32000, 2, 50000, &apart);
    assert_true(apart > 0.3); /* the negative half went into the other stem */
    ut_model_close(&model);
}

static bool stop(void)
{
    return true;
}

static size_t files_in_folder(void)
{
    char pattern[96];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/*", folder);
    size_t count = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
    globfree(&found);
    return count;
}

static void test_nothing_half_written(void **state)
{
    (void)state;
    ut_stems_result result;
    ut_err err = {0};
    ut_model *model = copier();
    ut_stems_options options = options_of(model);
    write_input(16000, 1, 40000);
    unlink(music);
    unlink(speech);
    options.stopped = stop;
    assert_int_equal(ut_stems_write(input, &options, &result, &err), UT_E_STOPPED);
    assert_int_equal(files_in_folder(), 1);
    options.stopped = NULL;
    options.speech = "/nowhere/at/all.wav";
    assert_int_equal(ut_stems_write(input, &options, &result, &err), UT_E_IO);
    assert_int_equal(files_in_folder(), 1);
    options.speech = folder;
    assert_int_equal(ut_stems_write(input, &options, &result, &err), UT_E_ARG);
    assert_int_equal(files_in_folder(), 1);
    options.speech = speech;
    assert_int_equal(truncate(input, 20), 0);
    assert_true(ut_stems_write(input, &options, &result, &err) != UT_OK);
    assert_int_equal(files_in_folder(), 1);
    assert_int_equal(ut_stems_write("/nowhere.wav", &options, &result, &err), UT_E_NOTFOUND);
    ut_model_close(&model);
}

static void test_clipping(void **state)
{
    (void)state;
    ut_wav *wav = NULL;
    ut_wav_format format = {.rate_hz = 8000, .channels = 1, .duration_s = 1};
    const float loud[] = {2, -2, 0.5F, 0};
    assert_int_equal(ut_wav_open(music, &format, &wav, NULL), UT_OK);
    assert_int_equal(ut_wav_write(wav, loud, 4, NULL), UT_OK);
    assert_int_equal(ut_wav_finish(&wav, NULL), UT_OK);
    float *got = read_wav(music, 8000, 1, 4);
    assert_true(got[0] > 0.999F && got[1] < -0.999F && fabsf(got[2] - 0.5F) < 1e-4F && got[3] == 0);
    free(got);
    struct stat st;
    assert_int_equal(stat(music, &st), 0);
    assert_int_equal(st.st_size, 44 + 8); /* plain WAV */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aligned),
        cmocka_unit_test(test_sum),
        cmocka_unit_test(test_nothing_half_written),
        cmocka_unit_test(test_clipping),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
