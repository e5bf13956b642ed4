/* What the store's behaviour tests share: a store of one's own, and values to put in it.
 *
 * UT_TEST_DSN chooses the backend: "sqlite" (default), each test in a folder of its own; "postgresql",
 * each test in a database of its own of the server of tests/with-postgres. */
#ifndef UT_TESTS_STORE_FIXTURE_H
#define UT_TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/store.h"

typedef struct {
    char folder[64];
    char path[96]; /* of the SQLite file */
    char dsn[256];
    ut_store *store; /* opened with UT_STORE_CREATE */
} fixture;

int fixture_setup(void **state);
int fixture_teardown(void **state);
bool fixture_is_postgres(void);
/* The DSN of a place where no store is yet; 256 bytes. */
void fixture_new_dsn(const fixture *f, char *dsn);
/* Closes the store, destroys it, and makes an empty one at the same place. */
void fixture_remake(fixture *f);

/* Fails the test with the text of the error that the call put into ERR. */
#define assert_ok(call)                                                                                                \
    do {                                                                                                               \
        ut_status rc_ = (call);                                                                                        \
        if (rc_ != UT_OK)                                                                                              \
            fail_msg("%s: %s: %s", #call, ut_status_name(rc_), fixture_err.text);                                      \
    } while (0)

extern ut_err fixture_err;
#define ERR (&fixture_err)

/* A recording of number n: borrowed strings, with two parties; the audio digest is of n. */
ut_recording recording_make(int n);
/* Puts recording n with one p3 fingerprint; gives its id. */
int64_t recording_add(ut_store *store, int n);
ut_segment segment_make(const char *channel, int64_t start_ns);
/* Airplay number n of a segment, with its event. The event's json is borrowed. */
ut_airplay airplay_make(const char *channel, int64_t segment_id, int64_t recording_id, int n);
ut_event event_make(const ut_airplay *air);
ut_store_stats stats_of(ut_store *store);

#endif
