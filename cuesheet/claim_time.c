#include "cuesheet/claim_time.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"

#define MAX_S INT64_C(3600000) /* a thousand hours */

/* Digits at *text, at most `most` of them; -1 if there are none or more. */
static int64_t digits(const char **text, size_t most)
{
    int64_t value = 0;
    size_t n = strspn(*text, "0123456789");
    if (n == 0 || n > most)
        return -1;
    for (size_t i = 0; i < n; i++)
        value = 10 * value + (*(*text)++ - '0');
    return value;
}

/* ".25" or ",25" at *text, in nanoseconds; 0 where there is none, -1 if it is not one. */
static int64_t fraction_ns(const char **text)
{
    if (**text != '.' && **text != ',')
        return 0;
    ++*text;
    size_t n = strspn(*text, "0123456789");
    if (n == 0)
        return -1;
    int64_t ns = 0, unit = UT_NS_PER_S / 10;
    for (size_t i = 0; i < n; i++, unit /= 10)
        ns += (*(*text)++ - '0') * unit;
    return ns;
}

/* "S.f", "M:S.f", "H:M:S.f", "H:M:S:FF": *parts says how many were given. */
static bool clock_parse(const char *text, int *parts, int64_t *ns)
{
    int64_t part[3] = {0}, total_s = 0;
    int n = 0;
    for (;;) {
        if ((part[n++] = digits(&text, 7)) < 0)
            return false;
        if (n == 3 || *text != ':')
            break;
        text++;
    }
    int64_t fraction = fraction_ns(&text);
    if (n == 3 && fraction == 0 && (*text == ':' || *text == ';')) { /* frames: less than a second */
        text++;
        if (digits(&text, 2) < 0)
            return false;
    }
    for (int i = 0; i < n; i++) {
        if (i > 0 && part[i] > 59)
            return false;
        total_s = 60 * total_s + part[i];
    }
    if (fraction < 0 || *text || total_s > MAX_S)
        return false;
    *parts = n;
    *ns = total_s * UT_NS_PER_S + fraction;
    return true;
}

/* "PT1H2M3.5S" */
static bool iso_duration(const char *text, int64_t *ns)
{
    static const char units[] = "HMS";
    static const int64_t seconds[] = {3600, 60, 1};
    size_t next = 0;
    int64_t total = 0;
    if (strncmp(text, "PT", 2) != 0 || !text[2])
        return false;
    for (text += 2; *text;) {
        int64_t value = digits(&text, 7), fraction = fraction_ns(&text);
        const char *unit = *text ? strchr(units, *text) : NULL;
        if (value < 0 || fraction < 0 || !unit || (size_t)(unit - units) < next || (fraction && *text != 'S'))
            return false;
        next = (size_t)(unit - units) + 1;
        if (value > MAX_S / seconds[next - 1])
            return false;
        total += value * seconds[next - 1] * UT_NS_PER_S + fraction;
        if (total > MAX_S * UT_NS_PER_S)
            return false;
        text++;
    }
    *ns = total;
    return true;
}

/* UTC of a day's hour by its local date, "2026-11-21" (or with slashes), and nanoseconds since its midnight. */
static ut_status local_time(const char *date, int64_t ns, const ut_claim_rules *rules, int64_t *utc_ns, ut_err *err)
{
    char text[40];
    const char *at = date;
    int64_t year = digits(&at, 4), month = -1, day = -1;
    char separator = *at;
    if (year >= 1000 && (separator == '-' || separator == '/') && at++) {
        month = digits(&at, 2);
        if (*at == separator && at++)
            day = digits(&at, 2);
    }
    if (month < 1 || month > 12 || day < 1 || day > 31 || *at)
        return ut_fail(err, UT_E_ARG, "\"%.40s\" is not a date; write it as 2026-11-21", date);
    if (!rules->has_offset)
        return ut_fail(err, UT_E_ARG, "\"%.40s\" has no offset to UTC; give the file's with --utc-offset", date);
    snprintf(text, sizeof text, "%04d-%02d-%02dT00:00:00Z", (int)year, (int)month, (int)day);
    ut_status rc = ut_time_parse(text, utc_ns, err);
    if (rc == UT_OK)
        *utc_ns += ns - rules->offset_min * 60 * UT_NS_PER_S;
    return rc;
}

ut_status ut_claim_time(const char *text, const char *date, const ut_claim_rules *rules, int64_t *utc_ns, ut_err *err)
{
    char day[16];
    int parts;
    int64_t ns;
    size_t date_size = strcspn(text, "T ");
    if (text[date_size] && date_size < sizeof day && strpbrk(text, "-/")) {
        const char *clock = text + date_size + 1;
        snprintf(day, sizeof day, "%.*s", (int)date_size, text);
        if (text[date_size] == 'T' && strpbrk(clock, "Z+-"))
            return ut_time_parse(text, utc_ns, err);
        char with_seconds[32];
        snprintf(with_seconds, sizeof with_seconds, "%.24s%s", clock, strlen(clock) == 5 ? ":00" : "");
        if (strlen(clock) <= 24 && clock_parse(with_seconds, &parts, &ns) && parts == 3 && ns < 86401 * UT_NS_PER_S)
            return local_time(day, ns, rules, utc_ns, err);
    } else if (clock_parse(text, &parts, &ns)) {
        const char *of = *date ? date : rules->date;
        if (!of) {
            *utc_ns = rules->origin_ns + ns;
            return UT_OK;
        }
        if (parts == 2 && ns < 24 * 60 * UT_NS_PER_S) /* of a day, two parts are hours and minutes */
            ns *= 60;
        return local_time(of, ns, rules, utc_ns, err);
    }
    return ut_fail(err, UT_E_ARG,
                   "\"%.40s\" is not a time; write 2026-11-21T20:15:00+01:00, or 00:15:00 from the programme's start",
                   text);
}

ut_status ut_claim_duration(const char *text, int64_t *ns, ut_err *err)
{
    int parts;
    if (iso_duration(text, ns) || clock_parse(text, &parts, ns))
        return UT_OK;
    return ut_fail(err, UT_E_ARG, "\"%.40s\" is not a duration; write 83.5 or 1:23", text);
}

ut_status ut_offset_parse(const char *text, int *offset_min, ut_err *err)
{
    const char *at = text;
    if (strcmp(text, "Z") == 0) {
        *offset_min = 0;
        return UT_OK;
    }
    int sign = *at == '-' ? -1 : 1;
    if (*at == '+' || *at == '-') {
        at++;
        int64_t hours = strspn(at, "0123456789") == 4 ? (at[0] - '0') * 10 + (at[1] - '0') : digits(&at, 2);
        if (strspn(at, "0123456789") == 4)
            at += 2;
        if (*at == ':')
            at++;
        int64_t minutes = digits(&at, 2);
        if (hours >= 0 && hours <= 14 && minutes >= 0 && minutes <= 59 && !*at) {
            *offset_min = sign * (int)(60 * hours + minutes);
            return UT_OK;
        }
    }
    return ut_fail(err, UT_E_ARG, "\"%.40s\" is not an offset to UTC; write +01:00", text);
}
