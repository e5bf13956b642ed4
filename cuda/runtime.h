/* What the rest needs of a device: memory, streams, launches. runtime_cuda.cu does it with CUDA, runtime_host.cc on the
 * CPU for the tests. What can fail gives an rt_error; NULL is success. */
#ifndef UTC_RUNTIME_H
#define UTC_RUNTIME_H

#include "cuda/undertone_cuda.h"

namespace utc
{

/* NULL, or static text of what went wrong. */
typedef const char *rt_error;

typedef struct rt_stream rt_stream;
typedef struct rt_graph rt_graph;

/* UTC_OK, or UTC_E_UNSUPPORTED with the reason. */
int rt_open(int device, utc_info *info, utc_error *err);
const char *rt_build(void);
/* Makes the device that of the calling thread. */
rt_error rt_use(int device);

rt_error rt_alloc(void **out, size_t bytes);        /* on the device, zeroed */
rt_error rt_alloc_pinned(void **out, size_t bytes); /* on the host */
void rt_free(void *memory);
void rt_free_pinned(void *memory);

rt_error rt_stream_open(rt_stream **out);
void rt_stream_close(rt_stream *stream);
/* Asynchronous, in the stream's order. */
rt_error rt_copy_in(rt_stream *stream, void *device, const void *host, size_t bytes);
rt_error rt_copy_out(rt_stream *stream, void *host, const void *device, size_t bytes);
rt_error rt_wait(rt_stream *stream);

/* Between begin and end launches are recorded, not run. On the CPU nothing is: *out stays NULL. */
rt_error rt_capture_begin(rt_stream *stream);
rt_error rt_capture_end(rt_stream *stream, rt_graph **out);
rt_error rt_graph_launch(rt_graph *graph, rt_stream *stream);
void rt_graph_close(rt_graph *graph);

/* Whether the last launch went out. The host build fails here when it was told to (UTC_FAIL_AT_RUN). */
rt_error rt_launched(void);
/* A run begins: where the host build counts. */
rt_error rt_run_begins(void);

} // namespace utc

#endif
