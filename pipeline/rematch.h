/* Matches what is kept of unidentified music again, without its audio, when the catalogue has grown. */
#ifndef UT_PIPELINE_REMATCH_H
#define UT_PIPELINE_REMATCH_H

#include "db/store.h"

typedef struct {
    const char *params;
    const char *channel; /* NULL: all */
    int64_t since_ns;    /* airplays that end after */
    /* False: what is still unidentified or ambiguous, against what is new since it was last matched. True: all that is
     * kept, against the whole catalogue. What a person decided stays in either case. */
    bool everything;
    double max_log10_e; /* 0: the tracker's default */
    const char *who;
    bool (*stopped)(void);                                      /* may be NULL */
    void (*progress)(void *arg, uint64_t done, uint64_t total); /* trails; may be NULL */
    void *arg;
} ut_rematch_options;

typedef struct {
    size_t recordings; /* that it was matched against */
    size_t trails;     /* looked at */
    size_t matched;    /* of them, those that the scout passed on to the tracker */
    size_t damaged;    /* left out, logged */
    double seconds;    /* of music */
    size_t revised;    /* airplays */
    size_t added;      /* further airplays */
} ut_rematch_result;

/* Commits as it goes; stopped (UT_E_STOPPED) or killed, the same call goes on. A second run changes nothing. */
UT_CHECK ut_status ut_rematch(ut_store *store, const ut_rematch_options *options, ut_rematch_result *result,
                              ut_err *err);

#endif
