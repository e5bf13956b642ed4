/* The analyser: one channel's audio in, identifications with loudness out: separator stream, tracker and loudness
 * meters behind one push. identify, replay, run and evaluate all go through it, so they agree bit for bit. One thread
 * each. */
#ifndef UT_PIPELINE_ANALYSER_H
#define UT_PIPELINE_ANALYSER_H

#include "fingerprint/track.h"
#include "separator/separator.h"

typedef struct ut_analyser ut_analyser;

/* The trail of the stretch that was just emitted, in its byte form; the callee owns it. */
typedef ut_status (*ut_keep_fn)(void *arg, uint8_t *trail, size_t size);

typedef struct {
    const ut_index *index; /* borrowed */
    const ut_model *model; /* borrowed; NULL: mixture only */
    const char *backend;   /* "auto" … */
    ut_precision precision;
    bool unidentified;  /* report unidentified music too */
    double max_log10_e; /* 0: the tracker's default */
    ut_keep_fn keep;    /* with the arg of emit, for what is not identified; NULL: nothing is kept */
} ut_analyser_options;

/* `first_sample`: 0, or a value that ut_analyser_resume_sample gave for the same audio. */
UT_CHECK ut_status ut_analyser_open(const ut_analyser_options *options, int64_t first_sample, ut_identification_fn emit,
                                    void *arg, ut_analyser **out, ut_err *err);
void ut_analyser_close(ut_analyser **analyser);
/* Mono at UT_RATE_HZ, from first_sample on. */
UT_CHECK ut_status ut_analyser_push(ut_analyser *analyser, const float *mono, size_t frames, ut_err *err);
UT_CHECK ut_status ut_analyser_finish(ut_analyser *analyser, ut_err *err);
/* An analyser opened there and fed the same audio from there emits the rest identically (and perhaps again the last
 * few, whose deterministic ids the store recognises). */
int64_t ut_analyser_resume_sample(const ut_analyser *analyser);

#endif
