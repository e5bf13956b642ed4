#include <stdlib.h>
#include <string.h>

#include <gst/pbutils/pbutils.h>
#include <gst/tag/tag.h>

#include "pipeline/decode_state.h"

const char *ut_decode_caps_name(const GstCaps *caps)
{
    return caps && gst_caps_get_size(caps) ? gst_structure_get_name(gst_caps_get_structure(caps, 0)) : "";
}

static bool factory_takes(GstElementFactoryListType type, GstCaps *caps)
{
    GList *all = gst_element_factory_list_get_elements(type, GST_RANK_MARGINAL);
    GList *fit = gst_element_factory_list_filter(all, caps, GST_PAD_SINK, FALSE);
    bool takes = fit != NULL;
    gst_plugin_feature_list_free(fit);
    gst_plugin_feature_list_free(all);
    return takes;
}

bool ut_decode_is_picture(GstCaps *caps)
{
    const char *name = ut_decode_caps_name(caps);
    if (g_str_has_prefix(name, "image/"))
        return true;
    GstElementFactoryListType video = GST_ELEMENT_FACTORY_TYPE_MEDIA_VIDEO;
    return g_str_has_prefix(name, "video/") && !factory_takes(GST_ELEMENT_FACTORY_TYPE_DEMUXER, caps) &&
           (factory_takes(GST_ELEMENT_FACTORY_TYPE_PARSER | video, caps) ||
            factory_takes(GST_ELEMENT_FACTORY_TYPE_DECODER | video, caps));
}

void ut_decode_describe_codec(const GstCaps *caps, char *text, size_t size)
{
    gchar *description = gst_pb_utils_get_codec_description(caps);
    g_strlcpy(text, description ? description : ut_decode_caps_name(caps), size);
    g_free(description);
}

/* A PID is the last part of the stream id that tsdemux makes: eight hexadecimal digits. */
int ut_decode_pid_of(const char *id)
{
    const char *tail = strrchr(id, '/');
    tail = tail ? tail + 1 : id;
    size_t size = strlen(tail);
    if (size < 8)
        return 0;
    char *end;
    unsigned long pid = strtoul(tail + size - 8, &end, 16);
    return *end == '\0' && pid <= 0x1fff ? (int)pid : 0;
}

void ut_decode_read_language(GstPad *pad, char *language, size_t size)
{
    GstEvent *event;
    for (guint i = 0; (event = gst_pad_get_sticky_event(pad, GST_EVENT_TAG, i)); i++) {
        GstTagList *tags;
        gst_event_parse_tag(event, &tags);
        gchar *code = NULL;
        if (gst_tag_list_get_string(tags, GST_TAG_LANGUAGE_CODE, &code))
            g_strlcpy(language, code, size);
        g_free(code);
        gst_event_unref(event);
    }
}

void ut_decode_read_caps(ut_candidate *c)
{
    GstCaps *caps = gst_pad_get_current_caps(c->pad);
    if (!caps)
        return;
    ut_decode_describe_codec(caps, c->stream.codec, sizeof c->stream.codec);
    gst_structure_get_int(gst_caps_get_structure(caps, 0), "rate", &c->stream.rate_hz);
    gst_structure_get_int(gst_caps_get_structure(caps, 0), "channels", &c->stream.channels);
    gst_caps_unref(caps);
}

bool ut_decode_same_language(const char *a, const char *b)
{
    const gchar *code_a = gst_tag_get_language_code_iso_639_2T(a);
    const gchar *code_b = gst_tag_get_language_code_iso_639_2T(b);
    return g_ascii_strcasecmp(code_a ? code_a : a, code_b ? code_b : b) == 0;
}

bool ut_decode_fits(const ut_decode *decode, const ut_candidate *c)
{
    const char *language = decode->choice.language;
    return !c->silent && (!decode->choice.pid || decode->choice.pid == c->stream.pid) &&
           (!language || (!c->seen && !c->stream.language[0]) || ut_decode_same_language(language, c->stream.language));
}
