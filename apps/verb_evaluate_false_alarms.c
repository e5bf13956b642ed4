#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli.h"
#include "apps/evaluate/false_alarms.h"
#include "apps/parallel.h"
#include "apps/report.h"
#include "core/file.h"
#include "pipeline/recognition.h"

/* As match.h has it, for the drawing. */
#define LIMIT_DEFAULT (-6.1)

typedef struct {
    ut_alarms_plan plan;
    ut_alarms_result result;
    char journal[4096];
} proof;

static ut_status form(const void *what, FILE *out, bool json, ut_err *err)
{
    const proof *p = what;
    return ut_alarms_report(out, &p->plan, &p->result, json, err);
}

static ut_status write_svg(const char *base, const proof *p, ut_err *err)
{
    char path[4096], *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return ut_fail(err, UT_E_NOMEM, "%s: drawing", base);
    ut_status rc = ut_alarms_svg(out, &p->result, p->plan.max_log10_e != 0 ? p->plan.max_log10_e : LIMIT_DEFAULT, err);
    if (fclose(out) != 0 && rc == UT_OK)
        rc = ut_fail(err, UT_E_NOMEM, "%s: drawing", base);
    if (rc == UT_OK && (size_t)snprintf(path, sizeof path, "%s.svg", base) >= sizeof path)
        rc = ut_fail(err, UT_E_ARG, "%.200s…: path too long", base);
    if (rc == UT_OK)
        rc = ut_file_write(path, text, size, err);
    free(text);
    return rc;
}

static ut_status report(const ut_args *args, const proof *p, ut_err *err)
{
    const char *base = ut_args_text(args, "output");
    ut_status rc = form(p, stdout, ut_args_json(args), err);
    if (rc == UT_OK && base)
        rc = ut_report_write(base, form, p, err);
    return rc == UT_OK && base ? write_svg(base, p, err) : rc;
}

/* What was run before it was stopped is reported all the same. */
static ut_status prove(const ut_args *args, proof *p, ut_err *err)
{
    char key[65];
    const char *cache = ut_args_text(args, "cache");
    ut_status rc = ut_alarms_key(&p->plan, key, err);
    if (rc == UT_OK)
        rc = ut_folder_make(cache, err);
    if (rc != UT_OK)
        return rc;
    if ((size_t)snprintf(p->journal, sizeof p->journal, "%s/false-alarms-%.16s.jsonl", cache, key) >= sizeof p->journal)
        return ut_fail(err, UT_E_ARG, "%.200s…: path too long", cache);
    p->plan.journal = p->journal;
    ut_status ran = ut_alarms_run(&p->plan, err);
    if (ran != UT_OK && ran != UT_E_STOPPED)
        return ran;
    ut_err inner;
    rc = ut_alarms_read(p->journal, &p->result, &inner);
    if (rc == UT_OK)
        rc = report(args, p, &inner);
    if (rc != UT_OK)
        *err = inner;
    return rc == UT_OK ? ran : rc;
}

static int run(const ut_args *args)
{
    ut_err err = {0};
    proof p = {.plan = {0}};
    ut_eval_material *material = NULL;
    ut_model *model = NULL;
    int jobs = (int)ut_args_int(args, "jobs");
    jobs = jobs ? jobs : ut_cores();
    if (!ut_args_given(args, "music") || !ut_args_given(args, "speech") || !ut_args_given(args, "cache"))
        return ut_cli_usage(args, "--music, --speech and --cache are needed");
    ut_eval_sources sources = {.music = ut_args_text(args, "music"),
                               .speech = ut_args_text(args, "speech"),
                               .effects = ut_args_text(args, "effects"),
                               .catalogue = ut_args_text(args, "catalogue"),
                               .cache = ut_args_text(args, "cache"),
                               .params = {ut_params_find(ut_args_text(args, "params"))},
                               .param_count = 1,
                               .jobs = jobs};
    ut_status rc = ut_recognition_model(ut_args_text(args, "separator"), &model, &err);
    if (rc == UT_OK)
        rc = ut_folder_make(sources.cache, &err);
    if (rc == UT_OK)
        rc = ut_eval_material_load(&sources, &material, &err);
    p.plan = (ut_alarms_plan){.material = material,
                              .model = model,
                              .backend = ut_args_text(args, "backend"),
                              .max_log10_e = ut_args_real(args, "max-log10-e"),
                              .seed = (uint64_t)ut_args_int(args, "seed"),
                              .hours = ut_args_real(args, "hours"),
                              .jobs = jobs};
    if (rc == UT_OK)
        rc = prove(args, &p, &err);
    ut_alarms_result_clear(&p.result);
    ut_eval_material_close(&material);
    ut_model_close(&model);
    return rc == UT_OK ? 0 : ut_cli_fail(args, &err);
}

static const ut_opt options[] = {
    {"music", 'm', UT_OPT_TEXT, "DIR", NULL, 0, 0,
     "music that is on air; half of it, or all where --catalogue has more "
     "tracks, is kept out of the catalogue and alone on air"},
    {"catalogue", 0, UT_OPT_TEXT, "DIR,…", NULL, 0, 0, "further tracks of the catalogue"},
    {"speech", 's', UT_OPT_TEXT, "DIR", NULL, 0, 0, "speech"},
    {"effects", 'e', UT_OPT_TEXT, "DIR", NULL, 0, 0, "sound effects"},
    {"hours", 0, UT_OPT_REAL, "H", "10", 0, 100000,
     "channel-hours to have at the end, earlier runs included; 0: report"},
    {"cache", 0, UT_OPT_TEXT, "DIR", NULL, 0, 0,
     "journal of the hours done, and decoded audio (needed): run again to go on"},
    {"params", 'p', UT_OPT_CHOICE, "p1|p2|p3", "p3", 0, 0, "parameter set"},
    {"separator", 0, UT_OPT_TEXT, "MODEL|none", "default", 0, 0, "name or file of the model; none: the mixture only"},
    {"backend", 0, UT_OPT_CHOICE, "auto|ref|onednn|cuda", "auto", 0, 0, "what runs the model"},
    {"max-log10-e", 0, UT_OPT_REAL, "X", "0", -300, 9, "accept at this E-value (log10) or below; 0: as identify does"},
    {"seed", 0, UT_OPT_INT, "N", "1", 0, 1e15, "the same seed makes the same airtime"},
    {"jobs", 'j', UT_OPT_INT, "N", "0", 0, 1024, "threads; 0: one per core"},
    {"output", 'o', UT_OPT_TEXT, "BASE", NULL, 0, 0,
     "also write BASE.md, BASE.json and the calibration curve BASE.svg"},
    {.name = NULL},
};

const ut_verb ut_verb_evaluate_false_alarms = {
    .name = "evaluate false-alarms",
    .summary = "count false identifications over hours of airtime whose music is in no catalogue, and calibrate E",
    .arguments = "",
    .options = options,
    .examples =
        "undertone evaluate false-alarms -m music/dev --catalogue music/train -s speech -e effects --hours 3000 "
        "--cache work -o calibration\n"
        "undertone evaluate false-alarms -m music -s speech --separator none --hours 100 --cache work -j 8",
    .run = run,
};
