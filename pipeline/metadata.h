/* tracks.csv: what a user knows of the files that `catalogue add` reads.
 *
 * A header row names the columns, in any order: `file` is needed, all else optional: title, artist,
 * album, isrc, label, library, catalogue_no, work, iswc, and the parties to the work: composers,
 * authors, arrangers, publishers, subpublishers. Those hold one or more of
 * `Name|IPI|society|share`, separated by ";", with the share in percent of the work; what is
 * unknown stays empty or is left off: "Ann Lee|00017798450|PRS|50; Bob Roe|||50".
 *
 * Every error reads "FILE:LINE: what: remedy" and is UT_E_ARG; nothing is taken from a file with an
 * error. */
#ifndef UT_PIPELINE_METADATA_H
#define UT_PIPELINE_METADATA_H

#include "core/types.h"

typedef struct ut_metadata ut_metadata;
UT_CHECK ut_status ut_metadata_load(const char *path, ut_metadata **out, ut_err *err);
/* The same from memory; `name` stands for the file in messages. Never trusts its input. */
UT_CHECK ut_status ut_metadata_parse(const char *name, const char *text, size_t size, ut_metadata **out, ut_err *err);
void ut_metadata_close(ut_metadata **metadata);
size_t ut_metadata_rows(const ut_metadata *metadata);

/* A row that names none of the files. */
typedef void (*ut_missed_fn)(void *arg, size_t line, const char *file);
/* Finds the row of each path: the row's `file` is the path's name, or as many of its last parts as
 * it has itself. Writes rows[i], borrowed, NULL if no row names paths[i]: NULL fields are unknown,
 * `file` is as in the row. `missed` is called for each row that names no path. UT_E_ARG if a row
 * fits two paths, or two rows one path. */
UT_CHECK ut_status ut_metadata_match(const ut_metadata *metadata, char *const *paths, size_t count,
                                     const ut_recording **rows, ut_missed_fn missed, void *arg, ut_err *err);

#endif
