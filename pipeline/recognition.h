/* What recognises, from its names in the configuration or on the command line. */
#ifndef UT_PIPELINE_RECOGNITION_H
#define UT_PIPELINE_RECOGNITION_H

#include "separator/separator.h"

/* name: as ut_model_find takes it, or "none", which gives NULL: mixture only. The caller closes *out. */
UT_CHECK ut_status ut_recognition_model(const char *name, ut_model **out, ut_err *err);
/* "f32", "bf16", else auto. */
ut_precision ut_recognition_precision(const char *name);

#endif
