/* SRT, HLS, HTTP audio and RTSP: senders that come, go and come back. */
#include "tests/integration/capture_support.h"

#include <math.h>
#include <pthread.h>
#include <unistd.h>

#include <gst/rtsp-server/rtsp-server.h>

#include "core/clock.h"

#define LIVE_TONE "audiotestsrc is-live=true freq=%d ! audio/x-raw,rate=48000,channels=2 ! audioconvert"

static void check_tone(const heard *h, size_t segment, double tone_hz)
{
    size_t frames = h->segment[segment].frames;
    assert_true(frames > 16000);
    double heard_hz = tone_of(h->segment[segment].samples + 4000, frames - 8000);
    if (fabs(heard_hz - tone_hz) > 20)
        fail_msg("segment %zu: %.0f Hz instead of %.0f", segment, heard_hz, tone_hz);
}

/* The first segment has one tone, the last another, and a gap with a reason is between them. */
static void check_restart(const heard *h, double first_hz, double second_hz)
{
    assert_true(h->segments >= 2);
    check_tone(h, 0, first_hz);
    check_tone(h, h->segments - 1, second_hz);
    bool found = false;
    for (size_t i = 0; i < h->gaps; i++)
        found |= h->gap[i].start_ns > h->segment[0].segment.start_ns && h->gap[i].reason[0];
    assert_true(found);
    ut_capture_status status;
    ut_supervisor_status(h->supervisor, &status);
    assert_true(status.gap_s > 0);
}

/* --- SRT ------------------------------------------------------------------------------------------------------------
 */

static GstElement *srt_sender(int tone_hz, const char *uri)
{
    return player_start(LIVE_TONE " ! avenc_aac ! mpegtsmux alignment=7 ! srtsink uri=\"%s\" wait-for-connection=false",
                        tone_hz, uri);
}

static void hear_srt(const char *our_uri, const char *their_uri)
{
    ut_supervisor_options options = quick_options(our_uri);
    heard *h = listen_to(&options);
    GstElement *caller = srt_sender(400, their_uri);
    assert_true(hear(h, 1, 2, 12));
    player_stop(&caller);
    g_usleep(1000000);
    caller = srt_sender(1000, their_uri);
    assert_true(hear(h, 2, 2, 15));
    hear_out(h);
    player_stop(&caller);
    check_restart(h, 400, 1000);
    heard_close(&h);
}

static void srt_caller_survives_a_restart(void **state)
{
    (void)state;
    int port = free_port();
    gchar *ours = g_strdup_printf("srt://127.0.0.1:%d", port);
    gchar *theirs = g_strdup_printf("srt://127.0.0.1:%d?mode=listener", port);
    hear_srt(ours, theirs);
    g_free(ours);
    g_free(theirs);
}

static void srt_listener_survives_a_restart(void **state)
{
    (void)state;
    int port = free_port();
    gchar *ours = g_strdup_printf("srt://:%d?mode=listener", port);
    gchar *theirs = g_strdup_printf("srt://127.0.0.1:%d?mode=caller", port);
    hear_srt(ours, theirs);
    g_free(ours);
    g_free(theirs);
}

/* --- HLS -------------------------------------------------------------------------------------------------------------
 */

static GstElement *hls_encoder(int tone_hz, const char *path)
{
    return player_start("hlssink2 name=h target-duration=1 playlist-length=4 max-files=8 location=%s/s%%05d.ts "
                        "playlist-location=%s/live.m3u8 " LIVE_TONE " ! avenc_aac ! aacparse ! h.audio",
                        path, path, tone_hz);
}

/* The encoder starts again at MEDIA-SEQUENCE 0: hlsdemux waits without a word for a number that does not come. */
static void hls_survives_a_restart_of_the_encoder_and_a_dead_server(void **state)
{
    (void)state;
    int port = free_port();
    gchar *uri = g_strdup_printf("http://127.0.0.1:%d/live.m3u8", port);
    const char *path = scratch();
    server *http = serve_folder(port, path);
    GstElement *encoder = hls_encoder(400, path);
    ut_supervisor_options options = quick_options(uri);
    options.no_data_timeout_s = 4;
    heard *h = listen_to(&options);
    assert_true(hear(h, 1, 4, 20));
    player_stop(&encoder);
    encoder = hls_encoder(1000, path);
    assert_true(hear(h, 2, 2, 25));
    size_t before = h->segments;
    server_stop(&http); /* the server dies, the encoder goes on */
    g_usleep(1000000);
    http = serve_folder(port, path);
    (void)hear(h, before + 1, 2, 25);
    hear_out(h);
    player_stop(&encoder);
    server_stop(&http);
    check_tone(h, 0, 400);
    check_tone(h, h->segments - 1, 1000);
    ut_capture_status status;
    ut_supervisor_status(h->supervisor, &status);
    assert_true(status.rebuilds >= 1);
    heard_close(&h);
    g_free(uri);
}

/* --- HTTP ------------------------------------------------------------------------------------------------------------
 */

static void icecast_survives_a_restart(void **state)
{
    (void)state;
    static const char made[] =
        "audiotestsrc num-buffers=200 samplesperbuffer=960 freq=%d ! audio/x-raw,rate=48000,channels=2 ! "
        "audioconvert ! lamemp3enc target=bitrate bitrate=128 cbr=true";
    gchar *first = g_strdup(scratch_path("400.mp3")), *second = g_strdup(scratch_path("1000.mp3"));
    make_media(first, made, 400);
    make_media(second, made, 1000);
    int port = free_port();
    gchar *uri = g_strdup_printf("http://127.0.0.1:%d/live", port);
    server *http = serve_endless(port, first, 16000);
    ut_supervisor_options options = quick_options(uri);
    heard *h = listen_to(&options);
    assert_true(hear(h, 1, 4, 15));
    server_stop(&http);
    g_usleep(3000000); /* longer than the burst with which it comes back */
    http = serve_endless(port, second, 16000);
    assert_true(hear(h, 2, 2, 15));
    hear_out(h);
    server_stop(&http);
    check_restart(h, 400, 1000);
    assert_string_equal(h->segment[0].segment.time_source, "arrival");
    heard_close(&h);
    g_free(first);
    g_free(second);
    g_free(uri);
}

/* --- RTSP ------------------------------------------------------------------------------------------------------------
 */

typedef struct {
    GMainContext *context;
    GMainLoop *loop;
    pthread_t thread;
} rtsp_server;

static void *run_loop(void *arg)
{
    rtsp_server *s = arg;
    g_main_context_push_thread_default(s->context);
    g_main_loop_run(s->loop);
    g_main_context_pop_thread_default(s->context);
    return NULL;
}

static GstRTSPServer *rtsp_start(rtsp_server *s, int port, int tone_hz)
{
    s->context = g_main_context_new();
    s->loop = g_main_loop_new(s->context, FALSE);
    GstRTSPServer *rtsp = gst_rtsp_server_new();
    gchar *service = g_strdup_printf("%d", port);
    gchar *launch =
        g_strdup_printf("( videotestsrc is-live=true ! video/x-raw,width=160,height=120 ! "
                        "x264enc tune=zerolatency speed-preset=ultrafast ! rtph264pay name=pay0 pt=96 " LIVE_TONE
                        " ! avenc_aac ! rtpmp4gpay name=pay1 pt=97 )",
                        tone_hz);
    gst_rtsp_server_set_address(rtsp, "127.0.0.1");
    gst_rtsp_server_set_service(rtsp, service);
    GstRTSPMediaFactory *factory = gst_rtsp_media_factory_new();
    gst_rtsp_media_factory_set_launch(factory, launch);
    GstRTSPMountPoints *mounts = gst_rtsp_server_get_mount_points(rtsp);
    gst_rtsp_mount_points_add_factory(mounts, "/live", factory);
    g_object_unref(mounts);
    assert_true(gst_rtsp_server_attach(rtsp, s->context) != 0);
    assert_int_equal(pthread_create(&s->thread, NULL, run_loop, s), 0);
    g_free(service);
    g_free(launch);
    return rtsp;
}

static GstRTSPFilterResult drop_client(GstRTSPServer *rtsp, GstRTSPClient *client, gpointer arg)
{
    (void)rtsp;
    (void)client;
    (void)arg;
    return GST_RTSP_FILTER_REMOVE;
}

static void rtsp_stop(rtsp_server *s, GstRTSPServer *rtsp)
{
    gst_rtsp_server_client_filter(rtsp, drop_client, NULL);
    g_main_loop_quit(s->loop);
    pthread_join(s->thread, NULL);
    g_object_unref(rtsp);
    g_main_loop_unref(s->loop);
    g_main_context_unref(s->context);
}

static void rtsp_is_retried_until_it_comes(void **state)
{
    (void)state;
    int port = free_port();
    gchar *uri = g_strdup_printf("rtsp://127.0.0.1:%d/live", port);
    ut_supervisor_options options = quick_options(uri);
    heard *h = listen_to(&options); /* nobody is there yet */
    g_usleep(700000);
    ut_capture_status status;
    ut_supervisor_status(h->supervisor, &status);
    assert_false(status.up);
    assert_non_null(strstr(status.problem, uri));
    rtsp_server loop;
    GstRTSPServer *rtsp = rtsp_start(&loop, port, 400);
    assert_true(hear(h, 1, 2, 15));
    rtsp_stop(&loop, rtsp);
    hear_out(h);
    check_tone(h, 0, 400);
    assert_true(h->gaps >= 1);
    assert_string_equal(h->gap[0].reason, "connect");
    assert_true(h->gap[0].end_ns - h->gap[0].start_ns > UT_NS_PER_S / 2);
    heard_close(&h);
    g_free(uri);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(srt_caller_survives_a_restart),
        cmocka_unit_test(srt_listener_survives_a_restart),
        cmocka_unit_test(hls_survives_a_restart_of_the_encoder_and_a_dead_server),
        cmocka_unit_test(icecast_survives_a_restart),
        cmocka_unit_test(rtsp_is_retried_until_it_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
