/* Decoding of files and finite URIs (GStreamer): anything it can decode, as mono float at UT_RATE_HZ or in the original
 * form. Pull interface, bounded memory, one thread each. */
#ifndef UT_PIPELINE_MEDIA_H
#define UT_PIPELINE_MEDIA_H

#include <stdint.h>

#include "core/status.h"
#include "pipeline/schedule.h"

typedef struct ut_media ut_media;

typedef struct {
    int rate_hz;           /* 0: the original rate */
    int channels;          /* 1: mono; 0: the original channels, interleaved */
    int program;           /* MPEG-TS programme number; 0: the first */
    int pid;               /* MPEG-TS PID; 0: any */
    const char *language;  /* ISO 639; NULL: any */
    bool drop_centre;      /* 5.1: leave the centre out, a nearly dialogue-free feed */
    const char *events_of; /* channel whose programmes a transport stream announces are collected; NULL: none are */
} ut_media_options;

/* Borrowed; strings may be NULL. */
typedef struct {
    int rate_hz; /* of what ut_media_read gives */
    int channels;
    bool centre_dropped; /* there was a centre and it is left out */
    double duration_s;   /* NAN if unknown */
    const char *codec;
    const char *title, *artist, *album, *isrc, *composer, *publisher, *label;
} ut_media_info;

/* path: a file or a URI. Errors, one clear line each: UT_E_NOTFOUND; UT_E_UNSUPPORTED (not media, unknown codec, no
 * audio track, names the remedy); UT_E_IO. */
UT_CHECK ut_status ut_media_open(const char *path, const ut_media_options *options, ut_media **out, ut_err *err);
void ut_media_close(ut_media **media);
const ut_media_info *ut_media_describe(const ut_media *media);
/* The airings announced so far (EIT present/following); false: none. *out is the caller's to clear. */
bool ut_media_events(ut_media *media, ut_schedule *out);
/* Up to `capacity` frames; *got = 0 at the end. A file that breaks off gives what it has and then UT_E_CORRUPT. */
UT_CHECK ut_status ut_media_read(ut_media *media, float *out, size_t capacity, size_t *got, ut_err *err);

#endif
