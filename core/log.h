/* Log: logfmt lines to stderr, `time= level= module= event= key=value …`. Thread-safe; never allocates.
 * Log where an error is handled, once. Capture callbacks and the sample path count instead. */
#ifndef UT_CORE_LOG_H
#define UT_CORE_LOG_H

#include "core/status.h"

typedef enum { UT_LOG_DEBUG, UT_LOG_INFO, UT_LOG_WARN, UT_LOG_ERROR, UT_LOG_OFF } ut_log_level;

/* Lines below `level` are dropped. Default UT_LOG_INFO. */
void ut_log_set_level(ut_log_level level);
/* "debug", "info", "warn", "error", "off"; false if the name is none of them. */
UT_CHECK bool ut_log_level_parse(const char *name, ut_log_level *out);

/* `fmt` gives further logfmt fields, such as "channel=%s gap_ms=%lld"; it may be "". Values that may hold
 * spaces or quotes go through ut_log_quote. */
void ut_log(ut_log_level level, const char *module, const char *event, const char *fmt, ...) UT_PRINTF(4, 5);

/* Writes `text` to buf as a logfmt value, quoted and escaped where it needs it; returns buf. */
const char *ut_log_quote(char *buf, size_t size, const char *text);

/* Admits one line per `period_s` for a repeated event; *suppressed counts those held back since. */
typedef struct {
    double last_s;
    unsigned long held;
} ut_log_limit;
UT_CHECK bool ut_log_admit(ut_log_limit *limit, double period_s, unsigned long *suppressed);

#endif
