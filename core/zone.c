#include "core/zone.h"

#include <ctype.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"

#define DAY_NS (86400 * UT_NS_PER_S)

/* GLib reads the tz database and, unlike the C library, has no zone of the process to switch. */
struct ut_zone {
    GTimeZone *glib;
};

ut_status ut_zone_open(const char *name, ut_zone **out, ut_err *err)
{
    GTimeZone *glib = g_time_zone_new_identifier(name);
    /* GLib takes "+02:00" and "EST5EDT,M3…" too; a channel has a place. */
    bool named = glib && isalpha((unsigned char)name[0]) && !strchr(name, ',');
    if (!named) {
        if (glib)
            g_time_zone_unref(glib);
        return ut_fail(err, UT_E_ARG, "time zone: %.60s: not in the tz database; such as Europe/Berlin, UTC", name);
    }
    ut_zone *zone = g_new(ut_zone, 1);
    zone->glib = glib;
    *out = zone;
    return UT_OK;
}

void ut_zone_close(ut_zone **zone)
{
    if (!*zone)
        return;
    g_time_zone_unref((*zone)->glib);
    g_free(*zone);
    *zone = NULL;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t ut_zone_offset_s(const ut_zone *zone, int64_t utc_ns)
{
    int interval = g_time_zone_find_interval(zone->glib, G_TIME_TYPE_UNIVERSAL, floor_div(utc_ns, UT_NS_PER_S));
    return interval < 0 ? 0 : g_time_zone_get_offset(zone->glib, interval);
}

const char *ut_zone_format(const ut_zone *zone, int64_t utc_ns, char *buf, size_t size)
{
    int64_t offset_s = ut_zone_offset_s(zone, utc_ns), minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
    char local[40];
    ut_time_format(utc_ns + offset_s * UT_NS_PER_S, local, sizeof local);
    local[strcspn(local, "Z")] = '\0';
    snprintf(buf, size, "%s%c%02d:%02d", local, offset_s < 0 ? '-' : '+', (int)(minutes / 60), (int)(minutes % 60));
    return buf;
}

size_t ut_zone_utc(const ut_zone *zone, int64_t local_ns, int64_t utc_ns[2])
{
    /* A change of the clock lies between the offsets of the day before and of the day after. */
    int64_t offsets[2] = {ut_zone_offset_s(zone, local_ns - DAY_NS), ut_zone_offset_s(zone, local_ns + DAY_NS)};
    size_t found = 0;
    for (size_t i = 0; i < 2 && (i == 0 || offsets[1] != offsets[0]); i++) {
        int64_t utc = local_ns - offsets[i] * UT_NS_PER_S;
        if (ut_zone_offset_s(zone, utc) == offsets[i])
            utc_ns[found++] = utc;
    }
    if (found == 2 && utc_ns[1] < utc_ns[0]) {
        int64_t later = utc_ns[0];
        utc_ns[0] = utc_ns[1];
        utc_ns[1] = later;
    }
    return found;
}

/* Where the clock never shows that time, it is the moment at which it would have without the change. */
static int64_t day_begin(const ut_zone *zone, int64_t local_ns)
{
    int64_t utc_ns[2];
    if (ut_zone_utc(zone, local_ns, utc_ns))
        return utc_ns[0];
    return local_ns - ut_zone_offset_s(zone, local_ns - DAY_NS) * UT_NS_PER_S;
}

static ut_day day_of(const ut_zone *zone, int64_t day_start_s, int64_t midnight_ns)
{
    char text[40];
    ut_day day = {.start_ns = day_begin(zone, midnight_ns + day_start_s * UT_NS_PER_S),
                  .end_ns = day_begin(zone, midnight_ns + DAY_NS + day_start_s * UT_NS_PER_S)};
    ut_time_format(midnight_ns, text, sizeof text);
    memcpy(day.date, text, 10);
    return day;
}

ut_day ut_zone_day(const ut_zone *zone, int64_t day_start_s, int64_t utc_ns)
{
    int64_t local_ns = utc_ns + (ut_zone_offset_s(zone, utc_ns) - day_start_s) * UT_NS_PER_S;
    ut_day day = day_of(zone, day_start_s, floor_div(local_ns, DAY_NS) * DAY_NS);
    /* In an hour that is there twice the wall clock alone may name the day before or after. */
    if (utc_ns >= day.end_ns)
        day = day_of(zone, day_start_s, (floor_div(local_ns, DAY_NS) + 1) * DAY_NS);
    else if (utc_ns < day.start_ns)
        day = day_of(zone, day_start_s, (floor_div(local_ns, DAY_NS) - 1) * DAY_NS);
    return day;
}

ut_status ut_zone_date(const ut_zone *zone, int64_t day_start_s, const char *date, ut_day *out, ut_err *err)
{
    char text[40];
    int64_t midnight_ns;
    snprintf(text, sizeof text, "%.10sT00:00:00Z", date);
    if (strlen(date) != 10 || ut_time_parse(text, &midnight_ns, NULL) != UT_OK)
        return ut_fail(err, UT_E_ARG, "date: %.40s: not one such as 2026-11-21", date);
    *out = day_of(zone, day_start_s, midnight_ns);
    return UT_OK;
}

ut_status ut_day_start_parse(const char *text, int64_t *seconds, ut_err *err)
{
    bool shape = strlen(text) == 5 && isdigit((unsigned char)text[0]) && isdigit((unsigned char)text[1]) &&
                 text[2] == ':' && isdigit((unsigned char)text[3]) && isdigit((unsigned char)text[4]);
    int64_t hour = shape ? 10 * (text[0] - '0') + text[1] - '0' : 24,
            minute = shape ? 10 * (text[3] - '0') + text[4] - '0' : 0;
    if (hour > 23 || minute > 59)
        return ut_fail(err, UT_E_ARG, "day start: %.40s: not a time such as 06:00", text);
    *seconds = 3600 * hour + 60 * minute;
    return UT_OK;
}
