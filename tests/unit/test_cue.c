/* Cues from airplays: merging, clipping, times, use. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "cuesheet/cue.h"

#define T0 INT64_C(1795000000000000000)

static ut_airplay play(int64_t recording, double from_s, double to_s)
{
    ut_airplay air = {
        .channel = "one",
        .start_ns = T0 + (int64_t)(from_s * 1e9),
        .end_ns = T0 + (int64_t)(to_s * 1e9),
        .what = {.outcome = recording ? UT_IDENTIFIED : UT_UNIDENTIFIED,
                 .recording_id = recording,
                 .ref_start_s = 10,
                 .ref_end_s = 10 + (to_s - from_s),
                 .time_scale = 1,
                 .log10_e = -12,
                 .music_lufs = -30,
                 .speech_lufs = -24,
                 .mix_lufs = -23},
    };
    snprintf(air.id, sizeof air.id, "%d-%g", (int)recording, from_s);
    return air;
}

static size_t make(const ut_airplay *airplays, size_t count, const ut_cue_rules *rules, ut_cue **cues)
{
    ut_err err;
    size_t got = 0;
    assert_int_equal(ut_cues_make(airplays, count, rules, cues, &got, &err), UT_OK);
    return got;
}

static ut_cue_rules rules_at_t0(void)
{
    ut_cue_rules rules = ut_cue_rules_default();
    rules.programme_start_ns = T0;
    return rules;
}

static void merges_up_to_the_gap(void **state)
{
    (void)state;
    ut_airplay airplays[] = {play(1, 0, 10), play(1, 12, 20), play(1, 22.001, 30)};
    ut_cue_rules rules = rules_at_t0();
    ut_cue *cues;
    assert_int_equal(make(airplays, 3, &rules, &cues), 2);
    assert_int_equal(cues[0].merged, 2);
    assert_int_equal(cues[0].in_ms, 0);
    assert_int_equal(cues[0].out_ms, 20000);
    assert_int_equal(cues[0].duration_ms, 20000);
    assert_string_equal(cues[0].id, airplays[0].id);
    assert_int_equal(cues[1].seq, 2);
    assert_int_equal(cues[1].in_ms, 22001);
    free(cues);
}

static void merges_across_another_recording(void **state)
{
    (void)state;
    /* 2 starts while 1 plays; 1 pauses for a second and goes on; the unidentified stretch stays
     * apart. */
    ut_airplay airplays[] = {play(1, 0, 10), play(2, 5, 60), play(0, 9, 10), play(1, 11, 20)};
    ut_cue_rules rules = rules_at_t0();
    ut_cue *cues;
    assert_int_equal(make(airplays, 4, &rules, &cues), 3);
    assert_int_equal(cues[0].recording_id, 1);
    assert_int_equal(cues[0].out_ms, 20000);
    assert_int_equal(cues[1].recording_id, 2);
    assert_int_equal(cues[1].merged, 1);
    assert_int_equal(cues[2].outcome, UT_UNIDENTIFIED);
    free(cues);
}

static void never_merges_across_channels_or_outcomes(void **state)
{
    (void)state;
    ut_airplay airplays[] = {play(1, 0, 10), play(1, 10, 20), play(1, 20, 30)};
    strcpy(airplays[1].channel, "two");
    airplays[2].what.outcome = UT_AMBIGUOUS;
    ut_cue_rules rules = rules_at_t0();
    ut_cue *cues;
    assert_int_equal(make(airplays, 3, &rules, &cues), 3);
    free(cues);
}

static void an_inner_airplay_does_not_shorten(void **state)
{
    (void)state;
    ut_airplay airplays[] = {play(1, 0, 100), play(1, 20, 30)};
    ut_cue_rules rules = rules_at_t0();
    ut_cue *cues;
    assert_int_equal(make(airplays, 2, &rules, &cues), 1);
    assert_int_equal(cues[0].out_ms, 100000);
    assert_true(cues[0].ref_end_s == 110);
    free(cues);
}

static void cuts_to_the_programme(void **state)
{
    (void)state;
    ut_airplay airplays[] = {play(3, -20, -5), play(1, -10, 10), play(2, 50, 70), play(4, 60, 61)};
    ut_cue_rules rules = rules_at_t0();
    rules.programme_end_ns = T0 + 60 * UT_NS_PER_S;
    ut_cue *cues;
    assert_int_equal(make(airplays, 4, &rules, &cues), 2);
    assert_int_equal(cues[0].recording_id, 1);
    assert_int_equal(cues[0].seq, 1);
    assert_int_equal(cues[0].in_ms, 0);
    assert_int_equal(cues[0].duration_ms, 10000);
    assert_true(cues[0].ref_start_s == 20);
    assert_int_equal(cues[1].out_ms, 60000);
    assert_true(fabs(cues[1].ref_end_s - 20) < 1e-9);
    free(cues);
}

static void loudness_is_an_energy_mean(void **state)
{
    (void)state;
    ut_airplay airplays[] = {play(1, 0, 10), play(1, 10, 40)};
    airplays[0].what.music_lufs = -20; /* 10 s at -20, 30 s at silence: a quarter of the energy */
    airplays[1].what.music_lufs = -INFINITY;
    airplays[1].what.speech_lufs = NAN;
    ut_cue_rules rules = rules_at_t0();
    ut_cue *cues;
    assert_int_equal(make(airplays, 2, &rules, &cues), 1);
    assert_true(fabs(cues[0].music_lufs - (-20 + 10 * log10(0.25))) < 1e-9);
    assert_true(cues[0].speech_lufs == -24);
    free(cues);
}

static void use_follows_the_rules(void **state)
{
    (void)state;
    ut_cue_rules rules = ut_cue_rules_default();
    assert_int_equal(ut_use_decide(-27, -24, &rules), UT_USE_BACKGROUND);
    assert_int_equal(ut_use_decide(-26.9, -24, &rules), UT_USE_INDISTINGUISHABLE);
    assert_int_equal(ut_use_decide(-21.1, -24, &rules), UT_USE_INDISTINGUISHABLE);
    assert_int_equal(ut_use_decide(-21, -24, &rules), UT_USE_FOREGROUND);
    assert_int_equal(ut_use_decide(-60, -51, &rules), UT_USE_FOREGROUND);
    assert_int_equal(ut_use_decide(-30, -INFINITY, &rules), UT_USE_FOREGROUND);
    assert_int_equal(ut_use_decide(-INFINITY, -20, &rules), UT_USE_BACKGROUND);
    assert_int_equal(ut_use_decide(-INFINITY, -INFINITY, &rules), UT_USE_UNKNOWN);
    assert_int_equal(ut_use_decide(NAN, -20, &rules), UT_USE_UNKNOWN);
    assert_int_equal(ut_use_decide(-20, NAN, &rules), UT_USE_UNKNOWN);
}

static void visual_use_is_asked_not_decided(void **state)
{
    (void)state;
    ut_airplay airplays[] = {play(1, 0, 10), play(2, 20, 30)};
    airplays[1].what.music_lufs = -10;
    ut_cue_rules rules = rules_at_t0();
    ut_cue *cues;
    assert_int_equal(make(airplays, 2, &rules, &cues), 2);
    assert_string_equal(cues[0].usage_code, "BI");
    assert_false(cues[0].ask_visual);
    assert_string_equal(cues[1].usage_code, "BI");
    assert_true(cues[1].ask_visual);
    free(cues);
}

static void refuses_disorder(void **state)
{
    (void)state;
    ut_airplay airplays[] = {play(1, 5, 10), play(1, 0, 1)};
    ut_cue_rules rules = rules_at_t0();
    ut_cue *cues = NULL;
    size_t count = 77;
    assert_int_equal(ut_cues_make(airplays, 2, &rules, &cues, &count, NULL), UT_E_ARG);
    assert_null(cues);
    assert_int_equal(count, 77);
}

static void an_empty_day_has_no_cues(void **state)
{
    (void)state;
    ut_cue_rules rules = rules_at_t0();
    ut_cue *cues;
    assert_int_equal(make(NULL, 0, &rules, &cues), 0);
    free(cues);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_up_to_the_gap),
        cmocka_unit_test(merges_across_another_recording),
        cmocka_unit_test(never_merges_across_channels_or_outcomes),
        cmocka_unit_test(an_inner_airplay_does_not_shorten),
        cmocka_unit_test(cuts_to_the_programme),
        cmocka_unit_test(loudness_is_an_energy_mean),
        cmocka_unit_test(use_follows_the_rules),
        cmocka_unit_test(visual_use_is_asked_not_decided),
        cmocka_unit_test(refuses_disorder),
        cmocka_unit_test(an_empty_day_has_no_cues),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
