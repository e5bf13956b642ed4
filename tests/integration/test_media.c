/* Files of many kinds, whole and broken, decoded. */
#include "tests/integration/capture_support.h"

#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/media.h"
#include "pipeline/probe.h"

#define SECONDS 6
#define TONE "audiotestsrc num-buffers=300 samplesperbuffer=960 freq=%d ! audio/x-raw,rate=48000,channels=%d"
#define TONE_B "audiotestsrc num-buffers=300 samplesperbuffer=960 freq=%d ! audio/x-raw,rate=48000,channels=2"

typedef struct {
    float *samples;
    size_t frames;
    ut_status end; /* UT_OK, or how it broke off */
    ut_err err;
} decoded;

/* Reads all of an open media in pieces of `capacity` frames (mono). */
static decoded read_all(ut_media *media, size_t capacity)
{
    decoded d = {.samples = calloc(UT_RATE_HZ * 20, sizeof(float))};
    size_t got = 1;
    while ((d.end = ut_media_read(media, d.samples + d.frames, capacity, &got, &d.err)) == UT_OK && got) {
        d.frames += got;
        assert_in_range(d.frames, 1, UT_RATE_HZ * 20 - capacity);
    }
    return d;
}

static decoded decode(const char *path, ut_media_options options, size_t capacity)
{
    ut_media *media;
    ut_err err = {0};
    options.rate_hz = UT_RATE_HZ;
    options.channels = 1;
    if (ut_media_open(path, &options, &media, &err) != UT_OK)
        fail_msg("%s", err.text);
    decoded d = read_all(media, capacity);
    ut_media_close(&media);
    assert_null(media);
    return d;
}

static ut_err refused(const char *path, ut_media_options options)
{
    ut_media *media = NULL;
    ut_err err = {0};
    options.rate_hz = UT_RATE_HZ;
    options.channels = 1;
    assert_int_not_equal(ut_media_open(path, &options, &media, &err), UT_OK);
    assert_null(media);
    assert_non_null(strstr(err.text, path));
    assert_null(strchr(err.text, '\n'));
    return err;
}

static const struct {
    const char *name, *chain; /* what encodes and muxes */
    bool tells_its_end;       /* so that a cut shows */
} kinds[] = {
    {"a.wav", "audioconvert ! wavenc", true},
    {"a.flac", "audioconvert ! flacenc", true},
    {"a.opus", "audioconvert ! opusenc ! oggmux", true},
    {"a.ogg", "audioconvert ! vorbisenc ! oggmux", true},
    {"a.mp3", "audioconvert ! lamemp3enc ! xingmux", true},
    {"a.m4a", "audioconvert ! avenc_aac ! mp4mux faststart=true", true},
    {"a.mka", "audioconvert ! opusenc ! matroskamux", true},
    {"a.aac", "audioconvert ! avenc_aac ! aacparse ! audio/mpeg,stream-format=adts", false},
    {"a.ac3", "audioconvert ! avenc_ac3", false},
    {"a.mp2", "audioconvert ! avenc_mp2", false},
    {"a-aac.ts", "audioconvert ! avenc_aac ! mpegtsmux", true},
    {"a-mp2.ts", "audioconvert ! avenc_mp2 ! mpegtsmux", true},
    {"a-ac3.ts", "audioconvert ! avenc_ac3 ! mpegtsmux", true},
};

static void every_kind_decodes_the_same_however_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        const char *path = scratch_path(kinds[i].name);
        make_media(path, TONE " ! %s", 440, 2, kinds[i].chain);
        decoded whole = decode(path, (ut_media_options){0}, 8192);
        if (whole.end != UT_OK)
            fail_msg("%s", whole.err.text);
        assert_true(fabs((double)whole.frames / UT_RATE_HZ - SECONDS) < 0.15);
        assert_true(fabs(tone_of(whole.samples + 8000, whole.frames - 16000) - 440) < 2);
        decoded pieces = decode(path, (ut_media_options){0}, 777);
        assert_int_equal(pieces.frames, whole.frames);
        assert_memory_equal(pieces.samples, whole.samples, whole.frames * sizeof(float));
        free(whole.samples);
        free(pieces.samples);
    }
}

static void what_breaks_off_gives_what_it_has_and_says_so(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        size_t size;
        uint8_t *data = load(scratch_path(kinds[i].name), &size);
        gchar *name = g_strdup_printf("cut-%s", kinds[i].name);
        const char *path = scratch_path(name);
        save(path, data, (size * 6 / 10) | 1); /* odd: never a whole number of packets */
        decoded cut = decode(path, (ut_media_options){0}, 8192);
        double got_s = (double)cut.frames / UT_RATE_HZ;
        assert_true(got_s > 0.4 * SECONDS && got_s < 0.75 * SECONDS);
        if (cut.end != (kinds[i].tells_its_end ? UT_E_CORRUPT : UT_OK))
            fail_msg("%s: %s", path, ut_status_name(cut.end));
        if (cut.end != UT_OK)
            assert_non_null(strstr(cut.err.text, path));
        free(cut.samples);
        free(data);
        g_free(name);
    }
}

static void damage_in_the_middle_is_told_at_the_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        size_t size;
        uint8_t *data = load(scratch_path(kinds[i].name), &size);
        for (size_t at = size / 2; at < size * 6 / 10; at += 7)
            data[at] ^= 0x5a;
        const char *path = scratch_path("damaged");
        save(path, data, size);
        decoded d = decode(path, (ut_media_options){0}, 8192);
        bool raw = strcmp(kinds[i].name, "a.wav") == 0; /* any bytes are good PCM */
        if (d.end != (raw ? UT_OK : UT_E_CORRUPT))
            fail_msg("%s: %s", kinds[i].name, ut_status_name(d.end));
        assert_true(d.frames > 0.4 * SECONDS * UT_RATE_HZ); /* at least what comes before it */
        free(d.samples);
        free(data);
    }
}

/* --- choice in a transport stream ----------------------------------------------------------------------------- */

static const char *multi_ts(void)
{
    const char *path = scratch_path("multi.ts");
    if (access(path, R_OK) != 0)
        make_media(
            path,
            "mpegtsmux name=m prog-map=\"program_map,sink_257=1,sink_258=1,sink_513=2,sink_260=1\" " TONE
            " ! audioconvert ! avenc_aac ! taginject tags=\"language-code=en\" ! m.sink_257 " TONE_B
            " ! audioconvert ! avenc_mp2 ! taginject tags=\"language-code=fr\" ! m.sink_258 " TONE_B
            " ! audioconvert ! avenc_ac3 ! m.sink_513 "
            "videotestsrc num-buffers=150 ! video/x-raw,format=I420,width=160,height=120,framerate=25/1 ! x264enc speed-preset=ultrafast ! "
            "h264parse ! m.sink_260 m.",
            400, 2, 700, 1000);
    return path;
}

static void check_choice(ut_media_options options, double tone_hz)
{
    decoded d = decode(multi_ts(), options, 8192);
    assert_int_equal(d.end, UT_OK);
    assert_true(fabs(tone_of(d.samples + 8000, d.frames - 16000) - tone_hz) < 3);
    free(d.samples);
}

static void programme_pid_and_language_choose(void **state)
{
    (void)state;
    check_choice((ut_media_options){0}, 400);
    check_choice((ut_media_options){.program = 1}, 400);
    check_choice((ut_media_options){.program = 2}, 1000);
    check_choice((ut_media_options){.pid = 257}, 400);
    check_choice((ut_media_options){.pid = 258}, 700);
    check_choice((ut_media_options){.pid = 513}, 1000); /* in the other programme */
    check_choice((ut_media_options){.language = "fr"}, 700);
    check_choice((ut_media_options){.language = "fra"}, 700);
    check_choice((ut_media_options){.language = "eng"}, 400);
}

static void a_choice_that_is_not_there_names_what_is(void **state)
{
    (void)state;
    ut_err err = refused(multi_ts(), (ut_media_options){.program = 9});
    assert_int_equal(err.code, UT_E_ARG);
    assert_non_null(strstr(err.text, "no programme 9 (there are: 1, 2)"));
    err = refused(multi_ts(), (ut_media_options){.pid = 99});
    assert_int_equal(err.code, UT_E_ARG);
    assert_non_null(strstr(err.text, "PID 257"));
    err = refused(multi_ts(), (ut_media_options){.language = "de"});
    assert_int_equal(err.code, UT_E_ARG);
    assert_non_null(strstr(err.text, "fr"));
}

static void a_probe_lists_every_programme(void **state)
{
    (void)state;
    static const struct {
        int program, pid;
        const char *language, *codec;
    } expected[] = {{2, 513, "", "AC-3"}, {1, 257, "eng", "AAC"}, {1, 258, "fre", "Layer 2"}};
    ut_probe_options options = {.choice.language = "fr", .seconds = 1, .timeout_s = 10};
    ut_probe_result result;
    ut_err err = {0};
    if (ut_probe(multi_ts(), &options, &result, &err) != UT_OK)
        fail_msg("%s", err.text);
    assert_string_equal(result.container, "video/mpegts");
    assert_int_equal(result.count, COUNT(expected));
    for (size_t i = 0; i < result.count; i++) {
        const ut_probe_stream *s = NULL;
        for (size_t k = 0; k < result.count; k++)
            if (result.streams[k].pid == expected[i].pid)
                s = &result.streams[k];
        assert_non_null(s);
        assert_int_equal(s->program, expected[i].program);
        assert_string_equal(s->language, expected[i].language);
        assert_non_null(strstr(s->codec, expected[i].codec));
        assert_int_equal(s->rate_hz, 48000);
        assert_int_equal(s->channels, 2);
        assert_int_equal(s->chosen, s->pid == 258);
        assert_true(s->measured && fabs(s->rms_dbfs - 20 * log10(0.8 / sqrt(2))) < 1);
    }
    assert_int_equal(ut_probe(scratch_path("nothing.ts"), &options, &result, &err), UT_E_NOTFOUND);
}

/* --- 5.1 ------------------------------------------------------------------------------------------------------------
 */

/* Raw 5.1 at 48 kHz: a tone of 300 Hz in the centre, 900 Hz in left and right. */
static void save_surround(const char *path)
{
    size_t frames = (size_t)SECONDS * 48000;
    float *samples = calloc(frames * 6, sizeof *samples);
    for (size_t i = 0; i < frames; i++) {
        samples[6 * i] = samples[6 * i + 1] = 0.4F * (float)sin(2 * G_PI * 900 * (double)i / 48000);
        samples[6 * i + 2] = 0.5F * (float)sin(2 * G_PI * 300 * (double)i / 48000);
    }
    save(path, (const uint8_t *)samples, frames * 6 * sizeof *samples);
    free(samples);
}

static void the_centre_of_surround_can_be_left_out(void **state)
{
    (void)state;
    static const char *const codecs[] = {"avenc_ac3", "avenc_aac"};
    save_surround(scratch_path("surround.raw"));
    for (size_t i = 0; i < COUNT(codecs); i++) {
        const char *path = scratch_path(i ? "aac51.ts" : "ac351.ts");
        make_media(path,
                   "filesrc location=%s ! rawaudioparse pcm-format=f32le sample-rate=48000 num-channels=6 ! "
                   "capssetter caps=\"audio/x-raw,channel-mask=(bitmask)0x3f\" ! audioconvert ! %s ! mpegtsmux",
                   scratch_path("surround.raw"), codecs[i]);
        ut_media *media;
        ut_media_options options = {.channels = 0};
        assert_int_equal(ut_media_open(path, &options, &media, NULL), UT_OK);
        assert_int_equal(ut_media_describe(media)->channels, 6);
        assert_int_equal(ut_media_describe(media)->rate_hz, 48000);
        ut_media_close(&media);
        decoded d = decode(path, (ut_media_options){.drop_centre = true}, 8192);
        assert_true(fabs(tone_of(d.samples + 8000, d.frames - 16000) - 900) < 3);
        /* How much is left of the centre: correlate with its tone. */
        double re = 0, im = 0, power = 0;
        for (size_t n = 8000; n < 8000 + 64000; n++) {
            re += d.samples[n] * cos(2 * G_PI * 300 * (double)n / UT_RATE_HZ);
            im += d.samples[n] * sin(2 * G_PI * 300 * (double)n / UT_RATE_HZ);
            power += (double)d.samples[n] * d.samples[n];
        }
        assert_true(2 * (re * re + im * im) / 64000 < 1e-4 * power);
        free(d.samples);
    }
}

/* --- what is no media -------------------------------------------------------------------------------------------- */

static void bad_files_are_refused_in_one_line(void **state)
{
    (void)state;
    ut_media_options none = {0};
    assert_int_equal(refused(scratch_path("not-there.wav"), none).code, UT_E_NOTFOUND);
    assert_int_equal(refused(scratch(), none).code, UT_E_ARG);
    save(scratch_path("empty.wav"), (const uint8_t *)"", 0);
    ut_err err = refused(scratch_path("empty.wav"), none);
    assert_int_equal(err.code, UT_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "is empty"));
    uint8_t *noise = calloc(1, 100000);
    save(scratch_path("zeros.mp3"), noise, 100000);
    assert_int_equal(refused(scratch_path("zeros.mp3"), none).code, UT_E_UNSUPPORTED);
    uint32_t seed = 1;
    for (size_t i = 0; i < 100000; i++)
        noise[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
    save(scratch_path("noise.ts"), noise, 100000);
    err = refused(scratch_path("noise.ts"), none);
    assert_true(err.code == UT_E_UNSUPPORTED || err.code == UT_E_CORRUPT);
    free(noise);
    save(scratch_path("text.flac"), (const uint8_t *)"title,artist\n", 13);
    assert_int_equal(refused(scratch_path("text.flac"), none).code, UT_E_UNSUPPORTED);
    make_media(scratch_path("video.ts"),
               "videotestsrc num-buffers=30 ! video/x-raw,format=I420,width=160,height=120,framerate=25/1 ! "
               "x264enc speed-preset=ultrafast ! mpegtsmux");
    err = refused(scratch_path("video.ts"), none);
    assert_int_equal(err.code, UT_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "no audio track"));
    assert_int_equal(refused("gopher://example.org/a", none).code, UT_E_UNSUPPORTED);
    assert_int_equal(refused("http://127.0.0.1:1/a.mp3", none).code, UT_E_IO);
}

static void an_unknown_codec_is_named(void **state)
{
    (void)state;
    size_t size;
    uint8_t *data = load(scratch_path("a.mka"), &size);
    uint8_t *name = memmem(data, size, "A_OPUS", 6);
    assert_non_null(name);
    memcpy(name, "A_NONE", 6);
    save(scratch_path("codec.mka"), data, size);
    ut_err err = refused(scratch_path("codec.mka"), (ut_media_options){0});
    assert_int_equal(err.code, UT_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "no decoder"));
    free(data);
}

static void an_unreadable_file_is_refused(void **state)
{
    (void)state;
    if (geteuid() == 0) {
        print_message("SKIPPED: root may read every file\n");
        skip();
    }
    save(scratch_path("secret.wav"), (const uint8_t *)"RIFF", 4);
    assert_int_equal(chmod(scratch_path("secret.wav"), 0), 0);
    assert_int_equal(refused(scratch_path("secret.wav"), (ut_media_options){0}).code, UT_E_IO);
}

/* Decoders and demuxers of many authors must not write to the user's terminal. */
static void nothing_is_printed(void **state)
{
    (void)state;
    gchar *log = g_strdup(scratch_path("stderr"));
    int old = dup(2), file = open(log, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    dup2(file, 2);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        gchar *name = g_strdup_printf("cut-%s", kinds[i].name);
        decoded d = decode(scratch_path(name), (ut_media_options){0}, 8192);
        free(d.samples);
        size_t size;
        uint8_t *data = load(scratch_path(kinds[i].name), &size);
        for (size_t at = size / 3; at < size / 2; at += 97)
            data[at] ^= 0x5a; /* damage in the middle */
        save(scratch_path("damaged"), data, size);
        ut_media *media;
        ut_media_options options = {.rate_hz = UT_RATE_HZ, .channels = 1};
        if (ut_media_open(scratch_path("damaged"), &options, &media, NULL) == UT_OK) {
            d = read_all(media, 8192);
            free(d.samples);
            ut_media_close(&media);
        }
        free(data);
        g_free(name);
    }
    dup2(old, 2);
    close(old);
    close(file);
    size_t size;
    uint8_t *printed = load(log, &size);
    if (size)
        fail_msg("printed: %.300s", (const char *)printed);
    free(printed);
    g_free(log);
}

static void tags_are_read(void **state)
{
    (void)state;
    const char *path = scratch_path("tags.flac");
    make_media(path,
               TONE " ! taginject tags=\"title=Lake,artist=Ann,album=Water,isrc=DEA123456789,composer=Bob\" ! "
                    "audioconvert ! flacenc",
               440, 1);
    ut_media *media;
    ut_media_options options = {0};
    assert_int_equal(ut_media_open(path, &options, &media, NULL), UT_OK);
    const ut_media_info *info = ut_media_describe(media);
    assert_string_equal(info->title, "Lake");
    assert_string_equal(info->artist, "Ann");
    assert_string_equal(info->album, "Water");
    assert_string_equal(info->isrc, "DEA123456789");
    assert_string_equal(info->composer, "Bob");
    assert_null(info->publisher);
    assert_int_equal(info->rate_hz, 48000);
    assert_int_equal(info->channels, 1);
    assert_true(fabs(info->duration_s - SECONDS) < 0.05);
    ut_media_close(&media);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_decodes_the_same_however_read),
        cmocka_unit_test(what_breaks_off_gives_what_it_has_and_says_so),
        cmocka_unit_test(damage_in_the_middle_is_told_at_the_end),
        cmocka_unit_test(programme_pid_and_language_choose),
        cmocka_unit_test(a_choice_that_is_not_there_names_what_is),
        cmocka_unit_test(a_probe_lists_every_programme),
        cmocka_unit_test(the_centre_of_surround_can_be_left_out),
        cmocka_unit_test(bad_files_are_refused_in_one_line),
        cmocka_unit_test(an_unknown_codec_is_named),
        cmocka_unit_test(an_unreadable_file_is_refused),
        cmocka_unit_test(nothing_is_printed),
        cmocka_unit_test(tags_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
