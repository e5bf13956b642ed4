#include "separator/separator.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"

#define DEFAULT_MODEL "unet"

/* The name in FOLDER/default, else DEFAULT_MODEL. */
static void default_name(const char *folder, char *name, size_t size)
{
    char path[1024];
    char *text = NULL;
    size_t length;
    snprintf(name, size, "%s", DEFAULT_MODEL);
    snprintf(path, sizeof path, "%s/default", folder);
    if (ut_file_read(path, 256, &text, &length, NULL) != UT_OK)
        return;
    text[strcspn(text, " \t\r\n")] = '\0';
    if (*text)
        snprintf(name, size, "%s", text);
    free(text);
}

static ut_status give(const char *found, char *path, size_t size, ut_err *err)
{
    size_t length = strlen(found);
    if (length >= size)
        return ut_fail(err, UT_E_ARG, "model %.200s: path longer than %zu bytes", found, size);
    memcpy(path, found, length + 1);
    return UT_OK;
}

/* Looks for NAME-HASH8.safetensors. The hash keeps "unet" from matching "unet-jansson-…". */
static ut_status find_in(const char *folder, const char *name, char *path, size_t size, ut_err *err)
{
    char pattern[1024], fallback[128];
    glob_t found;
    ut_status rc;
    if (!strcmp(name, "default")) {
        default_name(folder, fallback, sizeof fallback);
        name = fallback;
    }
    const char *hex = "[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]";
    if (strpbrk(name, "*?[]/\\") ||
        snprintf(pattern, sizeof pattern, "%s/%s-%s.safetensors", folder, name, hex) >= (int)sizeof pattern)
        return UT_E_NOTFOUND;
    if (glob(pattern, 0, NULL, &found) != 0)
        return UT_E_NOTFOUND;
    if (found.gl_pathc > 1)
        rc = ut_fail(err, UT_E_ARG, "model \"%s\": %zu versions in %s; give a path", name, (size_t)found.gl_pathc,
                     folder);
    else
        rc = give(found.gl_pathv[0], path, size, err);
    globfree(&found);
    return rc;
}

ut_status ut_model_find(const char *name, char *path, size_t size, ut_err *err)
{
    const char *folders[] = {getenv("UT_MODELS"), UT_MODELS_BUILD, UT_MODELS_INSTALL};
    if (strchr(name, '/') || strstr(name, ".safetensors")) {
        if (access(name, R_OK) != 0)
            return ut_fail(err, UT_E_NOTFOUND, "model %s: no such file, or not readable", name);
        return give(name, path, size, err);
    }
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        ut_status rc = folders[i] && *folders[i] ? find_in(folders[i], name, path, size, err) : UT_E_NOTFOUND;
        if (rc != UT_E_NOTFOUND)
            return rc;
    }
    return ut_fail(err, UT_E_NOTFOUND, "model \"%s\": not in $UT_MODELS, %s or %s", name, UT_MODELS_BUILD,
                   UT_MODELS_INSTALL);
}
