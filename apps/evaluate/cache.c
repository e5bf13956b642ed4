#include "apps/evaluate/cache.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/file.h"
#include "core/log.h"

enum { PATH_SIZE = 1024 };
#define LIMIT_BYTES ((size_t)1 << 31)

static bool path_of(const char *folder, const char *key, char path[PATH_SIZE])
{
    return folder && snprintf(path, PATH_SIZE, "%s/%s.f32", folder, key) < PATH_SIZE;
}

bool ut_cache_get(const char *folder, const char *key, float **samples, size_t *frames)
{
    char path[PATH_SIZE];
    char *data = NULL;
    size_t size = 0;
    if (!path_of(folder, key, path) || ut_file_read(path, LIMIT_BYTES, &data, &size, NULL) != UT_OK)
        return false;
    *samples = (float *)(void *)data; /* malloc'd, so aligned for anything */
    *frames = size / sizeof **samples;
    return true;
}

void ut_cache_put(const char *folder, const char *key, const float *samples, size_t frames)
{
    char path[PATH_SIZE];
    ut_err err;
    if (!path_of(folder, key, path))
        return;
    if (ut_folder_make(folder, &err) != UT_OK || ut_file_write(path, samples, frames * sizeof *samples, &err) != UT_OK)
        ut_log(UT_LOG_WARN, "evaluate", "cache", "key=%s", key);
}
