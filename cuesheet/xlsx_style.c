#include "cuesheet/xlsx_style.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_FORMATS 4096
#define MAX_STYLES 65536

typedef struct {
    struct {
        long id;
        bool time;
    } formats[MAX_FORMATS];
    size_t format_count;
    bool in_cells; /* inside cellXfs */
    ut_xlsx_styles styles;
} reader;

/* A format code shows a time if a letter of one stands outside quotes and brackets ("[h]:mm" does, "[Red]0" not). */
static bool code_is_time(const char *code)
{
    for (; *code; code++) {
        if (*code == '"') {
            code = strchr(code + 1, '"');
            if (!code)
                return false;
        } else if (*code == '\\' || *code == '_' || *code == '*') {
            if (!*++code)
                return false;
        } else if (*code == '[') {
            if (strchr("hHmMsS", code[1]) && code[1])
                return true;
            code = strchr(code, ']');
            if (!code)
                return false;
        } else if (*code == 'E' || *code == 'e' || *code == 'G') {
            return false; /* scientific; "General" */
        } else if (strchr("dDmMyYhHsS", *code)) {
            return true;
        }
    }
    return false;
}

static bool id_is_time(const reader *r, long id)
{
    for (size_t i = 0; i < r->format_count; i++)
        if (r->formats[i].id == id)
            return r->formats[i].time;
    return (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) || (id >= 50 && id <= 58);
}

static ut_status on_start(void *arg, const char *name, const ut_xml_attributes *a, ut_err *err)
{
    reader *r = arg;
    const char *id = ut_xml_attribute(a, "numFmtId");
    if (strcmp(name, "cellXfs") == 0)
        r->in_cells = true;
    if (strcmp(name, "numFmt") == 0 && id && r->format_count < MAX_FORMATS) {
        const char *code = ut_xml_attribute(a, "formatCode");
        r->formats[r->format_count].id = strtol(id, NULL, 10);
        r->formats[r->format_count++].time = code && code_is_time(code);
    }
    if (strcmp(name, "xf") != 0 || !r->in_cells)
        return UT_OK;
    if (r->styles.count == MAX_STYLES)
        return ut_fail(err, UT_E_ARG, "a workbook with more than %d cell styles", MAX_STYLES);
    r->styles.times[r->styles.count++] = id && id_is_time(r, strtol(id, NULL, 10));
    return UT_OK;
}

static ut_status on_end(void *arg, const char *name, ut_err *err)
{
    (void)err;
    reader *r = arg;
    if (strcmp(name, "cellXfs") == 0)
        r->in_cells = false;
    return UT_OK;
}

ut_status ut_xlsx_styles_read(ut_xlsx *xlsx, ut_xlsx_styles *out, ut_err *err)
{
    static const ut_xml_walk walk = {.start = on_start, .end = on_end};
    reader *r = calloc(1, sizeof *r);
    if (!r || !(r->styles.times = calloc(MAX_STYLES, 1))) {
        free(r);
        return ut_fail(err, UT_E_NOMEM, "styles: out of memory");
    }
    ut_status rc = ut_xlsx_walk(xlsx, "xl/styles.xml", &walk, r, err);
    if (rc == UT_E_NOTFOUND)
        rc = UT_OK;
    if (rc == UT_OK)
        *out = r->styles;
    else
        free(r->styles.times);
    free(r);
    return rc;
}

void ut_xlsx_styles_clear(ut_xlsx_styles *styles)
{
    free(styles->times);
    *styles = (ut_xlsx_styles){0};
}

bool ut_xlsx_time(double days, bool from_1904, char *buf, size_t size)
{
    if (!(days >= 0 && days < 100000))
        return false;
    long long ms = llround(days * 86400e3), day = ms / 86400000, rest = ms % 86400000;
    struct tm tm;
    if (day < 1000) { /* no broadcast is so old: a time of day, or a duration */
        snprintf(buf, size, "%lld:%02lld:%02lld.%03lld", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
        return true;
    }
    time_t utc = (time_t)(day - (from_1904 ? 24107 : 25569)) * 86400;
    size_t used = gmtime_r(&utc, &tm) ? strftime(buf, size, "%Y-%m-%d", &tm) : 0;
    if (used > 0 && rest > 0)
        snprintf(buf + used, size - used, " %02lld:%02lld:%02lld.%03lld", rest / 3600000, rest / 60000 % 60,
                 rest / 1000 % 60, rest % 1000);
    return used > 0;
}
