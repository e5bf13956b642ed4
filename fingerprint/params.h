/* Parameter sets of the fingerprinter: p1 and p2 have the published rate, window and hop, and describe references and
 * queries alike; p3, our default, describes queries more densely. Matching is the same for all. */
#ifndef UT_FINGERPRINT_PARAMS_H
#define UT_FINGERPRINT_PARAMS_H

#include <stddef.h>

typedef struct ut_params ut_params;
/* "p1", "p2", "p3"; NULL for any other name. */
const ut_params *ut_params_find(const char *name);
const char *ut_params_name(const ut_params *params);
/* Sample rate that its audio must have (p1: 11025; p2, p3: 16000), window and hop in samples. */
int ut_params_rate_hz(const ut_params *params);
int ut_params_fft(const ut_params *params);
int ut_params_hop(const ut_params *params);

#endif
