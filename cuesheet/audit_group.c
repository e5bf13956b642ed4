#include <stdlib.h>

#include "cuesheet/audit_state.h"

#define MAX_ROWS 1000 /* that claim one use: more is no honest sheet, and slow */

/* Most overlap first, then the nearest, then the surest; the rest only makes the order one. */
static int by_fit(const void *a, const void *b)
{
    const ut_pair *one = a, *two = b;
    if (one->overlap_ns != two->overlap_ns)
        return one->overlap_ns > two->overlap_ns ? -1 : 1;
    if (one->apart_ns != two->apart_ns)
        return one->apart_ns < two->apart_ns ? -1 : 1;
    if (one->same != two->same)
        return one->same > two->same ? -1 : 1;
    if (one->claim != two->claim)
        return one->claim < two->claim ? -1 : 1;
    return one->cue < two->cue ? -1 : one->cue > two->cue;
}

static void claim_join(ut_audit_state *state, size_t claim, size_t group)
{
    state->claims[claim].group = group;
    state->claims[claim].next = state->groups[group].claims;
    state->groups[group].claims = claim;
    state->groups[group].claim_count++;
}

static void cue_join(ut_audit_state *state, size_t cue, size_t group)
{
    state->cues[cue].group = group;
    state->cues[cue].next = state->groups[group].cues;
    state->groups[group].cues = cue;
}

static bool both_free(const ut_audit_state *state, const ut_pair *pair)
{
    return state->claims[pair->claim].group == UT_NONE && state->cues[pair->cue].group == UT_NONE;
}

static void pair_up(ut_audit_state *state, const ut_pair *pair)
{
    state->groups[state->group_count] =
        (ut_group){.claims = UT_NONE, .cues = UT_NONE, .shifted = pair->overlap_ns == 0, .same = pair->same};
    claim_join(state, pair->claim, state->group_count);
    cue_join(state, pair->cue, state->group_count);
    state->group_count++;
}

/* A claim may cover a use that was heard in several pieces. */
static void take_pieces(ut_audit_state *state)
{
    for (size_t i = 0; i < state->pair_count; i++) {
        const ut_pair *pair = &state->pairs[i];
        size_t group = state->claims[pair->claim].group;
        if (pair->same >= UT_SAME_WORK && group != UT_NONE && state->cues[pair->cue].group == UT_NONE &&
            2 * pair->overlap_ns >= ut_span_size(ut_cue_span(&state->in->cues[pair->cue])))
            cue_join(state, pair->cue, group);
    }
}

/* A use may be claimed in several rows; what a row of its group already claims is claimed twice. */
static ut_status take_rows(ut_audit_state *state, ut_err *err)
{
    for (size_t i = 0; i < state->pair_count; i++) {
        const ut_pair *pair = &state->pairs[i];
        ut_claim_state *claim = &state->claims[pair->claim];
        size_t group = state->cues[pair->cue].group;
        if (pair->same < UT_SAME_WORK || group == UT_NONE || claim->group != UT_NONE)
            continue;
        int64_t size_ns = ut_span_size(claim->span), claimed_ns = 0;
        for (size_t c = state->groups[group].claims; c != UT_NONE; c = state->claims[c].next)
            claimed_ns += ut_span_overlap(claim->span, state->claims[c].span);
        claim->twice = 2 * claimed_ns >= size_ns;
        if (claim->twice)
            claim->group = group;
        else if (2 * pair->overlap_ns >= size_ns)
            claim_join(state, pair->claim, group);
        if (state->groups[group].claim_count > MAX_ROWS)
            return ut_fail(err, UT_E_ARG, "audit: row %zu: more than %d rows claim the same use",
                           state->in->claims[pair->claim].row, MAX_ROWS);
    }
    return UT_OK;
}

/* Another recording instead: a version of the work, or music that for the most part lies where the claim does. */
static bool instead(const ut_audit_state *state, const ut_pair *pair, ut_sameness same)
{
    const ut_cue *cue = &state->in->cues[pair->cue];
    if (pair->same != same || pair->overlap_ns == 0 || cue->outcome != UT_IDENTIFIED || !both_free(state, pair))
        return false;
    return same == UT_SAME_WORK_ONLY || (2 * pair->overlap_ns >= ut_span_size(state->claims[pair->claim].span) &&
                                         2 * pair->overlap_ns >= ut_span_size(ut_cue_span(cue)));
}

/* Music without a name lies in a claim if claims cover half of it. */
static ut_status support(ut_audit_state *state, ut_err *err)
{
    int64_t *covered_ns = calloc(state->in->cue_count ? state->in->cue_count : 1, sizeof *covered_ns);
    if (!covered_ns)
        return ut_fail(err, UT_E_NOMEM, "audit: %zu cues", state->in->cue_count);
    for (size_t i = 0; i < state->pair_count; i++) { /* the claim with the most overlap comes first */
        const ut_pair *pair = &state->pairs[i];
        const ut_claim_state *claim = &state->claims[pair->claim];
        ut_cue_state *cue = &state->cues[pair->cue];
        if (state->in->cues[pair->cue].outcome == UT_IDENTIFIED || cue->group != UT_NONE || claim->twice ||
            (claim->group != UT_NONE && state->groups[claim->group].shifted) || pair->overlap_ns == 0)
            continue;
        covered_ns[pair->cue] += pair->overlap_ns;
        if (cue->supports == UT_NONE)
            cue->supports = pair->claim;
    }
    for (size_t i = 0; i < state->in->cue_count; i++)
        if (2 * covered_ns[i] < ut_span_size(ut_cue_span(&state->in->cues[i])))
            state->cues[i].supports = UT_NONE;
    free(covered_ns);
    return UT_OK;
}

ut_status ut_audit_group(ut_audit_state *state, ut_err *err)
{
    const ut_pair *pairs = state->pairs;
    size_t room = state->in->claim_count ? state->in->claim_count : 1;
    state->groups = calloc(room, sizeof *state->groups);
    if (!state->groups)
        return ut_fail(err, UT_E_NOMEM, "audit: %zu claims", room);
    if (state->pair_count > 1)
        qsort(state->pairs, state->pair_count, sizeof *state->pairs, by_fit);
    for (size_t i = 0; i < state->pair_count; i++)
        if (pairs[i].same >= UT_SAME_WORK && pairs[i].overlap_ns > 0 && both_free(state, &pairs[i]))
            pair_up(state, &pairs[i]);
    take_pieces(state);
    ut_status rc = take_rows(state, err);
    if (rc != UT_OK)
        return rc;
    for (size_t i = 0; i < state->pair_count; i++)
        if (pairs[i].same >= UT_SAME_WORK && both_free(state, &pairs[i])) /* somewhere else */
            pair_up(state, &pairs[i]);
    for (size_t i = 0; i < state->pair_count; i++)
        if (instead(state, &pairs[i], UT_SAME_WORK_ONLY))
            pair_up(state, &pairs[i]);
    for (size_t i = 0; i < state->pair_count; i++)
        if (instead(state, &pairs[i], UT_SAME_NOT))
            pair_up(state, &pairs[i]);
    return support(state, err);
}
