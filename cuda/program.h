/* A network as it runs here: which values are stored, in which type, where in memory, and the steps that define them.
 *
 * Concatenation, decimation and upsampling whose readers are convolutions are not steps: the convolution reads through
 * them (source.h). Types, with bf16: the input stays f32, and so does what is only moved or summed from it;
 * convolutions and affines define bf16, and convolutions multiply in the type of what they read; the output is f32. */
#ifndef UTC_PROGRAM_H
#define UTC_PROGRAM_H

#include "cuda/source.h"
#include "cuda/undertone_cuda.h"

namespace utc
{

struct Value {
    utc_shape shape;
    int half;
    int stored;
    size_t bytes, offset; /* of one block; offset into the memory of one block */
    int first, last;      /* steps between which it lives */
};

/* A convolution's input: leaf values, as Source has them. */
struct View {
    int count;
    uint32_t value[SOURCES], step[SOURCES][2];
    int up[SOURCES];
};

struct Step {
    const utc_node *node;
    uint32_t out; /* value */
    View view;    /* convolutions only */
};

struct Program {
    Value *values;
    size_t value_count;
    Step *steps;
    size_t step_count;
    size_t bytes; /* memory of one block */
};

/* The options' nodes must outlive the program. */
int program_open(const utc_model_options *options, Program *out, utc_error *err);
void program_close(Program *program);

inline int is_conv(const utc_node *node)
{
    return node->op == UTC_CONV || node->op == UTC_DECONV;
}

inline size_t count_of(utc_shape s)
{
    return (size_t)s.rows * s.columns * s.channels;
}

int fail(utc_error *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

} // namespace utc

#endif
