/* libundertone_cuda: networks and fingerprints of whole batches of audio, on a CUDA device. Plain C, loaded at run
 * time: the one symbol it exports, undertone_cuda, gives the table of its functions. Includes nothing of the program.
 *
 * Ownership: what a call reads is borrowed for the call, weights included. Threads: a model belongs to one at a time;
 * models of a context are opened, closed and run side by side. Errors: a UTC_E_ code, and in *err (never NULL) what
 * failed; outputs are written only on success. After UTC_E_DEVICE the context and all that is of it can only be closed.
 */
#ifndef UNDERTONE_CUDA_H
#define UNDERTONE_CUDA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Goes up with every change of what follows. A caller refuses a library of another number. */
#define UTC_ABI 1U
#define UTC_SYMBOL "undertone_cuda"
#define UTC_INPUTS 16

enum {
    UTC_OK = 0,
    UTC_E_ARG = 1,
    UTC_E_MEMORY = 2,
    UTC_E_UNSUPPORTED = 3, /* no device, too old a driver or device, a network that this library cannot run */
    UTC_E_DEVICE = 4,      /* the device failed or is gone */
};

typedef struct {
    int code;
    char text[600]; /* no newline */
} utc_error;

typedef struct utc_context utc_context;
typedef struct utc_model utc_model;

typedef struct {
    char name[256];
    int capability;      /* 90 for sm_90 */
    int driver, toolkit; /* 13000 for 13.0 */
    int multiprocessors;
    size_t memory, memory_free; /* bytes */
    int tensor_bf16;            /* whether it has bf16 tensor cores */
} utc_info;

typedef enum {
    UTC_CONV,
    UTC_DECONV,
    UTC_AFFINE,
    UTC_ACT,
    UTC_CONCAT,
    UTC_CONCAT_COLUMNS,
    UTC_SLICE_COLUMNS,
    UTC_SLICE_CHANNELS,
    UTC_DECIMATE,
    UTC_AVGPOOL,
    UTC_UPSAMPLE_LINEAR,
    UTC_DEPTH_TO_SPACE,
    UTC_ADD,
    UTC_MUL
} utc_op;

typedef enum { UTC_LINEAR, UTC_RELU, UTC_SIGMOID, UTC_TANH, UTC_LEAKY_RELU } utc_act;

typedef struct {
    uint32_t rows, columns, channels; /* channels innermost */
} utc_shape;

/* Value 0 is the input; node i defines value i + 1; the last value is the output. */
typedef struct {
    utc_op op;
    utc_act act;
    float alpha;
    uint32_t in[UTC_INPUTS], in_count;
    uint32_t stride[2], kernel[2]; /* rows, columns; depth_to_space: stride is its block */
    uint32_t pad[4];               /* top, bottom, left, right; deconv: the crop */
    uint32_t from, to;             /* slices */
    const float *w;  /* conv (out, in, rows, columns); deconv (in, out, rows, columns); affine (channels) */
    const float *b;  /* NULL: none */
    utc_shape shape; /* of the value defined */
} utc_node;

/* What a run takes and gives. VALUES: the network's input and output. WAVE: `block` samples, which are both. MASK:
 * `block` samples, whose STFT (periodic Hann, `frames` frames of `fft` every `hop`) the network masks: it reads
 * log1p of the magnitudes without the last bin, and its output multiplies the spectrum. */
typedef enum { UTC_VALUES, UTC_WAVE, UTC_MASK } utc_domain;

typedef struct {
    const utc_node *nodes;
    size_t node_count;
    utc_shape input;
    utc_domain domain;
    size_t block, fft, hop, frames;
    int bf16; /* values between convolutions in bf16, sums in f32; else all f32 */
    size_t max_batch;
} utc_model_options;

/* Peaks and landmarks as fingerprint/ makes them. */
#define UTC_CLIP_SAMPLES ((size_t)1 << 24) /* most of a clip */

typedef struct {
    int fft, hop, low_bin, high_bin;
    int rank_limit; /* a peak is kept if fewer than so many within ±32 frames are more prominent */
    int pair_frames_min, pair_frames_max, pair_bins_max, frames_bits, bins_bits, hash_bits;
    int fan_out;
} utc_fingerprint_options;

typedef struct {
    int32_t frame;
    uint32_t bin;
} utc_peak;

typedef struct {
    uint32_t hash, anchor; /* anchor: index of the first peak */
} utc_landmark;

typedef struct {
    uint32_t abi;
    const char *build; /* "CUDA 13.0: sm_75 …" */

    /* device: 0 … */
    int (*context_open)(int device, utc_context **out, utc_error *err);
    void (*context_close)(utc_context *context); /* accepts NULL, as all close functions */
    void (*context_info)(const utc_context *context, utc_info *out);

    /* Weights are packed and copied. A run of any count up to max_batch then allocates nothing. */
    int (*model_open)(utc_context *context, const utc_model_options *options, utc_model **out, utc_error *err);
    void (*model_close)(utc_model *model);
    /* x[i], y[i]: one block each. Non-finite input counts as silence; audio beyond ±16 is clipped. The result of a
     * block does not depend on the others in the batch. */
    int (*run)(utc_model *model, const float *const *x, float *const *y, size_t count, utc_error *err);
    /* The same from 16-bit samples (WAVE and MASK). */
    int (*run_s16)(utc_model *model, const int16_t *const *x, float *const *y, size_t count, utc_error *err);
    /* Bytes of device memory the model holds, and convolutions that run on tensor cores, and that do not. */
    void (*model_info)(const utc_model *model, size_t *bytes, size_t *tensor_convs, size_t *plain_convs);

    /* Peaks and landmarks of a whole clip, `samples` long. *peaks and *landmarks are malloc'd: release() frees them.
     * spectra: NULL, or (frames, fft/2 + 1) complex spectra, used instead of those of the audio: from the same spectra
     * the result is the CPU's exactly; the device's own differ from them in the last bit. */
    int (*fingerprint)(utc_context *context, const utc_fingerprint_options *options, const float *audio, size_t samples,
                       const float *spectra, utc_peak **peaks, size_t *peak_count, utc_landmark **landmarks,
                       size_t *landmark_count, utc_error *err);
    void (*release)(void *memory);
} utc_api;

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const utc_api *
undertone_cuda(void);

#ifdef __cplusplus
}
#endif

#endif
