#include "pipeline/metrics.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/log.h"

#define TIMEOUT_S 10u
#define CONNECTIONS 32u

struct ut_metrics {
    struct MHD_Daemon *daemon;
    ut_metrics_source source;
};

void ut_metrics_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, const char *type, char *body,
                             size_t size)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(size, body, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(body);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **state)
{
    (void)version, (void)upload, (void)upload_size, (void)state;
    ut_metrics *metrics = arg;
    const ut_metrics_source *source = &metrics->source;
    unsigned status = MHD_HTTP_OK;
    const char *type = "text/plain; charset=utf-8";
    char *body = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&body, &size);
    if (!out)
        return MHD_NO;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        status = MHD_HTTP_METHOD_NOT_ALLOWED;
    } else if (strcmp(url, "/metrics") == 0) {
        type = "text/plain; version=0.0.4; charset=utf-8";
        source->render(source->arg, out);
    } else if (strcmp(url, "/healthz") == 0) {
        status = source->healthy(source->arg, out) ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
        fputs(status == MHD_HTTP_OK ? "ok\n" : "\n", out);
    } else {
        status = MHD_HTTP_NOT_FOUND;
        fputs("/metrics or /healthz\n", out);
    }
    if (fclose(out) != 0) {
        free(body);
        return MHD_NO;
    }
    return reply(connection, status, type, body, size);
}

/* Splits "ADDRESS:PORT" and resolves it; numbers only, so that nothing depends on a name server. */
static ut_status resolve(const char *listen, struct addrinfo **out, ut_err *err)
{
    char host[256];
    const char *colon = strrchr(listen, ':');
    char *after = NULL;
    long port = colon ? strtol(colon + 1, &after, 10) : -1; /* getaddrinfo would take 99999, modulo 65536 */
    if (!colon || colon == listen || after == colon + 1 || *after || port < 0 || port > 65535 ||
        (size_t)(colon - listen) >= sizeof host)
        return ut_fail(err, UT_E_ARG, "metrics: %s: allowed: ADDRESS:PORT", listen);
    const char *begin = listen, *end = colon;
    if (*begin == '[' && end[-1] == ']') {
        begin++;
        end--;
    }
    snprintf(host, sizeof host, "%.*s", (int)(end - begin), begin);
    const char *numeric = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    int failed = getaddrinfo(numeric, colon + 1, &hints, out);
    return failed ? ut_fail(err, UT_E_ARG, "metrics: %s: %s", listen, gai_strerror(failed)) : UT_OK;
}

ut_status ut_metrics_start(const char *listen, const ut_metrics_source *source, ut_metrics **out, ut_err *err)
{
    struct addrinfo *address = NULL;
    ut_status rc = resolve(listen, &address, err);
    if (rc != UT_OK)
        return rc;
    ut_metrics *metrics = calloc(1, sizeof *metrics);
    if (!metrics) {
        freeaddrinfo(address);
        return ut_fail(err, UT_E_NOMEM, "metrics");
    }
    metrics->source = *source;
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO;
    if (address->ai_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    errno = 0;
    metrics->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, metrics, MHD_OPTION_SOCK_ADDR,
                                       address->ai_addr, MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S,
                                       MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS, MHD_OPTION_END);
    int error = errno;
    freeaddrinfo(address);
    if (!metrics->daemon) {
        free(metrics);
        return ut_fail(err, UT_E_IO, "metrics: %s: %s", listen, error ? strerror(error) : "cannot listen");
    }
    *out = metrics;
    return UT_OK;
}

void ut_metrics_stop(ut_metrics **metrics)
{
    if (!metrics || !*metrics)
        return;
    MHD_stop_daemon((*metrics)->daemon);
    free(*metrics);
    *metrics = NULL;
}

int ut_metrics_port(const ut_metrics *metrics)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(metrics->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}
