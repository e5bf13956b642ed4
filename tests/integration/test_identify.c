/* `undertone identify` as a user runs it: the program itself, real files, a store. UNDERTONE names the program. */
#include "tests/unit/support.h"

#include <jansson.h>
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/evaluate/signal.h"
#include "apps/evaluate/synth.h"
#include "apps/separate/wav.h"
#include "core/types.h"
#include "tests/unit/model_maker.h"

enum { TRACKS = 6, TRACK_S = 40, PROGRAMME_S = 60, ABSENT_SEED = 50, LINE_SIZE = 4096, LINES_MAX = 32 };

static char folder[64];

typedef struct {
    char *lines[LINES_MAX]; /* of stdout */
    size_t count;
    int exit_code;
    char errors[4096];
} run;

static void write_wav(const char *name, const float *x, size_t frames)
{
    char path[128];
    ut_err err;
    ut_wav *wav = NULL;
    ut_wav_format format = {.rate_hz = UT_RATE_HZ, .channels = 1, .duration_s = (double)frames / UT_RATE_HZ};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(ut_wav_open(path, &format, &wav, &err), UT_OK);
    assert_int_equal(ut_wav_write(wav, x, frames, &err), UT_OK);
    assert_int_equal(ut_wav_finish(&wav, &err), UT_OK);
}

/* Speech with a track of `seed` under it from 20 s to 45 s, from its 10th second on. */
static void write_programme(const char *name, uint64_t seed)
{
    size_t frames = (size_t)PROGRAMME_S * UT_RATE_HZ, track_frames = (size_t)TRACK_S * UT_RATE_HZ;
    float *mix = calloc(frames, sizeof *mix), *sound = calloc(frames, sizeof *sound);
    assert_true(mix && sound);
    ut_synth_speech(seed, sound, frames);
    ut_add_at(sound, frames, 0.07, mix);
    if (seed) {
        ut_synth_music(seed, sound, track_frames);
        ut_add_at(sound + 10 * UT_RATE_HZ, (size_t)25 * UT_RATE_HZ, 0.05, mix + 20 * UT_RATE_HZ);
    }
    write_wav(name, mix, frames);
    free(mix);
    free(sound);
}

static void write_text(const char *name, const char *text, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* A network that gives half of its input as music. */
static void write_model(void)
{
    size_t size = 0;
    maker *m = maker_open(MAKER_INTEGERS, 1);
    *maker_tensor(m, "w", 1, 1, 1, 1) = 0.5F;
    maker_node(m, "{\"op\":\"conv\",\"in\":\"x\",\"out\":\"y\",\"w\":\"w\"}");
    char *bytes = maker_bytes(&m, "{\"kind\":\"wave\",\"block\":4096}", false, &size);
    write_text("half.safetensors", bytes, size);
    free(bytes);
}

/* Runs the program in the folder with the folder's store. */
static void undertone(const char *arguments, run *out)
{
    char command[1024], line[LINE_SIZE];
    *out = (run){.count = 0};
    snprintf(command, sizeof command, "cd %s && %s %s --store sqlite:store.db 2>errors", folder, UNDERTONE, arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    while (fgets(line, sizeof line, pipe)) {
        assert_true(out->count < LINES_MAX);
        out->lines[out->count++] = strdup(line);
    }
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    out->exit_code = WEXITSTATUS(status);
    snprintf(command, sizeof command, "%s/errors", folder);
    FILE *file = fopen(command, "r");
    assert_non_null(file);
    out->errors[fread(out->errors, 1, sizeof out->errors - 1, file)] = '\0';
    fclose(file);
}

static void run_clear(run *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->lines[i]);
    *r = (run){.count = 0};
}

static int set_up(void **state)
{
    (void)state;
    char name[32];
    size_t frames = (size_t)TRACK_S * UT_RATE_HZ;
    float *music = malloc(frames * sizeof *music);
    assert_non_null(music);
    snprintf(folder, sizeof folder, "/tmp/undertone-identify-XXXXXX");
    assert_non_null(mkdtemp(folder));
    for (int i = 1; i <= TRACKS; i++) {
        snprintf(name, sizeof name, "tune-%d.wav", i);
        ut_synth_music((uint64_t)i, music, frames);
        write_wav(name, music, frames);
    }
    free(music);
    write_programme("two.wav", 2);
    write_programme("five.wav", 5);
    write_programme("absent.wav", ABSENT_SEED);
    write_programme("talk.wav", 0);
    write_text("broken.mp3", "this is no music, only text\n", 28);
    write_text("empty.wav", "", 0);
    write_model();
    run r;
    undertone("catalogue add tune-1.wav tune-2.wav tune-3.wav tune-4.wav tune-5.wav tune-6.wav", &r);
    assert_int_equal(r.exit_code, 0);
    run_clear(&r);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static double number(const json_t *o, const char *key)
{
    const json_t *value = json_object_get(o, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static const char *text(const json_t *o, const char *key)
{
    const char *value = json_string_value(json_object_get(o, key));
    assert_non_null(value);
    return value;
}

/* Checks one line against DESIGN: the keys, and that it is tune `id` from about 20 s to 45 s. */
static void check_line(const char *line, const char *file, int id, bool separated)
{
    char title[16];
    json_t *o = json_loads(line, 0, NULL);
    assert_non_null(o);
    assert_int_equal(json_object_size(o), 13);
    assert_string_equal(text(o, "file"), file);
    assert_string_equal(text(o, "outcome"), "identified");
    assert_float_equal(number(o, "start_s"), 20, 1);
    assert_float_equal(number(o, "end_s"), 45, 1);
    assert_float_equal(number(o, "ref_start_s") - number(o, "start_s"), -10, 0.1);
    assert_float_equal(number(o, "time_scale"), 1, 0.002);
    assert_true(number(o, "e_value") > 0 && number(o, "e_value") < 1e-6);
    assert_true(number(o, "score") > 0);
    assert_true(strstr("mix music both", text(o, "source")) != NULL);
    const json_t *recording = json_object_get(o, "recording");
    snprintf(title, sizeof title, "tune-%d", id);
    assert_string_equal(text(recording, "title"), title);
    assert_true(number(recording, "id") == id);
    assert_true(json_object_get(recording, "artist") && json_object_get(recording, "isrc"));
    const json_t *versions = json_object_get(o, "versions");
    assert_string_equal(text(versions, "engine"), UT_VERSION);
    assert_string_equal(text(versions, "params"), "p3");
    assert_true(number(versions, "catalogue") > 0);
    if (separated) {
        assert_int_equal(strlen(text(versions, "model")), 64);
        assert_float_equal(number(o, "music_lufs"), number(o, "speech_lufs"), 0.11);
    } else {
        assert_true(json_is_null(json_object_get(versions, "model")));
        assert_true(json_is_null(json_object_get(o, "music_lufs")));
    }
    json_decref(o);
}

/* Lines of `r` that identify something. */
static size_t identified(const run *r, const char *lines[LINES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++)
        if (strstr(r->lines[i], "\"identified\""))
            lines[count++] = r->lines[i];
    return count;
}

static void test_identifies_in_order(void **state)
{
    (void)state;
    static const char *const separators[] = {"none", "half.safetensors"};
    for (int separated = 0; separated < 2; separated++) {
        char arguments[256];
        const char *lines[LINES_MAX];
        run one, three;
        snprintf(arguments, sizeof arguments, "identify --json --separator %s --jobs 1 five.wav talk.wav two.wav",
                 separators[separated]);
        undertone(arguments, &one);
        assert_int_equal(one.exit_code, 0);
        assert_string_equal(one.errors, "");
        assert_int_equal(identified(&one, lines), 2);
        check_line(lines[0], "five.wav", 5, separated);
        check_line(lines[1], "two.wav", 2, separated);
        snprintf(arguments, sizeof arguments, "identify --json --separator %s --jobs 3 five.wav talk.wav two.wav",
                 separators[separated]);
        undertone(arguments, &three);
        assert_int_equal(three.count, one.count);
        for (size_t i = 0; i < one.count; i++)
            assert_string_equal(three.lines[i], one.lines[i]);
        run_clear(&one);
        run_clear(&three);
    }
}

static void test_what_is_absent_stays_unidentified(void **state)
{
    (void)state;
    const char *lines[LINES_MAX];
    run r;
    undertone("identify --json --separator none absent.wav talk.wav", &r);
    assert_int_equal(r.exit_code, 0);
    assert_int_equal(identified(&r, lines), 0);
    run_clear(&r);
}

static void test_one_bad_file_does_not_stop_the_rest(void **state)
{
    (void)state;
    const char *lines[LINES_MAX];
    run r;
    write_text("list", "broken.mp3\nempty.wav\ntwo.wav\n", 29);
    undertone("identify --json --separator none missing.wav --list list", &r);
    assert_int_equal(r.exit_code, 1);
    assert_int_equal(identified(&r, lines), 1);
    check_line(lines[0], "two.wav", 2, false);
    static const char *const files[] = {"missing.wav", "broken.mp3", "empty.wav"};
    size_t errors = 0;
    for (const char *at = r.errors; *at; at++)
        errors += *at == '\n';
    assert_int_equal(errors, 3);
    for (size_t i = 0; i < COUNT(files); i++)
        assert_non_null(strstr(r.errors, files[i]));
    run_clear(&r);
}

static void test_table_and_usage(void **state)
{
    (void)state;
    run r;
    undertone("identify --separator none two.wav", &r);
    assert_int_equal(r.exit_code, 0);
    assert_string_equal(r.lines[0], "two.wav\n");
    assert_non_null(strstr(r.lines[1], "tune-2"));
    run_clear(&r);
    undertone("identify", &r);
    assert_int_equal(r.exit_code, 2);
    run_clear(&r);
    undertone("identify --params p9 two.wav", &r);
    assert_int_equal(r.exit_code, 2);
    run_clear(&r);
    undertone("identify --separator nowhere.safetensors two.wav", &r);
    assert_int_equal(r.exit_code, 1);
    assert_non_null(strstr(r.errors, "nowhere.safetensors"));
    run_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identifies_in_order),
        cmocka_unit_test(test_what_is_absent_stays_unidentified),
        cmocka_unit_test(test_one_bad_file_does_not_stop_the_rest),
        cmocka_unit_test(test_table_and_usage),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
