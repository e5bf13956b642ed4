#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli.h"
#include "apps/person.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/progress.h"
#include "cuesheet/json.h"
#include "pipeline/cluster.h"

typedef struct {
    ut_hearing airing;
    ut_airplay air;
    int64_t start_ns, end_ns;
} heard;

typedef struct {
    int64_t id;
    size_t first, count; /* of the airings, sorted by cluster */
    double seconds;
} cluster;

typedef struct {
    ut_store *store;
    heard *items;
    size_t count, capacity;
    cluster *clusters;
    size_t cluster_count;
    ut_progress *bar;
    uint64_t done;
} listing;

static ut_status add(void *arg, const ut_hearing *airing)
{
    listing *l = arg;
    if (l->count == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 64;
        heard *grown = reallocarray(l->items, capacity, sizeof *grown);
        if (!grown)
            return UT_E_NOMEM;
        l->items = grown;
        l->capacity = capacity;
    }
    heard *h = &l->items[l->count];
    *h = (heard){.airing = *airing};
    ut_status rc = ut_store_airplay_get(l->store, airing->airplay_id, &h->air, NULL);
    if (rc != UT_OK)
        return rc;
    int64_t zero_ns = h->air.start_ns - ut_sample_to_ns(0, h->air.what.start_sample);
    h->start_ns = ut_sample_to_ns(zero_ns, airing->from_sample);
    h->end_ns = ut_sample_to_ns(zero_ns, airing->to_sample);
    l->count++;
    return UT_OK;
}

static int by_cluster(const void *a, const void *b)
{
    const heard *x = a, *y = b;
    if (x->airing.cluster_id != y->airing.cluster_id)
        return x->airing.cluster_id < y->airing.cluster_id ? -1 : 1;
    return x->start_ns != y->start_ns ? (x->start_ns < y->start_ns ? -1 : 1) : strcmp(x->air.channel, y->air.channel);
}

static int by_airtime(const void *a, const void *b)
{
    const cluster *x = a, *y = b;
    if (x->seconds != y->seconds)
        return x->seconds > y->seconds ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static ut_status group(listing *l, ut_err *err)
{
    qsort(l->items, l->count, sizeof *l->items, by_cluster);
    if (!(l->clusters = calloc(l->count + 1, sizeof *l->clusters)))
        return ut_fail(err, UT_E_NOMEM, "%zu airings", l->count);
    for (size_t i = 0; i < l->count; i++) {
        if (i == 0 || l->items[i].airing.cluster_id != l->items[i - 1].airing.cluster_id)
            l->clusters[l->cluster_count++] = (cluster){.id = l->items[i].airing.cluster_id, .first = i};
        cluster *c = &l->clusters[l->cluster_count - 1];
        c->count++;
        c->seconds += (double)(l->items[i].end_ns - l->items[i].start_ns) / (double)UT_NS_PER_S;
    }
    qsort(l->clusters, l->cluster_count, sizeof *l->clusters, by_airtime);
    return UT_OK;
}

static void on_progress(void *arg, uint64_t done, uint64_t total)
{
    listing *l = arg;
    if (!l->bar && ut_progress_open("unknown", "stretches", total, &l->bar) != UT_OK)
        return;
    ut_progress_add(l->bar, done - l->done, NULL);
    l->done = done;
}

/* Opens the store, brings the clusters up to date, and reads them. */
static ut_status load(const ut_args *args, listing *l, int64_t only, ut_err *err)
{
    char who[64];
    ut_cluster_result result;
    ut_cluster_options options = {.params = ut_args_config(args)->recognition.params,
                                  .max_log10_e = ut_args_config(args)->recognition.max_log10_e,
                                  .who = ut_person(args, who),
                                  .stopped = ut_cli_stopped,
                                  .progress = on_progress,
                                  .arg = l};
    ut_status rc = ut_store_open(ut_args_store(args), UT_STORE_WRITE, &l->store, err);
    if (rc == UT_OK)
        rc = ut_cluster_update(l->store, &options, &result, err);
    ut_progress_close(&l->bar);
    if (rc == UT_OK)
        rc = ut_store_hearing_each(l->store, only, add, l, err);
    if (rc == UT_OK && only && l->count == 0)
        rc = ut_fail(err, UT_E_NOTFOUND, "cluster %" PRId64 ": there is none; `undertone unknown list` lists them",
                     only);
    return rc == UT_OK ? group(l, err) : rc;
}

static void listing_clear(listing *l)
{
    ut_store_close(&l->store);
    free(l->items);
    free(l->clusters);
}

/* What it was labelled as; rec is to be cleared. */
static bool label_of(listing *l, int64_t id, ut_recording *rec)
{
    int64_t recording_id;
    return ut_store_label_get(l->store, id, &recording_id, NULL) == UT_OK &&
           ut_store_recording_get(l->store, recording_id, rec, NULL) == UT_OK;
}

static size_t channels_of(const listing *l, const cluster *c)
{
    size_t count = 0;
    for (size_t i = 0; i < c->count; i++) {
        size_t k = 0;
        while (k < i && strcmp(l->items[c->first + k].air.channel, l->items[c->first + i].air.channel) != 0)
            k++;
        count += k == i;
    }
    return count;
}

static json_t *airing_json(const heard *h)
{
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "cue_id", ut_json_text(h->air.id), &ok);
    ut_json_put(object, "channel", ut_json_text(h->air.channel), &ok);
    ut_json_put(object, "start_utc", ut_json_time(h->start_ns), &ok);
    ut_json_put(object, "end_utc", ut_json_time(h->end_ns), &ok);
    ut_json_put(object, "outcome", json_string(ut_outcome_name(h->air.what.outcome)), &ok);
    ut_json_put(object, "log10_e", ut_json_real(h->airing.log10_e), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

static void print_json(listing *l, const cluster *c, bool airings)
{
    ut_recording rec = {0};
    bool ok = true, labelled = label_of(l, c->id, &rec);
    json_t *object = json_object(), *list = json_array();
    ut_json_put(object, "cluster", json_integer(c->id), &ok);
    ut_json_put(object, "airings", json_integer((json_int_t)c->count), &ok);
    ut_json_put(object, "channels", json_integer((json_int_t)channels_of(l, c)), &ok);
    ut_json_put(object, "airtime_s", json_real(c->seconds), &ok);
    ut_json_put(object, "recording_id", labelled ? json_integer(rec.id) : json_null(), &ok);
    ut_json_put(object, "title", labelled ? ut_json_text(rec.title) : json_null(), &ok);
    for (size_t i = 0; airings && i < c->count; i++)
        ok = json_array_append_new(list, airing_json(&l->items[c->first + i])) == 0 && ok;
    if (airings)
        ut_json_put(object, "heard", json_incref(list), &ok);
    char *text = ok ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    if (text)
        puts(text);
    free(text);
    json_decref(list);
    json_decref(object);
    ut_recording_clear(&rec);
}

static void print_text(listing *l, const cluster *c, bool airings)
{
    ut_recording rec = {0};
    char start[40], end[40];
    bool labelled = label_of(l, c->id, &rec);
    printf("%6" PRId64 "  %8.1f s  %4zu airing%s  %2zu channel%s  first %s  %s\n", c->id, c->seconds, c->count,
           c->count == 1 ? " " : "s", channels_of(l, c), channels_of(l, c) == 1 ? " " : "s",
           ut_time_format(l->items[c->first].start_ns, start, sizeof start), labelled ? rec.title : "");
    for (size_t i = 0; airings && i < c->count; i++) {
        const heard *h = &l->items[c->first + i];
        printf("        %-10s  %s  %s  %s\n", h->air.channel, ut_time_format(h->start_ns, start, sizeof start),
               ut_time_format(h->end_ns, end, sizeof end), h->air.id);
    }
    ut_recording_clear(&rec);
}

static int print(const ut_args *args, int64_t only)
{
    ut_err err = {0};
    listing l = {0};
    int64_t limit = only ? 0 : ut_args_int(args, "limit"), least = only ? 0 : ut_args_int(args, "airings");
    ut_status rc = load(args, &l, only, &err);
    int64_t shown = 0;
    for (size_t i = 0; i < l.cluster_count && rc == UT_OK && (!limit || shown < limit); i++) {
        ut_recording rec = {0};
        bool labelled = !only && label_of(&l, l.clusters[i].id, &rec);
        ut_recording_clear(&rec);
        if ((int64_t)l.clusters[i].count < least || (labelled && !ut_args_flag(args, "labelled")))
            continue;
        if (ut_args_json(args))
            print_json(&l, &l.clusters[i], only != 0);
        else
            print_text(&l, &l.clusters[i], only != 0);
        shown++;
    }
    listing_clear(&l);
    return rc == UT_OK ? 0 : ut_cli_fail(args, &err);
}

static int list(const ut_args *args)
{
    return print(args, 0);
}

/* A positional cluster number; 0 if it is none. */
static int64_t number(const ut_args *args)
{
    char *end;
    long long id = strtoll(ut_args_at(args, 0), &end, 10);
    return *end || id <= 0 ? 0 : id;
}

static int show(const ut_args *args)
{
    int64_t id = number(args);
    return id ? print(args, id) : ut_cli_usage(args, "%s: not the number of a cluster", ut_args_at(args, 0));
}

static int label(const ut_args *args)
{
    ut_err err = {0};
    char who[64];
    listing l = {0};
    int64_t id = number(args), recording_id = ut_args_int(args, "recording");
    size_t corrected = 0;
    ut_recording rec = {.title = (char *)ut_args_text(args, "title"), .artist = (char *)ut_args_text(args, "artist")};
    if (!id)
        return ut_cli_usage(args, "%s: not the number of a cluster", ut_args_at(args, 0));
    if (!rec.title == !recording_id)
        return ut_cli_usage(args, "either --title or --recording is needed");
    ut_status rc = load(args, &l, id, &err);
    if (rc == UT_OK && rec.title) {
        rc = ut_cluster_enrol(l.store, id, ut_args_config(args)->recognition.params, &rec, &err);
        recording_id = rec.id;
    }
    if (rc == UT_OK)
        rc = ut_cluster_label(l.store, id, recording_id, ut_person(args, who), &corrected, &err);
    listing_clear(&l);
    if (rc != UT_OK)
        return ut_cli_fail(args, &err);
    if (ut_args_json(args))
        printf("{\"cluster\":%" PRId64 ",\"recording_id\":%" PRId64 ",\"corrected\":%zu}\n", id, recording_id,
               corrected);
    else
        printf("cluster %" PRId64 " is recording %" PRId64 ": %zu cue%s corrected\n", id, recording_id, corrected,
               corrected == 1 ? "" : "s");
    return 0;
}

static const ut_opt list_options[] = {
    {.name = "limit",
     .kind = UT_OPT_INT,
     .value = "N",
     .fallback = "0",
     .min = 0,
     .max = 1e9,
     .help = "at most; 0: all"},
    {.name = "airings",
     .kind = UT_OPT_INT,
     .value = "N",
     .fallback = "1",
     .min = 1,
     .max = 1e9,
     .help = "only tunes heard so many times"},
    {.name = "labelled", .kind = UT_OPT_FLAG, .help = "those that are labelled, too"},
    UT_OPT_BY,
    {0},
};

static const ut_opt show_options[] = {UT_OPT_BY, {0}};

static const ut_opt label_options[] = {
    {.name = "title",
     .kind = UT_OPT_TEXT,
     .value = "TEXT",
     .help = "what it is; it becomes a recording of the catalogue as it was heard, and is recognised from now on"},
    {.name = "artist", .kind = UT_OPT_TEXT, .value = "TEXT", .help = "with --title"},
    {.name = "recording",
     .kind = UT_OPT_INT,
     .value = "ID",
     .fallback = "0",
     .min = 0,
     .max = 9e15,
     .help = "or: it is this recording of the catalogue"},
    UT_OPT_BY,
    {0},
};

const ut_verb ut_verb_unknown_list = {
    .name = "unknown list",
    .summary = "list unknown tunes, most airtime first",
    .arguments = "",
    .options = list_options,
    .examples = "undertone unknown list --airings 2 --limit 20",
    .run = list,
};

const ut_verb ut_verb_unknown_show = {
    .name = "unknown show",
    .summary = "show where an unknown tune was heard",
    .arguments = "CLUSTER",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = show_options,
    .examples = "undertone unknown show 12",
    .run = show,
};

const ut_verb ut_verb_unknown_label = {
    .name = "unknown label",
    .summary = "say what an unknown tune is; all its cues are corrected",
    .arguments = "CLUSTER",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = label_options,
    .examples = "undertone unknown label 12 --title \"Evening News\" --artist \"House Band\"\n"
                "undertone unknown label 12 --recording 345",
    .run = label,
};
