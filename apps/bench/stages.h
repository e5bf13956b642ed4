/* One function per stage of the signal path; each adds its figures. All run on the calling thread.
 */
#ifndef UT_APPS_BENCH_STAGES_H
#define UT_APPS_BENCH_STAGES_H

#include "apps/bench/figures.h"
#include "fingerprint/index.h"
#include "separator/separator.h"

/* Times are CPU seconds of the process, so that other work on the machine does not count. */

/* Decoding of a file; NULL: of a synthesised MPEG transport stream with MP2 audio. */
UT_CHECK ut_status ut_bench_decode(const char *file, double seconds, ut_figures *figures, ut_err *err);
/* Every backend and precision that runs here, one block at a time and four, no overlap counted; and
 * the default as a stream uses it, with overlap. */
UT_CHECK ut_status ut_bench_separator(const ut_model *model, double seconds, ut_figures *figures, ut_err *err);
/* Fingerprints of catalogue tracks; their size. */
UT_CHECK ut_status ut_bench_fingerprint(const ut_params *params, double seconds, ut_figures *figures, ut_err *err);
/* Queries of 12 s against an index of `tracks` synthetic four-minute tracks; the index's size. */
UT_CHECK ut_status ut_bench_query(const ut_params *params, size_t tracks, double seconds, ut_figures *figures,
                                  ut_err *err);
/* What is kept of unidentified music, and matching it again: against new tracks, and against `tracks`. */
UT_CHECK ut_status ut_bench_rematch(const ut_params *params, size_t tracks, double seconds, ut_figures *figures,
                                    ut_err *err);
/* Eight tracks of synthesised music, and synthetic ones up to `tracks`. */
UT_CHECK ut_status ut_bench_index(const ut_params *params, size_t tracks, ut_index **out, ut_err *err);
/* Everything between samples and identifications, with the model (if not NULL) and without. */
UT_CHECK ut_status ut_bench_analyser(const ut_model *model, double seconds, ut_figures *figures, ut_err *err);
/* `catalogue add` of synthesised files into a store; the store's size. */
UT_CHECK ut_status ut_bench_add(ut_figures *figures, ut_err *err);

#endif
