/* Events as lines of JSON, appended to a file or written to standard output. A line is there whole
 * or not at all: what a crash left without a newline is cut off at the next open, and what a full
 * disk broke off is cut off at once. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "pipeline/event.h"
#include "pipeline/sink.h"

typedef struct {
    char *path;
    int fd;
    bool regular; /* else a pipe, a terminal or a device: nothing to cut or to sync */
    char *batch;  /* lines not yet written */
    size_t batch_size, batch_capacity;
} jsonl;

static ut_status fail_errno(ut_err *err, const jsonl *self, const char *what)
{
    bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
    return ut_fail(err, full ? UT_E_FULL : UT_E_IO, "jsonl: %s: %s: %s", self->path, what, strerror(errno));
}

static void jsonl_close(void *arg)
{
    jsonl *self = arg;
    if (!self)
        return;
    if (self->fd > STDERR_FILENO)
        close(self->fd);
    free(self->batch);
    free(self->path);
    free(self);
}

/* Cuts the file after its last newline. */
static ut_status repair(jsonl *self, ut_err *err)
{
    char tail[4096];
    off_t size = lseek(self->fd, 0, SEEK_END), end = size;
    while (end > 0) {
        size_t want = end < (off_t)sizeof tail ? (size_t)end : sizeof tail;
        ssize_t got = pread(self->fd, tail, want, end - (off_t)want);
        if (got != (ssize_t)want)
            return fail_errno(err, self, "read");
        const char *newline = memrchr(tail, '\n', want);
        if (newline) {
            end -= (off_t)want - (newline + 1 - tail);
            break;
        }
        end -= (off_t)want;
    }
    if (end == size)
        return UT_OK;
    if (ftruncate(self->fd, end) != 0 || fsync(self->fd) != 0)
        return fail_errno(err, self, "repair");
    char quoted[512];
    ut_log(UT_LOG_WARN, "sink", "torn_line_cut", "path=%s bytes=%lld", ut_log_quote(quoted, sizeof quoted, self->path),
           (long long)(size - end));
    return UT_OK;
}

static ut_status open_file(jsonl *self, ut_err *err)
{
    struct stat st;
    self->fd = open(self->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (self->fd < 0 && errno != ENOENT && errno != EISDIR) /* a FIFO or a device that cannot be read */
        self->fd = open(self->path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (self->fd < 0 || fstat(self->fd, &st) != 0)
        return fail_errno(err, self, "open");
    self->regular = S_ISREG(st.st_mode);
    if (!self->regular)
        return UT_OK;
    /* Two writers would cut each other's lines. */
    if (flock(self->fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? ut_fail(err, UT_E_BUSY, "jsonl: %s: another process writes to it", self->path)
                                    : fail_errno(err, self, "lock");
    return repair(self, err);
}

static ut_status jsonl_open(const char *target, const ut_config *config, void **out, ut_err *err)
{
    (void)config;
    jsonl *self = calloc(1, sizeof *self);
    if (!self || !(self->path = strdup(target))) {
        free(self);
        return ut_fail(err, UT_E_NOMEM, "jsonl: %s", target);
    }
    self->fd = -1;
    if (strcmp(target, "-") == 0) {
        self->fd = STDOUT_FILENO;
    } else {
        ut_status rc = open_file(self, err);
        if (rc != UT_OK) {
            jsonl_close(self);
            return rc;
        }
    }
    *out = self;
    return UT_OK;
}

static ut_status reserve(jsonl *self, size_t more, ut_err *err)
{
    size_t needed = self->batch_size + more;
    if (needed <= self->batch_capacity)
        return UT_OK;
    size_t capacity = needed * 2;
    char *grown = realloc(self->batch, capacity);
    if (!grown)
        return ut_fail(err, UT_E_NOMEM, "jsonl: %s: %zu bytes", self->path, capacity);
    self->batch = grown;
    self->batch_capacity = capacity;
    return UT_OK;
}

static ut_status jsonl_send(void *arg, const ut_event *event, ut_err *err)
{
    jsonl *self = arg;
    char *line;
    ut_status rc = ut_event_envelope(event, &line, err);
    if (rc != UT_OK)
        return rc;
    size_t length = strlen(line);
    rc = reserve(self, length + 1, err);
    if (rc == UT_OK) {
        memcpy(self->batch + self->batch_size, line, length);
        self->batch[self->batch_size + length] = '\n';
        self->batch_size += length + 1;
    }
    free(line);
    return rc;
}

/* A log rotation moved the file away: go on in a new one under the old name. */
static ut_status follow_rotation(jsonl *self, ut_err *err)
{
    struct stat ours, there;
    if (!self->regular || fstat(self->fd, &ours) != 0)
        return UT_OK;
    if (stat(self->path, &there) == 0 && there.st_ino == ours.st_ino && there.st_dev == ours.st_dev)
        return UT_OK;
    close(self->fd);
    self->fd = -1;
    return open_file(self, err);
}

static ut_status write_all(jsonl *self, ut_err *err)
{
    for (size_t done = 0; done < self->batch_size;) {
        ssize_t got = write(self->fd, self->batch + done, self->batch_size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_errno(err, self, "write");
        done += (size_t)got;
    }
    if (self->regular && fsync(self->fd) != 0)
        return fail_errno(err, self, "fsync");
    return UT_OK;
}

static ut_status jsonl_flush(void *arg, ut_err *err)
{
    jsonl *self = arg;
    ut_status rc = follow_rotation(self, err);
    if (rc != UT_OK)
        return rc;
    off_t before = self->regular ? lseek(self->fd, 0, SEEK_END) : 0;
    rc = write_all(self, err);
    if (rc != UT_OK && self->regular && before >= 0 && ftruncate(self->fd, before) != 0)
        ut_log(UT_LOG_WARN, "sink", "cut_failed", "errno=%d", errno); /* the next open cuts it */
    self->batch_size = 0;
    return rc;
}

const ut_sink_ops ut_sink_jsonl = {
    .scheme = "jsonl",
    .open = jsonl_open,
    .send = jsonl_send,
    .flush = jsonl_flush,
    .close = jsonl_close,
};
