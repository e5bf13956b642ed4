/* The explanation of a match: the numbers that show a person why a stretch of audio is, or is not, a recording. It
 * looks at the audio as the tracker does (the same peaks, windows, evidence and boundaries) and keeps what the tracker
 * throws away: which peak coincides with which, how many would by chance, and what every other offset would have given.
 *
 * Times are in seconds of the programme; frequencies are those heard there. */
#ifndef UT_FINGERPRINT_EXPLAIN_H
#define UT_FINGERPRINT_EXPLAIN_H

#include "core/types.h"
#include "fingerprint/index.h"

typedef struct {
    const float *mix;     /* mono at UT_RATE_HZ */
    const float *music;   /* the separated music, aligned; NULL without a separator */
    size_t frames;        /* of both */
    int64_t first_sample; /* of the programme, that mix[0] is. Windows are the tracker's where it is the tracker's */
} ut_explain_audio;

typedef struct {
    int64_t recording_id; /* 0: the one that the audio speaks for most clearly */
    double max_log10_e;   /* accepted at or below; 0: as the tracker does */
    double context_s;     /* shown on either side of where it sounds; negative: all the audio is shown */
} ut_explain_options;

/* A peak of the recording where it would lie in the programme, or one of the programme. */
typedef struct {
    double time_s;
    double frequency_hz;
    ut_witness matched; /* of the recording: in which witness the peak comes again, within a frame. Of a witness:
                           itself, if it is where the recording has a peak */
} ut_explained_peak;

typedef struct {
    ut_explained_peak *items;
    size_t count;
} ut_explained_peaks;

/* A step of the coincidence series. */
typedef struct {
    double start_s;
    int peaks;       /* that the recording has */
    int found;       /* of them in the programme */
    double expected; /* of them by chance: as many are found when the programme is moved by 6 to 126 frames */
} ut_explained_step;

/* A window that the tracker would look at. */
typedef struct {
    double start_s, end_s;
    double log10_e; /* NAN: no evidence at this offset, or the recording does not explain the music that is there */
} ut_explained_window;

/* One of the ways to be present that the evidence averages over (evidence_prior.h). */
typedef struct {
    double nats;
    double weight;      /* how common it is, beforehand */
    double mix_share;   /* of the recording's peaks that show, those that the mixture has */
    double music_share; /* and the separated music */
} ut_explained_situation;
enum { UT_EXPLAINED_SITUATIONS_MAX = 8 };

typedef struct {
    int64_t recording_id;
    double time_scale;     /* programme seconds per recording second */
    double begin_s;        /* where in the programme the recording would begin; may be negative */
    double recording_s;    /* its length */
    bool accepted;         /* the tracker would take it: log10_e is at most max_log10_e, in some window */
    double max_log10_e;    /* that it had to reach */
    double from_s, to_s;   /* what is shown: all that follows but windows and votes lies within */
    bool heard;            /* it is accepted, and sounds: */
    double start_s, end_s; /* from here to there */
    /* The window that spoke clearest. */
    double window_s;
    double log10_e; /* NAN: none has any evidence */
    double nats;
    double spike_nats;     /* of them, what the half second gives that gives most */
    double elsewhere_nats; /* what the best wrong offset near it reaches */
    double places;         /* that a match may have in the catalogue */
    ut_explained_situation situations[UT_EXPLAINED_SITUATIONS_MAX];
    size_t situation_count;
    /* Where it sounds, or in all that is shown if it sounds nowhere. */
    size_t reference_count; /* peaks that the recording has there */
    size_t found_count;     /* of them found in the programme */
    double expected_count;  /* of them by chance */
    ut_explained_peaks reference;
    ut_explained_peaks mix;
    ut_explained_peaks music; /* none without a separator */
    ut_explained_step *steps;
    size_t step_count;
    double step_s;
    ut_explained_window *windows;
    size_t window_count;
    /* Landmarks that the audio and the recording have in common, by where the recording would have to begin. */
    uint32_t *votes;
    size_t vote_count;
    double votes_first_s; /* of votes[0] */
    double vote_step_s;
} ut_explanation;

/* *out is to be released by ut_explanation_clear. UT_E_NOTFOUND: the index has no such recording, or (recording_id 0)
 * none that the audio speaks for. */
UT_CHECK ut_status ut_explain(const ut_index *index, const ut_explain_audio *audio, const ut_explain_options *options,
                              ut_explanation *out, ut_err *err);
void ut_explanation_clear(ut_explanation *explanation);

#endif
