/* Separator: takes the speech off. A model (weights and graph, immutable, shared by any threads) and
 * separators that run it (a backend's packed weights and scratch memory; one thread each).
 *
 * Backends: "ref" (scalar C, double accumulation: the truth; f32, and bf16 by rounding), "onednn" (f32, and bf16 where
 * the CPU has it), "cuda" (f32, and bf16 where the device has tensor cores for it; its library is loaded at run time,
 * docs/CUDA.md). "auto" takes the fastest that this machine can run: cuda, else onednn, in bf16 where that is the
 * faster (on CPUs: AMX, or AMD's cores with AVX512-BF16). Batch size never changes a result. */
#ifndef UT_SEPARATOR_SEPARATOR_H
#define UT_SEPARATOR_SEPARATOR_H

#include <stdint.h>

#include "core/status.h"

typedef struct ut_model ut_model;
typedef struct ut_separator ut_separator;

typedef struct {
    char name[64];
    char hash[65]; /* SHA-256 of the weights */
    int rate_hz;   /* 16000 */
    size_t block;  /* samples per block; never changed at run time */
    size_t hop;    /* mask domain: samples per frame; wave domain: 1 */
    uint64_t parameters;
    double macs_per_block;
    const char *recipe; /* borrowed from the model */
} ut_model_info;

/* Loads and checks a model file (docs/MODEL_FORMAT.md). UT_E_CORRUPT: hash, graph or shapes do not fit. */
UT_CHECK ut_status ut_model_load(const char *path, ut_model **out, ut_err *err);
void ut_model_close(ut_model **model);
const ut_model_info *ut_model_describe(const ut_model *model);

/* Finds a model by path, by name ("unet" for unet-HASH8.safetensors) or as "default": the name that the folder's file
 * `default` holds, else "unet". Looks in $UT_MODELS, then in the build's and the installation's model folders. Writes a
 * path. UT_E_NOTFOUND; UT_E_ARG if a folder has several versions of the name. */
UT_CHECK ut_status ut_model_find(const char *name, char *path, size_t size, ut_err *err);

typedef enum { UT_PRECISION_AUTO, UT_PRECISION_F32, UT_PRECISION_BF16 } ut_precision;

/* The model must outlive the separator. `backend`: "auto", "ref", "onednn", "cuda". Runs on the calling
 * thread alone; on cuda, the blocks of separators of the same model run together, whichever thread leads. */
UT_CHECK ut_status ut_separator_open(const ut_model *model, const char *backend, ut_precision precision,
                                     size_t max_batch, ut_separator **out, ut_err *err);
void ut_separator_close(ut_separator **separator);
/* "onednn-f32", …: what was chosen; another one after a device was lost. */
const char *ut_separator_backend(const ut_separator *separator);
const ut_model *ut_separator_model(const ut_separator *separator);
size_t ut_separator_max_batch(const ut_separator *separator);
/* Separates `count` blocks (≤ max_batch); mix[i] and music[i] hold `block` samples. Non-finite input is treated as
 * silence, and clipped at ±16. No allocation, but when a device is lost: then the CPU takes over, these blocks
 * included, and the log says so. */
UT_CHECK ut_status ut_separator_run(ut_separator *separator, const float *const *mix, float *const *music, size_t count,
                                    ut_err *err);

/* Whether separators of this backend ("auto" …) would gather the blocks of many threads: then more threads than cores
 * are worth having, since each waits for its own block. */
bool ut_separator_gathers(const char *backend);
/* Describes the CUDA device in one line, or says why there is none: UT_E_NOTFOUND without the library. */
UT_CHECK ut_status ut_separator_device(char *text, size_t size, ut_err *err);

#endif
