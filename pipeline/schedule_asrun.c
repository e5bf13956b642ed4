/* As-run logs. No two playout systems write the same columns, so columns go by name and the rest is left alone. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/clock.h"
#include "core/csv.h"
#include "pipeline/schedule.h"

#define DAY_NS (86400 * UT_NS_PER_S)

typedef enum {
    DATE,
    START,
    END,
    DURATION,
    CHANNEL,
    TITLE,
    AKA,
    EPISODE,
    EPISODE_AKA,
    EPISODE_NO,
    PRODUCTION_NO,
    CATEGORY,
    VERSION,
    COMPANY,
    CRID,
    COLUMNS
} column;

/* Names without spaces, dashes and underscores, in small letters. */
static const struct {
    const char *name;
    column is;
} names[] = {
    {"date", DATE},
    {"airdate", DATE},
    {"txdate", DATE},
    {"start", START},
    {"starttime", START},
    {"actualstart", START},
    {"onair", START},
    {"airtime", START},
    {"time", START},
    {"end", END},
    {"endtime", END},
    {"actualend", END},
    {"duration", DURATION},
    {"actualduration", DURATION},
    {"length", DURATION},
    {"channel", CHANNEL},
    {"station", CHANNEL},
    {"service", CHANNEL},
    {"title", TITLE},
    {"programme", TITLE},
    {"program", TITLE},
    {"series", TITLE},
    {"seriestitle", TITLE},
    {"aka", AKA},
    {"episode", EPISODE},
    {"episodetitle", EPISODE},
    {"subtitle", EPISODE},
    {"episodeaka", EPISODE_AKA},
    {"episodeno", EPISODE_NO},
    {"episodenumber", EPISODE_NO},
    {"productionno", PRODUCTION_NO},
    {"productionnumber", PRODUCTION_NO},
    {"houseid", PRODUCTION_NO},
    {"housenumber", PRODUCTION_NO},
    {"materialid", PRODUCTION_NO},
    {"category", CATEGORY},
    {"type", CATEGORY},
    {"genre", CATEGORY},
    {"version", VERSION},
    {"company", COMPANY},
    {"productioncompany", COMPANY},
    {"crid", CRID},
};

typedef struct {
    const ut_schedule_options *options;
    const char *name;
    size_t line;
    int map[COLUMNS]; /* field of each column; -1: none */
    bool has_day;
    int64_t day_ns;        /* midnight on the wall clock of the row's date */
    int64_t before_ns;     /* start of the row before, on the wall clock */
    int64_t last_start_ns; /* UTC, of the row before */
    char channel[64];      /* of the first row, if nobody said which is wanted */
    ut_err *err;
} reader;

static ut_status complain(reader *r, const char *fmt, ...) UT_PRINTF(2, 3);
static ut_status complain(reader *r, const char *fmt, ...)
{
    char text[300];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return ut_fail(r->err, UT_E_ARG, "%.80s:%zu: %s", r->name, r->line, text);
}

/* --- columns --------------------------------------------------------------------------------- */

static ut_status header_read(reader *r, const ut_csv_record *record)
{
    char plain[32];
    for (int i = 0; i < COLUMNS; i++)
        r->map[i] = -1;
    for (size_t i = 0; i < record->count; i++) {
        size_t n = 0;
        for (const char *c = record->fields[i]; *c && n + 1 < sizeof plain; c++)
            if (isalnum((unsigned char)*c))
                plain[n++] = (char)tolower((unsigned char)*c);
        plain[n] = '\0';
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            if (strcmp(names[k].name, plain) == 0 && r->map[names[k].is] < 0)
                r->map[names[k].is] = (int)i;
    }
    if (r->map[START] < 0 || r->map[TITLE] < 0)
        return complain(r, "no column \"%s\"; the first row must name the columns, \"start\" and \"title\" among them",
                        r->map[START] < 0 ? "start" : "title");
    return UT_OK;
}

/* Without the spaces around it, "" for a column that is not there; in place. */
static char *cell(const reader *r, const ut_csv_record *record, column which)
{
    static char nothing[1];
    if (r->map[which] < 0 || (size_t)r->map[which] >= record->count)
        return nothing;
    char *text = (char *)record->fields[r->map[which]];
    text += strspn(text, " \t");
    size_t n = strlen(text);
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        text[--n] = '\0';
    return text;
}

/* --- times ----------------------------------------------------------------------------------- */

/* Up to `digits` digits; -1 if there is none. */
static int number(const char **at, int digits)
{
    int value = -1;
    for (int i = 0; i < digits && isdigit((unsigned char)**at); i++)
        value = (value < 0 ? 0 : 10 * value) + (*(*at)++ - '0');
    return value;
}

/* "2026-11-21", "20261121", "21.11.2026", "11/21/2026"; moves *at on. */
static bool date_read(const reader *r, const char **at, int64_t *midnight_ns)
{
    const char *c = *at;
    size_t run = strspn(c, "0123456789");
    int parts[3];
    if (run == 8) {
        parts[0] = number(&c, 4), parts[1] = number(&c, 2), parts[2] = number(&c, 2);
    } else {
        for (int i = 0; i < 3; i++) {
            if ((parts[i] = number(&c, 4)) < 0 || (i < 2 && (!*c || !strchr("-./", *c))))
                return false;
            c += i < 2;
        }
        if (run != 4) {
            bool month_first = r->options->dates == UT_DATES_MDY;
            int day = parts[month_first ? 1 : 0], month = parts[month_first ? 0 : 1];
            if (r->options->dates == UT_DATES_YMD)
                return false; /* which of the two is the month cannot be known */
            parts[0] = parts[2], parts[1] = month, parts[2] = day;
        }
    }
    char text[40];
    if (parts[0] < 1900 || parts[0] > 2200 || parts[1] > 12 || parts[2] > 31)
        return false;
    snprintf(text, sizeof text, "%04d-%02d-%02dT00:00:00Z", parts[0], parts[1], parts[2]);
    if (ut_time_parse(text, midnight_ns, NULL) != UT_OK)
        return false;
    *at = c;
    return true;
}

/* "H:MM", "H:MM:SS", "H:MM:SS.mmm", "HH:MM:SS:FF"; hours may go past 24, for the night of a broadcast day. */
static bool clock_read(const reader *r, const char *c, int64_t *ns)
{
    double rate = r->options->frame_rate_hz > 0 ? r->options->frame_rate_hz : 25.0;
    int hour = number(&c, 3), minute = 0, second = 0;
    int64_t fraction_ns = 0;
    if (hour < 0 || *c++ != ':' || (minute = number(&c, 2)) < 0)
        return false;
    if (*c == ':') {
        c++;
        if ((second = number(&c, 2)) < 0)
            return false;
    }
    if (*c == ':' || *c == ';') {
        c++;
        int frame = number(&c, 3);
        if (frame < 0 || frame >= rate)
            return false;
        fraction_ns = (int64_t)((double)frame / rate * 1e9);
    } else if (*c == '.' || *c == ',') {
        c++;
        if (!isdigit((unsigned char)*c))
            return false;
        for (int64_t unit = UT_NS_PER_S / 10; isdigit((unsigned char)*c); c++, unit /= 10)
            fraction_ns += (*c - '0') * unit;
    }
    if (*c || minute > 59 || second > 59)
        return false;
    *ns = (hour * INT64_C(3600) + minute * 60 + second) * UT_NS_PER_S + fraction_ns;
    return true;
}

/* The wall clock's time to UTC. In the hour that is there twice, rows go on in order. */
static ut_status to_utc(reader *r, int64_t local_ns, const char *shown, int64_t not_before_ns, int64_t *utc_ns)
{
    int64_t both[2];
    size_t found = ut_zone_utc(r->options->zone, local_ns, both);
    if (found == 0)
        return complain(r, "%.40s: the clock went past it on that day; check the time zone", shown);
    *utc_ns = found == 2 && both[0] < not_before_ns && both[1] >= not_before_ns ? both[1] : both[0];
    return UT_OK;
}

static ut_status date_wrong(reader *r, const char *text)
{
    return complain(r, "%.40s: not a date such as 2026-11-21; for dates that begin with day or month say which", text);
}

/* A time with its date, or one that goes with the row's. *local: it was the wall clock's, in *local_ns. */
static ut_status time_read(reader *r, const char *text, int64_t not_before_ns, int64_t *utc_ns, int64_t *local_ns)
{
    int64_t of_day_ns, day_ns = r->day_ns;
    if (ut_time_parse(text, utc_ns, NULL) == UT_OK) {
        *local_ns = *utc_ns + ut_zone_offset_s(r->options->zone, *utc_ns) * UT_NS_PER_S;
        return UT_OK;
    }
    const char *c = text;
    bool own_date = date_read(r, &c, &day_ns) && (*c == ' ' || *c == 'T');
    c += own_date;
    if (!own_date) {
        c = text;
        day_ns = r->day_ns;
        if (strpbrk(text, "-/ ") || (strchr(text, '.') && !strchr(text, ':')))
            return date_wrong(r, text);
        if (!r->has_day)
            return complain(r, "%.40s: without a date; add a column \"date\", or give the day of the first row", text);
    }
    if (!clock_read(r, c, &of_day_ns))
        return complain(r, "%.40s: not a time such as 20:15:00, 20:15:00.480 or 20:15:00:12", text);
    *local_ns = day_ns + of_day_ns;
    return to_utc(r, *local_ns, text, not_before_ns, utc_ns);
}

/* A row's date stands in its column, in its start, or goes on from the row before: back by more than half a day is the
 * next day. */
static ut_status day_read(reader *r, const ut_csv_record *record)
{
    const char *date = cell(r, record, DATE), *c = date;
    if (*date) {
        if (!date_read(r, &c, &r->day_ns))
            return date_wrong(r, date);
        r->has_day = true;
        return UT_OK;
    }
    int64_t of_day_ns;
    if (r->has_day && clock_read(r, cell(r, record, START), &of_day_ns) && r->before_ns &&
        r->day_ns + of_day_ns < r->before_ns - DAY_NS / 2)
        r->day_ns += DAY_NS;
    return UT_OK;
}

static ut_status duration_read(reader *r, const char *text, int64_t *ns)
{
    char padded[64], *end;
    double seconds = strtod(text, &end);
    if (*text && !*end && seconds > 0 && seconds < 1e6) {
        *ns = (int64_t)(seconds * 1e9);
        return UT_OK;
    }
    size_t colons = 0;
    for (const char *c = text; *c; c++)
        colons += *c == ':';
    snprintf(padded, sizeof padded, "%s%.40s", colons == 1 ? "00:" : "", text);
    if (!clock_read(r, padded, ns) || *ns <= 0)
        return complain(r, "duration %.40s: not one such as 00:28:30, 00:28:30:12 or 1710 (seconds)", text);
    return UT_OK;
}

static ut_status extent_read(reader *r, const ut_csv_record *record, ut_airing *airing)
{
    int64_t local_ns = 0, end_local_ns = 0, length_ns = 0;
    const char *end = cell(r, record, END), *duration = cell(r, record, DURATION);
    ut_status rc = day_read(r, record);
    if (rc == UT_OK)
        rc = time_read(r, cell(r, record, START), r->last_start_ns + 1, &airing->start_ns, &local_ns);
    if (rc != UT_OK)
        return rc;
    r->before_ns = local_ns;
    if (*duration) {
        rc = duration_read(r, duration, &length_ns);
        airing->end_ns = airing->start_ns + length_ns;
    } else if (*end) {
        rc = time_read(r, end, airing->start_ns, &airing->end_ns, &end_local_ns);
        if (rc == UT_OK && airing->end_ns < airing->start_ns && !strpbrk(end, "-/ T")) /* past midnight */
            rc = to_utc(r, end_local_ns + DAY_NS, end, airing->start_ns, &airing->end_ns);
        if (rc == UT_OK && airing->end_ns <= airing->start_ns)
            rc = complain(r, "end %.40s: not after its start, %.40s", end, cell(r, record, START));
    }
    if (rc == UT_OK)
        r->last_start_ns = airing->start_ns;
    return rc;
}

/* --- rows ------------------------------------------------------------------------------------ */

static ut_status text_take(reader *r, const ut_csv_record *record, column which, char **out)
{
    const char *text = cell(r, record, which);
    if (*text && !(*out = strdup(text)))
        return ut_fail(r->err, UT_E_NOMEM, "%s:%zu", r->name, r->line);
    return UT_OK;
}

/* Rows of several channels would be mixed up if nobody says which are meant. */
static ut_status channel_check(reader *r, const ut_csv_record *record)
{
    const char *channel = cell(r, record, CHANNEL);
    if (r->options->of_channel || !*channel)
        return UT_OK;
    if (!r->channel[0])
        snprintf(r->channel, sizeof r->channel, "%s", channel);
    if (strncasecmp(r->channel, channel, sizeof r->channel - 1) != 0)
        return complain(r, "rows of several channels, %.40s and %.40s; say which is meant", r->channel, channel);
    return UT_OK;
}

static bool wanted(const reader *r, const ut_csv_record *record)
{
    const ut_schedule_options *o = r->options;
    return (!o->category || strcasecmp(cell(r, record, CATEGORY), o->category) == 0) &&
           (!o->of_channel || strcasecmp(cell(r, record, CHANNEL), o->of_channel) == 0);
}

static ut_status row_read(reader *r, const ut_csv_record *record, ut_schedule *schedule)
{
    static const column texts[UT_PROGRAMME_STRINGS] = {
        COLUMNS, TITLE, AKA, EPISODE, EPISODE_AKA, EPISODE_NO, PRODUCTION_NO, CATEGORY, VERSION, COMPANY, CRID};
    ut_airing airing = {.source = UT_FROM_ASRUN, .boundary = UT_BOUNDARY_LOGGED};
    snprintf(airing.channel, sizeof airing.channel, "%s", r->options->channel);
    ut_status rc = extent_read(r, record, &airing); /* of every row: days are counted through */
    if (rc == UT_OK)
        rc = channel_check(r, record);
    if (rc != UT_OK || !wanted(r, record))
        return rc;
    for (size_t i = 1; rc == UT_OK && i < UT_PROGRAMME_STRINGS; i++)
        rc = text_take(r, record, texts[i], ut_programme_string(&airing.programme, i));
    if (rc == UT_OK && !airing.programme.title)
        rc = complain(r, "no title; fill it in or take the row out");
    if (rc == UT_OK && (rc = ut_schedule_add(schedule, &airing, r->err)) == UT_E_ARG)
        ut_err_prefix(r->err, "%s:%zu", r->name, r->line);
    ut_airing_clear(&airing);
    return rc;
}

ut_status ut_schedule_asrun(const char *name, const char *text, size_t size, const ut_schedule_options *options,
                            ut_schedule *out, ut_err *err)
{
    reader r = {.options = options, .name = name, .line = 1, .err = err};
    ut_schedule schedule = {0};
    ut_csv *csv = NULL;
    ut_csv_record record;
    if (options->date) {
        const char *c = options->date;
        if (!date_read(&r, &c, &r.day_ns) || *c)
            return ut_fail(err, UT_E_ARG, "date: %.40s: not one such as 2026-11-21", options->date);
        r.has_day = true;
    }
    ut_status rc = ut_csv_open(name, text, size, &csv, err);
    if (rc != UT_OK)
        return rc;
    ut_csv_sniff(csv);
    if ((rc = ut_csv_next(csv, &record, err)) == UT_OK)
        rc = header_read(&r, &record);
    while (rc == UT_OK && (rc = ut_csv_next(csv, &record, err)) == UT_OK && record.count) {
        r.line = record.line;
        rc = row_read(&r, &record, &schedule);
    }
    ut_csv_close(&csv);
    if (rc == UT_OK)
        ut_schedule_finish(&schedule);
    if (rc == UT_OK && schedule.count == 0)
        rc = ut_fail(err, UT_E_ARG, "%s: no row for this channel%s%s", name, options->category ? " and category " : "",
                     options->category ? options->category : "");
    if (rc != UT_OK) {
        ut_schedule_clear(&schedule);
        return rc;
    }
    *out = schedule;
    return UT_OK;
}
