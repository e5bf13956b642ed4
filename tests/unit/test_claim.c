/* Claims out of files that people sent: what is understood, and what is refused with which words. */
#include "core/clock.h"
#include "cuesheet/audit.h"
#include "tests/unit/support.h"

static const ut_claim_rules plain = {.name = "t.csv"};

static ut_claims parse(const char *text, const ut_claim_rules *rules)
{
    ut_err err;
    ut_claims claims;
    if (ut_claims_parse(text, strlen(text), rules, &claims, &err) != UT_OK)
        fail_msg("%s", err.text);
    return claims;
}

static void refused(const char *text, size_t size, const char *words)
{
    ut_err err = {0};
    ut_claims claims = {0};
    assert_int_equal(ut_claims_parse(text, size, &plain, &claims, &err), UT_E_ARG);
    if (!strstr(err.text, words))
        fail_msg("\"%.60s\": said: %s", text, err.text);
    assert_null(claims.items);
}

static void columns_go_by_many_names(void **state)
{
    (void)state;
    ut_claims c = parse("Programme,Time In,Time Out,Cue Title,Performer,ISRC,Use,Writers,PRO\r\n"
                        "News,2026-11-21T20:00:00Z,2026-11-21T20:01:30.5Z, The Song ,Ann,gb-aye-00-00351,BV,"
                        "Ann Lee / Bob Roe,PRS\r\n",
                        &plain);
    assert_int_equal(c.count, 1);
    assert_int_equal(c.items[0].row, 2);
    assert_string_equal(c.items[0].what.title, "The Song");
    assert_string_equal(c.items[0].what.artist, "Ann");
    assert_string_equal(c.items[0].what.isrc, "GBAYE0000351");
    assert_string_equal(c.items[0].usage, "BV");
    assert_int_equal(c.items[0].use, UT_USE_BACKGROUND);
    assert_int_equal(c.items[0].end_ns - c.items[0].start_ns, INT64_C(90500000000));
    assert_int_equal(c.items[0].what.party_count, 2);
    assert_string_equal(c.items[0].what.parties[1].name, "Bob Roe");
    assert_string_equal(c.items[0].what.parties[1].society, "PRS");
    ut_claims_clear(&c);
}

static void times_are_read_as_they_are_written(void **state)
{
    (void)state;
    static const struct {
        const char *start, *length;
        double start_s, length_s; /* from the origin, 2026-11-21T20:00:00Z */
    } cases[] = {
        {"0:05:00", "1:30", 300, 90},
        {"05:00", "0:01:30", 300, 90},
        {"300", "90", 300, 90},
        {"300.25", "\"90,5\"", 300.25, 90.5},
        {"00:05:00:24", "PT1M30S", 300, 90},
        {"01:00:00;00", "PT1H", 3600, 3600},
        {"2026-11-21T21:05:00+01:00", "PT2.5S", 300, 2.5},
        {"2026-11-21 21:05:00", "90", 300, 90},
        {"2026-11-21 21:05", "90", 300, 90},
        {"2026/11/21 21:05:00.250", "90", 300.25, 90},
    };
    ut_claim_rules rules = {.name = "t.csv", .has_offset = true, .offset_min = 60};
    assert_int_equal(ut_time_parse("2026-11-21T20:00:00Z", &rules.origin_ns, NULL), UT_OK);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[200];
        snprintf(text, sizeof text, "start,duration,title\n%s,%s,A\n", cases[i].start, cases[i].length);
        ut_claims c = parse(text, &rules);
        assert_int_equal(c.count, 1);
        if (c.items[0].start_ns - rules.origin_ns != (int64_t)(cases[i].start_s * 1e9) ||
            c.items[0].end_ns - c.items[0].start_ns != (int64_t)(cases[i].length_s * 1e9))
            fail_msg("%s for %s", cases[i].start, cases[i].length);
        ut_claims_clear(&c);
    }
}

static void times_of_a_day_may_pass_midnight(void **state)
{
    (void)state;
    int64_t wanted = 0;
    const ut_claim_rules rules = {.name = "t.csv", .has_offset = true, .offset_min = 540};
    ut_claims c = parse("date,start,end,title\n2026-11-21,23:59:30,00:00:30,A\n", &rules);
    assert_int_equal(ut_time_parse("2026-11-21T14:59:30Z", &wanted, NULL), UT_OK);
    assert_int_equal(c.items[0].start_ns, wanted);
    assert_int_equal(c.items[0].end_ns - c.items[0].start_ns, 60 * UT_NS_PER_S);
    ut_claims_clear(&c);
    ut_claim_rules day = rules;
    day.date = "2026-11-21";
    c = parse("start,end,title\n23:59,00:00:30,A\n", &day);
    assert_int_equal(c.items[0].start_ns, wanted - 30 * UT_NS_PER_S);
    ut_claims_clear(&c);
}

static void rapidcue_rows_are_one_claim(void **state)
{
    (void)state;
    ut_claims c = parse("MUSIC CUE SHEET\n\nNetwork,One\n"
                        "Cue #,Cue Title,Usage,In H,In M,In S,Out H,Out M,Out S,Dur M,Dur S,Role,First Name,Last Name,"
                        "Publisher,IPI,PRO,Share\n"
                        "1,'=Sum,VI,0,5,0,0,6,30,1,30,C,Ada,Lovelace,,00017798450,PRS,0.5\n"
                        "1,'=Sum,VI,,,,,,,,,E,,,House Music,12345,PRS,50 %\n"
                        "2,Other,BI,1,0,0,,,,0,7,C,Bob,Roe,,,,\n",
                        &plain);
    assert_int_equal(c.count, 2);
    assert_string_equal(c.items[0].what.title, "=Sum");
    assert_int_equal(c.items[0].start_ns, 300 * UT_NS_PER_S);
    assert_int_equal(c.items[0].end_ns, 390 * UT_NS_PER_S);
    assert_int_equal(c.items[0].use, UT_USE_UNKNOWN);
    assert_int_equal(c.items[0].what.party_count, 2);
    assert_string_equal(c.items[0].what.parties[0].name, "Ada Lovelace");
    assert_string_equal(c.items[0].what.parties[0].ipi, "00017798450");
    assert_int_equal(c.items[0].what.parties[1].role, UT_ROLE_PUBLISHER);
    assert_true(c.items[0].what.parties[1].share == 0.5);
    assert_null(c.items[0].what.parties[1].ipi);
    assert_string_equal(c.items[0].note, "IPI not valid");
    assert_int_equal(c.items[1].end_ns - c.items[1].start_ns, 7 * UT_NS_PER_S);
    ut_claims_clear(&c);
}

static void what_does_not_fit_is_refused_with_its_row(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "t.csv: no header"},
        {"hello", "t.csv: no header"},
        {"start;end;title\n1;2;A\n", "semicolons"},
        {"start,title\n1,A\n", "t.csv:1: neither a column end nor a column duration"},
        {"start,end,in,title\n1,2,3,A\n", "t.csv:1: two columns mean start"},
        {"start,end,title\n1,2,A\n3,,B\n", "t.csv:3: a start but neither"},
        {"start,end,title\n\n2,1,A\n", "t.csv:3: the end is not after the start"},
        {"start,end,title\n1,1,A\n", "the end is not after the start"},
        {"start,end,title\nnoon,2,A\n", "t.csv:2: \"noon\" is not a time"},
        {"start,end,title\n2026-11-21 20:00:00,2,A\n", "has no offset to UTC; give the file's with --utc-offset"},
        {"start,end,title\n11/21/2026 20:00:00,2,A\n", "is not a date; write it as 2026-11-21"},
        {"start,end,title\n99999999999999999999,2,A\n", "is not a time"},
        {"start,duration,title\n1,PT9999999H,A\n", "is not a duration"},
        {"start,end,title,isrc\n1,2,,\n", "t.csv:2: no music is named"},
        {"start,end,title\n,,A\n", "t.csv:2: no start time"},
        {"start,end,title\n1,2,\"A\n", "a quote opens and never closes"},
        {"start,end,title\n1,2,caf\xE9\n", "t.csv:2: byte 0xE9 is not UTF-8"},
        {"\xFF\xFEs", "UTF-16"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        refused(cases[i].text, strlen(cases[i].text), cases[i].words);
    refused("start,end,title\n1,2,A\0B\n", 24, "NUL byte");
}

static void sizes_are_bounded(void **state)
{
    (void)state;
    size_t rows = UT_CLAIM_ROWS + 1, size = 0, capacity = 16 + 8 * (size_t)1100000;
    char *text = malloc(capacity);
    assert_non_null(text);
    size = (size_t)snprintf(text, capacity, "start,end,title\n");
    for (size_t i = 0; i < rows; i++, size += 6)
        memcpy(text + size, "1,2,A\n", 6);
    refused(text, size, "more than 250000 claims; split the file");
    size = 16;
    for (size_t i = 0; i < 1048577; i++, size += 3) /* rows that say nothing */
        memcpy(text + size, ",,\n", 3);
    refused(text, size, "more than 1048576 rows; split the file");
    size = 16;
    memset(text + size, 'x', 9000);
    refused(text, size + 9000, "field 1 has more than 8192 bytes");
    free(text);
    char wide[2000] = "start,end,title";
    memset(wide + 15, ',', 1500); /* more columns than are looked at */
    strcpy(wide + 1515, "\n1,2,A\n");
    ut_claims c = parse(wide, &plain);
    assert_int_equal(c.count, 1);
    ut_claims_clear(&c);
}

static void offsets(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "9", "+", "+25:00", "+1:60", "UTC", "+09:00x", "+99999", "09:00"};
    int minutes = 1;
    assert_int_equal(ut_offset_parse("Z", &minutes, NULL), UT_OK);
    assert_int_equal(minutes, 0);
    assert_int_equal(ut_offset_parse("+09:00", &minutes, NULL), UT_OK);
    assert_int_equal(minutes, 540);
    assert_int_equal(ut_offset_parse("-0330", &minutes, NULL), UT_OK);
    assert_int_equal(minutes, -210);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(ut_offset_parse(bad[i], &minutes, NULL), UT_E_ARG);
}

static void spans_join_and_cover(void **state)
{
    (void)state;
    ut_span spans[] = {{30, 40}, {0, 10}, {5, 12}, {12, 20}, {50, 50}, {60, 55}}, missing[4];
    size_t count = ut_spans_join(spans, COUNT(spans));
    assert_int_equal(count, 2);
    assert_int_equal(spans[0].end_ns, 20);
    assert_int_equal(ut_spans_cover(spans, count, 15, 35), 10);
    assert_int_equal(ut_spans_cover(spans, count, 20, 30), 0);
    assert_int_equal(ut_spans_cover(spans, count, -5, 100), 30);
    count = ut_spans_missing(spans, count, -5, 100, missing);
    assert_int_equal(count, 3);
    assert_int_equal(missing[0].start_ns, -5);
    assert_int_equal(missing[1].start_ns, 20);
    assert_int_equal(missing[2].end_ns, 100);
    assert_int_equal(ut_spans_missing(NULL, 0, 0, 7, missing), 1);
    assert_int_equal(missing[0].end_ns, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_go_by_many_names),
        cmocka_unit_test(times_are_read_as_they_are_written),
        cmocka_unit_test(times_of_a_day_may_pass_midnight),
        cmocka_unit_test(rapidcue_rows_are_one_claim),
        cmocka_unit_test(what_does_not_fit_is_refused_with_its_row),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(offsets),
        cmocka_unit_test(spans_join_and_cover),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
