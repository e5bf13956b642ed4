/* Whole files: read, write atomically, find. */
#ifndef UT_CORE_FILE_H
#define UT_CORE_FILE_H

#include <stdint.h>

#include "core/status.h"

/* Reads a file of at most `limit` bytes. *data is malloc'd, followed by a NUL that *size does not count. */
UT_CHECK ut_status ut_file_read(const char *path, size_t limit, char **data, size_t *size, ut_err *err);
/* Writes path.PID-N.tmp, fsyncs, renames, fsyncs the folder: the old file or the whole new one is there,
 * never a part. A full disk is UT_E_FULL. A device, link or folder at `path` is left alone: UT_E_ARG. */
UT_CHECK ut_status ut_file_write(const char *path, const void *data, size_t size, ut_err *err);
/* Makes a folder and its parents. */
UT_CHECK ut_status ut_folder_make(const char *path, ut_err *err);

/* A sorted, growing list of paths. */
typedef struct {
    char **items;
    size_t count;
    size_t capacity;
} ut_paths;
UT_CHECK ut_status ut_paths_add(ut_paths *paths, const char *path, ut_err *err);
/* Adds `path` itself if it is a file, else every regular file below it in sorted order, hidden ones left out. */
UT_CHECK ut_status ut_paths_walk(ut_paths *paths, const char *path, ut_err *err);
/* Adds each non-empty line of a file. */
UT_CHECK ut_status ut_paths_list(ut_paths *paths, const char *list_file, ut_err *err);
void ut_paths_clear(ut_paths *paths);

#endif
