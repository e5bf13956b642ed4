/* One cell of tracks.csv that names parties: "Name|IPI|society|share; Name|…", see
 * pipeline/metadata.h. */
#ifndef UT_PIPELINE_PARTIES_H
#define UT_PIPELINE_PARTIES_H

#include "core/types.h"

/* Appends the parties of `cell` (changed) to rec. `column` names it in messages. UT_E_ARG for a
 * party without a name, a wrong IPI, a share that is none, more than 100 % in one cell. */
UT_CHECK ut_status ut_parties_parse(const char *column, char *cell, ut_role role, ut_recording *rec, ut_err *err);

#endif
