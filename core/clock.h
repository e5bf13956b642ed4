/* Time: UTC in nanoseconds, RFC 3339 text, a monotonic clock. */
#ifndef UT_CORE_CLOCK_H
#define UT_CORE_CLOCK_H

#include <stdint.h>

#include "core/status.h"

#define UT_NS_PER_S INT64_C(1000000000)

int64_t ut_now_ns(void); /* UTC, since 1970 */
double ut_monotonic_s(void);
/* "2026-11-21T20:15:00Z", "…T21:15:00.250+01:00"; anything else is UT_E_ARG. */
UT_CHECK ut_status ut_time_parse(const char *text, int64_t *utc_ns, ut_err *err);
/* "2026-11-21T20:15:00.250Z"; milliseconds always shown. buf of at least 32. Returns buf. */
const char *ut_time_format(int64_t utc_ns, char *buf, size_t size);
/* The same with all nine digits: what is exchanged. buf of at least 36. */
const char *ut_time_format_ns(int64_t utc_ns, char *buf, size_t size);
/* UTC of a 16 kHz sample of a segment that starts at start_ns; exact (no floating point). */
int64_t ut_sample_to_ns(int64_t start_ns, int64_t sample);

#endif
