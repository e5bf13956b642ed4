/* Spectral peaks of a stream: strict local maxima of the log spectrum, ranked by prominence over their surroundings.
 *
 * Frame t is the Hann window over samples [t·hop, t·hop + fft) of the absolute sample grid. A peak depends on the audio
 * within UT_PEAKS_CONTEXT frames on either side of it and on nothing else: neither on the level, nor on where the
 * stream began, nor on how it was cut into pushes. All statistics are of integers, so sums do not drift.
 *
 * A density may ask for what shows beside something louder as well: fine peaks are strict maxima of a small
 * neighbourhood over the mean of their surroundings, however many there are. They are too many to look up, but tell
 * much about a hypothesis. */
#ifndef UT_FINGERPRINT_PEAKS_H
#define UT_FINGERPRINT_PEAKS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/status.h"
#include "fingerprint/params_fields.h"

enum {
    UT_PEAKS_MAX_FRAMES = 3, /* a peak is the strict maximum of ±3 frames × ±8 bins */
    UT_PEAKS_MAX_BINS = 8,
    UT_PEAKS_FINE_FRAMES = 1, /* a fine peak: of ±1 frame × ±2 bins */
    UT_PEAKS_FINE_BINS = 2,
    UT_PEAKS_MEAN_FRAMES = 31, /* prominence: level over the mean of ±31 frames × ±32 bins */
    UT_PEAKS_MEAN_BINS = 32,
    UT_PEAKS_RANK_FRAMES = 32, /* kept if few within ±32 frames are more prominent */
    UT_PEAKS_CONTEXT = UT_PEAKS_MEAN_FRAMES + UT_PEAKS_RANK_FRAMES,
};

typedef enum {
    UT_PEAK_STRONG, /* among those that a reference keeps */
    UT_PEAK_DENSE,  /* and a query */
    UT_PEAK_BROAD,  /* another maximum of the whole neighbourhood */
    UT_PEAK_FINE,
} ut_peak_grade;

typedef struct {
    int32_t frame;
    uint16_t bin;
    uint8_t grade;
} ut_peak;

static inline bool ut_peak_before(ut_peak a, ut_peak b)
{
    return a.frame != b.frame ? a.frame < b.frame : a.bin < b.bin;
}

/* A growing list, sorted by frame, then bin. */
typedef struct {
    ut_peak *items;
    size_t count;
    size_t capacity;
} ut_peaks;
UT_CHECK ut_status ut_peaks_add(ut_peaks *peaks, ut_peak peak, ut_err *err);
/* Drops the peaks before `frame`. */
void ut_peaks_drop(ut_peaks *peaks, int32_t frame);
void ut_peaks_clear(ut_peaks *peaks);

/* One thread. Allocates nothing after open but for the list it fills. */
typedef struct ut_peak_finder ut_peak_finder;

/* density: one of the set's. first_frame: the frame that the first sample pushed begins. */
UT_CHECK ut_status ut_peak_finder_open(const ut_params *params, const ut_density *density, int32_t first_frame,
                                       ut_peak_finder **out, ut_err *err);
void ut_peak_finder_close(ut_peak_finder **finder);
/* Samples at params->rate_hz; non-finite ones count as silence. Appends to *peaks those that became certain. */
UT_CHECK ut_status ut_peak_finder_push(ut_peak_finder *finder, const float *mono, size_t frames, ut_peaks *peaks,
                                       ut_err *err);
/* Appends the rest. */
UT_CHECK ut_status ut_peak_finder_finish(ut_peak_finder *finder, ut_peaks *peaks, ut_err *err);
/* Peaks before this frame are all out. */
int32_t ut_peak_finder_settled(const ut_peak_finder *finder);

#endif
