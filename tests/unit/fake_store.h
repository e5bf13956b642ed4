/* A store in memory that fails as told: for what must outlive a store that is locked, full or away. */
#ifndef UT_TESTS_FAKE_STORE_H
#define UT_TESTS_FAKE_STORE_H

#include "core/types.h"

typedef struct {
    int opens, closes;
    int segments, ended, gaps, airplays, events;
    char first_ids[64][37]; /* of the airplays, in order */
    int64_t starts[64];
    int64_t recording_ids[64];
    int64_t catalogue_versions[64];
    ut_gap gap_list[64];
    int64_t resume_sample; /* last checkpoint */
    bool done;
} fake_store_state;

/* Copies what is in the store. */
fake_store_state fake_store(void);
void fake_store_reset(void);
/* Calls fail with `code` from now on, until told UT_OK. */
void fake_store_fail(ut_status code);
/* Of every `period` calls the last one fails; 0: none. */
void fake_store_fail_every(int period, ut_status code);

#endif
