/* tracks.csv: what is read from it, and what it says when it is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "pipeline/metadata.h"

static ut_metadata *parse(const char *text)
{
    ut_metadata *m = NULL;
    ut_err err = {0};
    if (ut_metadata_parse("t.csv", text, strlen(text), &m, &err) != UT_OK)
        fail_msg("%s", err.text);
    return m;
}

static void refuses(const char *text, const char *where, const char *why)
{
    ut_metadata *m = NULL;
    ut_err err = {0};
    assert_int_equal(ut_metadata_parse("t.csv", text, strlen(text), &m, &err), UT_E_ARG);
    assert_null(m);
    if (strncmp(err.text, where, strlen(where)) != 0 || !strstr(err.text, why))
        fail_msg("\"%s\" does not begin with \"%s\" and say \"%s\"", err.text, where, why);
}

typedef struct {
    size_t count, lines[8];
} misses;

static void on_missed(void *arg, size_t line, const char *file)
{
    misses *m = arg;
    assert_non_null(file);
    assert_true(m->count < 8);
    m->lines[m->count++] = line;
}

static void every_column(void **state)
{
    (void)state;
    ut_metadata *m = parse("\xEF\xBB\xBF"
                           "Title,FILE,artist,album,isrc,label,library,catalogue_no,work,iswc,composers,authors,"
                           "arrangers,publishers,subpublishers\r\n"
                           "\"Song, the \"\"first\"\"\",a.wav, Ann ,Al,gb-aye-00-00351,La,Li,C 1,Wo,T0345246801,"
                           "Ann Lee|17798450|PRS|33.33%; Bob Roe|||66.67,Cy,,House|||100,Sub\r\n");
    char *paths[] = {(char *)"/x/b.wav", (char *)"/x/a.wav"};
    const ut_recording *rows[2];
    misses missed = {0};
    assert_int_equal(ut_metadata_match(m, paths, 2, rows, on_missed, &missed, NULL), UT_OK);
    assert_null(rows[0]);
    const ut_recording *r = rows[1];
    assert_non_null(r);
    assert_string_equal(r->title, "Song, the \"first\"");
    assert_string_equal(r->artist, "Ann");
    assert_string_equal(r->album, "Al");
    assert_string_equal(r->isrc, "GBAYE0000351");
    assert_string_equal(r->label, "La");
    assert_string_equal(r->library, "Li");
    assert_string_equal(r->catalogue_no, "C 1");
    assert_string_equal(r->work, "Wo");
    assert_string_equal(r->iswc, "T-034.524.680-1");
    assert_int_equal(r->party_count, 5);
    assert_string_equal(r->parties[0].name, "Ann Lee");
    assert_string_equal(r->parties[0].ipi, "00017798450");
    assert_string_equal(r->parties[0].society, "PRS");
    assert_true(r->parties[0].share == 0.3333);
    assert_string_equal(r->parties[1].name, "Bob Roe");
    assert_null(r->parties[1].ipi);
    assert_null(r->parties[1].society);
    assert_int_equal(r->parties[2].role, UT_ROLE_AUTHOR);
    assert_true(isnan(r->parties[2].share));
    assert_int_equal(r->parties[3].role, UT_ROLE_PUBLISHER);
    assert_true(r->parties[3].share == 1);
    assert_int_equal(r->parties[4].role, UT_ROLE_SUBPUBLISHER);
    assert_int_equal(missed.count, 0);
    ut_metadata_close(&m);
    assert_null(m);
}

static void empty_cells_are_unknown(void **state)
{
    (void)state;
    ut_metadata *m = parse("file,title,isrc,composers\na.wav,,,\n");
    char *paths[] = {(char *)"a.wav"};
    const ut_recording *rows[1];
    misses missed = {0};
    assert_int_equal(ut_metadata_match(m, paths, 1, rows, on_missed, &missed, NULL), UT_OK);
    assert_null(rows[0]->title);
    assert_null(rows[0]->isrc);
    assert_int_equal(rows[0]->party_count, 0);
    ut_metadata_close(&m);
}

static void wrong_headers(void **state)
{
    (void)state;
    refuses("", "t.csv:1: ", "must name the columns");
    refuses("title,artist\nx,y\n", "t.csv:1: ", "no column \"file\"");
    refuses("file,Titel\na,b\n", "t.csv:1: ", "unknown column \"Titel\"");
    refuses("file,title,file\na,b,c\n", "t.csv:1: ", "twice");
    refuses("file;title\na;b\n", "t.csv:1: ", "commas");
    refuses("file\ttitle\na\tb\n", "t.csv:1: ", "commas");
    refuses("\xFF\xFE"
            "f",
            "t.csv:1: ", "UTF-16");
}

static void wrong_rows(void **state)
{
    (void)state;
    refuses("file,title\na.wav,x\nb.wav\n", "t.csv:3: ", "1 fields, the header has 2");
    refuses("file,title\na.wav,x,y\n", "t.csv:2: ", "in quotes");
    refuses("file,title\n,x\n", "t.csv:2: ", "no file");
    refuses("file,title\na.wav,x\n\"b\nc.wav\",y\na.wav,z\n", "t.csv:5: ", "on line 2 too");
    refuses("file,isrc\na.wav,GBAYE000035\n", "t.csv:2: ", "isrc \"GBAYE000035\"");
    refuses("file,iswc\na.wav,T-034.524.680-2\n", "t.csv:2: ", "check digit");
    refuses("file,title\na.wav,K\xF6ln\n", "t.csv:2: ", "UTF-8");
}

static void wrong_parties(void **state)
{
    (void)state;
    refuses("file,composers\na.wav,Ann|00017798451\n", "t.csv:2: composers: ", "ipi \"00017798451\"");
    refuses("file,composers\na.wav,|00017798450\n", "t.csv:2: composers: ", "without a name");
    refuses("file,composers\na.wav,Ann|||50|x\n", "t.csv:2: composers: ", "more than four parts");
    refuses("file,composers\na.wav,Ann|||half\n", "t.csv:2: composers: ", "share \"half\"");
    refuses("file,composers\na.wav,Ann|||101\n", "t.csv:2: composers: ", "share \"101\"");
    refuses("file,composers\na.wav,Ann|||-1\n", "t.csv:2: composers: ", "share \"-1\"");
    refuses("file,publishers\na.wav,A|||60;B|||60\n", "t.csv:2: publishers: ", "120 %");
}

static void matching_by_name_or_more_of_the_path(void **state)
{
    (void)state;
    ut_metadata *m = parse("file,title\nb/song.wav,B\n./only.wav,O\nelsewhere.wav,E\n/m/a/song.wav,A\nsong.wa,no\n");
    char *paths[] = {(char *)"/m/b/song.wav", (char *)"/m/a/song.wav", (char *)"/m/only.wav", (char *)"/m/bb/song.wav"};
    const ut_recording *rows[4];
    misses missed = {0};
    ut_err err = {0};
    if (ut_metadata_match(m, paths, 4, rows, on_missed, &missed, &err) != UT_OK)
        fail_msg("%s", err.text);
    assert_string_equal(rows[0]->title, "B");
    assert_string_equal(rows[1]->title, "A");
    assert_string_equal(rows[2]->title, "O");
    assert_null(rows[3]);
    assert_int_equal(missed.count, 2);
    assert_int_equal(missed.lines[0] + missed.lines[1], 4 + 6);
    ut_metadata_close(&m);
}

static void ambiguous_rows_are_refused(void **state)
{
    (void)state;
    char *paths[] = {(char *)"/m/b/song.wav", (char *)"/m/a/song.wav"};
    const ut_recording *rows[2];
    misses missed = {0};
    ut_err err = {0};
    ut_metadata *m = parse("file\nsong.wav\n");
    assert_int_equal(ut_metadata_match(m, paths, 2, rows, on_missed, &missed, &err), UT_E_ARG);
    assert_non_null(strstr(err.text, "t.csv:2: "));
    assert_non_null(strstr(err.text, "fits both"));
    ut_metadata_close(&m);
    m = parse("file\na/song.wav\nm/a/song.wav\n");
    assert_int_equal(ut_metadata_match(m, paths, 2, rows, on_missed, &missed, &err), UT_E_ARG);
    assert_non_null(strstr(err.text, "same file"));
    ut_metadata_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_column),
        cmocka_unit_test(empty_cells_are_unknown),
        cmocka_unit_test(wrong_headers),
        cmocka_unit_test(wrong_rows),
        cmocka_unit_test(wrong_parties),
        cmocka_unit_test(matching_by_name_or_more_of_the_path),
        cmocka_unit_test(ambiguous_rows_are_refused),
    };
    return cmocka_run_group_tests_name("tracks.csv", tests, NULL, NULL);
}
