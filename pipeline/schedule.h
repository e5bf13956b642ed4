/* Programmes and when they were shown, read from what broadcasters have: as-run logs, XMLTV, and the event tables of a
 * transport stream. None of the readers trusts its input; errors read "FILE:LINE: what: remedy" and are UT_E_ARG, and
 * nothing is taken from a file with an error.
 *
 * The list is sorted by start and has no overlap: where two airings of a file do, the earlier ends where the later
 * begins. */
#ifndef UT_PIPELINE_SCHEDULE_H
#define UT_PIPELINE_SCHEDULE_H

#include "core/types.h"
#include "core/zone.h"

/* Airings in one import: years of programmes, months of a log with every commercial. */
#define UT_SCHEDULE_MAX ((size_t)200000)

typedef enum { UT_DATES_YMD, UT_DATES_DMY, UT_DATES_MDY } ut_date_order;

typedef struct {
    const char *channel; /* ours, of the airings */
    const char
        *of_channel;      /* XMLTV: its channel id; as-run: rows of this in the column "channel"; NULL: the only one */
    const ut_zone *zone;  /* of times without an offset, as-run only */
    double frame_rate_hz; /* of time codes HH:MM:SS:FF; 0: 25 */
    ut_date_order dates;  /* of as-run dates that do not begin with the year */
    const char *date;     /* as-run without dates: the day of the first row, "2026-11-21"; NULL: none */
    const char *category; /* as-run: only rows of this category; NULL: all */
    int service;          /* EIT: service id (programme number); 0: the only one */
} ut_schedule_options;

typedef struct {
    ut_airing *items; /* owned */
    size_t count;
    size_t capacity;
    size_t cut; /* that ended where the next begins, because they overlapped */
} ut_schedule;

void ut_schedule_clear(ut_schedule *schedule);

/* As-run log: CSV (comma, semicolon or tab) with a header row. Columns are found by name; docs/PROGRAMMES.md. */
UT_CHECK ut_status ut_schedule_asrun(const char *name, const char *text, size_t size,
                                     const ut_schedule_options *options, ut_schedule *out, ut_err *err);
/* XMLTV. No entity is defined or fetched, nothing is read but the text. */
UT_CHECK ut_status ut_schedule_xmltv(const char *name, const char *text, size_t size,
                                     const ut_schedule_options *options, ut_schedule *out, ut_err *err);

/* Present and following events of a transport stream (EN 300 468, EIT, table 0x4E), as its bytes go by. */
typedef struct ut_eit ut_eit;
UT_CHECK ut_status ut_eit_open(const ut_schedule_options *options, ut_eit **out, ut_err *err);
void ut_eit_close(ut_eit **eit);
UT_CHECK ut_status ut_eit_push(ut_eit *eit, const uint8_t *data, size_t size, ut_err *err);
/* Whether something was announced that had not been, since the last call. */
bool ut_eit_news(ut_eit *eit);
/* Only events of this service count from now on. */
void ut_eit_choose(ut_eit *eit, int service);
/* What was announced so far. `name` stands for the stream in messages. */
UT_CHECK ut_status ut_eit_schedule(const ut_eit *eit, const char *name, ut_schedule *out, ut_err *err);

/* For the readers: makes the programme's key and takes the airing over, or clears it. */
UT_CHECK ut_status ut_schedule_add(ut_schedule *schedule, ut_airing *airing, ut_err *err);
/* Sorts, gives each that has no end (end_ns 0) the start of the next (the last one: is left out), cuts overlaps. */
void ut_schedule_finish(ut_schedule *schedule);

#endif
