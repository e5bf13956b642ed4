/* Societies' shares: seconds that add up, and an interval that holds what it promises. */
#include <math.h>

#include "core/clock.h"
#include "cuesheet/share.h"
#include "tests/unit/support.h"

#define DAY_NS (24 * 3600 * UT_NS_PER_S)

static ut_party prs = {.name = (char *)"Ann", .society = (char *)"PRS", .role = UT_ROLE_COMPOSER, .share = 0.5};
static ut_party both[] = {
    {.name = (char *)"Ann", .society = (char *)"PRS", .role = UT_ROLE_COMPOSER, .share = 0.25},
    {.name = (char *)"Bob", .society = (char *)"prs", .role = UT_ROLE_AUTHOR, .share = NAN},
    {.name = (char *)"Cy", .society = (char *)"GEMA", .role = UT_ROLE_PUBLISHER, .share = NAN},
};
static ut_party gema = {.name = (char *)"Cy", .society = (char *)"GEMA", .role = UT_ROLE_COMPOSER, .share = NAN};
static ut_recording half = {.id = 1, .parties = &prs, .party_count = 1},
                    three = {.id = 2, .parties = both, .party_count = 3},
                    whole = {.id = 3, .parties = &gema, .party_count = 1};

static ut_cue cue(ut_outcome outcome, int64_t start_ns, double s)
{
    return (ut_cue){.outcome = outcome, .start_ns = start_ns, .end_ns = start_ns + (int64_t)(s * 1e9)};
}

static const ut_share *find(const ut_shares *shares, const char *society)
{
    for (size_t i = 0; i < shares->count; i++)
        if (strcmp(shares->items[i].society, society) == 0)
            return &shares->items[i];
    fail_msg("no %s", society);
    return NULL;
}

static void seconds_go_where_the_shares_say(void **state)
{
    (void)state;
    const ut_cue cues[] = {cue(UT_IDENTIFIED, 0, 100), cue(UT_IDENTIFIED, 3590 * UT_NS_PER_S, 80),
                           cue(UT_UNIDENTIFIED, 2 * 3600 * UT_NS_PER_S, 20),
                           cue(UT_AMBIGUOUS, 3 * 3600 * UT_NS_PER_S, 50),
                           cue(UT_IDENTIFIED, 4 * 3600 * UT_NS_PER_S, 20)};
    const ut_recording *const recordings[] = {&half, &three, NULL, &whole, NULL};
    const ut_span unobserved[] = {{3600 * UT_NS_PER_S * 4 + 1800 * UT_NS_PER_S, 6 * 3600 * UT_NS_PER_S}};
    const ut_share_input input = {.end_ns = 6 * 3600 * UT_NS_PER_S,
                                  .cues = cues,
                                  .recordings = recordings,
                                  .cue_count = 5,
                                  .unobserved = unobserved,
                                  .unobserved_count = 1,
                                  .level = 0.95,
                                  .rounds = 1000};
    ut_shares shares, again;
    assert_int_equal(ut_shares_estimate(&input, &shares, NULL), UT_OK);
    assert_int_equal(shares.cluster_ns, 3600 * UT_NS_PER_S);
    assert_int_equal(shares.clusters, 5); /* the sixth hour was not observed */
    assert_float_equal(shares.observed_s, 4.5 * 3600, 1e-6);
    assert_float_equal(shares.identified_s, 200, 1e-6);
    assert_float_equal(shares.unidentified_s, 70, 1e-6);
    assert_int_equal(shares.count, 3);
    assert_float_equal(find(&shares, "PRS")->seconds, 50 + 80 * 0.625, 1e-6);
    assert_float_equal(find(&shares, "GEMA")->seconds, 80 * 0.375, 1e-6);
    assert_float_equal(find(&shares, "")->seconds, 50 + 20, 1e-6);
    assert_string_equal(shares.items[0].society, "PRS");
    assert_float_equal(find(&shares, "PRS")->share, 0.5, 1e-9);
    assert_float_equal(find(&shares, "PRS")->least, 100.0 / 270, 1e-9);
    assert_float_equal(find(&shares, "PRS")->most, 170.0 / 270, 1e-9);
    assert_true(find(&shares, "PRS")->low <= 0.5 && find(&shares, "PRS")->high >= 0.5);
    assert_int_equal(ut_shares_estimate(&input, &again, NULL), UT_OK);
    for (size_t i = 0; i < shares.count; i++)
        assert_true(shares.items[i].low == again.items[i].low && shares.items[i].high == again.items[i].high);
    ut_shares_clear(&shares);
    ut_shares_clear(&again);
}

static void few_clusters_give_no_interval(void **state)
{
    (void)state;
    const ut_cue one = cue(UT_IDENTIFIED, 0, 10);
    const ut_recording *const recordings[] = {&half};
    ut_share_input input = {.end_ns = 4 * 3600 * UT_NS_PER_S,
                            .cues = &one,
                            .recordings = recordings,
                            .cue_count = 1,
                            .level = 0.95,
                            .rounds = 1000};
    ut_shares shares;
    assert_int_equal(ut_shares_estimate(&input, &shares, NULL), UT_OK);
    assert_true(isnan(shares.items[0].low) && shares.items[0].share == 0.5);
    ut_shares_clear(&shares);
    input.cue_count = 0; /* no music, no share */
    assert_int_equal(ut_shares_estimate(&input, &shares, NULL), UT_OK);
    assert_int_equal(shares.count, 0);
    ut_shares_clear(&shares);
    input.end_ns = 0;
    assert_int_equal(ut_shares_estimate(&input, &shares, NULL), UT_E_ARG);
}

static double uniform(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 11) / 9007199254740992.0;
}

/* Months out of one same world: PRS has 60 % of its music on average, a day more and a day less. The interval of 95 %
 * must hold the truth in about 95 of 100 months; the bounds are those of 300 draws at 90 % and 99 %. */
static void the_interval_holds_what_it_promises(void **state)
{
    (void)state;
    enum { DAYS = 30, MONTHS = 300, TRUE_PERCENT = 60 };
    const ut_recording *recordings[2 * DAYS];
    ut_cue cues[2 * DAYS];
    uint64_t random = 7;
    int held = 0;
    ut_party all = prs;
    all.share = 1;
    ut_recording ann = {.id = 1, .parties = &all, .party_count = 1};
    for (int month = 0; month < MONTHS; month++) {
        for (int day = 0; day < DAYS; day++) {
            double total_s = 3600 * (1 + 3 * uniform(&random)), off = 0.5 * (uniform(&random) - 0.5);
            double prs_s = total_s * (TRUE_PERCENT / 100.0 + off);
            cues[2 * day] = cue(UT_IDENTIFIED, day * DAY_NS, prs_s);
            cues[2 * day + 1] = cue(UT_IDENTIFIED, day * DAY_NS + DAY_NS / 2, total_s - prs_s);
            recordings[2 * day] = &ann;
            recordings[2 * day + 1] = &whole;
        }
        const ut_share_input input = {.end_ns = DAYS * DAY_NS,
                                      .cues = cues,
                                      .recordings = recordings,
                                      .cue_count = 2 * DAYS,
                                      .level = 0.95,
                                      .rounds = 500};
        ut_shares shares;
        assert_int_equal(ut_shares_estimate(&input, &shares, NULL), UT_OK);
        assert_int_equal(shares.clusters, DAYS);
        const ut_share *s = find(&shares, "PRS");
        held += s->low <= TRUE_PERCENT / 100.0 && TRUE_PERCENT / 100.0 <= s->high;
        ut_shares_clear(&shares);
    }
    assert_in_range(held, 270, 297);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seconds_go_where_the_shares_say),
        cmocka_unit_test(few_clusters_give_no_interval),
        cmocka_unit_test(the_interval_holds_what_it_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
