/* The stream: aligned to the sample, the same however audio arrives and wherever a run begins. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/fft.h"
#include "separator/stream.h"
#include "tests/unit/model_maker.h"

#define TOTAL 5000

/* What a stream emitted, by sample index from `base` on. */
typedef struct {
    int64_t base, next;
    float mix[TOTAL], music[TOTAL];
    ut_status answer;
} sink;

static ut_status collect(void *arg, int64_t first, const float *mix, const float *music, size_t frames)
{
    sink *s = arg;
    assert_int_equal(first, s->next);
    assert_true(frames > 0 && first - s->base + (int64_t)frames <= TOTAL);
    memcpy(s->mix + (first - s->base), mix, frames * sizeof *mix);
    memcpy(s->music + (first - s->base), music, frames * sizeof *music);
    s->next += (int64_t)frames;
    return s->answer;
}

static void fill(float *out, size_t count)
{
    uint32_t state = 17;
    for (size_t i = 0; i < count; i++)
        out[i] = 0.5F * maker_uniform(&state);
}

/* Pushes `count` samples of `audio` in sizes from `seed` (0: at once). */
static void stream(ut_separator *separator, int64_t first, const float *audio, size_t count, uint32_t seed, sink *out)
{
    ut_stream *s = NULL;
    ut_err err = {0};
    memset(out, 0, sizeof *out);
    out->base = out->next = first;
    assert_int_equal(ut_stream_open(separator, 0, first, collect, out, &s, &err), UT_OK);
    for (size_t done = 0, n; done < count; done += n) {
        n = seed ? (size_t)(300 * (1 + (double)maker_uniform(&seed))) : count;
        n = n < count - done ? n : count - done;
        assert_int_equal(ut_stream_push(s, audio + done, n, &err), UT_OK);
    }
    assert_int_equal(ut_stream_finish(s, &err), UT_OK);
    assert_int_equal(out->next, first + (int64_t)count);
    assert_int_equal(ut_stream_push(s, audio, 1, &err), UT_E_ARG);
    ut_stream_close(&s);
}

/* A network that copies its input: what comes out must be what went in, in place. */
static ut_model *copying_model(const char *domain)
{
    maker *m = maker_open(MAKER_INTEGERS, 1);
    *maker_tensor(m, "w", 1, 1, 1, 1) = 1;
    maker_node(m, "{\"op\":\"conv\",\"in\":\"x\",\"out\":\"y\",\"w\":\"w\"}");
    return maker_model(&m, domain);
}

/* A mask of one everywhere: a weight of 0 and a bias of 1. */
static ut_model *passing_model(void)
{
    maker *m = maker_open(MAKER_INTEGERS, 1);
    *maker_tensor(m, "w", 1, 1, 1, 1) = 0;
    *maker_tensor(m, "b", 1, 0, 0, 0) = 1;
    maker_node(m, "{\"op\":\"conv\",\"in\":\"x\",\"out\":\"y\",\"w\":\"w\",\"b\":\"b\"}");
    return maker_model(&m, "{\"kind\":\"mask\",\"fft\":64,\"hop\":16,\"frames\":29,\"input\":\"log1p\"}");
}

static ut_separator *open_separator(const ut_model *model, const char *backend, size_t batch)
{
    ut_separator *separator = NULL;
    ut_err err = {0};
    assert_int_equal(ut_separator_open(model, backend, UT_PRECISION_F32, batch, &separator, &err), UT_OK);
    return separator;
}

static void test_aligned(void **state)
{
    (void)state;
    static float audio[TOTAL];
    static sink out;
    fill(audio, TOTAL);
    ut_model *model = copying_model("{\"kind\":\"wave\",\"block\":512}");
    ut_separator *separator = open_separator(model, "ref", 2);
    for (size_t count = 0; count <= TOTAL; count += 1000 - count / 10) {
        stream(separator, -1024, audio, count, 5, &out);
        assert_memory_equal(out.mix, audio, count * sizeof *audio);
        assert_memory_equal(out.music, audio, count * sizeof *audio);
    }
    ut_separator_close(&separator);
    ut_model_close(&model);
}

/* A sinusoid low enough that the dropped last bin does not matter comes back from the mask domain. */
static void test_mask_aligned(void **state)
{
    (void)state;
    static float audio[TOTAL];
    static sink out;
    for (size_t i = 0; i < TOTAL; i++)
        audio[i] = (float)sin(0.3 * (double)i);
    ut_model *model = passing_model();
    ut_separator *separator = open_separator(model, "onednn", 2);
    stream(separator, 0, audio, TOTAL, 9, &out);
    for (size_t i = 64; i < TOTAL - 64; i++)
        assert_true(fabs((double)out.music[i] - (double)audio[i]) < 1e-3);
    ut_separator_close(&separator);
    ut_model_close(&model);
}

static void check_same(const ut_model *model, const char *backend)
{
    static float audio[TOTAL];
    static sink whole, pieces, later;
    fill(audio, TOTAL);
    ut_separator *many = open_separator(model, backend, 4), *one = open_separator(model, backend, 1);
    stream(many, 0, audio, TOTAL, 0, &whole);
    for (uint32_t seed = 1; seed < 4; seed++) {
        stream(seed % 2 ? one : many, 0, audio, TOTAL, seed, &pieces);
        assert_memory_equal(whole.music, pieces.music, sizeof whole.music);
        assert_memory_equal(whole.mix, pieces.mix, sizeof whole.mix);
    }

    ut_stream *s = NULL;
    assert_int_equal(ut_stream_open(one, 0, 0, collect, &pieces, &s, NULL), UT_OK);
    size_t context = ut_stream_context(s), start = 3 * ut_stream_hop_default(model);
    assert_true(context > 0 && context % ut_stream_hop_default(model) == 0);
    ut_stream_close(&s);
    stream(one, (int64_t)start, audio + start, TOTAL - start, 8, &later);
    assert_memory_equal(later.music + context, whole.music + start + context,
                        (TOTAL - start - context) * sizeof *audio);
    ut_separator_close(&many);
    ut_separator_close(&one);
}

static void test_same_however_pushed(void **state)
{
    (void)state;
    ut_model *wave = maker_wave_unet(512, 4, 6, 3), *mask = passing_model();
    check_same(wave, "ref");
    check_same(wave, "onednn");
    check_same(mask, "onednn");
    ut_model_close(&wave);
    ut_model_close(&mask);
}

static void test_bad_audio(void **state)
{
    (void)state;
    static float audio[TOTAL];
    static sink dirty, clean;
    ut_model *model = maker_wave_unet(512, 4, 6, 3);
    ut_separator *separator = open_separator(model, "onednn", 1);
    fill(audio, TOTAL);
    audio[1000] = audio[2000] = audio[2001] = 0;
    stream(separator, 0, audio, TOTAL, 0, &clean);
    audio[1000] = NAN;
    audio[2000] = INFINITY;
    audio[2001] = -INFINITY;
    stream(separator, 0, audio, TOTAL, 0, &dirty);
    assert_memory_equal(dirty.music, clean.music, sizeof clean.music);
    assert_memory_equal(dirty.mix, clean.mix, sizeof clean.mix);

    for (size_t i = 0; i < TOTAL; i++)
        audio[i] = i < 1000 ? 0 : i < 2000 ? 1 : i < 3000 ? -1e30F : i % 2 ? 1e30F : -1e30F;
    stream(separator, 0, audio, TOTAL, 0, &dirty);
    for (size_t i = 0; i < TOTAL; i++)
        assert_true(isfinite(dirty.music[i]));
    ut_separator_close(&separator);
    ut_model_close(&model);
}

enum { BAD_KINDS = 4, HOP_COUNT = 40, KEPT = 16384 };

typedef struct {
    int64_t next;
    size_t not_finite, not_silent; /* samples of music; of silence's music */
    float last[KEPT];              /* the last samples */
} count_sink;

static ut_status count_only(void *arg, int64_t first, const float *mix, const float *music, size_t frames)
{
    count_sink *s = arg;
    (void)mix;
    assert_int_equal(first, s->next);
    for (size_t i = 0; i < frames; i++) {
        s->not_finite += !isfinite(music[i]);
        s->not_silent += music[i] != 0;
        s->last[(size_t)(first + (int64_t)i) % KEPT] = music[i];
    }
    s->next += (int64_t)frames;
    return UT_OK;
}

/* Silence, DC, full-scale square waves, NaN: HOP_COUNT hops of it (UT_BAD_HOPS: others), then good audio, whose music
 * is that of the same audio alone, bit for bit, once the bad is out of the context. Every sample comes out, and is
 * finite. */
static void check_bad(const ut_model *model, int kind)
{
    const char *given = getenv("UT_BAD_HOPS");
    ut_separator *separator = open_separator(model, "onednn", 4);
    size_t hop = ut_stream_hop_default(model), good = 4 * ut_model_describe(model)->block;
    int64_t bad = (given ? atoi(given) : HOP_COUNT) * (int64_t)hop;
    static count_sink spoilt, fresh;
    float *audio = ut_alloc_floats(good), *noise = ut_alloc_floats(hop);
    ut_stream *streams[2] = {NULL};
    fill(audio, good);
    for (size_t i = 0; i < hop; i++)
        noise[i] = kind == 0 ? 0 : kind == 1 ? -0.9F : kind == 2 ? (i / 40 % 2 ? 1.0F : -1.0F) : NAN;
    spoilt = (count_sink){.next = 0};
    fresh = (count_sink){.next = bad};
    assert_int_equal(ut_stream_open(separator, 0, 0, count_only, &spoilt, &streams[0], NULL), UT_OK);
    assert_int_equal(ut_stream_open(separator, 0, bad, count_only, &fresh, &streams[1], NULL), UT_OK);
    for (int64_t done = 0; done < bad; done += (int64_t)hop)
        assert_int_equal(ut_stream_push(streams[0], noise, hop, NULL), UT_OK);
    if (kind == 0 || kind == 3)
        assert_int_equal(spoilt.not_silent, 0);
    size_t context = ut_stream_context(streams[0]);
    for (size_t k = 0; k < 2; k++) {
        assert_int_equal(ut_stream_push(streams[k], audio, good, NULL), UT_OK);
        assert_int_equal(ut_stream_finish(streams[k], NULL), UT_OK);
        ut_stream_close(&streams[k]);
    }
    assert_int_equal(spoilt.next, bad + (int64_t)good);
    assert_int_equal(fresh.next, bad + (int64_t)good);
    assert_int_equal(spoilt.not_finite + fresh.not_finite, 0);
    assert_true(good - context > 0 && good <= KEPT);
    for (int64_t i = bad + (int64_t)context; i < bad + (int64_t)good; i++) {
        size_t at = (size_t)i % KEPT;
        assert_memory_equal(&spoilt.last[at], &fresh.last[at], sizeof(float));
    }
    free(audio);
    free(noise);
    ut_separator_close(&separator);
}

static void test_bad_audio_harms_nothing(void **state)
{
    (void)state;
    ut_model *wave = copying_model("{\"kind\":\"wave\",\"block\":512}"), *mask = passing_model();
    for (int kind = 0; kind < BAD_KINDS; kind++) {
        check_bad(wave, kind);
        check_bad(mask, kind);
    }
    ut_model_close(&wave);
    ut_model_close(&mask);
}

static void test_stop_and_errors(void **state)
{
    (void)state;
    static float audio[TOTAL];
    static sink out;
    ut_err err = {0};
    ut_stream *s = NULL;
    ut_model *model = passing_model();
    ut_separator *separator = open_separator(model, "ref", 1);
    assert_int_equal(ut_stream_open(separator, 100, 0, collect, &out, &s, &err), UT_E_ARG); /* not a multiple of 16 */
    assert_int_equal(ut_stream_open(separator, 1 << 20, 0, collect, &out, &s, &err), UT_E_ARG); /* beyond the block */
    assert_int_equal(ut_stream_open(separator, 0, 1, collect, &out, &s, &err), UT_E_ARG);       /* off the grid */
    assert_null(s);
    memset(&out, 0, sizeof out);
    out.answer = UT_E_STOPPED;
    assert_int_equal(ut_stream_open(separator, 0, 0, collect, &out, &s, &err), UT_OK);
    assert_int_equal(ut_stream_push(s, audio, TOTAL, &err), UT_E_STOPPED);
    ut_stream_close(&s);
    ut_stream_close(&s);
    ut_separator_close(&separator);
    ut_model_close(&model);
}

static void test_hop_default(void **state)
{
    (void)state;
    ut_model *wave = copying_model("{\"kind\":\"wave\",\"block\":16384}");
    ut_model *mask = copying_model("{\"kind\":\"mask\",\"fft\":1024,\"hop\":256,\"frames\":256,\"input\":\"log1p\"}");
    ut_model *odd = copying_model("{\"kind\":\"mask\",\"fft\":1024,\"hop\":373,\"frames\":512,\"input\":\"log1p\"}");
    assert_int_equal(ut_stream_hop_default(wave), 8192);
    assert_int_equal(ut_stream_hop_default(mask), 32768);
    assert_int_equal(ut_stream_hop_default(odd), 256 * 373);
    ut_model_close(&wave);
    ut_model_close(&mask);
    ut_model_close(&odd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aligned),
        cmocka_unit_test(test_mask_aligned),
        cmocka_unit_test(test_same_however_pushed),
        cmocka_unit_test(test_bad_audio),
        cmocka_unit_test(test_bad_audio_harms_nothing),
        cmocka_unit_test(test_stop_and_errors),
        cmocka_unit_test(test_hop_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
