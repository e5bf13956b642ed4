#include "cuesheet/cue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"

ut_cue_rules ut_cue_rules_default(void)
{
    return (ut_cue_rules){
        .merge_gap_s = 2.0,
        .background_lu = -3.0,
        .foreground_lu = 3.0,
        .speech_floor_lufs = -50.0,
    };
}

const char *ut_use_name(ut_use use)
{
    switch (use) {
    case UT_USE_BACKGROUND:
        return "background";
    case UT_USE_FOREGROUND:
        return "foreground";
    case UT_USE_INDISTINGUISHABLE:
        return "indistinguishable";
    case UT_USE_UNKNOWN:
        break;
    }
    return "unknown";
}

/* A silent stem has -infinity LUFS, which orders correctly here; NAN means that nobody measured. */
ut_use ut_use_decide(double music_lufs, double speech_lufs, const ut_cue_rules *rules)
{
    if (isnan(music_lufs) || isnan(speech_lufs))
        return UT_USE_UNKNOWN;
    if (speech_lufs < rules->speech_floor_lufs)
        return isfinite(music_lufs) ? UT_USE_FOREGROUND : UT_USE_UNKNOWN;
    if (music_lufs - speech_lufs <= rules->background_lu)
        return UT_USE_BACKGROUND;
    if (music_lufs - speech_lufs >= rules->foreground_lu)
        return UT_USE_FOREGROUND;
    return UT_USE_INDISTINGUISHABLE;
}

/* Energy mean of two loudnesses that held for a_s and b_s seconds. */
static double mean_lufs(double a, double a_s, double b, double b_s)
{
    if (isnan(a) || isnan(b))
        return isnan(a) ? b : a;
    double total_s = a_s + b_s;
    if (total_s <= 0)
        return a;
    return 10.0 * log10((pow(10.0, a / 10.0) * a_s + pow(10.0, b / 10.0) * b_s) / total_s);
}

/* Nearest millisecond, halves up, on both sides of zero. */
static int64_t to_ms(int64_t ns)
{
    int64_t shifted = ns + 500000;
    return shifted / 1000000 - (shifted % 1000000 < 0);
}

/* Mean of two shares that held for a_s and b_s seconds. */
static double mean_share(double a, double a_s, double b, double b_s)
{
    if (isnan(a) || isnan(b) || a_s + b_s <= 0)
        return isnan(a) ? b : a;
    return (a * a_s + b * b_s) / (a_s + b_s);
}

static double span_s(int64_t start_ns, int64_t end_ns)
{
    return (double)(end_ns - start_ns) / (double)UT_NS_PER_S;
}

static bool same_music(const ut_cue *cue, const ut_airplay *air)
{
    return cue->outcome == air->what.outcome && cue->recording_id == air->what.recording_id &&
           cue->review == air->review && strcmp(cue->usage_code, air->usage_code) == 0 &&
           strcmp(cue->channel, air->channel) == 0;
}

static void cue_from(const ut_airplay *air, ut_cue *cue)
{
    *cue = (ut_cue){
        .outcome = air->what.outcome,
        .recording_id = air->what.recording_id,
        .start_ns = air->start_ns,
        .end_ns = air->end_ns,
        .ref_start_s = air->what.ref_start_s,
        .ref_end_s = air->what.ref_end_s,
        .music_lufs = air->what.music_lufs,
        .speech_lufs = air->what.speech_lufs,
        .mix_lufs = air->what.mix_lufs,
        .speech_share = air->what.speech_share,
        .log10_e = air->what.log10_e,
        .merged = 1,
        .review = air->review,
        .revision = air->revision,
        .segment_id = air->segment_id,
    };
    memcpy(cue->usage_code, air->usage_code, sizeof cue->usage_code);
    memcpy(cue->id, air->id, sizeof cue->id);
    memcpy(cue->channel, air->channel, sizeof cue->channel);
}

static void cue_extend(ut_cue *cue, const ut_airplay *air)
{
    double cue_s = span_s(cue->start_ns, cue->end_ns);
    double air_s = span_s(air->start_ns, air->end_ns);
    cue->music_lufs = mean_lufs(cue->music_lufs, cue_s, air->what.music_lufs, air_s);
    cue->speech_lufs = mean_lufs(cue->speech_lufs, cue_s, air->what.speech_lufs, air_s);
    cue->mix_lufs = mean_lufs(cue->mix_lufs, cue_s, air->what.mix_lufs, air_s);
    cue->speech_share = mean_share(cue->speech_share, cue_s, air->what.speech_share, air_s);
    cue->log10_e = fmin(cue->log10_e, air->what.log10_e);
    if (air->end_ns > cue->end_ns) {
        cue->end_ns = air->end_ns;
        cue->ref_end_s = air->what.ref_end_s;
    }
    cue->merged++;
    cue->revision = air->revision > cue->revision ? air->revision : cue->revision;
    cue->segment_id = air->segment_id;
}

/* Cuts the cue to the programme and fills in what follows from its final extent. False if nothing
 * is left of it. */
static bool cue_finish(ut_cue *cue, const ut_cue_rules *rules)
{
    if (rules->programme_end_ns != 0) {
        if (cue->start_ns < rules->programme_start_ns) {
            cue->ref_start_s += span_s(cue->start_ns, rules->programme_start_ns);
            cue->start_ns = rules->programme_start_ns;
        }
        if (cue->end_ns > rules->programme_end_ns) {
            cue->ref_end_s -= span_s(rules->programme_end_ns, cue->end_ns);
            cue->end_ns = rules->programme_end_ns;
        }
        if (cue->end_ns <= cue->start_ns)
            return false;
    }
    cue->in_ms = to_ms(cue->start_ns - rules->programme_start_ns);
    cue->out_ms = to_ms(cue->end_ns - rules->programme_start_ns);
    cue->duration_ms = cue->out_ms - cue->in_ms;
    if ((double)cue->duration_ms < 1000 * rules->min_length_s)
        return false;
    bool measured = isfinite(cue->music_lufs) && isfinite(cue->speech_lufs);
    cue->delta_lu = measured ? cue->music_lufs - cue->speech_lufs : NAN;
    cue->use = ut_use_decide(cue->music_lufs, cue->speech_lufs, rules);
    cue->ask_visual = cue->use != UT_USE_BACKGROUND && !cue->usage_code[0]; /* unless a person has said */
    if (!cue->usage_code[0])
        memcpy(cue->usage_code, "BI", sizeof "BI");
    return true;
}

/* The newest cue that `air` continues, or NULL. `longest_ns` bounds how far back an open cue can
 * have started. */
static ut_cue *find_open(ut_cue *cues, size_t count, const ut_airplay *air, int64_t gap_ns, int64_t longest_ns)
{
    for (size_t i = count; i-- > 0;) {
        ut_cue *cue = &cues[i];
        if (cue->start_ns < air->start_ns - gap_ns - longest_ns)
            break;
        if (air->start_ns - cue->end_ns <= gap_ns && same_music(cue, air))
            return cue;
    }
    return NULL;
}

ut_status ut_cues_make(const ut_airplay *airplays, size_t count, const ut_cue_rules *rules, ut_cue **cues,
                       size_t *cue_count, ut_err *err)
{
    ut_cue *made = calloc(count ? count : 1, sizeof *made);
    if (!made)
        return ut_fail(err, UT_E_NOMEM, "cues: %zu airplays", count);
    int64_t gap_ns = (int64_t)llround(rules->merge_gap_s * (double)UT_NS_PER_S);
    int64_t longest_ns = 0;
    size_t made_count = 0;
    for (size_t i = 0; i < count; i++) {
        const ut_airplay *air = &airplays[i];
        if (air->end_ns < air->start_ns || (i > 0 && air->start_ns < airplays[i - 1].start_ns)) {
            free(made);
            return ut_fail(err, UT_E_ARG, "cues: airplay %s: out of order", air->id);
        }
        ut_cue *cue = find_open(made, made_count, air, gap_ns, longest_ns);
        if (cue)
            cue_extend(cue, air);
        else
            cue_from(air, cue = &made[made_count++]);
        if (cue->end_ns - cue->start_ns > longest_ns)
            longest_ns = cue->end_ns - cue->start_ns;
    }
    size_t kept = 0;
    for (size_t i = 0; i < made_count; i++) {
        ut_cue cue = made[i];
        if (!cue_finish(&cue, rules))
            continue;
        cue.seq = (int)kept + 1;
        made[kept++] = cue;
    }
    *cues = made;
    *cue_count = kept;
    return UT_OK;
}
