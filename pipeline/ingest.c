#include "pipeline/ingest.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/clock.h"
#include "core/text.h"
#include "pipeline/ingest_file.h"

/* A file to read, and what came of it. */
typedef struct {
    size_t at; /* in the caller's paths */
    int64_t size, mtime_ns;
} task;

typedef struct {
    bool ready;
    ut_status status;
    ut_reading reading;
    ut_err err;
} slot;

typedef struct {
    ut_store *store;
    char *const *paths;
    const ut_recording *const *rows;
    const ut_ingest_options *options;
    ut_ingest_result *result;
    task *tasks;
    size_t count;

    /* Tasks are taken in order and written in order; at most `window` are between the two. */
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    slot *slots; /* of task i: i % window */
    size_t window, taken, written;
    bool stop;
} ingest;

static bool stopped(void *arg)
{
    ingest *in = arg;
    pthread_mutex_lock(&in->lock);
    bool stop = in->stop;
    pthread_mutex_unlock(&in->lock);
    return stop || (in->options->stopped && in->options->stopped());
}

/* --- writing: the calling thread
 * ------------------------------------------------------------------ */

/* The fields that a row, or else a tag, may fill in. The title has its own rule. */
static const size_t fields[] = {
    offsetof(ut_recording, artist), offsetof(ut_recording, album),   offsetof(ut_recording, isrc),
    offsetof(ut_recording, label),  offsetof(ut_recording, library), offsetof(ut_recording, catalogue_no),
    offsetof(ut_recording, work),   offsetof(ut_recording, iswc),
};

static char **field(const ut_recording *rec, size_t i)
{
    return (char **)((char *)rec + fields[i]);
}

/* What to put: strings are borrowed from row (may be NULL), tags and name. `old`: what is stored,
 * or NULL. */
static ut_recording merge(const ut_recording *row, const ut_recording *tags, const ut_recording *old, char *name)
{
    static const ut_recording none;
    ut_recording rec = *tags;
    const ut_recording *given = row ? row : &none;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (*field(given, i))
            *field(&rec, i) = *field(given, i);
        else if (old && *field(old, i))
            *field(&rec, i) = NULL;
    }
    rec.title = given->title ? given->title : old ? NULL : tags->title ? tags->title : name;
    if (given->party_count > 0 || (old && old->party_count > 0)) {
        rec.parties = given->parties;
        rec.party_count = given->party_count;
    }
    return rec;
}

/* The file's name without folder and extension, fit to be a title. */
static char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    char *copy = strndup(name, dot && dot > name ? (size_t)(dot - name) : strlen(name));
    return copy ? ut_utf8_clean(copy) : NULL;
}

/* Puts rec and tells in *changed whether that raised the catalogue version. */
static ut_status put(ingest *in, ut_recording *rec, const ut_reading *reading, bool *created, bool *changed,
                     ut_err *err)
{
    int64_t before = 0, after = 0;
    ut_status rc = ut_store_catalogue_version(in->store, &before, err);
    if (rc == UT_OK)
        rc = ut_store_recording_put(in->store, rec, reading ? reading->rows : NULL, reading ? reading->row_count : 0,
                                    created, err);
    if (rc == UT_OK)
        rc = ut_store_catalogue_version(in->store, &after, err);
    *changed = before != after;
    return rc;
}

/* The recording with the same audio, if the catalogue has it or had it: *found. */
static ut_status old_get(ingest *in, const char *sha256, ut_recording *old, bool *found, bool *removed, ut_err *err)
{
    int64_t id;
    ut_holding holding;
    ut_status rc = ut_store_recording_find(in->store, sha256, &id, err);
    *found = rc == UT_OK;
    if (rc != UT_OK)
        return rc == UT_E_NOTFOUND ? UT_OK : rc;
    rc = ut_store_recording_holding(in->store, id, &holding, err);
    if (rc == UT_OK)
        rc = ut_store_recording_get(in->store, id, old, err);
    if (rc == UT_OK)
        *removed = holding.removed;
    return rc;
}

static ut_status write_reading(ingest *in, const task *t, const ut_reading *reading, ut_err *err)
{
    const char *path = in->paths[t->at];
    ut_recording old = {0};
    bool found = false, removed = false, created = false, changed = false;
    char *name = name_of(path);
    ut_status rc = name ? old_get(in, reading->tags.audio_sha256, &old, &found, &removed, err)
                        : ut_fail(err, UT_E_NOMEM, "%s: name", path);
    if (rc == UT_OK) {
        ut_recording rec = merge(in->rows ? in->rows[t->at] : NULL, &reading->tags, found ? &old : NULL, name);
        rec.file = found && !removed ? NULL : (char *)path; /* the first file it came from stays */
        rec.added_ns = ut_now_ns();
        rc = put(in, &rec, reading, &created, &changed, err);
        if (rc == UT_OK)
            rc = ut_store_source_put(in->store, path, t->size, t->mtime_ns, rec.id, err);
    }
    if (rc == UT_OK) {
        in->result->added += created;
        in->result->repeated += !created;
        in->result->updated += !created && changed;
        in->result->audio_s += reading->audio_s;
    }
    ut_recording_clear(&old);
    free(name);
    return rc;
}

/* A file that needs no reading may still have a row that says more of it. */
static ut_status write_known(ingest *in, size_t at, int64_t id, ut_err *err)
{
    ut_recording old, rec = {0};
    bool created, changed = false;
    in->result->known++;
    if (!in->rows || !in->rows[at])
        return UT_OK;
    ut_status rc = ut_store_recording_get(in->store, id, &old, err);
    if (rc != UT_OK)
        return rc;
    memcpy(rec.audio_sha256, old.audio_sha256, sizeof rec.audio_sha256);
    rec = merge(in->rows[at], &rec, &old, NULL);
    rc = put(in, &rec, NULL, &created, &changed, err);
    in->result->updated += changed;
    ut_recording_clear(&old);
    return rc;
}

static void count_failure(ingest *in, const char *path, const ut_err *err)
{
    in->result->failed++;
    if (in->options->failed)
        in->options->failed(in->options->arg, path, err);
}

/* --- what needs reading
 * ---------------------------------------------------------------------------- */

static ut_status has_sets(ingest *in, int64_t id, bool *all, ut_err *err)
{
    ut_holding holding;
    ut_status rc = ut_store_recording_holding(in->store, id, &holding, err);
    if (rc != UT_OK)
        return rc;
    *all = true;
    for (size_t i = 0; i < in->options->params_count; i++) {
        bool has = false;
        for (size_t k = 0; k < holding.set_count; k++)
            has |= strcmp(holding.sets[k].params, ut_params_name(in->options->params[i])) == 0;
        *all &= has;
    }
    return UT_OK;
}

/* Makes a task of paths[at], unless the store knows the file. */
static ut_status plan_one(ingest *in, size_t at, ut_err *err)
{
    struct stat st;
    const char *path = in->paths[at];
    bool there = stat(path, &st) == 0;
    if (!there || !S_ISREG(st.st_mode)) {
        ut_err why;
        ut_fail(&why, there ? UT_E_UNSUPPORTED : UT_E_NOTFOUND, "%s: %s", path,
                there ? "not a regular file" : strerror(errno));
        count_failure(in, path, &why);
        return UT_OK;
    }
    /* Unsigned: a file may claim to be of any year. */
    uint64_t mtime_ns = (uint64_t)st.st_mtim.tv_sec * UT_NS_PER_S + (uint64_t)st.st_mtim.tv_nsec;
    task t = {at, st.st_size, (int64_t)mtime_ns};
    int64_t id;
    bool all = false;
    ut_status rc = ut_store_source_known(in->store, path, t.size, t.mtime_ns, &id, err);
    if (rc == UT_OK)
        rc = has_sets(in, id, &all, err);
    else if (rc == UT_E_NOTFOUND)
        rc = UT_OK;
    if (rc == UT_OK && all)
        return write_known(in, at, id, err);
    if (rc == UT_OK)
        in->tasks[in->count++] = t;
    return rc;
}

static ut_status plan(ingest *in, size_t count, ut_err *err)
{
    ut_status rc = UT_OK;
    for (size_t at = 0; rc == UT_OK && at < count; at++) {
        size_t before = in->count;
        rc = stopped(in) ? ut_fail(err, UT_E_STOPPED, "stopped") : plan_one(in, at, err);
        if (rc == UT_OK && in->count == before && in->options->progress)
            ut_progress_add(in->options->progress, 1, in->paths[at]);
    }
    return rc;
}

/* --- reading: the worker threads
 * --------------------------------------------------------------------- */

static void *work(void *arg)
{
    ingest *in = arg;
    pthread_mutex_lock(&in->lock);
    for (;;) {
        while (!in->stop && in->taken < in->count && in->taken >= in->written + in->window)
            pthread_cond_wait(&in->changed, &in->lock);
        if (in->stop || in->taken == in->count)
            break;
        size_t i = in->taken++;
        slot *s = &in->slots[i % in->window];
        pthread_mutex_unlock(&in->lock);
        s->status = ut_reading_make(in->paths[in->tasks[i].at], in->options->params, in->options->params_count, stopped,
                                    in, &s->reading, &s->err);
        pthread_mutex_lock(&in->lock);
        s->ready = true;
        pthread_cond_broadcast(&in->changed);
    }
    pthread_mutex_unlock(&in->lock);
    return NULL;
}

static ut_status write_slot(ingest *in, size_t i, slot *s, ut_err *err)
{
    const char *path = in->paths[in->tasks[i].at];
    if (s->status == UT_OK)
        return write_reading(in, &in->tasks[i], &s->reading, err);
    if (s->status == UT_E_STOPPED || s->status == UT_E_NOMEM)
        return ut_fail(err, s->status, "%s", s->err.text);
    count_failure(in, path, &s->err);
    return UT_OK;
}

static ut_status write_all(ingest *in, ut_err *err)
{
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < in->count; i++) {
        slot *s = &in->slots[i % in->window];
        pthread_mutex_lock(&in->lock);
        while (!s->ready)
            pthread_cond_wait(&in->changed, &in->lock);
        pthread_mutex_unlock(&in->lock);
        rc = write_slot(in, i, s, err);
        ut_reading_clear(&s->reading);
        if (rc == UT_OK && in->options->progress)
            ut_progress_add(in->options->progress, 1, in->paths[in->tasks[i].at]);
        pthread_mutex_lock(&in->lock);
        *s = (slot){0};
        in->written = i + 1;
        in->stop = rc != UT_OK;
        pthread_cond_broadcast(&in->changed);
        pthread_mutex_unlock(&in->lock);
    }
    return rc;
}

static ut_status run(ingest *in, ut_err *err)
{
    int jobs = in->options->jobs, started = 0;
    ut_status rc = UT_OK;
    pthread_t *threads = calloc((size_t)jobs, sizeof *threads);
    in->window = 4 * (size_t)jobs;
    in->slots = calloc(in->window, sizeof *in->slots);
    if (!threads || !in->slots)
        rc = ut_fail(err, UT_E_NOMEM, "ingest: %d workers", jobs);
    while (rc == UT_OK && started < jobs && pthread_create(&threads[started], NULL, work, in) == 0)
        started++;
    if (rc == UT_OK && started == 0)
        rc = ut_fail(err, UT_E_NOMEM, "ingest: no thread could be started");
    if (rc == UT_OK)
        rc = write_all(in, err);
    while (started > 0)
        pthread_join(threads[--started], NULL);
    for (size_t i = 0; in->slots && i < in->window; i++)
        ut_reading_clear(&in->slots[i].reading);
    free(in->slots);
    free(threads);
    return rc;
}

ut_status ut_ingest(ut_store *store, char *const *paths, const ut_recording *const *rows, size_t count,
                    const ut_ingest_options *options, ut_ingest_result *result, ut_err *err)
{
    ingest in = {.store = store, .paths = paths, .rows = rows, .options = options, .result = result};
    *result = (ut_ingest_result){0};
    if (!(in.tasks = calloc(count ? count : 1, sizeof *in.tasks)))
        return ut_fail(err, UT_E_NOMEM, "ingest: %zu files", count);
    pthread_mutex_init(&in.lock, NULL);
    pthread_cond_init(&in.changed, NULL);
    ut_status rc = plan(&in, count, err);
    if (rc == UT_OK && in.count > 0)
        rc = run(&in, err);
    pthread_cond_destroy(&in.changed);
    pthread_mutex_destroy(&in.lock);
    free(in.tasks);
    return rc;
}
