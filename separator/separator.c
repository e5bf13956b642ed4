#include "separator/separator.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fft.h"
#include "core/log.h"
#include "separator/backend.h"
#include "separator/cuda_library.h"
#include "separator/domain.h"
#include "separator/model.h"

/* Fastest first: "auto" takes the first that this machine can run. */
static const ut_backend *const backends[] = {&ut_backend_cuda, &ut_backend_onednn, &ut_backend_ref};
#define BACKENDS (sizeof backends / sizeof *backends)

/* Full scale is 1. What is louder than this is a broken decoder, and would overflow inside a network. */
#define SAMPLE_LIMIT 16.0F
#define BATCH_LIMIT 4096

struct ut_separator {
    const ut_model *model;
    const ut_backend *backend;
    void *self;
    ut_transform *transform;
    size_t max_batch;
    ut_precision precision; /* what was asked for */
    float *memory;          /* block scratch, then x and y of every slot */
    float **x, **y;
    char label[32];
};

/* Says once why a device that seems to be there is not used. A machine without the library is nothing to talk about. */
static void explain_cuda(const ut_err *err)
{
    static atomic_flag said = ATOMIC_FLAG_INIT;
    const ut_cuda *cuda;
    char quoted[512];
    if (ut_cuda_get(&cuda, NULL) != UT_E_NOTFOUND && !atomic_flag_test_and_set(&said))
        ut_log(UT_LOG_WARN, "separator", "cuda-unusable", "action=\"the CPU is used\" error=%s",
               ut_log_quote(quoted, sizeof quoted, err->text));
}

static ut_status choose(const char *name, ut_precision *precision, const ut_backend **out, ut_err *err)
{
    bool any = !strcmp(name, "auto");
    ut_status rc = UT_E_ARG;
    for (size_t i = 0; i < BACKENDS; i++) {
        ut_precision wanted = *precision;
        ut_err problem = {0};
        if (!any && strcmp(backends[i]->name, name) != 0)
            continue;
        rc = backends[i]->precision(&wanted, &problem);
        if (rc == UT_OK) {
            *precision = wanted;
            *out = backends[i];
            return UT_OK;
        }
        if (!any || i == 1) /* of all, the best CPU backend's reason */
            (void)ut_fail(err, rc, "%s", problem.text);
        if (any && i == 0)
            explain_cuda(&problem);
        if (!any)
            return rc;
    }
    return any ? rc : ut_fail(err, UT_E_ARG, "separator: no backend \"%.20s\" (auto, ref, onednn, cuda)", name);
}

static ut_status open_memory(ut_separator *s, ut_err *err)
{
    size_t tensor = (ut_shape_count(s->model->domain.shape) + 15) / 16 * 16;
    size_t block = (s->model->domain.block + 15) / 16 * 16, total;
    tensor = tensor < block ? block : tensor; /* either may pass through */
    if (!ut_mul_ok(2 * tensor, s->max_batch, &total) || !(s->memory = ut_alloc_floats(total + block)) ||
        !(s->x = calloc(2 * s->max_batch, sizeof *s->x)))
        return ut_fail(err, UT_E_NOMEM, "separator: %zu blocks", s->max_batch);
    s->y = s->x + s->max_batch;
    for (size_t i = 0; i < 2 * s->max_batch; i++)
        s->x[i] = s->memory + block + i * tensor;
    return UT_OK;
}

static ut_status open_backend(ut_separator *s, ut_precision precision, ut_err *err)
{
    snprintf(s->label, sizeof s->label, "%s-%s", s->backend->name, precision == UT_PRECISION_BF16 ? "bf16" : "f32");
    return s->backend->open(s->model->graph, &s->model->domain, precision, s->max_batch, &s->self, err);
}

/* The CPU's best from here on. bf16 was the device's, and may be slow or absent here. */
static ut_status fall_back(ut_separator *s, ut_err *err)
{
    ut_precision precision = s->precision == UT_PRECISION_F32 ? UT_PRECISION_F32 : UT_PRECISION_AUTO;
    s->backend->close(s->self);
    s->self = NULL;
    ut_status rc = choose("onednn", &precision, &s->backend, err);
    return rc == UT_OK ? open_backend(s, precision, err) : rc;
}

/* A device without the memory, or a network that it cannot run, is no reason to stop where any backend will do. */
static ut_status open_chosen(ut_separator *s, bool any, ut_precision precision, ut_err *err)
{
    ut_err problem = {0};
    ut_status rc = open_backend(s, precision, &problem);
    if (rc != UT_OK && any && s->backend == &ut_backend_cuda) {
        explain_cuda(&problem);
        return fall_back(s, err);
    }
    return rc == UT_OK ? rc : ut_fail(err, rc, "%s", problem.text);
}

ut_status ut_separator_open(const ut_model *model, const char *backend, ut_precision precision, size_t max_batch,
                            ut_separator **out, ut_err *err)
{
    ut_status rc;
    ut_separator *s = NULL;
    if (max_batch == 0 || max_batch > BATCH_LIMIT)
        return ut_fail(err, UT_E_ARG, "separator: a batch of %zu (1 to %d)", max_batch, BATCH_LIMIT);
    if (!(s = calloc(1, sizeof *s)))
        return ut_fail(err, UT_E_NOMEM, "separator");
    s->model = model;
    s->max_batch = max_batch;
    s->precision = precision;
    if ((rc = choose(backend, &precision, &s->backend, err)) != UT_OK || (rc = open_memory(s, err)) != UT_OK ||
        (rc = ut_transform_open(&model->domain, max_batch, &s->transform, err)) != UT_OK ||
        (rc = open_chosen(s, !strcmp(backend, "auto"), precision, err)) != UT_OK)
        goto fail;
    *out = s;
    return UT_OK;
fail:
    ut_separator_close(&s);
    return rc;
}

void ut_separator_close(ut_separator **separator)
{
    ut_separator *s = *separator;
    if (!s)
        return;
    if (s->backend)
        s->backend->close(s->self);
    ut_transform_close(&s->transform);
    free(s->memory);
    free(s->x);
    free(s);
    *separator = NULL;
}

const char *ut_separator_backend(const ut_separator *separator)
{
    return separator->label;
}

const ut_model *ut_separator_model(const ut_separator *separator)
{
    return separator->model;
}

size_t ut_separator_max_batch(const ut_separator *separator)
{
    return separator->max_batch;
}

/* Non-finite becomes silence, and what would overflow is clipped. */
static void sanitise(const float *in, float *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float v = isfinite(in[i]) ? in[i] : 0;
        out[i] = v > SAMPLE_LIMIT ? SAMPLE_LIMIT : v < -SAMPLE_LIMIT ? -SAMPLE_LIMIT : v;
    }
}

static ut_status run_blocks(ut_separator *s, const float *const *mix, float *const *music, size_t count, ut_err *err)
{
    size_t block = s->model->domain.block;
    bool outside = s->backend->transforms; /* the backend transforms */
    for (size_t i = 0; i < count; i++) {
        sanitise(mix[i], outside ? s->x[i] : s->memory, block);
        if (!outside)
            ut_transform_forward(s->transform, i, s->memory, s->x[i]);
    }
    ut_status rc = s->backend->run(s->self, (const float *const *)s->x, s->y, count, err);
    for (size_t i = 0; i < count && rc == UT_OK; i++) {
        if (!outside)
            ut_transform_inverse(s->transform, i, s->y[i], music[i]);
        sanitise(outside ? s->y[i] : music[i], music[i], block);
    }
    return rc;
}

ut_status ut_separator_run(ut_separator *s, const float *const *mix, float *const *music, size_t count, ut_err *err)
{
    if (count > s->max_batch)
        return ut_fail(err, UT_E_ARG, "separator: %zu blocks, opened for %zu", count, s->max_batch);
    ut_status rc = run_blocks(s, mix, music, count, err);
    if (rc == UT_E_DEVICE && s->backend == &ut_backend_cuda && (rc = fall_back(s, err)) == UT_OK)
        rc = run_blocks(s, mix, music, count, err);
    return rc;
}

bool ut_separator_gathers(const char *backend)
{
    const ut_cuda *cuda;
    return (!strcmp(backend, "cuda") || !strcmp(backend, "auto")) && ut_cuda_get(&cuda, NULL) == UT_OK;
}

ut_status ut_separator_device(char *text, size_t size, ut_err *err)
{
    const ut_cuda *cuda;
    ut_status rc = ut_cuda_get(&cuda, err);
    if (rc == UT_OK)
        snprintf(text, size, "%s (sm_%d), %.1f GiB, driver %d.%d; %s, %s", cuda->info.name, cuda->info.capability,
                 (double)cuda->info.memory / 1073741824, cuda->info.driver / 1000, cuda->info.driver % 1000 / 10,
                 cuda->path, cuda->api->build);
    return rc;
}
