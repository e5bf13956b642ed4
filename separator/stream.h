/* Streaming by overlap-crop on the absolute grid: blocks start at sample indices that are multiples of the hop, and of
 * each block only the middle is kept, so an output sample depends on its position and not on how the audio arrived. */
#ifndef UT_SEPARATOR_STREAM_H
#define UT_SEPARATOR_STREAM_H

#include "separator/separator.h"

typedef struct ut_stream ut_stream;

/* `mix` and `music` are aligned, `frames` long, borrowed for the call; `first` is the sample index of mix[0].
 * A status other than UT_OK stops the push that caused the call and is returned by it. */
typedef ut_status (*ut_stems_fn)(void *arg, int64_t first, const float *mix, const float *music, size_t frames);

/* hop = 0: half the block (rounded to the grid). Audio before first_sample counts as silence. first_sample must be a
 * multiple of the hop (ut_stream_hop_default). The separator is borrowed, and may serve several streams of its thread.
 */
UT_CHECK ut_status ut_stream_open(ut_separator *separator, size_t hop, int64_t first_sample, ut_stems_fn emit,
                                  void *arg, ut_stream **out, ut_err *err);
void ut_stream_close(ut_stream **stream);
size_t ut_stream_hop_default(const ut_model *model);
/* Samples of past and of future that an output sample may depend on: a stream opened `context` earlier (on the grid)
 * gives the same output bit for bit. */
size_t ut_stream_context(const ut_stream *stream);

UT_CHECK ut_status ut_stream_push(ut_stream *stream, const float *mix, size_t frames, ut_err *err);
/* Emits what is left, as if silence followed; the stream is then at its end. */
UT_CHECK ut_status ut_stream_finish(ut_stream *stream, ut_err *err);

/* The music of `frames` samples that are at hand as a whole, from sample 0 of the grid on, into an array as long. */
UT_CHECK ut_status ut_stream_whole(ut_separator *separator, const float *mix, size_t frames, float *music, ut_err *err);

#endif
