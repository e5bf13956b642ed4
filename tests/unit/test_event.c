/* Airplays and events: ids that depend on what they should and on nothing else, and values that fit
 * their schema. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "pipeline/event.h"

static const ut_segment segment = {.id = 3,
                                   .channel = "one",
                                   .source = "file:///a.ts",
                                   .start_ns = INT64_C(1795000000123456789),
                                   .time_source = "given"};
static const ut_versions versions = {.model_hash = "ab12", .params = "p3", .catalogue_version = 9};
static ut_party party = {
    .name = (char *)"A. Writer", .ipi = (char *)"00000000199", .role = UT_ROLE_COMPOSER, .share = NAN};
static const ut_recording recording = {
    .id = 5, .audio_sha256 = "cafe", .title = (char *)"Bad \xff tag", .parties = &party, .party_count = 1};

static ut_identification identification(int64_t recording_id, int64_t start)
{
    return (ut_identification){.outcome = recording_id ? UT_IDENTIFIED : UT_UNIDENTIFIED,
                               .witness = UT_WITNESS_BOTH,
                               .start_sample = start,
                               .end_sample = start + 16001,
                               .recording_id = recording_id,
                               .ref_start_s = 1.5,
                               .ref_end_s = 2.5,
                               .time_scale = 1,
                               .log10_e = recording_id ? -20.5 : NAN,
                               .score = 99,
                               .music_lufs = -30,
                               .speech_lufs = -INFINITY,
                               .mix_lufs = NAN};
}

static ut_airplay airplay(const ut_segment *on, int64_t recording_id, int64_t start)
{
    ut_identification what = identification(recording_id, start);
    ut_airplay air;
    ut_airplay_make(on, &what, recording_id ? &recording : NULL, &versions, &air);
    return air;
}

static void times_are_of_the_samples(void **state)
{
    (void)state;
    ut_airplay air = airplay(&segment, 5, 24);
    assert_int_equal(air.start_ns - segment.start_ns, 1500000);
    assert_int_equal(air.end_ns - air.start_ns, INT64_C(1000062500));
    assert_string_equal(air.channel, "one");
    assert_string_equal(air.model_hash, "ab12");
    assert_int_equal(air.segment_id, 3);
}

static void ids_depend_on_channel_start_and_recording(void **state)
{
    (void)state;
    ut_segment other = segment;
    other.id = 77;
    strcpy(other.source, "moved");
    ut_airplay air = airplay(&segment, 5, 100);
    assert_string_equal(air.id, airplay(&other, 5, 100).id);
    ut_identification longer = identification(5, 100);
    longer.end_sample += 5;
    longer.log10_e = -50;
    ut_airplay again;
    ut_airplay_make(&segment, &longer, &recording, &versions, &again);
    assert_string_equal(air.id, again.id);

    strcpy(other.channel, "two");
    assert_string_not_equal(air.id, airplay(&other, 5, 100).id);
    assert_string_not_equal(air.id, airplay(&segment, 5, 101).id);
    assert_string_not_equal(air.id, airplay(&segment, 0, 100).id);
    ut_identification what = identification(5, 100);
    ut_airplay_make(&segment, &what, NULL, &versions, &again); /* a recording that is gone */
    assert_string_not_equal(air.id, again.id);
    assert_string_not_equal(airplay(&segment, 0, 100).id, again.id);
}

static void recording_ids_of_a_store_do_not_matter(void **state)
{
    (void)state;
    ut_recording elsewhere = recording;
    elsewhere.id = 1234;
    ut_identification what = identification(1234, 100);
    ut_airplay air;
    ut_airplay_make(&segment, &what, &elsewhere, &versions, &air);
    assert_string_equal(air.id, airplay(&segment, 5, 100).id);
}

static void put_line(FILE *out, ut_event *event)
{
    char *json;
    assert_int_equal(ut_event_envelope(event, &json, NULL), UT_OK);
    assert_null(strchr(json, '\n'));
    fprintf(out, "%s\n", json);
    free(json);
    ut_event_clear(event);
}

static void events_fit_their_schemas(void **state)
{
    (void)state;
    char path[] = "/tmp/ut-events-XXXXXX", command[1024];
    FILE *out = fdopen(mkstemp(path), "w");
    assert_non_null(out);
    for (int64_t id = 0; id <= 5; id += 5) {
        ut_airplay air = airplay(&segment, id, 100);
        ut_event event;
        assert_int_equal(ut_event_of_airplay(&air, &segment, id ? &recording : NULL, &event, NULL), UT_OK);
        assert_string_equal(event.key, "one");
        assert_int_equal(event.time_ns, air.end_ns);
        put_line(out, &event);
    }
    ut_gap gap = {.channel = "one", .start_ns = 1, .end_ns = 2 * UT_NS_PER_S, .reason = "no-data"};
    ut_event event;
    assert_int_equal(ut_event_of_gap(&gap, &event, NULL), UT_OK);
    put_line(out, &event);
    ut_segment captured = segment;
    captured.sample_count = 16000;
    assert_int_equal(ut_event_of_state(&captured, true, &event, NULL), UT_OK);
    assert_int_equal(event.time_ns, segment.start_ns);
    put_line(out, &event);
    assert_int_equal(ut_event_of_state(&captured, false, &event, NULL), UT_OK);
    assert_int_equal(event.time_ns, segment.start_ns + UT_NS_PER_S);
    put_line(out, &event);
    ut_revision revision = {.air = airplay(&segment, 5, 100), .cause = UT_CAUSE_PERSON, .who = "me", .at_ns = 7};
    revision.air.revision = 2;
    revision.air.review = UT_REVIEW_APPROVED;
    assert_int_equal(ut_event_of_review(&revision, &event, NULL), UT_OK);
    put_line(out, &event);
    assert_int_equal(fclose(out), 0);
    snprintf(command, sizeof command, "/usr/bin/python3 %s/unit/check_events.py %s %s 6", UT_TEST_DATA, UT_SCHEMAS,
             path);
    assert_int_equal(system(command), 0);
    unlink(path);
}

static void events_are_the_same_every_time(void **state)
{
    (void)state;
    ut_airplay air = airplay(&segment, 5, 100);
    ut_event a, b;
    assert_int_equal(ut_event_of_airplay(&air, &segment, &recording, &a, NULL), UT_OK);
    assert_int_equal(ut_event_of_airplay(&air, &segment, &recording, &b, NULL), UT_OK);
    assert_string_equal(a.id, b.id);
    assert_string_equal(a.json, b.json);
    assert_string_not_equal(a.id, air.id);
    ut_event_clear(&a);
    ut_event_clear(&b);
}

static void a_value_that_is_no_json_is_refused(void **state)
{
    (void)state;
    ut_event event = {.id = "x", .type = "t", .key = "k", .json = (char *)"{\"torn\":"};
    char *json = NULL;
    assert_int_equal(ut_event_envelope(&event, &json, NULL), UT_E_CORRUPT);
    assert_null(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_of_the_samples),
        cmocka_unit_test(ids_depend_on_channel_start_and_recording),
        cmocka_unit_test(recording_ids_of_a_store_do_not_matter),
        cmocka_unit_test(events_fit_their_schemas),
        cmocka_unit_test(events_are_the_same_every_time),
        cmocka_unit_test(a_value_that_is_no_json_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
