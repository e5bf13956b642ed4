/* How a block of samples becomes the graph's input and its output becomes music (docs/MODEL_FORMAT.md, "Domain"). */
#ifndef UT_SEPARATOR_DOMAIN_H
#define UT_SEPARATOR_DOMAIN_H

#include "separator/graph.h"

typedef enum { UT_DOMAIN_WAVE, UT_DOMAIN_MASK } ut_domain_kind;

typedef struct {
    ut_domain_kind kind;
    size_t block;            /* samples */
    size_t fft, hop, frames; /* mask only; wave: hop 1 */
    ut_shape shape;          /* of x and of y */
} ut_domain;

/* UT_E_CORRUPT names the field. */
UT_CHECK ut_status ut_domain_parse(const char *json, ut_domain *out, ut_err *err);

/* Windows, FFT plan and the spectra of up to `slots` blocks. One thread. */
typedef struct ut_transform ut_transform;
UT_CHECK ut_status ut_transform_open(const ut_domain *domain, size_t slots, ut_transform **out, ut_err *err);
void ut_transform_close(ut_transform **transform);
/* mix: block samples, finite. Writes x and remembers the spectrum in `slot`. */
void ut_transform_forward(ut_transform *transform, size_t slot, const float *mix, float *x);
/* y of the same slot's block becomes `block` samples of music. */
void ut_transform_inverse(ut_transform *transform, size_t slot, const float *y, float *music);

#endif
