#include "pipeline/schedule.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ut_schedule_clear(ut_schedule *schedule)
{
    for (size_t i = 0; i < schedule->count; i++)
        ut_airing_clear(&schedule->items[i]);
    free(schedule->items);
    *schedule = (ut_schedule){0};
}

/* Letters and digits only, in small letters, so that spelling by hand does not make two of one. */
static void put_plain(char **at, const char *text)
{
    for (; text && *text; text++)
        if (isalnum((unsigned char)*text) || (unsigned char)*text >= 0x80)
            *(*at)++ = (char)tolower((unsigned char)*text);
}

static char *key_make(const ut_programme *p)
{
    size_t size = 32;
    for (size_t i = 0; i < UT_PROGRAMME_STRINGS; i++) {
        const char *text = *ut_programme_string((ut_programme *)p, i);
        size += text ? strlen(text) : 0;
    }
    char *key = malloc(size), *at = key;
    if (!key)
        return NULL;
    if (p->crid) {
        snprintf(key, size, "crid:%s", p->crid);
    } else if (p->production_no) {
        snprintf(key, size, "no:%s", p->production_no);
    } else {
        at += snprintf(key, size, "title:");
        put_plain(&at, p->title);
        *at++ = '/';
        put_plain(&at, p->episode_no);
        *at++ = '/';
        put_plain(&at, p->episode);
        *at = '\0';
    }
    return key;
}

ut_status ut_schedule_add(ut_schedule *schedule, ut_airing *airing, ut_err *err)
{
    ut_status rc = UT_OK;
    if (schedule->count == UT_SCHEDULE_MAX)
        rc = ut_fail(err, UT_E_ARG, "more than %zu programmes; split the file, by month for example", UT_SCHEDULE_MAX);
    if (rc == UT_OK && schedule->count == schedule->capacity) {
        size_t capacity = schedule->capacity ? 2 * schedule->capacity : 256;
        ut_airing *grown = reallocarray(schedule->items, capacity, sizeof *grown);
        if (grown) {
            schedule->items = grown;
            schedule->capacity = capacity;
        } else {
            rc = ut_fail(err, UT_E_NOMEM, "%zu programmes", capacity);
        }
    }
    if (rc == UT_OK && !(airing->programme.key = key_make(&airing->programme)))
        rc = ut_fail(err, UT_E_NOMEM, "programme %.60s", airing->programme.title);
    if (rc != UT_OK) {
        ut_airing_clear(airing);
        return rc;
    }
    schedule->items[schedule->count++] = *airing;
    *airing = (ut_airing){0};
    return UT_OK;
}

static int by_start(const void *a, const void *b)
{
    const ut_airing *x = a, *y = b;
    return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

/* Of several with one start the last stays: logs and guides are corrected by adding. */
void ut_schedule_finish(ut_schedule *schedule)
{
    ut_airing *items = schedule->items;
    size_t kept = 0;
    if (schedule->count) /* mergesort of glibc's qsort is stable, but only by habit: stable by construction here */
        for (size_t i = 1; i < schedule->count; i++)
            if (items[i].start_ns < items[i - 1].start_ns) {
                qsort(items, schedule->count, sizeof *items, by_start);
                break;
            }
    for (size_t i = 0; i < schedule->count; i++) {
        ut_airing airing = items[i];
        bool last = i + 1 == schedule->count;
        int64_t next_ns = last ? 0 : items[i + 1].start_ns;
        if (!last && airing.end_ns == 0) {
            airing.end_ns = next_ns;
            airing.boundary = UT_BOUNDARY_GUESSED;
        } else if (!last && airing.end_ns > next_ns) {
            airing.end_ns = next_ns;
            schedule->cut++;
        }
        if (airing.end_ns <= airing.start_ns) {
            ut_airing_clear(&airing);
            continue;
        }
        items[kept++] = airing;
    }
    schedule->count = kept;
}
