#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "apps/cli.h"
#include "apps/evidence/evidence.h"
#include "apps/recording_json.h"
#include "core/config.h"

static int export_verb(const ut_args *args)
{
    ut_err err = {0};
    ut_store *store = NULL;
    ut_evidence_result result = {0};
    const ut_config *config = ut_args_config(args);
    const char *separator = ut_args_text(args, "separator"), *backend = ut_args_text(args, "backend");
    ut_evidence_options options = {.cue = ut_args_at(args, 0),
                                   .folder = ut_args_text(args, "output"),
                                   .context_s = ut_args_real(args, "context"),
                                   .separator = separator ? separator : config->separator.model,
                                   .backend = backend ? backend : config->separator.backend};
    if (!options.folder || !*options.folder)
        return ut_cli_usage(args, "--output is needed");
    ut_status rc = ut_store_open(ut_args_store(args), UT_STORE_READ, &store, &err);
    if (rc == UT_OK)
        rc = ut_evidence_export(store, &options, &result, &err);
    ut_store_close(&store);
    if (rc == UT_OK && ut_args_json(args))
        rc = ut_json_print(json_pack("{s:s, s:b, s:s, s:s}", "folder", options.folder, "audio", result.audio,
                                     "absent_because", result.why, "manifest_sha256", result.manifest_sha256),
                           &err);
    else if (rc == UT_OK)
        printf("%s: manifest SHA-256 %s\n", options.folder, result.manifest_sha256);
    if (rc == UT_OK && !result.audio)
        fprintf(stderr, "undertone: evidence export: no audio: %s\n", result.why);
    return rc == UT_OK ? 0 : ut_cli_fail(args, &err);
}

typedef struct {
    const ut_args *args;
    json_t *problems;
} told;

static void tell(void *arg, const char *problem, const char *file)
{
    const told *t = arg;
    if (ut_args_json(t->args))
        json_array_append_new(t->problems, json_pack("{s:s, s:s}", "problem", problem, "file", file));
    else
        printf("%-8s %s\n", problem, file);
}

static int verify(const ut_args *args)
{
    ut_err err = {0};
    told t = {args, json_array()};
    ut_status rc = ut_evidence_verify(ut_args_at(args, 0), ut_args_text(args, "sha256"), tell, &t, &err);
    if (ut_args_json(args)) {
        ut_err print_err;
        ut_status printed = ut_json_print(
            json_pack("{s:s, s:b, s:O}", "folder", ut_args_at(args, 0), "whole", rc == UT_OK, "problems", t.problems),
            &print_err);
        rc = rc == UT_OK ? printed : rc;
    } else if (rc == UT_OK) {
        printf("%s: whole\n", ut_args_at(args, 0));
    }
    json_decref(t.problems);
    return rc == UT_OK ? 0 : ut_cli_fail(args, &err);
}

static const ut_opt export_options[] = {
    {.name = "output", .letter = 'o', .kind = UT_OPT_TEXT, .value = "DIR", .help = "folder to make (needed)"},
    {.name = "context",
     .kind = UT_OPT_REAL,
     .value = "S",
     .fallback = "3",
     .min = 0,
     .max = 600,
     .help = "seconds of audio on either side"},
    {.name = "separator", .kind = UT_OPT_TEXT, .value = "MODEL|none", .help = "default: as configured"},
    {.name = "backend", .kind = UT_OPT_CHOICE, .value = "auto|ref|onednn|cuda", .help = "default: as configured"},
    {0},
};

static const ut_opt verify_options[] = {
    {.name = "sha256",
     .kind = UT_OPT_TEXT,
     .value = "HEX",
     .help = "what the manifest itself must be, as `evidence export` said; without it a forged manifest is not found"},
    {0},
};

const ut_verb ut_verb_evidence_export = {
    .name = "evidence export",
    .summary = "write what a cue rests on: clips, match, history, manifest",
    .arguments = "CUE",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = export_options,
    .examples = "undertone evidence export b80cc96f-4df3-898f-ac97-95e195624c4d -o evidence/b80cc96f",
    .run = export_verb,
};

const ut_verb ut_verb_evidence_verify = {
    .name = "evidence verify",
    .summary = "check that evidence is whole: nothing missing, altered or added",
    .arguments = "DIR",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = verify_options,
    .examples = "undertone evidence verify evidence/b80cc96f --sha256 5feceb66…",
    .run = verify,
};
