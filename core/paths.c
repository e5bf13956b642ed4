#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"

/* A list of paths is for people and programs to write; 64 MiB is some half a million lines. */
#define LIST_LIMIT ((size_t)64 << 20)

ut_status ut_paths_add(ut_paths *paths, const char *path, ut_err *err)
{
    if (paths->count == paths->capacity) {
        size_t capacity = paths->capacity ? 2 * paths->capacity : 64, bytes;
        char **items = NULL;
        if (ut_mul_ok(capacity, sizeof *items, &bytes))
            items = realloc(paths->items, bytes);
        if (!items)
            return ut_fail(err, UT_E_NOMEM, "paths: %zu of them", capacity);
        paths->items = items;
        paths->capacity = capacity;
    }
    char *copy = strdup(path);
    if (!copy)
        return ut_fail(err, UT_E_NOMEM, "paths: %s", path);
    paths->items[paths->count++] = copy;
    return UT_OK;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static ut_status walk_entry(ut_paths *paths, FTS *tree, FTSENT *entry, ut_err *err)
{
    bool named = entry->fts_level == FTS_ROOTLEVEL;
    if (!named && entry->fts_name[0] == '.') {
        fts_set(tree, entry, FTS_SKIP);
        return UT_OK;
    }
    switch (entry->fts_info) {
    case FTS_F:
        return ut_paths_add(paths, entry->fts_path, err);
    case FTS_DEFAULT: /* a device or pipe is read only if it was named */
        return named ? ut_paths_add(paths, entry->fts_path, err) : UT_OK;
    case FTS_NS:
    case FTS_SLNONE:
        if (!named) /* a dangling link, or gone since the folder was read */
            return UT_OK;
        return ut_fail(err, entry->fts_errno == EACCES ? UT_E_IO : UT_E_NOTFOUND, "%s: %s", entry->fts_path,
                       strerror(entry->fts_errno ? entry->fts_errno : ENOENT));
    case FTS_DNR:
    case FTS_ERR:
        return ut_fail(err, UT_E_IO, "%s: %s", entry->fts_path, strerror(entry->fts_errno));
    default: /* folders before and after their content, cycles of links */
        return UT_OK;
    }
}

ut_status ut_paths_walk(ut_paths *paths, const char *path, ut_err *err)
{
    if (!*path)
        return ut_fail(err, UT_E_ARG, "paths: empty path");
    char *root = strdup(path); /* fts wants it writable */
    if (!root)
        return ut_fail(err, UT_E_NOMEM, "paths: %s", path);
    char *roots[] = {root, NULL};
    ut_status rc = UT_OK;
    FTS *tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    if (!tree) {
        rc = ut_fail(err, UT_E_IO, "%s: %s", path, strerror(errno));
    } else {
        FTSENT *entry = NULL;
        while (rc == UT_OK && (errno = 0, entry = fts_read(tree)))
            rc = walk_entry(paths, tree, entry, err);
        if (rc == UT_OK && errno)
            rc = ut_fail(err, UT_E_IO, "%s: %s", path, strerror(errno));
        fts_close(tree);
    }
    free(root);
    return rc;
}

ut_status ut_paths_list(ut_paths *paths, const char *list_file, ut_err *err)
{
    char *text;
    size_t size;
    ut_status rc = ut_file_read(list_file, LIST_LIMIT, &text, &size, err);
    if (rc != UT_OK)
        return rc;
    char *state = NULL;
    for (char *line = strtok_r(text, "\n", &state); line && rc == UT_OK; line = strtok_r(NULL, "\n", &state)) {
        size_t length = strlen(line);
        if (length && line[length - 1] == '\r')
            line[--length] = '\0';
        if (length)
            rc = ut_paths_add(paths, line, err);
    }
    free(text);
    return rc;
}

void ut_paths_clear(ut_paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->items[i]);
    free(paths->items);
    *paths = (ut_paths){0};
}
