/* The device, through the library of cuda/. Separators of the same model share one engine, and their threads' blocks
 * go to it together (batcher.h). */
#include "separator/backend.h"

#include <pthread.h>
#include <stdlib.h>

#include "separator/batcher.h"
#include "separator/cuda_library.h"

/* Most blocks of a batch. */
#define BATCH 64
#define DEADLINE_MS 100

typedef struct engine {
    const ut_graph *graph;
    bool transforms, bf16;
    size_t users;
    utc_model *model;
    ut_batcher *batcher;
    struct engine *next;
} engine;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static engine *engines;

static const utc_op ops[UT_OP_COUNT] = {
    [UT_OP_CONV] = UTC_CONV,
    [UT_OP_DECONV] = UTC_DECONV,
    [UT_OP_AFFINE] = UTC_AFFINE,
    [UT_OP_ACT] = UTC_ACT,
    [UT_OP_CONCAT] = UTC_CONCAT,
    [UT_OP_CONCAT_COLUMNS] = UTC_CONCAT_COLUMNS,
    [UT_OP_SLICE_COLUMNS] = UTC_SLICE_COLUMNS,
    [UT_OP_SLICE_CHANNELS] = UTC_SLICE_CHANNELS,
    [UT_OP_DECIMATE] = UTC_DECIMATE,
    [UT_OP_AVGPOOL] = UTC_AVGPOOL,
    [UT_OP_UPSAMPLE_LINEAR] = UTC_UPSAMPLE_LINEAR,
    [UT_OP_DEPTH_TO_SPACE] = UTC_DEPTH_TO_SPACE,
    [UT_OP_ADD] = UTC_ADD,
    [UT_OP_MUL] = UTC_MUL,
};

static const utc_act acts[] = {
    [UT_ACT_NONE] = UTC_LINEAR,           [UT_ACT_RELU] = UTC_RELU,
    [UT_ACT_SIGMOID] = UTC_SIGMOID,       [UT_ACT_TANH] = UTC_TANH,
    [UT_ACT_LEAKY_RELU] = UTC_LEAKY_RELU,
};

static utc_shape to_shape(ut_shape s)
{
    return (utc_shape){(uint32_t)s.rows, (uint32_t)s.columns, (uint32_t)s.channels};
}

static utc_node to_node(const ut_graph *g, size_t i)
{
    const ut_node *from = &g->nodes[i];
    utc_node to = {.op = ops[from->op],
                   .act = acts[from->act],
                   .alpha = from->alpha,
                   .in_count = (uint32_t)from->in_count,
                   .from = (uint32_t)from->from,
                   .to = (uint32_t)from->to,
                   .w = from->w,
                   .b = from->b,
                   .shape = to_shape(g->values[i + 1].shape)};
    for (size_t k = 0; k < from->in_count; k++)
        to.in[k] = (uint32_t)from->in[k];
    for (size_t axis = 0; axis < 2; axis++) {
        to.stride[axis] = (uint32_t)from->stride[axis];
        to.kernel[axis] = (uint32_t)from->kernel[axis];
    }
    for (size_t k = 0; k < 4; k++)
        to.pad[k] = (uint32_t)from->pad[k];
    return to;
}

static ut_status run_batch(void *arg, const float *const *x, float *const *y, size_t count, ut_err *err)
{
    engine *e = arg;
    const ut_cuda *cuda;
    utc_error problem = {0};
    ut_status rc = ut_cuda_get(&cuda, err);
    if (rc != UT_OK)
        return rc;
    rc = ut_cuda_status(cuda->api->run(e->model, x, y, count, &problem));
    if (rc == UT_E_DEVICE)
        ut_cuda_lose(problem.text);
    return rc == UT_OK ? rc : ut_fail(err, rc, "cuda: %s", problem.text);
}

/* Opens the model for *batch blocks, or for as many of them as fit in the device's memory. */
static ut_status open_model(engine *e, const ut_cuda *cuda, const ut_domain *domain, size_t *batch, ut_err *err)
{
    const ut_graph *g = e->graph;
    utc_error problem = {0};
    int code = UTC_E_MEMORY;
    utc_node *nodes = calloc(g->node_count, sizeof *nodes);
    if (!nodes)
        return ut_fail(err, UT_E_NOMEM, "cuda: %zu nodes", g->node_count);
    for (size_t i = 0; i < g->node_count; i++)
        nodes[i] = to_node(g, i);
    utc_model_options options = {
        .nodes = nodes, .node_count = g->node_count, .input = to_shape(g->values[0].shape), .bf16 = e->bf16};
    if (domain) {
        options.domain = domain->kind == UT_DOMAIN_MASK ? UTC_MASK : UTC_WAVE;
        options.block = domain->block;
        options.fft = domain->fft;
        options.hop = domain->hop;
        options.frames = domain->frames;
    }
    for (; code == UTC_E_MEMORY && *batch > 0; *batch /= 2) {
        options.max_batch = *batch;
        code = cuda->api->model_open(cuda->context, &options, &e->model, &problem);
        if (code == UTC_OK)
            break;
    }
    free(nodes);
    return code == UTC_OK ? UT_OK : ut_fail(err, ut_cuda_status(code), "cuda: %s", problem.text);
}

static void close_engine(engine *e)
{
    const ut_cuda *cuda = NULL;
    ut_batcher_close(&e->batcher);
    if (ut_cuda_get(&cuda, NULL) == UT_OK) /* what a lost device held is gone with it */
        cuda->api->model_close(e->model);
    free(e);
}

static ut_status open_engine(const ut_graph *graph, const ut_domain *domain, bool bf16, size_t max_batch, engine **out,
                             ut_err *err)
{
    const ut_cuda *cuda;
    size_t batch = max_batch > BATCH ? max_batch : BATCH;
    ut_status rc = ut_cuda_get(&cuda, err);
    if (rc != UT_OK)
        return rc;
    engine *e = calloc(1, sizeof *e);
    if (!e)
        return ut_fail(err, UT_E_NOMEM, "cuda");
    *e = (engine){.graph = graph, .transforms = domain, .bf16 = bf16, .next = engines};
    if ((rc = open_model(e, cuda, domain, &batch, err)) != UT_OK ||
        (rc = ut_batcher_open(batch, DEADLINE_MS, run_batch, e, &e->batcher, err)) != UT_OK) {
        close_engine(e);
        return rc;
    }
    *out = engines = e;
    return UT_OK;
}

static ut_status cuda_open(const ut_graph *graph, const ut_domain *domain, ut_precision precision, size_t max_batch,
                           void **self, ut_err *err)
{
    ut_status rc = UT_OK;
    bool bf16 = precision == UT_PRECISION_BF16;
    pthread_mutex_lock(&lock);
    engine *e = engines;
    while (e && (e->graph != graph || e->transforms != (domain != NULL) || e->bf16 != bf16))
        e = e->next;
    if (!e)
        rc = open_engine(graph, domain, bf16, max_batch, &e, err);
    if (rc == UT_OK) {
        e->users++;
        *self = e;
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

static void cuda_close(void *self)
{
    engine *e = self, **link = &engines;
    if (!e)
        return;
    pthread_mutex_lock(&lock);
    if (--e->users == 0) {
        while (*link != e)
            link = &(*link)->next;
        *link = e->next;
        close_engine(e);
    }
    pthread_mutex_unlock(&lock);
}

static ut_status cuda_run(void *self, const float *const *x, float *const *y, size_t count, ut_err *err)
{
    engine *e = self;
    return ut_batcher_run(e->batcher, x, y, count, err);
}

static ut_status cuda_precision(ut_precision *precision, ut_err *err)
{
    const ut_cuda *cuda;
    ut_status rc = ut_cuda_get(&cuda, err);
    if (rc != UT_OK)
        return err ? err->code = UT_E_UNSUPPORTED : UT_E_UNSUPPORTED;
    if (*precision == UT_PRECISION_AUTO)
        *precision = cuda->info.tensor_bf16 ? UT_PRECISION_BF16 : UT_PRECISION_F32;
    return UT_OK;
}

const ut_backend ut_backend_cuda = {.name = "cuda",
                                    .precision = cuda_precision,
                                    .open = cuda_open,
                                    .close = cuda_close,
                                    .transforms = true,
                                    .run = cuda_run};
