#include "separator/onednn_program.h"

#include <stdlib.h>
#include <string.h>

#include "separator/move.h"
#include "separator/plan.h"

/* A graph being turned into a program. */
typedef struct {
    ut_program *p;
    const ut_dnn *dnn;
    size_t *slot_of; /* of each value */
    ut_err *err;
} builder;

static size_t add_slot(ut_program *p, ut_shape shape, bool bf16)
{
    p->slots[p->slot_count] = (ut_slot){.shape = shape, .bf16 = bf16, .first = p->step_count};
    return p->slot_count++;
}

/* Adds a step that reads `in` and defines slot `out`. */
static ut_step *add_step(ut_program *p, ut_step_kind kind, const ut_node *node, const size_t *in, size_t in_count,
                         size_t out)
{
    ut_step *step = &p->steps[p->step_count];
    *step = (ut_step){.kind = kind, .node = node, .in_count = in_count, .out = out};
    p->slots[out].first = p->slots[out].last = p->step_count;
    for (size_t i = 0; i < in_count; i++) {
        step->in[i] = in[i];
        p->slots[in[i]].last = p->step_count;
    }
    p->step_count++;
    return step;
}

static size_t cast_to(ut_program *p, size_t slot, bool bf16)
{
    if (p->slots[slot].bf16 == bf16)
        return slot;
    size_t out = add_slot(p, p->slots[slot].shape, bf16);
    add_step(p, UT_STEP_CAST, NULL, &slot, 1, out);
    return out;
}

/* A convolution that computes in its input's type and defines a slot of type bf16_out (cast if need be). */
static ut_status add_conv(builder *b, ut_conv_spec spec, size_t in, bool bf16_out, size_t *out)
{
    ut_program *p = b->p;
    spec.bf16 = p->slots[in].bf16;
    spec.bf16_out = spec.bf16 && bf16_out;
    ut_step *step = add_step(p, UT_STEP_CONV, NULL, &in, 1, add_slot(p, spec.out, spec.bf16_out));
    ut_status rc = ut_conv_open(b->dnn, &spec, &step->conv, b->err);
    if (rc != UT_OK)
        return rc;
    if (ut_conv_wants_halo(&spec))
        for (size_t side = 0; side < 2; side++)
            if (p->slots[in].halo[side] < spec.pad[2 + side])
                p->slots[in].halo[side] = spec.pad[2 + side];
    p->slow_convs += !strncmp(ut_conv_kernel(step->conv), "ref", 3);
    if (p->scratch_bytes < ut_conv_scratch(step->conv))
        p->scratch_bytes = ut_conv_scratch(step->conv);
    *out = cast_to(p, step->out, bf16_out);
    return UT_OK;
}

static ut_status add_deconv(builder *b, const ut_node *node, size_t in, ut_shape to, const char *name, bool bf16_out,
                            size_t *out)
{
    size_t phases;
    ut_deconv *d = calloc(1, sizeof *d);
    if (!d)
        return ut_fail(b->err, UT_E_NOMEM, "onednn: \"%s\"", name);
    ut_status rc = ut_deconv_open(node, b->p->slots[in].shape, to, d, b->err);
    if (rc == UT_OK) {
        d->conv.name = name;
        rc = add_conv(b, d->conv, in, bf16_out, &phases);
    }
    if (rc != UT_OK) {
        ut_deconv_close(d);
        free(d);
        return rc;
    }
    *out = add_slot(b->p, to, bf16_out);
    add_step(b->p, UT_STEP_INTERLEAVE, node, &phases, 1, *out)->deconv = d;
    return UT_OK;
}

/* Nodes that only move, sum or average keep f32 where an input is f32. */
static void add_plain(builder *b, const ut_node *node, ut_shape to, bool bf16_out, size_t *out)
{
    ut_program *p = b->p;
    size_t in[UT_NODE_INPUTS];
    bool bf16 = true;
    for (size_t i = 0; i < node->in_count; i++) {
        in[i] = b->slot_of[node->in[i]];
        bf16 = bf16 && p->slots[in[i]].bf16;
    }
    for (size_t i = 0; i < node->in_count; i++)
        in[i] = cast_to(p, in[i], bf16);
    bool direct = !ut_move_can(node->op) && (node->op == UT_OP_AFFINE || !bf16_out);
    *out = add_slot(p, to, direct ? bf16_out : bf16);
    add_step(p, UT_STEP_NODE, node, in, node->in_count, *out);
}

static ut_status add_node(builder *b, size_t i)
{
    ut_program *p = b->p;
    const ut_graph *g = p->graph;
    const ut_node *node = &g->nodes[i];
    const char *name = g->values[i + 1].name;
    ut_shape to = g->values[i + 1].shape;
    size_t in = b->slot_of[node->in[0]], *out = &b->slot_of[i + 1];
    bool last = i + 1 == g->node_count, bf16_out = p->bf16 && !last;
    ut_status rc = UT_OK;
    if (node->op == UT_OP_CONV)
        rc = add_conv(b,
                      (ut_conv_spec){.name = name,
                                     .in = p->slots[in].shape,
                                     .out = to,
                                     .kernel = {node->kernel[0], node->kernel[1]},
                                     .stride = {node->stride[0], node->stride[1]},
                                     .pad = {node->pad[0], node->pad[1], node->pad[2], node->pad[3]},
                                     .act = node->act,
                                     .alpha = node->alpha,
                                     .weights = node->w,
                                     .bias = node->b},
                      in, bf16_out, out);
    else if (node->op == UT_OP_DECONV)
        rc = add_deconv(b, node, in, to, name, bf16_out, out);
    else
        add_plain(b, node, to, bf16_out, out);
    if (rc == UT_OK && last)
        *out = cast_to(p, *out, false);
    return rc;
}

static ut_status assign_memory(ut_program *p, ut_err *err)
{
    ut_span *spans = calloc(p->slot_count, sizeof *spans);
    if (!spans)
        return ut_fail(err, UT_E_NOMEM, "onednn: plan");
    for (size_t i = 0; i < p->slot_count; i++) {
        const ut_slot *s = &p->slots[i];
        size_t columns = ut_shape_count(s->shape) / s->shape.channels + s->halo[0] + s->halo[1];
        spans[i] =
            (ut_span){.bytes = columns * s->shape.channels * ut_slot_element(s), .first = s->first, .last = s->last};
    }
    ut_status rc = ut_plan_assign(spans, p->slot_count, UT_BLOCK_MEMORY, &p->arena_bytes, err);
    for (size_t i = 0; i < p->slot_count && rc == UT_OK; i++)
        p->slots[i].offset =
            spans[i].offset + p->slots[i].halo[0] * p->slots[i].shape.channels * ut_slot_element(&p->slots[i]);
    free(spans);
    return rc;
}

ut_status ut_program_open(const ut_graph *graph, bool bf16, const ut_dnn *dnn, ut_program *program, ut_err *err)
{
    /* A node is at most two steps and, for each input and for its output, a cast. */
    size_t most = 1 + graph->node_count * (UT_NODE_INPUTS + 3);
    ut_status rc = UT_OK;
    ut_program p = {.graph = graph, .bf16 = bf16};
    builder b = {.p = &p, .dnn = dnn, .err = err};
    if (!(p.slots = calloc(most, sizeof *p.slots)) || !(p.steps = calloc(most, sizeof *p.steps)) ||
        !(b.slot_of = calloc(graph->node_count + 1, sizeof *b.slot_of)))
        rc = ut_fail(err, UT_E_NOMEM, "onednn: %zu nodes", graph->node_count);
    if (rc == UT_OK)
        add_slot(&p, graph->values[0].shape, false);
    for (size_t i = 0; i < graph->node_count && rc == UT_OK; i++)
        rc = add_node(&b, i);
    if (rc == UT_OK) {
        p.y = b.slot_of[graph->node_count];
        p.slots[p.y].last = p.step_count;
        rc = assign_memory(&p, err);
    }
    free(b.slot_of);
    if (rc != UT_OK)
        ut_program_close(&p);
    else
        *program = p;
    return rc;
}

void ut_program_close(ut_program *p)
{
    for (size_t i = 0; i < p->step_count; i++) {
        ut_conv_close(&p->steps[i].conv);
        if (p->steps[i].deconv)
            ut_deconv_close(p->steps[i].deconv);
        free(p->steps[i].deconv);
    }
    free(p->steps);
    free(p->slots);
    *p = (ut_program){0};
}
