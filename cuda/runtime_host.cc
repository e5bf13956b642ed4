/* The runtime of the tests: the device is the CPU. In the environment: UTC_FAIL_AT_RUN=n, the n-th run of the process
 * and all after it fail as those of a device that fell off the bus; UTC_LARGEST=bytes, no larger piece of memory. */
#include <stdio.h>
#include <stdlib.h>

#include "cuda/kernel.h"
#include "cuda/runtime.h"

namespace utc
{

static long runs;

static bool lost(void)
{
    const char *at = getenv("UTC_FAIL_AT_RUN");
    return at && __atomic_load_n(&runs, __ATOMIC_RELAXED) >= atol(at);
}

int rt_open(int device, utc_info *info, utc_error *err)
{
    if (device != 0) {
        snprintf(err->text, sizeof err->text, "there is no device %d (1 found)", device);
        return err->code = UTC_E_UNSUPPORTED;
    }
    memset(info, 0, sizeof *info);
    snprintf(info->name, sizeof info->name, "host emulation");
    info->capability = 90;
    info->driver = info->toolkit = 13000;
    info->multiprocessors = 1;
    info->memory = info->memory_free = (size_t)1 << 30;
    info->tensor_bf16 = 1;
    return UTC_OK;
}

const char *rt_build(void)
{
    return "host emulation";
}

rt_error rt_use(int)
{
    return NULL;
}

rt_error rt_alloc(void **out, size_t bytes)
{
    const char *largest = getenv("UTC_LARGEST");
    *out = largest && bytes > (size_t)atol(largest) ? NULL : calloc(1, bytes ? bytes : 1);
    return *out ? NULL : "out of memory";
}

rt_error rt_alloc_pinned(void **out, size_t bytes)
{
    return rt_alloc(out, bytes);
}

void rt_free(void *memory)
{
    free(memory);
}

void rt_free_pinned(void *memory)
{
    free(memory);
}

rt_error rt_stream_open(rt_stream **out)
{
    *out = NULL;
    return NULL;
}

void rt_stream_close(rt_stream *) {}

rt_error rt_copy_in(rt_stream *, void *device, const void *host, size_t bytes)
{
    memcpy(device, host, bytes);
    return NULL;
}

rt_error rt_copy_out(rt_stream *, void *host, const void *device, size_t bytes)
{
    memcpy(host, device, bytes);
    return NULL;
}

rt_error rt_wait(rt_stream *)
{
    return lost() ? "unspecified launch failure (told to fail)" : NULL;
}

rt_error rt_capture_begin(rt_stream *)
{
    return NULL;
}

rt_error rt_capture_end(rt_stream *, rt_graph **out)
{
    *out = NULL;
    return NULL;
}

rt_error rt_graph_launch(rt_graph *, rt_stream *)
{
    return "no graphs here";
}

void rt_graph_close(rt_graph *) {}

rt_error rt_launched(void)
{
    return NULL;
}

rt_error rt_run_begins(void)
{
    __atomic_add_fetch(&runs, 1, __ATOMIC_RELAXED);
    return NULL;
}

} // namespace utc
