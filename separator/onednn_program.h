/* The graph as the onednn backend runs it: steps over slots of one arena. Types are settled here. In bf16, `x` and what
 * is only moved or summed from it stays f32; convolutions and affines compute in their input's type and define bf16;
 * `y` is f32. */
#ifndef UT_SEPARATOR_ONEDNN_PROGRAM_H
#define UT_SEPARATOR_ONEDNN_PROGRAM_H

#include "separator/backend.h"
#include "separator/onednn_deconv.h"

typedef struct {
    ut_shape shape;
    bool bf16;
    size_t halo[2];     /* zero columns before and after, for convolutions along one row */
    size_t first, last; /* steps */
    size_t offset;      /* bytes into the arena, of the first column proper */
} ut_slot;

typedef enum { UT_STEP_NODE, UT_STEP_CONV, UT_STEP_CAST, UT_STEP_INTERLEAVE } ut_step_kind;

typedef struct {
    ut_step_kind kind;
    const ut_node *node;
    size_t in[UT_NODE_INPUTS], in_count; /* slots */
    size_t out;
    ut_conv *conv;
    ut_deconv *deconv;
} ut_step;

typedef struct {
    const ut_graph *graph;
    bool bf16;
    ut_slot *slots; /* slot 0 is x */
    size_t slot_count;
    ut_step *steps;
    size_t step_count;
    size_t y; /* slot */
    size_t arena_bytes, scratch_bytes;
    size_t slow_convs; /* for which oneDNN has scalar code only: a hundred times slower */
} ut_program;

UT_CHECK ut_status ut_program_open(const ut_graph *graph, bool bf16, const ut_dnn *dnn, ut_program *program,
                                   ut_err *err);
void ut_program_close(ut_program *program);

static inline size_t ut_slot_element(const ut_slot *slot)
{
    return slot->bf16 ? 2 : 4;
}

#endif
