/* From what was recognised to what is told: airplays with deterministic ids, and their events.
 *
 * Everything here is a function of its arguments alone, no clock and no chance: the same audio
 * replayed gives the same ids and the same bytes. Schemas of the values: configs/schemas/. */
#ifndef UT_PIPELINE_EVENT_H
#define UT_PIPELINE_EVENT_H

#include "core/types.h"

#define UT_EVENT_CUE "org.undertone.cue.identified.v1"
#define UT_EVENT_GAP "org.undertone.capture.gap.v1"
#define UT_EVENT_STATE "org.undertone.capture.state.v1"
#define UT_EVENT_REVIEW "org.undertone.audit.review.v1"

/* What recognised it. */
typedef struct {
    char model_hash[65]; /* "" without separation */
    char params[8];
    int64_t catalogue_version;
} ut_versions;

/* Places an identification on air. Its id comes from channel, start and recording: of the recording
 * by its audio, so that it is the same in every store; `rec` is NULL for unidentified music, or for
 * a recording that is no longer there. */
void ut_airplay_make(const ut_segment *segment, const ut_identification *what, const ut_recording *rec,
                     const ut_versions *versions, ut_airplay *out);

/* *out is to be cleared by the caller. */
UT_CHECK ut_status ut_event_of_airplay(const ut_airplay *air, const ut_segment *segment, const ut_recording *rec,
                                       ut_event *out, ut_err *err);
/* The same for what a revision made of it; rec is what it names now. */
UT_CHECK ut_status ut_event_of_revision(const ut_revision *revision, const ut_segment *segment, const ut_recording *rec,
                                        ut_event *out, ut_err *err);
/* That somebody, or something, made this revision: for the audit trail. */
UT_CHECK ut_status ut_event_of_review(const ut_revision *revision, ut_event *out, ut_err *err);
UT_CHECK ut_status ut_event_of_gap(const ut_gap *gap, ut_event *out, ut_err *err);
/* A segment began (up), or ended at its sample_count. */
UT_CHECK ut_status ut_event_of_state(const ut_segment *segment, bool up, ut_event *out, ut_err *err);

/* The event as one CloudEvents 1.0 structured-mode JSON document, without a newline. *json is
 * malloc'd. UT_E_CORRUPT if its value is no JSON. */
UT_CHECK ut_status ut_event_envelope(const ut_event *event, char **json, ut_err *err);
/* Back from it. Never trusts its input: UT_E_CORRUPT. */
UT_CHECK ut_status ut_event_read(const char *text, size_t size, ut_event *out, ut_err *err);

#endif
