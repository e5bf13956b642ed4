#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "apps/cli.h"
#include "apps/parallel.h"
#include "apps/separate/stems.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/progress.h"

typedef struct {
    const ut_args *args;
    ut_stems_options options; /* but for the names of the stems */
    ut_paths inputs;
    const char *music, *speech; /* as given: files for one input, else folders */
    bool folders;
    ut_progress *progress; /* of one file: its seconds; of several: files */
    uint64_t seconds_shown;
    atomic_bool failed;
} job;

static void advance(void *arg, double seconds, double total_s)
{
    job *j = arg;
    uint64_t done = (uint64_t)seconds;
    if (!j->progress &&
        ut_progress_open("separate", "s", isnan(total_s) ? 0 : (uint64_t)ceil(total_s), &j->progress) != UT_OK)
        return;
    ut_progress_add(j->progress, done - j->seconds_shown, j->inputs.items[0]);
    j->seconds_shown = done;
}

/* FOLDER/NAME-STEM.wav, or `given` as it is. NULL if memory is out. */
static char *stem_path(const job *j, const char *given, const char *input, const char *stem)
{
    const char *slash = strrchr(input, '/'), *base = slash ? slash + 1 : input, *dot = strrchr(base, '.');
    int length = dot && dot != base ? (int)(dot - base) : (int)strlen(base);
    const char *separator = *given && given[strlen(given) - 1] == '/' ? "" : "/";
    char *path = NULL;
    if (!j->folders)
        return strdup(given);
    return asprintf(&path, "%s%s%.*s-%s.wav", given, separator, length, base, stem) < 0 ? NULL : path;
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static void report(const job *j, const char *input, const ut_stems_options *o, const ut_stems_result *r, double took_s)
{
    if (!ut_args_json(j->args)) {
        printf("%s -> %s%s%s (%.1f s, %d Hz, %d channel%s, %s, %.0f x real time)\n", input, o->music,
               o->speech ? ", " : "", o->speech ? o->speech : "", r->seconds, r->rate_hz, r->channels,
               r->channels == 1 ? "" : "s", r->backend, r->seconds / took_s);
        return;
    }
    json_t *line =
        json_pack("{s:s, s:s, s:s*, s:f, s:i, s:i, s:s, s:s, s:f}", "file", input, "music", o->music, "speech",
                  o->speech, "seconds", r->seconds, "rate_hz", r->rate_hz, "channels", r->channels, "backend",
                  r->backend, "model", ut_model_describe(o->model)->hash, "realtime", r->seconds / took_s);
    char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9));
    if (text)
        puts(text);
    free(text);
    json_decref(line);
}

/* One input. What is wrong with one does not keep the others from being done. */
static ut_status separate_one(void *arg, int worker, size_t index, ut_err *err)
{
    job *j = arg;
    const char *input = j->inputs.items[index];
    char *music = stem_path(j, j->music, input, "music");
    char *speech = j->speech ? stem_path(j, j->speech, input, "speech") : NULL;
    ut_stems_options options = j->options;
    ut_stems_result result = {0};
    double start_s = ut_monotonic_s();
    ut_status rc;
    (void)worker;
    options.music = music;
    options.speech = speech;
    if (!music || (j->speech && !speech))
        rc = ut_fail(err, UT_E_NOMEM, "%s", input);
    else if (same_file(input, music) || (speech && same_file(input, speech)))
        rc = ut_fail(err, UT_E_ARG, "%s: a stem would replace its own source", input);
    else
        rc = ut_stems_write(input, &options, &result, err);
    if (rc == UT_OK) {
        report(j, input, &options, &result, ut_monotonic_s() - start_s);
    } else if (rc != UT_E_STOPPED) {
        ut_cli_fail(j->args, err);
        j->failed = true;
        rc = UT_OK;
    }
    if (j->inputs.count > 1)
        ut_progress_add(j->progress, 1, input);
    free(music);
    free(speech);
    return rc;
}

static ut_status list_inputs(job *j, ut_err *err)
{
    const char *list = ut_args_text(j->args, "list");
    ut_status rc = list ? ut_paths_list(&j->inputs, list, err) : UT_OK;
    for (int i = 0; i < ut_args_count(j->args) && rc == UT_OK; i++) {
        const char *at = ut_args_at(j->args, i);
        struct stat st;
        rc = stat(at, &st) == 0 && S_ISDIR(st.st_mode) ? ut_paths_walk(&j->inputs, at, err)
                                                       : ut_paths_add(&j->inputs, at, err);
    }
    if (rc == UT_OK && j->inputs.count == 0)
        rc = ut_fail(err, UT_E_ARG, "nothing to separate");
    return rc;
}

/* Several inputs, or a folder given: stems go into folders, under names that must differ. */
static ut_status settle_outputs(job *j, ut_err *err)
{
    struct stat st;
    size_t length = strlen(j->music);
    ut_status rc;
    j->folders = j->inputs.count > 1 || (length && j->music[length - 1] == '/') ||
                 (stat(j->music, &st) == 0 && S_ISDIR(st.st_mode));
    if (!j->folders)
        return j->speech && (!strcmp(j->music, j->speech) || same_file(j->music, j->speech))
                   ? ut_fail(err, UT_E_ARG, "%s: both stems in one file", j->music)
                   : UT_OK;
    if ((rc = ut_folder_make(j->music, err)) != UT_OK || (j->speech && (rc = ut_folder_make(j->speech, err)) != UT_OK))
        return rc;
    for (size_t i = 0; i < j->inputs.count && rc == UT_OK; i++)
        for (size_t k = 0; k < i && rc == UT_OK; k++) {
            char *a = stem_path(j, j->music, j->inputs.items[i], "music");
            char *b = stem_path(j, j->music, j->inputs.items[k], "music");
            if (!a || !b || !strcmp(a, b))
                rc = ut_fail(err, a && b ? UT_E_ARG : UT_E_NOMEM, "%s and %s: stems of the same name",
                             j->inputs.items[k], j->inputs.items[i]);
            free(a);
            free(b);
        }
    return rc;
}

static ut_precision precision_of(const char *name)
{
    return !strcmp(name, "f32") ? UT_PRECISION_F32 : !strcmp(name, "bf16") ? UT_PRECISION_BF16 : UT_PRECISION_AUTO;
}

static ut_status separate_all(job *j, ut_model **model, ut_err *err)
{
    char path[4096];
    ut_status rc;
    if ((rc = list_inputs(j, err)) != UT_OK || (rc = settle_outputs(j, err)) != UT_OK ||
        (rc = ut_model_find(ut_args_text(j->args, "model"), path, sizeof path, err)) != UT_OK ||
        (rc = ut_model_load(path, model, err)) != UT_OK)
        return rc;
    j->options.model = *model;
    if (j->inputs.count == 1)
        j->options.advance = advance;
    else if ((rc = ut_progress_open("separate", "files", j->inputs.count, &j->progress)) != UT_OK)
        return rc;
    int jobs = ut_args_given(j->args, "jobs") ? (int)ut_args_int(j->args, "jobs") : ut_cores();
    return ut_parallel(jobs, j->inputs.count, separate_one, j, err);
}

static int run(const ut_args *args)
{
    ut_err err = {0};
    ut_model *model = NULL;
    job j = {.args = args, .music = ut_args_text(args, "output"), .speech = ut_args_text(args, "speech")};
    if (!j.music)
        return ut_cli_usage(args, "-o is missing");
    if (ut_args_count(args) == 0 && !ut_args_text(args, "list"))
        return ut_cli_usage(args, "nothing to separate");
    j.options = (ut_stems_options){.backend = ut_args_text(args, "backend"),
                                   .precision = precision_of(ut_args_text(args, "precision")),
                                   .floats = ut_args_flag(args, "float"),
                                   .stopped = ut_cli_stopped,
                                   .arg = &j};
    int code = separate_all(&j, &model, &err) == UT_OK ? 0 : ut_cli_fail(args, &err);
    ut_progress_close(&j.progress);
    ut_model_close(&model);
    ut_paths_clear(&j.inputs);
    return code ? code : j.failed ? 1 : 0;
}

static const ut_opt options[] = {
    {"output", 'o', UT_OPT_TEXT, "FILE|FOLDER", NULL, 0, 0, "where the music goes; for several inputs, a folder"},
    {"speech", 's', UT_OPT_TEXT, "FILE|FOLDER", NULL, 0, 0, "where the speech goes: the original minus the music"},
    {"model", 'm', UT_OPT_TEXT, "MODEL", "default", 0, 0, "name or file of the model"},
    {"backend", 'b', UT_OPT_CHOICE, "auto|ref|onednn|cuda", "auto", 0, 0, "what computes"},
    {"precision", 'p', UT_OPT_CHOICE, "auto|f32|bf16", "auto", 0, 0, "number format of the computation"},
    {"float", 0, UT_OPT_FLAG, NULL, NULL, 0, 0, "32-bit float samples instead of 16-bit"},
    {"jobs", 'j', UT_OPT_INT, "N", NULL, 1, 1024, "files at a time; default: the number of cores"},
    {"list", 0, UT_OPT_TEXT, "FILE", NULL, 0, 0, "further inputs, one path per line"},
    {0},
};

const ut_verb ut_verb_separate = {
    .name = "separate",
    .summary = "take the speech off: write the music, and the rest, as WAV",
    .arguments = "[FILE|FOLDER|URI]…",
    .min_arguments = 0,
    .max_arguments = -1,
    .options = options,
    .examples = "undertone separate news.ts -o music.wav --speech speech.wav\n"
                "undertone separate recordings/ -o stems --speech stems --model wave-unet-m1",
    .run = run,
};
