/* The audit: what was claimed against what was heard. Pure functions of their input; docs/AUDIT.md says what each
 * outcome means and what it must not be taken for. */
#ifndef UT_CUESHEET_AUDIT_H
#define UT_CUESHEET_AUDIT_H

#include "cuesheet/claim.h"

typedef enum {
    UT_AUDIT_MATCHED,
    UT_AUDIT_WRONG_TIME,
    UT_AUDIT_WRONG_USE,
    UT_AUDIT_WRONG_RECORDING,
    UT_AUDIT_CLAIMED_TWICE,
    UT_AUDIT_NO_REFERENCE, /* claimed, not detected: the catalogue has no such recording */
    UT_AUDIT_CAPTURE_GAP,  /* … the time was not captured or not analysed */
    UT_AUDIT_UNMATCHED,    /* … there is music, but not recognised as what was claimed */
    UT_AUDIT_NO_MUSIC,     /* … there is none: the only outcome that counts against a claimant */
    UT_AUDIT_NOT_CLAIMED,  /* detected, not claimed */
    UT_AUDIT_UNIDENTIFIED, /* music that nobody claimed and nothing identified */
    UT_AUDIT_OUTCOMES
} ut_audit_outcome;

const char *ut_audit_outcome_name(ut_audit_outcome outcome);  /* "matched", "wrong-time", … */
const char *ut_audit_outcome_title(ut_audit_outcome outcome); /* for people */

typedef struct {
    double edge_s;         /* a start or an end may be off by so much (default 2) */
    double duration_s;     /* a duration by so much, */
    double duration_ratio; /* or by this part of what was detected, whichever is more (2, 0.1) */
    double search_s;       /* a claim is looked for so far from where it says (900) */
    bool presence_known;   /* unidentified music was recorded: without it nothing is "no music" (true) */
} ut_audit_rules;
ut_audit_rules ut_audit_rules_default(void);

typedef struct {
    int64_t start_ns, end_ns; /* UTC, half open */
} ut_span;

/* Everything is borrowed, and must outlive the report. */
typedef struct {
    const char *channel;
    int64_t start_ns, end_ns; /* the audited range */
    const ut_claim *claims;
    const bool *referenced; /* one per claim: the catalogue holds it; ut_audit_references */
    size_t claim_count;
    const ut_cue *cues;                    /* of the range, in order of start, cut to it */
    const ut_recording *const *recordings; /* one per cue; NULL: unidentified, or gone */
    size_t cue_count;
    const ut_span *unobserved; /* of the range: not captured or not analysed; in order, apart; ut_spans_missing */
    size_t unobserved_count;
    ut_audit_rules rules;
} ut_audit_input;

#define UT_NO_CLAIM SIZE_MAX

typedef struct {
    ut_audit_outcome outcome;
    size_t claim;                /* index, or UT_NO_CLAIM */
    size_t first_cue, cue_count; /* in report->links: the cues it rests on, the most telling first */
    size_t sibling_count;        /* claims beside this one that share its cues */
    bool time_differs, use_differs, recording_differs, same_work;
    double start_diff_s, end_diff_s; /* claimed - detected; NAN: nothing to compare */
    double duration_diff_s;
    int64_t claimed_ns;    /* within the range */
    int64_t detected_ns;   /* of its cues */
    int64_t confirmed_ns;  /* of the claim that its cues cover */
    int64_t music_ns;      /* of the claim that any music covers */
    int64_t unobserved_ns; /* of the claim that was not captured or not analysed */
} ut_audit_finding;

typedef struct {
    ut_audit_finding *findings; /* in order of time: of the claim, else of the cue */
    size_t count;
    size_t *links; /* indices of cues */
    size_t link_count;
    size_t outside; /* claims that do not reach into the range: not audited */
    int64_t unobserved_ns;
} ut_audit;

/* Aligns. UT_E_ARG: the input is not as it is said above. *out is to be cleared by the caller. */
UT_CHECK ut_status ut_audit_run(const ut_audit_input *input, ut_audit *out, ut_err *err);
void ut_audit_clear(ut_audit *audit);

/* How many findings of an outcome there are, and their seconds: claimed ones, else detected ones. */
typedef struct {
    size_t count;
    int64_t ns;
} ut_audit_sum;
void ut_audit_sums(const ut_audit *audit, ut_audit_sum sums[UT_AUDIT_OUTCOMES]);

/* --- what the catalogue holds ------------------------------------------------------------------ */

/* Finds claims by the recordings of a catalogue of any size. */
typedef struct ut_references ut_references;
UT_CHECK ut_status ut_references_open(const ut_claim *claims, size_t count, ut_references **out, ut_err *err);
/* One recording of the catalogue. */
UT_CHECK ut_status ut_references_add(ut_references *references, const ut_recording *rec, ut_err *err);
/* One per claim; valid until closed. */
const bool *ut_references_found(const ut_references *references);
void ut_references_close(ut_references **references);

/* --- time ------------------------------------------------------------------------------------- */

/* Orders and joins spans in place; gives how many are left. */
size_t ut_spans_join(ut_span *spans, size_t count);
/* What of [start, end) none of `held` (joined) covers; joined. `out` has room for held_count + 1. */
size_t ut_spans_missing(const ut_span *held, size_t held_count, int64_t start_ns, int64_t end_ns, ut_span *out);
/* Nanoseconds of [start, end) that joined spans cover. */
int64_t ut_spans_cover(const ut_span *spans, size_t count, int64_t start_ns, int64_t end_ns);

/* --- totals ----------------------------------------------------------------------------------- */

/* Seconds of a party or a society. `weighted`: times the share, where it is known; where it is not, an equal part of
 * what the others leave. */
typedef struct {
    char *name; /* of the party, or of the society; "" if unknown */
    char *ipi;  /* NULL: unknown, or a society */
    char *society;
    int64_t claimed_ns, confirmed_ns, wrong_recording_ns, twice_ns, undecided_ns, no_music_ns; /* from claims */
    int64_t detected_ns, not_claimed_ns;                                                       /* from the catalogue */
    double claimed_weighted_s, confirmed_weighted_s, no_music_weighted_s, detected_weighted_s, not_claimed_weighted_s;
} ut_total;

typedef struct {
    ut_total *items; /* by name */
    size_t count;
} ut_totals;
UT_CHECK ut_status ut_audit_totals(const ut_audit_input *input, const ut_audit *audit, bool societies, ut_totals *out,
                                   ut_err *err);
void ut_totals_clear(ut_totals *totals);

/* --- forms ------------------------------------------------------------------------------------ */

typedef struct {
    const ut_audit_input *input;
    const ut_audit *audit;
    ut_totals parties, societies;
    const char *claim_file;
    const char *claim_sha256;
    const ut_gap *gaps; /* of the range */
    size_t gap_count;
    int64_t made_ns;
} ut_audit_report;

/* *data is malloc'd. configs/schemas/audit.v1.json */
UT_CHECK ut_status ut_audit_json(const ut_audit_report *report, char **data, size_t *size, ut_err *err);
/* One row per finding; RFC 4180, UTF-8. */
UT_CHECK ut_status ut_audit_csv(const ut_audit_report *report, char **data, size_t *size, ut_err *err);
/* One page that needs nothing from elsewhere; every finding links to its cues on it. */
UT_CHECK ut_status ut_audit_html(const ut_audit_report *report, char **data, size_t *size, ut_err *err);
/* Worksheets Summary, Findings, Societies, Parties, Cues. Needs room in $TMPDIR. */
UT_CHECK ut_status ut_audit_xlsx(const ut_audit_report *report, char **data, size_t *size, ut_err *err);

#endif
