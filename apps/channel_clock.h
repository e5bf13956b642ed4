/* The wall clock of a channel: its zone and where its broadcast day begins, from --timezone and --day-start, else from
 * the configuration, else UTC and midnight. */
#ifndef UT_APPS_CHANNEL_CLOCK_H
#define UT_APPS_CHANNEL_CLOCK_H

#include "apps/cli.h"
#include "core/zone.h"

typedef struct {
    ut_zone *zone;
    int64_t day_start_s;
} ut_channel_clock;

/* `channel` may be NULL. The options need not be in the verb's table. */
UT_CHECK ut_status ut_channel_clock_open(const ut_args *args, const char *channel, const char *timezone,
                                         const char *day_start, ut_channel_clock *out, ut_err *err);
void ut_channel_clock_close(ut_channel_clock *clock);

/* A range from --from and --to, or from --day (a broadcast day of the clock). *given: any of them was. UT_E_ARG. */
UT_CHECK ut_status ut_range_parse(const ut_channel_clock *clock, const char *from, const char *to, const char *day,
                                  int64_t *from_ns, int64_t *to_ns, bool *given, ut_err *err);

#endif
