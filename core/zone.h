/* Time zones of the tz database: the wall clock of a channel, and its broadcast days. Immutable once open; any
 * threads. */
#ifndef UT_CORE_ZONE_H
#define UT_CORE_ZONE_H

#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

typedef struct ut_zone ut_zone;

/* "Europe/Berlin", "UTC"; UT_E_ARG for a name that the tz database does not have. */
UT_CHECK ut_status ut_zone_open(const char *name, ut_zone **out, ut_err *err);
void ut_zone_close(ut_zone **zone);

/* What the clock on the wall is ahead of UTC, in seconds. */
int64_t ut_zone_offset_s(const ut_zone *zone, int64_t utc_ns);
/* "2026-10-25T02:30:00.000+01:00"; buf of at least 40. Returns buf. */
const char *ut_zone_format(const ut_zone *zone, int64_t utc_ns, char *buf, size_t size);
/* The moments at which the wall clock shows local_ns (nanoseconds since 1970 as that clock counts), earliest first.
 * Gives how many: 1, 2 in the hour that is there twice, 0 in the one that is left out. */
size_t ut_zone_utc(const ut_zone *zone, int64_t local_ns, int64_t utc_ns[2]);

/* A broadcast day: from day_start_s after midnight on the wall clock to the same on the next date. It has 23 or 25
 * hours where the clock changes. */
typedef struct {
    char date[11]; /* "2026-10-25" */
    int64_t start_ns, end_ns;
} ut_day;
/* The one that a moment belongs to. */
ut_day ut_zone_day(const ut_zone *zone, int64_t day_start_s, int64_t utc_ns);
/* The one of a date, "2026-10-25"; UT_E_ARG if it is none. */
UT_CHECK ut_status ut_zone_date(const ut_zone *zone, int64_t day_start_s, const char *date, ut_day *out, ut_err *err);
/* Seconds after midnight of "06:00"; UT_E_ARG. */
UT_CHECK ut_status ut_day_start_parse(const char *text, int64_t *seconds, ut_err *err);

#endif
