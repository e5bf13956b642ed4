/* The programmes of a transport stream and their streams, as its PAT and PMTs name them. Plain value; one thread. */
#ifndef UT_PIPELINE_PROGRAMS_H
#define UT_PIPELINE_PROGRAMS_H

#include <glib.h>
#include <gst/gst.h>

#include <stdbool.h>
#include <stddef.h>

#define UT_PROGRAMS_MAX 128
#define UT_PIDS_MAX 512

typedef struct {
    int program, pid;
    bool audio;
    bool description;  /* audio description for people who do not see */
    char language[4];  /* "" if not told */
    const char *codec; /* of static storage */
} ut_program_stream;

typedef struct {
    int programs[UT_PROGRAMS_MAX]; /* in the order of the PAT */
    size_t program_count;
    ut_program_stream streams[UT_PIDS_MAX];
    size_t stream_count;
} ut_programs;

/* Learns from a bus message. 0: it was about something else; 1: it was a PMT or the like; 2: it was the PAT. */
int ut_programs_learn(ut_programs *programs, GstMessage *message);
/* True if nothing is known against it: it is in the PAT, or there is none yet. */
bool ut_programs_has(const ut_programs *programs, int program);
/* The stream with this PID, the first if several programmes share it; NULL if there is none. */
const ut_program_stream *ut_programs_find(const ut_programs *programs, int pid);
/* True while a programme of the PAT has not shown its streams. */
bool ut_programs_awaits(const ut_programs *programs);

#endif
