/* The library of cuda/, loaded when first asked for, once a process, with one device. Any thread.
 *
 * It is looked for at $UT_CUDA_LIBRARY (and then nowhere else; "none": not at all), in the build tree, where it was
 * installed, and where the loader looks. $UT_CUDA_DEVICE: the device's number, default 0. */
#ifndef UT_SEPARATOR_CUDA_LIBRARY_H
#define UT_SEPARATOR_CUDA_LIBRARY_H

#include "core/status.h"
#include "cuda/undertone_cuda.h"

typedef struct {
    const utc_api *api;
    utc_context *context;
    utc_info info;
    char path[1024];
} ut_cuda;

/* UT_E_NOTFOUND: no library is there. UT_E_UNSUPPORTED: it does not load, or there is no device that it can use.
 * UT_E_DEVICE: the device was lost earlier. */
UT_CHECK ut_status ut_cuda_get(const ut_cuda **out, ut_err *err);
/* The device failed: from now on ut_cuda_get does. Logs it, the first time. */
void ut_cuda_lose(const char *reason);
ut_status ut_cuda_status(int code);

#endif
