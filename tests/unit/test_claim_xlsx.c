/* Claims out of workbooks: what spreadsheets write, and what somebody would send to bring the reader down. */
#include <unistd.h>
#include <zip.h>

#include "core/clock.h"
#include "core/file.h"
#include "cuesheet/claim.h"
#include "tests/unit/support.h"

typedef struct {
    const char *name, *text; /* of a part; NULL: the end */
    size_t repeats;          /* of a MiB of spaces after `text` */
    const char *tail;
} part;

#define WORKBOOK                                                                                                       \
    {"xl/workbook.xml",                                                                                                \
     "<workbook xmlns:r='urn:r'><workbookPr/><sheets><sheet name='Old' state='hidden' r:id='a'/>"                      \
     "<sheet name='Claims' r:id='b'/></sheets></workbook>",                                                            \
     0, NULL},                                                                                                         \
    {                                                                                                                  \
        "xl/_rels/workbook.xml.rels",                                                                                  \
            "<Relationships><Relationship Id='a' Target='worksheets/sheet1.xml'/>"                                     \
            "<Relationship Id='b' Target='/xl/worksheets/sheet2.xml'/></Relationships>",                               \
            0, NULL                                                                                                    \
    }
#define SHEET(rows)                                                                                                    \
    {                                                                                                                  \
        "xl/worksheets/sheet2.xml", "<worksheet><sheetData>" rows "</sheetData></worksheet>", 0, NULL                  \
    }
#define HEADER                                                                                                         \
    "<row r='2'><c r='A2' t='str'><v>Start</v></c><c r='B2' t='str'><v>Duration</v></c>"                               \
    "<c r='D2' t='inlineStr'><is><t>Title</t></is></c></row>"

/* Writes the parts as a ZIP file and reads it back. */
static void workbook(const part *parts, char **data, size_t *size)
{
    static char spaces[1 << 20];
    char path[] = "/tmp/ut-xlsx-XXXXXX";
    zip_buffer_fragment_t fragments[400];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    memset(spaces, ' ', sizeof spaces);
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
    assert_non_null(zip);
    for (; parts->name; parts++) {
        size_t count = 0;
        fragments[count++] = (zip_buffer_fragment_t){(zip_uint8_t *)parts->text, strlen(parts->text)};
        for (size_t i = 0; i < parts->repeats; i++)
            fragments[count++] = (zip_buffer_fragment_t){(zip_uint8_t *)spaces, sizeof spaces};
        if (parts->tail)
            fragments[count++] = (zip_buffer_fragment_t){(zip_uint8_t *)parts->tail, strlen(parts->tail)};
        zip_source_t *source = zip_source_buffer_fragment(zip, fragments, count, 0);
        zip_int64_t index = zip_file_add(zip, parts->name, source, 0);
        assert_true(index >= 0);
        assert_int_equal(zip_set_file_compression(zip, (zip_uint64_t)index, ZIP_CM_DEFLATE, 1), 0);
    }
    assert_int_equal(zip_close(zip), 0);
    assert_int_equal(ut_file_read(path, (size_t)64 << 20, data, size, NULL), UT_OK);
    unlink(path);
}

static ut_claims parse(const part *parts, const ut_claim_rules *rules)
{
    ut_err err;
    ut_claims claims;
    char *data;
    size_t size;
    workbook(parts, &data, &size);
    if (ut_claims_parse(data, size, rules, &claims, &err) != UT_OK)
        fail_msg("%s", err.text);
    free(data);
    return claims;
}

static void refused_bytes(const char *data, size_t size, const char *words)
{
    const ut_claim_rules rules = {.name = "t.xlsx"};
    ut_err err = {0};
    ut_claims claims = {0};
    assert_int_equal(ut_claims_parse(data, size, &rules, &claims, &err), UT_E_ARG);
    if (!strstr(err.text, words) || !strstr(err.text, "t.xlsx"))
        fail_msg("wanted \"%s\", said: %s", words, err.text);
    assert_null(claims.items);
}

static void refused(const part *parts, const char *words)
{
    char *data;
    size_t size;
    workbook(parts, &data, &size);
    refused_bytes(data, size, words);
    free(data);
}

static void cells_of_every_kind(void **state)
{
    (void)state;
    const part parts[] = {
        WORKBOOK,
        {"xl/sharedStrings.xml",
         "<sst><si><t>Ann &amp; Bob</t></si><si><r><t>Two </t></r><r><t>runs</t></r><rPh><t>aloud</t></rPh></si></sst>",
         0, NULL},
        {"xl/styles.xml",
         "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='yyyy\\-mm\\-dd hh:mm'/>"
         "<numFmt numFmtId='165' formatCode='[h]:mm:ss'/><numFmt numFmtId='166' formatCode='[Red]0.0&quot; days&quot;'/>"
         "</numFmts><cellStyleXfs><xf numFmtId='14'/></cellStyleXfs>"
         "<cellXfs><xf numFmtId='0'/><xf numFmtId='164'/><xf numFmtId='165'/><xf numFmtId='166'/></cellXfs></styleSheet>",
         0, NULL},
        SHEET(HEADER "<row r='3'><c r='A3' s='1'><v>46347.84375</v></c><c r='B3' s='2'><v>1.0416666666666667E-3</v></c>"
                     "<c r='D3' t='s'><v>1</v></c></row>"
                     "<row><c s='3'><v>90</v></c><c><v>30.5</v></c><c t='e'><v>#N/A</v></c><c t='s'><v>0</v></c></row>"
                     "<row r='9'><c r='A9' t='str'><v>0:05:00</v></c><c r='B9'><v>90</v></c>"
                     "<c r='D9' t='b'><v>1</v></c><c r='ZZZ9'><v>far</v></c></row>"),
        {NULL, NULL, 0, NULL},
    };
    ut_claim_rules rules = {.name = "t.xlsx", .has_offset = true};
    int64_t wanted = 0;
    ut_claims c = parse(parts, &rules);
    assert_int_equal(c.count, 3);
    assert_int_equal(ut_time_parse("2026-11-21T20:15:00Z", &wanted, NULL), UT_OK);
    assert_int_equal(c.items[0].row, 3);
    assert_int_equal(c.items[0].start_ns, wanted);
    assert_int_equal(c.items[0].end_ns - c.items[0].start_ns, 90 * UT_NS_PER_S);
    assert_string_equal(c.items[0].what.title, "Two runs");
    assert_int_equal(c.items[1].row, 4);
    assert_int_equal(c.items[1].start_ns, 90 * UT_NS_PER_S);
    assert_int_equal(c.items[1].end_ns - c.items[1].start_ns, INT64_C(30500000000));
    assert_string_equal(c.items[1].what.title, "Ann & Bob");
    assert_int_equal(c.items[2].row, 9);
    assert_int_equal(c.items[2].start_ns, 300 * UT_NS_PER_S);
    ut_claims_clear(&c);
    rules.sheet = "Nowhere";
    char *data;
    size_t size;
    ut_err err;
    workbook(parts, &data, &size);
    assert_int_equal(ut_claims_parse(data, size, &rules, &c, &err), UT_E_ARG);
    assert_non_null(strstr(err.text, "has no sheet \"Nowhere\""));
    free(data);
}

/* A workbook with the template's layout and no word of ours in it. */
static void rapidcue_goes_by_its_cells(void **state)
{
    (void)state;
    const part parts[] = {
        WORKBOOK,
        SHEET(
            "<row r='4'><c r='N4' t='str'><v>Tonight</v></c></row>"
            "<row r='20'><c r='A20'><v>1</v></c><c r='B20' t='str'><v>The Song</v></c><c r='C20' t='str'><v>BV</v></c>"
            "<c r='D20'><v>0</v></c><c r='E20'><v>5</v></c><c r='F20'><v>2</v></c><c r='G20'><v>0</v></c>"
            "<c r='H20'><v>6</v></c><c r='I20'><v>2</v></c><c r='L20' t='str'><v>CA</v></c>"
            "<c r='M20' t='str'><v>Ann</v></c><c r='N20' t='str'><v>Lee</v></c><c r='P20' t='str'><v>00017798450</v></c>"
            "<c r='Q20' t='str'><v>PRS</v></c><c r='R20'><v>0.5</v></c></row>"
            "<row r='21'><c r='A21'><v>1</v></c><c r='B21' t='str'><v>The Song</v></c><c r='L21' t='str'><v>E</v></c>"
            "<c r='O21' t='str'><v>House</v></c></row>"),
        {NULL, NULL, 0, NULL},
    };
    const ut_claim_rules rules = {.name = "t.xlsx"};
    ut_claims c = parse(parts, &rules);
    assert_int_equal(c.count, 1);
    assert_int_equal(c.items[0].row, 20);
    assert_int_equal(c.items[0].start_ns, 302 * UT_NS_PER_S);
    assert_int_equal(c.items[0].end_ns, 362 * UT_NS_PER_S);
    assert_int_equal(c.items[0].what.party_count, 2);
    assert_string_equal(c.items[0].what.parties[0].name, "Ann Lee");
    assert_string_equal(c.items[0].what.parties[0].ipi, "00017798450");
    ut_claims_clear(&c);
}

#define LAUGHS                                                                                                         \
    "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'>]>"

static void what_no_spreadsheet_writes_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *sheet, *words;
    } cases[] = {
        {LAUGHS "<worksheet><sheetData><row><c><v>&c;</v></c></row></sheetData></worksheet>", "a document type"},
        {"<!DOCTYPE x SYSTEM 'file:///etc/passwd'><worksheet/>", "a document type"},
        {"<worksheet><sheetData><row>", "not XML"},
        {"not XML at all", "not XML"},
        {"<worksheet>\xE9\xE9</worksheet>", "not XML"},
        {"<worksheet><sheetData><row r='5'/><row r='5'/></sheetData></worksheet>", "t.xlsx:5: the row after it"},
        {"<worksheet><sheetData><row r='1048577'/></sheetData></worksheet>", "has the number \"1048577\""},
        {"<worksheet><sheetData><row r='-1'/></sheetData></worksheet>", "has the number \"-1\""},
        {"<worksheet><sheetData><row r='1'><c r='1A'/></row></sheetData></worksheet>", "reference \"1A\""},
        {"<worksheet><sheetData><row r='1'><c r='B1'/><c r='A1'/></row></sheetData></worksheet>", "reference \"A1\""},
        {"<worksheet><sheetData><row r='1'><c t='s'><v>7</v></c></row></sheetData></worksheet>",
         "text number \"7\" of 0"},
        {"<worksheet><sheetData><c r='A1'/></sheetData></worksheet>", "a cell outside a row"},
        {"<worksheet><sheetData></sheetData></worksheet>", "no header within 40 rows"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const part parts[] = {WORKBOOK, {"xl/worksheets/sheet2.xml", cases[i].sheet, 0, NULL}, {NULL, NULL, 0, NULL}};
        refused(parts, cases[i].words);
    }
    const part other[] = {{"mimetype", "application/zip", 0, NULL}, {NULL, NULL, 0, NULL}};
    refused(other, "not an XLSX workbook");
    const part hollow[] = {WORKBOOK, {NULL, NULL, 0, NULL}};
    refused(hollow, "not in the file");
    refused_bytes("PK\3\4 and nothing after it", 26, "not a whole XLSX file");
    refused_bytes("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8, "old workbook (.xls) or one with a password");
}

static void a_damaged_file_is_refused_wherever_it_is_cut(void **state)
{
    (void)state;
    const part parts[] = {WORKBOOK,
                          SHEET(HEADER "<row r='3'><c r='A3'><v>1</v></c><c r='B3'><v>2</v></c>"
                                       "<c r='D3' t='str'><v>A</v></c></row>"),
                          {NULL, NULL, 0, NULL}};
    const ut_claim_rules rules = {.name = "t.xlsx"};
    char *data;
    size_t size;
    workbook(parts, &data, &size);
    for (size_t cut = 4; cut < size; cut += 7)
        refused_bytes(data, cut, "t.xlsx");
    for (size_t i = 0; i < size; i += 3) { /* a bad byte anywhere: refused, or of no consequence */
        ut_claims c = {0};
        data[i] = (char)(data[i] ^ 0x55);
        if (ut_claims_parse(data, size, &rules, &c, NULL) == UT_OK)
            ut_claims_clear(&c);
        data[i] = (char)(data[i] ^ 0x55);
    }
    free(data);
}

static void bombs_do_not_fill_the_memory(void **state)
{
    (void)state;
    const part sheet[] = {
        WORKBOOK, {"xl/worksheets/sheet2.xml", "<worksheet><sheetData>", 257, NULL}, {NULL, NULL, 0, NULL}};
    refused(sheet, "unpacks to more than 256 MiB");
    const part strings[] = {
        WORKBOOK, SHEET(HEADER), {"xl/sharedStrings.xml", "<sst><si><t>x", 65, NULL}, {NULL, NULL, 0, NULL}};
    refused(strings, "more than 64 MiB of text");
    const part cell[] = {WORKBOOK,
                         {"xl/worksheets/sheet2.xml", "<worksheet><sheetData><row r='1'><c t='str'><v>x", 1, NULL},
                         {NULL, NULL, 0, NULL}};
    refused(cell, "t.xlsx:1: cell 1 has more than 8192 bytes");
    enum { DEPTH = 5000 };
    char *deep = malloc(64 + 3 * DEPTH);
    assert_non_null(deep);
    strcpy(deep, "<worksheet>");
    for (size_t i = 0; i < DEPTH; i++)
        strcat(deep + 11 + 3 * i, "<c>");
    const part nested[] = {WORKBOOK, {"xl/worksheets/sheet2.xml", deep, 0, NULL}, {NULL, NULL, 0, NULL}};
    refused(nested, "t.xlsx");
    free(deep);
}

/* Cells inside a cell: no spreadsheet writes them, and they must not run over a row's end. */
static void cells_inside_a_cell_stay_in_their_row(void **state)
{
    (void)state;
    char *sheet = malloc(1 << 16), *at = sheet;
    assert_non_null(sheet);
    at += sprintf(at, "<worksheet><sheetData><row r='1'>");
    for (int i = 0; i < 240; i++)
        at += sprintf(at, "<c t='str'><v>xxxxxxxx</v>");
    for (int i = 0; i < 240; i++)
        at += sprintf(at, "</c>");
    at += sprintf(at, "<c r='IV1' t='str'><v>end</v></c></row></sheetData></worksheet>");
    const part parts[] = {WORKBOOK, {"xl/worksheets/sheet2.xml", sheet, 0, NULL}, {NULL, NULL, 0, NULL}};
    refused(parts, "no header within 40 rows");
    free(sheet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_of_every_kind),
        cmocka_unit_test(rapidcue_goes_by_its_cells),
        cmocka_unit_test(what_no_spreadsheet_writes_is_refused),
        cmocka_unit_test(a_damaged_file_is_refused_wherever_it_is_cut),
        cmocka_unit_test(bombs_do_not_fill_the_memory),
        cmocka_unit_test(cells_inside_a_cell_stay_in_their_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
