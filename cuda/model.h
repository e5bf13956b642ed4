/* A network on the device: packed weights, and lanes that take turns so that one copies while another computes. */
#ifndef UTC_MODEL_H
#define UTC_MODEL_H

#include "cuda/program.h"
#include "cuda/runtime.h"

struct utc_context {
    int device;
    utc_info info;
};

namespace utc
{

enum { LANES = 2, GRAPHS = 5, SPLIT_FROM = 8 };

struct MmaPhase;

/* A convolution as the tensor cores do it (conv_mma.h); phases, taps and weights on the device. */
struct Mma {
    int tile; /* output channels of a tile / 16 */
    int padded_columns;
    int in_stride[2], out_stride[2];
    int phase_count;
    size_t positions; /* of the largest phase, of one block */
    MmaPhase *phases;
    int *taps;
    bf16 *weights;
};

/* A step's weights. */
struct Packed {
    float *w, *b; /* conv: (taps, in, out); affine: (channels) */
    Mma *mma;     /* the tensor cores' form; NULL: computed by Conv */
};

struct Lane {
    rt_stream *stream;
    size_t capacity; /* blocks */
    char *memory;    /* (values, blocks) */
    void *staging;   /* what came in, (blocks, samples) */
    float *audio, *spectra, *windowed, *out;
    void *pinned_in;
    float *pinned_out;
    rt_graph *graphs[2][GRAPHS]; /* of f32, of s16; made at first use */
    size_t bytes;
};

} // namespace utc

struct utc_model {
    utc_context *context;
    utc_model_options options;
    utc_node *nodes;
    utc::Program program;
    utc::Packed *packed; /* of each step */
    float *window, *twiddles, *inverse;
    utc::Lane lanes[utc::LANES];
    size_t in_count, out_count; /* numbers of one block */
    size_t bytes;
};

namespace utc
{

/* Puts the launches of a whole batch of `count` into the lane's stream: what came in is in `staging` (f32, or s16), the
 * result where lane_result says (forward.cu). */
rt_error enqueue(const utc_model *model, const Lane *lane, size_t count, int s16);
float *lane_result(const utc_model *model, const Lane *lane);

int model_open(utc_context *context, const utc_model_options *options, utc_model **out, utc_error *err);
void model_close(utc_model *model);
int model_run(utc_model *model, const float *const *x, float *const *y, size_t count, utc_error *err);
int model_run_s16(utc_model *model, const int16_t *const *x, float *const *y, size_t count, utc_error *err);

/* Device copies of the weights of each step (weights.cu). */
int weights_open(utc_model *model, utc_error *err);
void weights_close(utc_model *model);
/* Copies to the device, and counts it. */
int upload(utc_model *model, const void *from, size_t bytes, void **out, utc_error *err);
/* Whether all that a convolution reads is bf16: then its weights are too. */
int reads_half(const Program *program, const Step *step);
/* Packs a step for tensor cores where it suits them and the device has them; else *out stays NULL (weights_mma.cu). */
int mma_open(utc_model *model, const Step *step, Mma **out, utc_error *err);
void mma_close(Mma *mma);

int out_of_memory(utc_error *err, const char *what, size_t bytes, rt_error problem);

} // namespace utc

#endif
