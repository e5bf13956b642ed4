#include "separator/domain.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/fft.h"

#define BLOCK_LIMIT ((size_t)1 << 22)

static size_t number(const json_t *domain, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(domain, key));
    return n > 0 && n <= (json_int_t)BLOCK_LIMIT ? (size_t)n : 0;
}

static ut_status parse_mask(const json_t *json, ut_domain *d, ut_err *err)
{
    const char *input = json_string_value(json_object_get(json, "input"));
    *d = (ut_domain){.kind = UT_DOMAIN_MASK,
                     .fft = number(json, "fft"),
                     .hop = number(json, "hop"),
                     .frames = number(json, "frames")};
    if (!input || strcmp(input, "log1p") != 0)
        return ut_fail(err, UT_E_CORRUPT, "domain: input is not log1p");
    if (d->fft < 16 || d->fft > 65536 || (d->fft & (d->fft - 1)) != 0)
        return ut_fail(err, UT_E_CORRUPT, "domain: fft is no power of two from 16 to 65536");
    if (d->hop == 0 || d->hop > d->fft)
        return ut_fail(err, UT_E_CORRUPT, "domain: hop is not from 1 to fft");
    if (d->frames == 0 || d->frames > BLOCK_LIMIT / d->hop || (d->frames - 1) * d->hop + d->fft > BLOCK_LIMIT)
        return ut_fail(err, UT_E_CORRUPT, "domain: bad number of frames");
    d->block = (d->frames - 1) * d->hop + d->fft;
    d->shape = (ut_shape){d->frames, d->fft / 2, 1};
    return UT_OK;
}

ut_status ut_domain_parse(const char *text, ut_domain *out, ut_err *err)
{
    ut_status rc = UT_OK;
    ut_domain d;
    json_error_t problem;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &problem);
    const char *kind = json_string_value(json_object_get(json, "kind"));
    if (!json) {
        rc = ut_fail(err, UT_E_CORRUPT, "domain: %s", problem.text);
    } else if (kind && !strcmp(kind, "wave")) {
        d = (ut_domain){.kind = UT_DOMAIN_WAVE, .block = number(json, "block"), .hop = 1};
        d.shape = (ut_shape){1, d.block, 1};
        if (d.block < 2)
            rc = ut_fail(err, UT_E_CORRUPT, "domain: block is not from 2 to %zu", BLOCK_LIMIT);
    } else if (kind && !strcmp(kind, "mask")) {
        rc = parse_mask(json, &d, err);
    } else {
        rc = ut_fail(err, UT_E_CORRUPT, "domain: unknown kind \"%.20s\"", kind ? kind : "(missing)");
    }
    json_decref(json);
    if (rc == UT_OK)
        *out = d;
    return rc;
}

struct ut_transform {
    ut_domain domain;
    ut_fft *fft;
    float *window;  /* (fft) */
    float *inverse; /* (block): 1 / (fft × sum of squared windows), 0 where no window reaches */
    float *frame;   /* (fft) */
    float *half;    /* (fft/2 + 1) complex */
    float *spectra; /* (slots, frames, fft/2) complex; the last bin is dropped */
};

static void fill_inverse(ut_transform *t)
{
    const ut_domain *d = &t->domain;
    for (size_t f = 0; f < d->frames; f++)
        for (size_t i = 0; i < d->fft; i++)
            t->inverse[f * d->hop + i] += t->window[i] * t->window[i];
    for (size_t i = 0; i < d->block; i++)
        t->inverse[i] = t->inverse[i] > 1e-8F ? 1 / (t->inverse[i] * (float)d->fft) : 0;
}

ut_status ut_transform_open(const ut_domain *domain, size_t slots, ut_transform **out, ut_err *err)
{
    ut_status rc;
    size_t spectra;
    ut_transform *t = calloc(1, sizeof *t);
    if (!t)
        return ut_fail(err, UT_E_NOMEM, "transform");
    t->domain = *domain;
    if (domain->kind == UT_DOMAIN_MASK) {
        if ((rc = ut_fft_open(domain->fft, &t->fft, err)) != UT_OK)
            goto fail;
        if (!ut_mul_ok(domain->frames * domain->fft, slots, &spectra) || !(t->spectra = ut_alloc_floats(spectra)) ||
            !(t->window = ut_alloc_floats(domain->fft)) || !(t->inverse = ut_alloc_floats(domain->block)) ||
            !(t->frame = ut_alloc_floats(domain->fft)) || !(t->half = ut_alloc_floats(domain->fft + 2))) {
            rc = ut_fail(err, UT_E_NOMEM, "transform: %zu blocks of %zu frames", slots, domain->frames);
            goto fail;
        }
        ut_window_hann(t->window, domain->fft);
        fill_inverse(t);
    }
    *out = t;
    return UT_OK;
fail:
    ut_transform_close(&t);
    return rc;
}

void ut_transform_close(ut_transform **transform)
{
    ut_transform *t = *transform;
    if (!t)
        return;
    ut_fft_close(&t->fft);
    free(t->window);
    free(t->inverse);
    free(t->frame);
    free(t->half);
    free(t->spectra);
    free(t);
    *transform = NULL;
}

/* log1p of a finite m ≥ 0 to 1e-6, in a form that compilers vectorise: libm's is a tenth of the whole separation.
 * log(y) by Cephes' polynomial around 1, plus what 1 + m lost. */
static inline float log1p_of(float m)
{
    static const float c[] = {7.0376836292e-2F,  -1.1514610310e-1F, 1.1676998740e-1F,
                              -1.2420140846e-1F, 1.4249322787e-1F,  -1.6668057665e-1F,
                              2.0000714765e-1F,  -2.4999993993e-1F, 3.3333331174e-1F};
    float y = 1 + m, mantissa, p = 0;
    uint32_t bits;
    memcpy(&bits, &y, sizeof bits);
    bits -= 0x3F3504F3; /* sqrt(1/2): the mantissa falls between that and its double */
    float exponent = (float)((int32_t)bits >> 23);
    bits = (bits & 0x7FFFFF) + 0x3F3504F3;
    memcpy(&mantissa, &bits, sizeof mantissa);
    float f = mantissa - 1, square = f * f;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++)
        p = p * f + c[i];
    return f - 0.5F * square + p * f * square + exponent * 0.69314718F + (m - (y - 1)) / y;
}

void ut_transform_forward(ut_transform *t, size_t slot, const float *mix, float *x)
{
    const ut_domain *d = &t->domain;
    if (d->kind == UT_DOMAIN_WAVE) {
        memcpy(x, mix, d->block * sizeof *x);
        return;
    }
    float *spectrum = t->spectra + slot * d->frames * d->fft;
    for (size_t f = 0; f < d->frames; f++, spectrum += d->fft, x += d->fft / 2) {
        for (size_t i = 0; i < d->fft; i++)
            t->frame[i] = mix[f * d->hop + i] * t->window[i];
        ut_fft_forward(t->fft, t->frame, t->half);
        memcpy(spectrum, t->half, d->fft * sizeof *spectrum);
        for (size_t k = 0; k < d->fft / 2; k++)
            x[k] = log1p_of(sqrtf(spectrum[2 * k] * spectrum[2 * k] + spectrum[2 * k + 1] * spectrum[2 * k + 1]));
    }
}

void ut_transform_inverse(ut_transform *t, size_t slot, const float *y, float *music)
{
    const ut_domain *d = &t->domain;
    if (d->kind == UT_DOMAIN_WAVE) {
        memcpy(music, y, d->block * sizeof *music);
        return;
    }
    const float *spectrum = t->spectra + slot * d->frames * d->fft;
    memset(music, 0, d->block * sizeof *music);
    for (size_t f = 0; f < d->frames; f++, spectrum += d->fft, y += d->fft / 2) {
        for (size_t k = 0; k < d->fft / 2; k++) {
            t->half[2 * k] = spectrum[2 * k] * y[k];
            t->half[2 * k + 1] = spectrum[2 * k + 1] * y[k];
        }
        t->half[d->fft] = t->half[d->fft + 1] = 0;
        ut_fft_inverse(t->fft, t->half, t->frame);
        for (size_t i = 0; i < d->fft; i++)
            music[f * d->hop + i] += t->frame[i] * t->window[i];
    }
    for (size_t i = 0; i < d->block; i++)
        music[i] *= t->inverse[i];
}
