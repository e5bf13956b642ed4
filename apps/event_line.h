/* An event as one line for people. */
#ifndef UT_APPS_EVENT_LINE_H
#define UT_APPS_EVENT_LINE_H

#include <stdio.h>

#include "core/types.h"

/* "2026-11-21T20:15:00.000Z  capture.gap  tv1  no-data, 4.2 s". Values that do not fit their schema give what of it
 * does; control characters are left out. */
void ut_event_print(FILE *out, const ut_event *event);

#endif
