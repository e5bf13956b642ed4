#include "fingerprint/follow.h"

#include <math.h>

static const double SPEEDS[UT_SPEEDS] = {1.0, 25.0 / 24.0, 24.0 / 25.0};

double ut_speed(int speed)
{
    return SPEEDS[speed];
}

int32_t ut_speed_to_recording(int speed, int32_t frame)
{
    return (int32_t)lround(frame * SPEEDS[speed]);
}

int32_t ut_speed_to_programme(int speed, int32_t frame)
{
    return (int32_t)lround(frame / SPEEDS[speed]);
}

ut_status ut_peaks_pace(const ut_params *params, int speed, const ut_peaks *in, ut_peaks *out, ut_err *err)
{
    out->count = 0;
    for (size_t i = 0; i < in->count; i++) {
        ut_peak peak = in->items[i];
        peak.frame = ut_speed_to_recording(speed, peak.frame);
        peak.bin = (uint16_t)lround(peak.bin / ut_speed(speed));
        if (peak.bin < params->low_bin || peak.bin >= params->high_bin)
            continue;
        ut_status rc = ut_peaks_add(out, peak, err);
        if (rc != UT_OK)
            return rc;
    }
    return UT_OK;
}

void ut_follow_support(ut_follow *follow, int32_t at, const ut_match *match)
{
    ut_follow *f = follow;
    if (f->windows && f->last_window == at)
        return;
    if (f->windows == 0 || match->log10_e < f->best.log10_e)
        f->best = *match;
    f->last_window = at;
    f->windows++;
    f->chance += match->evidence.chance;
    f->found += match->evidence.found;
    f->witnesses[0] += (match->evidence.witness & UT_WITNESS_MIX) != 0;
    f->witnesses[1] += (match->evidence.witness & UT_WITNESS_MUSIC) != 0;
}

bool ut_follow_stretch(const ut_follow *follow, ut_stretch *out)
{
    const ut_follow *f = follow;
    ut_stretch s;
    if (!ut_trace_stretch(&f->trace, f->chance / f->windows, f->found / f->windows, &s))
        return false;
    *out = (ut_stretch){.start = ut_speed_to_programme(f->speed, s.start),
                        .end = ut_speed_to_programme(f->speed, s.end),
                        .nats = s.nats};
    return true;
}

ut_identification ut_follow_identify(const ut_follow *follow, const ut_params *params, const ut_stretch *stretch)
{
    const ut_follow *f = follow;
    int64_t origin = f->best.track->origin - f->trace.shift;
    int64_t ref_start = ut_speed_to_recording(f->speed, stretch->start) - origin;
    int64_t ref_end = ut_speed_to_recording(f->speed, stretch->end) - origin;
    double frame_s = (double)params->hop / params->rate_hz, middle_s = params->fft / 2.0 / params->rate_hz;
    return (ut_identification){
        .outcome = 2 * f->twins > f->windows ? UT_AMBIGUOUS : UT_IDENTIFIED,
        .witness = (2 * f->witnesses[0] > f->windows ? UT_WITNESS_MIX : 0) |
                   (2 * f->witnesses[1] > f->windows ? UT_WITNESS_MUSIC : 0),
        .start_sample = ut_frame_middle_sample(params, stretch->start),
        .end_sample = ut_frame_middle_sample(params, stretch->end),
        .recording_id = f->best.track->recording_id,
        .ref_start_s = (double)ref_start * frame_s + middle_s,
        .ref_end_s = (double)ref_end * frame_s + middle_s,
        .time_scale = 1.0 / SPEEDS[f->speed],
        .log10_e = f->best.log10_e,
        .score = stretch->nats,
        .music_lufs = NAN,
        .speech_lufs = NAN,
        .mix_lufs = NAN,
    };
}

int64_t ut_frame_middle_sample(const ut_params *params, int64_t frame)
{
    return (frame * params->hop + params->fft / 2) * UT_RATE_HZ / params->rate_hz;
}
