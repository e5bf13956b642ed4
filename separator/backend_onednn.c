/* oneDNN on the calling thread: one block at a time, so that the batch size cannot change a result. */
#include "separator/backend.h"

#include <stdlib.h>
#include <string.h>

#include "core/fft.h"
#include "core/log.h"
#include "separator/move.h"
#include "separator/onednn_ops.h"
#include "separator/onednn_program.h"

/* libgomp, which oneDNN is built on. Its thread count belongs to the calling thread. (omp.h is not on every
 * compiler's path.) */
int omp_get_max_threads(void);
void omp_set_num_threads(int count);

typedef struct {
    ut_dnn dnn;
    ut_program program;
    char *arena, *scratch;
} onednn;

static ut_numbers view(const onednn *s, size_t slot)
{
    const ut_slot *at = &s->program.slots[slot];
    return (ut_numbers){s->arena + at->offset, at->bf16};
}

/* Memory is shared over time, so the zero columns are written each time. */
static void clear_halo(const onednn *s, size_t slot)
{
    const ut_slot *at = &s->program.slots[slot];
    size_t column = at->shape.channels * ut_slot_element(at);
    char *data = view(s, slot).data;
    memset(data - at->halo[0] * column, 0, at->halo[0] * column);
    memset(data + at->shape.columns * column, 0, at->halo[1] * column);
}

static void run_plain(const onednn *s, const ut_step *step)
{
    const ut_program *p = &s->program;
    const ut_node *node = step->node;
    const ut_slot *out = &p->slots[step->out];
    ut_shape from = p->slots[step->in[0]].shape;
    ut_numbers to = view(s, step->out), first = view(s, step->in[0]);
    const void *in[UT_NODE_INPUTS];
    for (size_t i = 0; i < step->in_count; i++)
        in[i] = view(s, step->in[i]).data;
    if (ut_move_can(node->op))
        ut_move(p->graph, node, in, to.data, ut_slot_element(out));
    else if (node->op == UT_OP_AVGPOOL)
        ut_ops_average(node, first, from, to, out->shape);
    else if (node->op == UT_OP_UPSAMPLE_LINEAR)
        ut_ops_upsample(first, from, to);
    else
        ut_ops_elementwise(node, first, view(s, step->in[step->in_count - 1]), to, out->shape);
}

static ut_status run_step(const onednn *s, const ut_step *step, ut_err *err)
{
    ut_status rc = UT_OK;
    const ut_slot *out = &s->program.slots[step->out];
    ut_numbers from = view(s, step->in[0]), to = view(s, step->out);
    switch (step->kind) {
    case UT_STEP_CONV:
        rc = ut_conv_run(step->conv, &s->dnn, from.data, to.data, s->scratch, err);
        break;
    case UT_STEP_CAST:
        ut_ops_cast(from, to, ut_shape_count(out->shape));
        break;
    case UT_STEP_INTERLEAVE:
        ut_deconv_interleave(step->deconv, from.data, to.data, out->shape, ut_slot_element(out));
        break;
    default:
        run_plain(s, step);
    }
    if (out->halo[0] || out->halo[1])
        clear_halo(s, step->out);
    return rc;
}

static ut_status run_block(const onednn *s, const float *x, float *y, ut_err *err)
{
    const ut_program *p = &s->program;
    ut_status rc = UT_OK;
    memcpy(view(s, 0).data, x, ut_shape_count(p->slots[0].shape) * sizeof *x);
    clear_halo(s, 0);
    for (size_t i = 0; i < p->step_count && rc == UT_OK; i++)
        rc = run_step(s, &p->steps[i], err);
    if (rc == UT_OK)
        memcpy(y, view(s, p->y).data, ut_shape_count(p->slots[p->y].shape) * sizeof *y);
    return rc;
}

static ut_status onednn_run(void *self, const float *const *x, float *const *y, size_t count, ut_err *err)
{
    ut_status rc = UT_OK;
    int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    for (size_t i = 0; i < count && rc == UT_OK; i++)
        rc = run_block(self, x[i], y[i], err);
    omp_set_num_threads(threads);
    return rc;
}

static void onednn_close(void *self)
{
    onednn *s = self;
    if (!s)
        return;
    ut_program_close(&s->program);
    ut_dnn_close(&s->dnn);
    free(s->arena);
    free(s->scratch);
    free(s);
}

static ut_status onednn_open(const ut_graph *graph, const ut_domain *domain, ut_precision precision, size_t max_batch,
                             void **self, ut_err *err)
{
    ut_status rc;
    int threads = omp_get_max_threads();
    onednn *s = calloc(1, sizeof *s);
    (void)domain;
    (void)max_batch;
    if (!s)
        return ut_fail(err, UT_E_NOMEM, "onednn");
    omp_set_num_threads(1); /* kernels are chosen for the number of threads */
    if ((rc = ut_dnn_open(&s->dnn, err)) != UT_OK ||
        (rc = ut_program_open(graph, precision == UT_PRECISION_BF16, &s->dnn, &s->program, err)) != UT_OK)
        goto fail;
    s->arena = (char *)ut_alloc_floats(s->program.arena_bytes / sizeof(float) + 1);
    s->scratch = (char *)ut_alloc_floats(s->program.scratch_bytes / sizeof(float) + 1);
    if (!s->arena || !s->scratch) {
        rc = ut_fail(err, UT_E_NOMEM, "onednn: %zu bytes", s->program.arena_bytes);
        goto fail;
    }
    if (s->program.slow_convs)
        ut_log(UT_LOG_WARN, "separator", "slow-model", "convolutions=%zu reason=\"no fast kernel on this CPU\"",
               s->program.slow_convs);
    omp_set_num_threads(threads);
    *self = s;
    return UT_OK;
fail:
    omp_set_num_threads(threads);
    onednn_close(s);
    return rc;
}

/* Without AMX, bf16 doubles the speed of AMD's cores and slows Intel's. */
static bool bf16_is_faster(dnnl_cpu_isa_t isa)
{
#if defined(__x86_64__)
    return isa == dnnl_cpu_isa_avx512_core_amx || __builtin_cpu_is("amd");
#else
    return isa == dnnl_cpu_isa_avx512_core_amx;
#endif
}

static ut_status onednn_precision(ut_precision *precision, ut_err *err)
{
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    bool bf16 = isa == dnnl_cpu_isa_avx512_core_amx || isa == dnnl_cpu_isa_avx512_core_bf16;
    if (*precision == UT_PRECISION_BF16 && !bf16)
        return ut_fail(err, UT_E_UNSUPPORTED, "backend onednn: this CPU has no bf16 instructions");
    if (*precision == UT_PRECISION_AUTO)
        *precision = bf16 && bf16_is_faster(isa) ? UT_PRECISION_BF16 : UT_PRECISION_F32;
    return UT_OK;
}

const ut_backend ut_backend_onednn = {
    .name = "onednn", .precision = onednn_precision, .open = onednn_open, .close = onednn_close, .run = onednn_run};
