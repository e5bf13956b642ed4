/* The table that the library exports. */
#include <stdlib.h>

#include "cuda/fingerprint.h"
#include "cuda/model.h"
#include "cuda/runtime.h"

namespace utc
{

static int context_open(int device, utc_context **out, utc_error *err)
{
    utc_context *c = (utc_context *)calloc(1, sizeof *c);
    if (!c)
        return out_of_memory(err, "context", sizeof *c, NULL);
    c->device = device;
    int rc = rt_open(device, &c->info, err);
    if (rc != UTC_OK) {
        free(c);
        return rc;
    }
    *out = c;
    return UTC_OK;
}

static void context_close(utc_context *context)
{
    free(context);
}

static void context_info(const utc_context *context, utc_info *out)
{
    *out = context->info;
}

static void model_info(const utc_model *model, size_t *bytes, size_t *tensor_convs, size_t *plain_convs)
{
    *bytes = model->bytes;
    *tensor_convs = *plain_convs = 0;
    for (size_t i = 0; i < model->program.step_count; i++)
        if (is_conv(model->program.steps[i].node))
            ++*(model->packed[i].mma ? tensor_convs : plain_convs);
}

} // namespace utc

extern "C" const utc_api *undertone_cuda(void)
{
    static utc_api api;
    api.abi = UTC_ABI;
    api.build = utc::rt_build();
    api.context_open = utc::context_open;
    api.context_close = utc::context_close;
    api.context_info = utc::context_info;
    api.model_open = utc::model_open;
    api.model_close = utc::model_close;
    api.run = utc::model_run;
    api.run_s16 = utc::model_run_s16;
    api.model_info = utc::model_info;
    api.fingerprint = utc::fingerprint;
    api.release = free;
    return &api;
}
