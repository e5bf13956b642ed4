/* As-run logs and XMLTV: what they mean, and what hostile ones do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "pipeline/schedule.h"

typedef ut_status (*reader_fn)(const char *, const char *, size_t, const ut_schedule_options *, ut_schedule *,
                               ut_err *);

static ut_zone *zone;

static int open_zone(void **state)
{
    (void)state;
    return ut_zone_open("Europe/Berlin", &zone, NULL) == UT_OK ? 0 : -1;
}

static int close_zone(void **state)
{
    (void)state;
    ut_zone_close(&zone);
    return 0;
}

static int64_t at(const char *text)
{
    int64_t ns;
    assert_int_equal(ut_time_parse(text, &ns, NULL), UT_OK);
    return ns;
}

static ut_schedule read_ok(reader_fn reader, const char *text, ut_schedule_options options)
{
    ut_err err = {0};
    ut_schedule schedule = {0};
    options.channel = "one";
    options.zone = zone;
    if (reader("f", text, strlen(text), &options, &schedule, &err) != UT_OK)
        fail_msg("%s", err.text);
    return schedule;
}

static void read_bad(reader_fn reader, const char *text, size_t size, ut_schedule_options options, const char *wanted)
{
    ut_err err = {0};
    ut_schedule schedule = {0};
    options.channel = "one";
    options.zone = zone;
    assert_int_equal(reader("f", text, size, &options, &schedule, &err), UT_E_ARG);
    if (!strstr(err.text, wanted))
        fail_msg("\"%s\" is not in \"%s\"", wanted, err.text);
    assert_null(schedule.items);
}

static void airing_is(const ut_airing *a, const char *title, const char *start, const char *end, ut_boundary boundary)
{
    assert_string_equal(a->programme.title, title);
    assert_int_equal(a->start_ns, at(start));
    assert_int_equal(a->end_ns, at(end));
    assert_int_equal(a->boundary, boundary);
    assert_string_equal(a->channel, "one");
}

static void a_log_of_any_shape(void **state)
{
    (void)state;
    ut_schedule s = read_ok(ut_schedule_asrun,
                            "\xEF\xBB\xBF"
                            "Air Date;Start_Time;End Time;Duration;Title;Episode No.;House ID;Type;Other\r\n"
                            "2026-11-21;20:15:00:12;21:00:00;;Crime; 3 ;H-77;series;x\r\n"
                            "2026-11-21;21:00;;00:25:30;\"News; late\";;;news;y\r\n"
                            "2026-11-21;23:30;00:45;;Film;;;film;z\r\n"
                            "2026-11-21;25:10;;;Night;;;film;\r\n"
                            "2026-11-22;02:00;03:00;;Loop;;;film;\r\n",
                            (ut_schedule_options){0});
    assert_int_equal(s.count, 5);
    airing_is(&s.items[0], "Crime", "2026-11-21T19:15:00.48Z", "2026-11-21T20:00:00Z", UT_BOUNDARY_LOGGED);
    assert_string_equal(s.items[0].programme.episode_no, "3");
    assert_string_equal(s.items[0].programme.key, "no:H-77");
    airing_is(&s.items[1], "News; late", "2026-11-21T20:00:00Z", "2026-11-21T20:25:30Z", UT_BOUNDARY_LOGGED);
    assert_string_equal(s.items[1].programme.key, "title:newslate//");
    airing_is(&s.items[2], "Film", "2026-11-21T22:30:00Z", "2026-11-21T23:45:00Z", UT_BOUNDARY_LOGGED);
    airing_is(&s.items[3], "Night", "2026-11-22T00:10:00Z", "2026-11-22T01:00:00Z", UT_BOUNDARY_GUESSED);
    ut_schedule_clear(&s);
}

static void dates_and_offsets(void **state)
{
    (void)state;
    ut_schedule s = read_ok(ut_schedule_asrun, "start,end,title\n03/04/2026 10:00:00,03/04/2026 11:00:00,A\n",
                            (ut_schedule_options){.dates = UT_DATES_MDY});
    airing_is(&s.items[0], "A", "2026-03-04T09:00:00Z", "2026-03-04T10:00:00Z", UT_BOUNDARY_LOGGED);
    ut_schedule_clear(&s);
    s = read_ok(ut_schedule_asrun, "start\ttitle\tlength\n2026-07-01T10:00:00-04:00\tA\t90.5\n",
                (ut_schedule_options){0});
    airing_is(&s.items[0], "A", "2026-07-01T14:00:00Z", "2026-07-01T14:01:30.5Z", UT_BOUNDARY_LOGGED);
    ut_schedule_clear(&s);
    s = read_ok(ut_schedule_asrun, "time,title,duration\n22:00,A,1:00:00\n23:30,B,1:00:00\n00:30,C,1:00:00\n",
                (ut_schedule_options){.date = "2026-12-31"});
    airing_is(&s.items[2], "C", "2026-12-31T23:30:00Z", "2027-01-01T00:30:00Z", UT_BOUNDARY_LOGGED);
    ut_schedule_clear(&s);
}

static void the_hour_that_is_there_twice_goes_on(void **state)
{
    (void)state;
    ut_schedule s = read_ok(ut_schedule_asrun,
                            "date,start,end,title\n2026-10-25,01:30,02:00,A\n2026-10-25,02:00,02:30,B\n"
                            "2026-10-25,02:30,02:00,C\n2026-10-25,02:00,02:30,D\n2026-10-25,02:30,03:00,E\n",
                            (ut_schedule_options){0});
    static const char *const starts[] = {"2026-10-24T23:30:00Z", "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z",
                                         "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"};
    assert_int_equal(s.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(s.items[i].start_ns, at(starts[i]));
        assert_int_equal(s.items[i].end_ns - s.items[i].start_ns, 1800 * UT_NS_PER_S);
    }
    ut_schedule_clear(&s);
    const char *lost = "date,start,title\n2026-03-29,02:30,A\n";
    read_bad(ut_schedule_asrun, lost, strlen(lost), (ut_schedule_options){0}, "f:2: 02:30: the clock went past it");
}

static void rows_of_one_channel_and_category(void **state)
{
    (void)state;
    const char *text =
        "channel,start,duration,title,type\nA,2026-01-01 10:00:00,60,x,ad\nB,2026-01-01 10:00:30,600,y,show\n"
        "A,2026-01-01 10:01:00,600,z,show\n";
    read_bad(ut_schedule_asrun, text, strlen(text), (ut_schedule_options){0}, "f:3: rows of several channels, A and B");
    ut_schedule s = read_ok(ut_schedule_asrun, text, (ut_schedule_options){.of_channel = "A", .category = "SHOW"});
    assert_int_equal(s.count, 1);
    assert_string_equal(s.items[0].programme.title, "z");
    ut_schedule_clear(&s);
}

static void logs_that_are_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"", "f:1: no column \"start\""},
        {"start,end\n", "f:1: no column \"title\""},
        {"start,title\n2026-13-01 10:00:00,x\n", "f:2: 2026-13-01 10:00:00: not a date"},
        {"start,title\n01/02/2026 10:00:00,x\n", "f:2: 01/02/2026 10:00:00: not a date"},
        {"start,title\n10:00:00,x\n", "without a date"},
        {"start,title\n2026-01-01 10:61:00,x\n", "not a time"},
        {"start,title\n2026-01-01 10:00:00:25,x\n", "not a time"},
        {"start,end,title\n2026-01-01 10:00:00,2026-01-01 09:00:00,x\n", "not after its start"},
        {"start,duration,title\n2026-01-01 10:00:00,-5,x\n", "f:2: duration -5: not one"},
        {"start,duration,title\n2026-01-01 10:00:00,60,x\n2026-01-01 10:01:00,60,\n", "f:3: no title"},
        {"start,title\n2026-01-01 10:00:00,\"x\n", "f:2: a quote opens"},
        {"start,title\n2026-01-01 10:00:00,\xff\n", "f:2: byte 0xFF is not UTF-8"},
        {"start,title\n", "no row"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        read_bad(ut_schedule_asrun, cases[i].text, strlen(cases[i].text), (ut_schedule_options){0}, cases[i].wanted);
    read_bad(ut_schedule_asrun, "\xff\xfes\0t\0", 6, (ut_schedule_options){0}, "UTF-16");
}

static void a_million_rows_are_too_many(void **state)
{
    (void)state;
    const size_t rows = 1000000;
    char *text = malloc(rows * 40 + 100), *end = text;
    assert_non_null(text);
    end += sprintf(end, "date,start,duration,title\n");
    for (size_t i = 0; i < rows; i++)
        end += sprintf(end, "2026-01-01,%02zu:%02zu:%02zu,1,x\n", i / 3600 % 24, i / 60 % 60, i % 60);
    read_bad(ut_schedule_asrun, text, (size_t)(end - text), (ut_schedule_options){0},
             "f:200002: more than 200000 programmes");
    free(text);
}

static void xmltv_with_and_without_ends(void **state)
{
    (void)state;
    ut_schedule s = read_ok(
        ut_schedule_xmltv,
        "<?xml version='1.0' encoding='ISO-8859-1'?><!DOCTYPE tv SYSTEM 'xmltv.dtd'><tv><channel id='a'/>"
        "<programme start='20261121201500 +0100' stop='20261121210000 +0100' channel='a'><title lang='de'>K\xfc"
        "che &amp; "
        "B\xe4r</title><title>Kitchen</title><sub-title>Pilot</sub-title><desc>d</desc><category>cooking</category>"
        "<episode-num system='onscreen'>S2</episode-num></programme>"
        "<programme start='202611212000' channel='a'><title><![CDATA[News]]></title>"
        "<episode-num system='xmltv_ns'> 1 . 4/10 . 0/1 </episode-num></programme>"
        "<programme start='20261121203000 UTC' stop='20261121213000' channel='a'><title>Film</title></programme>"
        "<programme start='20261121220000' channel='a'><title>without an end</title></programme></tv>",
        (ut_schedule_options){0});
    assert_int_equal(s.count, 3);
    airing_is(&s.items[0], "Küche & Bär", "2026-11-21T19:15:00Z", "2026-11-21T20:00:00Z", UT_BOUNDARY_SCHEDULED);
    assert_string_equal(s.items[0].programme.aka, "Kitchen");
    assert_string_equal(s.items[0].programme.episode, "Pilot");
    assert_string_equal(s.items[0].programme.episode_no, "S2");
    airing_is(&s.items[1], "News", "2026-11-21T20:00:00Z", "2026-11-21T20:30:00Z", UT_BOUNDARY_GUESSED);
    assert_string_equal(s.items[1].programme.episode_no, "2.5");
    assert_string_equal(s.items[1].programme.key, "title:news/25/");
    ut_schedule_clear(&s);
}

static void xmltv_of_one_channel(void **state)
{
    (void)state;
    const char *text = "<tv><programme channel='a' start='20260101' stop='20260102'><title>x</title></programme>"
                       "<programme channel='b' start='20260101' stop='20260102'><title>y</title></programme></tv>";
    read_bad(ut_schedule_xmltv, text, strlen(text), (ut_schedule_options){0}, "several channels, a and b");
    read_bad(ut_schedule_xmltv, text, strlen(text), (ut_schedule_options){.of_channel = "c"},
             "no programme of channel c");
    ut_schedule s = read_ok(ut_schedule_xmltv, text, (ut_schedule_options){.of_channel = "b"});
    assert_int_equal(s.count, 1);
    assert_string_equal(s.items[0].programme.title, "y");
    ut_schedule_clear(&s);
}

#define ONE "<programme channel='a' start='20260101' stop='20260102'>"

static void xmltv_that_is_hostile(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"<!DOCTYPE tv [<!ENTITY a 'aaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;'>]><tv>" ONE
         "<title>&c;</title></programme></tv>",
         "defines the entity a"},
        {"<!DOCTYPE tv [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><tv>" ONE "<title>&a;</title></programme></tv>",
         "defines the entity a"},
        {"<!DOCTYPE tv [<!ENTITY % a SYSTEM 'http://192.0.2.1/x'>%a;]><tv></tv>", "defines the entity a"},
        {"<tv>" ONE "<title>&nothing;</title></programme></tv>", "not XML"},
        {"<tv>" ONE "<title>x</title>", "not XML"},
        {"<rss></rss>", "not XMLTV"},
        {"<tv>" ONE "</programme></tv>", "without a title"},
        {"<tv><programme channel='a' start='yesterday'><title>x</title></programme></tv>",
         "f:1: start yesterday: not a"},
        {"<tv><programme channel='a' start='20260102' stop='20260101'><title>x</title></programme></tv>", "not after"},
        {"<tv><programme start='20260102'><title>x</title></programme></tv>", "without channel"},
        {"<tv></tv>", "no programme"},
        {"", "not XML"},
        {"<?xml version='1.0' encoding='EBCDIC-PIG'?><tv></tv>", "not XML"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        read_bad(ut_schedule_xmltv, cases[i].text, strlen(cases[i].text), (ut_schedule_options){0}, cases[i].wanted);
    enum { DEEP = 100000 };
    char *text = malloc(3 * DEEP + 200), *end = text;
    assert_non_null(text);
    end += sprintf(end, "<tv>" ONE);
    for (int i = 0; i < DEEP; i++)
        end += sprintf(end, "<a>");
    read_bad(ut_schedule_xmltv, text, (size_t)(end - text), (ut_schedule_options){0}, "not XML");
    end = text + sprintf(text, "<tv>" ONE "<title>");
    memset(end, 'x', 5000);
    read_bad(ut_schedule_xmltv, text, (size_t)(end + 5000 - text), (ut_schedule_options){0}, "more than 2000 bytes");
    free(text);
}

static void overlaps_end_where_the_next_begins(void **state)
{
    (void)state;
    ut_schedule s =
        read_ok(ut_schedule_asrun, "start,duration,title\n2026-01-01 11:00:00,3600,B\n2026-01-01 10:00:00,7200,A\n",
                (ut_schedule_options){0});
    assert_int_equal(s.count, 2);
    assert_int_equal(s.cut, 1);
    assert_string_equal(s.items[0].programme.title, "A");
    assert_int_equal(s.items[0].end_ns, s.items[1].start_ns);
    ut_schedule_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_of_any_shape),
        cmocka_unit_test(dates_and_offsets),
        cmocka_unit_test(the_hour_that_is_there_twice_goes_on),
        cmocka_unit_test(rows_of_one_channel_and_category),
        cmocka_unit_test(logs_that_are_wrong),
        cmocka_unit_test(a_million_rows_are_too_many),
        cmocka_unit_test(xmltv_with_and_without_ends),
        cmocka_unit_test(xmltv_of_one_channel),
        cmocka_unit_test(xmltv_that_is_hostile),
        cmocka_unit_test(overlaps_end_where_the_next_begins),
    };
    return cmocka_run_group_tests(tests, open_zone, close_zone);
}
