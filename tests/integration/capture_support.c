#include "tests/integration/capture_support.h"

#include <ftw.h>
#include <math.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/file.h"
#include "pipeline/gst.h"

/* --- files --------------------------------------------------------------------------------------------------- */

static char folder[64];

static int remove_entry(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
    (void)status;
    (void)flag;
    (void)walk;
    return remove(path);
}

static void remove_scratch(void)
{
    (void)nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *scratch(void)
{
    if (!folder[0]) {
        strcpy(folder, "/tmp/ut-capture-XXXXXX");
        assert_non_null(mkdtemp(folder));
        atexit(remove_scratch);
    }
    return folder;
}

const char *scratch_path(const char *name)
{
    static char paths[8][256];
    static size_t next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", scratch(), name);
    return path;
}

uint8_t *load(const char *path, size_t *size)
{
    char *data;
    assert_int_equal(ut_file_read(path, 64 << 20, &data, size, NULL), UT_OK);
    return (uint8_t *)data;
}

void save(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* --- GStreamer ------------------------------------------------------------------------------------------------ */

static GstElement *parse(const char *text)
{
    ut_err err;
    assert_int_equal(ut_gst_init(&err), UT_OK);
    GError *error = NULL;
    GstElement *pipeline = gst_parse_launch(text, &error);
    if (error)
        fail_msg("%s: %s", text, error->message);
    return pipeline;
}

void make_media(const char *path, const char *launch, ...)
{
    va_list args;
    va_start(args, launch);
    gchar *head = g_strdup_vprintf(launch, args);
    va_end(args);
    gchar *text = g_strdup_printf("%s ! filesink location=%s", head, path);
    GstElement *pipeline = parse(text);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *message = gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    ut_err err = {0};
    if (message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
        ut_gst_fail(&err, GST_OBJECT_NAME(GST_MESSAGE_SRC(message)), message);
    if (!message || err.code != UT_OK)
        fail_msg("cannot make %s with %s: %s", path, text, message ? err.text : "no end");
    gst_message_unref(message);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(bus);
    gst_object_unref(pipeline);
    g_free(head);
    g_free(text);
}

GstElement *player_start(const char *launch, ...)
{
    va_list args;
    va_start(args, launch);
    gchar *text = g_strdup_vprintf(launch, args);
    va_end(args);
    GstElement *player = parse(text);
    g_free(text);
    gst_element_set_state(player, GST_STATE_PLAYING);
    return player;
}

void player_stop(GstElement **player)
{
    gst_element_set_state(*player, GST_STATE_NULL);
    gst_object_unref(*player);
    *player = NULL;
}

/* --- transport streams and tones ----------------------------------------------------------------------------- */

static void shift_stamp(uint8_t *p, int64_t shift)
{
    int64_t pts = (int64_t)(p[0] >> 1 & 7) << 30 | (int64_t)p[1] << 22 | (int64_t)(p[2] >> 1) << 15 |
                  (int64_t)p[3] << 7 | p[4] >> 1;
    pts = (pts + shift) & ((INT64_C(1) << 33) - 1);
    p[0] = (uint8_t)((p[0] & 0xf1) | (pts >> 29 & 0x0e));
    p[1] = (uint8_t)(pts >> 22);
    p[2] = (uint8_t)((p[2] & 1) | (pts >> 14 & 0xfe));
    p[3] = (uint8_t)(pts >> 7);
    p[4] = (uint8_t)((p[4] & 1) | (pts << 1 & 0xfe));
}

static void shift_pcr(uint8_t *p, int64_t shift)
{
    int64_t base = (int64_t)p[0] << 25 | (int64_t)p[1] << 17 | (int64_t)p[2] << 9 | (int64_t)p[3] << 1 | p[4] >> 7;
    base = (base + shift) & ((INT64_C(1) << 33) - 1);
    p[0] = (uint8_t)(base >> 25);
    p[1] = (uint8_t)(base >> 17);
    p[2] = (uint8_t)(base >> 9);
    p[3] = (uint8_t)(base >> 1);
    p[4] = (uint8_t)((p[4] & 0x7f) | (base & 1) << 7);
}

void ts_shift(uint8_t *ts, size_t size, int64_t shift)
{
    for (uint8_t *p = ts; p + 188 <= ts + size; p += 188) {
        size_t start = 4;
        if (p[3] & 0x20) {
            if (p[4] >= 7 && (p[5] & 0x10))
                shift_pcr(p + 6, shift);
            start += 1 + (size_t)p[4];
        }
        uint8_t *pes = p + start;
        if (!(p[1] & 0x40) || !(p[3] & 0x10) || start > 188 - 19 || pes[0] || pes[1] || pes[2] != 1)
            continue;
        if (pes[7] & 0x80)
            shift_stamp(pes + 9, shift);
        if ((pes[7] & 0xc0) == 0xc0)
            shift_stamp(pes + 14, shift);
    }
}

double tone_of(const float *samples, size_t frames)
{
    size_t rising = 0;
    for (size_t i = 1; i < frames; i++)
        rising += samples[i - 1] < 0 && samples[i] >= 0;
    return frames ? (double)rising * UT_RATE_HZ / (double)frames : 0;
}

/* --- listening ------------------------------------------------------------------------------------------------- */

ut_supervisor_options quick_options(const char *uri)
{
    ut_supervisor_options options = ut_supervisor_defaults();
    options.channel = "test";
    options.uri = uri;
    options.connect_timeout_s = 5;
    options.no_data_timeout_s = 2;
    options.retry_min_s = 0.1;
    options.retry_max_s = 0.5;
    return options;
}

heard *listen_to(const ut_supervisor_options *options)
{
    heard *h = calloc(1, sizeof *h);
    assert_non_null(h);
    ut_err err = {0};
    if (ut_supervisor_open(options, &h->supervisor, &err) != UT_OK)
        fail_msg("%s", err.text);
    return h;
}

static void keep(heard *h, const ut_capture_item *item)
{
    if (item->kind == UT_CAPTURE_GAP) {
        assert_in_range(h->gaps, 0, HEARD_MAX - 1);
        assert_true(item->gap->end_ns > item->gap->start_ns);
        h->gap[h->gaps++] = *item->gap;
        return;
    }
    if (item->kind == UT_CAPTURE_EVENTS)
        return;
    if (item->kind == UT_CAPTURE_SEGMENT) {
        assert_in_range(h->segments, 0, HEARD_MAX - 1);
        h->segment[h->segments++].segment = *item->segment;
        return;
    }
    assert_true(h->segments > 0);
    size_t last = h->segments - 1, frames = h->segment[last].frames;
    assert_int_equal(item->first_sample, frames); /* without discontinuity */
    if (frames + item->frames > h->segment[last].capacity) {
        h->segment[last].capacity = 2 * (frames + item->frames);
        h->segment[last].samples = realloc(h->segment[last].samples, h->segment[last].capacity * sizeof(float));
        assert_non_null(h->segment[last].samples);
    }
    memcpy(h->segment[last].samples + frames, item->samples, item->frames * sizeof(float));
    h->segment[last].frames += item->frames;
}

bool hear(heard *h, size_t segments, double seconds, double give_up_s)
{
    double until_s = ut_monotonic_s() + give_up_s;
    while (ut_monotonic_s() < until_s) {
        if (h->segments >= segments && (double)h->segment[h->segments - 1].frames >= seconds * UT_RATE_HZ)
            return true;
        ut_capture_item item;
        ut_status rc = ut_supervisor_read(h->supervisor, 100, &item, NULL);
        if (rc == UT_OK)
            keep(h, &item);
        else if (rc == UT_E_STOPPED)
            h->ended = true;
        if (h->ended)
            return false;
    }
    ut_capture_status status;
    ut_supervisor_status(h->supervisor, &status);
    print_message("heard %zu segments, %zu gaps, last %.1f s; %s\n", h->segments, h->gaps,
                  h->segments ? (double)h->segment[h->segments - 1].frames / UT_RATE_HZ : 0, status.problem);
    return false;
}

void hear_out(heard *h)
{
    ut_supervisor_stop(h->supervisor);
    (void)hear(h, HEARD_MAX, 0, 15);
    assert_true(h->ended);
}

void heard_close(heard **h)
{
    ut_supervisor_close(&(*h)->supervisor);
    for (size_t i = 0; i < (*h)->segments; i++)
        free((*h)->segment[i].samples);
    free(*h);
    *h = NULL;
}
