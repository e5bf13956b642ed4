#include "fingerprint/fingerprint.h"

#include <stdlib.h>
#include <string.h>

#include "core/types.h"
#include "fingerprint/fingerprint_peaks.h"
#include "fingerprint/landmark.h"
#include "fingerprint/peak_stream.h"

struct ut_fingerprint {
    const ut_params *params;
    int32_t frames;
    ut_peaks peaks;
    size_t landmarks;
};

struct ut_fingerprinter {
    const ut_params *params;
    ut_peak_stream *stream;
    ut_peaks peaks;
};

ut_status ut_fingerprinter_open(const ut_params *params, ut_fingerprinter **out, ut_err *err)
{
    ut_fingerprinter *f = calloc(1, sizeof *f);
    if (!f)
        return ut_fail(err, UT_E_NOMEM, "fingerprinter");
    f->params = params;
    ut_status rc = ut_peak_stream_open(params, &params->reference, 0, &f->stream, err);
    if (rc != UT_OK) {
        ut_fingerprinter_close(&f);
        return rc;
    }
    *out = f;
    return UT_OK;
}

void ut_fingerprinter_close(ut_fingerprinter **fingerprinter)
{
    ut_fingerprinter *f = *fingerprinter;
    if (!f)
        return;
    ut_peak_stream_close(&f->stream);
    ut_peaks_clear(&f->peaks);
    free(f);
    *fingerprinter = NULL;
}

ut_status ut_fingerprinter_push(ut_fingerprinter *fingerprinter, const float *mono, size_t frames, ut_err *err)
{
    return ut_peak_stream_push(fingerprinter->stream, mono, frames, &fingerprinter->peaks, err);
}

ut_status ut_fingerprinter_finish(ut_fingerprinter *fingerprinter, ut_fingerprint **out, ut_err *err)
{
    ut_status rc = ut_peak_stream_finish(fingerprinter->stream, &fingerprinter->peaks, err);
    if (rc != UT_OK)
        return rc;
    return ut_fingerprint_from_peaks(fingerprinter->params, ut_peak_stream_settled(fingerprinter->stream),
                                     &fingerprinter->peaks, out, err);
}

static bool in_order(const ut_params *p, int32_t frames, const ut_peaks *peaks)
{
    ut_peak last = {.frame = -1};
    for (size_t i = 0; i < peaks->count; i++) {
        ut_peak k = peaks->items[i];
        bool later = k.frame > last.frame || (k.frame == last.frame && k.bin > last.bin);
        if (!later || k.frame < 0 || k.frame >= frames || k.bin < p->low_bin || k.bin >= p->high_bin)
            return false;
        last = k;
    }
    return true;
}

ut_status ut_fingerprint_from_peaks(const ut_params *params, int32_t frames, ut_peaks *peaks, ut_fingerprint **out,
                                    ut_err *err)
{
    if (frames < 0 || !in_order(params, frames, peaks))
        return ut_fail(err, UT_E_CORRUPT, "fingerprint: peaks out of order or out of range");
    ut_landmarks pairs = {0};
    ut_status rc = ut_landmarks_pair(params, params->reference.fan_out, peaks, 0, peaks->count, &pairs, err);
    size_t landmarks = pairs.count;
    ut_landmarks_clear(&pairs);
    if (rc != UT_OK)
        return rc;
    ut_fingerprint *f = calloc(1, sizeof *f);
    if (!f)
        return ut_fail(err, UT_E_NOMEM, "fingerprint");
    *f = (ut_fingerprint){.params = params, .frames = frames, .peaks = *peaks, .landmarks = landmarks};
    *peaks = (ut_peaks){0};
    *out = f;
    return UT_OK;
}

void ut_fingerprint_close(ut_fingerprint **fingerprint)
{
    if (!*fingerprint)
        return;
    ut_peaks_clear(&(*fingerprint)->peaks);
    free(*fingerprint);
    *fingerprint = NULL;
}

const ut_params *ut_fingerprint_params(const ut_fingerprint *fingerprint)
{
    return fingerprint->params;
}

size_t ut_fingerprint_landmarks(const ut_fingerprint *fingerprint)
{
    return fingerprint->landmarks;
}

double ut_fingerprint_seconds(const ut_fingerprint *fingerprint)
{
    return (double)fingerprint->frames * fingerprint->params->hop / fingerprint->params->rate_hz;
}

const ut_peaks *ut_fingerprint_peaks(const ut_fingerprint *fingerprint)
{
    return &fingerprint->peaks;
}

int32_t ut_fingerprint_frames(const ut_fingerprint *fingerprint)
{
    return fingerprint->frames;
}
