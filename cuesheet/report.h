/* How much music there was: the figures by which broadcasters pay. A moment counts once, however many cues lie over it;
 * where they differ, foreground goes before indistinguishable, background and unknown. */
#ifndef UT_CUESHEET_REPORT_H
#define UT_CUESHEET_REPORT_H

#include "cuesheet/cue.h"

typedef struct {
    int64_t start_ns, end_ns;
} ut_span;

typedef struct {
    double length_s;      /* of the span */
    double analysed_s;    /* captured and analysed: what percentages are of */
    double gap_s;         /* known not to be captured */
    double music_s;       /* within what was analysed */
    double use_s[4];      /* of it, by ut_use */
    double identified_s;  /* of it, explained by a recording without doubt */
    double speech_over_s; /* of it, under speech; NAN if not measured on all of it */
    size_t cues;          /* that begin in the span */
} ut_music_sums;

/* cues, analysed spans and gaps in any order, of one channel. */
UT_CHECK ut_status ut_music_sum(const ut_cue *cues, size_t count, const ut_span *analysed, size_t analysed_count,
                                const ut_gap *gaps, size_t gap_count, ut_span of, ut_music_sums *out, ut_err *err);

#endif
