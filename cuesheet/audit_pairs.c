#include <stdlib.h>

#include "cuesheet/audit_state.h"

#define MAX_PAIRS 4000000 /* 160 MB; a day of honest claims makes a few thousand */

static ut_status pair_add(ut_audit_state *state, ut_pair pair, ut_err *err)
{
    if (state->pair_count == state->pair_capacity) {
        size_t capacity = state->pair_capacity ? 2 * state->pair_capacity : 1024;
        if (state->pair_count >= MAX_PAIRS)
            return ut_fail(err, UT_E_ARG, "audit: more than %d overlaps of claims and cues; audit a shorter range",
                           MAX_PAIRS);
        ut_pair *grown = reallocarray(state->pairs, capacity, sizeof *grown);
        if (!grown)
            return ut_fail(err, UT_E_NOMEM, "audit: %zu pairs", capacity);
        state->pairs = grown;
        state->pair_capacity = capacity;
    }
    state->pairs[state->pair_count++] = pair;
    return UT_OK;
}

static ut_status claims_prepare(ut_audit_state *state, ut_err *err)
{
    const ut_audit_input *in = state->in;
    int64_t edge_ns = ut_seconds(in->rules.edge_s);
    for (size_t i = 0; i < in->claim_count; i++) {
        ut_claim_state *claim = &state->claims[i];
        const ut_claim *said = &in->claims[i];
        if (said->end_ns <= said->start_ns)
            return ut_fail(err, UT_E_ARG, "audit: the claim of row %zu has no extent", said->row);
        claim->group = claim->next = UT_NONE;
        claim->span = (ut_span){said->start_ns > in->start_ns ? said->start_ns : in->start_ns,
                                said->end_ns < in->end_ns ? said->end_ns : in->end_ns};
        bool whole = ut_span_size(claim->span) == said->end_ns - said->start_ns;
        claim->outside = ut_span_size(claim->span) <= 0 || (!whole && ut_span_size(claim->span) <= edge_ns);
        ut_status rc = ut_identity_open(&said->what, &claim->id, err);
        if (rc != UT_OK)
            return rc;
    }
    return UT_OK;
}

static ut_status cues_prepare(ut_audit_state *state, ut_err *err)
{
    const ut_audit_input *in = state->in;
    for (size_t i = 0; i < in->cue_count; i++) {
        const ut_cue *cue = &in->cues[i];
        ut_cue_state *made = &state->cues[i];
        if (cue->end_ns <= cue->start_ns || (i > 0 && cue->start_ns < in->cues[i - 1].start_ns))
            return ut_fail(err, UT_E_ARG, "audit: cue %s: out of order", cue->id);
        made->group = made->next = made->supports = UT_NONE;
        state->music[state->music_count++] = ut_cue_span(cue);
        if (cue->outcome != UT_IDENTIFIED)
            state->soft[state->soft_count++] = ut_cue_span(cue);
        ut_status rc = in->recordings[i] ? ut_identity_open(in->recordings[i], &made->id, err) : UT_OK;
        if (rc != UT_OK)
            return rc;
    }
    state->music_count = ut_spans_join(state->music, state->music_count);
    state->soft_count = ut_spans_join(state->soft, state->soft_count);
    return UT_OK;
}

size_t ut_audit_first_from(const ut_audit_input *in, int64_t ns)
{
    size_t low = 0, count = in->cue_count;
    while (count > 0) {
        size_t half = count / 2;
        if (in->cues[low + half].start_ns < ns) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return low;
}

static ut_status claim_pairs(ut_audit_state *state, size_t claim, ut_err *err)
{
    const ut_audit_input *in = state->in;
    const ut_claim_state *c = &state->claims[claim];
    int64_t search_ns = ut_seconds(in->rules.search_s);
    ut_status rc = UT_OK;
    for (size_t i = ut_audit_first_from(in, c->span.start_ns - search_ns - state->longest_ns);
         rc == UT_OK && i < in->cue_count && in->cues[i].start_ns < c->span.end_ns + search_ns; i++) {
        ut_span cue = ut_cue_span(&in->cues[i]);
        ut_pair pair = {.claim = claim, .cue = i, .overlap_ns = ut_span_overlap(c->span, cue)};
        if (cue.start_ns >= c->span.end_ns)
            pair.apart_ns = cue.start_ns - c->span.end_ns;
        else if (c->span.start_ns >= cue.end_ns)
            pair.apart_ns = c->span.start_ns - cue.end_ns;
        if (pair.apart_ns > search_ns)
            continue;
        if (in->cues[i].outcome != UT_UNIDENTIFIED && in->recordings[i])
            pair.same = ut_identity_compare(&c->id, &state->cues[i].id);
        if (pair.overlap_ns > 0 || pair.same >= UT_SAME_WORK)
            rc = pair_add(state, pair, err);
    }
    return rc;
}

ut_status ut_audit_pairs(ut_audit_state *state, ut_err *err)
{
    const ut_audit_input *in = state->in;
    size_t claims = in->claim_count ? in->claim_count : 1, cues = in->cue_count ? in->cue_count : 1;
    state->claims = calloc(claims, sizeof *state->claims);
    state->cues = calloc(cues, sizeof *state->cues);
    state->music = calloc(cues, sizeof *state->music);
    state->soft = calloc(cues, sizeof *state->soft);
    if (!state->claims || !state->cues || !state->music || !state->soft)
        return ut_fail(err, UT_E_NOMEM, "audit: %zu claims, %zu cues", claims, cues);
    ut_status rc = claims_prepare(state, err);
    if (rc == UT_OK)
        rc = cues_prepare(state, err);
    for (size_t i = 0; rc == UT_OK && i < in->cue_count; i++)
        if (in->cues[i].end_ns - in->cues[i].start_ns > state->longest_ns)
            state->longest_ns = in->cues[i].end_ns - in->cues[i].start_ns;
    for (size_t i = 0; rc == UT_OK && i < in->claim_count; i++)
        if (!state->claims[i].outside)
            rc = claim_pairs(state, i, err);
    return rc;
}

void ut_audit_state_clear(ut_audit_state *state)
{
    for (size_t i = 0; state->claims && i < state->in->claim_count; i++)
        ut_identity_clear(&state->claims[i].id);
    for (size_t i = 0; state->cues && i < state->in->cue_count; i++)
        ut_identity_clear(&state->cues[i].id);
    free(state->claims);
    free(state->cues);
    free(state->pairs);
    free(state->groups);
    free(state->music);
    free(state->soft);
    *state = (ut_audit_state){0};
}
