#include "cuesheet/audit.h"

#include <math.h>
#include <stdlib.h>

#include "core/clock.h"
#include "cuesheet/audit_state.h"

/* So much of a claim must have been observed before its absence says anything. */
#define LEAST_OBSERVED_NS (10 * UT_NS_PER_S)

static const struct {
    const char *name, *title;
} outcomes[UT_AUDIT_OUTCOMES] = {
    [UT_AUDIT_MATCHED] = {"matched", "Matched"},
    [UT_AUDIT_WRONG_TIME] = {"wrong-time", "Wrong time"},
    [UT_AUDIT_WRONG_USE] = {"wrong-use", "Wrong use"},
    [UT_AUDIT_WRONG_RECORDING] = {"wrong-recording", "Wrong recording"},
    [UT_AUDIT_CLAIMED_TWICE] = {"claimed-twice", "Claimed twice"},
    [UT_AUDIT_NO_REFERENCE] = {"no-reference", "Not detected: no reference in the catalogue"},
    [UT_AUDIT_CAPTURE_GAP] = {"capture-gap", "Not detected: not captured"},
    [UT_AUDIT_UNMATCHED] = {"music-unmatched", "Not detected: music present but unmatched"},
    [UT_AUDIT_NO_MUSIC] = {"no-music", "Not detected: no music present"},
    [UT_AUDIT_NOT_CLAIMED] = {"not-claimed", "Detected, not claimed"},
    [UT_AUDIT_UNIDENTIFIED] = {"unidentified", "Unidentified music"},
};

const char *ut_audit_outcome_name(ut_audit_outcome outcome)
{
    return outcomes[outcome].name;
}

const char *ut_audit_outcome_title(ut_audit_outcome outcome)
{
    return outcomes[outcome].title;
}

ut_audit_rules ut_audit_rules_default(void)
{
    return (ut_audit_rules){
        .edge_s = 2.0, .duration_s = 2.0, .duration_ratio = 0.1, .search_s = 900.0, .presence_known = true};
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t cover(const ut_span *spans, size_t count, ut_span span)
{
    return ut_spans_cover(spans, count, span.start_ns, span.end_ns);
}

static int64_t unobserved(const ut_audit_state *state, ut_span span)
{
    return cover(state->in->unobserved, state->in->unobserved_count, span);
}

/* --- a group --------------------------------------------------------------------------------- */

typedef struct {
    ut_span claimed, detected; /* hulls */
    int64_t claimed_ns, detected_ns;
    int64_t over_ns;  /* claimed where neither the cues, nor music without a name, nor a gap is */
    int64_t under_ns; /* detected where nothing is claimed */
    ut_span *spans;   /* room for everything at once */
    size_t cues;      /* the first spans: those of the cues, joined */
} extent;

static void widen(ut_span *hull, ut_span span)
{
    if (hull->end_ns == hull->start_ns) {
        *hull = span;
        return;
    }
    hull->start_ns = span.start_ns < hull->start_ns ? span.start_ns : hull->start_ns;
    hull->end_ns = span.end_ns > hull->end_ns ? span.end_ns : hull->end_ns;
}

/* Everything that explains time that the group claims. */
static void claimed_beyond(const ut_audit_state *state, const ut_group *group, extent *e)
{
    size_t count = e->cues;
    for (size_t i = 0; i < state->soft_count; i++)
        if (ut_span_overlap(state->soft[i], e->claimed) > 0)
            e->spans[count++] = state->soft[i];
    for (size_t i = 0; i < state->in->unobserved_count; i++)
        if (ut_span_overlap(state->in->unobserved[i], e->claimed) > 0)
            e->spans[count++] = state->in->unobserved[i];
    count = ut_spans_join(e->spans, count);
    for (size_t c = group->claims; c != UT_NONE; c = state->claims[c].next) {
        ut_span span = state->claims[c].span;
        e->over_ns += ut_span_size(span) - cover(e->spans, count, span);
    }
}

static void extent_of(const ut_audit_state *state, const ut_group *group, ut_span *spans, extent *e)
{
    size_t claims = 0, cues = 0;
    *e = (extent){.spans = spans};
    for (size_t c = group->claims; c != UT_NONE; c = state->claims[c].next) {
        spans[claims++] = state->claims[c].span;
        widen(&e->claimed, state->claims[c].span);
        e->claimed_ns += ut_span_size(state->claims[c].span);
    }
    claims = ut_spans_join(spans, claims);
    for (size_t c = group->cues; c != UT_NONE; c = state->cues[c].next) {
        ut_span span = ut_cue_span(&state->in->cues[c]);
        widen(&e->detected, span);
        e->under_ns += ut_span_size(span) - cover(spans, claims, span);
    }
    for (size_t c = group->cues; c != UT_NONE; c = state->cues[c].next)
        spans[cues++] = ut_cue_span(&state->in->cues[c]);
    e->cues = ut_spans_join(spans, cues);
    for (size_t i = 0; i < e->cues; i++)
        e->detected_ns += ut_span_size(spans[i]);
}

/* How far two edges are apart, less what lies between and excuses it: time that nobody observed and, where more is
 * claimed than detected, music without a name. */
static int64_t edge_error(const ut_audit_state *state, int64_t claimed_ns, int64_t detected_ns, bool more)
{
    ut_span between = {claimed_ns < detected_ns ? claimed_ns : detected_ns, larger(claimed_ns, detected_ns)};
    int64_t excused_ns = unobserved(state, between);
    if (more)
        excused_ns += cover(state->soft, state->soft_count, between);
    return larger(ut_span_size(between) - excused_ns, 0);
}

static void judge_time(const ut_audit_state *state, const ut_group *group, extent *e, ut_audit_finding *f)
{
    const ut_audit_rules *rules = &state->in->rules;
    int64_t edge_ns = ut_seconds(rules->edge_s);
    f->start_diff_s = (double)(e->claimed.start_ns - e->detected.start_ns) / 1e9;
    f->end_diff_s = (double)(e->claimed.end_ns - e->detected.end_ns) / 1e9;
    f->duration_diff_s = (double)(e->claimed_ns - e->detected_ns) / 1e9;
    bool early = edge_error(state, e->claimed.start_ns, e->detected.start_ns, f->start_diff_s < 0) > edge_ns;
    bool late = edge_error(state, e->claimed.end_ns, e->detected.end_ns, f->end_diff_s > 0) > edge_ns;
    claimed_beyond(state, group, e);
    int64_t allowed_ns = ut_seconds(fmax(rules->duration_s, rules->duration_ratio * (double)e->detected_ns / 1e9));
    f->time_differs = group->shifted || early || late || llabs(e->over_ns - e->under_ns) > allowed_ns;
}

/* Audio can tell a bed from music in the foreground; where it is neither or was not measured, nothing is said. */
static bool uses_differ(ut_use claimed, ut_use detected)
{
    return (claimed == UT_USE_BACKGROUND && detected == UT_USE_FOREGROUND) ||
           (claimed == UT_USE_FOREGROUND && detected == UT_USE_BACKGROUND);
}

/* --- a claim --------------------------------------------------------------------------------- */

static ut_audit_outcome judge_missing(const ut_audit_state *state, size_t claim, const ut_audit_finding *f)
{
    int64_t size_ns = f->claimed_ns, observed_ns = size_ns - f->unobserved_ns;
    int64_t edge_ns = ut_seconds(state->in->rules.edge_s);
    if (f->unobserved_ns > 0 &&
        (2 * observed_ns < size_ns || (f->unobserved_ns > edge_ns && observed_ns < LEAST_OBSERVED_NS)))
        return UT_AUDIT_CAPTURE_GAP;
    if (!state->in->referenced[claim])
        return UT_AUDIT_NO_REFERENCE;
    int64_t some_ns = larger(edge_ns < size_ns / 2 ? edge_ns : size_ns / 2, size_ns / 10);
    if (f->music_ns > some_ns || !state->in->rules.presence_known)
        return UT_AUDIT_UNMATCHED;
    return UT_AUDIT_NO_MUSIC;
}

static void judge_claim(const ut_audit_state *state, size_t claim, ut_span *spans, ut_audit_finding *f)
{
    const ut_claim_state *c = &state->claims[claim];
    *f = (ut_audit_finding){.claim = claim,
                            .start_diff_s = NAN,
                            .end_diff_s = NAN,
                            .duration_diff_s = NAN,
                            .claimed_ns = ut_span_size(c->span),
                            .music_ns = cover(state->music, state->music_count, c->span),
                            .unobserved_ns = unobserved(state, c->span)};
    if (c->group == UT_NONE) {
        f->outcome = judge_missing(state, claim, f);
        return;
    }
    const ut_group *group = &state->groups[c->group];
    extent e;
    extent_of(state, group, spans, &e);
    f->detected_ns = e.detected_ns;
    f->confirmed_ns = cover(e.spans, e.cues, c->span);
    f->same_work = group->same == UT_SAME_WORK_ONLY;
    f->recording_differs = group->same < UT_SAME_WORK;
    f->sibling_count = group->claim_count - !c->twice;
    if (c->twice) {
        f->outcome = UT_AUDIT_CLAIMED_TWICE;
        return;
    }
    judge_time(state, group, &e, f);
    bool differs = false, agrees = false;
    for (size_t i = group->cues; i != UT_NONE; i = state->cues[i].next) {
        bool differ = uses_differ(state->in->claims[claim].use, state->in->cues[i].use);
        differs |= differ;
        agrees |= !differ;
    }
    f->use_differs = differs && !agrees;
    f->outcome = f->recording_differs ? UT_AUDIT_WRONG_RECORDING
                 : f->time_differs    ? UT_AUDIT_WRONG_TIME
                 : f->use_differs     ? UT_AUDIT_WRONG_USE
                                      : UT_AUDIT_MATCHED;
}

typedef struct {
    ut_audit *audit;
    size_t capacity;
} links;

static ut_status link_add(links *l, size_t cue, ut_err *err)
{
    if (l->audit->link_count == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 256;
        size_t *grown = reallocarray(l->audit->links, capacity, sizeof *grown);
        if (!grown)
            return ut_fail(err, UT_E_NOMEM, "audit: %zu links", capacity);
        l->audit->links = grown;
        l->capacity = capacity;
    }
    l->audit->links[l->audit->link_count++] = cue;
    return UT_OK;
}

/* The cues that a claim's finding rests on: its group's, then the music without a name that lies in it; without a
 * group, all music in it. */
static ut_status link_cues(const ut_audit_state *state, links *l, ut_audit_finding *f, ut_err *err)
{
    const ut_audit_input *in = state->in;
    const ut_claim_state *c = &state->claims[f->claim];
    bool grouped = c->group != UT_NONE;
    ut_status rc = UT_OK;
    f->first_cue = l->audit->link_count;
    for (size_t i = grouped ? state->groups[c->group].cues : UT_NONE; rc == UT_OK && i != UT_NONE;
         i = state->cues[i].next)
        rc = link_add(l, i, err);
    for (size_t i = ut_audit_first_from(in, c->span.start_ns - state->longest_ns);
         rc == UT_OK && i < in->cue_count && in->cues[i].start_ns < c->span.end_ns; i++)
        if (ut_span_overlap(c->span, ut_cue_span(&in->cues[i])) > 0 &&
            (grouped ? state->cues[i].supports == f->claim : true))
            rc = link_add(l, i, err);
    f->cue_count = l->audit->link_count - f->first_cue;
    return rc;
}

/* --- the whole ------------------------------------------------------------------------------- */

static bool cut_remainder(const ut_audit_input *in, const ut_cue *cue)
{
    return (cue->start_ns == in->start_ns || cue->end_ns == in->end_ns) &&
           cue->end_ns - cue->start_ns <= ut_seconds(in->rules.edge_s);
}

static ut_status judge_cue(const ut_audit_state *state, size_t cue, links *l, ut_err *err)
{
    const ut_cue *what = &state->in->cues[cue];
    if (state->cues[cue].group != UT_NONE || state->cues[cue].supports != UT_NONE || cut_remainder(state->in, what))
        return UT_OK;
    l->audit->findings[l->audit->count++] = (ut_audit_finding){
        .outcome = what->outcome == UT_IDENTIFIED ? UT_AUDIT_NOT_CLAIMED : UT_AUDIT_UNIDENTIFIED,
        .claim = UT_NO_CLAIM,
        .first_cue = l->audit->link_count,
        .cue_count = 1,
        .start_diff_s = NAN,
        .end_diff_s = NAN,
        .duration_diff_s = NAN,
        .detected_ns = what->end_ns - what->start_ns,
    };
    return link_add(l, cue, err);
}

static int64_t finding_start(const ut_audit_input *in, const ut_audit *audit, const ut_audit_finding *f)
{
    return f->claim != UT_NO_CLAIM ? in->claims[f->claim].start_ns : in->cues[audit->links[f->first_cue]].start_ns;
}

typedef struct {
    const ut_audit_input *in;
    const ut_audit *audit;
} order;

static int by_time(const void *a, const void *b, void *arg)
{
    const order *o = arg;
    const ut_audit_finding *one = a, *two = b;
    int64_t start[2] = {finding_start(o->in, o->audit, one), finding_start(o->in, o->audit, two)};
    if (start[0] != start[1])
        return start[0] < start[1] ? -1 : 1;
    if (one->claim != two->claim) /* rows before music that nobody claimed */
        return one->claim < two->claim ? -1 : 1;
    return (one->first_cue > two->first_cue) - (one->first_cue < two->first_cue);
}

static ut_status judge(const ut_audit_state *state, ut_audit *audit, ut_err *err)
{
    const ut_audit_input *in = state->in;
    size_t findings = in->claim_count + in->cue_count + 1;
    size_t spans = in->claim_count + in->cue_count + state->soft_count + in->unobserved_count + 1;
    links l = {.audit = audit};
    ut_status rc = UT_OK;
    ut_span *room = calloc(spans, sizeof *room);
    audit->findings = calloc(findings, sizeof *audit->findings);
    if (!room || !audit->findings)
        rc = ut_fail(err, UT_E_NOMEM, "audit: %zu findings", findings);
    for (size_t i = 0; rc == UT_OK && i < in->claim_count; i++) {
        audit->outside += state->claims[i].outside;
        if (state->claims[i].outside)
            continue;
        ut_audit_finding *f = &audit->findings[audit->count++];
        judge_claim(state, i, room, f);
        rc = link_cues(state, &l, f, err);
    }
    free(room);
    for (size_t i = 0; rc == UT_OK && i < in->cue_count; i++)
        rc = judge_cue(state, i, &l, err);
    if (rc != UT_OK)
        return rc;
    audit->unobserved_ns = ut_spans_cover(in->unobserved, in->unobserved_count, in->start_ns, in->end_ns);
    order o = {in, audit};
    qsort_r(audit->findings, audit->count, sizeof *audit->findings, by_time, &o);
    return UT_OK;
}

ut_status ut_audit_run(const ut_audit_input *input, ut_audit *out, ut_err *err)
{
    ut_audit_state state = {.in = input};
    ut_audit audit = {0};
    if (input->end_ns <= input->start_ns)
        return ut_fail(err, UT_E_ARG, "audit: the range is empty");
    ut_status rc = ut_audit_pairs(&state, err);
    if (rc == UT_OK)
        rc = ut_audit_group(&state, err);
    if (rc == UT_OK)
        rc = judge(&state, &audit, err);
    ut_audit_state_clear(&state);
    if (rc == UT_OK)
        *out = audit;
    else
        ut_audit_clear(&audit);
    return rc;
}

void ut_audit_clear(ut_audit *audit)
{
    free(audit->findings);
    free(audit->links);
    *audit = (ut_audit){0};
}

void ut_audit_sums(const ut_audit *audit, ut_audit_sum sums[UT_AUDIT_OUTCOMES])
{
    for (int i = 0; i < UT_AUDIT_OUTCOMES; i++)
        sums[i] = (ut_audit_sum){0};
    for (size_t i = 0; i < audit->count; i++) {
        const ut_audit_finding *f = &audit->findings[i];
        sums[f->outcome].count++;
        sums[f->outcome].ns += f->claim != UT_NO_CLAIM ? f->claimed_ns : f->detected_ns;
    }
}
