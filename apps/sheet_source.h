/* The cue sheet that a command line asks for: a channel and a range of time, or an airing. Options read, as far as the
 * verb has them: channel, from, to, programme, day, timezone, day-start, and those of the header. */
#ifndef UT_APPS_SHEET_SOURCE_H
#define UT_APPS_SHEET_SOURCE_H

#include "apps/channel_clock.h"
#include "apps/cue_data.h"
#include "cuesheet/sheet.h"

typedef struct {
    ut_sheet sheet; /* borrows from what follows */
    ut_profile *profile;
    ut_cue_data data;
    ut_channel_clock clock;
    ut_airing airing; /* id 0: of a range */
    char airdate[48], prepared[48];
} ut_sheet_source;

/* `source` must stay where it is. Close it even after a failure. UT_E_ARG: the command line is wrong. */
UT_CHECK ut_status ut_sheet_source_open(const ut_args *args, const char *profile, ut_sheet_source *source, ut_err *err);
void ut_sheet_source_close(ut_sheet_source *source);

#endif
