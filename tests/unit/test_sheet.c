/* Cue sheets on paper: rounding, rows, CSV, XLSX and JSON, read back by check_sheet.py with
 * independent libraries. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/file.h"
#include "cuesheet/rows.h"

static ut_party parties[] = {
    {.name = (char *)"Ada Lövelace",
     .ipi = (char *)"00012345678",
     .society = (char *)"STIM",
     .role = UT_ROLE_COMPOSER,
     .share = 0.5},
    {.name = (char *)"Ng & Sons, Ltd",
     .ipi = (char *)"00000000199",
     .society = (char *)"ASCAP",
     .role = UT_ROLE_PUBLISHER,
     .share = 0.5},
};
static ut_recording first = {.id = 7, .title = (char *)"=HYPERLINK(\"x\")", .parties = parties, .party_count = 2};
static ut_recording second = {.id = 8, .title = (char *)"Second", .parties = parties, .party_count = 2};

static int64_t start_ns;

static ut_cue cue(int seq, ut_outcome outcome, int64_t id, int64_t in_ns, int64_t out_ns)
{
    ut_airplay air = {.id = "3f0c1d2e-0000-8000-8000-000000000000",
                      .start_ns = start_ns + in_ns,
                      .end_ns = start_ns + out_ns,
                      .what = {.outcome = outcome,
                               .recording_id = id,
                               .log10_e = -9.5,
                               .music_lufs = outcome == UT_IDENTIFIED ? -30.25 : NAN,
                               .speech_lufs = -24,
                               .mix_lufs = -23}};
    ut_cue_rules rules = ut_cue_rules_default();
    rules.programme_start_ns = start_ns;
    ut_cue *cues;
    size_t count;
    assert_int_equal(ut_cues_make(&air, 1, &rules, &cues, &count, NULL), UT_OK);
    assert_int_equal(count, 1);
    ut_cue made = *cues;
    made.seq = seq;
    free(cues);
    return made;
}

static void write_out(const char *folder, const char *name, const char *data, size_t size)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(ut_file_write(path, data, size, NULL), UT_OK);
}

static void forms_read_back(void **state)
{
    (void)state;
    assert_int_equal(ut_time_parse("2026-11-20T20:00:00Z", &start_ns, NULL), UT_OK);
    /* 126.499 s prints as 126: it is under the half; 2.5 s prints as 3; 20.4 s as 20. */
    const ut_cue cues[] = {
        cue(1, UT_IDENTIFIED, 7, INT64_C(1499999999) - 500000, INT64_C(127998000000)),
        cue(2, UT_UNIDENTIFIED, 0, INT64_C(300000000000), INT64_C(302500000000)),
        cue(3, UT_AMBIGUOUS, 8, INT64_C(3660600000000), INT64_C(3681000000000)),
    };
    ut_cue exact[3];
    memcpy(exact, cues, sizeof cues);
    exact[0].start_ns = start_ns + INT64_C(1499999999);
    const ut_recording *recordings[] = {&first, NULL, &second};
    const ut_gap gap = {.channel = "one", .start_ns = start_ns, .end_ns = start_ns + UT_NS_PER_S, .reason = "no-data"};
    const ut_sheet sheet = {
        .header = {.programme = "Tonight =1+1",
                   .episode = "Pilot",
                   .episode_no = "007",
                   .prepared_by = "Desk",
                   .classification = "Original",
                   .prepared = "2026-11-21",
                   .airdate = "2026-11-20",
                   .network = "One"},
        .channel = "one",
        .start_ns = start_ns,
        .end_ns = start_ns + 1800 * UT_NS_PER_S,
        .cues = exact,
        .recordings = recordings,
        .count = 3,
        .gaps = &gap,
        .gap_count = 1,
    };
    char folder[] = "/tmp/ut-sheet-XXXXXX", path[512], command[2048], *data;
    size_t size;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(ut_sheet_csv(&sheet, &data, &size, NULL), UT_OK);
    write_out(folder, "sheet.csv", data, size);
    free(data);
    assert_int_equal(ut_sheet_json(&sheet, &data, &size, NULL), UT_OK);
    write_out(folder, "sheet.json", data, size);
    free(data);
    snprintf(path, sizeof path, "%s/sheet.xlsx", folder);
    assert_int_equal(ut_sheet_xlsx(&sheet, path, NULL), UT_OK);
    snprintf(command, sizeof command, "/usr/bin/python3 %s/unit/check_sheet.py %s %s", UT_TEST_DATA, UT_SCHEMAS,
             folder);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void rounds_half_up(void **state)
{
    (void)state;
    assert_int_equal(ut_round_s(0), 0);
    assert_int_equal(ut_round_s(499), 0);
    assert_int_equal(ut_round_s(500), 1);
    assert_int_equal(ut_round_s(1499), 1);
    assert_int_equal(ut_round_s(1500), 2);
    assert_int_equal(ut_round_s(-500), 0);
    assert_int_equal(ut_round_s(-501), -1);
}

static void total_is_the_sum_of_the_printed(void **state)
{
    (void)state;
    start_ns = 0;
    ut_cue cues[4];
    const ut_recording *recordings[4] = {NULL};
    for (int i = 0; i < 4; i++) /* 4 × 0.6 s: 2.4 s on air, 4 s as printed */
        cues[i] = cue(i + 1, UT_UNIDENTIFIED, 0, i * INT64_C(10000000000), i * INT64_C(10000000000) + 600000000);
    const ut_sheet sheet = {.cues = cues, .recordings = recordings, .count = 4};
    assert_int_equal(ut_rows_total_s(&sheet), 4);
}

static ut_status last_row(void *arg, const ut_row *row, ut_err *err)
{
    (void)err;
    *(ut_row *)arg = *row;
    return UT_OK;
}

static ut_row row_of_party(const char *name)
{
    start_ns = 0;
    ut_party party = {.name = (char *)name, .role = UT_ROLE_COMPOSER, .share = NAN};
    ut_recording rec = {.id = 1, .title = (char *)"T", .parties = &party, .party_count = 1};
    ut_cue one = cue(1, UT_IDENTIFIED, 1, 0, UT_NS_PER_S);
    const ut_recording *recordings[] = {&rec};
    const ut_sheet sheet = {.cues = &one, .recordings = recordings, .count = 1};
    ut_row row = {0};
    assert_int_equal(ut_rows_each(&sheet, last_row, &row, NULL), UT_OK);
    return row;
}

static void names_are_split(void **state)
{
    (void)state;
    ut_row row = row_of_party("Johann Sebastian Bach");
    assert_string_equal(row.first_name, "Johann Sebastian");
    assert_string_equal(row.last_name, "Bach");
    row = row_of_party("Bach, Carl Philipp");
    assert_string_equal(row.first_name, "Carl Philipp");
    assert_string_equal(row.last_name, "Bach");
    row = row_of_party("Vangelis");
    assert_string_equal(row.first_name, "");
    assert_string_equal(row.last_name, "Vangelis");
    char name[600]; /* 2-byte characters: a cut inside one would not be UTF-8 */
    for (size_t i = 0; i < sizeof name - 2; i += 2)
        memcpy(name + i, "é", 2);
    name[sizeof name - 2] = '\0';
    row = row_of_party(name);
    assert_int_equal(strlen(row.last_name) % 2, 0);
    assert_in_range(strlen(row.last_name), 100, sizeof row.last_name - 1);
}

static void a_workbook_too_long_is_refused(void **state)
{
    (void)state;
    start_ns = 0;
    const size_t count = UT_RAPIDCUE_ROWS + 1;
    ut_cue *cues = calloc(count, sizeof *cues);
    const ut_recording **recordings = calloc(count, sizeof *recordings);
    assert_true(cues && recordings);
    const ut_sheet sheet = {.cues = cues, .recordings = recordings, .count = count};
    assert_int_equal(ut_sheet_xlsx(&sheet, "/tmp/ut-never.xlsx", NULL), UT_E_ARG);
    assert_int_not_equal(access("/tmp/ut-never.xlsx", F_OK), 0);
    free(cues);
    free(recordings);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    const ut_sheet sheet = {.count = 0};
    ut_err err;
    assert_int_equal(ut_sheet_xlsx(&sheet, "/nonexistent/x.xlsx", &err), UT_E_IO);
    assert_non_null(strstr(err.text, "/nonexistent/x.xlsx"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_read_back),
        cmocka_unit_test(rounds_half_up),
        cmocka_unit_test(total_is_the_sum_of_the_printed),
        cmocka_unit_test(names_are_split),
        cmocka_unit_test(a_workbook_too_long_is_refused),
        cmocka_unit_test(a_folder_that_is_not_there_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
