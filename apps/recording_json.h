/* A recording as JSON, as `catalogue list` and `catalogue show` print it. */
#ifndef UT_APPS_RECORDING_JSON_H
#define UT_APPS_RECORDING_JSON_H

#include <jansson.h>

#include "core/types.h"

/* A new object; NULL fields are left out. NULL on lack of memory. */
json_t *ut_recording_json(const ut_recording *rec);
/* Writes one line and gives the object back; UT_E_IO if stdout is closed or full, UT_E_NOMEM for
 * NULL. */
UT_CHECK ut_status ut_json_print(json_t *object, ut_err *err);

#endif
