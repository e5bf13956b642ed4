/* What becomes of a stretch of unidentified music when something is found in it: the airplay is revised to what is
 * found, further finds become airplays of their own, and what is left over stays unidentified, with its own trail. The
 * changes are gathered and committed together. One thread. */
#ifndef UT_PIPELINE_RESOLVE_H
#define UT_PIPELINE_RESOLVE_H

#include "db/store.h"
#include "fingerprint/trail.h"
#include "pipeline/event.h"

typedef struct ut_resolver ut_resolver;

/* Who changes, and why. Copied. */
typedef struct {
    ut_cause cause;
    int64_t cause_id;
    const char *who, *why;
    int64_t at_ns;
    int64_t catalogue_version; /* that it was found in */
} ut_resolver_note;

UT_CHECK ut_status ut_resolver_open(ut_store *store, const ut_resolver_note *note, ut_resolver **out, ut_err *err);
void ut_resolver_close(ut_resolver **resolver); /* what was not committed is dropped */

/* `found`, in order of time or not, at most UT_RESOLVE_MAX; *changed says whether it differs from what the airplay
 * says now. A find may reach up to 12 s beyond the airplay's stretch, not into
 * another airplay; one that lies outside it for the greater part, or is under a second, is dropped. trail may be NULL:
 * then what is left over is not kept for later. */
enum { UT_RESOLVE_MAX = 64 };
UT_CHECK ut_status ut_resolver_add(ut_resolver *resolver, const ut_airplay *air, const ut_trail *trail,
                                   const ut_identification *found, size_t count, bool *changed, ut_err *err);
/* A revision as the caller made it, but for number, cause, who, why and time. */
UT_CHECK ut_status ut_resolver_revise(ut_resolver *resolver, const ut_airplay *air, ut_err *err);
/* A trail that was matched against the note's catalogue, whatever came of it. */
UT_CHECK ut_status ut_resolver_matched(ut_resolver *resolver, int64_t trail_id, ut_err *err);
/* Everything added since the last commit, in one transaction; adds to *revised and *added. UT_E_BUSY: somebody changed
 * one of the airplays meanwhile; all are dropped, to be looked at again. */
UT_CHECK ut_status ut_resolver_commit(ut_resolver *resolver, size_t *revised, size_t *added, ut_err *err);

#endif
