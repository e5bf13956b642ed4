/* Facets of a cue in the words of the DDEX allowed-value sets. Only what the audio and the catalogue can say; the rest
 * is "Unknown", for a person to fill in. */
#ifndef UT_CUESHEET_FACETS_H
#define UT_CUESHEET_FACETS_H

#include "cuesheet/cue.h"

typedef struct {
    const char *use_type;               /* UseType: Background; NULL: not to be said */
    const char *vocal_type;             /* never heard here: "Unknown" */
    const char *visual_perception_type; /* audio cannot tell: "Unknown" */
    const char *cue_origin;             /* CueOrigin: Library, Preexisting, Unknown */
} ut_facets;

ut_facets ut_facets_of(const ut_cue *cue, const ut_recording *rec);

#endif
