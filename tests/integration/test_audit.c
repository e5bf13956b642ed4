/* `undertone audit run` on a day whose truth is known: every planted error is found, and nothing else. */
#include <jansson.h>
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/audit_day.h"
#include "tests/unit/support.h"

typedef struct {
    char folder[64], store[128];
    day_truth truth;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    char path[128];
    ut_store *store = NULL;
    strcpy(f->folder, "/tmp/ut-audit-XXXXXX");
    if (!mkdtemp(f->folder))
        return -1;
    snprintf(f->store, sizeof f->store, "sqlite:%s/day.db", f->folder);
    snprintf(path, sizeof path, "%s/claim.csv", f->folder);
    FILE *claim = fopen(path, "w");
    if (!claim || ut_store_open(f->store, UT_STORE_CREATE, &store, NULL) != UT_OK)
        return -1;
    day_make(store, claim, &f->truth);
    ut_store_close(&store);
    *state = f;
    return fclose(claim);
}

static int teardown(void **state)
{
    fixture *f = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", f->folder);
    free(f);
    return system(command);
}

/* Runs the program in the folder; what it says goes to "out" and "err" there. Gives its exit status. */
static int undertone(const fixture *f, const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command, "cd %s && %s %s --store %s >out 2>err </dev/null", f->folder, UT_PROGRAM,
             arguments, f->store);
    int rc = system(command);
    return WIFEXITED(rc) ? WEXITSTATUS(rc) : -1;
}

static json_t *load(const fixture *f, const char *name)
{
    char path[128];
    json_error_t error;
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    json_t *root = json_load_file(path, 0, &error);
    if (!root)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    return root;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

static void differences(const json_t *finding, char *out, size_t size)
{
    const json_t *list = json_object_get(finding, "differences");
    out[0] = '\0';
    for (size_t i = 0; i < json_array_size(list); i++) {
        size_t used = strlen(out);
        snprintf(out + used, size - used, "%s%s", used ? " " : "", json_string_value(json_array_get(list, i)));
    }
}

static bool is_error(const day_error *e, const json_t *finding)
{
    const json_t *claim = json_object_get(finding, "claim");
    const json_t *cue = json_array_get(json_object_get(finding, "cues"), 0);
    char differs[128];
    differences(finding, differs, sizeof differs);
    if (strcmp(text(finding, "outcome"), ut_audit_outcome_name(e->outcome)) != 0 || strcmp(differs, e->differs) != 0)
        return false;
    if (e->row)
        return (size_t)json_integer_value(json_object_get(claim, "row")) == e->row &&
               strcmp(text(claim, "file"), "claim.csv") == 0;
    return json_is_null(claim) && strlen(text(cue, "id")) == 36 &&
           strcmp(text(cue, "title"), e->title ? e->title : "") == 0;
}

#define RANGE "--channel " DAY_CHANNEL " --from " DAY_FROM " --to " DAY_TO

static void every_planted_error_and_nothing_else(void **state)
{
    fixture *f = *state;
    assert_int_equal(undertone(f, "audit run claim.csv " RANGE " --json -o audit.csv"), 0);
    json_t *report = load(f, "out"), *finding;
    const json_t *findings = json_object_get(report, "findings");
    size_t index, matched = 0, found = 0;
    bool seen[COUNT(f->truth.errors)] = {false};
    json_array_foreach(findings, index, finding)
    {
        bool planted = false;
        if (strcmp(text(finding, "outcome"), "matched") == 0) {
            matched++;
            assert_true(json_array_size(json_object_get(finding, "cues")) > 0);
            continue;
        }
        for (size_t i = 0; !planted && i < f->truth.error_count; i++) {
            planted = !seen[i] && is_error(&f->truth.errors[i], finding);
            seen[i] |= planted;
        }
        if (!planted)
            fail_msg("not planted: %s", json_dumps(finding, 0));
        bool against = json_is_true(json_object_get(finding, "counts_against_claimant"));
        assert_int_equal(against, strcmp(text(finding, "outcome"), "no-music") == 0);
        found++;
    }
    for (size_t i = 0; i < f->truth.error_count; i++)
        if (!seen[i])
            fail_msg("planted and not found: %s", f->truth.errors[i].what);
    assert_true(f->truth.error_count >= 12);
    assert_int_equal(found, f->truth.error_count);
    assert_int_equal(matched, f->truth.matched);
    const json_t *summary = json_object_get(report, "summary");
    assert_int_equal(json_integer_value(json_object_get(summary, "claims_outside")), 1);
    assert_int_equal(json_integer_value(json_object_get(summary, "claims")), f->truth.rows + 1);
    assert_true(json_real_value(json_object_get(json_object_get(report, "coverage"), "unobserved_s")) == 360);
    json_decref(report);
}

static void the_report_is_as_its_schema_says(void **state)
{
    fixture *f = *state;
    char command[512];
    assert_int_equal(undertone(f, "audit run claim.csv " RANGE " -o audit.xlsx"), 0);
    assert_int_equal(undertone(f, "audit run claim.csv " RANGE " -o audit.html"), 0);
    assert_int_equal(undertone(f, "audit run claim.csv " RANGE " --json -o audit.csv"), 0);
    snprintf(command, sizeof command, "/usr/bin/python3 %s/integration/check_audit.py %s %s", UT_TEST_DATA, UT_SCHEMAS,
             f->folder);
    assert_int_equal(system(command), 0);
}

/* A claim that is what the store says has no finding but matches, whatever the tolerances. */
static void export_matches(const fixture *f, const char *profile, const char *file)
{
    char command[256];
    snprintf(command, sizeof command, "cuesheet export " RANGE " --profile %s -o %s", profile, file);
    assert_int_equal(undertone(f, command), 0);
    snprintf(command, sizeof command, "audit run %s " RANGE " --json", file);
    assert_int_equal(undertone(f, command), 0);
    json_t *report = load(f, "out"), *finding;
    size_t index;
    json_array_foreach(json_object_get(report, "findings"), index, finding)
    {
        const char *outcome = text(finding, "outcome"), *title = text(json_object_get(finding, "claim"), "title");
        if (strstr(title, "UNIDENTIFIED MUSIC") || strstr(title, "UNRESOLVED"))
            assert_string_equal(outcome, "no-reference");
        else if (strcmp(outcome, "matched") != 0 && strcmp(outcome, "wrong-use") != 0) /* all of it is "BI" */
            fail_msg("%s", json_dumps(finding, 0));
    }
    assert_true(index > 90);
    json_decref(report);
}

static void an_export_audited_against_its_store_matches(void **state)
{
    export_matches(*state, "rapidcue-csv", "sheet.csv");
    export_matches(*state, "rapidcue-xlsx", "sheet.xlsx");
}

/* Of the identified music of the day the two societies and the publishers' half that names none make up all. */
static void the_ratio_adds_up(void **state)
{
    fixture *f = *state;
    char command[512];
    assert_int_equal(undertone(f, "ratio " RANGE " --json"), 0);
    json_t *ratio = load(f, "out"), *society;
    double total = 0, seconds = 0;
    size_t index;
    json_array_foreach(json_object_get(ratio, "societies"), index, society)
    {
        double share = json_real_value(json_object_get(society, "share"));
        total += share;
        seconds += json_real_value(json_object_get(society, "seconds"));
        assert_true(json_real_value(json_object_get(society, "low")) <= share);
        assert_true(json_real_value(json_object_get(society, "high")) >= share);
        if (strcmp(text(society, "society"), "") == 0)
            assert_true(fabs(share - 0.5) < 1e-9);
    }
    assert_int_equal(index, 3);
    assert_true(fabs(total - 1) < 1e-9);
    assert_true(fabs(seconds - json_real_value(json_object_get(ratio, "identified_s"))) < 1e-6);
    assert_int_equal(json_integer_value(json_object_get(ratio, "clusters")), 24);
    json_decref(ratio);
    snprintf(command, sizeof command,
             "/usr/bin/python3 -c 'import json, jsonschema, sys; jsonschema.Draft202012Validator(json.load(open("
             "sys.argv[1]))).validate(json.load(open(sys.argv[2])))' %s/ratio.v1.json %s/out",
             UT_SCHEMAS, f->folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(undertone(f, "ratio " RANGE), 0);
    snprintf(command, sizeof command, "%s audit run %s/claim.csv " RANGE " --store %s >/dev/full 2>/dev/null",
             UT_PROGRAM, f->folder, f->store);
    assert_int_equal(WEXITSTATUS(system(command)), 1);
    snprintf(command, sizeof command, "%s ratio " RANGE " --store %s >/dev/full 2>/dev/null", UT_PROGRAM, f->store);
    assert_int_equal(WEXITSTATUS(system(command)), 1);
    assert_int_equal(undertone(f, "ratio --channel two --from " DAY_FROM " --to " DAY_TO), 1);
}

static void says_what_is_missing(void **state)
{
    static const struct {
        const char *arguments, *says;
        int status;
    } cases[] = {
        {"audit run claim.csv --channel one", "--channel, --from and --to are needed", 2},
        {"audit run claim.csv --channel two --from " DAY_FROM " --to " DAY_TO, "channel two: nothing was captured", 1},
        {"audit run absent.csv " RANGE, "absent.csv", 1},
        {"audit run claim.csv " RANGE " -o audit.doc", "audit.doc: the ending chooses the form", 2},
        {"audit run claim.csv " RANGE " -o no/such/folder.json", "no/such/folder.json", 1},
        {"audit run claim.csv --channel one --from " DAY_TO " --to " DAY_FROM, "not after --from", 2},
    };
    fixture *f = *state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char path[128], said[1024] = "";
        assert_int_equal(undertone(f, cases[i].arguments), cases[i].status);
        snprintf(path, sizeof path, "%s/err", f->folder);
        FILE *in = fopen(path, "r");
        assert_non_null(in);
        said[fread(said, 1, sizeof said - 1, in)] = '\0';
        fclose(in);
        if (!strstr(said, cases[i].says))
            fail_msg("%s: said: %s", cases[i].arguments, said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_planted_error_and_nothing_else),
        cmocka_unit_test(the_report_is_as_its_schema_says),
        cmocka_unit_test(an_export_audited_against_its_store_matches),
        cmocka_unit_test(the_ratio_adds_up),
        cmocka_unit_test(says_what_is_missing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
