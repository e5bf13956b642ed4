#include <math.h>

#include "apps/explain/explain.h"
#include "cuesheet/json.h"

static json_t *rounded(double value, double unit)
{
    return ut_json_real(round(value / unit) * unit);
}

/* [seconds, Hz, where it is met] */
static json_t *peaks_json(const ut_explained_peaks *peaks, bool of_recording, bool *ok)
{
    json_t *list = json_array();
    for (size_t i = 0; i < peaks->count; i++) {
        const ut_explained_peak *k = &peaks->items[i];
        json_t *met = of_recording ? json_string(ut_witness_name(k->matched)) : json_boolean(k->matched != 0);
        json_t *peak = json_pack("[o, o, o]", rounded(k->time_s, 1e-3), rounded(k->frequency_hz, 0.1), met);
        *ok = json_array_append_new(list, peak) == 0 && *ok;
    }
    return list;
}

static json_t *steps_json(const ut_explanation *x, bool *ok)
{
    json_t *list = json_array();
    for (size_t i = 0; i < x->step_count; i++) {
        const ut_explained_step *s = &x->steps[i];
        json_t *step = json_pack("{s:o, s:i, s:i, s:o}", "start_s", rounded(s->start_s, 1e-3), "peaks", s->peaks,
                                 "found", s->found, "expected", rounded(s->expected, 1e-3));
        *ok = json_array_append_new(list, step) == 0 && *ok;
    }
    return list;
}

static json_t *windows_json(const ut_explanation *x, bool *ok)
{
    json_t *list = json_array();
    for (size_t i = 0; i < x->window_count; i++) {
        const ut_explained_window *w = &x->windows[i];
        json_t *window = json_pack("{s:o, s:o, s:o}", "start_s", rounded(w->start_s, 1e-3), "end_s",
                                   rounded(w->end_s, 1e-3), "log10_e", rounded(w->log10_e, 1e-3));
        *ok = json_array_append_new(list, window) == 0 && *ok;
    }
    return list;
}

/* Only offsets that have votes: [where the recording would begin, votes]. */
static json_t *votes_json(const ut_explanation *x, bool *ok)
{
    json_t *list = json_array();
    for (size_t i = 0; i < x->vote_count; i++) {
        double begin_s = x->votes_first_s + (double)i * x->vote_step_s;
        if (x->votes[i] > 0)
            *ok = json_array_append_new(list, json_pack("[o, I]", rounded(begin_s, 1e-3), (json_int_t)x->votes[i])) ==
                      0 &&
                  *ok;
    }
    return list;
}

static json_t *situations_json(const ut_explanation *x, bool *ok)
{
    json_t *list = json_array();
    for (size_t i = 0; i < x->situation_count; i++) {
        const ut_explained_situation *s = &x->situations[i];
        json_t *one =
            json_pack("{s:o, s:o, s:o, s:o}", "nats", rounded(s->nats, 1e-3), "weight", rounded(s->weight, 1e-4),
                      "shown_in_mix", rounded(s->mix_share, 1e-4), "shown_in_music", rounded(s->music_share, 1e-4));
        *ok = json_array_append_new(list, one) == 0 && *ok;
    }
    return list;
}

static json_t *evidence_json(const ut_explanation *x, bool *ok)
{
    json_t *o = json_object();
    ut_json_put(o, "window_s", rounded(x->window_s, 1e-3), ok);
    ut_json_put(o, "log10_e", rounded(x->log10_e, 1e-3), ok);
    ut_json_put(o, "max_log10_e", rounded(x->max_log10_e, 1e-3), ok);
    ut_json_put(o, "nats", rounded(x->nats, 1e-3), ok);
    ut_json_put(o, "richest_half_second_nats", rounded(x->spike_nats, 1e-3), ok);
    ut_json_put(o, "best_wrong_offset_nats", rounded(x->elsewhere_nats, 1e-3), ok);
    ut_json_put(o, "places", ut_json_real(x->places), ok);
    ut_json_put(o, "situations", situations_json(x, ok), ok);
    return o;
}

json_t *ut_explain_json(const ut_explanation *explanation, const ut_explain_caption *caption)
{
    const ut_explanation *x = explanation;
    bool ok = true;
    json_t *o = json_object();
    ut_json_put(o, "file", ut_json_text(caption->file), &ok);
    ut_json_put(o, "recording", ut_json_recording(caption->recording), &ok);
    ut_json_put(o, "recording_id", json_integer(x->recording_id), &ok);
    ut_json_put(o, "accepted", json_boolean(x->accepted), &ok);
    ut_json_put(o, "begin_s", rounded(x->begin_s, 1e-3), &ok);
    ut_json_put(o, "time_scale", rounded(x->time_scale, 1e-5), &ok);
    ut_json_put(o, "start_s", x->heard ? rounded(x->start_s, 1e-3) : json_null(), &ok);
    ut_json_put(o, "end_s", x->heard ? rounded(x->end_s, 1e-3) : json_null(), &ok);
    ut_json_put(o, "shown", json_pack("[o, o]", rounded(x->from_s, 1e-3), rounded(x->to_s, 1e-3)), &ok);
    ut_json_put(o, "evidence", evidence_json(x, &ok), &ok);
    ut_json_put(o, "support",
                json_pack("{s:I, s:I, s:o}", "peaks", (json_int_t)x->reference_count, "found",
                          (json_int_t)x->found_count, "expected", rounded(x->expected_count, 1e-2)),
                &ok);
    ut_json_put(o, "windows", windows_json(x, &ok), &ok);
    ut_json_put(o, "step_s", rounded(x->step_s, 1e-4), &ok);
    ut_json_put(o, "series", steps_json(x, &ok), &ok);
    ut_json_put(o, "offsets", votes_json(x, &ok), &ok);
    ut_json_put(o, "recording_peaks", peaks_json(&x->reference, true, &ok), &ok);
    ut_json_put(o, "mix_peaks", peaks_json(&x->mix, false, &ok), &ok);
    ut_json_put(o, "music_peaks", peaks_json(&x->music, false, &ok), &ok);
    ut_json_put(o, "versions",
                json_pack("{s:s, s:s, s:o, s:I}", "engine", UT_VERSION, "params", caption->params, "separator",
                          ut_json_text(caption->separator), "catalogue", (json_int_t)caption->catalogue_version),
                &ok);
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}
