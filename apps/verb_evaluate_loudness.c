#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli.h"
#include "apps/evaluate/loudness.h"
#include "apps/parallel.h"
#include "pipeline/recognition.h"

static int read_levels(const ut_args *args, ut_loudness_plan *plan)
{
    const char *text = ut_args_text(args, "levels");
    while (*text) {
        char *end;
        double level = strtod(text, &end);
        if (end == text || (*end && *end != ',') || !(level >= -60 && level <= 60) ||
            plan->level_count == UT_LOUDNESS_LEVELS)
            return ut_cli_usage(args, "--levels %s: up to %d numbers from -60 to 60, separated by commas",
                                ut_args_text(args, "levels"), UT_LOUDNESS_LEVELS);
        plan->levels_lu[plan->level_count++] = level;
        text = *end ? end + 1 : end;
    }
    return plan->level_count ? 0 : ut_cli_usage(args, "--levels: none");
}

typedef ut_status (*writer)(FILE *, const ut_loudness_plan *, const ut_loudness_result *, ut_err *);

static ut_status write_file(const char *base, const char *ending, writer write, const ut_loudness_plan *plan,
                            const ut_loudness_result *result, ut_err *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.%s", base, ending);
    FILE *file = fopen(path, "w");
    if (!file)
        return ut_fail(err, UT_E_IO, "%s: %s", path, strerror(errno));
    ut_status rc = write(file, plan, result, err);
    if (fclose(file) != 0 && rc == UT_OK)
        rc = ut_fail(err, UT_E_IO, "%s: %s", path, strerror(errno));
    return rc;
}

static ut_status report(const ut_args *args, const ut_loudness_plan *plan, const ut_loudness_result *result,
                        ut_err *err)
{
    const char *base = ut_args_text(args, "output");
    ut_status rc =
        ut_args_json(args) ? ut_loudness_json(stdout, plan, result, err) : ut_loudness_text(stdout, plan, result, err);
    if (rc == UT_OK && base)
        rc = write_file(base, "md", ut_loudness_text, plan, result, err);
    if (rc == UT_OK && base)
        rc = write_file(base, "json", ut_loudness_json, plan, result, err);
    if (rc == UT_OK && base)
        rc = write_file(base, "svg", ut_loudness_svg, plan, result, err);
    return rc;
}

static int run(const ut_args *args)
{
    ut_err err = {0};
    ut_model *model = NULL;
    ut_loudness_result result = {0};
    int jobs = (int)ut_args_int(args, "jobs");
    if (!ut_args_given(args, "music") || !ut_args_given(args, "speech"))
        return ut_cli_usage(args, "--music and --speech are needed");
    if (strcmp(ut_args_text(args, "separator"), "none") == 0)
        return ut_cli_usage(args, "--separator none: there is nothing to measure");
    ut_loudness_plan plan = {.queries = (size_t)ut_args_int(args, "queries"),
                             .seconds = ut_args_real(args, "seconds"),
                             .seed = (uint64_t)ut_args_int(args, "seed"),
                             .jobs = jobs ? jobs : ut_cores(),
                             .backend = ut_args_text(args, "backend")};
    int exit_code = read_levels(args, &plan);
    if (exit_code)
        return exit_code;
    ut_status rc = ut_paths_walk(&plan.music, ut_args_text(args, "music"), &err);
    if (rc == UT_OK)
        rc = ut_paths_walk(&plan.speech, ut_args_text(args, "speech"), &err);
    if (rc == UT_OK && (plan.music.count == 0 || plan.speech.count == 0))
        rc = ut_fail(&err, UT_E_ARG, "%s: no files", ut_args_text(args, plan.music.count ? "speech" : "music"));
    if (rc == UT_OK)
        rc = ut_recognition_model(ut_args_text(args, "separator"), &model, &err);
    plan.model = model;
    if (rc == UT_OK)
        rc = ut_loudness_run(&plan, &result, &err);
    if (rc == UT_OK)
        rc = report(args, &plan, &result, &err);
    ut_loudness_result_clear(&result);
    ut_model_close(&model);
    ut_paths_clear(&plan.music);
    ut_paths_clear(&plan.speech);
    return rc == UT_OK ? 0 : ut_cli_fail(args, &err);
}

static const ut_opt options[] = {
    {"music", 'm', UT_OPT_TEXT, "DIR", NULL, 0, 0, "music"},
    {"speech", 's', UT_OPT_TEXT, "DIR", NULL, 0, 0, "speech over it, at -23 LUFS"},
    {"levels", 0, UT_OPT_TEXT, "LU,…", "10,5,0,-5,-10,-15,-20,-30", 0, 0, "loudness of music less that of speech"},
    {"queries", 'n', UT_OPT_INT, "N", "40", 1, 10000, "mixtures at each level"},
    {"seconds", 0, UT_OPT_REAL, "S", "12", 1, 600, "length of a mixture"},
    {"separator", 0, UT_OPT_TEXT, "MODEL", "default", 0, 0, "name or file of the model"},
    {"backend", 0, UT_OPT_CHOICE, "auto|ref|onednn|cuda", "auto", 0, 0, "what runs the model"},
    {"seed", 0, UT_OPT_INT, "N", "1", 0, 1e15, "the same seed makes the same mixtures"},
    {"jobs", 'j', UT_OPT_INT, "N", "0", 0, 1024, "threads; 0: one per core"},
    {"output", 'o', UT_OPT_TEXT, "BASE", NULL, 0, 0, "also write BASE.md, BASE.json and the plot BASE.svg"},
    {.name = NULL},
};

const ut_verb ut_verb_evaluate_loudness = {
    .name = "evaluate loudness",
    .summary = "measure the loudness error of separated stems on mixtures whose stems are known",
    .arguments = "",
    .options = options,
    .examples = "undertone evaluate loudness --music music/dev --speech speech/dev -o loudness",
    .run = run,
};
