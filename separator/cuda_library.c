#include "separator/cuda_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"

#define NAME "libundertone_cuda.so"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool tried, lost;
static ut_status result;
static ut_err reason;
static ut_cuda cuda;

ut_status ut_cuda_status(int code)
{
    switch (code) {
    case UTC_OK:
        return UT_OK;
    case UTC_E_ARG:
        return UT_E_ARG;
    case UTC_E_MEMORY:
        return UT_E_NOMEM;
    case UTC_E_UNSUPPORTED:
        return UT_E_UNSUPPORTED;
    default:
        return UT_E_DEVICE;
    }
}

/* A path to load, or UT_E_NOTFOUND. */
static ut_status find(char *path, size_t size, ut_err *err)
{
    static const char *const places[] = {UT_CUDA_BUILD "/" NAME, UT_CUDA_INSTALL "/" NAME};
    const char *given = getenv("UT_CUDA_LIBRARY");
    if (given && !strcmp(given, "none"))
        return ut_fail(err, UT_E_NOTFOUND, "cuda: not looked for: UT_CUDA_LIBRARY=none");
    if (given && *given) {
        if (access(given, R_OK) != 0)
            return ut_fail(err, UT_E_UNSUPPORTED, "cuda: UT_CUDA_LIBRARY=%.300s: no such file", given);
        snprintf(path, size, "%s", given);
        return UT_OK;
    }
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (access(places[i], R_OK) == 0) {
            snprintf(path, size, "%s", places[i]);
            return UT_OK;
        }
    void *library = dlopen(NAME, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return ut_fail(err, UT_E_NOTFOUND, "cuda: no %s in %s, %s or the loader's path (docs/CUDA.md)", NAME,
                       UT_CUDA_BUILD, UT_CUDA_INSTALL);
    snprintf(path, size, "%s", NAME);
    return UT_OK;
}

/* Once loaded, a library stays: the driver's threads may be in it. */
static ut_status load(ut_cuda *out, ut_err *err)
{
    ut_status rc = find(out->path, sizeof out->path, err);
    if (rc != UT_OK)
        return rc;
    void *library = dlopen(out->path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return ut_fail(err, UT_E_UNSUPPORTED, "cuda: %.300s", dlerror());
    const utc_api *(*give)(void) = NULL;
    void *symbol = dlsym(library, UTC_SYMBOL);
    memcpy(&give, &symbol, sizeof give);
    const utc_api *api = give ? give() : NULL;
    if (!api)
        return ut_fail(err, UT_E_UNSUPPORTED, "cuda: %.300s: no %s in it", out->path, UTC_SYMBOL);
    if (api->abi != UTC_ABI)
        return ut_fail(err, UT_E_UNSUPPORTED, "cuda: %.300s has interface %u, this program needs %u", out->path,
                       (unsigned)api->abi, (unsigned)UTC_ABI);
    out->api = api;
    return UT_OK;
}

static ut_status open_device(ut_cuda *out, ut_err *err)
{
    const char *number = getenv("UT_CUDA_DEVICE");
    char *end = NULL;
    long device = number && *number ? strtol(number, &end, 10) : 0;
    utc_error problem = {0};
    if ((end && *end) || device < 0 || device > 1023)
        return ut_fail(err, UT_E_UNSUPPORTED, "cuda: UT_CUDA_DEVICE=%.40s is no device number", number);
    if (out->api->context_open((int)device, &out->context, &problem) != UTC_OK)
        return ut_fail(err, UT_E_UNSUPPORTED, "cuda: %s", problem.text);
    out->api->context_info(out->context, &out->info);
    return UT_OK;
}

ut_status ut_cuda_get(const ut_cuda **out, ut_err *err)
{
    pthread_mutex_lock(&lock);
    if (!tried) {
        tried = true;
        result = load(&cuda, &reason);
        if (result == UT_OK)
            result = open_device(&cuda, &reason);
    }
    ut_status rc = result;
    if (rc == UT_OK)
        *out = &cuda;
    else if (err)
        *err = reason;
    pthread_mutex_unlock(&lock);
    return rc;
}

void ut_cuda_lose(const char *text)
{
    char quoted[512];
    pthread_mutex_lock(&lock);
    if (!lost)
        ut_log(UT_LOG_ERROR, "separator", "cuda-lost", "device=%d action=\"the CPU takes over\" error=%s",
               cuda.info.capability, ut_log_quote(quoted, sizeof quoted, text));
    lost = true;
    result = ut_fail(&reason, UT_E_DEVICE, "cuda: the device was lost: %.300s", text);
    pthread_mutex_unlock(&lock);
}
