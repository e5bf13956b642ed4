#include "core/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>

#include "core/types.h"

int64_t ut_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * UT_NS_PER_S + now.tv_nsec;
}

double ut_monotonic_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Reads exactly `digits` digits at *at and moves it on; -1 if they are not there. */
static int number(const char **at, int digits)
{
    int value = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (!isdigit((unsigned char)**at))
            return -1;
        value = value * 10 + (**at - '0');
    }
    return value;
}

static bool literal(const char **at, const char *any_of)
{
    for (; *any_of; any_of++)
        if (**at == *any_of) {
            (*at)++;
            return true;
        }
    return false;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Days from 1970-01-01 in the proleptic Gregorian calendar; years are counted from March, so that
 * the leap day is the last of its year. */
static int64_t days_from_civil(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* Digits beyond the ninth are below a nanosecond and are dropped. */
static bool fraction(const char **at, int64_t *ns)
{
    *ns = 0;
    if (!literal(at, "."))
        return true;
    if (!isdigit((unsigned char)**at))
        return false;
    for (int64_t unit = UT_NS_PER_S / 10; isdigit((unsigned char)**at); (*at)++, unit /= 10)
        *ns += (**at - '0') * unit;
    return true;
}

static bool zone(const char **at, int64_t *offset_s)
{
    *offset_s = 0;
    if (literal(at, "Zz"))
        return true;
    int sign = **at == '-' ? -1 : 1;
    if (!literal(at, "+-"))
        return false;
    int hour = number(at, 2);
    if (hour < 0 || hour > 23 || !literal(at, ":"))
        return false;
    int minute = number(at, 2);
    if (minute < 0 || minute > 59)
        return false;
    *offset_s = sign * (hour * 3600 + minute * 60);
    return true;
}

static bool date(const char **at, int64_t *days)
{
    int year = number(at, 4);
    if (year < 0 || !literal(at, "-"))
        return false;
    int month = number(at, 2);
    if (month < 1 || month > 12 || !literal(at, "-"))
        return false;
    int day = number(at, 2);
    if (day < 1 || day > days_in_month(year, month))
        return false;
    *days = days_from_civil(year, month, day);
    return true;
}

static bool time_of_day(const char **at, int64_t *seconds)
{
    int hour = number(at, 2);
    if (hour < 0 || hour > 23 || !literal(at, ":"))
        return false;
    int minute = number(at, 2);
    if (minute < 0 || minute > 59 || !literal(at, ":"))
        return false;
    int second = number(at, 2);
    if (second < 0 || second > 59)
        return false;
    *seconds = hour * 3600 + minute * 60 + second;
    return true;
}

ut_status ut_time_parse(const char *text, int64_t *utc_ns, ut_err *err)
{
    const char *at = text;
    int64_t days, of_day, ns, offset_s, result;
    if (!date(&at, &days) || !literal(&at, "Tt") || !time_of_day(&at, &of_day) || !fraction(&at, &ns) ||
        !zone(&at, &offset_s) || *at)
        return ut_fail(err, UT_E_ARG, "time: %.40s: not RFC 3339, such as 2026-11-21T20:15:00Z", text);
    if (__builtin_mul_overflow(days * 86400 + of_day - offset_s, UT_NS_PER_S, &result) ||
        __builtin_add_overflow(result, ns, &result))
        return ut_fail(err, UT_E_ARG, "time: %.40s: outside the years 1678 to 2261", text);
    *utc_ns = result;
    return UT_OK;
}

/* Date and time to the second; *nanos is what is left. */
static int format_seconds(int64_t utc_ns, char *buf, size_t size, int *nanos)
{
    int64_t ns = utc_ns % UT_NS_PER_S;
    time_t seconds = utc_ns / UT_NS_PER_S;
    if (ns < 0) {
        ns += UT_NS_PER_S;
        seconds--;
    }
    struct tm utc;
    gmtime_r(&seconds, &utc);
    *nanos = (int)ns;
    return snprintf(buf, size, "%04d-%02d-%02dT%02d:%02d:%02d", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                    utc.tm_hour, utc.tm_min, utc.tm_sec);
}

const char *ut_time_format(int64_t utc_ns, char *buf, size_t size)
{
    int nanos, used = format_seconds(utc_ns, buf, size, &nanos);
    if (used > 0 && (size_t)used < size)
        snprintf(buf + used, size - (size_t)used, ".%03dZ", nanos / 1000000);
    return buf;
}

const char *ut_time_format_ns(int64_t utc_ns, char *buf, size_t size)
{
    int nanos, used = format_seconds(utc_ns, buf, size, &nanos);
    if (used > 0 && (size_t)used < size)
        snprintf(buf + used, size - (size_t)used, ".%09dZ", nanos);
    return buf;
}

int64_t ut_sample_to_ns(int64_t start_ns, int64_t sample)
{
    _Static_assert(UT_NS_PER_S % UT_RATE_HZ == 0, "a sample is a whole number of nanoseconds");
    return start_ns + sample * (UT_NS_PER_S / UT_RATE_HZ);
}
