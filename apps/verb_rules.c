#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "apps/cli.h"
#include "apps/person.h"
#include "core/clock.h"
#include "cuesheet/json.h"
#include "pipeline/rules.h"

static json_t *rule_json(const ut_rule *rule)
{
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "rule", json_integer(rule->id), &ok);
    ut_json_put(object, "kind", json_string(rule->ignore ? "ignore" : "approve"), &ok);
    ut_json_put(object, "channel", rule->channel[0] ? ut_json_text(rule->channel) : json_null(), &ok);
    ut_json_put(object, "recording_id", rule->recording_id ? json_integer(rule->recording_id) : json_null(), &ok);
    ut_json_put(object, "max_log10_e", ut_json_real(rule->max_log10_e), &ok);
    ut_json_put(object, "who", ut_json_text(rule->who), &ok);
    ut_json_put(object, "why", ut_json_text(rule->why), &ok);
    ut_json_put(object, "added_utc", ut_json_time(rule->added_ns), &ok);
    ut_json_put(object, "removed_utc", rule->removed_ns ? ut_json_time(rule->removed_ns) : json_null(), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

static void print_rule(const ut_args *args, const ut_rule *rule)
{
    char time[40];
    if (ut_args_json(args)) {
        json_t *object = rule_json(rule);
        char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
        if (text)
            puts(text);
        free(text);
        json_decref(object);
        return;
    }
    printf("%4" PRId64 "  %-7s  channel %-10s", rule->id, rule->ignore ? "ignore" : "approve",
           rule->channel[0] ? rule->channel : "any");
    if (rule->recording_id)
        printf("  recording %" PRId64, rule->recording_id);
    if (isfinite(rule->max_log10_e))
        printf("  log10 E <= %g", rule->max_log10_e);
    printf("  by %s, %s", rule->who, ut_time_format(rule->added_ns, time, sizeof time));
    if (rule->removed_ns)
        printf("  (removed by %s, %s)", rule->removed_by, ut_time_format(rule->removed_ns, time, sizeof time));
    printf("%s%s\n", rule->why[0] ? "  " : "", rule->why);
}

static int add(const ut_args *args)
{
    ut_err err = {0};
    ut_store *store = NULL;
    const char *channel = ut_args_text(args, "channel"), *why = ut_args_text(args, "why");
    ut_rule rule = {.ignore = ut_args_flag(args, "ignore"),
                    .recording_id = ut_args_int(args, "recording"),
                    .max_log10_e = ut_args_given(args, "max-log10-e") ? ut_args_real(args, "max-log10-e") : NAN,
                    .added_ns = ut_now_ns()};
    if (rule.ignore == ut_args_flag(args, "approve"))
        return ut_cli_usage(args, "either --approve or --ignore is needed");
    if (rule.ignore && !rule.recording_id)
        return ut_cli_usage(args, "--ignore needs --recording");
    if (!rule.ignore && isnan(rule.max_log10_e))
        return ut_cli_usage(args, "--approve needs --max-log10-e");
    snprintf(rule.channel, sizeof rule.channel, "%s", channel ? channel : "");
    snprintf(rule.why, sizeof rule.why, "%s", why ? why : "");
    ut_person(args, rule.who);
    ut_status rc = ut_store_open(ut_args_store(args), UT_STORE_CREATE, &store, &err);
    if (rc == UT_OK && rule.recording_id) {
        ut_recording rec = {0};
        rc = ut_store_recording_get(store, rule.recording_id, &rec, &err);
        ut_recording_clear(&rec);
    }
    if (rc == UT_OK)
        rc = ut_store_rule_put(store, &rule, &err);
    ut_store_close(&store);
    if (rc != UT_OK)
        return ut_cli_fail(args, &err);
    print_rule(args, &rule);
    return 0;
}

typedef struct {
    const ut_args *args;
    bool removed;
} shown;

static ut_status show(void *arg, const ut_rule *rule)
{
    const shown *s = arg;
    if (!rule->removed_ns || s->removed)
        print_rule(s->args, rule);
    return UT_OK;
}

static int list(const ut_args *args)
{
    ut_err err = {0};
    ut_store *store = NULL;
    shown s = {args, ut_args_flag(args, "removed")};
    ut_status rc = ut_store_open(ut_args_store(args), UT_STORE_READ, &store, &err);
    if (rc == UT_OK)
        rc = ut_store_rule_each(store, show, &s, &err);
    ut_store_close(&store);
    return rc == UT_OK ? 0 : ut_cli_fail(args, &err);
}

static int remove_rule(const ut_args *args)
{
    ut_err err = {0};
    ut_store *store = NULL;
    char who[64], *end;
    size_t reverted = 0;
    long long id = strtoll(ut_args_at(args, 0), &end, 10);
    if (*end || id <= 0)
        return ut_cli_usage(args, "%s: not the number of a rule", ut_args_at(args, 0));
    ut_status rc = ut_store_open(ut_args_store(args), UT_STORE_WRITE, &store, &err);
    if (rc == UT_OK)
        rc = ut_store_rule_remove(store, id, ut_person(args, who), ut_now_ns(), &err);
    if (rc == UT_OK && ut_args_flag(args, "revert"))
        rc = ut_rules_revert(store, id, who, &reverted, &err);
    ut_store_close(&store);
    if (rc != UT_OK)
        return ut_cli_fail(args, &err);
    printf(ut_args_json(args) ? "{\"rule\":%lld,\"reverted\":%zu}\n" : "rule %lld removed, %zu cues taken back\n", id,
           reverted);
    return 0;
}

static int apply(const ut_args *args)
{
    ut_err err = {0};
    ut_store *store = NULL;
    char who[64];
    int64_t since_ns = INT64_MIN;
    ut_rules_result result = {0};
    const char *since = ut_args_text(args, "since");
    if (since && ut_time_parse(since, &since_ns, &err) != UT_OK)
        return ut_cli_usage(args, "--since: %s", err.text);
    ut_status rc = ut_store_open(ut_args_store(args), UT_STORE_WRITE, &store, &err);
    if (rc == UT_OK)
        rc = ut_rules_apply(store, ut_args_text(args, "channel"), since_ns, ut_person(args, who),
                            ut_args_flag(args, "dry-run"), &result, &err);
    ut_store_close(&store);
    if (rc != UT_OK)
        return ut_cli_fail(args, &err);
    printf(ut_args_json(args) ? "{\"approved\":%zu,\"rejected\":%zu}\n" : "%zu cues approved, %zu rejected\n",
           result.approved, result.rejected);
    return 0;
}

#define CHANNEL                                                                                                        \
    {                                                                                                                  \
        .name = "channel", .kind = UT_OPT_TEXT, .value = "ID", .help = "only this channel"                             \
    }

static const ut_opt add_options[] = {
    {.name = "approve",
     .kind = UT_OPT_FLAG,
     .help = "approve cues identified with an E-value of at most --max-log10-e"},
    {.name = "ignore", .kind = UT_OPT_FLAG, .help = "reject cues of --recording, such as a jingle"},
    CHANNEL,
    {.name = "recording",
     .kind = UT_OPT_INT,
     .value = "ID",
     .fallback = "0",
     .min = 0,
     .max = 9e15,
     .help = "only this recording"},
    {.name = "max-log10-e",
     .kind = UT_OPT_REAL,
     .value = "X",
     .min = -300,
     .max = 0,
     .help = "decimal logarithm of the E-value"},
    {.name = "why", .kind = UT_OPT_TEXT, .value = "TEXT", .help = "for the history"},
    UT_OPT_BY,
    {0},
};
static const ut_opt list_options[] = {
    {.name = "removed", .kind = UT_OPT_FLAG, .help = "those that were removed, too"},
    {0},
};
static const ut_opt remove_options[] = {
    {.name = "revert", .kind = UT_OPT_FLAG, .help = "take back what it decided, where nobody has changed it since"},
    UT_OPT_BY,
    {0},
};
static const ut_opt apply_options[] = {
    CHANNEL,
    {.name = "since", .kind = UT_OPT_TEXT, .value = "TIME", .help = "only what was on air after that, RFC 3339"},
    {.name = "dry-run", .kind = UT_OPT_FLAG, .help = "count, change nothing"},
    UT_OPT_BY,
    {0},
};

const ut_verb ut_verb_rules_add = {
    .name = "rules add",
    .summary = "add a rule that reviews cues",
    .arguments = "",
    .options = add_options,
    .examples = "undertone rules add --approve --max-log10-e -20 --why \"beyond doubt\"\n"
                "undertone rules add --ignore --recording 17 --channel news1 --why \"station jingle\"",
    .run = add,
};
const ut_verb ut_verb_rules_list = {
    .name = "rules list",
    .summary = "list review rules, in the order in which they are tried",
    .arguments = "",
    .options = list_options,
    .examples = "undertone rules list --removed",
    .run = list,
};
const ut_verb ut_verb_rules_remove = {
    .name = "rules remove",
    .summary = "remove a review rule",
    .arguments = "RULE",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = remove_options,
    .examples = "undertone rules remove 3 --revert",
    .run = remove_rule,
};
const ut_verb ut_verb_rules_apply = {
    .name = "rules apply",
    .summary = "review by the rules what was there before them; `run` and `replay` do so for what comes",
    .arguments = "",
    .options = apply_options,
    .examples = "undertone rules apply --since 2026-11-21T00:00:00Z --dry-run",
    .run = apply,
};
