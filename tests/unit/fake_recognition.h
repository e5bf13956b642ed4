/* Stands in for the analyser and the catalogue, so that what is around them is tested at memory speed.
 *
 * Audio is "music" where it is not zero: the level n / 1000 is recording n, and a run of one level is one
 * identification. As the real tracker it emits late (LAG samples after the end), and its resume sample is the start of
 * what is still open. A recording is known to a catalogue of version v if n <= 100 * v; else it is unidentified. */
#ifndef UT_TESTS_FAKE_RECOGNITION_H
#define UT_TESTS_FAKE_RECOGNITION_H

#include <stdint.h>

#define FAKE_LAG 8000

/* Raises the version that ut_catalogue_refresh, and every new snapshot, will see. */
void fake_catalogue_set(int64_t version);
/* The analyser's pushes fail from now on, so many times. */
void fake_analyser_fail(int times);
/* Snapshots taken and not given back. */
int fake_snapshots(void);

#endif
