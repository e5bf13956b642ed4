#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "apps/cli.h"
#include "apps/parallel.h"
#include "apps/recording_json.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "pipeline/catalogue.h"
#include "pipeline/ingest.h"
#include "pipeline/ingest_file.h"
#include "pipeline/metadata.h"

typedef struct {
    const ut_args *args;
    const ut_params *params[UT_INGEST_SETS];
    size_t params_count;
    ut_paths files;            /* absolute, each once */
    ut_metadata *metadata;     /* NULL: none given */
    const ut_recording **rows; /* of files */
    size_t missed;             /* rows that name no file */
    size_t absent;             /* paths that could not be walked */
} job;

static void complain(const job *j, const ut_err *err)
{
    ut_cli_fail(j->args, err);
}

/* "p1,p3" */
static ut_status params_parse(job *j, const char *text, ut_err *err)
{
    char *copy = strdup(text), *rest = copy;
    ut_status rc = copy ? UT_OK : ut_fail(err, UT_E_NOMEM, "out of memory");
    for (char *name; rc == UT_OK && (name = strsep(&rest, ","));) {
        const ut_params *params = ut_params_find(name);
        bool again = false;
        for (size_t i = 0; i < j->params_count; i++)
            again |= j->params[i] == params;
        if (!params)
            rc = ut_fail(err, UT_E_ARG, "--params %s: \"%s\" is none of p1, p2, p3", text, name);
        else if (!again && j->params_count < UT_INGEST_SETS)
            j->params[j->params_count++] = params;
    }
    free(copy);
    return rc;
}

/* --- files
 * ----------------------------------------------------------------------------------------- */

/* What lies beside audio in folders. A file that is named is read whatever its name. */
static bool sidecar(const char *path)
{
    static const char *const endings[] = {"jpg", "jpeg", "png", "gif", "webp", "txt", "csv",  "tsv",   "cue", "log",
                                          "m3u", "m3u8", "pls", "pdf", "html", "htm", "md",   "nfo",   "sfv", "md5",
                                          "ini", "json", "xml", "url", "db",   "zip", "xlsx", "sha256"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++) {
        if (strcasecmp(dot + 1, endings[i]) == 0)
            return true;
    }
    return false;
}

static ut_status resolve(job *j, const char *path, ut_err *err)
{
    char real[PATH_MAX];
    if (realpath(path, real))
        return ut_paths_add(&j->files, real, err);
    ut_err why;
    ut_fail(&why, UT_E_NOTFOUND, "%s: %s", path, strerror(errno));
    complain(j, &why);
    j->absent++;
    return UT_OK;
}

static ut_status walk(job *j, const char *path, ut_err *err)
{
    struct stat st;
    ut_paths found = {0};
    ut_err why = {0};
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    ut_status rc = UT_OK;
    if (!folder)
        return resolve(j, path, err);
    if (ut_paths_walk(&found, path, &why) != UT_OK) {
        complain(j, &why);
        j->absent++;
    }
    for (size_t i = 0; rc == UT_OK && i < found.count; i++) {
        if (!sidecar(found.items[i]))
            rc = resolve(j, found.items[i], err);
    }
    ut_paths_clear(&found);
    return rc;
}

typedef struct {
    char *path;
    size_t at;
} place;

static int by_path(const void *a, const void *b)
{
    const place *one = a, *two = b;
    int order = strcmp(one->path, two->path);
    return order ? order : (one->at > two->at) - (one->at < two->at);
}

/* Leaves each file once, where it came first. */
static ut_status files_unique(ut_paths *files, ut_err *err)
{
    size_t kept = 0;
    place *places = calloc(files->count + 1, sizeof *places);
    if (!places)
        return ut_fail(err, UT_E_NOMEM, "%zu files", files->count);
    for (size_t i = 0; i < files->count; i++)
        places[i] = (place){files->items[i], i};
    qsort(places, files->count, sizeof *places, by_path);
    const char *last = NULL;
    for (size_t i = 0; i < files->count; i++) {
        if (last && strcmp(last, places[i].path) == 0) {
            free(places[i].path);
            files->items[places[i].at] = NULL;
        } else {
            last = places[i].path;
        }
    }
    for (size_t i = 0; i < files->count; i++) {
        if (files->items[i])
            files->items[kept++] = files->items[i];
    }
    files->count = kept;
    free(places);
    return UT_OK;
}

static ut_status files_collect(job *j, ut_err *err)
{
    ut_paths listed = {0};
    ut_status rc = UT_OK;
    for (int i = 0; rc == UT_OK && i < ut_args_count(j->args); i++)
        rc = walk(j, ut_args_at(j->args, i), err);
    const char *list = ut_args_text(j->args, "list");
    if (rc == UT_OK && list)
        rc = ut_paths_list(&listed, list, err);
    for (size_t i = 0; rc == UT_OK && i < listed.count; i++)
        rc = walk(j, listed.items[i], err);
    ut_paths_clear(&listed);
    return rc == UT_OK ? files_unique(&j->files, err) : rc;
}

/* --- metadata
 * -------------------------------------------------------------------------------------- */

static void on_missed(void *arg, size_t line, const char *file)
{
    job *j = arg;
    ut_err err;
    ut_fail(&err, UT_E_ARG, "%s:%zu: file \"%.200s\" is none of those given; correct the name or add the file",
            ut_args_text(j->args, "metadata"), line, file);
    if (j->missed++ < 20)
        complain(j, &err);
}

static ut_status metadata_match(job *j, ut_err *err)
{
    if (!j->metadata)
        return UT_OK;
    j->rows = calloc(j->files.count + 1, sizeof *j->rows);
    if (!j->rows)
        return ut_fail(err, UT_E_NOMEM, "%zu files", j->files.count);
    return ut_metadata_match(j->metadata, j->files.items, j->files.count, j->rows, on_missed, j, err);
}

/* --- adding
 * ---------------------------------------------------------------------------------------- */

static void on_failed(void *arg, const char *path, const ut_err *err)
{
    (void)path;
    complain(arg, err);
}

static ut_status add(job *j, ut_store *store, ut_ingest_result *result, ut_err *err)
{
    int64_t jobs = ut_args_int(j->args, "jobs");
    ut_ingest_options options = {.params = j->params,
                                 .params_count = j->params_count,
                                 .jobs = jobs > 0 ? (int)jobs : ut_cores(),
                                 .stopped = ut_cli_stopped,
                                 .failed = on_failed,
                                 .arg = j};
    ut_status rc = ut_progress_open("catalogue add", "files", j->files.count, &options.progress);
    if (rc != UT_OK)
        return ut_fail(err, rc, "progress bar: %s", ut_status_name(rc));
    rc = ut_ingest(store, j->files.items, j->rows, j->files.count, &options, result, err);
    ut_progress_close(&options.progress);
    /* The index is made here, once, rather than by the first who needs it. */
    for (size_t i = 0; rc == UT_OK && i < j->params_count; i++) {
        ut_index *index = NULL;
        rc = ut_catalogue_load(store, ut_params_name(j->params[i]), &index, err);
        ut_index_close(&index);
        ut_err merge_err; /* an index in pieces does as well, and the next run joins them */
        if (rc == UT_OK && ut_catalogue_merge(store, ut_params_name(j->params[i]), &merge_err) != UT_OK)
            ut_log(UT_LOG_WARN, "catalogue", "index-not-merged", "error=%s", merge_err.text);
    }
    return rc;
}

static ut_status report(const job *j, const ut_ingest_result *result, double wall_s, ut_err *err)
{
    size_t failed = result->failed + j->absent;
    if (ut_args_json(j->args))
        return ut_json_print(json_pack("{sI sI sI sI sI sI sf sf}", "added", (json_int_t)result->added, "repeated",
                                       (json_int_t)result->repeated, "known", (json_int_t)result->known, "updated",
                                       (json_int_t)result->updated, "failed", (json_int_t)failed, "unmatched_rows",
                                       (json_int_t)j->missed, "audio_s", result->audio_s, "wall_s", wall_s),
                             err);
    printf("%zu added, %zu there already (%zu of them unread, %zu updated), %zu failed\n", result->added,
           result->repeated + result->known, result->known, result->updated, failed);
    if (j->missed > 0)
        printf("%zu rows of %s name no file\n", j->missed, ut_args_text(j->args, "metadata"));
    if (result->audio_s > 0)
        printf("%.0f s of audio in %.1f s\n", result->audio_s, wall_s);
    return UT_OK;
}

static ut_status run_job(job *j, ut_ingest_result *result, ut_err *err)
{
    const char *csv = ut_args_text(j->args, "metadata");
    ut_store *store = NULL;
    double start_s = ut_monotonic_s();
    ut_status rc = UT_OK;
    if (csv)
        rc = ut_metadata_load(csv, &j->metadata, err);
    if (rc == UT_OK)
        rc = files_collect(j, err);
    if (rc == UT_OK)
        rc = metadata_match(j, err);
    if (rc == UT_OK)
        rc = ut_store_open(ut_args_store(j->args), UT_STORE_CREATE, &store, err);
    if (rc != UT_OK)
        return rc;
    rc = add(j, store, result, err);
    ut_store_close(&store);
    ut_err report_err;
    ut_status told = report(j, result, ut_monotonic_s() - start_s, &report_err);
    if (rc == UT_OK && told != UT_OK)
        return ut_fail(err, told, "%s", report_err.text);
    return rc;
}

static int run(const ut_args *args)
{
    if (ut_args_count(args) == 0 && !ut_args_given(args, "list"))
        return ut_cli_usage(args, "no PATH and no --list");
    job j = {.args = args};
    ut_ingest_result result = {0};
    ut_err err = {0};
    if (params_parse(&j, ut_args_text(args, "params"), &err) != UT_OK)
        return ut_cli_usage(args, "%s", err.text);
    ut_status rc = run_job(&j, &result, &err);
    int code = rc != UT_OK ? ut_cli_fail(args, &err) : result.failed + j.absent + j.missed > 0;
    free(j.rows);
    ut_metadata_close(&j.metadata);
    ut_paths_clear(&j.files);
    return code;
}

static const ut_opt options[] = {
    {"metadata", 'm', UT_OPT_TEXT, "FILE", NULL, 0, 0, "CSV that says more of the files; see docs/CATALOGUE.md"},
    {"list", 0, UT_OPT_TEXT, "FILE", NULL, 0, 0, "read more paths from FILE, one a line"},
    {"params", 'p', UT_OPT_TEXT, "SETS", "p3", 0, 0, "parameter sets to make fingerprints of: p1,p2,p3"},
    {"jobs", 'j', UT_OPT_INT, "N", "0", 0, 1024, "worker threads; 0: one per core"},
    {0},
};

const ut_verb ut_verb_catalogue_add = {
    .name = "catalogue add",
    .summary = "read audio files and folders into the catalogue",
    .arguments = "PATH…",
    .min_arguments = 0,
    .max_arguments = -1,
    .options = options,
    .examples = "undertone catalogue add /music --metadata tracks.csv\n"
                "undertone catalogue add --list files.txt --params p1,p2,p3",
    .run = run,
};
