/* Claims, their audit and the shares with the n-th allocation failing, for all n: UT_E_NOMEM, nothing leaked. */
#include "cuesheet/share.h"
#include "tests/unit/nomem.h"
#include "tests/unit/support.h"

static const char sheet[] = "start,duration,title,artist,isrc,composer,society\n"
                            "0,60,A,Ann,GBAYE0000351,Ann Lee|00017798450|PRS|50; Bob,PRS\n"
                            "5,50,A,Ann,GBAYE0000351,,PRS\n"
                            "100,20,B,Ben,,Ben,\n";

static ut_party party = {.name = (char *)"Ann Lee", .society = (char *)"PRS", .role = UT_ROLE_COMPOSER, .share = 1};
static ut_recording first = {
    .id = 1, .title = (char *)"A", .isrc = (char *)"GBAYE0000351", .parties = &party, .party_count = 1};
static const ut_recording *const recordings[] = {&first, NULL};
static const ut_cue cues[] = {
    {.outcome = UT_IDENTIFIED, .recording_id = 1, .start_ns = 0, .end_ns = INT64_C(61000000000)},
    {.outcome = UT_UNIDENTIFIED, .start_ns = INT64_C(70000000000), .end_ns = INT64_C(80000000000)}};

static ut_claims claims;

static int read_claims(void **state)
{
    (void)state;
    const ut_claim_rules rules = {.name = "t.csv"};
    return ut_claims_parse(sheet, sizeof sheet - 1, &rules, &claims, NULL);
}

static int clear_claims(void **state)
{
    (void)state;
    ut_claims_clear(&claims);
    return 0;
}

static ut_status parse(void)
{
    const ut_claim_rules rules = {.name = "t.csv"};
    ut_claims read = {0};
    ut_status rc = ut_claims_parse(sheet, sizeof sheet - 1, &rules, &read, NULL);
    assert_true((rc == UT_OK) == (read.items != NULL));
    ut_claims_clear(&read);
    return rc;
}

static ut_status references(void)
{
    ut_references *found = NULL;
    ut_status rc = ut_references_open(claims.items, claims.count, &found, NULL);
    assert_true((rc == UT_OK) == (found != NULL));
    if (rc == UT_OK)
        rc = ut_references_add(found, &first, NULL);
    if (rc == UT_OK)
        assert_true(ut_references_found(found)[0] && !ut_references_found(found)[2]);
    ut_references_close(&found);
    return rc;
}

static ut_status audit(void)
{
    static const bool referenced[3];
    const ut_audit_input input = {.channel = "one",
                                  .end_ns = INT64_C(200000000000),
                                  .claims = claims.items,
                                  .claim_count = claims.count,
                                  .referenced = referenced,
                                  .cues = cues,
                                  .recordings = recordings,
                                  .cue_count = COUNT(cues),
                                  .rules = ut_audit_rules_default()};
    ut_audit made = {0};
    ut_totals totals = {0};
    ut_status rc = ut_audit_run(&input, &made, NULL);
    assert_true((rc == UT_OK) == (made.findings != NULL));
    if (rc == UT_OK)
        rc = ut_audit_totals(&input, &made, false, &totals, NULL);
    ut_totals_clear(&totals);
    ut_audit_clear(&made);
    return rc;
}

static ut_status shares(void)
{
    const ut_share_input input = {.end_ns = INT64_C(200000000000),
                                  .cues = cues,
                                  .recordings = recordings,
                                  .cue_count = COUNT(cues),
                                  .level = 0.95,
                                  .rounds = 100};
    ut_shares made = {0};
    ut_status rc = ut_shares_estimate(&input, &made, NULL);
    assert_true((rc == UT_OK) == (made.items != NULL));
    ut_shares_clear(&made);
    return rc;
}

static void each_allocation_may_fail(void **state)
{
    nomem_each(*(const nomem_attempt *)*state);
}

int main(void)
{
    static nomem_attempt attempts[] = {parse, references, audit, shares};
    static const char *const names[] = {"claims", "references", "audit", "shares"};
    struct CMUnitTest tests[COUNT(attempts)];
    for (size_t i = 0; i < COUNT(attempts); i++)
        tests[i] = (struct CMUnitTest){names[i], each_allocation_may_fail, NULL, NULL, &attempts[i]};
    return cmocka_run_group_tests(tests, read_claims, clear_claims);
}
