/* The runtime on a CUDA device. */
#include <cuda_runtime.h>
#include <stdio.h>

#include "cuda/runtime.h"

#ifndef UTC_ARCHITECTURES
#define UTC_ARCHITECTURES "unknown"
#endif

namespace utc
{

static rt_error text(cudaError_t rc)
{
    return rc == cudaSuccess ? NULL : cudaGetErrorString(rc);
}

static int unsupported(utc_error *err, const char *what, cudaError_t rc)
{
    int driver = 0;
    cudaDriverGetVersion(&driver);
    if (driver == 0)
        snprintf(err->text, sizeof err->text, "no NVIDIA driver");
    else if (rc == cudaErrorInsufficientDriver)
        snprintf(err->text, sizeof err->text, "the NVIDIA driver is for CUDA %d.%d, too old for this library's %d.%d",
                 driver / 1000, driver % 1000 / 10, CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
    else
        snprintf(err->text, sizeof err->text, "%s: %s", what, cudaGetErrorString(rc));
    return err->code = UTC_E_UNSUPPORTED;
}

static void describe(int device, utc_info *info)
{
    cudaDeviceProp prop;
    memset(info, 0, sizeof *info);
    if (cudaGetDeviceProperties(&prop, device) == cudaSuccess) {
        snprintf(info->name, sizeof info->name, "%s", prop.name);
        info->capability = prop.major * 10 + prop.minor;
        info->multiprocessors = prop.multiProcessorCount;
    }
    cudaDriverGetVersion(&info->driver);
    info->toolkit = CUDART_VERSION;
    cudaMemGetInfo(&info->memory_free, &info->memory);
    info->tensor_bf16 = info->capability >= 80;
}

/* A device older than all code in here shows only at a launch; this is one. */
static __global__ void probe(int *out)
{
    *out = 1;
}

static cudaError_t try_launch(void)
{
    int *out = NULL;
    cudaError_t rc = cudaMalloc(&out, sizeof *out);
    if (rc == cudaSuccess) {
        probe<<<1, 1>>>(out);
        rc = cudaGetLastError();
    }
    if (rc == cudaSuccess)
        rc = cudaDeviceSynchronize();
    cudaFree(out);
    return rc;
}

int rt_open(int device, utc_info *info, utc_error *err)
{
    int count = 0;
    cudaError_t rc = cudaGetDeviceCount(&count);
    if (rc == cudaErrorNoDevice)
        count = 0;
    else if (rc != cudaSuccess)
        return unsupported(err, "CUDA", rc);
    if (device < 0 || device >= count) {
        snprintf(err->text, sizeof err->text, "there is no device %d (%d found)", device, count);
        return err->code = UTC_E_UNSUPPORTED;
    }
    /* Waiting threads sleep: the CPU has other work. */
    rc = cudaInitDevice(device, cudaDeviceScheduleBlockingSync, cudaInitDeviceFlagsAreValid);
    if (rc != cudaSuccess || (rc = cudaSetDevice(device)) != cudaSuccess)
        return unsupported(err, "device", rc);
    describe(device, info);
    if ((rc = try_launch()) != cudaSuccess) {
        snprintf(err->text, sizeof err->text, "%s (sm_%d): %s; this library has code for %s", info->name,
                 info->capability, cudaGetErrorString(rc), UTC_ARCHITECTURES);
        return err->code = UTC_E_UNSUPPORTED;
    }
    return UTC_OK;
}

const char *rt_build(void)
{
    static char build[160];
    if (!*build)
        snprintf(build, sizeof build, "CUDA %d.%d: %s", CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10,
                 UTC_ARCHITECTURES);
    return build;
}

rt_error rt_use(int device)
{
    return text(cudaSetDevice(device));
}

rt_error rt_alloc(void **out, size_t bytes)
{
    cudaError_t rc = cudaMalloc(out, bytes ? bytes : 1);
    if (rc == cudaSuccess)
        rc = cudaMemset(*out, 0, bytes ? bytes : 1);
    if (rc == cudaSuccess)
        rc = cudaStreamSynchronize(0); /* our streams do not wait for the default one */
    else
        (void)cudaGetLastError(); /* running out of memory is no lasting error */
    return text(rc);
}

rt_error rt_alloc_pinned(void **out, size_t bytes)
{
    cudaError_t rc = cudaMallocHost(out, bytes ? bytes : 1);
    if (rc != cudaSuccess)
        (void)cudaGetLastError();
    return text(rc);
}

void rt_free(void *memory)
{
    cudaFree(memory);
}

void rt_free_pinned(void *memory)
{
    cudaFreeHost(memory);
}

rt_error rt_stream_open(rt_stream **out)
{
    return text(cudaStreamCreateWithFlags((cudaStream_t *)out, cudaStreamNonBlocking));
}

void rt_stream_close(rt_stream *stream)
{
    if (stream)
        cudaStreamDestroy((cudaStream_t)stream);
}

rt_error rt_copy_in(rt_stream *stream, void *device, const void *host, size_t bytes)
{
    return text(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, (cudaStream_t)stream));
}

rt_error rt_copy_out(rt_stream *stream, void *host, const void *device, size_t bytes)
{
    return text(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, (cudaStream_t)stream));
}

rt_error rt_wait(rt_stream *stream)
{
    return text(cudaStreamSynchronize((cudaStream_t)stream));
}

rt_error rt_capture_begin(rt_stream *stream)
{
    return text(cudaStreamBeginCapture((cudaStream_t)stream, cudaStreamCaptureModeThreadLocal));
}

rt_error rt_capture_end(rt_stream *stream, rt_graph **out)
{
    cudaGraph_t graph = NULL;
    cudaError_t rc = cudaStreamEndCapture((cudaStream_t)stream, &graph);
    if (rc == cudaSuccess)
        rc = cudaGraphInstantiate((cudaGraphExec_t *)out, graph, 0);
    if (graph)
        cudaGraphDestroy(graph);
    return text(rc);
}

rt_error rt_graph_launch(rt_graph *graph, rt_stream *stream)
{
    return text(cudaGraphLaunch((cudaGraphExec_t)graph, (cudaStream_t)stream));
}

void rt_graph_close(rt_graph *graph)
{
    if (graph)
        cudaGraphExecDestroy((cudaGraphExec_t)graph);
}

rt_error rt_launched(void)
{
    return text(cudaGetLastError());
}

rt_error rt_run_begins(void)
{
    return NULL;
}

} // namespace utc
