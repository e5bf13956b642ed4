#include "core/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};
static _Atomic int threshold = UT_LOG_INFO;

void ut_log_set_level(ut_log_level level)
{
    atomic_store(&threshold, level);
}

bool ut_log_level_parse(const char *name, ut_log_level *out)
{
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++)
        if (strcmp(name, level_names[i]) == 0) {
            *out = (ut_log_level)i;
            return true;
        }
    return false;
}

/* Bytes of `buf` that snprintf really wrote, given what it returned. */
static size_t written(int returned, size_t size)
{
    if (returned < 0)
        return 0;
    return (size_t)returned < size ? (size_t)returned : size - 1;
}

void ut_log(ut_log_level level, const char *module, const char *event, const char *fmt, ...)
{
    if ((int)level < atomic_load(&threshold) || level >= UT_LOG_OFF)
        return;
    /* "\r\033[K" wipes a progress bar that may stand on this line of a terminal. */
    char line[2048], when[40];
    size_t room = sizeof line - 1; /* one for the newline */
    size_t at = written(
        snprintf(line, room, "%stime=%s level=%s module=%s event=%s%s", isatty(STDERR_FILENO) ? "\r\033[K" : "",
                 ut_time_format(ut_now_ns(), when, sizeof when), level_names[level], module, event, fmt[0] ? " " : ""),
        room);
    size_t fields = at;
    va_list args;
    va_start(args, fmt);
    at += written(vsnprintf(line + at, room - at, fmt, args), room - at);
    va_end(args);
    for (size_t i = fields; i < at; i++) /* one event is one line, whatever the fields hold */
        if ((unsigned char)line[i] < ' ')
            line[i] = ' ';
    line[at++] = '\n';
    /* One write, so that lines of several threads never mix. Nobody can be told of its failure. */
    ssize_t ignored = write(STDERR_FILENO, line, at);
    (void)ignored;
}

const char *ut_log_quote(char *buf, size_t size, const char *text)
{
    if (!text)
        text = "";
    bool plain = *text != '\0';
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == '"' || *c == '=' || *c == '\\')
            plain = false;
    if (plain) {
        snprintf(buf, size, "%s", text);
        return buf;
    }
    if (size < 3) {
        if (size)
            buf[0] = '\0';
        return buf;
    }
    size_t at = 0;
    buf[at++] = '"';
    for (const char *c = text; *c && at + 4 <= size; c++) { /* room for an escape, a quote, a NUL */
        if (*c == '"' || *c == '\\')
            buf[at++] = '\\';
        buf[at++] = (unsigned char)*c < ' ' ? ' ' : *c;
    }
    buf[at++] = '"';
    buf[at] = '\0';
    return buf;
}

bool ut_log_admit(ut_log_limit *limit, double period_s, unsigned long *suppressed)
{
    double now_s = ut_monotonic_s();
    if (limit->last_s > 0 && now_s - limit->last_s < period_s) {
        limit->held++;
        return false;
    }
    *suppressed = limit->held;
    limit->held = 0;
    limit->last_s = now_s;
    return true;
}
