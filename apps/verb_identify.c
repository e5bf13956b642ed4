#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli.h"
#include "apps/identified.h"
#include "apps/parallel.h"
#include "core/config.h"
#include "core/file.h"
#include "core/progress.h"
#include "db/store.h"
#include "pipeline/analyser.h"
#include "pipeline/catalogue.h"
#include "pipeline/media.h"
#include "pipeline/recognition.h"

enum { READ_FRAMES = 1 << 14 };

/* Results of a file that is not yet first in line wait here. */
typedef struct {
    char *text;
    size_t size;
    FILE *waiting; /* memory stream over text; NULL: prints directly */
    bool done;
} output;

typedef struct {
    const ut_args *args;
    ut_paths paths;
    ut_store **stores; /* one handle per worker */
    int jobs;
    ut_index *index;
    ut_model *model;
    ut_analyser_options options;
    ut_versions versions;
    ut_progress *progress;
    pthread_mutex_t lock; /* guards all below, and stdout */
    output *outputs;      /* one per path */
    size_t head;          /* the first path that is not done: it prints directly */
    bool failed;          /* some file could not be read to its end */
} identify;

/* One file being identified, on one worker. */
typedef struct {
    identify *all;
    size_t index;
    ut_store *store;
    size_t found;
    bool fatal;   /* not this file's fault: no other would fare better */
    ut_err inner; /* why print_found stopped the analyser */
} job;

/* --- output in the order of the arguments
 * ------------------------------------------------------------------ */

/* Where file `index` prints now. Holds the lock until output_release; NULL if out of memory. */
static FILE *output_take(identify *v, size_t index)
{
    pthread_mutex_lock(&v->lock);
    if (index == v->head)
        return stdout;
    output *o = &v->outputs[index];
    if (!o->waiting)
        o->waiting = open_memstream(&o->text, &o->size);
    return o->waiting;
}

static void output_release(identify *v)
{
    pthread_mutex_unlock(&v->lock);
}

static void output_flush(output *o)
{
    if (!o->waiting)
        return;
    fclose(o->waiting);
    fwrite(o->text, 1, o->size, stdout);
    free(o->text);
    *o = (output){.done = o->done};
}

/* File `index` is done: the next in line prints what it has, and directly from now on. */
static void output_done(identify *v, size_t index)
{
    pthread_mutex_lock(&v->lock);
    v->outputs[index].done = true;
    while (v->head < v->paths.count && v->outputs[v->head].done) {
        v->head++;
        if (v->head < v->paths.count)
            output_flush(&v->outputs[v->head]);
    }
    fflush(stdout);
    pthread_mutex_unlock(&v->lock);
}

/* --- one file
 * ------------------------------------------------------------------------------------------------
 */

static ut_status print_found(void *arg, const ut_identification *what)
{
    job *j = arg;
    identify *v = j->all;
    const char *path = v->paths.items[j->index];
    ut_recording recording = {0};
    ut_status rc = UT_E_NOTFOUND;
    if (what->recording_id != 0)
        rc = ut_store_recording_get(j->store, what->recording_id, &recording, &j->inner);
    if (rc != UT_OK && rc != UT_E_NOTFOUND)
        return rc;
    const ut_recording *known = rc == UT_OK ? &recording : NULL;
    FILE *out = output_take(v, j->index);
    rc = out ? UT_OK : ut_fail(&j->inner, UT_E_NOMEM, "results");
    if (rc == UT_OK && ut_args_json(v->args)) {
        rc = ut_identified_json(out, path, what, known, &v->versions, &j->inner);
    } else if (rc == UT_OK) {
        if (j->found == 0)
            fprintf(out, "%s\n", path);
        ut_identified_text(out, what, known);
    }
    output_release(v);
    ut_recording_clear(&recording);
    j->found++;
    return rc;
}

/* Feeds the file to the analyser. What a broken file held before it broke counts. */
static ut_status feed(job *j, ut_media *media, ut_analyser *analyser, ut_err *err)
{
    identify *v = j->all;
    float samples[READ_FRAMES];
    size_t got = 0;
    ut_status rc = UT_OK;
    double seconds = 0;
    do {
        if (ut_cli_stopped())
            return ut_fail(err, UT_E_STOPPED, "stopped");
        if ((rc = ut_media_read(media, samples, READ_FRAMES, &got, err)) != UT_OK || got == 0)
            break;
        if ((rc = ut_analyser_push(analyser, samples, got, err)) != UT_OK)
            return rc;
        seconds += (double)got / UT_RATE_HZ;
        if (v->paths.count == 1 && seconds >= 1) {
            ut_progress_add(v->progress, (uint64_t)seconds, NULL);
            seconds -= floor(seconds);
        }
    } while (rc == UT_OK);
    if (rc != UT_OK && rc != UT_E_CORRUPT)
        return rc;
    ut_status ended = ut_analyser_finish(analyser, rc == UT_OK ? err : NULL);
    return rc != UT_OK ? rc : ended;
}

static ut_status identify_file(job *j, ut_err *err)
{
    identify *v = j->all;
    ut_media *media = NULL;
    ut_analyser *analyser = NULL;
    ut_media_options options = {.rate_hz = UT_RATE_HZ, .channels = 1};
    ut_status rc = ut_media_open(v->paths.items[j->index], &options, &media, err);
    if (rc == UT_OK) {
        rc = ut_analyser_open(&v->options, 0, print_found, j, &analyser, err);
        j->fatal = rc != UT_OK;
    }
    if (rc == UT_OK && v->paths.count == 1) {
        double seconds = ut_media_describe(media)->duration_s;
        rc = ut_progress_open("identify", "s", isfinite(seconds) ? (uint64_t)seconds : 0, &v->progress);
    }
    if (rc == UT_OK)
        rc = feed(j, media, analyser, err);
    if (j->inner.code != UT_OK) {
        *err = j->inner;
        j->fatal = true;
    }
    ut_analyser_close(&analyser);
    ut_media_close(&media);
    if (v->paths.count > 1)
        ut_progress_add(v->progress, 1, v->paths.items[j->index]);
    return rc;
}

/* The failure of one file is told and remembered; the others go on. */
static ut_status do_file(void *arg, int worker, size_t index, ut_err *err)
{
    identify *v = arg;
    ut_err why = {.code = UT_OK};
    job j = {.all = v, .index = index, .store = v->stores[worker]};
    ut_status rc = identify_file(&j, &why);
    if (rc != UT_OK && (j.fatal || rc == UT_E_STOPPED || rc == UT_E_NOMEM)) {
        if (err)
            *err = why;
    } else if (rc != UT_OK) {
        pthread_mutex_lock(&v->lock);
        v->failed = true;
        ut_cli_fail(v->args, &why);
        pthread_mutex_unlock(&v->lock);
        rc = UT_OK;
    } else if (j.found == 0 && !ut_args_json(v->args)) {
        FILE *out = output_take(v, index);
        if (out)
            fprintf(out, "%s\n  no music identified\n", v->paths.items[index]);
        output_release(v);
    }
    output_done(v, index);
    return rc;
}

/* --- the verb
 * ------------------------------------------------------------------------------------------------
 */

/* Files and URIs as they are, folders as what is in them. What is not there fails in its turn, not
 * here. */
static ut_status list_inputs(const ut_args *args, ut_paths *paths, ut_err *err)
{
    ut_status rc = UT_OK;
    for (int i = 0; i < ut_args_count(args) && rc == UT_OK; i++) {
        const char *path = ut_args_at(args, i);
        if (strstr(path, "://") || ut_paths_walk(paths, path, NULL) != UT_OK)
            rc = ut_paths_add(paths, path, err);
    }
    if (rc == UT_OK && ut_args_given(args, "list"))
        rc = ut_paths_list(paths, ut_args_text(args, "list"), err);
    return rc;
}

/* What is given on the command line goes before the configuration. */
static ut_status load_recognition(identify *v, ut_err *err)
{
    const ut_config *config = ut_args_config(v->args);
    const char *params = ut_args_text(v->args, "params"), *model = ut_args_text(v->args, "separator");
    const char *backend = ut_args_text(v->args, "backend");
    params = params ? params : config->recognition.params;
    ut_status rc = ut_catalogue_load(v->stores[0], params, &v->index, err);
    if (rc == UT_OK)
        rc = ut_recognition_model(model ? model : config->separator.model, &v->model, err);
    if (rc != UT_OK)
        return rc;
    v->options = (ut_analyser_options){.index = v->index,
                                       .model = v->model,
                                       .backend = backend ? backend : config->separator.backend,
                                       .precision = ut_recognition_precision(config->separator.precision),
                                       .unidentified = config->recognition.unidentified,
                                       .max_log10_e = config->recognition.max_log10_e};
    v->versions = (ut_versions){.model_hash = v->model ? ut_model_describe(v->model)->hash : NULL,
                                .params = params,
                                .catalogue_version = ut_index_describe(v->index).catalogue_version};
    return UT_OK;
}

static ut_status open_all(identify *v, ut_err *err)
{
    const ut_args *args = v->args;
    int wanted = (int)ut_args_int(args, "jobs");
    v->jobs = wanted ? wanted : ut_cores();
    v->jobs = (size_t)v->jobs > v->paths.count ? (int)v->paths.count : v->jobs;
    v->stores = calloc((size_t)v->jobs, sizeof *v->stores);
    v->outputs = calloc(v->paths.count, sizeof *v->outputs);
    if (!v->stores || !v->outputs)
        return ut_fail(err, UT_E_NOMEM, "%zu files", v->paths.count);
    ut_status rc = UT_OK;
    for (int i = 0; i < v->jobs && rc == UT_OK; i++)
        rc = ut_store_open(ut_args_store(args), UT_STORE_READ, &v->stores[i], err);
    if (rc == UT_OK)
        rc = load_recognition(v, err);
    if (rc == UT_OK && v->paths.count > 1)
        rc = ut_progress_open("identify", "files", v->paths.count, &v->progress);
    return rc;
}

static void close_all(identify *v)
{
    ut_progress_close(&v->progress);
    for (size_t i = 0; v->outputs && i < v->paths.count; i++)
        output_flush(&v->outputs[i]);
    for (int i = 0; v->stores && i < v->jobs; i++)
        ut_store_close(&v->stores[i]);
    free(v->stores);
    free(v->outputs);
    ut_index_close(&v->index);
    ut_model_close(&v->model);
    ut_paths_clear(&v->paths);
    pthread_mutex_destroy(&v->lock);
}

static int run(const ut_args *args)
{
    identify v = {.args = args, .lock = PTHREAD_MUTEX_INITIALIZER};
    ut_err err = {.code = UT_OK};
    ut_status rc = list_inputs(args, &v.paths, &err);
    if (rc == UT_OK && v.paths.count == 0) {
        close_all(&v);
        return ut_cli_usage(args, "no files");
    }
    if (rc == UT_OK)
        rc = open_all(&v, &err);
    if (rc == UT_OK)
        rc = ut_parallel(v.jobs, v.paths.count, do_file, &v, &err);
    bool failed = v.failed;
    close_all(&v);
    if (rc == UT_OK && fflush(stdout) != 0)
        rc = ut_fail(&err, UT_E_IO, "results cannot be written");
    if (rc != UT_OK)
        return ut_cli_fail(args, &err);
    return failed ? 1 : 0;
}

static const ut_opt options[] = {
    {"list", 'l', UT_OPT_TEXT, "FILE", NULL, 0, 0, "read further paths from FILE, one per line"},
    {"separator", 0, UT_OPT_TEXT, "MODEL|none", "default", 0, 0, "name or file of the model that takes the speech off"},
    {"backend", 0, UT_OPT_CHOICE, "auto|ref|onednn|cuda", NULL, 0, 0, "what runs the model; default: as configured"},
    {"params", 'p', UT_OPT_CHOICE, "p1|p2|p3", NULL, 0, 0, "parameter set; default: as configured"},
    {"jobs", 'j', UT_OPT_INT, "N", "0", 0, 1024, "files at a time; 0: one per core"},
    {.name = NULL},
};

const ut_verb ut_verb_identify = {
    .name = "identify",
    .summary = "recognise the music in files or streams of finite length",
    .arguments = "FILE|URI...",
    .min_arguments = 0,
    .max_arguments = -1,
    .options = options,
    .examples = "undertone identify programme.ts\n"
                "undertone identify --json --list files.txt > found.jsonl",
    .run = run,
};
