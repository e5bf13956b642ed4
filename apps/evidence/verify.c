#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "apps/evidence/evidence.h"
#include "core/digest.h"
#include "core/file.h"

#define MANIFEST_MAX ((size_t)16 << 20)
#define FILE_MAX ((size_t)1 << 31)

typedef struct {
    const char *folder;
    ut_evidence_fn fn;
    void *arg;
    size_t problems;
} check;

static void tell(check *c, const char *problem, const char *file)
{
    c->problems++;
    c->fn(c->arg, problem, file);
}

/* A plain name, so that no manifest points out of its folder. */
static bool is_plain(const char *name)
{
    return name && *name && *name != '.' && !strchr(name, '/') && strcmp(name, UT_EVIDENCE_MANIFEST) != 0;
}

static ut_status check_file(check *c, const json_t *entry, ut_err *err)
{
    const char *name = json_string_value(json_object_get(entry, "name"));
    const char *sha256 = json_string_value(json_object_get(entry, "sha256"));
    char path[PATH_MAX], found[65];
    char *data = NULL;
    size_t size = 0;
    struct stat st;
    if (!is_plain(name) || !sha256 || !json_is_integer(json_object_get(entry, "bytes")))
        return ut_fail(err, UT_E_CORRUPT, "%s/" UT_EVIDENCE_MANIFEST ": an entry without name, bytes, sha256",
                       c->folder);
    if (snprintf(path, sizeof path, "%s/%s", c->folder, name) >= (int)sizeof path)
        return ut_fail(err, UT_E_ARG, "%s: path too long", c->folder);
    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
        tell(c, "missing", name);
        return UT_OK;
    }
    if (st.st_size != json_integer_value(json_object_get(entry, "bytes"))) {
        tell(c, "altered", name);
        return UT_OK;
    }
    ut_status rc = ut_file_read(path, FILE_MAX, &data, &size, err);
    if (rc != UT_OK)
        return rc;
    ut_sha256(data, size, found);
    free(data);
    if (strcmp(found, sha256) != 0)
        tell(c, "altered", name);
    return UT_OK;
}

static bool is_listed(const json_t *files, const char *name)
{
    size_t i;
    const json_t *entry;
    json_array_foreach((json_t *)(uintptr_t)files, i, entry)
    {
        const char *listed = json_string_value(json_object_get(entry, "name"));
        if (listed && strcmp(listed, name) == 0)
            return true;
    }
    return strcmp(name, UT_EVIDENCE_MANIFEST) == 0;
}

static ut_status check_added(check *c, const json_t *files, ut_err *err)
{
    ut_paths paths = {0};
    size_t skip = strlen(c->folder);
    ut_status rc = ut_paths_walk(&paths, c->folder, err);
    for (size_t i = 0; i < paths.count && rc == UT_OK; i++) {
        const char *name = paths.items[i] + skip;
        name += strspn(name, "/");
        if (!is_listed(files, name))
            tell(c, "added", name);
    }
    ut_paths_clear(&paths);
    return rc;
}

static ut_status check_all(check *c, const char *text, size_t size, ut_err *err)
{
    size_t i;
    const json_t *entry;
    ut_status rc = UT_OK;
    json_t *manifest = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *files = json_object_get(manifest, "files");
    const char *schema = json_string_value(json_object_get(manifest, "schema"));
    if (!json_is_array(files) || !schema || strcmp(schema, "urn:undertone:schema:evidence.v1") != 0)
        rc = ut_fail(err, UT_E_CORRUPT, "%s/" UT_EVIDENCE_MANIFEST ": not a manifest of evidence", c->folder);
    json_array_foreach((json_t *)(uintptr_t)files, i, entry)
    {
        if (rc == UT_OK)
            rc = check_file(c, entry, err);
    }
    if (rc == UT_OK)
        rc = check_added(c, files, err);
    json_decref(manifest);
    return rc;
}

ut_status ut_evidence_verify(const char *folder, const char *sha256, ut_evidence_fn fn, void *arg, ut_err *err)
{
    check c = {.folder = folder, .fn = fn, .arg = arg};
    char path[PATH_MAX], found[65];
    char *text = NULL;
    size_t size = 0;
    if (snprintf(path, sizeof path, "%s/" UT_EVIDENCE_MANIFEST, folder) >= (int)sizeof path)
        return ut_fail(err, UT_E_ARG, "%s: path too long", folder);
    ut_status rc = ut_file_read(path, MANIFEST_MAX, &text, &size, err);
    if (rc != UT_OK)
        return rc;
    ut_sha256(text, size, found);
    if (sha256 && strcmp(found, sha256) != 0)
        tell(&c, "altered", UT_EVIDENCE_MANIFEST);
    rc = check_all(&c, text, size, err);
    free(text);
    if (rc == UT_OK && c.problems)
        rc = ut_fail(err, UT_E_CORRUPT, "%s: %zu problem%s", folder, c.problems, c.problems == 1 ? "" : "s");
    return rc;
}
