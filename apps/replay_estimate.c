#include "apps/replay_estimate.h"

#include <libgen.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "core/clock.h"
#include "pipeline/media.h"

#define SAMPLE_S 60
#define AIRPLAYS_PER_HOUR 40.0
#define BYTES_PER_AIRPLAY 4000.0 /* row, indexes, and the event while nobody fetches it */
#define HISTORY_S 3600.0         /* less than this says nothing about the rest */

typedef struct {
    const ut_replay_item *items;
    char (*channels)[64];
    size_t count;
    ut_replay_estimate *out;
    double history_s;
    int64_t airplays;
} known;

/* The same file as ut_replay_file would name it, by where it begins and what it is called. */
static bool same_source(const char *path, const char *source)
{
    char real[PATH_MAX];
    return strcmp(realpath(path, real) ? real : path, source) == 0;
}

static ut_status on_segment(void *arg, const ut_segment *segment, const ut_checkpoint *checkpoint)
{
    known *k = arg;
    int64_t samples = checkpoint->done && segment->sample_count ? segment->sample_count : checkpoint->resume_sample;
    double done_s = (double)samples / UT_RATE_HZ;
    k->history_s += done_s;
    for (size_t i = 0; i < k->count; i++) {
        const ut_replay_item *item = &k->items[i];
        if (item->start_ns != segment->start_ns || strcmp(k->channels[i], segment->channel) != 0 ||
            isnan(item->duration_s) || !same_source(item->path, segment->source))
            continue;
        k->out->done_s += checkpoint->done || done_s > item->duration_s ? item->duration_s : done_s;
        break;
    }
    return UT_OK;
}

static ut_status on_airplay(void *arg, const ut_airplay *airplay)
{
    (void)airplay;
    ((known *)arg)->airplays++;
    return UT_OK;
}

static bool channel_seen(char (*channels)[64], size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(channels[k], channels[i]) == 0)
            return true;
    return false;
}

static ut_status ignore(void *arg, const ut_identification *what)
{
    (void)what;
    ++*(size_t *)arg;
    return UT_OK;
}

/* Analyses the first minute of a file for its speed. */
static ut_status measure(const ut_replay_item *item, const ut_replay_options *options, double *speed, ut_err *err)
{
    static const ut_media_options as_analysed = {.rate_hz = UT_RATE_HZ, .channels = 1};
    enum { CHUNK = UT_RATE_HZ };
    float *chunk = malloc(CHUNK * sizeof *chunk);
    ut_media *media = NULL;
    ut_analyser *analyser = NULL;
    size_t found = 0, got = 1;
    double heard_s = 0, before_s = 0;
    ut_status rc = chunk ? ut_media_open(item->path, &as_analysed, &media, err) : ut_fail(err, UT_E_NOMEM, "replay");
    if (rc == UT_OK)
        rc = ut_analyser_open(&options->analyser, 0, ignore, &found, &analyser, err);
    before_s = ut_monotonic_s();
    while (rc == UT_OK && got > 0 && heard_s < SAMPLE_S && !(options->stopped && options->stopped())) {
        rc = ut_media_read(media, chunk, CHUNK, &got, err);
        if (rc == UT_OK && got > 0)
            rc = ut_analyser_push(analyser, chunk, got, err);
        heard_s += rc == UT_OK ? (double)got / UT_RATE_HZ : 0;
    }
    if (rc == UT_OK && heard_s > 0)
        *speed = heard_s / (ut_monotonic_s() - before_s);
    ut_analyser_close(&analyser);
    ut_media_close(&media);
    free(chunk);
    return rc;
}

static int64_t free_bytes(const char *dsn)
{
    char path[PATH_MAX];
    struct statvfs fs;
    const char *colon = strchr(dsn, ':');
    snprintf(path, sizeof path, "%s", colon ? colon + 1 : dsn);
    return statvfs(dirname(path), &fs) == 0 ? (int64_t)fs.f_bavail * (int64_t)fs.f_frsize : 0;
}

static ut_status read_store(known *k, const char *dsn, ut_err *err)
{
    ut_store *store = NULL;
    ut_status rc = ut_store_open(dsn, UT_STORE_READ, &store, err);
    for (size_t i = 0; rc == UT_OK && i < k->count; i++) {
        if (channel_seen(k->channels, i))
            continue;
        k->out->channels++;
        rc = ut_store_segment_each(store, k->channels[i], INT64_MIN / 2, INT64_MAX / 2, on_segment, k, err);
        if (rc == UT_OK)
            rc = ut_store_airplay_each(store, k->channels[i], INT64_MIN / 2, INT64_MAX / 2, on_airplay, k, err);
    }
    ut_store_close(&store);
    return rc;
}

ut_status ut_replay_estimate_make(const ut_replay_item *items, char (*channels)[64], size_t count,
                                  const ut_replay_options *options, ut_replay_estimate *out, ut_err *err)
{
    ut_replay_estimate made = {.speed = NAN, .free_bytes = free_bytes(options->store)};
    known k = {.items = items, .channels = channels, .count = count, .out = &made};
    for (size_t i = 0; i < count; i++) {
        bool unknown = isnan(items[i].duration_s);
        made.unknown += unknown;
        made.total_s += unknown ? 0 : items[i].duration_s;
    }
    ut_status rc = read_store(&k, options->store, err);
    for (size_t i = 0; rc == UT_OK && i < count && isnan(made.speed); i++)
        if (!isnan(items[i].duration_s) && measure(&items[i], options, &made.speed, err) == UT_E_NOMEM)
            rc = UT_E_NOMEM;
    made.measured = k.history_s >= HISTORY_S;
    double per_hour = made.measured ? (double)k.airplays * 3600 / k.history_s : AIRPLAYS_PER_HOUR;
    made.disk_bytes = (int64_t)((made.total_s - made.done_s) / 3600 * per_hour * BYTES_PER_AIRPLAY);
    if (rc == UT_OK)
        *out = made;
    return rc;
}
