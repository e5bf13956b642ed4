#include "pipeline/timeline.h"

#include "core/clock.h"
#include "core/types.h"

#define WINDOW_NS (600 * UT_NS_PER_S) /* in which even a late network is on time once */

void ut_timeline_init(ut_timeline *timeline, int64_t now_ns, int64_t tolerance_ns, int64_t uncertainty_ns,
                      int64_t settle_ns)
{
    *timeline = (ut_timeline){.tolerance_ns = tolerance_ns,
                              .uncertainty_ns = uncertainty_ns,
                              .settle_ns = settle_ns,
                              .end_ns = now_ns,
                              .reset = true};
}

/* How far an arrival is behind the end of the samples counted so far. */
static int64_t lag(const ut_timeline *timeline, int64_t now_ns)
{
    return now_ns - ut_sample_to_ns(timeline->anchor_ns, timeline->samples);
}

const char *ut_timeline_check(const ut_timeline *timeline, int64_t now_ns, int64_t pts_ns)
{
    if (!timeline->open)
        return NULL;
    if (pts_ns != UT_TIMELINE_NO_PTS && timeline->pts_ns != UT_TIMELINE_NO_PTS) {
        int64_t jump_ns = pts_ns - timeline->pts_ns;
        if (jump_ns > timeline->tolerance_ns || jump_ns < -timeline->tolerance_ns)
            return "discontinuity";
    }
    if (!timeline->settled)
        return NULL;
    bool ahead = lag(timeline, now_ns) < -timeline->uncertainty_ns;
    bool behind = now_ns - timeline->window_ns >= WINDOW_NS && timeline->lag_ns > timeline->uncertainty_ns;
    return ahead || behind ? "clock" : NULL;
}

void ut_timeline_begin(ut_timeline *timeline, int64_t now_ns)
{
    timeline->open = true;
    timeline->settled = false;
    timeline->samples = 0;
    timeline->first_ns = timeline->anchor_ns = timeline->window_ns = now_ns;
    timeline->lag_ns = INT64_MAX;
    timeline->pts_ns = UT_TIMELINE_NO_PTS;
}

void ut_timeline_add(ut_timeline *timeline, int64_t now_ns, int64_t pts_ns, int64_t duration_ns, size_t samples)
{
    timeline->samples += (int64_t)samples;
    if (pts_ns != UT_TIMELINE_NO_PTS)
        timeline->pts_ns = pts_ns + duration_ns;
    else if (timeline->pts_ns != UT_TIMELINE_NO_PTS)
        timeline->pts_ns += duration_ns;
    int64_t behind_ns = lag(timeline, now_ns);
    if (!timeline->settled && behind_ns < 0) {
        timeline->anchor_ns += behind_ns; /* no audio arrives before it was on air */
        behind_ns = 0;
    }
    if (now_ns - timeline->window_ns > WINDOW_NS) {
        timeline->window_ns = now_ns;
        timeline->lag_ns = INT64_MAX;
    }
    if (behind_ns < timeline->lag_ns)
        timeline->lag_ns = behind_ns;
}

static void fix_anchor(ut_timeline *timeline)
{
    timeline->settled = true;
    int64_t overlap_ns = timeline->end_ns - timeline->anchor_ns;
    if (!timeline->reset && overlap_ns > 0 && overlap_ns <= timeline->uncertainty_ns / 2)
        timeline->anchor_ns = timeline->end_ns;
    timeline->reset = false;
}

bool ut_timeline_settle(ut_timeline *timeline, int64_t now_ns)
{
    if (!timeline->open || timeline->settled || now_ns - timeline->first_ns < timeline->settle_ns)
        return false;
    fix_anchor(timeline);
    return true;
}

bool ut_timeline_end(ut_timeline *timeline)
{
    if (!timeline->open)
        return false;
    bool unsettled = !timeline->settled;
    if (unsettled)
        fix_anchor(timeline);
    timeline->open = false;
    timeline->end_ns = ut_sample_to_ns(timeline->anchor_ns, timeline->samples);
    return unsettled;
}
