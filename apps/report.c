#include "apps/report.h"

#include <stdlib.h>

#include "core/file.h"

static ut_status write_form(const char *base, bool json, ut_report_fn form, const void *what, ut_err *err)
{
    char path[4096], *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return ut_fail(err, UT_E_NOMEM, "%s: report", base);
    ut_status rc = form(what, out, json, err);
    bool failed = ferror(out) != 0;
    failed |= fclose(out) != 0;
    if (rc == UT_OK && failed)
        rc = ut_fail(err, UT_E_NOMEM, "%s: report", base);
    if (rc == UT_OK && (size_t)snprintf(path, sizeof path, "%s.%s", base, json ? "json" : "md") >= sizeof path)
        rc = ut_fail(err, UT_E_ARG, "%.200s…: path too long", base);
    if (rc == UT_OK)
        rc = ut_file_write(path, text, size, err);
    free(text);
    return rc;
}

ut_status ut_report_write(const char *base, ut_report_fn form, const void *what, ut_err *err)
{
    ut_status rc = write_form(base, false, form, what, err);
    return rc == UT_OK ? write_form(base, true, form, what, err) : rc;
}
