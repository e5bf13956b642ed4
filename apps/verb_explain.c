#include <math.h>
#include <stdio.h>

#include "apps/cli.h"
#include "apps/explain/audio.h"
#include "apps/explain/explain.h"
#include "apps/recording_json.h"
#include "core/config.h"
#include "db/store.h"
#include "pipeline/catalogue.h"
#include "pipeline/recognition.h"

typedef struct {
    const ut_args *args;
    ut_store *store;
    ut_index *index;
    ut_model *model;
    ut_recording recording;
    ut_explain_audio audio;
    ut_explanation explanation;
    ut_explain_caption caption;
} explain;

static ut_status load(explain *v, ut_err *err)
{
    const ut_args *args = v->args;
    const ut_config *config = ut_args_config(args);
    const char *params = ut_args_text(args, "params"), *model = ut_args_text(args, "separator");
    const char *backend = ut_args_text(args, "backend");
    params = params ? params : config->recognition.params;
    ut_status rc = ut_store_open(ut_args_store(args), UT_STORE_READ, &v->store, err);
    if (rc == UT_OK)
        rc = ut_catalogue_load(v->store, params, &v->index, err);
    if (rc == UT_OK)
        rc = ut_recognition_model(model ? model : config->separator.model, &v->model, err);
    if (rc != UT_OK)
        return rc;
    v->caption = (ut_explain_caption){.file = ut_args_at(args, 0),
                                      .separator = v->model ? ut_model_describe(v->model)->name : NULL,
                                      .params = params,
                                      .catalogue_version = ut_index_describe(v->index).catalogue_version};
    ut_explain_source source = {.from_s = ut_args_real(args, "from"),
                                .to_s = ut_args_given(args, "to") ? ut_args_real(args, "to") : INFINITY,
                                .model = v->model,
                                .backend = backend ? backend : config->separator.backend,
                                .precision = ut_recognition_precision(config->separator.precision),
                                .stopped = ut_cli_stopped};
    return ut_explain_load(ut_args_at(args, 0), &source, &v->audio, err);
}

static ut_status find_recording(explain *v, ut_err *err)
{
    ut_status rc = ut_store_recording_get(v->store, v->explanation.recording_id, &v->recording, err);
    v->caption.recording = rc == UT_OK ? &v->recording : NULL;
    return rc == UT_E_NOTFOUND ? UT_OK : rc;
}

static void tell(const explain *v, const char *path)
{
    const ut_explanation *x = &v->explanation;
    printf("%s: [%lld] %s: %s", path, (long long)x->recording_id, v->recording.title ? v->recording.title : "?",
           x->accepted ? "identified" : "not identified");
    if (isfinite(x->log10_e))
        printf(", E 1e%.1f", x->log10_e);
    if (x->heard)
        printf(", from %.2f s to %.2f s", x->start_s, x->end_s);
    printf("; of %zu peaks %zu come again, %.1f would by chance\n", x->reference_count, x->found_count,
           x->expected_count);
}

static ut_status do_explain(explain *v, ut_err *err)
{
    const ut_args *args = v->args;
    const char *path = ut_args_text(args, "output");
    bool part = ut_args_given(args, "from") || ut_args_given(args, "to");
    ut_explain_options options = {.recording_id = ut_args_int(args, "track"),
                                  .max_log10_e = ut_args_config(args)->recognition.max_log10_e,
                                  .context_s =
                                      part && !ut_args_given(args, "context") ? -1 : ut_args_real(args, "context")};
    ut_status rc = load(v, err);
    if (rc == UT_OK)
        rc = ut_explain(v->index, &v->audio, &options, &v->explanation, err);
    if (rc == UT_OK)
        rc = find_recording(v, err);
    if (rc == UT_OK && path)
        rc = ut_explain_write(path, &v->audio, &v->explanation, &v->caption, err);
    if (rc == UT_OK && ut_args_json(args))
        rc = ut_json_print(ut_explain_json(&v->explanation, &v->caption), err);
    else if (rc == UT_OK)
        tell(v, path);
    return rc;
}

static int run(const ut_args *args)
{
    ut_err err = {0};
    explain v = {.args = args};
    if (!ut_args_given(args, "output") && !ut_args_json(args))
        return ut_cli_usage(args, "--output FILE.svg is needed, or --json for the numbers alone");
    if (ut_args_given(args, "to") && ut_args_real(args, "to") <= ut_args_real(args, "from"))
        return ut_cli_usage(args, "--to %g: must be after --from %g", ut_args_real(args, "to"),
                            ut_args_real(args, "from"));
    ut_status rc = do_explain(&v, &err);
    ut_explanation_clear(&v.explanation);
    ut_explain_audio_free(&v.audio);
    ut_recording_clear(&v.recording);
    ut_index_close(&v.index);
    ut_model_close(&v.model);
    ut_store_close(&v.store);
    return rc == UT_OK ? 0 : ut_cli_fail(args, &err);
}

static const ut_opt options[] = {
    {"track", 't', UT_OPT_INT, "ID", "0", 0, 9e15,
     "recording to explain, as `catalogue list` numbers it; 0: the clearest"},
    {"from", 0, UT_OPT_REAL, "S", "0", 0, 1e7, "explain the file from this second on"},
    {"to", 0, UT_OPT_REAL, "S", NULL, 0, 1e7, "to this second; default: to the end"},
    {"context", 0, UT_OPT_REAL, "S", "5", 0, 3600,
     "seconds shown before and after the music; with --from or --to all of the part is shown"},
    {"output", 'o', UT_OPT_TEXT, "FILE", NULL, 0, 0, "drawing to write, SVG (needed, but for --json)"},
    {"separator", 0, UT_OPT_TEXT, "MODEL|none", "default", 0, 0, "name or file of the model that takes the speech off"},
    {"backend", 0, UT_OPT_CHOICE, "auto|ref|onednn|cuda", NULL, 0, 0, "what runs the model; default: as configured"},
    {"params", 'p', UT_OPT_CHOICE, "p1|p2|p3", NULL, 0, 0, "parameter set; default: as configured"},
    {.name = NULL},
};

const ut_verb ut_verb_explain = {
    .name = "explain",
    .summary = "draw why a file holds a recording: peaks that coincide, votes, evidence over time",
    .arguments = "FILE|URI",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = options,
    .examples = "undertone explain programme.ts -o programme.svg\n"
                "undertone explain programme.ts --from 730 --to 790 --track 17 -o claim.svg\n"
                "undertone explain programme.ts --json > numbers.json",
    .run = run,
};
