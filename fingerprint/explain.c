#include "fingerprint/explain.h"

#include <math.h>
#include <stdlib.h>

#include "fingerprint/coincidence.h"
#include "fingerprint/evidence_prior.h"
#include "fingerprint/follow.h"
#include "fingerprint/peak_stream.h"
#include "fingerprint/window.h"

enum { FOUND_MAX = 16, NEAR = 4 /* frames by which a match may drift, as in track.c */ };
#define SUPPORT_LOG10_E -3.5 /* as in track.c */
#define STEP_S 0.25

/* What is explained: that frame f of the programme, as the recording at its own speed would have it, is frame
 * f + shift of the index's timeline. */
typedef struct {
    const ut_index_track *track; /* NULL: none yet */
    int speed;
    int64_t shift;
    int32_t window; /* of the programme: the one that spoke clearest */
    double log10_e;
} hypothesis;

typedef struct {
    const ut_index *index;
    const ut_params *params;
    const ut_explain_options *options;
    double max_log10_e;
    int witnesses;
    int32_t first, end; /* frames of the programme that there is audio of */
    ut_peaks raw[UT_QUERY_WITNESSES];
    ut_peaks paced[UT_QUERY_WITNESSES]; /* at the speed looked at, */
    ut_peaks dense[UT_QUERY_WITNESSES]; /* and the dense ones of them, which are what is drawn */
    ut_peaks reference;                 /* of the recording; frames count from its beginning */
    ut_query query;
    ut_matcher *matcher;
    ut_evidence_scratch *scratch;
    hypothesis best;
    ut_follow follow;
    int32_t from, to; /* shown, in frames of the recording's speed */
    ut_explanation *out;
} explaining;

/* --- the audio, as peaks and windows ------------------------------------------------------------------------- */

static ut_status find_peaks(explaining *e, const ut_explain_audio *audio, int witness, const float *samples,
                            ut_err *err)
{
    const ut_params *p = e->params;
    int64_t grid = ut_grid_samples(p), aligned = (audio->first_sample + grid - 1) / grid * grid;
    size_t skip = (size_t)(aligned - audio->first_sample);
    ut_peak_stream *stream = NULL;
    if (skip >= audio->frames)
        return ut_fail(err, UT_E_ARG, "explain: %zu samples of audio", audio->frames);
    e->first = (int32_t)(aligned * p->rate_hz / UT_RATE_HZ / p->hop);
    ut_status rc = ut_peak_stream_open(p, &p->query, e->first, &stream, err);
    if (rc == UT_OK)
        rc = ut_peak_stream_push(stream, samples + skip, audio->frames - skip, &e->raw[witness], err);
    if (rc == UT_OK)
        rc = ut_peak_stream_finish(stream, &e->raw[witness], err);
    if (rc == UT_OK)
        e->end = ut_peak_stream_settled(stream);
    ut_peak_stream_close(&stream);
    if (rc == UT_OK && e->end <= e->first)
        rc = ut_fail(err, UT_E_ARG, "explain: %zu samples of audio", audio->frames);
    return rc;
}

/* Window i: those of the tracker, and a last one that ends with the audio. */
static bool window_at(const explaining *e, size_t i, int32_t *first, int32_t *frames)
{
    int32_t hop = ut_window_hop(e->params), whole = ut_window_frames(e->params);
    int32_t begin = (e->first + hop - 1) / hop * hop + (int32_t)i * hop, last = e->end - whole;
    if (begin > last) {
        if (i > 0 && begin - hop >= last)
            return false;
        begin = last > e->first ? last : e->first;
    }
    *first = begin;
    *frames = e->end - begin < whole ? e->end - begin : whole;
    return *frames > 0;
}

static const ut_peaks *witness(const explaining *e, int w)
{
    return w < e->witnesses ? &e->paced[w] : NULL;
}

static ut_status take_speed(explaining *e, int speed, ut_err *err)
{
    ut_status rc = UT_OK;
    for (int w = 0; w < e->witnesses && rc == UT_OK; w++) {
        const ut_peaks *paced = &e->paced[w];
        rc = ut_peaks_pace(e->params, speed, &e->raw[w], &e->paced[w], err);
        e->dense[w].count = 0;
        for (size_t i = 0; i < paced->count && rc == UT_OK; i++)
            if (paced->items[i].grade <= UT_PEAK_DENSE)
                rc = ut_peaks_add(&e->dense[w], paced->items[i], err);
    }
    return rc;
}

static ut_status take_window(explaining *e, int speed, int32_t first, int32_t frames, ut_err *err)
{
    int32_t begin = ut_speed_to_recording(speed, first), end = ut_speed_to_recording(speed, first + frames);
    end = end - begin > UT_QUERY_FRAMES_MAX ? begin + UT_QUERY_FRAMES_MAX : end;
    return ut_query_set(&e->query, begin, end - begin, witness(e, 0), witness(e, 1), err);
}

/* --- which recording, and where ------------------------------------------------------------------------------ */

static ut_status search_speed(explaining *e, int speed, ut_err *err)
{
    ut_match found[FOUND_MAX];
    int32_t first, frames;
    ut_status rc = take_speed(e, speed, err);
    for (size_t i = 0; rc == UT_OK && window_at(e, i, &first, &frames); i++) {
        if ((rc = take_window(e, speed, first, frames, err)) != UT_OK)
            break;
        size_t count = ut_matcher_find(e->matcher, &e->query, found, FOUND_MAX);
        for (size_t k = 0; k < count; k++) {
            if (e->options->recording_id && found[k].track->recording_id != e->options->recording_id)
                continue;
            if (e->best.track && found[k].log10_e >= e->best.log10_e)
                continue;
            e->best =
                (hypothesis){found[k].track, speed, found[k].evidence.begin - e->query.first, first, found[k].log10_e};
        }
    }
    return rc;
}

static const ut_index_track *track_of(const ut_index *x, int64_t recording_id)
{
    for (size_t i = 0; i < x->track_count; i++)
        if (x->tracks[i].recording_id == recording_id && !x->tracks[i].gone)
            return &x->tracks[i];
    return NULL;
}

static ut_status read_reference(explaining *e, const ut_index_track *track, ut_err *err)
{
    ut_peak peaks[UT_INDEX_PEAKS_MAX];
    ut_status rc = UT_OK;
    for (int32_t from = 0; from < (int32_t)track->frames && rc == UT_OK; from += UT_INDEX_PAD_FRAMES) {
        int32_t frames = (int32_t)track->frames - from;
        frames = frames < UT_INDEX_PAD_FRAMES ? frames : UT_INDEX_PAD_FRAMES;
        size_t count = ut_index_peaks(e->index, track->origin + from, frames, peaks, UT_INDEX_PEAKS_MAX);
        for (size_t i = 0; i < count && rc == UT_OK; i++) {
            peaks[i].frame += from;
            rc = ut_peaks_add(&e->reference, peaks[i], err);
        }
    }
    return rc;
}

/* Where in the programme the recording's beginning lies, if its frame is `offset` ahead of the programme's. */
static double begin_s(const explaining *e, int64_t offset)
{
    return -(double)offset * e->params->hop / e->params->rate_hz / ut_speed(e->best.speed);
}

static ut_status count_votes(explaining *e, const ut_index_track *track, ut_err *err)
{
    ut_explanation *x = e->out;
    int32_t first = -ut_speed_to_recording(e->best.speed, e->end);
    int32_t last = (int32_t)track->frames - ut_speed_to_recording(e->best.speed, e->first);
    uint32_t *votes = NULL;
    x->vote_count = (size_t)(last - first);
    ut_status rc =
        ut_coincidence_votes(e->params, &e->reference, e->dense, e->witnesses, first, x->vote_count, &votes, err);
    if (rc != UT_OK)
        return rc;
    size_t top = 0;
    for (size_t i = 1; i < x->vote_count; i++)
        top = votes[i] > votes[top] ? i : top;
    if (!e->best.track) { /* the search found nothing: what has most votes is the best there is to say for it */
        int32_t begin = -(first + (int32_t)top), last_window = e->end - ut_window_frames(e->params);
        begin = begin > last_window ? last_window : begin;
        e->best = (hypothesis){.track = track,
                               .shift = track->origin + first + (int64_t)top,
                               .window = begin > e->first ? begin : e->first,
                               .log10_e = NAN};
    }
    x->votes = malloc((x->vote_count + 1) * sizeof *x->votes);
    if (!x->votes)
        rc = ut_fail(err, UT_E_NOMEM, "%zu offsets", x->vote_count);
    for (size_t i = 0; x->votes && i < x->vote_count; i++) /* a later beginning is a smaller offset */
        x->votes[i] = votes[x->vote_count - 1 - i];
    x->votes_first_s = begin_s(e, last - 1);
    x->vote_step_s = begin_s(e, -1);
    free(votes);
    return rc;
}

static ut_status search(explaining *e, ut_err *err)
{
    int64_t wanted = e->options->recording_id;
    const ut_index_track *track = wanted ? track_of(e->index, wanted) : NULL;
    if (wanted && !track)
        return ut_fail(err, UT_E_NOTFOUND, "recording %lld: not in the index", (long long)wanted);
    ut_status rc = UT_OK;
    for (int speed = 0; speed < UT_SPEEDS && rc == UT_OK; speed++)
        if (!e->best.track || e->best.log10_e > e->max_log10_e)
            rc = search_speed(e, speed, err);
    if (rc == UT_OK && !track && !e->best.track)
        return ut_fail(err, UT_E_NOTFOUND, "no recording of the catalogue has anything in common with this audio");
    track = track ? track : e->best.track;
    if (rc == UT_OK)
        rc = read_reference(e, track, err);
    if (rc == UT_OK)
        rc = take_speed(e, e->best.speed, err);
    return rc == UT_OK ? count_votes(e, track, err) : rc;
}

/* --- how clear ----------------------------------------------------------------------------------------------- */

static double places_of(const ut_index *x)
{
    return x->places > 0 ? (double)x->places : 1.0;
}

/* What the search says of the hypothesis in this window, if it finds it there; else what one trial says, times the
 * places there are. */
static double window_log10_e(explaining *e, const ut_match *tested)
{
    ut_match found[FOUND_MAX];
    size_t count = ut_matcher_find(e->matcher, &e->query, found, FOUND_MAX);
    for (size_t i = 0; i < count; i++)
        if (found[i].track == e->best.track && llabs(found[i].evidence.begin - e->query.first - e->best.shift) <= NEAR)
            return found[i].log10_e;
    return tested->log10_e + log10(places_of(e->index));
}

static ut_status weigh_windows(explaining *e, ut_err *err)
{
    ut_explanation *x = e->out;
    const hypothesis *h = &e->best;
    int32_t first, frames;
    ut_status rc = UT_OK;
    while (window_at(e, x->window_count, &first, &frames))
        x->window_count++;
    if (!(x->windows = calloc(x->window_count + 1, sizeof *x->windows)))
        return ut_fail(err, UT_E_NOMEM, "%zu windows", x->window_count);
    e->follow = (ut_follow){.speed = h->speed};
    for (size_t i = 0; i < x->window_count && window_at(e, i, &first, &frames); i++) {
        ut_explained_window *w = &x->windows[i];
        ut_match m;
        *w = (ut_explained_window){.start_s = (double)ut_frame_middle_sample(e->params, first) / UT_RATE_HZ,
                                   .end_s = (double)ut_frame_middle_sample(e->params, first + frames) / UT_RATE_HZ,
                                   .log10_e = NAN};
        if ((rc = take_window(e, h->speed, first, frames, err)) != UT_OK)
            return rc;
        if (!ut_matcher_test(e->matcher, &e->query, e->query.first + h->shift, &m) || m.track != h->track)
            continue;
        double alone = m.log10_e;
        w->log10_e = window_log10_e(e, &m);
        m.log10_e = w->log10_e;
        if (alone <= SUPPORT_LOG10_E && (e->follow.windows > 0 || m.log10_e <= e->max_log10_e))
            ut_follow_support(&e->follow, first, &m);
        if (isnan(h->log10_e) || w->log10_e < e->best.log10_e) {
            e->best.log10_e = w->log10_e;
            e->best.window = first;
        }
    }
    return UT_OK;
}

static ut_status weigh_best(explaining *e, ut_err *err)
{
    ut_explanation *x = e->out;
    int32_t frames = ut_window_frames(e->params);
    const ut_evidence_prior *prior = e->witnesses > 1 ? &UT_EVIDENCE_JOINT : &UT_EVIDENCE_ALONE;
    double nats[UT_EVIDENCE_SITUATIONS];
    ut_evidence evidence;
    x->window_s = (double)ut_frame_middle_sample(e->params, e->best.window) / UT_RATE_HZ;
    x->log10_e = e->best.log10_e;
    frames = e->end - e->best.window < frames ? e->end - e->best.window : frames;
    ut_status rc = take_window(e, e->best.speed, e->best.window, frames, err);
    if (rc != UT_OK || !ut_evidence_weigh(e->scratch, e->index, &e->query, e->query.first + e->best.shift, &evidence))
        return rc;
    x->nats = evidence.nats;
    x->spike_nats = evidence.nats - ut_evidence_spread(e->scratch);
    x->elsewhere_nats = ut_evidence_elsewhere(e->scratch);
    ut_evidence_situations(e->scratch, nats);
    x->situation_count = UT_EVIDENCE_SITUATIONS;
    for (int g = 0; g < UT_EVIDENCE_SITUATIONS; g++) {
        ut_explained_situation *s = &x->situations[g];
        *s = (ut_explained_situation){.nats = nats[g], .weight = prior->weight[g]};
        for (int z = 0; z < UT_EVIDENCE_STATES; z++) {
            s->mix_share += prior->presence[g][z] * (z / UT_EVIDENCE_SIGHTS >= 2);
            s->music_share += prior->presence[g][z] * (z % UT_EVIDENCE_SIGHTS >= 2);
        }
    }
    return UT_OK;
}

/* From where to where it sounds, as the tracker finds it. */
static ut_status find_stretch(explaining *e, ut_err *err)
{
    ut_explanation *x = e->out;
    ut_stretch s;
    int32_t begin = ut_speed_to_recording(e->best.speed, e->first), end = ut_speed_to_recording(e->best.speed, e->end);
    if (e->follow.windows == 0 || !(e->best.log10_e <= e->max_log10_e))
        return UT_OK;
    e->follow.trace = ut_trace_start(e->index, e->best.track, e->best.shift, begin);
    ut_status rc = ut_trace_extend(&e->follow.trace, end, witness(e, 0), witness(e, 1), err);
    if (rc == UT_OK && ut_follow_stretch(&e->follow, &s)) {
        x->heard = true;
        x->start_s = (double)ut_frame_middle_sample(e->params, s.start) / UT_RATE_HZ;
        x->end_s = (double)ut_frame_middle_sample(e->params, s.end) / UT_RATE_HZ;
    }
    ut_trace_clear(&e->follow.trace);
    return rc;
}

/* --- what is shown ------------------------------------------------------------------------------------------- */

/* Of a frame at the recording's speed. */
static double time_of(const explaining *e, int32_t frame)
{
    const ut_params *p = e->params;
    return frame / ut_speed(e->best.speed) * p->hop / p->rate_hz + p->fft / 2.0 / p->rate_hz;
}

static double frequency_of(const explaining *e, int bin)
{
    return (double)bin * e->params->rate_hz / e->params->fft * ut_speed(e->best.speed);
}

static void choose_range(explaining *e)
{
    ut_explanation *x = e->out;
    const ut_params *p = e->params;
    double speed = ut_speed(e->best.speed), frames_per_s = (double)p->rate_hz / p->hop * speed;
    double middle_s = p->fft / 2.0 / p->rate_hz, context = e->options->context_s;
    e->from = ut_speed_to_recording(e->best.speed, e->first);
    e->to = ut_speed_to_recording(e->best.speed, e->end);
    if (context >= 0) {
        double start = x->heard ? x->start_s : x->window_s,
               end = x->heard ? x->end_s : x->window_s + UT_WINDOW_MS / 1000.0;
        e->from = (int32_t)fmax(e->from, floor((start - context - middle_s) * frames_per_s));
        e->to = (int32_t)fmin(e->to, ceil((end + context - middle_s) * frames_per_s));
    }
    x->from_s = time_of(e, e->from);
    x->to_s = time_of(e, e->to);
}

static void keep_peak(explaining *e, ut_explained_peaks *list, ut_peak peak, ut_witness matched)
{
    list->items[list->count++] = (ut_explained_peak){time_of(e, peak.frame), frequency_of(e, peak.bin), matched};
}

static ut_status reserve(ut_explained_peaks *list, size_t count, ut_err *err)
{
    list->items = malloc((count + 1) * sizeof *list->items);
    return list->items ? UT_OK : ut_fail(err, UT_E_NOMEM, "%zu peaks", count);
}

static void add_reference(explaining *e, const ut_peak_map maps[UT_QUERY_WITNESSES], ut_peak peak, int32_t step_frames)
{
    ut_explanation *x = e->out;
    ut_witness matched = (ut_peak_map_has(&maps[0], peak.frame, peak.bin) ? UT_WITNESS_MIX : 0) |
                         (ut_peak_map_has(&maps[1], peak.frame, peak.bin) ? UT_WITNESS_MUSIC : 0);
    double chance = ut_coincidence_chance(&maps[0], &maps[1], peak), time_s = time_of(e, peak.frame);
    ut_explained_step *step = &x->steps[(peak.frame - e->from) / step_frames];
    step->peaks++;
    step->found += matched != 0;
    step->expected += chance;
    if (!x->heard || (time_s >= x->start_s && time_s < x->end_s)) {
        x->reference_count++;
        x->found_count += matched != 0;
        x->expected_count += chance;
    }
    keep_peak(e, &x->reference, peak, matched);
}

static ut_status show_reference(explaining *e, const ut_peak_map maps[UT_QUERY_WITNESSES], ut_err *err)
{
    ut_explanation *x = e->out;
    const ut_params *p = e->params;
    int32_t step_frames = (int32_t)lround(STEP_S * p->rate_hz / p->hop);
    x->step_count = (size_t)(e->to - e->from + step_frames - 1) / (size_t)step_frames;
    x->step_s = step_frames * (double)p->hop / p->rate_hz / ut_speed(e->best.speed);
    if (!(x->steps = calloc(x->step_count + 1, sizeof *x->steps)))
        return ut_fail(err, UT_E_NOMEM, "%zu steps", x->step_count);
    for (size_t i = 0; i < x->step_count; i++)
        x->steps[i].start_s = x->from_s + (double)i * x->step_s;
    ut_status rc = reserve(&x->reference, e->reference.count, err);
    for (size_t i = 0; i < e->reference.count && rc == UT_OK; i++) {
        ut_peak peak = e->reference.items[i];
        int64_t frame = peak.frame + e->best.track->origin - e->best.shift;
        if (frame < e->from || frame >= e->to)
            continue;
        peak.frame = (int32_t)frame;
        add_reference(e, maps, peak, step_frames);
    }
    return rc;
}

static ut_status show_witness(explaining *e, int w, ut_explained_peaks *out, ut_err *err)
{
    ut_peaks placed = {0};
    ut_peak_map map = {0};
    ut_status rc = reserve(out, e->dense[w].count, err);
    for (size_t i = 0; i < e->reference.count && rc == UT_OK; i++) {
        ut_peak peak = e->reference.items[i];
        int64_t frame = peak.frame + e->best.track->origin - e->best.shift;
        peak.frame = (int32_t)frame;
        if (frame >= e->from - 1 && frame <= e->to)
            rc = ut_peaks_add(&placed, peak, err);
    }
    if (rc == UT_OK)
        rc = ut_peak_map_fill(&placed, e->from, e->to - e->from, &map, err);
    for (size_t i = 0; i < e->dense[w].count && rc == UT_OK; i++) {
        ut_peak peak = e->dense[w].items[i];
        if (peak.frame < e->from || peak.frame >= e->to)
            continue;
        bool matched = ut_peak_map_has(&map, peak.frame, peak.bin);
        keep_peak(e, out, peak, !matched ? UT_WITNESS_NONE : w ? UT_WITNESS_MUSIC : UT_WITNESS_MIX);
    }
    ut_peak_map_clear(&map);
    ut_peaks_clear(&placed);
    return rc;
}

static ut_status show(explaining *e, ut_err *err)
{
    ut_peak_map maps[UT_QUERY_WITNESSES] = {{0}};
    int32_t begin = ut_speed_to_recording(e->best.speed, e->first), end = ut_speed_to_recording(e->best.speed, e->end);
    ut_status rc = UT_OK;
    choose_range(e);
    for (int w = 0; w < e->witnesses && rc == UT_OK; w++)
        rc = ut_peak_map_fill(&e->dense[w], begin, end - begin, &maps[w], err);
    if (rc == UT_OK)
        rc = show_reference(e, maps, err);
    if (rc == UT_OK)
        rc = show_witness(e, 0, &e->out->mix, err);
    if (rc == UT_OK && e->witnesses > 1)
        rc = show_witness(e, 1, &e->out->music, err);
    for (int w = 0; w < UT_QUERY_WITNESSES; w++)
        ut_peak_map_clear(&maps[w]);
    return rc;
}

/* --- all of it ----------------------------------------------------------------------------------------------- */

static ut_status prepare(explaining *e, const ut_explain_audio *audio, ut_err *err)
{
    ut_status rc = ut_query_init(&e->query, e->params, err);
    if (rc == UT_OK)
        rc = ut_matcher_open(e->index, &e->matcher, err);
    if (rc == UT_OK)
        rc = ut_evidence_open(&e->scratch, err);
    if (rc == UT_OK)
        rc = find_peaks(e, audio, 0, audio->mix, err);
    if (rc == UT_OK && audio->music)
        rc = find_peaks(e, audio, 1, audio->music, err);
    return rc;
}

static void describe(explaining *e)
{
    ut_explanation *x = e->out;
    const hypothesis *h = &e->best;
    x->recording_id = h->track->recording_id;
    x->time_scale = 1.0 / ut_speed(h->speed);
    x->begin_s = begin_s(e, h->shift - h->track->origin);
    x->recording_s = (double)h->track->frames * e->params->hop / e->params->rate_hz;
    x->max_log10_e = e->max_log10_e;
    x->accepted = h->log10_e <= e->max_log10_e;
    x->places = places_of(e->index);
}

static void release(explaining *e)
{
    for (int w = 0; w < UT_QUERY_WITNESSES; w++) {
        ut_peaks_clear(&e->raw[w]);
        ut_peaks_clear(&e->paced[w]);
        ut_peaks_clear(&e->dense[w]);
    }
    ut_peaks_clear(&e->reference);
    ut_query_clear(&e->query);
    ut_matcher_close(&e->matcher);
    ut_evidence_close(&e->scratch);
}

ut_status ut_explain(const ut_index *index, const ut_explain_audio *audio, const ut_explain_options *options,
                     ut_explanation *out, ut_err *err)
{
    ut_explanation x = {.log10_e = NAN};
    explaining e = {.index = index,
                    .params = index->params,
                    .options = options,
                    .max_log10_e = options->max_log10_e != 0 ? options->max_log10_e : UT_MATCH_LOG10_E_DEFAULT,
                    .witnesses = audio->music ? 2 : 1,
                    .out = &x};
    ut_status rc = prepare(&e, audio, err);
    if (rc == UT_OK)
        rc = search(&e, err);
    if (rc == UT_OK)
        rc = weigh_windows(&e, err);
    if (rc == UT_OK)
        rc = weigh_best(&e, err);
    if (rc == UT_OK)
        rc = find_stretch(&e, err);
    if (rc == UT_OK)
        rc = show(&e, err);
    if (rc == UT_OK) {
        describe(&e);
        *out = x;
    } else {
        ut_explanation_clear(&x);
    }
    release(&e);
    return rc;
}

void ut_explanation_clear(ut_explanation *explanation)
{
    free(explanation->reference.items);
    free(explanation->mix.items);
    free(explanation->music.items);
    free(explanation->steps);
    free(explanation->windows);
    free(explanation->votes);
    *explanation = (ut_explanation){0};
}
