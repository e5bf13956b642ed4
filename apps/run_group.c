#include "apps/run_group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "pipeline/channel_group.h"
#include "pipeline/owner.h"

#define TRY_S 0.5 /* between two tries to get a lease, or to open a channel */

typedef struct {
    bool owned;
    double next_s; /* monotonic: of the lease's renewal, or of the next try */
} holding;

struct ut_run_group {
    const ut_config *config;
    char *dsn;
    ut_monitor *monitor;
    ut_channel_group *group;
    ut_store *store; /* NULL: to be opened */
    char owner[UT_OWNER_SIZE];
    holding *holdings; /* by channel */
    double lease_s;
    ut_log_limit failures;
};

static void lease_name(const ut_run_group *g, size_t channel, char *out, size_t size)
{
    snprintf(out, size, UT_LEASE_CHANNEL "%s", g->config->channels[channel].id);
}

static void complain(ut_run_group *g, const char *event, size_t channel, const ut_err *err)
{
    unsigned long held = 0;
    char quoted[512];
    if (ut_log_admit(&g->failures, 5, &held))
        ut_log(UT_LOG_WARN, "group", event, "channel=%s held=%lu error=%s", g->config->channels[channel].id, held,
               ut_log_quote(quoted, sizeof quoted, err->text));
}

/* A lease of a process of this machine that is dead need not be waited for. */
static ut_status lease(ut_run_group *g, size_t channel, bool *held, ut_err *err)
{
    char name[128], holder[UT_OWNER_SIZE];
    lease_name(g, channel, name, sizeof name);
    ut_status rc = g->store ? UT_OK : ut_store_open(g->dsn, UT_STORE_WRITE, &g->store, err);
    if (rc == UT_OK)
        rc = ut_store_lease_take(g->store, name, g->owner, g->lease_s, held, holder, err);
    if (rc == UT_OK && !*held && ut_owner_is_dead(holder)) {
        rc = ut_store_lease_drop(g->store, name, holder, err);
        if (rc == UT_OK)
            rc = ut_store_lease_take(g->store, name, g->owner, g->lease_s, held, holder, err);
    }
    if (rc != UT_OK && rc != UT_E_BUSY)
        ut_store_close(&g->store);
    return rc;
}

static void drop(ut_run_group *g, size_t channel)
{
    char name[128];
    ut_err err = {0};
    lease_name(g, channel, name, sizeof name);
    if (g->store && ut_store_lease_drop(g->store, name, g->owner, &err) != UT_OK)
        complain(g, "lease_not_dropped", channel, &err);
}

static void give_up(ut_run_group *g, size_t channel, bool discard)
{
    ut_err err = {0};
    if (!g->holdings[channel].owned)
        return;
    if (ut_monitor_give_up(g->monitor, g->config->channels[channel].id, discard, &err) != UT_OK)
        complain(g, "not_given_up", channel, &err);
    drop(g, channel);
    g->holdings[channel] = (holding){0};
    ut_log(UT_LOG_INFO, "group", "given_up", "channel=%s", g->config->channels[channel].id);
}

static void on_revoked(void *arg, size_t channel)
{
    give_up(arg, channel, false);
}

/* Assigned, but not yet ours. */
static void try_to_own(ut_run_group *g, size_t channel)
{
    ut_err err = {0};
    bool held = false;
    const char *id = g->config->channels[channel].id;
    ut_status rc = lease(g, channel, &held, &err);
    g->holdings[channel].next_s = ut_monotonic_s() + TRY_S;
    if (rc == UT_OK && held && (rc = ut_monitor_own(g->monitor, id, "takeover", &err)) == UT_OK) {
        g->holdings[channel] = (holding){.owned = true, .next_s = ut_monotonic_s() + g->lease_s / 4};
        ut_log(UT_LOG_INFO, "group", "owned", "channel=%s", id);
    } else if (rc != UT_OK) {
        complain(g, "not_owned", channel, &err);
    }
}

/* Ours: renews the lease. While the store is away nobody else can have it. */
static void keep(ut_run_group *g, size_t channel)
{
    ut_err err = {0};
    bool held = false;
    g->holdings[channel].next_s = ut_monotonic_s() + g->lease_s / 4;
    ut_status rc = lease(g, channel, &held, &err);
    if (rc != UT_OK) {
        complain(g, "lease_not_renewed", channel, &err);
    } else if (!held) { /* we were away for long, and another has it */
        ut_log(UT_LOG_WARN, "group", "lease_lost", "channel=%s", g->config->channels[channel].id);
        give_up(g, channel, true);
    }
}

void ut_run_group_tend(ut_run_group *g, int timeout_ms)
{
    ut_channel_group_poll(g->group, timeout_ms);
    bool connected = ut_channel_group_connected(g->group);
    for (size_t i = 0; i < g->config->channel_count; i++) {
        bool mine = ut_channel_group_has(g->group, i), due = ut_monotonic_s() >= g->holdings[i].next_s;
        if (g->holdings[i].owned && connected && !mine)
            give_up(g, i, false); /* while we were cut off it was given to another */
        else if (g->holdings[i].owned && due)
            keep(g, i);
        else if (mine && !g->holdings[i].owned && due)
            try_to_own(g, i);
    }
}

ut_status ut_run_group_open(const ut_config *config, const char *dsn, const char *group, ut_monitor *monitor,
                            ut_run_group **out, ut_err *err)
{
    ut_run_group *g = calloc(1, sizeof *g);
    if (!g || !(g->dsn = strdup(dsn)) || !(g->holdings = calloc(config->channel_count + 1, sizeof *g->holdings))) {
        ut_run_group_close(&g);
        return ut_fail(err, UT_E_NOMEM, "group");
    }
    g->config = config;
    g->monitor = monitor;
    g->lease_s = config->kafka.session_timeout_s;
    ut_owner_make(g->owner);
    ut_channel_group_options options = {.config = config, .group = group, .revoked = on_revoked, .arg = g};
    ut_status rc = ut_channel_group_open(&options, &g->group, err);
    if (rc != UT_OK) {
        ut_run_group_close(&g);
        return rc;
    }
    *out = g;
    return UT_OK;
}

void ut_run_group_close(ut_run_group **slot)
{
    ut_run_group *g = slot ? *slot : NULL;
    if (!g)
        return;
    ut_channel_group_close(&g->group);
    for (size_t i = 0; g->holdings && g->config && i < g->config->channel_count; i++)
        give_up(g, i, false); /* what the group did not ask for: the cluster is away */
    ut_store_close(&g->store);
    free(g->holdings);
    free(g->dsn);
    free(g);
    *slot = NULL;
}
