/* Looks at a source once: what streams it has, and how loud they are. For `channel test`; blocks. */
#ifndef UT_PIPELINE_PROBE_H
#define UT_PIPELINE_PROBE_H

#include "pipeline/decode.h"

typedef struct {
    int program, pid; /* 0: the container has none */
    char language[8]; /* "": not told */
    char codec[64];
    int rate_hz, channels; /* 0: not opened */
    bool description;      /* audio description */
    bool chosen;           /* what a channel of this URI and choice would hear */
    bool measured;
    double rms_dbfs, peak_dbfs; /* of all channels; -INFINITY for digital silence */
} ut_probe_stream;

typedef struct {
    const char *kind; /* "udp", "srt", …, of static storage */
    char container[64];
    double first_audio_s; /* from opening to the first audio */
    ut_probe_stream streams[UT_STREAMS_MAX];
    size_t count;
} ut_probe_result;

typedef struct {
    ut_choice choice;
    double seconds;   /* of audio to measure of each stream */
    double timeout_s; /* for each */
} ut_probe_options;

/* Any URI of pipeline/source.h. Fails as a channel would: nothing comes, no audio, no such choice. */
UT_CHECK ut_status ut_probe(const char *uri, const ut_probe_options *options, ut_probe_result *out, ut_err *err);

#endif
