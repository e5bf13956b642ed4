#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/csv.h"
#include "core/identifier.h"
#include "core/text.h"

/* Reads all of `text`; gives the records joined as "a|b|c\n". */
static ut_status read_all(const char *text, char *out, size_t *last_line, ut_err *err)
{
    ut_csv *csv = NULL;
    ut_csv_record record = {0};
    *out = '\0';
    ut_status rc = ut_csv_open("t.csv", text, strlen(text), &csv, err);
    while (rc == UT_OK && (rc = ut_csv_next(csv, &record, err)) == UT_OK && record.count > 0) {
        *last_line = record.line;
        for (size_t i = 0; i < record.count; i++) {
            strcat(out, record.fields[i]);
            strcat(out, i + 1 < record.count ? "|" : "\n");
        }
    }
    ut_csv_close(&csv);
    return rc;
}

static void reads(const char *text, const char *want, size_t want_line)
{
    char got[500];
    size_t line = 0;
    ut_err err = {0};
    assert_int_equal(read_all(text, got, &line, &err), UT_OK);
    assert_string_equal(got, want);
    assert_int_equal(line, want_line);
}

static void refuses(const char *text, const char *why)
{
    char got[500];
    size_t line;
    ut_err err = {0};
    assert_int_equal(read_all(text, got, &line, &err), UT_E_ARG);
    if (!strstr(err.text, why))
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
}

static void records(void **state)
{
    (void)state;
    reads("", "", 0);
    reads("\xEF\xBB\xBF\r\n\n", "", 0);
    reads("a,b\nc,d\n", "a|b\nc|d\n", 2);
    reads("\xEF\xBB\xBF"
          "a,b\r\n\r\nc,d",
          "a|b\nc|d\n", 3);
    reads("a,b\rc,d\r", "a|b\nc|d\n", 2);
    reads(",\n", "|\n", 1);
    reads("a,,b,\n", "a||b|\n", 1);
    reads("\"a\"\"b\",\"c,d\"\n", "a\"b|c,d\n", 1);
    reads("\"\",x\n", "|x\n", 1);
    reads("\"two\r\nlines\",x\nnext,y\n", "two\r\nlines|x\nnext|y\n", 3);
    reads("K\xC3\xB6ln,\xF0\x9F\x8E\xB5", "K\xC3\xB6ln|\xF0\x9F\x8E\xB5\n", 1);
}

static void damage(void **state)
{
    (void)state;
    refuses("a\n\"b\nc", "t.csv:2: a quote opens");
    refuses("a\n\"b\" c\n", "t.csv:2: text after a closing quote");
    refuses("a\n\nb\"c\n", "t.csv:3: a quote inside");
    refuses("a\nb\nK\xF6ln\n", "t.csv:3: byte 0xF6 is not UTF-8");
    refuses("\xFF\xFE"
            "a",
            "UTF-16");
    ut_csv *csv = NULL;
    ut_err err = {0};
    assert_int_equal(ut_csv_open("t.csv", "a\0b", 3, &csv, &err), UT_E_ARG);
    assert_null(csv);
}

static void utf8(void **state)
{
    (void)state;
    const char *bad[] = {"\x80",
                         "\xC0\x80",
                         "\xC1\xBF",
                         "\xE0\x9F\xBF",
                         "\xED\xA0\x80",
                         "\xF0\x8F\xBF\xBF",
                         "\xF4\x90\x80\x80",
                         "\xF5\x80\x80\x80",
                         "\xE2\x82",
                         "\xC3(",
                         "\xFF"};
    const char *good[] = {"", "plain", "\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF4\x8F\xBF\xBF"};
    char text[] = "a\xFF\xC3\xB6\xC3";
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(ut_utf8_span(bad[i], strlen(bad[i])), 0);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(ut_utf8_span(good[i], strlen(good[i])), strlen(good[i]));
    assert_string_equal(ut_utf8_clean(text), "a?\xC3\xB6?");
}

static void identifiers(void **state)
{
    (void)state;
    char isrc[13] = "", iswc[16] = "", ipi[12] = "";
    assert_true(ut_isrc_parse("GB-AYE-00-00351", isrc));
    assert_string_equal(isrc, "GBAYE0000351");
    assert_true(ut_isrc_parse(" isrc us-s1z-99-00001 ", isrc));
    assert_string_equal(isrc, "USS1Z9900001");
    const char *no_isrc[] = {"", "GBAYE000035", "GBAYE00003511", "G1AYE0000351", "GBAYE000O351", "GB_YE0000351"};
    for (size_t i = 0; i < sizeof no_isrc / sizeof *no_isrc; i++)
        assert_false(ut_isrc_parse(no_isrc[i], isrc));

    assert_true(ut_iswc_parse("T-034.524.680-1", iswc));
    assert_string_equal(iswc, "T-034.524.680-1");
    assert_true(ut_iswc_parse("t0345246801", iswc));
    assert_string_equal(iswc, "T-034.524.680-1");
    const char *no_iswc[] = {"", "T-034.524.680-2", "T-034.524.608-1", "T034524680", "X0345246801", "T03452468011"};
    for (size_t i = 0; i < sizeof no_iswc / sizeof *no_iswc; i++)
        assert_false(ut_iswc_parse(no_iswc[i], iswc));

    assert_true(ut_ipi_parse("00017798450", ipi));
    assert_true(ut_ipi_parse(" 17798450", ipi));
    assert_string_equal(ipi, "00017798450");
    const char *no_ipi[] = {"", "0", "00017798451", "00017789450", "000177984500", "0001779845O"};
    for (size_t i = 0; i < sizeof no_ipi / sizeof *no_ipi; i++)
        assert_false(ut_ipi_parse(no_ipi[i], ipi));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records),
        cmocka_unit_test(damage),
        cmocka_unit_test(utf8),
        cmocka_unit_test(identifiers),
    };
    return cmocka_run_group_tests_name("csv and identifiers", tests, NULL, NULL);
}
