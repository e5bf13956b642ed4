#include "pipeline/rules.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "pipeline/resolve.h"

typedef struct {
    ut_rule *rules;
    size_t rule_count;
    ut_airplay *airplays;
    size_t count;
    int64_t since_ns;
} gathered;

static ut_status keep_rule(void *arg, const ut_rule *rule)
{
    gathered *g = arg;
    if (rule->removed_ns)
        return UT_OK;
    ut_rule *grown = reallocarray(g->rules, g->rule_count + 1, sizeof *grown);
    if (!grown)
        return UT_E_NOMEM;
    g->rules = grown;
    g->rules[g->rule_count++] = *rule;
    return UT_OK;
}

static ut_status keep(gathered *g, const ut_airplay *air)
{
    if ((g->count & (g->count - 1)) == 0) { /* full at every power of two */
        ut_airplay *grown = reallocarray(g->airplays, g->count ? 2 * g->count : 1, sizeof *grown);
        if (!grown)
            return UT_E_NOMEM;
        g->airplays = grown;
    }
    g->airplays[g->count++] = *air;
    return UT_OK;
}

bool ut_rule_fits(const ut_rule *rule, const ut_airplay *air)
{
    const ut_identification *what = &air->what;
    if (what->outcome != UT_IDENTIFIED)
        return false;
    if (rule->channel[0] && strcmp(rule->channel, air->channel) != 0)
        return false;
    if (rule->recording_id && rule->recording_id != what->recording_id)
        return false;
    return isnan(rule->max_log10_e) || what->log10_e <= rule->max_log10_e;
}

static const ut_rule *rule_for(const gathered *g, const ut_airplay *air)
{
    for (size_t i = 0; i < g->rule_count; i++)
        if (ut_rule_fits(&g->rules[i], air))
            return &g->rules[i];
    return NULL;
}

static ut_status keep_open(void *arg, const ut_airplay *air)
{
    gathered *g = arg;
    return air->review == UT_REVIEW_FINAL && air->end_ns > g->since_ns && rule_for(g, air) ? keep(g, air) : UT_OK;
}

typedef struct {
    ut_cause cause;
    int64_t cause_id;
    bool person;
} last_word;

static ut_status note_last(void *arg, const ut_revision *revision)
{
    last_word *last = arg;
    if (revision->air.revision < 2)
        return UT_OK;
    last->cause = revision->cause;
    last->cause_id = revision->cause_id;
    last->person |= revision->cause == UT_CAUSE_PERSON;
    return UT_OK;
}

static ut_status revise(ut_store *store, const ut_airplay *air, ut_review review, int64_t rule_id, const char *who,
                        const char *why, ut_err *err)
{
    ut_resolver *resolver = NULL;
    ut_airplay next = *air;
    size_t revised = 0, added = 0;
    ut_resolver_note note = {.cause = UT_CAUSE_RULE,
                             .cause_id = rule_id,
                             .who = who,
                             .why = why,
                             .at_ns = ut_now_ns(),
                             .catalogue_version = air->catalogue_version};
    next.review = review;
    ut_status rc = ut_resolver_open(store, &note, &resolver, err);
    if (rc == UT_OK)
        rc = ut_resolver_revise(resolver, &next, err);
    if (rc == UT_OK)
        rc = ut_resolver_commit(resolver, &revised, &added, err);
    ut_resolver_close(&resolver);
    return rc;
}

/* A person's word, even one taken back, outweighs a rule. */
static ut_status apply(ut_store *store, const gathered *g, const ut_airplay *air, const char *who, bool dry,
                       ut_rules_result *result, ut_err *err)
{
    char why[300];
    last_word last = {0};
    const ut_rule *rule = rule_for(g, air);
    ut_status rc = ut_store_revision_each(store, air->id, note_last, &last, err);
    if (rc != UT_OK || last.person || !rule)
        return rc;
    snprintf(why, sizeof why, "rule %" PRId64 "%s%s", rule->id, rule->why[0] ? ": " : "", rule->why);
    if (!dry)
        rc = revise(store, air, rule->ignore ? UT_REVIEW_REJECTED : UT_REVIEW_APPROVED, rule->id, who ? who : rule->who,
                    why, err);
    if (rc == UT_E_BUSY)
        return UT_OK; /* somebody has just said something */
    if (rc == UT_OK && rule->ignore)
        result->rejected++;
    else if (rc == UT_OK)
        result->approved++;
    return rc;
}

ut_status ut_rules_apply(ut_store *store, const char *channel, int64_t since_ns, const char *who, bool dry,
                         ut_rules_result *result, ut_err *err)
{
    gathered g = {.since_ns = since_ns};
    ut_rules_result made = {0};
    ut_status rc = ut_store_rule_each(store, keep_rule, &g, err);
    if (rc == UT_OK && g.rule_count)
        rc = ut_store_airplay_each(store, channel, since_ns, INT64_MAX, keep_open, &g, err);
    for (size_t i = 0; i < g.count && rc == UT_OK; i++)
        rc = apply(store, &g, &g.airplays[i], who, dry, &made, err);
    free(g.rules);
    free(g.airplays);
    *result = made;
    return rc;
}

void ut_rules_follow(ut_store *store, const char *channel, int64_t since_ns)
{
    ut_err err = {0};
    char quoted[512];
    ut_rules_result result;
    if (ut_rules_apply(store, channel, since_ns, NULL, false, &result, &err) != UT_OK)
        ut_log(UT_LOG_WARN, "rules", "not_applied", "channel=%s error=%s", channel,
               ut_log_quote(quoted, sizeof quoted, err.text));
    else if (result.approved || result.rejected)
        ut_log(UT_LOG_INFO, "rules", "applied", "channel=%s approved=%zu rejected=%zu", channel, result.approved,
               result.rejected);
}

static ut_status keep_ruled(void *arg, const ut_airplay *air)
{
    return air->revision > 1 && air->review != UT_REVIEW_FINAL ? keep(arg, air) : UT_OK;
}

ut_status ut_rules_revert(ut_store *store, int64_t rule_id, const char *who, size_t *reverted, ut_err *err)
{
    gathered g = {0};
    char why[64];
    *reverted = 0;
    snprintf(why, sizeof why, "rule %" PRId64 " was removed", rule_id);
    ut_status rc = ut_store_review_each(store, NULL, INT64_MIN, INT64_MAX, keep_ruled, &g, err);
    for (size_t i = 0; i < g.count && rc == UT_OK; i++) {
        last_word last = {0};
        rc = ut_store_revision_each(store, g.airplays[i].id, note_last, &last, err);
        if (rc != UT_OK || last.cause != UT_CAUSE_RULE || last.cause_id != rule_id)
            continue;
        rc = revise(store, &g.airplays[i], UT_REVIEW_FINAL, rule_id, who, why, err);
        *reverted += rc == UT_OK;
    }
    free(g.airplays);
    return rc;
}
