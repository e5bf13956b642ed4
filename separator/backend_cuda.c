/* The device, through the library of cuda/. Separators of the same model share one engine, and their threads' blocks
 * go to it together (batcher.h). */
#include "separator/backend.h"

#include <pthread.h>
#include <stdlib.h>

#include "separator/batcher.h"
#include "separator/cuda_model.h"

/* Most blocks of a batch. */
#define BATCH 64
#define DEADLINE_MS 100

typedef struct engine {
    const ut_cuda *cuda;
    const ut_graph *graph;
    bool transforms, bf16;
    size_t users;
    utc_model *model;
    ut_batcher *batcher;
    struct engine *next;
} engine;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static engine *engines;

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

static void close_engine(engine *e)
{
    ut_batcher_close(&e->batcher);
    e->cuda->api->model_close(e->model); /* of a lost device: what it kept on this side */
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
    *e = (engine){.cuda = cuda, .graph = graph, .transforms = domain, .bf16 = bf16, .next = engines};
    if ((rc = ut_cuda_model_open(cuda, graph, domain, bf16, &batch, &e->model, err)) != UT_OK ||
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
