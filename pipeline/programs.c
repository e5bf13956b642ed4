#include "pipeline/programs.h"

#define GST_USE_UNSTABLE_API /* mpegts has been "unstable" for ten years */
#include <gst/mpegts/mpegts.h>

#define DESCRIPTOR_AC3 0x6a
#define DESCRIPTOR_EAC3 0x7a
#define DESCRIPTOR_DTS 0x7b
#define DESCRIPTOR_AAC 0x7c

bool ut_programs_has(const ut_programs *programs, int program)
{
    for (size_t i = 0; i < programs->program_count; i++)
        if (programs->programs[i] == program)
            return true;
    return programs->program_count == 0;
}

const ut_program_stream *ut_programs_find(const ut_programs *programs, int pid)
{
    for (size_t i = 0; i < programs->stream_count; i++)
        if (programs->streams[i].pid == pid)
            return &programs->streams[i];
    return NULL;
}

bool ut_programs_awaits(const ut_programs *programs)
{
    for (size_t i = 0; i < programs->program_count; i++) {
        bool known = false;
        for (size_t k = 0; k < programs->stream_count && !known; k++)
            known = programs->streams[k].program == programs->programs[i];
        if (!known)
            return true;
    }
    return false;
}

/* ISO 13818-1 table 2-34 and, for private data, the descriptors of EN 300 468; NULL if it is no audio. */
static const char *codec_of(const GstMpegtsPMTStream *stream)
{
    static const struct {
        int type;
        const char *codec;
    } types[] = {
        {0x03, "MPEG-1 audio"}, {0x04, "MPEG-2 audio"}, {0x0f, "AAC"},    {0x11, "AAC (LATM)"},
        {0x81, "AC-3"},         {0x82, "DTS"},          {0x87, "E-AC-3"},
    };
    static const struct {
        guint8 tag;
        const char *codec;
    } descriptors[] = {
        {DESCRIPTOR_AC3, "AC-3"}, {DESCRIPTOR_EAC3, "E-AC-3"}, {DESCRIPTOR_DTS, "DTS"}, {DESCRIPTOR_AAC, "AAC"}};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        if (types[i].type == stream->stream_type)
            return types[i].codec;
    if (stream->stream_type == 0x06)
        for (size_t i = 0; i < G_N_ELEMENTS(descriptors); i++)
            if (gst_mpegts_find_descriptor(stream->descriptors, descriptors[i].tag))
                return descriptors[i].codec;
    return NULL;
}

static void read_language(const GstMpegtsPMTStream *stream, ut_program_stream *out)
{
    const GstMpegtsDescriptor *descriptor =
        gst_mpegts_find_descriptor(stream->descriptors, GST_MTS_DESC_ISO_639_LANGUAGE);
    gchar *language = NULL;
    GstMpegtsIso639AudioType type;
    if (descriptor && gst_mpegts_descriptor_parse_iso_639_language_idx(descriptor, 0, &language, &type)) {
        g_strlcpy(out->language, language, sizeof out->language);
        out->description = type == GST_MPEGTS_AUDIO_TYPE_VISUAL_IMPAIRED_COMMENTARY;
    }
    g_free(language);
}

/* A new version of a PMT takes the place of the old one. */
static void learn_pmt(ut_programs *programs, const GstMpegtsPMT *pmt)
{
    size_t kept = 0;
    for (size_t i = 0; i < programs->stream_count; i++)
        if (programs->streams[i].program != pmt->program_number)
            programs->streams[kept++] = programs->streams[i];
    programs->stream_count = kept;
    for (guint i = 0; i < pmt->streams->len && programs->stream_count < UT_PIDS_MAX; i++) {
        const GstMpegtsPMTStream *stream = g_ptr_array_index(pmt->streams, i);
        const char *codec = codec_of(stream);
        ut_program_stream *out = &programs->streams[programs->stream_count++];
        *out = (ut_program_stream){.program = pmt->program_number,
                                   .pid = stream->pid,
                                   .audio = codec != NULL,
                                   .codec = codec ? codec : "other"};
        read_language(stream, out);
    }
}

static void learn_pat(ut_programs *programs, const GPtrArray *pat)
{
    programs->program_count = 0;
    for (guint i = 0; i < pat->len && programs->program_count < UT_PROGRAMS_MAX; i++) {
        int program = ((const GstMpegtsPatProgram *)g_ptr_array_index(pat, i))->program_number;
        if (program) /* 0 is the network's own table */
            programs->programs[programs->program_count++] = program;
    }
}

int ut_programs_learn(ut_programs *programs, GstMessage *message)
{
    GstMpegtsSection *section =
        GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT ? gst_message_parse_mpegts_section(message) : NULL;
    if (!section)
        return 0;
    int kind = 1;
    if (GST_MPEGTS_SECTION_TYPE(section) == GST_MPEGTS_SECTION_PAT) {
        GPtrArray *pat = gst_mpegts_section_get_pat(section);
        if (pat) {
            learn_pat(programs, pat);
            g_ptr_array_unref(pat);
            kind = 2;
        }
    } else if (GST_MPEGTS_SECTION_TYPE(section) == GST_MPEGTS_SECTION_PMT) {
        const GstMpegtsPMT *pmt = gst_mpegts_section_get_pmt(section);
        if (pmt)
            learn_pmt(programs, pmt);
    }
    gst_mpegts_section_unref(section);
    return kind;
}
