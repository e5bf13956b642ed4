/* A claim of any bytes, and the audit of what was read from it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "cuesheet/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void audit(const ut_claims *claims)
{
    ut_recording rec = {.id = 1, .title = (char *)"A", .isrc = (char *)"GBAYE0000351"};
    const ut_recording *const recordings[] = {&rec, NULL};
    const ut_cue cues[] = {
        {.outcome = UT_IDENTIFIED, .recording_id = 1, .start_ns = 0, .end_ns = INT64_C(90000000000)},
        {.outcome = UT_UNIDENTIFIED, .start_ns = INT64_C(60000000000), .end_ns = INT64_C(99000000000)}};
    bool *referenced = calloc(claims->count ? claims->count : 1, sizeof *referenced);
    ut_audit_input input = {.channel = "one",
                            .start_ns = 0,
                            .end_ns = INT64_C(100000000000),
                            .claims = claims->items,
                            .claim_count = claims->count,
                            .referenced = referenced,
                            .cues = cues,
                            .recordings = recordings,
                            .cue_count = 2,
                            .rules = ut_audit_rules_default()};
    ut_audit made;
    char *text = NULL;
    size_t size = 0;
    if (referenced && ut_audit_run(&input, &made, NULL) == UT_OK) {
        ut_audit_report report = {.input = &input, .audit = &made, .claim_file = "c", .claim_sha256 = ""};
        size_t claimed = made.outside;
        for (size_t i = 0; i < made.count; i++)
            claimed += made.findings[i].claim != UT_NO_CLAIM;
        if (claimed != claims->count) /* every row has one finding */
            __builtin_trap();
        if (claims->count < 50 && ut_audit_totals(&input, &made, false, &report.parties, NULL) == UT_OK &&
            ut_audit_json(&report, &text, &size, NULL) == UT_OK)
            free(text);
        ut_totals_clear(&report.parties);
        ut_audit_clear(&made);
    }
    free(referenced);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ut_claim_rules rules = {.name = "c"};
    ut_claims claims;
    ut_err err;
    if (size > 0 && (rules.has_offset = data[0] & 1)) {
        rules.offset_min = 60;
        rules.date = data[0] & 2 ? "2026-11-21" : NULL;
    }
    if (ut_claims_parse((const char *)data, size, &rules, &claims, &err) != UT_OK)
        return 0;
    for (size_t i = 0; i < claims.count; i++)
        if (claims.items[i].end_ns <= claims.items[i].start_ns)
            __builtin_trap();
    audit(&claims);
    ut_claims_clear(&claims);
    return 0;
}
