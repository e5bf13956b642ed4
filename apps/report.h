/* A report in both of its forms, beside each other on disk: BASE.md for people, BASE.json for programs. */
#ifndef UT_APPS_REPORT_H
#define UT_APPS_REPORT_H

#include <stdio.h>

#include "core/status.h"

/* Writes one form. Whether the file took it is seen by the caller. */
typedef ut_status (*ut_report_fn)(const void *what, FILE *out, bool json, ut_err *err);

/* Each file is replaced whole or not at all. */
UT_CHECK ut_status ut_report_write(const char *base, ut_report_fn form, const void *what, ut_err *err);

#endif
