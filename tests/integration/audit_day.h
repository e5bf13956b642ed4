/* A day on air that never was: what a store knows of it, and a claim of it with planted errors. */
#ifndef UT_TESTS_AUDIT_DAY_H
#define UT_TESTS_AUDIT_DAY_H

#include <stddef.h>
#include <stdio.h>

#include "cuesheet/audit.h"
#include "db/store.h"

#define DAY_CHANNEL "one"
#define DAY_FROM "2026-11-21T00:00:00Z"
#define DAY_TO "2026-11-22T00:00:00Z"

/* A finding that the audit must make; everything else it must call matched. */
typedef struct {
    const char *what; /* the error, in words */
    ut_audit_outcome outcome;
    size_t row;          /* of the claim; 0: none */
    const char *title;   /* of the cue where there is no claim; NULL: unidentified */
    const char *differs; /* "time", "use", "time use", … */
} day_error;

typedef struct {
    day_error errors[32];
    size_t error_count;
    size_t rows;    /* claims within the day */
    size_t matched; /* of them, rows that are right */
} day_truth;

/* Puts the day into the store and writes the claim as CSV. */
void day_make(ut_store *store, FILE *claim, day_truth *truth);

#endif
