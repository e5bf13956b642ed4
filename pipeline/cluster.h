/* The same unknown tune, heard again on any channel, becomes one cluster. A trail is matched, as audio would be,
 * against the founders of the clusters there are; what matches none of them founds one. In order of arrival, so that
 * bringing the clusters up to date now and then gives what doing it at once would.
 *
 * A founder may hold more than one tune: which one its cluster is about, the first other airing says. */
#ifndef UT_PIPELINE_CLUSTER_H
#define UT_PIPELINE_CLUSTER_H

#include "db/store.h"

typedef struct {
    const char *params;
    double max_log10_e;                                         /* 0: the tracker's default */
    const char *who;                                            /* for the cues of clusters that are labelled already */
    bool (*stopped)(void);                                      /* may be NULL */
    void (*progress)(void *arg, uint64_t done, uint64_t total); /* trails; may be NULL */
    void *arg;
} ut_cluster_options;

typedef struct {
    size_t trails;   /* new */
    size_t joined;   /* airings that belong to a cluster that was there */
    size_t founded;  /* clusters */
    size_t labelled; /* cues corrected, for they belong to a labelled cluster */
} ut_cluster_result;

/* Brings the clusters up to date. Stopped or killed, the same call goes on. */
UT_CHECK ut_status ut_cluster_update(ut_store *store, const ut_cluster_options *options, ut_cluster_result *result,
                                     ut_err *err);

/* Says what a cluster is: its airings that are unidentified now, and that no person has reviewed, are corrected, and
 * those that join it later. *corrected counts cues. */
UT_CHECK ut_status ut_cluster_label(ut_store *store, int64_t cluster_id, int64_t recording_id, const char *who,
                                    size_t *corrected, ut_err *err);

/* Makes a recording of the tune as it was heard, with rec's title and artist, so that it is recognised from now on.
 * Sets rec->id. */
UT_CHECK ut_status ut_cluster_enrol(ut_store *store, int64_t cluster_id, const char *params, ut_recording *rec,
                                    ut_err *err);

#endif
