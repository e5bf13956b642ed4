#include "pipeline/media.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gst/pbutils/pbutils.h>

#include "pipeline/convert.h"
#include "pipeline/decode.h"
#include "pipeline/gst.h"
#include "pipeline/truncation.h"

#define TAGS 7
#define BUFFERS_MAX 16             /* decoded buffers that may wait for the reader */
#define PATIENCE_S 60              /* a source that gives nothing for so long has failed */
#define HOLE_NS (40 * GST_MSECOND) /* a jump that rounding of time stamps does not explain */
#define SHORTFALL_S 0.5            /* audio missing at the end of a file that says how long it is */
#define SHORTFALL_VIDEO_S 5        /* with pictures, whose length the container's length may be */

struct ut_media {
    char *path; /* as the user named it */
    ut_media_options options;
    char language[8];
    GstElement *pipeline;
    GstElement *sink; /* borrowed */
    GstBus *bus;
    ut_decode *decode;
    ut_convert *convert;
    GstAudioInfo format; /* of the buffers that come */
    const float *ready;  /* converted frames not yet read; borrowed from convert */
    size_t ready_count;
    uint64_t frames_in; /* decoded, at format.rate */
    GstClockTime next_pts;
    size_t holes; /* places where something is missing */
    bool ended;
    ut_media_info info;
    char codec[64];
    char *tags[TAGS]; /* owned strings behind info */
    ut_err failure;   /* what ends the stream, once what came before it is read */
};

/* --- reading samples -------------------------------------------------------------------------------------- */

static ut_status drain_bus(ut_media *media, ut_err *err)
{
    ut_status rc = UT_OK;
    GstMessage *message;
    while (rc == UT_OK && (message = gst_bus_pop(media->bus))) {
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
            rc = ut_decode_problem(media->decode, media->path, true, err);
            if (rc == UT_OK)
                rc = ut_gst_fail(err, media->path, message);
        }
        gst_message_unref(message);
    }
    return rc != UT_OK ? rc : ut_decode_problem(media->decode, media->path, false, err);
}

static ut_status set_format(ut_media *media, GstSample *sample, ut_err *err)
{
    GstAudioInfo format;
    GstCaps *caps = gst_sample_get_caps(sample);
    if (!caps || !gst_audio_info_from_caps(&format, caps))
        return ut_fail(err, UT_E_CORRUPT, "%s: audio of no known form", media->path);
    if (media->convert && gst_audio_info_is_equal(&format, &media->format))
        return UT_OK;
    const ut_media_options *o = &media->options;
    ut_convert *convert;
    ut_status rc = ut_convert_open(&format, o->rate_hz, o->channels, o->drop_centre, &convert, err);
    if (rc != UT_OK)
        return ut_err_prefix(err, "%s", media->path);
    if (media->convert &&
        (ut_convert_rate_hz(convert) != media->info.rate_hz || ut_convert_channels(convert) != media->info.channels)) {
        ut_convert_close(&convert);
        return ut_fail(err, UT_E_UNSUPPORTED, "%s: its audio changes from %d Hz, %d channels to %d Hz, %d channels",
                       media->path, media->format.rate, media->format.channels, format.rate, format.channels);
    }
    ut_convert_close(&media->convert);
    media->convert = convert;
    media->format = format;
    media->info.rate_hz = ut_convert_rate_hz(convert);
    media->info.channels = ut_convert_channels(convert);
    media->info.centre_dropped = ut_convert_centre_dropped(convert);
    return UT_OK;
}

/* Decoders leave out what they cannot decode and say nothing; but what follows is marked, or its time stamp jumps. */
static void look_for_holes(ut_media *media, const GstBuffer *buffer, size_t frames)
{
    bool marked = media->frames_in > 0 && GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT);
    GstClockTime pts = GST_BUFFER_PTS(buffer);
    bool known = GST_CLOCK_TIME_IS_VALID(pts) && GST_CLOCK_TIME_IS_VALID(media->next_pts);
    bool jumps = known && (pts > media->next_pts + HOLE_NS || pts + HOLE_NS < media->next_pts);
    media->holes += marked || jumps;
    media->next_pts = GST_CLOCK_TIME_IS_VALID(pts)
                          ? pts + gst_util_uint64_scale(frames, GST_SECOND, (guint64)media->format.rate)
                          : GST_CLOCK_TIME_NONE;
}

static ut_status take_sample(ut_media *media, GstSample *sample, ut_err *err)
{
    ut_status rc = set_format(media, sample, err);
    if (rc != UT_OK)
        return rc;
    GstMapInfo map;
    GstBuffer *buffer = gst_sample_get_buffer(sample);
    if (!buffer || !gst_buffer_map(buffer, &map, GST_MAP_READ))
        return ut_fail(err, UT_E_IO, "%s: a buffer cannot be read", media->path);
    size_t frames = map.size / (size_t)GST_AUDIO_INFO_BPF(&media->format);
    look_for_holes(media, buffer, frames);
    media->frames_in += frames;
    if (frames)
        rc = ut_convert_push(media->convert, (const float *)(const void *)map.data, frames, &media->ready,
                             &media->ready_count, err);
    gst_buffer_unmap(buffer, &map);
    return rc;
}

/* A file that names its length and gives less was cut off. Only containers that store the length count: the length of
 * an MP3 or ADTS file is a guess from its bit rate. */
static ut_status check_complete(ut_media *media, ut_err *err)
{
    static const char *const exact[] = {"audio/x-wav", "audio/x-aiff",     "audio/x-flac",     "video/quicktime",
                                        "audio/x-m4a", "video/x-matroska", "audio/x-matroska", "video/webm",
                                        "audio/webm",  "audio/x-caf",      "video/x-ms-asf"};
    char container[64];
    ut_decode_container(media->decode, container, sizeof container);
    double given_s = media->convert ? (double)media->frames_in / media->format.rate : 0;
    if (!ut_gst_is_uri(media->path) && ut_file_is_cut(media->path, container))
        return ut_fail(err, UT_E_CORRUPT, "%s: breaks off at %.1f s", media->path, given_s);
    bool stored = false;
    for (size_t i = 0; i < sizeof exact / sizeof exact[0]; i++)
        stored |= strcmp(container, exact[i]) == 0;
    if (!stored || !media->convert || isnan(media->info.duration_s))
        return UT_OK;
    double slack_s = ut_decode_has_video(media->decode) ? SHORTFALL_VIDEO_S : SHORTFALL_S;
    if (given_s + slack_s >= media->info.duration_s)
        return UT_OK;
    return ut_fail(err, UT_E_CORRUPT, "%s: breaks off at %.1f s of %.1f s", media->path, given_s,
                   media->info.duration_s);
}

/* The end: the tail of the resampler, and whether it was the true end. */
static void finish(ut_media *media)
{
    media->ended = true;
    if (media->failure.code == UT_OK && drain_bus(media, &media->failure) == UT_OK &&
        check_complete(media, &media->failure) == UT_OK && media->holes + ut_decode_damage(media->decode) > 0)
        ut_fail(&media->failure, UT_E_CORRUPT, "%s: is damaged: audio is missing in %zu places", media->path,
                media->holes + ut_decode_damage(media->decode));
    if (media->convert && ut_convert_push(media->convert, NULL, 0, &media->ready, &media->ready_count, NULL) != UT_OK)
        media->ready_count = 0;
}

/* Waits until frames are ready or the end is reached. After an error what is already decoded still comes, and after
 * that the error. */
static void fill(ut_media *media)
{
    gint64 deadline = g_get_monotonic_time() + PATIENCE_S * G_TIME_SPAN_SECOND;
    while (!media->ready_count && !media->ended) {
        GstSample *sample = gst_app_sink_try_pull_sample(GST_APP_SINK(media->sink), 200 * GST_MSECOND);
        if (sample) {
            if (take_sample(media, sample, &media->failure) != UT_OK)
                media->ended = true;
            gst_sample_unref(sample);
        } else if (gst_app_sink_is_eos(GST_APP_SINK(media->sink)) || media->failure.code != UT_OK) {
            finish(media);
        } else if (drain_bus(media, &media->failure) == UT_OK && g_get_monotonic_time() > deadline) {
            ut_fail(&media->failure, UT_E_IO, "%s: no data for %d s", media->path, PATIENCE_S);
        }
    }
}

ut_status ut_media_read(ut_media *media, float *out, size_t capacity, size_t *got, ut_err *err)
{
    size_t channels = (size_t)media->info.channels, done = 0;
    while (done < capacity) {
        fill(media);
        if (!media->ready_count)
            break;
        size_t take = capacity - done < media->ready_count ? capacity - done : media->ready_count;
        memcpy(out + done * channels, media->ready, take * channels * sizeof *out);
        media->ready += take * channels;
        media->ready_count -= take;
        done += take;
    }
    if (!done && capacity && media->failure.code != UT_OK) {
        if (err)
            *err = media->failure;
        return media->failure.code;
    }
    *got = done;
    return UT_OK;
}

/* --- opening ------------------------------------------------------------------------------------------------ */

static ut_status check_path(const char *path, ut_err *err)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return ut_fail(err, errno == ENOENT || errno == ENOTDIR ? UT_E_NOTFOUND : UT_E_IO, "%s: %s", path,
                       g_strerror(errno));
    if (S_ISDIR(status.st_mode))
        return ut_fail(err, UT_E_ARG, "%s: is a folder", path);
    if (access(path, R_OK) != 0)
        return ut_fail(err, UT_E_IO, "%s: %s", path, g_strerror(errno));
    if (S_ISREG(status.st_mode) && status.st_size == 0)
        return ut_fail(err, UT_E_UNSUPPORTED, "%s: is empty", path);
    return UT_OK;
}

/* Links the source's pad, or its first one that appears. */
static void on_source_pad(GstElement *source, GstPad *pad, ut_media *media)
{
    (void)source;
    if (ut_decode_feed(media->decode, pad, NULL, NULL) != UT_OK)
        g_debug("a further pad of the source stays unlinked");
}

static ut_status add_source(ut_media *media, ut_err *err)
{
    GstElement *source;
    GError *error = NULL;
    ut_status rc = UT_OK;
    if (ut_gst_is_uri(media->path)) {
        source = gst_element_make_from_uri(GST_URI_SRC, media->path, NULL, &error);
        if (!source) {
            rc = ut_fail(err, UT_E_UNSUPPORTED, "%s: %s", media->path, error ? error->message : "no element reads it");
            g_clear_error(&error);
            return rc;
        }
        gst_bin_add(GST_BIN(media->pipeline), source);
    } else {
        if ((rc = check_path(media->path, err)) != UT_OK ||
            (rc = ut_gst_make(GST_BIN(media->pipeline), "filesrc", &source, err)) != UT_OK)
            return rc;
        g_object_set(source, "location", media->path, NULL);
    }
    GstPad *pad = gst_element_get_static_pad(source, "src");
    if (pad) {
        rc = ut_decode_feed(media->decode, pad, NULL, err);
        gst_object_unref(pad);
    } else {
        g_signal_connect(source, "pad-added", G_CALLBACK(on_source_pad), media);
    }
    return rc;
}

static ut_status build(ut_media *media, int program, ut_err *err)
{
    media->pipeline = gst_pipeline_new(NULL);
    media->bus = gst_element_get_bus(media->pipeline);
    ut_choice choice = {.program = program, .pid = media->options.pid, .language = media->options.language};
    ut_status rc = ut_decode_open(GST_BIN(media->pipeline), &choice, &media->decode, &media->sink, err);
    if (rc != UT_OK)
        return rc;
    g_object_set(media->sink, "max-buffers", BUFFERS_MAX, NULL);
    if (media->options.events_of)
        rc = ut_decode_follow_events(media->decode, media->options.events_of, err);
    return rc == UT_OK ? add_source(media, err) : rc;
}

static void tear_down(ut_media *media)
{
    if (media->pipeline)
        gst_element_set_state(media->pipeline, GST_STATE_NULL);
    g_clear_pointer(&media->bus, gst_object_unref);
    ut_decode_close(&media->decode);
    g_clear_pointer(&media->pipeline, gst_object_unref);
}

static void read_tags(ut_media *media)
{
    static const char *const names[] = {GST_TAG_TITLE,    GST_TAG_ARTIST,    GST_TAG_ALBUM,       GST_TAG_ISRC,
                                        GST_TAG_COMPOSER, GST_TAG_PUBLISHER, GST_TAG_ORGANIZATION};
    const char **fields[] = {&media->info.title,    &media->info.artist,    &media->info.album, &media->info.isrc,
                             &media->info.composer, &media->info.publisher, &media->info.label};
    GstPad *pad = gst_element_get_static_pad(media->sink, "sink");
    GstEvent *event;
    for (guint i = 0; (event = gst_pad_get_sticky_event(pad, GST_EVENT_TAG, i)); i++) {
        GstTagList *tags;
        gst_event_parse_tag(event, &tags);
        for (size_t t = 0; t < TAGS; t++)
            if (!media->tags[t] && gst_tag_list_get_string(tags, names[t], &media->tags[t]))
                *fields[t] = media->tags[t];
        gst_event_unref(event);
    }
    gst_object_unref(pad);
}

static void describe(ut_media *media)
{
    ut_stream streams[UT_STREAMS_MAX];
    size_t count = ut_decode_streams(media->decode, streams, UT_STREAMS_MAX);
    for (size_t i = 0; i < count; i++)
        if (streams[i].chosen)
            g_strlcpy(media->codec, streams[i].codec, sizeof media->codec);
    media->info.codec = media->codec;
    gint64 duration_ns;
    media->info.duration_s = NAN;
    if (gst_element_query_duration(media->pipeline, GST_FORMAT_TIME, &duration_ns) && duration_ns >= 0)
        media->info.duration_s = (double)duration_ns / GST_SECOND;
    read_tags(media);
}

/* Runs until the first samples are there, so that format, length and tags are known. */
static ut_status start(ut_media *media, ut_err *err)
{
    if (gst_element_set_state(media->pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
        ut_status rc = drain_bus(media, err);
        return rc != UT_OK ? rc : ut_fail(err, UT_E_IO, "%s: cannot be started", media->path);
    }
    fill(media);
    if (!media->convert && media->failure.code == UT_OK)
        ut_fail(&media->failure, UT_E_UNSUPPORTED, "%s: no audio in it", media->path);
    if (!media->convert) {
        if (err)
            *err = media->failure;
        return media->failure.code;
    }
    return UT_OK;
}

bool ut_media_events(ut_media *media, ut_schedule *out)
{
    return ut_decode_events(media->decode, out);
}

static ut_media *make(const char *path, const ut_media_options *options)
{
    ut_media *media = calloc(1, sizeof *media);
    if (!media)
        return NULL;
    media->path = g_strdup(path);
    media->next_pts = GST_CLOCK_TIME_NONE;
    media->options = *options;
    if (options->language) {
        g_strlcpy(media->language, options->language, sizeof media->language);
        media->options.language = media->language;
    }
    return media;
}

ut_status ut_media_open(const char *path, const ut_media_options *options, ut_media **out, ut_err *err)
{
    ut_status rc = ut_gst_init(err);
    if (rc != UT_OK)
        return rc;
    ut_media *media = make(path, options);
    if (!media)
        return ut_fail(err, UT_E_NOMEM, "%s: decoder", path);
    int program = options->program;
    if ((rc = build(media, program, err)) == UT_OK)
        rc = start(media, err);
    if (rc != UT_OK && media->decode && (program = ut_decode_other_program(media->decode)) > 0) {
        tear_down(media);
        media->ended = false;
        media->failure = (ut_err){0};
        if ((rc = build(media, program, err)) == UT_OK)
            rc = start(media, err);
    }
    if (rc != UT_OK)
        goto fail;
    describe(media);
    *out = media;
    return UT_OK;
fail:
    ut_media_close(&media);
    return rc;
}

void ut_media_close(ut_media **media)
{
    if (!*media)
        return;
    tear_down(*media);
    ut_convert_close(&(*media)->convert);
    for (size_t t = 0; t < TAGS; t++)
        g_free((*media)->tags[t]);
    g_free((*media)->path);
    free(*media);
    *media = NULL;
}

const ut_media_info *ut_media_describe(const ut_media *media)
{
    return &media->info;
}
