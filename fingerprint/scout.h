/* The scout: looks through trails, fast, for whether any recording of an index may be in them. It is asked about the
 * few recordings that are new, and the tracker with the whole catalogue decides where it says yes: so it must not miss
 * what is clear, and what it lets pass costs only time.
 *
 * It turns the work round: the references are laid out at all three playing speeds, so that the trail is paired once,
 * and only as the last witness heard it. A bitmap of the hashes that occur, which stays in the cache, drops most
 * landmarks at once; the rest vote in a sliding window of 12 s, and the places with most votes are judged as the
 * matcher would. */
#ifndef UT_FINGERPRINT_SCOUT_H
#define UT_FINGERPRINT_SCOUT_H

#include "fingerprint/index.h"
#include "fingerprint/trail.h"

/* One thread. The index is borrowed. */
typedef struct ut_scout ut_scout;
UT_CHECK ut_status ut_scout_open(const ut_index *index, ut_scout **out, ut_err *err);
void ut_scout_close(ut_scout **scout);
/* *maybe: worth the tracker's time. */
UT_CHECK ut_status ut_scout_look(ut_scout *scout, const ut_trail *trail, bool *maybe, ut_err *err);

#endif
