#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The status that fits an errno of a file operation. */
static ut_status from_errno(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return UT_E_NOTFOUND;
    case ENOMEM:
        return UT_E_NOMEM;
    case ENOSPC:
    case EDQUOT:
        return UT_E_FULL;
    default:
        return UT_E_IO;
    }
}

static ut_status fail_errno(ut_err *err, const char *what, const char *path)
{
    int number = errno;
    return ut_fail(err, from_errno(number), "%s: %s: %s", what, path, strerror(number));
}

/* Reads until the end or until `capacity` bytes. */
static ssize_t read_fully(int fd, char *buf, size_t capacity)
{
    size_t got = 0;
    while (got < capacity) {
        ssize_t n = read(fd, buf + got, capacity - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

ut_status ut_file_read(const char *path, size_t limit, char **data, size_t *size, ut_err *err)
{
    ut_status rc = UT_OK;
    char *buf = NULL;
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(err, "read", path);
    if (fstat(fd, &info) != 0) {
        rc = fail_errno(err, "read", path);
        goto fail;
    }
    if (S_ISDIR(info.st_mode)) {
        rc = ut_fail(err, UT_E_ARG, "read: %s: is a folder", path);
        goto fail;
    }
    /* A pipe has no size to go by: it gets the room of the limit, and one byte to notice that more
     * would come. */
    size_t room = S_ISREG(info.st_mode) ? (size_t)info.st_size : limit;
    if (room > limit || limit > SSIZE_MAX - 2) {
        rc = ut_fail(err, UT_E_ARG, "read: %s: larger than %zu bytes", path, limit);
        goto fail;
    }
    if (!(buf = malloc(room + 2))) {
        rc = ut_fail(err, UT_E_NOMEM, "read: %s: %zu bytes", path, room);
        goto fail;
    }
    ssize_t got = read_fully(fd, buf, room + 1);
    if (got < 0) {
        rc = fail_errno(err, "read", path);
        goto fail;
    }
    if ((size_t)got > room) {
        rc = ut_fail(err, UT_E_IO, "read: %s: grew beyond %zu bytes while read", path, room);
        goto fail;
    }
    close(fd);
    buf[got] = '\0';
    *data = buf;
    *size = (size_t)got;
    return UT_OK;
fail:
    free(buf);
    close(fd);
    return rc;
}

/* Makes a rename or a new entry in the folder of `path` last through a power cut. */
static int sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int n = slash ? snprintf(folder, sizeof folder, "%.*s", (int)(slash - path) + 1, path)
                  : snprintf(folder, sizeof folder, ".");
    if (n < 0 || (size_t)n >= sizeof folder) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int rc = fsync(fd);
    if (rc != 0 && (errno == EINVAL || errno == EROFS)) /* some file systems cannot sync folders */
        rc = 0;
    close(fd);
    return rc;
}

static int write_fully(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

ut_status ut_file_write(const char *path, const void *data, size_t size, ut_err *err)
{
    static _Atomic unsigned serial; /* two threads may write the same path; the last rename wins */
    char temporary[PATH_MAX];
    int n = snprintf(temporary, sizeof temporary, "%s.%d-%u.tmp", path, (int)getpid(), atomic_fetch_add(&serial, 1u));
    if (n < 0 || (size_t)n >= sizeof temporary)
        return ut_fail(err, UT_E_ARG, "write: %.80s…: path too long", path);
    struct stat target;
    if (lstat(path, &target) == 0 && !S_ISREG(target.st_mode)) /* a rename would replace a device or a link */
        return ut_fail(err, UT_E_ARG, "write: %s: is not a regular file", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return fail_errno(err, "write", path);
    bool ok = write_fully(fd, data, size) == 0 && fsync(fd) == 0;
    int number = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        number = errno;
    }
    if (ok && rename(temporary, path) != 0) {
        ok = false;
        number = errno;
    }
    if (!ok) {
        unlink(temporary);
        errno = number;
        return fail_errno(err, "write", path);
    }
    return sync_folder(path) == 0 ? UT_OK : fail_errno(err, "write", path);
}

ut_status ut_folder_make(const char *path, ut_err *err)
{
    char partial[PATH_MAX];
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof partial)
        return ut_fail(err, UT_E_ARG, "make folder: %.80s: path empty or too long", path);
    memcpy(partial, path, size + 1);
    for (size_t i = 1; i <= size; i++) {
        if (partial[i] != '/' && partial[i] != '\0')
            continue;
        partial[i] = '\0';
        if (mkdir(partial, 0777) != 0 && errno != EEXIST)
            return fail_errno(err, "make folder", partial);
        if (i < size)
            partial[i] = '/';
    }
    struct stat info;
    if (stat(path, &info) != 0)
        return fail_errno(err, "make folder", path);
    if (!S_ISDIR(info.st_mode))
        return ut_fail(err, UT_E_IO, "make folder: %s: is a file", path);
    return UT_OK;
}
