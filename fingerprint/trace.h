/* The trace of a match through time: of the reference's peaks in each eighth of a second, how many the stream has. Its
 * change points are where the music starts and ends.
 *
 * Inside fingerprint/ only. */
#ifndef UT_FINGERPRINT_TRACE_H
#define UT_FINGERPRINT_TRACE_H

#include "fingerprint/index_fields.h"

enum { UT_TRACE_STEP = 8 /* frames */ };

typedef struct {
    const ut_index *index;
    const ut_index_track *track;
    int64_t shift; /* frame on the index's timeline = frame of the stream + shift */
    int32_t first; /* frame of the stream where step 0 begins */
    int32_t end;   /* frames before this one are counted */
    struct ut_trace_step {
        uint16_t peaks;
        uint16_t hits;
    } * steps;
    size_t count;
    size_t capacity;
} ut_trace;

/* Nothing counted yet; counting will start at `first`. */
ut_trace ut_trace_start(const ut_index *index, const ut_index_track *track, int64_t shift, int32_t first);
void ut_trace_clear(ut_trace *trace);
/* Counts on to `end`, from the peaks of the witnesses (music may be NULL), which reach a frame further. */
UT_CHECK ut_status ut_trace_extend(ut_trace *trace, int32_t end, const ut_peaks *mix, const ut_peaks *music,
                                   ut_err *err);

typedef struct {
    int32_t start; /* frames of the stream, half open */
    int32_t end;
    double nats; /* evidence over chance within */
} ut_stretch;

/* From where to where the music of the trace sounds: the likeliest path of a two-state model, on with hit rate `found`
 * and off with hit rate `chance`, from its first on to its last. false if it is never on. */
UT_CHECK bool ut_trace_stretch(const ut_trace *trace, double chance, double found, ut_stretch *out);

#endif
