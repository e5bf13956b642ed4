#include "cuda/program.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

namespace utc
{

enum { ALIGN = 256 };

int fail(utc_error *err, int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    return err->code = code;
}

static int add_leaf(View *view, uint32_t value, const uint32_t *step, int up)
{
    if (view->count == SOURCES)
        return 0;
    view->value[view->count] = value;
    view->step[view->count][0] = step[0];
    view->step[view->count][1] = step[1];
    view->up[view->count++] = up;
    return 1;
}

/* Appends what `value`, decimated by `step`, is made of; 0 if that are too many. */
static int look_through(const utc_node *nodes, uint32_t value, const uint32_t *step, View *view)
{
    const utc_node *node = value ? &nodes[value - 1] : NULL;
    int whole = step[0] == 1 && step[1] == 1;
    if (node && node->op == UTC_CONCAT && whole) {
        for (uint32_t i = 0; i < node->in_count; i++)
            if (!look_through(nodes, node->in[i], step, view))
                return 0;
        return 1;
    }
    if (node && node->op == UTC_DECIMATE) {
        uint32_t both[2] = {step[0] * node->stride[0], step[1] * node->stride[1]};
        return look_through(nodes, node->in[0], both, view);
    }
    if (node && node->op == UTC_UPSAMPLE_LINEAR && whole)
        return add_leaf(view, node->in[0], step, 1);
    return add_leaf(view, value, step, 0);
}

static int all_half(const Program *p, const utc_node *node)
{
    int half = 1;
    for (uint32_t i = 0; i < node->in_count; i++)
        half = half && p->values[node->in[i]].half;
    return half;
}

static int take_values(const utc_model_options *o, Program *p, utc_error *err)
{
    p->values[0].shape = o->input;
    for (size_t i = 0; i < o->node_count; i++) {
        const utc_node *node = &o->nodes[i];
        Value *v = &p->values[i + 1];
        if (node->in_count == 0 || node->in_count > UTC_INPUTS || (unsigned)node->op > UTC_MUL)
            return fail(err, UTC_E_ARG, "node %zu: op %d with %u inputs", i, (int)node->op, node->in_count);
        for (uint32_t k = 0; k < node->in_count; k++)
            if (node->in[k] > i)
                return fail(err, UTC_E_ARG, "node %zu: input %u is not defined", i, node->in[k]);
        if (count_of(node->shape) == 0 || count_of(node->shape) > (size_t)1 << 28)
            return fail(err, UTC_E_UNSUPPORTED, "node %zu: %ux%ux%u numbers", i, node->shape.rows, node->shape.columns,
                        node->shape.channels);
        if ((is_conv(node) || node->op == UTC_AFFINE) && !node->w)
            return fail(err, UTC_E_ARG, "node %zu: no weights", i);
        v->shape = node->shape;
        if (i + 1 < o->node_count && o->bf16)
            v->half = is_conv(node) || node->op == UTC_AFFINE || all_half(p, node);
    }
    return UTC_OK;
}

/* From the last node back: what is needed is stored, and has a step. Steps come out in reverse. */
static void take_steps(const utc_model_options *o, Program *p)
{
    const uint32_t whole[2] = {1, 1};
    p->values[o->node_count].stored = 1;
    p->values[0].stored = 1;
    for (size_t i = o->node_count; i-- > 0;) {
        const utc_node *node = &o->nodes[i];
        if (!p->values[i + 1].stored)
            continue;
        Step *step = &p->steps[p->step_count++];
        step->node = node;
        step->out = (uint32_t)i + 1;
        if (is_conv(node)) {
            if (!look_through(o->nodes, node->in[0], whole, &step->view)) {
                step->view.count = 0;
                add_leaf(&step->view, node->in[0], whole, 0);
            }
            for (int k = 0; k < step->view.count; k++)
                p->values[step->view.value[k]].stored = 1;
        } else {
            for (uint32_t k = 0; k < node->in_count; k++)
                p->values[node->in[k]].stored = 1;
        }
    }
    for (size_t a = 0, b = p->step_count; a + 1 < b--; a++) {
        Step swap = p->steps[a];
        p->steps[a] = p->steps[b];
        p->steps[b] = swap;
    }
}

static void take_lives(Program *p)
{
    for (size_t i = 0; i < p->step_count; i++) {
        const Step *s = &p->steps[i];
        p->values[s->out].first = p->values[s->out].last = (int)i;
        if (is_conv(s->node))
            for (int k = 0; k < s->view.count; k++)
                p->values[s->view.value[k]].last = (int)i;
        else
            for (uint32_t k = 0; k < s->node->in_count; k++)
                p->values[s->node->in[k]].last = (int)i;
    }
    p->values[p->value_count - 1].last = (int)p->step_count; /* read out after the last step */
}

/* The end of a placed value that stands in the way of `v` at its offset; 0 if none does. */
static size_t obstacle(const Program *p, size_t placed, const Value *v, size_t offset)
{
    for (size_t i = 0; i < placed; i++) {
        const Value *o = &p->values[i];
        if (o->stored && o->first <= v->last && v->first <= o->last && o->offset < offset + v->bytes &&
            offset < o->offset + o->bytes)
            return o->offset + o->bytes;
    }
    return 0;
}

/* Values whose lives do not meet share memory: the lowest place that is free. */
static void take_memory(Program *p)
{
    for (size_t i = 0; i < p->value_count; i++) {
        Value *v = &p->values[i];
        if (!v->stored)
            continue;
        v->bytes = (count_of(v->shape) * (v->half ? 2 : 4) + ALIGN - 1) / ALIGN * ALIGN;
        size_t best = SIZE_MAX;
        for (size_t k = 0; k <= i; k++) {
            size_t offset = k < i ? p->values[k].offset + p->values[k].bytes : 0;
            if ((k == i || p->values[k].stored) && offset < best && !obstacle(p, i, v, offset))
                best = offset;
        }
        v->offset = best;
        if (p->bytes < best + v->bytes)
            p->bytes = best + v->bytes;
    }
}

int program_open(const utc_model_options *options, Program *out, utc_error *err)
{
    Program p = {};
    p.value_count = options->node_count + 1;
    p.values = (Value *)calloc(p.value_count, sizeof *p.values);
    p.steps = (Step *)calloc(options->node_count, sizeof *p.steps);
    int rc = p.values && p.steps ? take_values(options, &p, err) : fail(err, UTC_E_MEMORY, "program");
    if (rc != UTC_OK) {
        program_close(&p);
        return rc;
    }
    take_steps(options, &p);
    take_lives(&p);
    take_memory(&p);
    *out = p;
    return UTC_OK;
}

void program_close(Program *program)
{
    free(program->values);
    free(program->steps);
    *program = Program();
}

} // namespace utc
