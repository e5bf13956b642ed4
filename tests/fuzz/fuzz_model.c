/* Model files: header, tensors, domain, graph; what loads is also run, in both backends. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "core/fft.h"
#include "separator/backend.h"
#include "separator/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes the hash that the data section has, so that mutations get past the check. */
static void mend_hash(char *bytes, size_t size)
{
    static const char key[] = "\"sha256\":\"";
    uint64_t header = 0;
    char hash[65];
    if (size < 8)
        return;
    memcpy(&header, bytes, 8);
    if (header > size - 8)
        return;
    char *at = memmem(bytes + 8, header, key, sizeof key - 1);
    if (!at || (size_t)(at - bytes) + sizeof key - 1 + 64 > 8 + header)
        return;
    ut_sha256(bytes + 8 + header, size - 8 - header, hash);
    memcpy(at + sizeof key - 1, hash, 64);
}

static void run(const ut_model *model, const ut_backend *backend)
{
    void *self = NULL;
    float *x = ut_alloc_floats(ut_shape_count(model->domain.shape)),
          *y = ut_alloc_floats(ut_shape_count(model->domain.shape));
    if (x && y && backend->open(model->graph, NULL, UT_PRECISION_F32, 1, &self, NULL) == UT_OK) {
        x[0] = 1;
        if (backend->run(self, (const float *const *)&x, &y, 1, NULL) != UT_OK)
            abort();
        backend->close(self);
    }
    free(x);
    free(y);
}

/* Numbers in all values: what running it would touch. */
static size_t volume(const ut_graph *graph)
{
    size_t sum = 0;
    for (size_t v = 0; v <= graph->node_count; v++)
        sum += ut_shape_count(graph->values[v].shape);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ut_model *model = NULL;
    char *bytes = malloc(size + 1);
    if (!bytes)
        return 0;
    if (size)
        memcpy(bytes, data, size);
    mend_hash(bytes, size);
    if (ut_model_parse(bytes, size, &model, NULL) == UT_OK && volume(model->graph) < 100000 &&
        model->graph->macs < 1e6) {
        run(model, &ut_backend_ref);
        run(model, &ut_backend_onednn);
    }
    ut_model_close(&model);
    free(bytes);
    return 0;
}
