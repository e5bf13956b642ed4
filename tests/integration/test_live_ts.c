/* MPEG-TS by UDP and RTP, as it comes from real networks. */
#include "tests/integration/capture_support.h"

#include <arpa/inet.h>
#include <math.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"

#define SECONDS 4
#define TONE                                                                                                           \
    "audiotestsrc num-buffers=200 samplesperbuffer=960 freq=%d ! audio/x-raw,rate=48000,channels=2 ! audioconvert"
#define SECOND_90K INT64_C(90000)

/* SECONDS of a tone, MP2 in MPEG-TS. */
static uint8_t *make_ts(int tone_hz, size_t *size)
{
    const char *path = scratch_path("tone.ts");
    make_media(path, TONE " ! avenc_mp2 bitrate=192000 ! mpegtsmux alignment=7", tone_hz);
    return load(path, size);
}

static gchar *uri_of(const char *scheme, int port)
{
    return g_strdup_printf("%s://127.0.0.1:%d", scheme, port);
}

static double tone_in(const heard *h, size_t segment)
{
    size_t frames = h->segment[segment].frames;
    assert_true(frames > 16000);
    return tone_of(h->segment[segment].samples + 4000, frames - 8000);
}

static void check_tone(const heard *h, size_t segment, double tone_hz)
{
    double heard_hz = tone_in(h, segment);
    if (fabs(heard_hz - tone_hz) > 15)
        fail_msg("segment %zu: %.0f Hz instead of %.0f", segment, heard_hz, tone_hz);
}

/* UTC of the end of a segment. */
static int64_t end_of(const heard *h, size_t segment)
{
    return ut_sample_to_ns(h->segment[segment].segment.start_ns, (int64_t)h->segment[segment].frames);
}

static void check_order(const heard *h)
{
    for (size_t i = 1; i < h->segments; i++)
        assert_true(h->segment[i].segment.start_ns >= end_of(h, i - 1));
}

/* --- one after the other: what a listener makes of two streams on one port ------------------------------------- */

/* Sends a, pauses, sends b shifted by `shift`; gives what was heard. */
static heard *hear_two(bool rtp, int64_t shift, double pause_s)
{
    size_t a_size, b_size;
    uint8_t *a = make_ts(400, &a_size), *b = make_ts(1000, &b_size);
    ts_shift(b, b_size, shift);
    target to = {.port = free_port(), .rtp = rtp, .seconds = SECONDS};
    gchar *uri = uri_of(rtp ? "rtp" : "udp", to.port);
    ut_supervisor_options options = quick_options(uri);
    options.no_data_timeout_s = 10;
    heard *h = listen_to(&options);
    g_usleep(500000);
    sender *s = send_ts(&to, a, a_size);
    assert_true(hear(h, 1, 2, 10));
    sender_wait(&s);
    g_usleep((gulong)(pause_s * 1e6));
    s = send_ts(&to, b, b_size);
    sender_wait(&s);
    g_usleep(300000);
    hear_out(h);
    free(a);
    free(b);
    g_free(uri);
    return h;
}

static void a_jump_forward_or_back_starts_a_segment(void **state)
{
    (void)state;
    static const int64_t shifts[] = {1000 * SECOND_90K, -3000 * SECOND_90K};
    for (size_t i = 0; i < COUNT(shifts); i++) {
        heard *h = hear_two(false, shifts[i], 0);
        assert_int_equal(h->segments, 2);
        check_tone(h, 0, 400);
        check_tone(h, 1, 1000);
        check_order(h);
        heard_close(&h);
    }
}

static void an_outage_is_a_gap_with_its_length(void **state)
{
    (void)state;
    heard *h = hear_two(false, (SECONDS + 3) * SECOND_90K, 3);
    assert_int_equal(h->segments, 2);
    check_tone(h, 0, 400);
    check_tone(h, 1, 1000);
    check_order(h);
    const ut_gap *gap = &h->gap[h->gaps - 1];
    double gap_s = (double)(gap->end_ns - gap->start_ns) / UT_NS_PER_S;
    assert_true(gap_s > 2.3 && gap_s < 4.2);
    assert_string_equal(gap->reason, "discontinuity");
    assert_string_equal(gap->channel, "test");
    heard_close(&h);
}

static void the_wrap_of_the_time_stamps_is_not_even_noticed(void **state)
{
    (void)state;
    size_t size;
    uint8_t *ts = make_ts(400, &size);
    ts_shift(ts, size, (INT64_C(1) << 33) - 3602 * SECOND_90K); /* mpegtsmux begins at one hour: two seconds in */
    target to = {.port = free_port(), .seconds = SECONDS};
    gchar *uri = uri_of("udp", to.port);
    ut_supervisor_options options = quick_options(uri);
    heard *h = listen_to(&options);
    g_usleep(500000);
    sender *s = send_ts(&to, ts, size);
    sender_wait(&s);
    hear_out(h);
    assert_int_equal(h->segments, 1);
    assert_true(h->segment[0].frames > (SECONDS - 1) * UT_RATE_HZ);
    check_tone(h, 0, 400);
    heard_close(&h);
    free(ts);
    g_free(uri);
}

static void the_watchdog_rebuilds_what_went_silent(void **state)
{
    (void)state;
    size_t size;
    uint8_t *ts = make_ts(400, &size);
    target to = {.port = free_port(), .seconds = SECONDS};
    gchar *uri = uri_of("udp", to.port);
    ut_supervisor_options options = quick_options(uri);
    options.no_data_timeout_s = 1;
    heard *h = listen_to(&options);
    g_usleep(300000);
    sender *s = send_ts(&to, ts, size);
    sender_wait(&s);
    g_usleep(2000000);
    s = send_ts(&to, ts, size);
    sender_wait(&s);
    ut_capture_status status;
    ut_supervisor_status(h->supervisor, &status);
    assert_int_equal(status.rebuilds, 1);
    hear_out(h);
    assert_int_equal(h->segments, 2);
    assert_string_equal(h->gap[h->gaps - 1].reason, "no-data");
    check_order(h);
    heard_close(&h);
    free(ts);
    g_free(uri);
}

/* --- choice --------------------------------------------------------------------------------------------------------
 */

static void check_choice(const uint8_t *ts, size_t size, int program, int pid, const char *language, double tone_hz)
{
    target to = {.port = free_port(), .rtp = pid != 0, .seconds = SECONDS};
    gchar *uri = uri_of(to.rtp ? "rtp" : "udp", to.port);
    ut_supervisor_options options = quick_options(uri);
    options.program = program;
    options.pid = pid;
    options.language = language;
    heard *h = listen_to(&options);
    g_usleep(300000);
    sender *s = send_ts(&to, ts, size);
    sender_wait(&s);
    hear_out(h);
    assert_int_equal(h->segments, 1);
    check_tone(h, 0, tone_hz);
    heard_close(&h);
    g_free(uri);
}

static void programme_pid_and_language_choose(void **state)
{
    (void)state;
    const char *path = scratch_path("multi.ts");
    make_media(path,
               "mpegtsmux alignment=7 name=m prog-map=\"program_map,sink_257=1,sink_258=1,sink_513=2\" " TONE
               " ! avenc_aac ! taginject tags=\"language-code=en\" ! m.sink_257 " TONE
               " ! avenc_mp2 ! taginject tags=\"language-code=fr\" ! m.sink_258 " TONE " ! avenc_ac3 ! m.sink_513 m.",
               400, 700, 1000);
    size_t size;
    uint8_t *ts = load(path, &size);
    check_choice(ts, size, 0, 0, NULL, 400);
    check_choice(ts, size, 2, 0, NULL, 1000);
    check_choice(ts, size, 0, 0, "fra", 700);
    check_choice(ts, size, 0, 513, NULL, 1000); /* found in the other programme, by RTP */
    free(ts);
}

static void a_choice_that_is_not_there_is_told(void **state)
{
    (void)state;
    size_t size;
    uint8_t *ts = make_ts(400, &size);
    target to = {.port = free_port(), .seconds = SECONDS};
    gchar *uri = uri_of("udp", to.port);
    ut_supervisor_options options = quick_options(uri);
    options.language = "de";
    heard *h = listen_to(&options);
    g_usleep(300000);
    sender *s = send_ts(&to, ts, size);
    sender_wait(&s);
    ut_capture_status status;
    ut_supervisor_status(h->supervisor, &status);
    assert_non_null(strstr(status.problem, "no audio in language de (there are: PID"));
    assert_false(status.up);
    hear_out(h);
    assert_int_equal(h->segments, 0);
    assert_int_equal(h->gaps, 1); /* never captured: the whole time is a gap */
    heard_close(&h);
    free(ts);
    g_free(uri);
}

/* --- multicast -------------------------------------------------------------------------------------------------- */

/* Can this machine send to a group on the loopback and hear itself? Containers often cannot. */
static bool multicast_works(const char *group)
{
    int port = free_port(), in = socket(AF_INET, SOCK_DGRAM, 0), out = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    (void)inet_pton(AF_INET, group, &address.sin_addr);
    struct ip_mreqn join = {.imr_multiaddr = address.sin_addr, .imr_ifindex = (int)if_nametoindex("lo")};
    struct in_addr loopback = {.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 1};
    char byte = 1;
    bool works = bind(in, (struct sockaddr *)&address, sizeof address) == 0 &&
                 setsockopt(in, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof join) == 0 &&
                 setsockopt(in, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
                 setsockopt(out, IPPROTO_IP, IP_MULTICAST_IF, &loopback, sizeof loopback) == 0 &&
                 sendto(out, &byte, 1, 0, (struct sockaddr *)&address, sizeof address) == 1 &&
                 recv(in, &byte, 1, 0) == 1;
    close(in);
    close(out);
    return works;
}

static void multicast_groups_are_joined(void **state)
{
    (void)state;
    gchar *group = g_strdup_printf("239.255.%d.%d", getpid() >> 8 & 0xff, (getpid() & 0xfe) + 1);
    if (!multicast_works(group)) {
        print_message("SKIPPED: this machine does not let multicast through on lo\n");
        g_free(group);
        skip();
    }
    size_t size;
    uint8_t *ts = make_ts(400, &size);
    for (int rtp = 0; rtp < 2; rtp++) {
        target to = {.address = group, .port = free_port(), .rtp = rtp, .seconds = SECONDS};
        gchar *uri = g_strdup_printf("%s://@%s:%d?iface=lo", rtp ? "rtp" : "udp", group, to.port);
        ut_supervisor_options options = quick_options(uri);
        heard *h = listen_to(&options);
        g_usleep(300000);
        sender *s = send_ts(&to, ts, size);
        sender_wait(&s);
        hear_out(h);
        assert_int_equal(h->segments, 1);
        check_tone(h, 0, 400);
        heard_close(&h);
        g_free(uri);
    }
    free(ts);
    g_free(group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_jump_forward_or_back_starts_a_segment),
        cmocka_unit_test(an_outage_is_a_gap_with_its_length),
        cmocka_unit_test(the_wrap_of_the_time_stamps_is_not_even_noticed),
        cmocka_unit_test(the_watchdog_rebuilds_what_went_silent),
        cmocka_unit_test(programme_pid_and_language_choose),
        cmocka_unit_test(a_choice_that_is_not_there_is_told),
        cmocka_unit_test(multicast_groups_are_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
