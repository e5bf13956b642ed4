#include "cuesheet/facets.h"

/* Music in the foreground may be many things in these words (OnScreenMusic, Theme, EssentialPart …): which one takes
 * eyes, so it is not said. */
static const char *use_type(const ut_cue *cue)
{
    return cue->use == UT_USE_BACKGROUND ? "Background" : NULL;
}

ut_facets ut_facets_of(const ut_cue *cue, const ut_recording *rec)
{
    bool known = cue->outcome == UT_IDENTIFIED && rec;
    return (ut_facets){
        .use_type = use_type(cue),
        .vocal_type = "Unknown",
        .visual_perception_type = "Unknown",
        .cue_origin = known && rec->library                ? "Library"
                      : known && (rec->label || rec->isrc) ? "Preexisting"
                                                           : "Unknown",
    };
}
