#include "apps/evaluate/false_alarms.h"

#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "apps/evaluate/judge.h"
#include "apps/parallel.h"
#include "core/digest.h"
#include "core/file.h"
#include "core/progress.h"
#include "fingerprint/track.h"
#include "separator/stream.h"

enum { PROGRAMMES_PER_HOUR = 3600 / UT_AIRTIME_S };
/* From here on a window is worth a line of its own, and a look at whether it is wrong. */
#define LOW_LOG10_E (-1.5)
#define JOURNAL_LIMIT ((size_t)1 << 31)

typedef struct {
    const ut_alarms_plan *plan;
    ut_separator **separators; /* one per worker */
    bool *done;                /* by programme */
    size_t *todo;
    FILE *journal;
    pthread_mutex_t lock; /* of the journal */
    ut_progress *progress;
} campaign;

/* A programme while it is listened to. */
typedef struct {
    const ut_eval_material *material;
    const ut_eval_query *query;
    uint64_t windows, empty, shared;
    uint32_t cells[UT_ALARM_CELLS];
    json_t *lows, *alarms;
    bool ok;
    ut_err *err;
} listener;

/* --- one programme ------------------------------------------------------------------------------------------- */

static int cell_of(double log10_e)
{
    double at = floor((log10_e - UT_ALARM_LOWEST) * UT_ALARM_CELLS_PER_DECADE);
    return (int)fmin(fmax(at, 0), UT_ALARM_CELLS - 1);
}

/* The music that is playing in the middle of a stretch, the louder layer first; NULL: none. */
static const ut_eval_segment *playing(const ut_eval_query *query, const ut_identification *what)
{
    int64_t middle = (what->start_sample + what->end_sample) / 2;
    for (size_t i = 0; i < query->segment_count; i++)
        if (query->segments[i].start <= middle && middle < query->segments[i].end)
            return &query->segments[i];
    return NULL;
}

static void append(listener *l, json_t *list, const ut_identification *what)
{
    const ut_eval_segment *segment = playing(l->query, what);
    json_t *music = segment ? json_string(l->material->tracks[segment->track].path) : json_null();
    json_t *line =
        json_pack("{s:f, s:f, s:s, s:o, s:f, s:b}", "at_s", (double)what->start_sample / UT_RATE_HZ, "log10_e",
                  what->log10_e, "claimed", l->material->tracks[what->recording_id - 1].path, "playing", music, "speed",
                  segment ? segment->speed : 1.0, "ambiguous", what->outcome == UT_AMBIGUOUS);
    l->ok = json_array_append_new(list, line) == 0 && l->ok;
}

/* Whether the recording holds the very audio that is playing: then it is not absent. */
static ut_status is_shared(listener *l, const ut_identification *what, bool *shared)
{
    ut_eval_verdict verdict;
    ut_identification claim = *what;
    claim.outcome = UT_IDENTIFIED;
    ut_status rc = ut_eval_judge(l->material, l->query, &claim, 1, &verdict, l->err);
    *shared = rc == UT_OK && verdict.wrong == 0;
    return rc;
}

static ut_status note_window(listener *l, const ut_identification *what)
{
    bool shared = false;
    l->windows++;
    if (what->recording_id == 0) {
        l->empty++;
        return UT_OK;
    }
    if (what->log10_e <= LOW_LOG10_E) {
        ut_status rc = is_shared(l, what, &shared);
        if (rc != UT_OK)
            return rc;
        if (!shared)
            append(l, l->lows, what);
    }
    if (shared)
        l->shared++;
    else
        l->cells[cell_of(what->log10_e)]++;
    return UT_OK;
}

static ut_status note_alarm(listener *l, const ut_identification *what)
{
    bool shared = false;
    ut_status rc = is_shared(l, what, &shared);
    if (rc == UT_OK && !shared)
        append(l, l->alarms, what);
    return rc;
}

/* Both what windows say and what is given out; unidentified music is not asked for, so that the former alone have that
 * outcome. */
static ut_status note(void *arg, const ut_identification *what)
{
    return what->outcome == UT_UNIDENTIFIED ? note_window(arg, what) : note_alarm(arg, what);
}

static ut_status listen(const campaign *c, int worker, listener *l, ut_err *err)
{
    const ut_alarms_plan *plan = c->plan;
    const ut_eval_query *query = l->query;
    ut_tracker *tracker = NULL;
    float *music = NULL;
    ut_tracker_options options = {.max_log10_e = plan->max_log10_e, .window = note};
    ut_status rc = UT_OK;
    if (plan->model && !(music = malloc(query->frames * sizeof *music)))
        rc = ut_fail(err, UT_E_NOMEM, "%zu samples", query->frames);
    if (rc == UT_OK && music)
        rc = ut_stream_whole(c->separators[worker], query->mix, query->frames, music, err);
    if (rc == UT_OK)
        rc = ut_tracker_open(l->material->index_without[0], &options, note, l, &tracker, err);
    if (rc == UT_OK)
        rc = ut_tracker_push(tracker, query->mix, music, query->frames, err);
    if (rc == UT_OK)
        rc = ut_tracker_finish(tracker, err);
    ut_tracker_close(&tracker);
    free(music);
    return rc;
}

static double thread_cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static ut_status write_line(campaign *c, size_t number, listener *l, double cpu_s, ut_err *err)
{
    json_t *cells = json_array();
    for (int i = 0; i < UT_ALARM_CELLS; i++)
        if (l->cells[i])
            l->ok = json_array_append_new(cells, json_pack("[i, I]", i, (json_int_t)l->cells[i])) == 0 && l->ok;
    json_t *line = json_pack("{s:I, s:I, s:I, s:I, s:o, s:O, s:O, s:f}", "programme", (json_int_t)number, "windows",
                             (json_int_t)l->windows, "empty", (json_int_t)l->empty, "shared", (json_int_t)l->shared,
                             "cells", cells, "lows", l->lows, "alarms", l->alarms, "cpu_s", cpu_s);
    char *text = line && l->ok ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(8)) : NULL;
    json_decref(line);
    if (!text)
        return ut_fail(err, UT_E_NOMEM, "programme %zu", number);
    pthread_mutex_lock(&c->lock);
    bool written = fprintf(c->journal, "%s\n", text) > 0 && fflush(c->journal) == 0;
    pthread_mutex_unlock(&c->lock);
    free(text);
    return written ? UT_OK : ut_fail(err, UT_E_IO, "%s: cannot be written", c->plan->journal);
}

static ut_status do_programme(void *arg, int worker, size_t index, ut_err *err)
{
    campaign *c = arg;
    size_t number = c->todo[index];
    ut_eval_query query = {0};
    double begin_s = thread_cpu_s();
    listener l = {.material = c->plan->material,
                  .query = &query,
                  .lows = json_array(),
                  .alarms = json_array(),
                  .ok = true,
                  .err = err};
    ut_status rc = ut_airtime_make(l.material, c->plan->seed, number, &query, err);
    if (rc == UT_OK)
        rc = listen(c, worker, &l, err);
    if (rc == UT_OK)
        rc = write_line(c, number, &l, thread_cpu_s() - begin_s, err);
    json_decref(l.lows);
    json_decref(l.alarms);
    ut_eval_query_clear(&query);
    ut_progress_add(c->progress, 1, NULL);
    return rc;
}

/* --- the run ------------------------------------------------------------------------------------------------- */

static void add_file(ut_digest *digest, const char *name, size_t frames)
{
    char text[1200];
    snprintf(text, sizeof text, "%s %zu\n", name, frames);
    ut_digest_update(digest, text, strlen(text));
}

ut_status ut_alarms_key(const ut_alarms_plan *plan, char key[65], ut_err *err)
{
    const ut_eval_material *m = plan->material;
    ut_digest *digest = NULL;
    char *program = NULL;
    size_t size = 0;
    ut_status rc = ut_file_read("/proc/self/exe", JOURNAL_LIMIT, &program, &size, err);
    if (rc == UT_OK)
        rc = ut_digest_open(&digest, err);
    if (rc != UT_OK) {
        free(program);
        return rc;
    }
    ut_digest_update(digest, program, size);
    free(program);
    for (size_t i = 0; i < m->track_count; i++)
        add_file(digest, m->tracks[i].digest, m->tracks[i].held_out);
    for (size_t i = 0; i < m->speech_count; i++)
        add_file(digest, "speech", m->speech[i].frames);
    for (size_t i = 0; i < m->effects_count; i++)
        add_file(digest, "effects", m->effects[i].frames);
    add_file(digest, ut_params_name(m->params[0]), plan->seed);
    add_file(digest, plan->model ? ut_model_describe(plan->model)->hash : "none", 0);
    char limit[32];
    snprintf(limit, sizeof limit, "%.17g", plan->max_log10_e);
    add_file(digest, limit, 0);
    ut_digest_finish(&digest, key);
    return UT_OK;
}

/* Calls `fn` for each whole line of the journal. */
typedef ut_status (*line_fn)(void *arg, const json_t *line, ut_err *err);

static ut_status each_line(const char *journal, line_fn fn, void *arg, ut_err *err)
{
    char *data = NULL;
    size_t size = 0;
    ut_status rc = ut_file_read(journal, JOURNAL_LIMIT, &data, &size, err);
    for (char *line = data, *end; rc == UT_OK && line < data + size; line = end + 1) {
        if (!(end = memchr(line, '\n', size - (size_t)(line - data))))
            break;
        json_t *object = json_loadb(line, (size_t)(end - line), 0, NULL);
        if (json_is_object(object)) /* else torn by a crash: that programme is done again */
            rc = fn(arg, object, err);
        json_decref(object);
    }
    free(data);
    return rc;
}

typedef struct {
    bool *done;
    size_t count;
} marks;

static ut_status mark_done(void *arg, const json_t *line, ut_err *err)
{
    marks *m = arg;
    (void)err;
    json_int_t number = json_integer_value(json_object_get(line, "programme"));
    if (number >= 0 && (size_t)number < m->count)
        m->done[number] = true;
    return UT_OK;
}

static ut_status open_separators(campaign *c, ut_err *err)
{
    const ut_alarms_plan *plan = c->plan;
    ut_status rc = UT_OK;
    if (!plan->model)
        return rc;
    if (!(c->separators = calloc((size_t)plan->jobs, sizeof *c->separators)))
        return ut_fail(err, UT_E_NOMEM, "%d separators", plan->jobs);
    for (int i = 0; i < plan->jobs && rc == UT_OK; i++)
        rc = ut_separator_open(plan->model, plan->backend, plan->precision, 1, &c->separators[i], err);
    return rc;
}

/* Ends a line that a crash cut short, so that the next begins on its own. */
static ut_status open_journal(campaign *c, ut_err *err)
{
    c->journal = fopen(c->plan->journal, "a+");
    if (!c->journal)
        return ut_fail(err, UT_E_IO, "%s: cannot be written", c->plan->journal);
    if (fseek(c->journal, -1, SEEK_END) == 0 && fgetc(c->journal) != '\n') {
        fseek(c->journal, 0, SEEK_END);
        fputc('\n', c->journal);
    }
    fseek(c->journal, 0, SEEK_END);
    return UT_OK;
}

ut_status ut_alarms_run(const ut_alarms_plan *plan, ut_err *err)
{
    campaign c = {.plan = plan, .lock = PTHREAD_MUTEX_INITIALIZER};
    size_t total = (size_t)ceil(plan->hours * PROGRAMMES_PER_HOUR), todo = 0;
    marks m = {.done = calloc(total + 1, sizeof *m.done), .count = total};
    c.todo = calloc(total + 1, sizeof *c.todo);
    ut_status rc = m.done && c.todo ? UT_OK : ut_fail(err, UT_E_NOMEM, "%zu programmes", total);
    if (rc == UT_OK && (rc = each_line(plan->journal, mark_done, &m, err)) == UT_E_NOTFOUND)
        rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < total; i++)
        if (!m.done[i])
            c.todo[todo++] = i;
    if (rc == UT_OK)
        rc = open_journal(&c, err);
    if (rc == UT_OK)
        rc = open_separators(&c, err);
    if (rc == UT_OK && ut_progress_open("false alarms", "programmes of 5 min", todo, &c.progress) != UT_OK)
        rc = ut_fail(err, UT_E_NOMEM, "%zu programmes", todo);
    if (rc == UT_OK)
        rc = ut_parallel(plan->jobs, todo, do_programme, &c, err);
    ut_progress_close(&c.progress);
    for (int i = 0; c.separators && i < plan->jobs; i++)
        ut_separator_close(&c.separators[i]);
    if (c.journal && fclose(c.journal) != 0 && rc == UT_OK)
        rc = ut_fail(err, UT_E_IO, "%s: cannot be written", plan->journal);
    free(c.separators);
    free(m.done);
    free(c.todo);
    pthread_mutex_destroy(&c.lock);
    return rc;
}

/* --- the result ---------------------------------------------------------------------------------------------- */

static char *copy_text(const json_t *value)
{
    return json_is_string(value) ? strdup(json_string_value(value)) : NULL;
}

static ut_alarm read_alarm(const json_t *line, const json_t *item)
{
    return (ut_alarm){.programme = (size_t)json_integer_value(json_object_get(line, "programme")),
                      .at_s = json_number_value(json_object_get(item, "at_s")),
                      .log10_e = json_number_value(json_object_get(item, "log10_e")),
                      .claimed = copy_text(json_object_get(item, "claimed")),
                      .playing = copy_text(json_object_get(item, "playing")),
                      .speed = json_number_value(json_object_get(item, "speed")),
                      .ambiguous = json_is_true(json_object_get(item, "ambiguous"))};
}

static void alarm_clear(ut_alarm *alarm)
{
    free(alarm->claimed);
    free(alarm->playing);
    *alarm = (ut_alarm){0};
}

static void keep_low(ut_alarms_result *r, const json_t *line, const json_t *item)
{
    double log10_e = json_number_value(json_object_get(item, "log10_e"));
    if (r->low_count == UT_ALARM_LOWS && log10_e >= r->lows[UT_ALARM_LOWS - 1].log10_e)
        return;
    if (r->low_count == UT_ALARM_LOWS)
        alarm_clear(&r->lows[--r->low_count]);
    size_t at = r->low_count++;
    for (; at > 0 && r->lows[at - 1].log10_e > log10_e; at--)
        r->lows[at] = r->lows[at - 1];
    r->lows[at] = read_alarm(line, item);
}

static ut_status add_line(void *arg, const json_t *line, ut_err *err)
{
    ut_alarms_result *r = arg;
    size_t i;
    json_t *item;
    r->programmes++;
    r->windows += (uint64_t)json_integer_value(json_object_get(line, "windows"));
    r->empty += (uint64_t)json_integer_value(json_object_get(line, "empty"));
    r->shared += (uint64_t)json_integer_value(json_object_get(line, "shared"));
    r->cpu_s += json_number_value(json_object_get(line, "cpu_s"));
    json_array_foreach(json_object_get(line, "cells"), i, item)
    {
        json_int_t cell = json_integer_value(json_array_get(item, 0));
        if (cell >= 0 && cell < UT_ALARM_CELLS)
            r->cells[cell] += (uint64_t)json_integer_value(json_array_get(item, 1));
    }
    json_array_foreach(json_object_get(line, "lows"), i, item) keep_low(r, line, item);
    json_array_foreach(json_object_get(line, "alarms"), i, item)
    {
        ut_alarm *more = realloc(r->alarms, (r->alarm_count + 1) * sizeof *more);
        if (!more)
            return ut_fail(err, UT_E_NOMEM, "%zu alarms", r->alarm_count + 1);
        r->alarms = more;
        r->alarms[r->alarm_count++] = read_alarm(line, item);
    }
    return UT_OK;
}

ut_status ut_alarms_read(const char *journal, ut_alarms_result *out, ut_err *err)
{
    ut_alarms_result r = {.programmes = 0};
    ut_status rc = each_line(journal, add_line, &r, err);
    r.hours = (double)r.programmes / PROGRAMMES_PER_HOUR;
    if (rc == UT_OK)
        *out = r;
    else
        ut_alarms_result_clear(&r);
    return rc;
}

void ut_alarms_result_clear(ut_alarms_result *result)
{
    for (size_t i = 0; i < result->alarm_count; i++)
        alarm_clear(&result->alarms[i]);
    for (size_t i = 0; i < result->low_count; i++)
        alarm_clear(&result->lows[i]);
    free(result->alarms);
    *result = (ut_alarms_result){0};
}
