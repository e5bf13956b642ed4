#include "pipeline/heartbeat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"

struct ut_heartbeat {
    char *dsn;
    ut_store *store; /* NULL: to be opened */
    ut_instance self;
    double last_s;
    ut_log_limit failures;
};

typedef struct {
    char ids[16][UT_OWNER_SIZE];
    size_t count;
} dead_ones;

static ut_status note_dead(void *arg, const ut_instance *instance)
{
    dead_ones *dead = arg;
    if (dead->count < sizeof dead->ids / sizeof *dead->ids && ut_owner_is_dead(instance->id))
        snprintf(dead->ids[dead->count++], UT_OWNER_SIZE, "%s", instance->id);
    return UT_OK;
}

static ut_status sweep(ut_store *store, ut_err *err)
{
    dead_ones dead = {0};
    ut_status rc = ut_store_instance_each(store, note_dead, &dead, err);
    for (size_t i = 0; rc == UT_OK && i < dead.count; i++)
        rc = ut_store_instance_remove(store, dead.ids[i], err);
    return rc;
}

ut_status ut_heartbeat_open(const char *dsn, const char *kind, ut_heartbeat **out, ut_err *err)
{
    ut_heartbeat *beat = calloc(1, sizeof *beat);
    if (!beat || !(beat->dsn = strdup(dsn))) {
        free(beat);
        return ut_fail(err, UT_E_NOMEM, "heartbeat");
    }
    ut_owner_make(beat->self.id);
    ut_owner_host(beat->self.host);
    snprintf(beat->self.kind, sizeof beat->self.kind, "%s", kind);
    beat->self.pid = getpid();
    beat->self.started_ns = ut_now_ns();
    ut_status rc = ut_store_open(dsn, UT_STORE_CREATE, &beat->store, err);
    if (rc == UT_OK)
        rc = sweep(beat->store, err);
    if (rc != UT_OK) {
        ut_heartbeat_close(&beat);
        return rc;
    }
    *out = beat;
    return UT_OK;
}

void ut_heartbeat_close(ut_heartbeat **slot)
{
    ut_heartbeat *beat = slot ? *slot : NULL;
    if (!beat)
        return;
    if (beat->store && ut_store_instance_remove(beat->store, beat->self.id, NULL) != UT_OK)
        ut_log(UT_LOG_WARN, "heartbeat", "not_removed", "id=%s", beat->self.id);
    ut_store_close(&beat->store);
    free(beat->dsn);
    free(beat);
    *slot = NULL;
}

const char *ut_heartbeat_id(const ut_heartbeat *beat)
{
    return beat->self.id;
}

bool ut_heartbeat_due(const ut_heartbeat *beat)
{
    return beat->last_s == 0 || ut_monotonic_s() - beat->last_s >= UT_HEARTBEAT_S;
}

void ut_heartbeat_beat(ut_heartbeat *beat, const char *state_json)
{
    ut_err err = {0};
    unsigned long held = 0;
    char quoted[512];
    ut_status rc = beat->store ? UT_OK : ut_store_open(beat->dsn, UT_STORE_WRITE, &beat->store, &err);
    beat->self.state = (char *)state_json;
    if (rc == UT_OK)
        rc = ut_store_instance_put(beat->store, &beat->self, &err);
    beat->self.state = NULL;
    beat->last_s = ut_monotonic_s();
    if (rc == UT_OK)
        return;
    if (rc != UT_E_BUSY)
        ut_store_close(&beat->store);
    if (ut_log_admit(&beat->failures, 60, &held))
        ut_log(UT_LOG_WARN, "heartbeat", "failed", "held=%lu error=%s", held,
               ut_log_quote(quoted, sizeof quoted, err.text));
}
