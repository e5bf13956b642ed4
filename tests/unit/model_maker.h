/* Makes model files in memory, for tests and benchmarks: tensors with seeded fills, a graph, a domain. */
#ifndef UT_TESTS_MODEL_MAKER_H
#define UT_TESTS_MODEL_MAKER_H

#include <stdint.h>

#include "separator/model.h"

typedef struct maker maker;

/* Numbers in tensors: small integers make every sum exact; else uniform, scaled so that a network keeps its level. */
typedef enum { MAKER_INTEGERS, MAKER_RANDOM } maker_fill;

maker *maker_open(maker_fill fill, uint32_t seed);
/* A tensor of up to four dimensions; zeros end them. Gives its numbers, to be changed at will. */
float *maker_tensor(maker *m, const char *name, size_t a, size_t b, size_t c, size_t d);
void maker_node(maker *m, const char *fmt, ...) UT_PRINTF(2, 3);
/* A conv node with its weights: name.w, name.b. `more` is further JSON, such as ",\"act\":\"relu\"", or "". */
void maker_conv(maker *m, const char *op, const char *out, const char *in, size_t cin, size_t cout, size_t kr,
                size_t kc, const char *more);
/* Replaces a metadata value; NULL removes it. After maker_bytes this has no effect. */
void maker_set(maker *m, const char *key, const char *value);
/* The file. Closes *m. malloc'd. */
char *maker_bytes(maker **m, const char *domain, bool bf16, size_t *size);
/* The file, loaded. Closes *m. Fails the test if it does not load. */
ut_model *maker_model(maker **m, const char *domain);

/* Wave-U-Net M1's shape: levels 12 and width 24 are the published network. */
ut_model *maker_wave_unet(size_t block, size_t levels, size_t width, uint32_t seed);

/* Deterministic uniform numbers in [-1, 1). */
float maker_uniform(uint32_t *state);

#endif
