/* Whole networks on a CUDA device: compared with ref, then timed. What tools/gpu-verify runs.
 *
 *   verify_cuda [--quick] [MODEL.safetensors…]
 *
 * One JSON object a line on stdout; without a model, Wave-U-Net M1 with random weights. Exit 1 if a comparison fails.
 * --quick: small batches and no timing, for the tests. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/clock.h"
#include "core/fft.h"
#include "fingerprint/landmark.h"
#include "separator/cuda_model.h"
#include "separator/model.h"
#include "separator/stream.h"
#include "tests/unit/model_maker.h"

enum { DISTINCT = 8, TIMED_S = 2 };

typedef struct {
    const ut_cuda *cuda;
    const ut_model *model;
    bool quick;
    int failed;
    float *mix[DISTINCT], *truth;
    int16_t *mix_s16[DISTINCT];
} verify;

/* Tones that come and go under noise: peaks to find, and a spectrum for a mask to work on. */
static void fill_audio(float *out, size_t count, uint32_t seed)
{
    double phase[6] = {0};
    for (size_t i = 0; i < count; i++) {
        double v = 0.05 * (double)maker_uniform(&seed);
        for (size_t k = 0; k < 6; k++) {
            phase[k] += 2 * M_PI * (180 + 311 * (double)k + 25 * (double)((i / 3000 + seed) * (k + 1) % 13)) / 16000;
            v += 0.1 * sin(phase[k]) * (double)((i / (1100 + 377 * k)) % 2);
        }
        out[i] = (float)(lrint(v * 32768)) / 32768; /* 16-bit samples say the same */
    }
}

static void fail(verify *v, const char *what, double value)
{
    fprintf(stderr, "verify_cuda: FAILED: %s: %s: %g\n", ut_model_describe(v->model)->name, what, value);
    v->failed = 1;
}

static double snr_db(const float *truth, const float *got, size_t count)
{
    double signal = 1e-30, noise = 1e-30;
    for (size_t i = 0; i < count; i++) {
        double d = (double)truth[i] - (double)got[i];
        signal += (double)truth[i] * (double)truth[i];
        noise += isfinite(d) ? d * d : 1e30;
    }
    return 10 * log10(signal / noise);
}

static ut_peaks peaks_of(const float *audio, size_t count)
{
    const ut_params *p = ut_params_find("p3");
    const ut_density dense = {.peaks_per_s = p->query.peaks_per_s, .fan_out = p->query.fan_out};
    ut_peak_finder *finder = NULL;
    ut_peaks peaks = {0};
    ut_err err = {0};
    if (ut_peak_finder_open(p, &dense, 0, &finder, &err) != UT_OK ||
        ut_peak_finder_push(finder, audio, count, &peaks, &err) != UT_OK ||
        ut_peak_finder_finish(finder, &peaks, &err) != UT_OK) {
        fprintf(stderr, "verify_cuda: %s\n", err.text);
        exit(1);
    }
    ut_peak_finder_close(&finder);
    return peaks;
}

static int before(ut_peak a, ut_peak b)
{
    return a.frame < b.frame || (a.frame == b.frame && a.bin < b.bin);
}

/* Peaks in both over peaks in either. */
static double peak_jaccard(const float *a, const float *b, size_t count)
{
    ut_peaks x = peaks_of(a, count), y = peaks_of(b, count);
    size_t both = 0, k = 0;
    for (size_t i = 0; i < x.count; i++) {
        while (k < y.count && before(y.items[k], x.items[i]))
            k++;
        both += k < y.count && !before(x.items[i], y.items[k]);
    }
    size_t either = x.count + y.count - both;
    ut_peaks_clear(&x);
    ut_peaks_clear(&y);
    return either ? (double)both / (double)either : 1;
}

static void emit(json_t *line)
{
    json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    putchar('\n');
    fflush(stdout);
    json_decref(line);
}

static utc_model *open_model(verify *v, bool bf16, size_t batch)
{
    utc_model *model = NULL;
    ut_err err = {0};
    size_t got = batch;
    if (ut_cuda_model_open(v->cuda, v->model->graph, &v->model->domain, bf16, &got, &model, &err) != UT_OK ||
        got != batch) {
        fprintf(stderr, "verify_cuda: batch %zu of %s: %s\n", batch, ut_model_describe(v->model)->name,
                err.text[0] ? err.text : "not enough memory");
        if (model)
            v->cuda->api->model_close(model);
        return NULL;
    }
    return model;
}

static int run(verify *v, utc_model *model, bool s16, const void *const *x, float *const *y, size_t count)
{
    utc_error problem = {0};
    int rc = s16 ? v->cuda->api->run_s16(model, (const int16_t *const *)x, y, count, &problem)
                 : v->cuda->api->run(model, (const float *const *)x, y, count, &problem);
    if (rc != UTC_OK) {
        fprintf(stderr, "verify_cuda: %s\n", problem.text);
        v->failed = 1;
    }
    return rc;
}

/* One block against ref, in f32 and bf16: the part that a stream keeps. At its edges a mask's overlap-add divides next
 * to nothing by next to nothing. */
static void compare(verify *v)
{
    size_t block = v->model->domain.block, hop = ut_stream_hop_default(v->model), crop = (block - hop) / 2;
    float *got = ut_alloc_floats(block);
    for (int bf16 = 0; bf16 < 2; bf16++) {
        utc_model *model = open_model(v, bf16, 1);
        const void *x = v->mix[0];
        size_t bytes, tensor, plain;
        for (size_t i = 0; i < block; i++)
            got[i] = NAN;
        if (!model || run(v, model, false, &x, &got, 1) != UTC_OK) {
            v->failed = 1;
            continue;
        }
        v->cuda->api->model_info(model, &bytes, &tensor, &plain);
        v->cuda->api->model_close(model);
        double snr = snr_db(v->truth + crop, got + crop, hop);
        double jaccard = peak_jaccard(v->truth + crop, got + crop, hop);
        emit(json_pack("{s:s, s:s, s:s, s:f, s:f, s:I, s:I}", "what", "agreement", "network",
                       ut_model_describe(v->model)->name, "precision", bf16 ? "bf16" : "f32", "snr_db", snr,
                       "peak_jaccard", jaccard, "tensor_convs", (json_int_t)tensor, "plain_convs", (json_int_t)plain));
        if (!(snr >= (bf16 ? 35 : 80)))
            fail(v, bf16 ? "bf16 SNR, dB" : "f32 SNR, dB", snr);
        if (!bf16 && !(jaccard >= 0.98))
            fail(v, "f32 peaks as of ref", jaccard);
    }
    free(got);
}

static void time_batch(verify *v, utc_model *model, bool s16, const void *const *x, float *const *y, size_t count)
{
    double best = INFINITY, start = ut_monotonic_s(), last = start;
    size_t runs = 0;
    for (; runs < 3 || last - start < TIMED_S; runs++) {
        if (run(v, model, s16, x, y, count) != UTC_OK)
            return;
        double now = ut_monotonic_s();
        best = now - last < best ? now - last : best;
        last = now;
    }
    const ut_model_info *info = ut_model_describe(v->model);
    double mean = (last - start) / (double)runs, audio = (double)(info->block * count) / info->rate_hz;
    double in = (double)info->block * (s16 ? 2 : 4), out = (double)info->block * 4;
    size_t bytes, tensor, plain;
    v->cuda->api->model_info(model, &bytes, &tensor, &plain);
    emit(json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:I}", "what", "speed", "network",
                   info->name, "precision", "bf16", "input", s16 ? "s16" : "f32", "batch", (json_int_t)count, "runs",
                   (json_int_t)runs, "best_ms", best * 1e3, "mean_ms", mean * 1e3, "x_real_time_best", audio / best,
                   "x_real_time_mean", audio / mean, "tflops_mean",
                   2 * info->macs_per_block * (double)count / mean / 1e12, "pcie_bytes_per_audio_s",
                   (in + out) * (double)count / audio, "device_bytes", (json_int_t)bytes));
}

/* Every batch size gives what a block alone gives, in both forms of input; then the time. */
static void check_batch(verify *v, size_t count, float *const *alone)
{
    size_t block = v->model->domain.block;
    utc_model *model = open_model(v, true, count);
    float *results = ut_alloc_floats(count * block), **y = calloc(count, sizeof *y);
    const void **x = calloc(count, sizeof *x);
    if (!model || !results || !y || !x) {
        fprintf(stderr, "verify_cuda: batch %zu skipped\n", count);
        goto done;
    }
    for (int s16 = 0; s16 < 2; s16++) {
        for (size_t i = 0; i < count * block; i++)
            results[i] = NAN;
        for (size_t i = 0; i < count; i++) {
            x[i] = s16 ? (const void *)v->mix_s16[i % DISTINCT] : (const void *)v->mix[i % DISTINCT];
            y[i] = results + i * block;
        }
        if (run(v, model, s16, x, y, count) != UTC_OK)
            break;
        for (size_t i = 0; i < count; i++)
            if (memcmp(y[i], alone[i % DISTINCT], block * sizeof(float)) != 0) {
                fail(v, "a block differs from the same block alone, in batch", (double)count);
                break;
            }
        if (!v->quick)
            time_batch(v, model, s16, x, y, count);
    }
done:
    if (model)
        v->cuda->api->model_close(model);
    free(results);
    free(y);
    free(x);
}

static void check_batches(verify *v)
{
    static const size_t sizes[] = {1, 2, 3, 4, 9, 16, 33, 64, 128, 256};
    size_t block = v->model->domain.block;
    float *alone[DISTINCT], *memory = ut_alloc_floats(DISTINCT * block);
    utc_model *model = open_model(v, true, 1);
    for (size_t i = 0; i < DISTINCT && model; i++) {
        const void *x = v->mix[i];
        alone[i] = memory + i * block;
        if (run(v, model, false, &x, &alone[i], 1) != UTC_OK)
            break;
    }
    if (model)
        v->cuda->api->model_close(model);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && !v->failed && (!v->quick || sizes[i] < 16); i++)
        check_batch(v, sizes[i], alone);
    free(memory);
}

static void reference(verify *v)
{
    ut_separator *separator = NULL;
    ut_err err = {0};
    if (ut_separator_open(v->model, "ref", UT_PRECISION_F32, 1, &separator, &err) != UT_OK ||
        ut_separator_run(separator, (const float *const *)&v->mix[0], &v->truth, 1, &err) != UT_OK) {
        fprintf(stderr, "verify_cuda: %s\n", err.text);
        exit(1);
    }
    ut_separator_close(&separator);
}

static int verify_model(const ut_cuda *cuda, const ut_model *model, bool quick)
{
    verify v = {.cuda = cuda, .model = model, .quick = quick};
    size_t block = model->domain.block;
    v.truth = ut_alloc_floats(block);
    for (size_t i = 0; i < DISTINCT; i++) {
        v.mix[i] = ut_alloc_floats(block);
        v.mix_s16[i] = calloc(block, sizeof *v.mix_s16[i]);
        fill_audio(v.mix[i], block, (uint32_t)i + 1);
        for (size_t k = 0; k < block; k++)
            v.mix_s16[i][k] = (int16_t)lrintf(v.mix[i][k] * 32768);
    }
    reference(&v);
    compare(&v);
    if (!v.failed)
        check_batches(&v);
    for (size_t i = 0; i < DISTINCT; i++) {
        free(v.mix[i]);
        free(v.mix_s16[i]);
    }
    free(v.truth);
    return v.failed;
}

int main(int argc, char **argv)
{
    bool quick = argc > 1 && !strcmp(argv[1], "--quick");
    const ut_cuda *cuda;
    ut_err err = {0};
    int failed = 0, first = quick ? 2 : 1;
    if (ut_cuda_get(&cuda, &err) != UT_OK) {
        fprintf(stderr, "verify_cuda: %s\n", err.text);
        return 1;
    }
    emit(json_pack("{s:s, s:s, s:i, s:i, s:I, s:s}", "what", "device", "name", cuda->info.name, "capability",
                   cuda->info.capability, "driver", cuda->info.driver, "memory", (json_int_t)cuda->info.memory,
                   "library", cuda->api->build));
    for (int i = first; i < argc; i++) {
        ut_model *model = NULL;
        if (ut_model_load(argv[i], &model, &err) != UT_OK) {
            fprintf(stderr, "verify_cuda: %s\n", err.text);
            return 1;
        }
        failed |= verify_model(cuda, model, quick);
        ut_model_close(&model);
    }
    if (first >= argc) {
        ut_model *model = maker_wave_unet(16384, 12, 24, 1);
        failed |= verify_model(cuda, model, quick);
        ut_model_close(&model);
    }
    return failed;
}
