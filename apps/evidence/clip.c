#include "apps/evidence/clip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "apps/separate/wav.h"
#include "pipeline/media.h"

bool ut_clip_possible(const ut_segment *segment, char *why, size_t size)
{
    struct stat st;
    if (strstr(segment->source, "://")) {
        snprintf(why, size, "it was captured live from %.180s, and no recording is kept", segment->source);
        return false;
    }
    if (stat(segment->source, &st) != 0 || !S_ISREG(st.st_mode)) {
        snprintf(why, size, "the recording %.180s is no longer there", segment->source);
        return false;
    }
    return true;
}

ut_status ut_clip_write(const ut_segment *segment, int64_t from, int64_t to, const char *path, ut_err *err)
{
    enum { CHUNK = UT_RATE_HZ };
    const ut_media_options as_analysed = {.rate_hz = UT_RATE_HZ, .channels = 1};
    const ut_wav_format format = {.rate_hz = UT_RATE_HZ, .channels = 1, .duration_s = (double)(to - from) / UT_RATE_HZ};
    ut_media *media = NULL;
    ut_wav *wav = NULL;
    float *chunk = malloc(CHUNK * sizeof *chunk);
    ut_status rc = chunk ? ut_media_open(segment->source, &as_analysed, &media, err)
                         : ut_fail(err, UT_E_NOMEM, "clip: %d samples", CHUNK);
    if (rc == UT_OK)
        rc = ut_wav_open(path, &format, &wav, err);
    size_t got = 1;
    int64_t at = 0;
    for (; rc == UT_OK && at < to && got > 0; at += (int64_t)got) {
        rc = ut_media_read(media, chunk, CHUNK, &got, err);
        int64_t first = from > at ? from - at : 0, end = at + (int64_t)got > to ? to - at : (int64_t)got;
        if (rc == UT_OK && first < end)
            rc = ut_wav_write(wav, chunk + first, (size_t)(end - first), err);
    }
    if (rc == UT_OK && at <= from)
        rc = ut_fail(err, UT_E_NOTFOUND, "%s: ends before the cue", segment->source);
    if (rc == UT_OK)
        rc = ut_wav_finish(&wav, err);
    ut_wav_close(&wav);
    ut_media_close(&media);
    free(chunk);
    return rc;
}
