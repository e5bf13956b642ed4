#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli.h"
#include "core/clock.h"
#include "core/config.h"
#include "cuesheet/json.h"
#include "db/store.h"
#include "pipeline/heartbeat.h"
#include "pipeline/jobs.h"

/* Everything is gathered as JSON, and printed from it for people. */
typedef struct {
    json_t *instances;
    bool failed; /* out of memory */
} gathering;

static ut_status gather(void *arg, const ut_instance *instance)
{
    gathering *g = arg;
    char started[40];
    json_t *state = json_loads(instance->state, 0, NULL);
    bool alive = instance->age_s < UT_HEARTBEAT_DEAD_S && !ut_owner_is_dead(instance->id);
    json_t *one = json_pack("{s:s, s:s, s:s, s:I, s:s, s:f, s:b, s:o}", "id", instance->id, "kind", instance->kind,
                            "host", instance->host, "pid", (json_int_t)instance->pid, "started_utc",
                            ut_time_format(instance->started_ns, started, sizeof started), "heard_s_ago",
                            instance->age_s, "alive", alive, "state", state ? state : json_null());
    g->failed |= !one || json_array_append_new(g->instances, one) != 0;
    return g->failed ? UT_E_NOMEM : UT_OK;
}

/* What the cluster says; a cluster that is away is part of the picture, not a failure of this verb. */
static json_t *jobs_json(const ut_args *args)
{
    const ut_config *config = ut_args_config(args);
    int64_t waiting = 0;
    ut_err err = {0};
    if (!config->kafka.brokers)
        return json_null();
    if (ut_jobs_waiting(config, ut_args_text(args, "group"), &waiting, &err) != UT_OK)
        return json_pack("{s:n, s:o}", "waiting", "error", ut_json_text(err.text));
    return json_pack("{s:I}", "waiting", (json_int_t)waiting);
}

static ut_status look(const ut_args *args, json_t **out, ut_err *err)
{
    ut_store *store = NULL;
    ut_store_stats stats = {0};
    gathering g = {.instances = json_array()};
    ut_status rc = ut_store_open(ut_args_store(args), UT_STORE_READ, &store, err);
    if (rc == UT_OK)
        rc = ut_store_describe(store, &stats, err);
    if (rc == UT_OK)
        rc = ut_store_instance_each(store, gather, &g, err);
    ut_store_close(&store);
    json_t *all = NULL;
    if (rc == UT_OK)
        all = json_pack("{s:o, s:{s:I, s:I, s:I, s:I}, s:o}", "instances", g.instances, "store", "recordings",
                        (json_int_t)stats.recordings, "airplays", (json_int_t)stats.airplays, "gaps",
                        (json_int_t)stats.gaps, "outbox_pending", (json_int_t)stats.outbox_pending, "jobs",
                        jobs_json(args));
    else
        json_decref(g.instances);
    if (rc == UT_OK && !all)
        rc = ut_fail(err, UT_E_NOMEM, "status");
    if (rc == UT_OK)
        *out = all;
    return rc;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static void print_job(const json_t *job)
{
    double done_s = json_number_value(json_object_get(job, "done_s"));
    const json_t *duration = json_object_get(job, "duration_s");
    printf("    %-12s %s  ", text_of(job, "channel"), text_of(job, "path"));
    if (json_is_number(duration) && json_number_value(duration) > 0)
        printf("%.0f of %.0f s (%.0f %%)\n", done_s, json_number_value(duration),
               fmin(100, 100 * done_s / json_number_value(duration)));
    else
        printf("%.0f s\n", done_s);
}

static void print_channel(const json_t *channel)
{
    const json_t *lag = json_object_get(channel, "lag_s");
    printf("    %-12s %-11s", text_of(channel, "id"), text_of(channel, "capture"));
    if (json_is_number(lag))
        printf("  %.1f s behind", json_number_value(lag));
    printf("  %s\n", text_of(channel, "error"));
}

static void print_instance(const json_t *one)
{
    size_t i;
    json_t *item;
    const json_t *state = json_object_get(one, "state");
    bool alive = json_is_true(json_object_get(one, "alive"));
    printf("%s %s, pid %lld, since %s%s", text_of(one, "kind"), text_of(one, "host"),
           (long long)json_integer_value(json_object_get(one, "pid")), text_of(one, "started_utc"),
           alive ? "" : ": LOST");
    if (!alive)
        printf(", last heard of %.0f s ago", json_number_value(json_object_get(one, "heard_s_ago")));
    if (json_is_integer(json_object_get(state, "done")))
        printf(", %lld jobs done, %lld failed", (long long)json_integer_value(json_object_get(state, "done")),
               (long long)json_integer_value(json_object_get(state, "failed")));
    putchar('\n');
    json_array_foreach(json_object_get(state, "jobs"), i, item) print_job(item);
    json_array_foreach(json_object_get(state, "channels"), i, item) print_channel(item);
}

static void print(const json_t *all)
{
    size_t i;
    json_t *one;
    const json_t *store = json_object_get(all, "store"), *jobs = json_object_get(all, "jobs");
    json_array_foreach(json_object_get(all, "instances"), i, one) print_instance(one);
    if (i == 0)
        puts("nobody is at work on this store");
    printf("store: %lld recordings, %lld airplays, %lld gaps, %lld events waiting\n",
           (long long)json_integer_value(json_object_get(store, "recordings")),
           (long long)json_integer_value(json_object_get(store, "airplays")),
           (long long)json_integer_value(json_object_get(store, "gaps")),
           (long long)json_integer_value(json_object_get(store, "outbox_pending")));
    if (json_is_integer(json_object_get(jobs, "waiting")))
        printf("jobs: %lld not done\n", (long long)json_integer_value(json_object_get(jobs, "waiting")));
    else if (json_is_object(jobs))
        printf("jobs: %s\n", text_of(jobs, "error"));
}

static int run(const ut_args *args)
{
    ut_err err = {0};
    json_t *all = NULL;
    if (look(args, &all, &err) != UT_OK)
        return ut_cli_fail(args, &err);
    if (ut_args_json(args)) {
        char *text = json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(12));
        if (text)
            puts(text);
        free(text);
    } else {
        print(all);
    }
    json_decref(all);
    return 0;
}

static const ut_opt options[] = {
    {.name = "group",
     .kind = UT_OPT_TEXT,
     .value = "NAME",
     .fallback = "workers",
     .help = "whose jobs are counted, after the topic prefix"},
    {0},
};

const ut_verb ut_verb_status = {
    .name = "status",
    .summary = "show who works on the store: monitors with their channels, workers with their jobs, what waits",
    .arguments = "",
    .options = options,
    .examples =
        "undertone status --config /etc/undertone/undertone.yaml\nundertone status --json | jq '.instances[].state'",
    .run = run,
};
