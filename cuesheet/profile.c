#include "cuesheet/profile.h"

#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/config_key.h"
#include "core/file.h"
#include "cuesheet/table.h"

#define FILE_LIMIT ((size_t)1 << 20)
#define ENDING ".yaml"

#define AT(field) .offset = offsetof(ut_profile, field)
#define LIST(field) AT(field), .count_offset = offsetof(ut_profile, field##_count)

static const ut_key keys[] = {
    {"", "title", UT_KEY_TEXT, AT(title), .required = true},
    {"", "layout", UT_KEY_CHOICE, AT(layout), .fallback = "columns", .allowed = "rapidcue|columns|json"},
    {"", "format", UT_KEY_CHOICE, AT(format), .fallback = "csv", .allowed = "csv|xlsx|html|json"},
    {"", "rows", UT_KEY_CHOICE, AT(rows), .fallback = "cue", .allowed = "cue|party|work"},
    {"", "merge_gap_s", UT_KEY_REAL, AT(merge_gap_s), .fallback = "2", .min = 0, .max = 600},
    {"", "min_length_s", UT_KEY_REAL, AT(min_length_s), .fallback = "0", .min = 0, .max = 600},
    {"", "round_s", UT_KEY_REAL, AT(round_s), .fallback = "1", .min = 0.001, .max = 60},
    {"", "rounding", UT_KEY_CHOICE, AT(rounding), .fallback = "half-up", .allowed = "half-up|down|up"},
    {"", "times", UT_KEY_CHOICE, AT(times), .fallback = "hms", .allowed = "hms|hms-ms|seconds"},
    {"", "background_lu", UT_KEY_REAL, AT(background_lu), .fallback = "-3", .min = -60, .max = 60},
    {"", "foreground_lu", UT_KEY_REAL, AT(foreground_lu), .fallback = "3", .min = -60, .max = 60},
    {"", "speech_floor_lufs", UT_KEY_REAL, AT(speech_floor_lufs), .fallback = "-50", .min = -70, .max = 0},
    {"", "columns", UT_KEY_LIST, AT(columns), .count_offset = offsetof(ut_profile, column_count),
     .allowed = "Heading = field"},
    {"", "required", UT_KEY_LIST, LIST(required)},
    {"", "required_identified", UT_KEY_LIST, LIST(required_identified)},
    {"", "required_library", UT_KEY_LIST, LIST(required_library)},
    {"", "required_commercial", UT_KEY_LIST, LIST(required_commercial)},
    {"", "shares", UT_KEY_CHOICE, AT(shares), .fallback = "either", .allowed = "none|total|each|either"},
    {"", "share_tolerance", UT_KEY_REAL, AT(share_tolerance), .fallback = "0.0005", .min = 0, .max = 1},
    {"", "max_rows", UT_KEY_INT, AT(max_rows), .fallback = "0", .min = 0, .max = 1e9},
    {.name = NULL},
};

static ut_status fields_check(const char *name, char *const *fields, size_t count, ut_err *err)
{
    for (size_t i = 0; i < count; i++)
        if (!ut_field_known(fields[i])) {
            char known[220];
            return ut_fail(err, UT_E_ARG, "%.60s: no field \"%.40s\"; there are: %s", name, fields[i],
                           ut_field_names(known, sizeof known));
        }
    return UT_OK;
}

/* Splits "Heading = field" in place, so that columns[i] is the heading and the field follows its NUL. */
static ut_status columns_split(const char *name, const ut_profile *p, ut_err *err)
{
    for (size_t i = 0; i < p->column_count; i++) {
        char *equals = strchr(p->columns[i], '='), *end = equals, *field = equals;
        if (!equals)
            return ut_fail(err, UT_E_ARG, "%.60s: columns: \"%.60s\": allowed: Heading = field", name, p->columns[i]);
        while (end > p->columns[i] && end[-1] == ' ')
            end--;
        *end = '\0';
        for (field++; *field == ' ';)
            field++;
        memmove(end + 1, field, strlen(field) + 1);
        char *one = end + 1;
        ut_status rc = fields_check(name, &one, 1, err);
        if (rc != UT_OK)
            return rc;
    }
    return UT_OK;
}

static ut_status check(const char *name, const ut_profile *p, ut_err *err)
{
    bool rapidcue = strcmp(p->layout, "rapidcue") == 0, json = strcmp(p->layout, "json") == 0;
    if (json != (strcmp(p->format, "json") == 0))
        return ut_fail(err, UT_E_ARG, "%.60s: layout %s does not go with format %s", name, p->layout, p->format);
    if (rapidcue && strcmp(p->format, "html") == 0)
        return ut_fail(err, UT_E_ARG, "%.60s: layout rapidcue is csv or xlsx", name);
    if (rapidcue && (p->round_s < 1 || p->round_s != floor(p->round_s)))
        return ut_fail(err, UT_E_ARG, "%.60s: round_s: %g: layout rapidcue has whole seconds", name, p->round_s);
    if (strcmp(p->layout, "columns") == 0 && p->column_count == 0)
        return ut_fail(err, UT_E_ARG, "%.60s: columns: missing", name);
    if (p->background_lu > p->foreground_lu)
        return ut_fail(err, UT_E_ARG, "%.60s: background_lu: %g: above foreground_lu, %g", name, p->background_lu,
                       p->foreground_lu);
    ut_status rc = columns_split(name, p, err);
    if (rc == UT_OK)
        rc = fields_check(name, p->required, p->required_count, err);
    if (rc == UT_OK)
        rc = fields_check(name, p->required_identified, p->required_identified_count, err);
    if (rc == UT_OK)
        rc = fields_check(name, p->required_library, p->required_library_count, err);
    if (rc == UT_OK)
        rc = fields_check(name, p->required_commercial, p->required_commercial_count, err);
    return rc;
}

static char *stem(const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t n = strlen(base), ending = strlen(ENDING);
    return strndup(base, n > ending && strcmp(base + n - ending, ENDING) == 0 ? n - ending : n);
}

ut_status ut_profile_parse(const char *name, const char *text, size_t size, ut_profile **out, ut_err *err)
{
    ut_profile *p = calloc(1, sizeof *p);
    if (!p || ut_keys_default(keys, p) != UT_OK || !(p->name = stem(name))) {
        ut_profile_close(&p);
        return ut_fail(err, UT_E_NOMEM, "profile %s", name);
    }
    ut_status rc = ut_keys_parse(text, size, name, keys, p, err);
    if (rc == UT_OK && !p->title)
        rc = ut_fail(err, UT_E_ARG, "%s: title: missing", name);
    if (rc == UT_OK)
        rc = check(name, p, err);
    if (rc != UT_OK) {
        ut_profile_close(&p);
        return rc;
    }
    *out = p;
    return UT_OK;
}

void ut_profile_close(ut_profile **profile)
{
    if (!*profile)
        return;
    ut_keys_clear(keys, *profile);
    free((*profile)->name);
    free(*profile);
    *profile = NULL;
}

static ut_status load_file(const char *path, ut_profile **out, ut_err *err)
{
    char *text;
    size_t size;
    ut_status rc = ut_file_read(path, FILE_LIMIT, &text, &size, err);
    if (rc != UT_OK)
        return ut_err_prefix(err, "profile");
    rc = ut_profile_parse(path, text, size, out, err);
    free(text);
    return rc;
}

static const char *folder(size_t i)
{
    switch (i) {
    case 0:
        return getenv("UT_PROFILES") ? getenv("UT_PROFILES") : "";
    case 1:
        return UT_PROFILES_BUILD;
    case 2:
        return UT_PROFILES_INSTALL;
    default:
        return NULL;
    }
}

static ut_status add_name(void *arg, const ut_profile *profile)
{
    char *names = arg;
    size_t n = strlen(names);
    snprintf(names + n, 200 - n, "%s%s", n ? ", " : "", profile->name);
    return UT_OK;
}

ut_status ut_profile_load(const char *name, ut_profile **out, ut_err *err)
{
    char path[PATH_MAX], names[200] = "";
    if (strchr(name, '/') || strstr(name, ENDING))
        return load_file(name, out, err);
    for (size_t i = 0; folder(i); i++) {
        int n = snprintf(path, sizeof path, "%s/%s" ENDING, folder(i), name);
        if (*folder(i) && n > 0 && (size_t)n < sizeof path && access(path, R_OK) == 0)
            return load_file(path, out, err);
    }
    if (ut_profile_each(add_name, names, err) != UT_OK)
        return ut_err_prefix(err, "profile %s", name);
    return ut_fail(err, UT_E_NOTFOUND, "profile \"%.60s\": there is none; there are: %s", name, names);
}

static int yaml_only(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return entry->d_name[0] != '.' && n > strlen(ENDING) && strcmp(entry->d_name + n - strlen(ENDING), ENDING) == 0;
}

ut_status ut_profile_each(ut_status (*fn)(void *arg, const ut_profile *profile), void *arg, ut_err *err)
{
    ut_status rc = UT_OK;
    bool found = false;
    for (size_t i = 0; folder(i) && rc == UT_OK && (i < 2 || !found); i++) { /* what is installed is the same again */
        struct dirent **entries = NULL;
        int count = *folder(i) ? scandir(folder(i), &entries, yaml_only, alphasort) : 0;
        for (int k = 0; k < count; k++) {
            char path[PATH_MAX];
            ut_profile *profile = NULL;
            if (rc == UT_OK && snprintf(path, sizeof path, "%s/%s", folder(i), entries[k]->d_name) < (int)sizeof path &&
                (rc = load_file(path, &profile, err)) == UT_OK)
                rc = fn(arg, profile);
            ut_profile_close(&profile);
            free(entries[k]);
        }
        found |= i > 0 && count > 0;
        free(entries);
    }
    return rc;
}

ut_cue_rules ut_profile_rules(const ut_profile *profile)
{
    ut_cue_rules rules = ut_cue_rules_default();
    rules.merge_gap_s = profile->merge_gap_s;
    rules.min_length_s = profile->min_length_s;
    rules.background_lu = profile->background_lu;
    rules.foreground_lu = profile->foreground_lu;
    rules.speech_floor_lufs = profile->speech_floor_lufs;
    return rules;
}

int64_t ut_profile_round(const ut_profile *profile, int64_t ms)
{
    int64_t unit = profile ? llround(profile->round_s * 1000) : 1000;
    int64_t add = !profile || strcmp(profile->rounding, "half-up") == 0 ? unit / 2
                  : strcmp(profile->rounding, "up") == 0                ? unit - 1
                                                                        : 0;
    int64_t shifted = ms + add;
    return (shifted / unit - (shifted % unit < 0)) * unit;
}
