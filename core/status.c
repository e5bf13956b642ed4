#include "core/status.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

ut_status ut_fail(ut_err *err, ut_status code, const char *fmt, ...)
{
    if (!err)
        return code;
    /* Formatted aside first: an argument may point into *err itself. */
    char text[sizeof err->text];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    for (char *c = text; *c; c++)
        if (*c == '\n' || *c == '\r')
            *c = ' ';
    memcpy(err->text, text, sizeof text);
    err->code = code;
    err->retriable = code == UT_E_BUSY || code == UT_E_FULL;
    return code;
}

ut_status ut_err_prefix(ut_err *err, const char *fmt, ...)
{
    if (!err)
        return UT_OK;
    char prefix[sizeof err->text / 2], text[2 * sizeof err->text];
    va_list args;
    va_start(args, fmt);
    vsnprintf(prefix, sizeof prefix, fmt, args);
    va_end(args);
    snprintf(text, sizeof text, "%s: %s", prefix, err->text);
    text[sizeof err->text - 1] = '\0';
    memcpy(err->text, text, sizeof err->text);
    return err->code;
}

const char *ut_status_name(ut_status code)
{
    switch (code) {
    case UT_OK:
        return "ok";
    case UT_E_NOMEM:
        return "out of memory";
    case UT_E_ARG:
        return "bad argument";
    case UT_E_FULL:
        return "full";
    case UT_E_IO:
        return "i/o";
    case UT_E_CORRUPT:
        return "corrupt";
    case UT_E_UNSUPPORTED:
        return "unsupported";
    case UT_E_DEVICE:
        return "device";
    case UT_E_STOPPED:
        return "stopped";
    case UT_E_NOTFOUND:
        return "not found";
    case UT_E_BUSY:
        return "busy";
    }
    return "unknown";
}

bool ut_mul_ok(size_t a, size_t b, size_t *out)
{
    size_t product;
    if (__builtin_mul_overflow(a, b, &product))
        return false;
    *out = product;
    return true;
}
