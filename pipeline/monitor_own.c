/* Channels that come to a monitor and leave it while it runs, and what it tells of them. */
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/monitor_state.h"

enum { NAP_MS = 20 };

static ut_monitor_channel *find(ut_monitor *m, const char *channel)
{
    for (size_t i = 0; i < m->channel_count; i++)
        if (strcmp(m->channels[i].id, channel) == 0)
            return &m->channels[i];
    return NULL;
}

ut_status ut_monitor_own(ut_monitor *m, const char *channel, const char *reason, ut_err *err)
{
    ut_monitor_channel *ch = find(m, channel);
    ut_store *store = NULL;
    if (!ch)
        return ut_fail(err, UT_E_ARG, "monitor: channel %s: not configured, or not enabled", channel);
    if (ch->capture && !ch->leaving)
        return UT_OK;
    ut_status rc = ch->capture ? ut_monitor_give_up(m, channel, false, err) : UT_OK;
    if (rc != UT_OK)
        return rc;
    rc = ut_store_open(m->options.store, UT_STORE_READ, &store, err);
    if (rc == UT_OK)
        rc = ut_monitor_open_channel(m, store, ch, reason, err);
    ut_store_close(&store);
    return rc;
}

/* True if the channel's worker, and then the journal, are done before the deadline. */
static bool concluded(ut_monitor *m, const ut_monitor_channel *ch, int64_t deadline_ms)
{
    while (!ch->ended && ut_monitor_now_ms() < deadline_ms)
        usleep(NAP_MS * 1000);
    while (ch->ended && ut_journal_describe(m->journal).pending && ut_monitor_now_ms() < deadline_ms)
        usleep(NAP_MS * 1000);
    return ch->ended && ut_journal_describe(m->journal).pending == 0;
}

ut_status ut_monitor_give_up(ut_monitor *m, const char *channel, bool discard, ut_err *err)
{
    ut_monitor_channel *ch = find(m, channel);
    if (!ch || !ch->capture)
        return UT_OK;
    ch->discard = discard;
    ch->leaving = true;
    m->capture->stop(ch->capture);
    bool written = concluded(m, ch, ut_monitor_now_ms() + (int64_t)(m->options.drain_s * 1000));
    if (!ch->ended) /* its worker still has it: it cannot be taken away, and goes on to its end */
        return ut_fail(err, UT_E_BUSY, "monitor: channel %s: not concluded within %.0f s", channel, m->options.drain_s);
    ut_supervisor *capture = ch->capture;
    pthread_mutex_lock(&m->lock);
    ch->capture = NULL;
    pthread_mutex_unlock(&m->lock);
    m->capture->close(&capture);
    pthread_mutex_lock(&m->lock);
    ut_channel_close(&ch->channel);
    ch->leaving = false;
    pthread_mutex_unlock(&m->lock);
    return written
               ? UT_OK
               : ut_fail(err, UT_E_BUSY, "monitor: channel %s: not written within %.0f s", channel, m->options.drain_s);
}

static json_t *channel_state(ut_monitor *m, const ut_monitor_channel *ch)
{
    ut_capture_status status;
    m->capture->status(ch->capture, &status);
    return json_pack("{s:s, s:s, s:f, s:f, s:s}", "id", ch->id, "capture",
                     !status.up      ? "down"
                     : status.silent ? "silent"
                                     : "up",
                     "lag_s", status.lag_s, "gap_s", status.gap_s, "error", status.problem);
}

char *ut_monitor_state(ut_monitor *m)
{
    json_t *channels = json_array();
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->channel_count; i++)
        if (m->channels[i].capture)
            json_array_append_new(channels, channel_state(m, &m->channels[i]));
    pthread_mutex_unlock(&m->lock);
    json_t *state = json_pack("{s:o}", "channels", channels);
    char *text = state ? json_dumps(state, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    json_decref(state);
    return text;
}
