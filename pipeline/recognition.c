#include "pipeline/recognition.h"

#include <limits.h>
#include <string.h>

ut_status ut_recognition_model(const char *name, ut_model **out, ut_err *err)
{
    char path[PATH_MAX];
    if (strcmp(name, "none") == 0) {
        *out = NULL;
        return UT_OK;
    }
    ut_status rc = ut_model_find(name, path, sizeof path, err);
    return rc == UT_OK ? ut_model_load(path, out, err) : rc;
}

ut_precision ut_recognition_precision(const char *name)
{
    if (strcmp(name, "f32") == 0)
        return UT_PRECISION_F32;
    return strcmp(name, "bf16") == 0 ? UT_PRECISION_BF16 : UT_PRECISION_AUTO;
}
