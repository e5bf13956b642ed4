/* When each file of an archive was on air. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "pipeline/media.h"
#include "pipeline/replay.h"

/* "YYYYMMDD?HHMMSS" with up to one separator between any two fields, read from `text` into RFC
 * 3339. */
static bool read_time(const char *text, char rfc[32])
{
    static const int widths[6] = {4, 2, 2, 2, 2, 2};
    char fields[6][5] = {{0}};
    for (int i = 0; i < 6; i++) {
        if (i > 0 && *text && strchr("-_:T ", *text))
            text++;
        for (int k = 0; k < widths[i]; k++, text++) {
            if (!isdigit((unsigned char)*text))
                return false;
            fields[i][k] = *text;
        }
    }
    if (isdigit((unsigned char)*text)) /* part of a longer number */
        return false;
    snprintf(rfc, 32, "%s-%s-%sT%s:%s:%sZ", fields[0], fields[1], fields[2], fields[3], fields[4], fields[5]);
    return true;
}

bool ut_replay_time_begins(const char *text, int64_t *utc_ns)
{
    char rfc[32];
    return read_time(text, rfc) && ut_time_parse(rfc, utc_ns, NULL) == UT_OK;
}

ut_status ut_replay_time_of_name(const char *path, int64_t *utc_ns, ut_err *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    for (const char *c = name; *c; c++)
        if ((c == name || !isdigit((unsigned char)c[-1])) && ut_replay_time_begins(c, utc_ns))
            return UT_OK;
    return ut_fail(err, UT_E_ARG, "%s: no time such as 20261121T201500Z in its name", path);
}

static ut_status count_through(ut_media *media, double *seconds, ut_err *err)
{
    enum { CHUNK = UT_RATE_HZ };
    float *chunk = malloc(CHUNK * sizeof *chunk);
    if (!chunk)
        return ut_fail(err, UT_E_NOMEM, "replay: %d samples", CHUNK);
    int64_t samples = 0;
    size_t got = 0;
    ut_status rc;
    while ((rc = ut_media_read(media, chunk, CHUNK, &got, err)) == UT_OK && got > 0)
        samples += (int64_t)got;
    free(chunk);
    *seconds = (double)samples / UT_RATE_HZ;
    return rc == UT_E_CORRUPT ? UT_OK : rc; /* what there is of it is what was on air */
}

static ut_status measure(ut_replay_item *item, ut_err *err)
{
    static const ut_media_options as_analysed = {.rate_hz = UT_RATE_HZ, .channels = 1};
    ut_media *media = NULL;
    ut_status rc = ut_media_open(item->path, &as_analysed, &media, err);
    if (rc != UT_OK)
        return rc;
    item->duration_s = ut_media_describe(media)->duration_s;
    if (isnan(item->duration_s))
        rc = count_through(media, &item->duration_s, err);
    ut_media_close(&media);
    return rc;
}

ut_status ut_replay_plan(ut_replay_item *items, size_t count, int64_t start_ns, ut_err *err)
{
    for (size_t i = 0; i < count; i++) {
        ut_status rc = measure(&items[i], err);
        if (rc != UT_OK)
            return rc;
        items[i].start_ns = start_ns;
        start_ns += (int64_t)llround(items[i].duration_s * (double)UT_NS_PER_S);
    }
    return UT_OK;
}
