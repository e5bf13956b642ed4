#include "separator/separator.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fft.h"
#include "separator/backend.h"
#include "separator/domain.h"
#include "separator/model.h"

/* Fastest first: "auto" takes the first that this machine can run. */
static const ut_backend *const backends[] = {&ut_backend_onednn, &ut_backend_ref};
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
    float *memory; /* block scratch, then x and y of every slot */
    float **x, **y;
    char label[32];
};

static ut_status choose(const char *name, ut_precision *precision, const ut_backend **out, ut_err *err)
{
    bool any = !strcmp(name, "auto");
    if (!strcmp(name, "cuda"))
        return ut_fail(err, UT_E_UNSUPPORTED, "separator: this build has no cuda backend");
    for (size_t i = 0; i < BACKENDS; i++) {
        ut_precision wanted = *precision;
        if (!any && strcmp(backends[i]->name, name) != 0)
            continue;
        ut_status rc = backends[i]->precision(&wanted, i == 0 || !any ? err : NULL); /* the best one's reason */
        if (rc == UT_OK) {
            *precision = wanted;
            *out = backends[i];
        }
        if (rc == UT_OK || !any)
            return rc;
    }
    return any ? UT_E_UNSUPPORTED : ut_fail(err, UT_E_ARG, "separator: no backend \"%.20s\" (auto, ref, onednn)", name);
}

static ut_status open_memory(ut_separator *s, ut_err *err)
{
    size_t tensor = (ut_shape_count(s->model->domain.shape) + 15) / 16 * 16;
    size_t block = (s->model->domain.block + 15) / 16 * 16, total;
    if (!ut_mul_ok(2 * tensor, s->max_batch, &total) || !(s->memory = ut_alloc_floats(total + block)) ||
        !(s->x = calloc(2 * s->max_batch, sizeof *s->x)))
        return ut_fail(err, UT_E_NOMEM, "separator: %zu blocks", s->max_batch);
    s->y = s->x + s->max_batch;
    for (size_t i = 0; i < 2 * s->max_batch; i++)
        s->x[i] = s->memory + block + i * tensor;
    return UT_OK;
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
    if ((rc = choose(backend, &precision, &s->backend, err)) != UT_OK || (rc = open_memory(s, err)) != UT_OK ||
        (rc = ut_transform_open(&model->domain, max_batch, &s->transform, err)) != UT_OK ||
        (rc = s->backend->open(model->graph, precision, max_batch, &s->self, err)) != UT_OK)
        goto fail;
    snprintf(s->label, sizeof s->label, "%s-%s", s->backend->name, precision == UT_PRECISION_BF16 ? "bf16" : "f32");
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

ut_status ut_separator_run(ut_separator *s, const float *const *mix, float *const *music, size_t count, ut_err *err)
{
    size_t block = s->model->domain.block;
    if (count > s->max_batch)
        return ut_fail(err, UT_E_ARG, "separator: %zu blocks, opened for %zu", count, s->max_batch);
    for (size_t i = 0; i < count; i++) {
        sanitise(mix[i], s->memory, block);
        ut_transform_forward(s->transform, i, s->memory, s->x[i]);
    }
    ut_status rc = s->backend->run(s->self, (const float *const *)s->x, s->y, count, err);
    for (size_t i = 0; i < count && rc == UT_OK; i++) {
        ut_transform_inverse(s->transform, i, s->y[i], music[i]);
        sanitise(music[i], music[i], block);
    }
    return rc;
}
