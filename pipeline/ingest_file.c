#include "pipeline/ingest_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "core/identifier.h"
#include "core/log.h"
#include "fingerprint/fingerprint.h"
#include "pipeline/media.h"

enum { CHUNK = 16384 };

typedef struct {
    ut_media *media;
    ut_digest *digest;
    ut_fingerprinter *printers[UT_INGEST_SETS];
    size_t count;
    int64_t frames;
    float mono[CHUNK];
    int16_t pcm[CHUNK];
} reader;

void ut_reading_clear(ut_reading *reading)
{
    ut_recording_clear(&reading->tags);
    for (size_t i = 0; i < reading->row_count; i++)
        free((void *)reading->rows[i].data);
    *reading = (ut_reading){0};
}

/* The digest is of 16-bit samples, so that it does not hang on the last bits of a decoder's floats. */
static void digest_update(reader *r, size_t frames)
{
    for (size_t i = 0; i < frames; i++) {
        float sample = r->mono[i] * 32768.0F;
        sample = sample < -32768.0F ? -32768.0F : sample > 32767.0F ? 32767.0F : sample;
        r->pcm[i] = (int16_t)lrintf(sample);
    }
    ut_digest_update(r->digest, r->pcm, frames * sizeof *r->pcm); /* s16le: undertone runs on little endian */
}

static ut_status pump(reader *r, const char *path, ut_stopped_fn stopped, void *arg, ut_err *err)
{
    for (;;) {
        size_t got = 0;
        ut_status rc = ut_media_read(r->media, r->mono, CHUNK, &got, err);
        if (rc != UT_OK || got == 0)
            return rc;
        if (stopped(arg))
            return ut_fail(err, UT_E_STOPPED, "%s: stopped", path);
        digest_update(r, got);
        r->frames += (int64_t)got;
        for (size_t i = 0; i < r->count; i++) {
            if ((rc = ut_fingerprinter_push(r->printers[i], r->mono, got, err)) != UT_OK)
                return rc;
        }
    }
}

/* Adds the finished fingerprint of printer i to the reading; *landmarks counts. */
static ut_status row_finish(reader *r, size_t i, const ut_params *params, ut_reading *out, size_t *landmarks,
                            ut_err *err)
{
    ut_fingerprint *fingerprint = NULL;
    uint8_t *data = NULL;
    size_t size = 0;
    ut_status rc = ut_fingerprinter_finish(r->printers[i], &fingerprint, err);
    if (rc != UT_OK)
        return rc;
    *landmarks += ut_fingerprint_landmarks(fingerprint);
    rc = ut_fingerprint_encode(fingerprint, &data, &size, err);
    ut_fingerprint_close(&fingerprint);
    if (rc == UT_OK)
        out->rows[out->row_count++] = (ut_fingerprint_row){ut_params_name(params), data, size};
    return rc;
}

static ut_status copy(char **out, const char *text, ut_err *err)
{
    if (text && *text && !(*out = strdup(text)))
        return ut_fail(err, UT_E_NOMEM, "out of memory");
    return UT_OK;
}

/* A composer or publisher that a tag names, share unknown. */
static ut_status tag_party(ut_recording *tags, const char *name, ut_role role, ut_err *err)
{
    if (!name || !*name)
        return UT_OK;
    ut_party *grown = reallocarray(tags->parties, tags->party_count + 1, sizeof *grown);
    if (!grown)
        return ut_fail(err, UT_E_NOMEM, "out of memory");
    tags->parties = grown;
    grown[tags->party_count] = (ut_party){.role = role, .share = NAN};
    return copy(&grown[tags->party_count++].name, name, err);
}

static ut_status tags_read(const ut_media_info *info, const char *path, ut_recording *tags, ut_err *err)
{
    char isrc[13] = "", quoted[300];
    if (info->isrc && !ut_isrc_parse(info->isrc, isrc))
        ut_log(UT_LOG_WARN, "ingest", "tag-isrc-ignored", "file=%s", ut_log_quote(quoted, sizeof quoted, path));
    ut_status rc = copy(&tags->title, info->title, err);
    if (rc == UT_OK)
        rc = copy(&tags->artist, info->artist, err);
    if (rc == UT_OK)
        rc = copy(&tags->album, info->album, err);
    if (rc == UT_OK)
        rc = copy(&tags->label, info->label, err);
    if (rc == UT_OK)
        rc = copy(&tags->isrc, isrc, err);
    if (rc == UT_OK)
        rc = tag_party(tags, info->composer, UT_ROLE_COMPOSER, err);
    if (rc == UT_OK)
        rc = tag_party(tags, info->publisher, UT_ROLE_PUBLISHER, err);
    return rc;
}

static ut_status reader_open(reader *r, const char *path, const ut_params *const *params, size_t count, ut_err *err)
{
    const ut_media_options options = {.rate_hz = UT_RATE_HZ, .channels = 1};
    ut_status rc = ut_media_open(path, &options, &r->media, err);
    if (rc == UT_OK)
        rc = ut_digest_open(&r->digest, err);
    for (; rc == UT_OK && r->count < count; r->count++)
        rc = ut_fingerprinter_open(params[r->count], &r->printers[r->count], err);
    return rc;
}

static void reader_close(reader **r)
{
    if (!*r)
        return;
    for (size_t i = 0; i < UT_INGEST_SETS; i++)
        ut_fingerprinter_close(&(*r)->printers[i]);
    ut_digest_close(&(*r)->digest);
    ut_media_close(&(*r)->media);
    free(*r);
    *r = NULL;
}

ut_status ut_reading_make(const char *path, const ut_params *const *params, size_t params_count, ut_stopped_fn stopped,
                          void *arg, ut_reading *out, ut_err *err)
{
    ut_reading reading = {0};
    size_t landmarks = 0;
    reader *r = calloc(1, sizeof *r);
    ut_status rc = r ? reader_open(r, path, params, params_count, err) : ut_fail(err, UT_E_NOMEM, "%s: reader", path);
    if (rc == UT_OK)
        rc = pump(r, path, stopped, arg, err);
    for (size_t i = 0; rc == UT_OK && i < r->count; i++)
        rc = row_finish(r, i, params[i], &reading, &landmarks, err);
    if (rc == UT_OK && landmarks == 0)
        rc = ut_fail(err, UT_E_UNSUPPORTED, "%s: nothing in it to recognise (silent or too short)", path);
    if (rc == UT_OK)
        rc = tags_read(ut_media_describe(r->media), path, &reading.tags, err);
    if (rc == UT_OK) {
        ut_digest_finish(&r->digest, reading.tags.audio_sha256);
        reading.tags.duration_ms = r->frames * 1000 / UT_RATE_HZ;
        reading.audio_s = (double)r->frames / UT_RATE_HZ;
        *out = reading;
    } else {
        ut_reading_clear(&reading);
    }
    reader_close(&r);
    return rc;
}
