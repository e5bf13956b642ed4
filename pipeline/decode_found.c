#include "pipeline/decode_state.h"

ut_status ut_decode_follow_events(ut_decode *decode, const char *channel, ut_err *err)
{
    const ut_schedule_options options = {.channel = channel};
    ut_eit *eit = NULL;
    ut_status rc = ut_eit_open(&options, &eit, err);
    if (rc != UT_OK)
        return rc;
    pthread_mutex_lock(&decode->lock);
    ut_eit_close(&decode->eit);
    decode->eit = eit;
    pthread_mutex_unlock(&decode->lock);
    ut_decode_watch_bytes(decode);
    return UT_OK;
}

/* The programme that was opened: as asked for, that of the PID, or the first; 0 before the PAT is known. */
static int opened_program(const ut_decode *decode)
{
    const ut_program_stream *stream =
        decode->choice.pid ? ut_programs_find(&decode->programs, decode->choice.pid) : NULL;
    if (decode->choice.program)
        return decode->choice.program;
    if (decode->choice.pid)
        return stream ? stream->program : 0;
    return decode->programs.program_count ? decode->programs.programs[0] : 0;
}

bool ut_decode_events(ut_decode *decode, ut_schedule *out)
{
    pthread_mutex_lock(&decode->lock);
    int service = opened_program(decode);
    bool news = decode->eit && service && ut_eit_news(decode->eit);
    if (news) {
        ut_eit_choose(decode->eit, service);
        news = ut_eit_schedule(decode->eit, "stream", out, NULL) == UT_OK;
    }
    pthread_mutex_unlock(&decode->lock);
    return news;
}

/* In the thread that posts, so before the demuxer goes on. Left alone it takes the programme whose PMT comes first,
 * which of a live stream is a matter of luck: the first is the first of the PAT. */
GstBusSyncReply ut_decode_on_message(GstBus *bus, GstMessage *message, gpointer arg)
{
    (void)bus;
    ut_decode *decode = arg;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING) {
        GError *error = NULL;
        gst_message_parse_warning(message, &error, NULL);
        pthread_mutex_lock(&decode->lock);
        decode->damage += error->domain == GST_STREAM_ERROR;
        pthread_mutex_unlock(&decode->lock);
        g_clear_error(&error);
    }
    pthread_mutex_lock(&decode->lock);
    int learnt = ut_programs_learn(&decode->programs, message);
    bool take_first = learnt == 2 && !decode->choice.program && decode->programs.program_count && !decode->exposed;
    int first = take_first ? decode->programs.programs[0] : 0;
    pthread_mutex_unlock(&decode->lock);
    if (first)
        g_object_set(GST_MESSAGE_SRC(message), "program-number", first, NULL);
    if (!learnt)
        return GST_BUS_PASS;
    gst_message_unref(message);
    return GST_BUS_DROP;
}

int ut_decode_other_program(ut_decode *decode)
{
    pthread_mutex_lock(&decode->lock);
    bool elsewhere = decode->choice.pid && !decode->choice.program && !decode->linked;
    const ut_program_stream *stream = elsewhere ? ut_programs_find(&decode->programs, decode->choice.pid) : NULL;
    int program = stream ? stream->program : 0;
    pthread_mutex_unlock(&decode->lock);
    return program;
}

static void list_streams(const ut_decode *decode, GString *text)
{
    for (size_t i = 0; i < decode->candidate_count; i++) {
        const ut_stream *s = &decode->candidates[i].stream;
        g_string_append(text, i ? ", " : "");
        if (s->pid)
            g_string_append_printf(text, "PID %d ", s->pid);
        if (s->language[0])
            g_string_append_printf(text, "%s ", s->language);
        g_string_append(text, s->codec[0] ? s->codec : "of unknown kind");
    }
}

/* No stream that is there ut_decode_fits, and none can come any more. */
static bool hopeless(const ut_decode *decode)
{
    bool waiting = decode->chosen || !decode->flowing || (decode->choice.pid && ut_programs_awaits(&decode->programs));
    for (size_t i = 0; i < decode->candidate_count; i++)
        waiting |= !decode->candidates[i].seen || ut_decode_fits(decode, &decode->candidates[i]);
    return !waiting || (decode->chosen && decode->unknown[0]);
}

static ut_status explain(const ut_decode *decode, const char *what, bool at_end, ut_err *err)
{
    GString *there = g_string_new(NULL);
    ut_status rc = UT_OK;
    if (decode->choice.program && !ut_programs_has(&decode->programs, decode->choice.program)) {
        for (size_t i = 0; i < decode->programs.program_count; i++)
            g_string_append_printf(there, "%s%d", i ? ", " : "", decode->programs.programs[i]);
        rc = ut_fail(err, UT_E_ARG, "%s: no programme %d (there are: %s)", what, decode->choice.program, there->str);
    } else if (decode->exposed && !decode->linked && (at_end || hopeless(decode))) {
        list_streams(decode, there);
        if (decode->unknown[0])
            rc = ut_fail(err, UT_E_UNSUPPORTED,
                         "%s: no decoder for its audio, %s: install gstreamer1.0-libav or gstreamer1.0-plugins-bad",
                         what, decode->unknown);
        else if (!decode->candidate_count)
            rc = ut_fail(err, UT_E_UNSUPPORTED, "%s: no audio track", what);
        else if (decode->choice.pid)
            rc = ut_fail(err, UT_E_ARG, "%s: no audio of PID %d (there are: %s)", what, decode->choice.pid, there->str);
        else
            rc = ut_fail(err, UT_E_ARG, "%s: no audio in language %s (there are: %s)", what, decode->language,
                         there->str);
    }
    g_string_free(there, TRUE);
    return rc;
}

ut_status ut_decode_problem(ut_decode *decode, const char *what, bool at_end, ut_err *err)
{
    pthread_mutex_lock(&decode->lock);
    ut_status rc = explain(decode, what, at_end, err);
    pthread_mutex_unlock(&decode->lock);
    return rc;
}

size_t ut_decode_damage(ut_decode *decode)
{
    pthread_mutex_lock(&decode->lock);
    size_t damage = decode->damage;
    pthread_mutex_unlock(&decode->lock);
    return damage;
}

void ut_decode_container(ut_decode *decode, char *name, size_t size)
{
    pthread_mutex_lock(&decode->lock);
    g_strlcpy(name, decode->container, size);
    pthread_mutex_unlock(&decode->lock);
}

bool ut_decode_has_video(ut_decode *decode)
{
    pthread_mutex_lock(&decode->lock);
    bool video = decode->video;
    pthread_mutex_unlock(&decode->lock);
    return video;
}

size_t ut_decode_streams(ut_decode *decode, ut_stream *streams, size_t capacity)
{
    pthread_mutex_lock(&decode->lock);
    size_t count = decode->candidate_count < capacity ? decode->candidate_count : capacity;
    for (size_t i = 0; i < count; i++)
        streams[i] = decode->candidates[i].stream;
    pthread_mutex_unlock(&decode->lock);
    return count;
}

void ut_decode_programs(ut_decode *decode, ut_programs *programs)
{
    pthread_mutex_lock(&decode->lock);
    *programs = decode->programs;
    pthread_mutex_unlock(&decode->lock);
}
