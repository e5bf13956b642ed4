/* A cue sheet as a table of named fields: what the column profiles print and what every profile is checked against. */
#ifndef UT_CUESHEET_TABLE_H
#define UT_CUESHEET_TABLE_H

#include <stdio.h>

#include "cuesheet/profile.h"
#include "cuesheet/sheet.h"

/* What one row is about. */
typedef struct {
    const ut_sheet *sheet;
    const ut_profile *profile;
    size_t cue;    /* index of its (first) cue */
    size_t party;  /* index; SIZE_MAX: the row is not about one */
    bool work;     /* of all cues with this recording */
    size_t number; /* of the row, from 1 */
} ut_table_row;

typedef ut_status (*ut_table_fn)(void *arg, const ut_table_row *row, ut_err *err);
/* The rows that a column profile prints, in order. */
UT_CHECK ut_status ut_table_each(const ut_sheet *sheet, const ut_profile *profile, ut_table_fn fn, void *arg,
                                 ut_err *err);

bool ut_field_known(const char *field);
/* Of the sheet's header, not of a row. */
bool ut_field_of_header(const char *field);
/* All names, for messages; cut to size. Returns buf. */
const char *ut_field_names(char *buf, size_t size);
/* Writes the field's text, nothing if it is empty. */
void ut_field_put(FILE *out, const ut_table_row *row, const char *field);

/* Heading and field of a profile's column. */
const char *ut_column_heading(const ut_profile *profile, size_t i);
const char *ut_column_field(const ut_profile *profile, size_t i);

#endif
