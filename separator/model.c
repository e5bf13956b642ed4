#include "separator/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/types.h"

#define FILE_LIMIT ((size_t)1 << 30)

/* A required metadata value. */
static ut_status text_of(const ut_tensors *tensors, const char *key, const char **out, ut_err *err)
{
    *out = ut_tensors_text(tensors, key);
    return *out ? UT_OK : ut_fail(err, UT_E_CORRUPT, "metadata \"%s\" is missing", key);
}

static ut_status check_identity(const ut_model *m, ut_err *err)
{
    const char *format = "", *hash = "", *rate = "";
    ut_status rc;
    if ((rc = text_of(m->tensors, "format", &format, err)) != UT_OK ||
        (rc = text_of(m->tensors, "sha256", &hash, err)) != UT_OK ||
        (rc = text_of(m->tensors, "sample_rate", &rate, err)) != UT_OK)
        return rc;
    if (strcmp(format, "undertone-model-1") != 0)
        return ut_fail(err, UT_E_CORRUPT, "format \"%.40s\" is not undertone-model-1", format);
    if (strcmp(hash, ut_tensors_hash(m->tensors)) != 0)
        return ut_fail(err, UT_E_CORRUPT, "weights have SHA-256 %.16s…, the file says %.16s…",
                       ut_tensors_hash(m->tensors), hash);
    if (strcmp(rate, "16000") != 0)
        return ut_fail(err, UT_E_CORRUPT, "sample_rate \"%.20s\" is not 16000", rate);
    return UT_OK;
}

static ut_status bind(ut_model *m, ut_err *err)
{
    const char *name = "", *domain = "", *graph = "";
    ut_status rc;
    if ((rc = check_identity(m, err)) != UT_OK || (rc = text_of(m->tensors, "name", &name, err)) != UT_OK ||
        (rc = text_of(m->tensors, "domain", &domain, err)) != UT_OK ||
        (rc = text_of(m->tensors, "graph", &graph, err)) != UT_OK ||
        (rc = ut_domain_parse(domain, &m->domain, err)) != UT_OK ||
        (rc = ut_graph_open(graph, m->domain.shape, m->tensors, &m->graph, err)) != UT_OK)
        return rc;
    ut_shape y = m->graph->values[m->graph->node_count].shape;
    if (!ut_shape_same(y, m->domain.shape))
        return ut_fail(err, UT_E_CORRUPT, "graph: y is %zux%zux%zu, the domain needs %zux%zux%zu", y.rows, y.columns,
                       y.channels, m->domain.shape.rows, m->domain.shape.columns, m->domain.shape.channels);
    if (!*name || strlen(name) >= sizeof m->info.name)
        return ut_fail(err, UT_E_CORRUPT, "name of %zu bytes", strlen(name));
    memcpy(m->info.name, name, strlen(name) + 1);
    return UT_OK;
}

ut_status ut_model_parse(const void *bytes, size_t size, ut_model **out, ut_err *err)
{
    ut_status rc;
    ut_model *m = calloc(1, sizeof *m);
    if (!m)
        return ut_fail(err, UT_E_NOMEM, "model");
    if ((rc = ut_tensors_parse(bytes, size, &m->tensors, err)) != UT_OK || (rc = bind(m, err)) != UT_OK) {
        ut_model_close(&m);
        return rc;
    }
    const char *recipe = ut_tensors_text(m->tensors, "recipe");
    memcpy(m->info.hash, ut_tensors_hash(m->tensors), sizeof m->info.hash);
    m->info.rate_hz = UT_RATE_HZ;
    m->info.block = m->domain.block;
    m->info.hop = m->domain.hop;
    m->info.parameters = ut_tensors_total(m->tensors);
    m->info.macs_per_block = m->graph->macs;
    m->info.recipe = recipe ? recipe : "";
    *out = m;
    return UT_OK;
}

ut_status ut_model_load(const char *path, ut_model **out, ut_err *err)
{
    char *bytes = NULL;
    size_t size = 0;
    ut_status rc = ut_file_read(path, FILE_LIMIT, &bytes, &size, err);
    if (rc != UT_OK)
        return rc;
    rc = ut_model_parse(bytes, size, out, err);
    free(bytes);
    if (rc != UT_OK)
        ut_err_prefix(err, "model %s", path);
    return rc;
}

void ut_model_close(ut_model **model)
{
    if (!*model)
        return;
    ut_graph_close(&(*model)->graph);
    ut_tensors_close(&(*model)->tensors);
    free(*model);
    *model = NULL;
}

const ut_model_info *ut_model_describe(const ut_model *model)
{
    return &model->info;
}
