#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "apps/cli.h"
#include "apps/sheet_source.h"
#include "core/file.h"
#include "cuesheet/check.h"
#include "cuesheet/json.h"
#include "cuesheet/table.h"

#define FILE_LIMIT ((size_t)64 << 20)

typedef struct {
    const ut_args *args;
    const char *name;
    size_t errors, warnings;
} findings;

static ut_status print_finding(void *arg, const ut_sheet_finding *f)
{
    findings *all = arg;
    *(f->error ? &all->errors : &all->warnings) += 1;
    const char *level = f->error ? "error" : "warning";
    if (ut_args_json(all->args)) {
        json_t *object =
            json_pack("{s:s, s:s, s:i, s:i, s:o, s:o}", "level", level, "code", f->code, "row", (int)f->row, "cue",
                      f->seq, "text", ut_json_text(f->text), "remedy", ut_json_text(f->remedy));
        char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
        json_decref(object);
        if (!text)
            return UT_E_NOMEM;
        puts(text);
        free(text);
        return UT_OK;
    }
    printf("%s", all->name);
    if (f->row)
        printf(":%zu", f->row);
    printf(": %s: ", level);
    if (f->seq)
        printf("cue %d: ", f->seq);
    printf("%s%s%s\n", f->text, *f->remedy ? "; " : "", f->remedy);
    return UT_OK;
}

static bool is_workbook(const char *text, size_t size)
{
    return size >= 4 && memcmp(text, "PK\x03\x04", 4) == 0;
}

static ut_status read_sheet(const char *path, const char *text, size_t size, const ut_profile *profile,
                            ut_sheet_file *out, ut_err *err)
{
    if (!is_workbook(text, size) && text[strspn(text, " \t\r\n")] == '{')
        return ut_sheet_read_json(path, text, size, out, err);
    if (strcmp(profile->layout, "json") == 0)
        return ut_fail(err, UT_E_ARG, "%s: not JSON; a CSV or workbook needs the --profile it was made with", path);
    return is_workbook(text, size) ? ut_sheet_read_xlsx(path, text, size, profile, out, err)
                                   : ut_sheet_read_csv(path, text, size, profile, out, err);
}

static ut_status check_file(const ut_args *args, findings *all, ut_err *err)
{
    ut_profile *profile = NULL;
    ut_sheet_file file = {0};
    const char *wanted = ut_args_text(args, "profile");
    char *text = NULL;
    size_t size = 0;
    ut_status rc = ut_file_read(all->name, FILE_LIMIT, &text, &size, err);
    if (rc == UT_OK && is_workbook(text, size) && !ut_args_given(args, "profile"))
        wanted = "rapidcue-xlsx";
    if (rc == UT_OK)
        rc = ut_profile_load(wanted, &profile, err);
    if (rc == UT_OK)
        rc = read_sheet(all->name, text, size, profile, &file, err);
    if (rc == UT_OK) {
        file.sheet.profile = profile;
        rc = ut_sheet_check(&file.sheet, profile, print_finding, all, err);
    }
    ut_sheet_file_clear(&file);
    ut_profile_close(&profile);
    free(text);
    return rc;
}

static ut_status check_range(const ut_args *args, findings *all, ut_err *err)
{
    ut_sheet_source source = {0};
    ut_status rc = ut_sheet_source_open(args, ut_args_text(args, "profile"), &source, err);
    all->name = source.profile ? source.profile->name : "";
    if (rc == UT_OK)
        rc = ut_sheet_check(&source.sheet, source.profile, print_finding, all, err);
    ut_sheet_source_close(&source);
    return rc;
}

static int validate(const ut_args *args)
{
    ut_err err = {0};
    findings all = {.args = args};
    bool file = ut_args_count(args) == 1;
    if (file)
        all.name = ut_args_at(args, 0);
    ut_status rc = file ? check_file(args, &all, &err) : check_range(args, &all, &err);
    if (rc == UT_E_ARG && !file)
        return ut_cli_usage(args, "%s", err.text);
    if (rc != UT_OK)
        return ut_cli_fail(args, &err);
    if (!ut_args_json(args))
        printf("%zu error%s, %zu warning%s\n", all.errors, all.errors == 1 ? "" : "s", all.warnings,
               all.warnings == 1 ? "" : "s");
    return all.errors ? 1 : 0;
}

static const ut_opt validate_options[] = {
    {.name = "profile",
     .kind = UT_OPT_TEXT,
     .value = "NAME|FILE",
     .fallback = "rapidcue-csv",
     .help = "what to check against, and what a CSV or workbook was made with; rapidcue-xlsx for a workbook"},
    {.name = "channel", .kind = UT_OPT_TEXT, .value = "ID", .help = "without FILE: of the store"},
    {.name = "from", .kind = UT_OPT_TEXT, .value = "TIME", .help = "start of the range, RFC 3339; with --to"},
    {.name = "to", .kind = UT_OPT_TEXT, .value = "TIME", .help = "end of the range"},
    {.name = "day", .kind = UT_OPT_TEXT, .value = "DATE", .help = "a broadcast day instead, or that of --programme"},
    {.name = "programme", .kind = UT_OPT_TEXT, .value = "TITLE|NUMBER", .help = "an airing, as for export"},
    {.name = "timezone", .kind = UT_OPT_TEXT, .value = "ZONE", .help = "default: the channel's"},
    {.name = "day-start", .kind = UT_OPT_TEXT, .value = "HH:MM", .help = "of --day; default: the channel's"},
    {0},
};

const ut_verb ut_verb_cuesheet_validate = {
    .name = "cuesheet validate",
    .summary = "say what a cue sheet lacks before it is sent; 1 if there are errors",
    .arguments = "[FILE]",
    .max_arguments = 1,
    .options = validate_options,
    .examples = "undertone cuesheet validate tonight.xlsx\n"
                "undertone cuesheet validate tonight.json --profile rapidcue-xlsx\n"
                "undertone cuesheet validate --channel news1 --programme Tonight --day 2026-11-21 --profile uk",
    .run = validate,
};

static ut_status print_profile(void *arg, const ut_profile *p)
{
    const ut_args *args = arg;
    if (!ut_args_json(args)) {
        printf("%-14s  %-4s  %s\n", p->name, p->format, p->title);
        return UT_OK;
    }
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:s}", "name", p->name, "title", p->title, "layout", p->layout, "format", p->format);
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    puts(text ? text : "{}");
    free(text);
    return UT_OK;
}

static int profiles(const ut_args *args)
{
    ut_err err = {0};
    char fields[1000];
    ut_status rc = ut_profile_each(print_profile, (void *)args, &err);
    if (rc == UT_OK && !ut_args_json(args))
        printf("\nfields of columns: %s\n", ut_field_names(fields, sizeof fields));
    return rc == UT_OK ? 0 : ut_cli_fail(args, &err);
}

const ut_verb ut_verb_cuesheet_profiles = {
    .name = "cuesheet profiles",
    .summary = "list the cue-sheet profiles and the fields they can print",
    .arguments = "",
    .examples = "undertone cuesheet profiles",
    .run = profiles,
};
