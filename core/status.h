/* Status codes and error text: how every fallible function of undertone reports failure.
 *
 * A fallible function returns ut_status, is marked UT_CHECK, and writes its outputs only on success. Where it
 * takes a ut_err it fills in what failed, on which object, with which value. `err` may be NULL.
 */
#ifndef UT_CORE_STATUS_H
#define UT_CORE_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#define UT_CHECK __attribute__((warn_unused_result))
#define UT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

typedef enum {
    UT_OK = 0,
    UT_E_NOMEM = -1,       /* out of memory */
    UT_E_ARG = -2,         /* the caller's or the user's value is wrong */
    UT_E_FULL = -3,        /* no room now: a ring, a queue, a disk */
    UT_E_IO = -4,          /* reading, writing, or talking to a server failed */
    UT_E_CORRUPT = -5,     /* data does not fit its format or checksum */
    UT_E_UNSUPPORTED = -6, /* valid, but this build or machine cannot */
    UT_E_DEVICE = -7,      /* an accelerator or a capture device failed */
    UT_E_STOPPED = -8,     /* asked to stop */
    UT_E_NOTFOUND = -9,    /* no such file, row, track */
    UT_E_BUSY = -10,       /* locked by somebody else; try again */
} ut_status;

typedef struct {
    ut_status code;
    bool retriable; /* the same call may succeed later */
    char text[400]; /* "what: which object: which value", no newline */
} ut_err;

/* Fills *err (if not NULL) and returns `code`, so that a caller can `return ut_fail(…)`. UT_E_BUSY and
 * UT_E_FULL are marked retriable. */
ut_status ut_fail(ut_err *err, ut_status code, const char *fmt, ...) UT_PRINTF(3, 4);

/* Puts "prefix: " before the text already in *err; returns err's code, or UT_OK if err is NULL. */
ut_status ut_err_prefix(ut_err *err, const char *fmt, ...) UT_PRINTF(2, 3);

/* A short lower-case name of the code, such as "corrupt". Never NULL. */
const char *ut_status_name(ut_status code);

/* *out = a * b, or false on overflow. Sizes from outside pass through here before an allocation. */
UT_CHECK bool ut_mul_ok(size_t a, size_t b, size_t *out);

#endif
