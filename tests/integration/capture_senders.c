#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/integration/capture_support.h"

#include "core/clock.h"

#define DATAGRAM ((size_t)7 * 188)

static void sleep_until(double monotonic_s)
{
    double left_s = monotonic_s - ut_monotonic_s();
    if (left_s > 0)
        g_usleep((gulong)(left_s * 1e6));
}

int free_port(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* --- MPEG-TS by UDP --------------------------------------------------------------------------------------------- */

struct sender {
    pthread_t thread;
    int fd;
    struct sockaddr_in to;
    target target;
    const uint8_t *ts;
    size_t size;
};

static void *send_all(void *arg)
{
    sender *s = arg;
    double start_s = ut_monotonic_s();
    uint8_t packet[12 + DATAGRAM] = {0x80, 33, 0, 0, 0, 0, 0, 0, 'u', 'n', 'd', 'e'};
    uint16_t sequence = 0;
    for (size_t at = 0; at < s->size; at += DATAGRAM) {
        size_t size = s->size - at < DATAGRAM ? s->size - at : DATAGRAM;
        uint32_t stamp = (uint32_t)((ut_monotonic_s() - start_s) * 90000);
        packet[2] = (uint8_t)(sequence >> 8);
        packet[3] = (uint8_t)sequence++;
        for (int i = 0; i < 4; i++)
            packet[4 + i] = (uint8_t)(stamp >> (24 - 8 * i));
        memcpy(packet + 12, s->ts + at, size);
        const uint8_t *from = s->target.rtp ? packet : packet + 12;
        (void)sendto(s->fd, from, size + (s->target.rtp ? 12 : 0), 0, (struct sockaddr *)&s->to, sizeof s->to);
        sleep_until(start_s + s->target.seconds * (double)(at + size) / (double)s->size);
    }
    return NULL;
}

sender *send_ts(const target *to, const uint8_t *ts, size_t size)
{
    sender *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->fd = socket(AF_INET, SOCK_DGRAM, 0);
    s->to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)to->port)};
    assert_int_equal(inet_pton(AF_INET, to->address ? to->address : "127.0.0.1", &s->to.sin_addr), 1);
    struct in_addr loopback = {.s_addr = htonl(INADDR_LOOPBACK)};
    (void)setsockopt(s->fd, IPPROTO_IP, IP_MULTICAST_IF, &loopback, sizeof loopback);
    s->target = *to;
    s->ts = ts;
    s->size = size;
    assert_int_equal(pthread_create(&s->thread, NULL, send_all, s), 0);
    return s;
}

void sender_wait(sender **s)
{
    pthread_join((*s)->thread, NULL);
    close((*s)->fd);
    free(*s);
    *s = NULL;
}

/* --- HTTP -----------------------------------------------------------------------------------------------------------
 */

struct server {
    pthread_t thread;
    int fd;
    atomic_bool stop;
    char path[256];
    double bytes_per_s; /* 0: the path is a folder */
};

static bool send_bytes(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size) {
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

static void send_endless(server *s, int fd)
{
    static const char head[] = "HTTP/1.0 200 OK\r\nicy-name: test\r\nContent-Type: audio/mpeg\r\n\r\n";
    size_t size, at = 0;
    uint8_t *data = load(s->path, &size);
    double start_s = ut_monotonic_s();
    bool ok = send_bytes(fd, head, sizeof head - 1);
    for (double sent = 0; ok && !s->stop; sent += 1000) {
        uint8_t piece[1000];
        for (size_t i = 0; i < sizeof piece; i++)
            piece[i] = data[at++ % size];
        ok = send_bytes(fd, piece, sizeof piece);
        sleep_until(start_s + sent / s->bytes_per_s - 1);
    }
    free(data);
}

static void send_file(server *s, int fd, const char *request)
{
    char name[100] = "", path[400], head[200];
    (void)sscanf(request, "GET /%99[A-Za-z0-9._-]", name);
    snprintf(path, sizeof path, "%s/%s", s->path, name);
    FILE *file = fopen(path, "rb");
    static uint8_t data[1 << 20];
    size_t size = file ? fread(data, 1, sizeof data, file) : 0;
    if (file)
        fclose(file);
    int written = snprintf(head, sizeof head, "HTTP/1.0 %s\r\nContent-Length: %zu\r\n\r\n",
                           file ? "200 OK" : "404 Not Found", size);
    if (send_bytes(fd, head, (size_t)written))
        (void)send_bytes(fd, data, size);
}

/* One request at a time is enough for one listener. */
static void *serve(void *arg)
{
    server *s = arg;
    while (!s->stop) {
        struct pollfd wait = {.fd = s->fd, .events = POLLIN};
        if (poll(&wait, 1, 50) <= 0)
            continue;
        int fd = accept(s->fd, NULL, NULL);
        char request[2000] = "";
        if (fd >= 0 && recv(fd, request, sizeof request - 1, 0) > 0) {
            if (s->bytes_per_s > 0)
                send_endless(s, fd);
            else
                send_file(s, fd, request);
        }
        if (fd >= 0)
            close(fd);
    }
    return NULL;
}

static server *serve_path(int port, const char *path, double bytes_per_s)
{
    server *s = calloc(1, sizeof *s);
    assert_non_null(s);
    snprintf(s->path, sizeof s->path, "%s", path);
    s->bytes_per_s = bytes_per_s;
    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    (void)setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(s->fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(s->fd, 16), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
    return s;
}

server *serve_folder(int port, const char *path)
{
    return serve_path(port, path, 0);
}

server *serve_endless(int port, const char *file, double bytes_per_s)
{
    return serve_path(port, file, bytes_per_s);
}

void server_stop(server **s)
{
    (*s)->stop = true;
    pthread_join((*s)->thread, NULL);
    close((*s)->fd);
    free(*s);
    *s = NULL;
}
