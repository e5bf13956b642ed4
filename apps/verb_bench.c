#include <stdio.h>
#include <string.h>

#include "apps/bench/stages.h"
#include "apps/cli.h"
#include "apps/machine.h"
#include "apps/report.h"
#include "fingerprint/params.h"
#include "pipeline/recognition.h"

/* Stages of the signal path in order; --stages chooses among them. */
static bool wanted(const ut_args *args, const char *stage)
{
    const char *list = ut_args_text(args, "stages");
    size_t length = strlen(stage);
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, stage, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

static ut_status bench_decode(const ut_args *args, double seconds, ut_figures *figures, ut_err *err)
{
    if (ut_args_count(args) == 0)
        return ut_bench_decode(NULL, seconds, figures, err);
    ut_status rc = UT_OK;
    for (int i = 0; i < ut_args_count(args) && rc == UT_OK; i++)
        rc = ut_bench_decode(ut_args_at(args, i), seconds, figures, err);
    return rc;
}

static ut_status bench_params(const ut_args *args, double seconds, bool query, ut_figures *figures, ut_err *err)
{
    static const char *const names[] = {"p1", "p2", "p3"};
    ut_status rc = UT_OK;
    for (size_t i = 0; i < 3 && rc == UT_OK; i++) {
        const ut_params *params = ut_params_find(names[i]);
        if (!query)
            rc = ut_bench_fingerprint(params, seconds, figures, err);
        else if (strcmp(names[i], "p3") == 0)
            rc = ut_bench_query(params, (size_t)ut_args_int(args, "tracks"), seconds, figures, err);
    }
    return rc;
}

static ut_status run_stages(const ut_args *args, const ut_model *model, ut_figures *figures, ut_err *err)
{
    double seconds = ut_args_real(args, "seconds");
    ut_status rc = UT_OK;
    if (wanted(args, "decode"))
        rc = bench_decode(args, seconds, figures, err);
    if (rc == UT_OK && model && wanted(args, "separator"))
        rc = ut_bench_separator(model, seconds, figures, err);
    if (rc == UT_OK && wanted(args, "fingerprint"))
        rc = bench_params(args, seconds, false, figures, err);
    if (rc == UT_OK && wanted(args, "query"))
        rc = bench_params(args, seconds, true, figures, err);
    if (rc == UT_OK && wanted(args, "rematch"))
        rc = ut_bench_rematch(ut_params_find("p3"), (size_t)ut_args_int(args, "tracks"), seconds, figures, err);
    if (rc == UT_OK && wanted(args, "analyser"))
        rc = ut_bench_analyser(model, seconds, figures, err);
    if (rc == UT_OK && wanted(args, "catalogue"))
        rc = ut_bench_add(figures, err);
    if (rc == UT_OK)
        rc = ut_figures_add(figures, err, "memory", ut_machine_peak_mib(), "MiB", "peak resident, of all stages above");
    return rc;
}

static ut_status form(const void *what, FILE *out, bool json, ut_err *err)
{
    if (json)
        return ut_figures_json(out, what, err);
    ut_figures_text(out, what);
    return UT_OK;
}

static int run(const ut_args *args)
{
    ut_err err = {.code = UT_OK};
    ut_figures figures = {.items = NULL};
    ut_model *model = NULL;
    ut_status rc = ut_recognition_model(ut_args_text(args, "separator"), &model, &err);
    if (rc == UT_OK)
        rc = run_stages(args, model, &figures, &err);
    if (rc == UT_OK)
        rc = form(&figures, stdout, ut_args_json(args), &err);
    if (rc == UT_OK && ut_args_given(args, "output"))
        rc = ut_report_write(ut_args_text(args, "output"), form, &figures, &err);
    ut_figures_clear(&figures);
    ut_model_close(&model);
    return rc == UT_OK ? 0 : ut_cli_fail(args, &err);
}

static const ut_opt options[] = {
    {"stages", 0, UT_OPT_TEXT, "LIST", "decode,separator,fingerprint,query,rematch,analyser,catalogue", 0, 0,
     "what to measure"},
    {"seconds", 0, UT_OPT_REAL, "S", "3", 0.1, 600, "how long to measure each figure"},
    {"tracks", 0, UT_OPT_INT, "N", "10000", 1, 1000000, "synthetic tracks that a query is matched against"},
    {"separator", 0, UT_OPT_TEXT, "MODEL|none", "default", 0, 0, "model to measure"},
    {"output", 'o', UT_OPT_TEXT, "BASE", NULL, 0, 0, "also write BASE.md and BASE.json"},
    {.name = NULL},
};

const ut_verb ut_verb_bench = {
    .name = "bench",
    .summary = "measure the speed of every stage on this machine, per core",
    .arguments = "[FILE...]",
    .min_arguments = 0,
    .max_arguments = -1,
    .options = options,
    .examples = "undertone bench\n"
                "undertone bench --stages decode recording.ts",
    .run = run,
};
