#include "apps/channel_clock.h"

#include <string.h>

#include "core/clock.h"
#include "core/config.h"

ut_status ut_channel_clock_open(const ut_args *args, const char *channel, const char *timezone, const char *day_start,
                                ut_channel_clock *out, ut_err *err)
{
    const ut_config *config = ut_args_config(args);
    ut_channel_clock clock = {0};
    for (size_t i = 0; channel && i < config->channel_count; i++) {
        const ut_channel_config *c = &config->channels[i];
        if (strcmp(c->id, channel) != 0)
            continue;
        timezone = timezone ? timezone : c->timezone;
        day_start = day_start ? day_start : c->day_start;
    }
    ut_status rc = ut_day_start_parse(day_start ? day_start : "00:00", &clock.day_start_s, err);
    if (rc == UT_OK)
        rc = ut_zone_open(timezone ? timezone : "UTC", &clock.zone, err);
    if (rc == UT_OK)
        *out = clock;
    return rc;
}

void ut_channel_clock_close(ut_channel_clock *clock)
{
    ut_zone_close(&clock->zone);
}

ut_status ut_range_parse(const ut_channel_clock *clock, const char *from, const char *to, const char *day,
                         int64_t *from_ns, int64_t *to_ns, bool *given, ut_err *err)
{
    *given = from || to || day;
    if (day) {
        ut_day is;
        if (from || to)
            return ut_fail(err, UT_E_ARG, "--day goes without --from and --to");
        ut_status rc = ut_zone_date(clock->zone, clock->day_start_s, day, &is, err);
        if (rc == UT_OK) {
            *from_ns = is.start_ns;
            *to_ns = is.end_ns;
        }
        return rc;
    }
    if (!from != !to)
        return ut_fail(err, UT_E_ARG, "--from and --to go together");
    if (!from)
        return UT_OK;
    int64_t start_ns, end_ns;
    if (ut_time_parse(from, &start_ns, err) != UT_OK)
        return ut_err_prefix(err, "--from");
    if (ut_time_parse(to, &end_ns, err) != UT_OK)
        return ut_err_prefix(err, "--to");
    if (end_ns <= start_ns)
        return ut_fail(err, UT_E_ARG, "--to %s: not after --from %s", to, from);
    *from_ns = start_ns;
    *to_ns = end_ns;
    return UT_OK;
}
