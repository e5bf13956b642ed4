/* A channel under way: what its supervisor captured goes in, in order; identifications, checkpoints and gaps go to the
 * journal. It holds the channel's analyser and follows the catalogue: when that changed, recognition goes on with the
 * new one from where the old one would resume, over a short history of the audio. One thread, but for the statistics.
 */
#ifndef UT_PIPELINE_CHANNEL_H
#define UT_PIPELINE_CHANNEL_H

#include "pipeline/analyser.h"
#include "pipeline/catalogue.h"
#include "pipeline/journal.h"
#include "pipeline/supervisor.h"

typedef struct ut_channel ut_channel;

/* All borrowed. */
typedef struct {
    ut_catalogue *catalogue;
    const char *params;
    const ut_model *model; /* NULL: mixture only */
    const char *backend;
    ut_precision precision;
    bool unidentified;
    double max_log10_e;
    bool keep_trails; /* of what is not identified */
    ut_journal *journal;
} ut_channel_options;

UT_CHECK ut_status ut_channel_open(const ut_channel_options *options, const char *id, ut_channel **out, ut_err *err);
/* Without ut_channel_finish, what is open is dropped. */
void ut_channel_close(ut_channel **channel);

/* Takes the next captured item. A failure is one of memory or of the recogniser; the channel goes on with the next
 * segment. */
UT_CHECK ut_status ut_channel_take(ut_channel *channel, const ut_capture_item *item, ut_err *err);
/* The capture has ended: what is open is concluded. */
UT_CHECK ut_status ut_channel_finish(ut_channel *channel, ut_err *err);
/* Another monitor has the channel by now: concludes nothing, and leaves the segment to it. */
UT_CHECK ut_status ut_channel_abandon(ut_channel *channel, ut_err *err);

typedef struct {
    int64_t samples;   /* analysed */
    double analysis_s; /* time that took */
    double music_s[4]; /* identified, by ut_use */
    double unidentified_s;
    uint64_t cues[3]; /* by ut_outcome */
    uint64_t failures;
} ut_channel_stats;
ut_channel_stats ut_channel_describe(ut_channel *channel); /* any thread */

#endif
