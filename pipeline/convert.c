#include "pipeline/convert.h"

#include <stdlib.h>

#define CHANNELS_MAX 64

struct ut_convert {
    GstAudioConverter *gst;
    float *silence; /* as much as the resampler's latency */
    int channels;
    int rate_hz;
    bool centre_dropped;
    float *buffer;
    size_t capacity; /* frames */
};

static int find(const GstAudioInfo *info, GstAudioChannelPosition position)
{
    for (int i = 0; i < GST_AUDIO_INFO_CHANNELS(info); i++)
        if (info->position[i] == position)
            return i;
    return -1;
}

static bool has_centre(const GstAudioInfo *info)
{
    return !GST_AUDIO_INFO_IS_UNPOSITIONED(info) && find(info, GST_AUDIO_CHANNEL_POSITION_FRONT_CENTER) >= 0 &&
           find(info, GST_AUDIO_CHANNEL_POSITION_FRONT_LEFT) >= 0 &&
           find(info, GST_AUDIO_CHANNEL_POSITION_FRONT_RIGHT) >= 0;
}

/* Weight of an input channel in the dialogue-free feed; 0 leaves it out. */
static float weight_of(GstAudioChannelPosition position)
{
    switch (position) {
    case GST_AUDIO_CHANNEL_POSITION_FRONT_CENTER:
    case GST_AUDIO_CHANNEL_POSITION_LFE1:
    case GST_AUDIO_CHANNEL_POSITION_LFE2:
        return 0.0F;
    case GST_AUDIO_CHANNEL_POSITION_FRONT_LEFT:
    case GST_AUDIO_CHANNEL_POSITION_FRONT_RIGHT:
        return 1.0F;
    default:
        return 0.70710678F;
    }
}

/* One row per output channel, one column per input channel. */
static void set_matrix(GstStructure *config, int in_channels, int out_channels, float (*matrix)[CHANNELS_MAX])
{
    GValue rows = G_VALUE_INIT;
    g_value_init(&rows, GST_TYPE_ARRAY);
    for (int o = 0; o < out_channels; o++) {
        GValue row = G_VALUE_INIT;
        g_value_init(&row, GST_TYPE_ARRAY);
        for (int i = 0; i < in_channels; i++) {
            GValue cell = G_VALUE_INIT;
            g_value_init(&cell, G_TYPE_FLOAT);
            g_value_set_float(&cell, matrix[o][i]);
            gst_value_array_append_and_take_value(&row, &cell);
        }
        gst_value_array_append_and_take_value(&rows, &row);
    }
    gst_structure_take_value(config, GST_AUDIO_CONVERTER_OPT_MIX_MATRIX, &rows);
}

/* Without the centre: mono is the weighted mean of what remains; the original channels are those that remain. */
static void drop_centre(const GstAudioInfo *in, bool mono, GstStructure *config, GstAudioInfo *out)
{
    float matrix[CHANNELS_MAX][CHANNELS_MAX] = {{0}};
    float sum = 0;
    int kept = 0;
    for (int i = 0; i < GST_AUDIO_INFO_CHANNELS(in); i++) {
        float weight = weight_of(in->position[i]);
        if (weight <= 0.0F)
            continue;
        sum += weight;
        matrix[mono ? 0 : kept][i] = mono ? weight : 1.0F;
        kept++;
    }
    for (int i = 0; mono && i < GST_AUDIO_INFO_CHANNELS(in); i++)
        matrix[0][i] /= sum;
    int channels = mono ? 1 : kept;
    GstAudioChannelPosition none[CHANNELS_MAX] = {0};
    for (int i = 0; i < channels; i++)
        none[i] = GST_AUDIO_CHANNEL_POSITION_NONE;
    gst_audio_info_set_format(out, GST_AUDIO_FORMAT_F32, out->rate, channels, mono ? NULL : none);
    set_matrix(config, GST_AUDIO_INFO_CHANNELS(in), channels, matrix);
}

ut_status ut_convert_open(const GstAudioInfo *in, int rate_hz, int channels, bool without_centre, ut_convert **out,
                          ut_err *err)
{
    if (GST_AUDIO_INFO_CHANNELS(in) > CHANNELS_MAX)
        return ut_fail(err, UT_E_UNSUPPORTED, "audio of %d channels", GST_AUDIO_INFO_CHANNELS(in));
    ut_convert *convert = calloc(1, sizeof *convert);
    if (!convert)
        return ut_fail(err, UT_E_NOMEM, "audio converter");
    GstAudioInfo target = *in;
    int rate = rate_hz ? rate_hz : GST_AUDIO_INFO_RATE(in);
    if (channels == 1)
        gst_audio_info_set_format(&target, GST_AUDIO_FORMAT_F32, rate, 1, NULL);
    else
        target.rate = rate;
    /* Dither would make two runs differ; there is none on float anyway, and this keeps it so. */
    GstStructure *config =
        gst_structure_new("GstAudioConverter", GST_AUDIO_CONVERTER_OPT_DITHER_METHOD, GST_TYPE_AUDIO_DITHER_METHOD,
                          GST_AUDIO_DITHER_NONE, GST_AUDIO_CONVERTER_OPT_RESAMPLER_METHOD,
                          GST_TYPE_AUDIO_RESAMPLER_METHOD, GST_AUDIO_RESAMPLER_METHOD_KAISER, NULL);
    gst_audio_resampler_options_set_quality(GST_AUDIO_RESAMPLER_METHOD_KAISER, GST_AUDIO_RESAMPLER_QUALITY_DEFAULT,
                                            GST_AUDIO_INFO_RATE(in), rate, config);
    convert->centre_dropped = without_centre && has_centre(in);
    if (convert->centre_dropped)
        drop_centre(in, channels == 1, config, &target);
    convert->rate_hz = rate;
    convert->channels = GST_AUDIO_INFO_CHANNELS(&target);
    GstAudioInfo source = *in;
    convert->gst = gst_audio_converter_new(GST_AUDIO_CONVERTER_FLAG_NONE, &source, &target, config);
    if (!convert->gst) {
        ut_convert_close(&convert);
        return ut_fail(err, UT_E_UNSUPPORTED, "audio of %d channels at %d Hz cannot be converted",
                       GST_AUDIO_INFO_CHANNELS(in), GST_AUDIO_INFO_RATE(in));
    }
    convert->silence = calloc(gst_audio_converter_get_max_latency(convert->gst) + 1,
                              sizeof(float) * (size_t)GST_AUDIO_INFO_CHANNELS(in));
    if (!convert->silence) {
        ut_convert_close(&convert);
        return ut_fail(err, UT_E_NOMEM, "audio converter");
    }
    *out = convert;
    return UT_OK;
}

void ut_convert_close(ut_convert **convert)
{
    if (!*convert)
        return;
    if ((*convert)->gst)
        gst_audio_converter_free((*convert)->gst);
    free((*convert)->silence);
    free((*convert)->buffer);
    free(*convert);
    *convert = NULL;
}

int ut_convert_rate_hz(const ut_convert *convert)
{
    return convert->rate_hz;
}

int ut_convert_channels(const ut_convert *convert)
{
    return convert->channels;
}

bool ut_convert_centre_dropped(const ut_convert *convert)
{
    return convert->centre_dropped;
}

static ut_status reserve(ut_convert *convert, size_t frames, ut_err *err)
{
    if (frames <= convert->capacity)
        return UT_OK;
    size_t bytes;
    float *grown = NULL;
    if (ut_mul_ok(frames, sizeof(float) * (size_t)convert->channels, &bytes))
        grown = realloc(convert->buffer, bytes);
    if (!grown)
        return ut_fail(err, UT_E_NOMEM, "audio of %zu frames", frames);
    convert->buffer = grown;
    convert->capacity = frames;
    return UT_OK;
}

ut_status ut_convert_push(ut_convert *convert, const float *in, size_t frames, const float **out, size_t *got,
                          ut_err *err)
{
    if (!in) {
        /* The resampler is half its filter behind; silence pushes that out. GStreamer's own silence (in = NULL) is what
         * happened to be in the mixer's buffer when there is more than one channel (1.22). */
        frames = gst_audio_converter_get_max_latency(convert->gst);
        in = convert->silence;
    }
    size_t room = gst_audio_converter_get_out_frames(convert->gst, frames);
    ut_status rc = reserve(convert, room, err);
    if (rc != UT_OK)
        return rc;
    gpointer from[1] = {(gpointer)in}; /* the library reads it only; its signature has no const */
    gpointer to[1] = {convert->buffer};
    if (!gst_audio_converter_samples(convert->gst, GST_AUDIO_CONVERTER_FLAG_NONE, from, frames, to, room))
        return ut_fail(err, UT_E_CORRUPT, "audio of %zu frames cannot be converted", frames);
    *out = convert->buffer;
    *got = room;
    return UT_OK;
}
