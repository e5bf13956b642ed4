#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli.h"
#include "apps/sheet_source.h"
#include "core/file.h"

static ut_status write_sheet(const ut_sheet *sheet, const ut_profile *profile, const char *path, ut_err *err)
{
    char *data = NULL;
    size_t size = 0;
    bool rapidcue = strcmp(profile->layout, "rapidcue") == 0;
    if (strcmp(profile->format, "xlsx") == 0)
        return rapidcue ? ut_sheet_xlsx(sheet, path, err) : ut_sheet_table_xlsx(sheet, profile, path, err);
    ut_status rc = strcmp(profile->format, "json") == 0   ? ut_sheet_json(sheet, &data, &size, err)
                   : strcmp(profile->format, "html") == 0 ? ut_sheet_html(sheet, profile, &data, &size, err)
                   : rapidcue                             ? ut_sheet_csv(sheet, &data, &size, err)
                                                          : ut_sheet_table_csv(sheet, profile, &data, &size, err);
    if (rc != UT_OK)
        return rc;
    if (path)
        rc = ut_file_write(path, data, size, err);
    else if (fwrite(data, 1, size, stdout) != size || fflush(stdout) != 0)
        rc = ut_fail(err, UT_E_IO, "standard output: cannot be written");
    free(data);
    return rc;
}

static int export_sheet(const ut_args *args)
{
    ut_err err = {0};
    ut_sheet_source source = {0};
    const char *path = ut_args_text(args, "output");
    ut_status rc =
        ut_sheet_source_open(args, ut_args_json(args) ? "json" : ut_args_text(args, "profile"), &source, &err);
    if (rc == UT_OK && strcmp(source.profile->format, "xlsx") == 0 && !path)
        rc = ut_fail(&err, UT_E_ARG, "%s is written to a file: name it with -o", source.profile->name);
    int exit_code = rc == UT_E_ARG ? ut_cli_usage(args, "%s", err.text) : rc != UT_OK ? ut_cli_fail(args, &err) : 0;
    if (rc == UT_OK && write_sheet(&source.sheet, source.profile, path, &err) != UT_OK)
        exit_code = ut_cli_fail(args, &err);
    ut_sheet_source_close(&source);
    return exit_code;
}

static const ut_opt export_options[] = {
    {.name = "channel", .kind = UT_OPT_TEXT, .value = "ID", .help = "the channel (needed)"},
    {.name = "from", .kind = UT_OPT_TEXT, .value = "TIME", .help = "start of the programme, RFC 3339"},
    {.name = "to", .kind = UT_OPT_TEXT, .value = "TIME", .help = "its end"},
    {.name = "profile",
     .kind = UT_OPT_TEXT,
     .value = "NAME|FILE",
     .fallback = "rapidcue-csv",
     .help = "the form: one of `cuesheet profiles`, or a profile file; --json is --profile json"},
    {.name = "output",
     .letter = 'o',
     .kind = UT_OPT_TEXT,
     .value = "FILE",
     .help = "written whole or not at all; default: standard output"},
    {.name = "programme",
     .kind = UT_OPT_TEXT,
     .value = "TITLE|NUMBER",
     .help = "with --from and --to: series or film name; without: the airing with this title or number of "
             "`programmes list`, which gives the times and what stands above the cues"},
    {.name = "day", .kind = UT_OPT_TEXT, .value = "DATE", .help = "the broadcast day of --programme TITLE"},
    {.name = "timezone", .kind = UT_OPT_TEXT, .value = "ZONE", .help = "of wall-clock times; default: the channel's"},
    {.name = "day-start", .kind = UT_OPT_TEXT, .value = "HH:MM", .help = "of --day; default: the channel's"},
    {.name = "aka", .kind = UT_OPT_TEXT, .value = "TITLE", .help = "its other name"},
    {.name = "episode", .kind = UT_OPT_TEXT, .value = "TITLE", .help = "episode name"},
    {.name = "episode-aka", .kind = UT_OPT_TEXT, .value = "TITLE", .help = "its other name"},
    {.name = "episode-no", .kind = UT_OPT_TEXT, .value = "NUMBER", .help = "episode number"},
    {.name = "production-no", .kind = UT_OPT_TEXT, .value = "NUMBER", .help = "production number"},
    {.name = "company", .kind = UT_OPT_TEXT, .value = "NAME", .help = "production company"},
    {.name = "address", .kind = UT_OPT_TEXT, .value = "TEXT", .help = "its address"},
    {.name = "prepared-by", .kind = UT_OPT_TEXT, .value = "NAME", .help = "who prepared the sheet"},
    {.name = "email", .kind = UT_OPT_TEXT, .value = "ADDRESS", .help = "where to ask"},
    {.name = "classification",
     .kind = UT_OPT_CHOICE,
     .value = "Original|Revision",
     .fallback = "Original",
     .help = "of the sheet"},
    {.name = "category", .kind = UT_OPT_TEXT, .value = "TEXT", .help = "category of the programme"},
    {.name = "version-name", .kind = UT_OPT_TEXT, .value = "TEXT", .help = "version of the programme"},
    {.name = "network", .kind = UT_OPT_TEXT, .value = "NAME", .help = "default: the channel"},
    {.name = "prepared", .kind = UT_OPT_TEXT, .value = "DATE", .help = "date prepared; default: today (UTC)"},
    {.name = "airdate", .kind = UT_OPT_TEXT, .value = "DATE", .help = "default: the broadcast day"},
    {0},
};

const ut_verb ut_verb_cuesheet_export = {
    .name = "cuesheet export",
    .summary = "write the cue sheet of a programme",
    .arguments = "",
    .options = export_options,
    .examples = "undertone cuesheet export --channel news1 --from 2026-11-21T20:15:00Z --to 2026-11-21T21:00:00Z\n"
                "undertone cuesheet export --channel news1 --from 2026-11-21T20:15:00Z --to 2026-11-21T21:00:00Z "
                "--programme Tonight --profile rapidcue-xlsx -o tonight.xlsx\n"
                "undertone cuesheet export --channel news1 --programme Tonight --day 2026-11-21 --profile uk",
    .run = export_sheet,
};
