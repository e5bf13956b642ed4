#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli.h"
#include "apps/evaluate/report.h"
#include "apps/evaluate/write.h"
#include "apps/parallel.h"
#include "apps/report.h"
#include "pipeline/recognition.h"

/* Queries per stream of the boundary test, which is ten times as long. */
enum { EDGES_SHARE = 10 };

typedef struct {
    ut_eval_sources sources;
    ut_eval_plan plan;
    ut_eval_material *material;
    ut_eval_result result;
    ut_model *model;
} evaluation;

static int add_column(const ut_args *args, ut_eval_plan *plan, ut_eval_kind kind, const char *name, double snr_db,
                      size_t queries)
{
    if (plan->column_count == UT_EVAL_COLUMNS)
        return ut_cli_usage(args, "more than %d conditions", UT_EVAL_COLUMNS);
    ut_eval_column *column = &plan->columns[plan->column_count++];
    *column = (ut_eval_column){.kind = kind, .snr_db = snr_db, .queries = queries};
    snprintf(column->name, sizeof column->name, "%s", name);
    return 0;
}

static int add_snrs(const ut_args *args, ut_eval_plan *plan, size_t queries)
{
    const char *at = ut_args_text(args, "snr");
    while (*at) {
        char *end = NULL, name[16];
        double snr_db = strtod(at, &end);
        if (end == at || (*end && *end != ',') || !(fabs(snr_db) <= 60))
            return ut_cli_usage(args, "--snr: %s: must be dB from -60 to 60, separated by commas", at);
        snprintf(name, sizeof name, "%g dB", snr_db);
        int exit_code = add_column(args, plan, UT_EVAL_MIXED, name, snr_db, queries);
        if (exit_code)
            return exit_code;
        at = end + (*end == ',');
    }
    return 0;
}

static int add_condition(const ut_args *args, ut_eval_plan *plan, const char *name)
{
    static const struct {
        const char *name;
        ut_eval_kind kind;
    } kinds[] = {{"clean", UT_EVAL_CLEAN},   {"mix", UT_EVAL_MIXED},     {"fx", UT_EVAL_FX},
                 {"chain", UT_EVAL_CHAIN},   {"speed", UT_EVAL_SPEED},   {"absent", UT_EVAL_ABSENT},
                 {"speech", UT_EVAL_SPEECH}, {"boundary", UT_EVAL_EDGES}};
    size_t queries = (size_t)ut_args_int(args, "queries"), absent = (size_t)ut_args_int(args, "absent");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, name) != 0)
            continue;
        switch (kinds[i].kind) {
        case UT_EVAL_MIXED:
            return add_snrs(args, plan, queries);
        case UT_EVAL_FX: /* left out without effects, unless it was asked for */
            if (!ut_args_given(args, "effects"))
                return ut_args_given(args, "conditions") ? ut_cli_usage(args, "fx needs --effects") : 0;
            return add_column(args, plan, UT_EVAL_FX, name, 0, queries);
        case UT_EVAL_ABSENT:
        case UT_EVAL_SPEECH:
            return add_column(args, plan, kinds[i].kind, name, 0, absent);
        case UT_EVAL_EDGES:
            return add_column(args, plan, UT_EVAL_EDGES, name, 0, (queries + EDGES_SHARE - 1) / EDGES_SHARE);
        default:
            return add_column(args, plan, kinds[i].kind, name, 0, queries);
        }
    }
    return ut_cli_usage(args, "--conditions: %s: allowed: clean, mix, fx, chain, speed, absent, speech, boundary",
                        name);
}

static int add_params(const ut_args *args, ut_eval_sources *sources, const char *name)
{
    const ut_params *params = ut_params_find(name);
    if (!params || sources->param_count == UT_EVAL_PARAMS)
        return ut_cli_usage(args, "--params: %s: allowed: p1, p2, p3, separated by commas", name);
    sources->params[sources->param_count++] = params;
    return 0;
}

/* Calls one of the above for each name of a list separated by commas. */
static int each_name(const ut_args *args, evaluation *e, const char *option)
{
    char *list = strdup(ut_args_text(args, option)), *rest = list;
    int exit_code = 0;
    for (char *name = strsep(&rest, ","); name && exit_code == 0; name = strsep(&rest, ","))
        exit_code =
            strcmp(option, "params") == 0 ? add_params(args, &e->sources, name) : add_condition(args, &e->plan, name);
    free(list);
    return exit_code;
}

static int read_options(const ut_args *args, evaluation *e)
{
    const char *separator = ut_args_text(args, "separator");
    bool none = strcmp(separator, "none") == 0;
    int jobs = (int)ut_args_int(args, "jobs");
    if (!ut_args_given(args, "music") || !ut_args_given(args, "speech"))
        return ut_cli_usage(args, "--music and --speech are needed");
    e->sources = (ut_eval_sources){.music = ut_args_text(args, "music"),
                                   .speech = ut_args_text(args, "speech"),
                                   .effects = ut_args_text(args, "effects"),
                                   .catalogue = ut_args_text(args, "catalogue"),
                                   .cache = ut_args_text(args, "cache"),
                                   .padding = (size_t)ut_args_int(args, "padding"),
                                   .jobs = jobs ? jobs : ut_cores()};
    e->plan = (ut_eval_plan){.modes = {[UT_EVAL_MIX] = none || !ut_args_flag(args, "no-mix"),
                                       [UT_EVAL_SEPARATED] = !none,
                                       [UT_EVAL_JOINT] = !none},
                             .backend = ut_args_text(args, "backend"),
                             .seconds = ut_args_real(args, "seconds"),
                             .max_log10_e = ut_args_real(args, "max-log10-e"),
                             .seed = (uint64_t)ut_args_int(args, "seed"),
                             .jobs = e->sources.jobs};
    int exit_code = each_name(args, e, "params");
    return exit_code ? exit_code : each_name(args, e, "conditions");
}

static ut_status form(const void *what, FILE *out, bool json, ut_err *err)
{
    const evaluation *e = what;
    if (json)
        return ut_eval_report_json(out, e->material, &e->plan, &e->result, err);
    ut_eval_report_text(out, e->material, &e->plan, &e->result);
    return UT_OK;
}

static ut_status report(const ut_args *args, const evaluation *e, ut_err *err)
{
    ut_status rc = form(e, stdout, ut_args_json(args), err);
    if (rc == UT_OK && ut_args_given(args, "output"))
        rc = ut_report_write(ut_args_text(args, "output"), form, e, err);
    return rc;
}

static int run(const ut_args *args)
{
    evaluation e = {.material = NULL};
    ut_err err = {.code = UT_OK};
    int exit_code = read_options(args, &e);
    if (exit_code)
        return exit_code;
    ut_status rc = ut_recognition_model(ut_args_text(args, "separator"), &e.model, &err);
    e.plan.model = e.model;
    if (rc == UT_OK)
        rc = ut_eval_material_load(&e.sources, &e.material, &err);
    if (rc == UT_OK && ut_args_given(args, "write"))
        rc = ut_eval_write(e.material, &e.plan, ut_args_text(args, "write"), &err);
    if (rc == UT_OK)
        rc = ut_eval_run(e.material, &e.plan, &e.result, &err);
    if (rc == UT_OK)
        rc = report(args, &e, &err);
    ut_eval_result_clear(&e.result);
    ut_eval_material_close(&e.material);
    ut_model_close(&e.model);
    return rc == UT_OK ? 0 : ut_cli_fail(args, &err);
}

static const ut_opt options[] = {
    {"music", 'm', UT_OPT_TEXT, "DIR", NULL, 0, 0, "music that queries are made of"},
    {"speech", 's', UT_OPT_TEXT, "DIR", NULL, 0, 0, "speech over it; its pauses are cut"},
    {"effects", 'e', UT_OPT_TEXT, "DIR", NULL, 0, 0, "sound effects, for the condition fx"},
    {"catalogue", 0, UT_OPT_TEXT, "DIR,…", NULL, 0, 0, "further tracks of the catalogue, beside the music"},
    {"padding", 0, UT_OPT_INT, "N", "0", 0, 1000000,
     "made-up tracks of four minutes in the catalogue, beside all others"},
    {"conditions", 0, UT_OPT_TEXT, "LIST", "clean,mix,fx,chain,speed,absent,speech,boundary", 0, 0, "what to measure"},
    {"snr", 0, UT_OPT_TEXT, "DB,…", "0,-10,-20,-30", 0, 0, "levels of music over speech, for the condition mix"},
    {"seconds", 0, UT_OPT_REAL, "S", "12", 4, 120, "length of a query"},
    {"queries", 'n', UT_OPT_INT, "N", "200", 1, 100000, "queries per condition"},
    {"absent", 0, UT_OPT_INT, "N", "200", 1, 100000, "queries each of absent music and of speech alone"},
    {"params", 'p', UT_OPT_TEXT, "LIST", "p1,p2,p3", 0, 0, "parameter sets"},
    {"separator", 0, UT_OPT_TEXT, "MODEL|none", "default", 0, 0, "name or file of the model; none: the mixture only"},
    {"no-mix", 0, UT_OPT_FLAG, NULL, NULL, 0, 0, "with a separator, leave out the rows without it"},
    {"backend", 0, UT_OPT_CHOICE, "auto|ref|onednn|cuda", "auto", 0, 0, "what runs the model"},
    {"max-log10-e", 0, UT_OPT_REAL, "X", "0", -300, 0, "accept at this E-value (log10) or below; 0: as identify does"},
    {"seed", 0, UT_OPT_INT, "N", "1", 0, 1e15, "the same seed makes the same queries"},
    {"jobs", 'j', UT_OPT_INT, "N", "0", 0, 1024, "threads; 0: one per core"},
    {"cache", 0, UT_OPT_TEXT, "DIR", NULL, 0, 0, "keep decoded and separated audio here for the next run"},
    {"write", 0, UT_OPT_TEXT, "DIR", NULL, 0, 0, "also write the queries there as WAV, for tests/bench/peers.py"},
    {"output", 'o', UT_OPT_TEXT, "BASE", NULL, 0, 0, "also write BASE.md and BASE.json"},
    {.name = NULL},
};

const ut_verb ut_verb_evaluate = {
    .name = "evaluate",
    .summary = "measure identification on mixtures made of music and speech",
    .arguments = "",
    .options = options,
    .examples = "undertone evaluate --music music/dev --speech speech/dev --catalogue music/train\n"
                "undertone evaluate -m music -s speech --conditions mix --snr 0,-10 --params p3 --queries 100",
    .run = run,
};
