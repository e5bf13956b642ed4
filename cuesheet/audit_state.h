/* What the steps of an audit share: pairs are found, claims and cues are put into groups, groups are judged. Private
 * to this folder. */
#ifndef UT_CUESHEET_AUDIT_STATE_H
#define UT_CUESHEET_AUDIT_STATE_H

#include "cuesheet/audit.h"
#include "cuesheet/audit_identity.h"

#define UT_NONE SIZE_MAX

typedef struct {
    ut_identity id;
    ut_span span;       /* within the range */
    bool outside;       /* nothing of it, or less than a tolerance */
    bool twice;         /* what it claims, another claim of its group claims already */
    size_t group, next; /* group, and the next claim of it; UT_NONE */
} ut_claim_state;

typedef struct {
    ut_identity id;
    size_t group, next;
    size_t supports; /* music without a name: the claim that it lies in; UT_NONE */
} ut_cue_state;

typedef struct {
    size_t claim, cue;
    ut_sameness same;
    int64_t overlap_ns;
    int64_t apart_ns; /* 0 if they overlap */
} ut_pair;

typedef struct {
    size_t claims, cues; /* the first of each; a claim that is twice is not among them */
    size_t claim_count;
    bool shifted; /* they do not overlap */
    ut_sameness same;
} ut_group;

typedef struct {
    const ut_audit_input *in;
    ut_claim_state *claims;
    ut_cue_state *cues;
    ut_pair *pairs;
    size_t pair_count, pair_capacity;
    ut_group *groups;
    size_t group_count;
    int64_t longest_ns; /* of the cues */
    ut_span *music;     /* joined: of all cues */
    ut_span *soft;      /* joined: of those without a name */
    size_t music_count, soft_count;
} ut_audit_state;

/* Identities, spans, and every pair of claim and cue that may have to do with each other. */
UT_CHECK ut_status ut_audit_pairs(ut_audit_state *state, ut_err *err);
/* The first cue that starts at or after `ns`. */
size_t ut_audit_first_from(const ut_audit_input *in, int64_t ns);
/* Groups. */
UT_CHECK ut_status ut_audit_group(ut_audit_state *state, ut_err *err);
void ut_audit_state_clear(ut_audit_state *state);

static inline int64_t ut_span_size(ut_span span)
{
    return span.end_ns - span.start_ns;
}

static inline int64_t ut_span_overlap(ut_span a, ut_span b)
{
    int64_t from = a.start_ns > b.start_ns ? a.start_ns : b.start_ns, to = a.end_ns < b.end_ns ? a.end_ns : b.end_ns;
    return to > from ? to - from : 0;
}

static inline ut_span ut_cue_span(const ut_cue *cue)
{
    return (ut_span){cue->start_ns, cue->end_ns};
}

static inline int64_t ut_seconds(double s)
{
    return (int64_t)(s * 1e9);
}

#endif
