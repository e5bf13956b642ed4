/* What the capture tests share: media made on the spot, senders, and a listener that writes down what a supervisor
 * gives. */
#ifndef UT_TESTS_CAPTURE_SUPPORT_H
#define UT_TESTS_CAPTURE_SUPPORT_H

#include "tests/unit/support.h"

#include <gst/gst.h>

#include "pipeline/supervisor.h"

/* A scratch folder, made at the first call and removed at exit. */
const char *scratch(void);
/* "SCRATCH/name"; of static storage, good for the next few calls. */
const char *scratch_path(const char *name);

/* Runs a pipeline description to its end; " filesink" gets the path. NULL-safe against nothing: a failure fails the
 * test. */
void make_media(const char *path, const char *launch, ...) __attribute__((format(printf, 2, 3)));
/* A whole file; free() it. */
uint8_t *load(const char *path, size_t *size);
void save(const char *path, const uint8_t *data, size_t size);
/* Adds `shift` (90 kHz) to every PTS, DTS and PCR of a transport stream. */
void ts_shift(uint8_t *ts, size_t size, int64_t shift);
/* The tone that `frames` samples at 16 kHz are of, by its zero crossings. */
double tone_of(const float *samples, size_t frames);

/* A TCP or UDP port that nobody uses now. */
int free_port(void);

/* Sends a transport stream by UDP at the speed at which it was made. */
typedef struct sender sender;
typedef struct {
    const char *address; /* NULL: 127.0.0.1 */
    int port;
    bool rtp;
    double seconds; /* how long the stream is */
} target;
sender *send_ts(const target *to, const uint8_t *ts, size_t size);
void sender_wait(sender **sender); /* until all is sent */

/* An HTTP server of one folder; with `endless`, GET of any path gives this file over and over, a second of it at once.
 */
typedef struct server server;
server *serve_folder(int port, const char *folder);
server *serve_endless(int port, const char *file, double bytes_per_s);
void server_stop(server **server);

/* Plays a pipeline description until player_stop. */
GstElement *player_start(const char *launch, ...) __attribute__((format(printf, 1, 2)));
void player_stop(GstElement **player);

/* What a supervisor gave. */
#define HEARD_MAX 32
typedef struct {
    ut_supervisor *supervisor;
    size_t segments;
    struct {
        ut_segment segment;
        float *samples;
        size_t frames, capacity;
    } segment[HEARD_MAX];
    size_t gaps;
    ut_gap gap[HEARD_MAX];
    bool ended;
} heard;

/* The defaults, for a test's patience: no data for 2 s, back-off 0.1 to 0.5 s. */
ut_supervisor_options quick_options(const char *uri);
heard *listen_to(const ut_supervisor_options *options);
/* Reads until `segments` segments are there and the last has `seconds` of audio, or give_up_s passed: false. */
bool hear(heard *heard, size_t segments, double seconds, double give_up_s);
/* Stops the supervisor and reads what is left. */
void hear_out(heard *heard);
void heard_close(heard **heard);

#endif
