#include "fingerprint/track.h"

#include <math.h>
#include <stdlib.h>

#include "fingerprint/follow.h"
#include "fingerprint/peak_stream.h"
#include "fingerprint/presence.h"
#include "fingerprint/trail_fields.h"
#include "fingerprint/window.h"

enum {
    TOGETHER_MAX = 4, /* recordings in one window */
    OPEN_MAX = 16,
    FOUND_MAX = 16,
    HELD_MAX = 4 * OPEN_MAX, /* a match waits for two windows at most, and lasts for one at least */
    NEAR = 4,                /* frames by which a match may drift from window to window */
    CHUNK = 16000,           /* samples between looks at whether a window is full */
    KEPT_WINDOWS = 600,      /* a longer stretch keeps the trail of its last two hours */
};
#define GOES_ON_LOG10_E 0.0  /* E-value that lets a match that is followed go on, and */
#define SUPPORT_LOG10_E -3.5 /* that of one trial, where the search did not find it again */
#define TWIN 0.85            /* of a match's score, reached by another recording on the same peaks: ambiguous */

/* Speeds other than the recording's are tried on music that is otherwise unknown: the programme's peaks are moved to
 * where the recording at its own speed would have them. Such a match must be clearer, by so much. */
#define SPEED_LOG10_E 1.0

struct ut_tracker {
    const ut_index *index;
    const ut_params *params;
    ut_tracker_options options;
    ut_identification_fn emit;
    void *arg;
    ut_peak_stream *streams[UT_QUERY_WITNESSES];
    ut_peaks peaks[UT_QUERY_WITNESSES];
    ut_peaks past[UT_QUERY_WITNESSES]; /* those before them, as far back as a trail may reach */
    int32_t looked;                    /* where the last window ended */
    bool rematching;                   /* a trail: it is music */
    ut_query query;
    ut_matcher *matcher;
    int32_t at;                         /* where the window looked at begins, */
    int speed;                          /* as which speed it is looked at, */
    ut_peaks paced[UT_QUERY_WITNESSES]; /* and its peaks, if that is not 1 */
    int witnesses;                      /* 0 before the first push */
    int64_t sample;                     /* of the next push */
    int32_t window_frames;
    int32_t hop_frames;
    int32_t window; /* where the next window begins */
    int32_t warm;   /* after a resume, matches that start before this frame, and */
    int32_t calm;   /* unidentified music in windows before this one, were given out before it */
    int32_t chain;  /* first window of the unbroken chain of followed matches; INT32_MAX without */
    ut_follow open[OPEN_MAX];
    size_t open_count;
    ut_presence presence;
    bool unknown;                     /* music that nothing identifies is going on, */
    int32_t unknown_first;            /* from there, */
    int32_t unknown_last;             /* in the windows to this one, */
    int32_t unknown_end;              /* to there */
    ut_identification held[HELD_MAX]; /* sorted by end; wait for what may end before them */
    size_t held_count;
    ut_match found[FOUND_MAX];
    ut_identification clearest; /* candidate of the window looked at */
};

static int64_t frame_to_sample(const ut_params *p, int64_t frame)
{
    return frame * p->hop * UT_RATE_HZ / p->rate_hz;
}

ut_status ut_tracker_open(const ut_index *index, const ut_tracker_options *options, ut_identification_fn emit,
                          void *arg, ut_tracker **out, ut_err *err)
{
    const ut_params *p = index->params;
    if (options->first_sample < 0)
        return ut_fail(err, UT_E_ARG, "tracker: first sample %lld", (long long)options->first_sample);
    ut_tracker *t = calloc(1, sizeof *t);
    if (!t)
        return ut_fail(err, UT_E_NOMEM, "tracker");
    t->index = index;
    t->params = p;
    t->options = *options;
    if (t->options.max_log10_e == 0)
        t->options.max_log10_e = UT_MATCH_LOG10_E_DEFAULT;
    t->emit = emit;
    t->arg = arg;
    t->sample = options->first_sample;
    t->window_frames = ut_window_frames(p);
    t->hop_frames = ut_window_hop(p);
    t->chain = INT32_MAX;
    int64_t grid = ut_grid_samples(p);
    int64_t first_frame = (options->first_sample + grid - 1) / grid * grid * p->rate_hz / UT_RATE_HZ / p->hop;
    if (options->first_sample > 0) {
        int64_t window = (first_frame + UT_PEAKS_CONTEXT + t->hop_frames - 1) / t->hop_frames * t->hop_frames;
        t->window = (int32_t)window;
        t->warm = (int32_t)first_frame + 2 * t->window_frames;
        t->calm = (int32_t)first_frame + 3 * t->window_frames;
    }
    t->presence = ut_presence_start(frame_to_sample(p, t->hop_frames), t->sample);
    ut_status rc = ut_query_init(&t->query, p, err);
    for (int w = 0; w < UT_QUERY_WITNESSES && rc == UT_OK; w++)
        rc = ut_peak_stream_open(p, &p->query, (int32_t)first_frame, &t->streams[w], err);
    if (rc == UT_OK)
        rc = ut_matcher_open(index, &t->matcher, err);
    if (rc != UT_OK) {
        ut_tracker_close(&t);
        return rc;
    }
    *out = t;
    return UT_OK;
}

void ut_tracker_close(ut_tracker **tracker)
{
    ut_tracker *t = *tracker;
    if (!t)
        return;
    for (int w = 0; w < UT_QUERY_WITNESSES; w++) {
        ut_peak_stream_close(&t->streams[w]);
        ut_peaks_clear(&t->peaks[w]);
        ut_peaks_clear(&t->past[w]);
        ut_peaks_clear(&t->paced[w]);
    }
    for (size_t i = 0; i < t->open_count; i++)
        ut_trace_clear(&t->open[i].trace);
    ut_query_clear(&t->query);
    ut_matcher_close(&t->matcher);
    free(t);
    *tracker = NULL;
}

/* The peaks of a witness at the speed looked at; NULL if there is no such witness. */
static const ut_peaks *witness(const ut_tracker *t, int w)
{
    if (w >= t->witnesses)
        return NULL;
    return t->speed ? &t->paced[w] : &t->peaks[w];
}

/* Takes up the window [first, first + frames) at a speed. */
static ut_status take_window(ut_tracker *t, int speed, int32_t first, int32_t frames, ut_err *err)
{
    ut_status rc = UT_OK;
    t->speed = speed;
    t->at = first;
    for (int w = 0; speed && w < t->witnesses && rc == UT_OK; w++)
        rc = ut_peaks_pace(t->params, t->speed, &t->peaks[w], &t->paced[w], err);
    if (rc != UT_OK)
        return rc;
    int32_t begin = ut_speed_to_recording(speed, first), end = ut_speed_to_recording(speed, first + frames);
    return ut_query_set(&t->query, begin, end - begin, witness(t, 0), witness(t, 1), err);
}

/* The match already followed that this one goes on; NULL if it is new. */
static ut_follow *followed(ut_tracker *t, const ut_match *m)
{
    for (size_t i = 0; i < t->open_count; i++)
        if (t->open[i].best.track == m->track && t->open[i].speed == t->speed &&
            llabs(m->evidence.begin - t->query.first - t->open[i].trace.shift) <= NEAR)
            return &t->open[i];
    return NULL;
}

static ut_follow *begin_follow(ut_tracker *t, const ut_match *m)
{
    if (t->open_count == OPEN_MAX)
        return NULL;
    ut_follow *f = &t->open[t->open_count++];
    int32_t back = t->at - t->window_frames; /* it may have begun before it was clear enough */
    *f = (ut_follow){.speed = t->speed, .last_window = t->at};
    f->trace = ut_trace_start(t->index, m->track, m->evidence.begin - t->query.first,
                              ut_speed_to_recording(t->speed, back < 0 ? 0 : back));
    if (t->chain == INT32_MAX)
        t->chain = t->at;
    return f;
}

/* Whether the recording was found in this window already, at another offset: music that repeats itself fits at several.
 */
static bool playing(const ut_tracker *t, const ut_index_track *track)
{
    for (size_t i = 0; i < t->open_count; i++)
        if (t->open[i].best.track == track && t->open[i].last_window == t->at)
            return true;
    return false;
}

/* The clearest match that is new or goes on, or one of nearly its score that goes on: twins must not take turns. */
static const ut_match *choose(ut_tracker *t, size_t count)
{
    for (size_t i = 0; i < count && t->found[i].evidence.nats >= TWIN * t->found[0].evidence.nats; i++)
        if (t->found[i].log10_e <= GOES_ON_LOG10_E && followed(t, &t->found[i]))
            return &t->found[i];
    double max_log10_e = t->options.max_log10_e - (t->speed ? SPEED_LOG10_E : 0.0);
    if (count == 0 || t->found[0].log10_e > max_log10_e || playing(t, t->found[0].track))
        return NULL;
    return &t->found[0];
}

/* Another recording that fits nearly as well, or NULL. */
static const ut_match *twin_of(const ut_tracker *t, size_t count, const ut_match *m)
{
    for (size_t i = 0; i < count; i++)
        if (t->found[i].track != m->track && t->found[i].evidence.nats >= TWIN * m->evidence.nats)
            return &t->found[i];
    return NULL;
}

/* Remembers the clearest of the candidates found. */
static void note_clearest(ut_tracker *t, size_t count)
{
    const ut_params *p = t->params;
    ut_identification *c = &t->clearest;
    for (size_t i = 0; i < count; i++) {
        const ut_match *m = &t->found[i];
        double log10_e = m->log10_e + (t->speed ? SPEED_LOG10_E : 0.0);
        if (c->recording_id && log10_e >= c->log10_e)
            continue;
        c->recording_id = m->track->recording_id;
        c->log10_e = log10_e;
        c->time_scale = 1.0 / ut_speed(t->speed);
        c->ref_start_s = ((double)(m->evidence.begin - m->track->origin) * p->hop + p->fft / 2.0) / p->rate_hz;
    }
}

/* What the window holds, the clearest first; each is taken away before the next is looked for. */
static ut_status search(ut_tracker *t, ut_err *err)
{
    for (int i = 0; i < TOGETHER_MAX; i++) {
        size_t count = ut_matcher_find(t->matcher, &t->query, t->found, FOUND_MAX);
        if (i == 0)
            note_clearest(t, count);
        const ut_match *m = choose(t, count);
        if (!m)
            break;
        ut_follow *f = followed(t, m);
        if (!f && !(f = begin_follow(t, m)))
            break;
        ut_follow_support(f, t->at, m);
        const ut_match *twin = twin_of(t, count, m);
        ut_status rc = ut_query_mask(&t->query, t->index, m->evidence.begin, err);
        if (rc != UT_OK)
            return rc;
        ut_match rest;
        if (twin && (!ut_matcher_test(t->matcher, &t->query, twin->evidence.begin, &rest) ||
                     rest.evidence.nats < twin->evidence.nats / 2))
            f->twins++;
    }
    for (size_t i = 0; i < t->open_count; i++) {
        ut_follow *f = &t->open[i];
        ut_match m;
        if (f->speed == t->speed && f->last_window != t->at &&
            ut_matcher_test(t->matcher, &t->query, t->query.first + f->trace.shift, &m) &&
            m.log10_e <= SUPPORT_LOG10_E) {
            m.log10_e = 0; /* known beforehand: it says nothing about the search */
            ut_follow_support(f, t->at, &m);
        }
    }
    return UT_OK;
}

static int by_end(const void *a, const void *b)
{
    const ut_identification *x = a, *y = b;
    if (x->end_sample != y->end_sample)
        return x->end_sample < y->end_sample ? -1 : 1;
    return x->start_sample < y->start_sample ? -1 : x->start_sample > y->start_sample;
}

static void hold(ut_tracker *t, const ut_identification *what)
{
    if (t->held_count < HELD_MAX)
        t->held[t->held_count++] = *what;
    qsort(t->held, t->held_count, sizeof *t->held, by_end);
}

/* What there is of the peaks of a stretch and a window's length around it. */
static ut_status keep_trail(ut_tracker *t, const ut_identification *what)
{
    const ut_params *p = t->params;
    int32_t from = (int32_t)(what->start_sample * p->rate_hz / UT_RATE_HZ / p->hop);
    int32_t to = (int32_t)(what->end_sample * p->rate_hz / UT_RATE_HZ / p->hop);
    int32_t oldest = t->looked - KEPT_WINDOWS * t->window_frames;
    int32_t first = from - t->window_frames, end = to + t->window_frames;
    ut_trail *trail = NULL;
    first = first < oldest ? oldest : first;
    first = first < 0 ? 0 : first;
    end = end > t->looked ? t->looked : end;
    ut_status rc = ut_trail_new(p, t->witnesses, first, end > first ? end : first, &trail, NULL);
    if (rc != UT_OK)
        return rc;
    trail->from = from < first ? first : from;
    trail->to = to > trail->end ? trail->end : to;
    for (int w = 0; w < t->witnesses && rc == UT_OK; w++)
        if ((rc = ut_trail_add(trail, w, &t->past[w], NULL)) == UT_OK)
            rc = ut_trail_add(trail, w, &t->peaks[w], NULL);
    if (rc == UT_OK)
        rc = t->options.keep(t->arg, trail);
    ut_trail_close(&trail);
    return rc;
}

/* Gives out what ends before `until`: nothing that is still to come can. */
static ut_status release(ut_tracker *t, int64_t until)
{
    size_t out = 0;
    ut_status rc = UT_OK;
    for (; out < t->held_count && t->held[out].end_sample <= until && rc == UT_OK; out++) {
        rc = t->emit(t->arg, &t->held[out]);
        if (rc == UT_OK && t->options.keep && t->held[out].outcome != UT_IDENTIFIED)
            rc = keep_trail(t, &t->held[out]);
    }
    t->held_count -= out;
    memmove(t->held, t->held + out, t->held_count * sizeof *t->held);
    return rc;
}

static void end_follow(ut_tracker *t, ut_follow *f)
{
    ut_stretch s;
    if (ut_follow_stretch(f, &s) && s.start >= t->warm) {
        if (s.end <= f->last_window)
            s.end = f->last_window + 1;
        if (s.start < f->not_before)
            s.start = f->not_before < s.end ? f->not_before : s.end - 1;
        for (size_t i = 0; i < t->open_count; i++)
            if (&t->open[i] != f && t->open[i].best.track == f->best.track && t->open[i].not_before < s.end)
                t->open[i].not_before = s.end;
        ut_identification what = ut_follow_identify(f, t->params, &s);
        hold(t, &what);
    }
    ut_trace_clear(&f->trace);
    *f = t->open[--t->open_count];
}

/* Ends the stretch of unidentified music at frame `end`, if one is going on. */
static void end_unknown(ut_tracker *t, int32_t end)
{
    if (t->unknown && end > t->unknown_first) {
        ut_identification what = {
            .outcome = UT_UNIDENTIFIED,
            .witness = t->witnesses > 1 ? UT_WITNESS_MUSIC : UT_WITNESS_MIX,
            .start_sample = frame_to_sample(t->params, t->unknown_first),
            .end_sample = frame_to_sample(t->params, end),
            .time_scale = 1.0,
            .log10_e = NAN,
            .music_lufs = NAN,
            .speech_lufs = NAN,
            .mix_lufs = NAN,
        };
        hold(t, &what);
    }
    t->unknown = false;
}

/* Looks for music where nothing is identified: [from, to) of the window. A match that begins takes over from where it
 * begins. */
static void seek_unknown(ut_tracker *t, int32_t first, bool present, int32_t from, int32_t to)
{
    if (t->open_count > 0) {
        ut_stretch s;
        if (t->unknown && ut_follow_stretch(&t->open[0], &s))
            end_unknown(t, s.start < t->unknown_end ? s.start : t->unknown_end);
        t->unknown = false;
        return;
    }
    if (!present || !t->options.unidentified || first < t->calm) {
        if (first >= t->unknown_last + t->window_frames) /* what overlaps may go on with it */
            end_unknown(t, t->unknown_end);
        return;
    }
    if (!t->unknown) {
        t->unknown = true;
        t->unknown_first = from;
        if (t->chain == INT32_MAX)
            t->chain = first;
    }
    t->unknown_last = first;
    t->unknown_end = to;
}

/* Ends what no window from `next` on can touch, and gives out what is settled. */
static ut_status settle(ut_tracker *t, int32_t next)
{
    int32_t earliest = next;
    for (size_t i = t->open_count; i-- > 0;)
        if (t->open[i].last_window + t->window_frames <= next)
            end_follow(t, &t->open[i]);
    for (size_t i = 0; i < t->open_count; i++)
        earliest = t->open[i].last_window < earliest ? t->open[i].last_window : earliest;
    if (t->unknown && t->unknown_last - t->window_frames < earliest)
        earliest = t->unknown_last - t->window_frames; /* a match may yet begin there */
    ut_status rc = release(t, ut_frame_middle_sample(t->params, earliest));
    if (t->open_count == 0 && !t->unknown && t->held_count == 0)
        t->chain = INT32_MAX;
    return rc;
}

/* Other speeds are for what is followed at them, and for music that nothing else explains. */
static bool worth(const ut_tracker *t, int speed, bool present)
{
    bool at_this = false;
    for (size_t i = 0; i < t->open_count; i++)
        at_this |= t->open[i].speed == speed;
    return speed == 0 || at_this || (present && t->open_count == 0);
}

static ut_status look(ut_tracker *t, int32_t first, int32_t frames, ut_err *err)
{
    bool present = t->rematching;
    int32_t from = first, to = first + frames; /* of the music, if it is present */
    t->looked = first + frames;
    t->clearest = (ut_identification){.outcome = UT_UNIDENTIFIED,
                                      .start_sample = ut_frame_middle_sample(t->params, first),
                                      .end_sample = ut_frame_middle_sample(t->params, first + frames),
                                      .log10_e = NAN};
    for (int speed = 0; speed < UT_SPEEDS; speed++) {
        if (!worth(t, speed, present))
            continue;
        ut_status rc = take_window(t, speed, first, frames, err);
        if (rc != UT_OK)
            return rc;
        if (speed == 0 && !t->rematching)
            present = ut_presence_music(&t->presence, &t->query, frame_to_sample(t->params, first),
                                        frame_to_sample(t->params, first + frames));
        if (speed == 0 && present && !t->rematching)
            ut_presence_edges(&t->query, &from, &to);
        if ((rc = search(t, err)) != UT_OK)
            return rc;
        for (size_t i = 0; i < t->open_count && rc == UT_OK; i++)
            if (t->open[i].speed == speed)
                rc = ut_trace_extend(&t->open[i].trace, ut_speed_to_recording(speed, first + frames), witness(t, 0),
                                     witness(t, 1), err);
        if (rc != UT_OK)
            return rc;
    }
    seek_unknown(t, first, present, from, to);
    return t->options.window ? t->options.window(t->arg, &t->clearest) : UT_OK;
}

static int32_t settled_frames(const ut_tracker *t)
{
    int32_t frames = ut_peak_stream_settled(t->streams[0]);
    if (t->witnesses > 1 && ut_peak_stream_settled(t->streams[1]) < frames)
        frames = ut_peak_stream_settled(t->streams[1]);
    return frames;
}

/* Forgets the peaks that no window needs any more; those that a trail may need go to the past. */
static ut_status retire(ut_tracker *t, ut_err *err)
{
    int32_t before = t->window - t->window_frames;
    int32_t from = (t->chain < t->window ? t->chain : t->window) - 3 * t->window_frames;
    int32_t oldest = t->window - KEPT_WINDOWS * t->window_frames;
    ut_status rc = UT_OK;
    for (int w = 0; w < t->witnesses && rc == UT_OK; w++) {
        const ut_peaks *peaks = &t->peaks[w];
        for (size_t i = 0; t->options.keep && i < peaks->count && peaks->items[i].frame < before && rc == UT_OK; i++)
            if (peaks->items[i].grade <= UT_PEAK_DENSE) /* a trail keeps no others */
                rc = ut_peaks_add(&t->past[w], peaks->items[i], err);
        ut_peaks_drop(&t->peaks[w], before);
        ut_peaks_drop(&t->past[w], from > oldest ? from : oldest);
    }
    return rc;
}

/* Looks at the windows that are full. A trace reads one frame beyond its end. */
static ut_status advance(ut_tracker *t, ut_err *err)
{
    while (t->window + t->window_frames < settled_frames(t)) {
        ut_status rc = look(t, t->window, t->window_frames, err);
        if (rc != UT_OK)
            return rc;
        t->window += t->hop_frames;
        if ((rc = settle(t, t->window)) == UT_OK)
            rc = retire(t, err);
        if (rc != UT_OK)
            return rc;
    }
    return UT_OK;
}

ut_status ut_tracker_push(ut_tracker *tracker, const float *mix, const float *music, size_t frames, ut_err *err)
{
    ut_tracker *t = tracker;
    int64_t grid = ut_grid_samples(t->params);
    int witnesses = music ? 2 : 1;
    if (t->witnesses && t->witnesses != witnesses)
        return ut_fail(err, UT_E_ARG, "tracker: the music came and went");
    t->witnesses = witnesses;
    int64_t aligned = (t->options.first_sample + grid - 1) / grid * grid;
    while (frames > 0) {
        size_t take = frames < CHUNK ? frames : CHUNK;
        size_t skip = 0;
        if (t->sample < aligned)
            skip = aligned - t->sample < (int64_t)take ? (size_t)(aligned - t->sample) : take;
        ut_presence_push(&t->presence, t->sample, mix, music, take);
        ut_status rc = ut_peak_stream_push(t->streams[0], mix + skip, take - skip, &t->peaks[0], err);
        if (rc == UT_OK && music)
            rc = ut_peak_stream_push(t->streams[1], music + skip, take - skip, &t->peaks[1], err);
        if (rc == UT_OK)
            rc = advance(t, err);
        if (rc != UT_OK)
            return rc;
        t->sample += (int64_t)take;
        frames -= take;
        mix += take;
        music = music ? music + take : NULL;
    }
    return UT_OK;
}

/* A last window that ends with the stream. */
static ut_status conclude(ut_tracker *t, int32_t end, ut_err *err)
{
    ut_status rc = UT_OK;
    int32_t begin = end - t->window_frames;
    int32_t least = t->window > t->hop_frames ? t->window - t->hop_frames : 0;
    if (begin < least)
        begin = least;
    if (t->witnesses && end > begin)
        rc = look(t, begin, end - begin, err);
    if (rc == UT_OK) {
        end_unknown(t, t->unknown_end);
        rc = settle(t, INT32_MAX / 2);
    }
    return rc;
}

ut_status ut_tracker_finish(ut_tracker *tracker, ut_err *err)
{
    ut_tracker *t = tracker;
    ut_status rc = UT_OK;
    for (int w = 0; w < t->witnesses && rc == UT_OK; w++)
        rc = ut_peak_stream_finish(t->streams[w], &t->peaks[w], err);
    if (rc == UT_OK)
        rc = advance(t, err);
    if (rc != UT_OK)
        return rc;
    return conclude(t, settled_frames(t), err);
}

int64_t ut_tracker_resume_sample(const ut_tracker *tracker)
{
    const ut_tracker *t = tracker;
    int32_t from = t->chain < t->window ? t->chain : t->window;
    int64_t grid = ut_grid_samples(t->params);
    int64_t sample = frame_to_sample(t->params, from - 3 * t->window_frames) / grid * grid;
    return sample > t->options.first_sample ? sample : t->options.first_sample;
}

static ut_status copy_peaks(const ut_peaks *from, ut_peaks *to, ut_err *err)
{
    ut_status rc = UT_OK;
    for (size_t i = 0; i < from->count && rc == UT_OK; i++)
        rc = ut_peaks_add(to, from->items[i], err);
    return rc;
}

ut_status ut_tracker_rematch(const ut_index *index, double max_log10_e, const ut_trail *trail,
                             ut_identification_fn emit, void *arg, ut_err *err)
{
    ut_tracker *t = NULL;
    const ut_tracker_options options = {.max_log10_e = max_log10_e};
    if (trail->params != index->params)
        return ut_fail(err, UT_E_ARG, "trail of %s, index of %s", trail->params->name, index->params->name);
    ut_status rc = ut_tracker_open(index, &options, emit, arg, &t, err);
    if (rc != UT_OK)
        return rc;
    t->rematching = true;
    t->witnesses = trail->witnesses;
    for (int w = 0; w < t->witnesses && rc == UT_OK; w++)
        rc = copy_peaks(&trail->peaks[w], &t->peaks[w], err);
    t->window = (trail->first + t->hop_frames - 1) / t->hop_frames * t->hop_frames;
    for (; rc == UT_OK && t->window + t->window_frames < trail->end; rc = settle(t, t->window)) {
        if ((rc = look(t, t->window, t->window_frames, err)) != UT_OK)
            break;
        t->window += t->hop_frames;
    }
    if (rc == UT_OK)
        rc = conclude(t, trail->end, err);
    ut_tracker_close(&t);
    return rc;
}
