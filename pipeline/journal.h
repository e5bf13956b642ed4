/* The journal: the store thread of the live monitor. Workers hand it what happened, in order; it writes that to the
 * store, retrying with back-off for as long as the store is locked, full or away, so that neither capture nor analysis
 * ever waits for it. What it has not written yet is in memory only, and counted.
 *
 * Any thread may call; calls about one segment come from one thread. */
#ifndef UT_PIPELINE_JOURNAL_H
#define UT_PIPELINE_JOURNAL_H

#include "pipeline/event.h"
#include "pipeline/outbox.h"

#include "db/store.h"

typedef struct ut_journal ut_journal;
typedef struct ut_journal_segment ut_journal_segment;

/* outbox: woken after each commit; may be NULL. owner: as ut_store_write_as; may be NULL. */
UT_CHECK ut_status ut_journal_start(const char *dsn, const char *owner, ut_outbox *outbox, ut_journal **out,
                                    ut_err *err);
/* What is done with each batch of new airplays once it is written, in the journal's thread: those of `channel` that end
 * after since_ns. Before the first ut_journal_begin. */
typedef void (*ut_journal_follow_fn)(ut_store *store, const char *channel, int64_t since_ns);
void ut_journal_follow(ut_journal *journal, ut_journal_follow_fn follow);
/* Writes what is there for at most drain_s seconds, ends the thread, closes. *lost counts what was not written. */
void ut_journal_stop(ut_journal **journal, double drain_s, size_t *lost);

/* A capture segment begins. The journal owns *out, until ut_journal_end or _abandon. */
UT_CHECK ut_status ut_journal_begin(ut_journal *journal, const ut_segment *segment, ut_journal_segment **out,
                                    ut_err *err);
/* Airplays of it (their number may be 0) and how far it is committed, in one transaction. Takes the items' trails over
 * on success. */
UT_CHECK ut_status ut_journal_commit(ut_journal *journal, ut_journal_segment *segment, const ut_versions *versions,
                                     const ut_finding *items, size_t count, const ut_checkpoint *checkpoint,
                                     ut_err *err);
UT_CHECK ut_status ut_journal_end(ut_journal *journal, ut_journal_segment **segment, int64_t sample_count, ut_err *err);
/* Leaves it open in the store, for whoever goes on with it; what was committed stays. */
UT_CHECK ut_status ut_journal_abandon(ut_journal *journal, ut_journal_segment **segment, ut_err *err);
UT_CHECK ut_status ut_journal_gap(ut_journal *journal, const ut_gap *gap, ut_err *err);

/* Programmes that the stream announced; copied. */
UT_CHECK ut_status ut_journal_airings(ut_journal *journal, const ut_airing *airings, size_t count, ut_err *err);

typedef struct {
    size_t pending; /* entries not yet written */
    uint64_t written;
    uint64_t failures;
    uint64_t refused; /* entries that the store would never take; logged */
    bool healthy;     /* the last write worked */
} ut_journal_stats;
ut_journal_stats ut_journal_describe(ut_journal *journal);

#endif
