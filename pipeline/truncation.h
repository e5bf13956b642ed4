/* Was a media file cut off? GStreamer plays what is there and ends as if it were all; where the format tells how long
 * the file ought to be, or how it ends, that can be known.
 *
 *   WAV      the size of the data chunk          MP3      the size in a Xing/Info frame, if it has one
 *   Ogg      the last page and its end mark      MPEG-TS  a whole number of packets
 *
 * Other formats are never said to be cut here: raw ADTS, AC-3 and MP2 tell nothing. */
#ifndef UT_PIPELINE_TRUNCATION_H
#define UT_PIPELINE_TRUNCATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* container: as GStreamer names it ("audio/x-wav", "application/ogg", "audio/mpeg", "video/mpegts"). head: the first
 * bytes, after an ID3v2 tag if there is one; tail: the last. Never trusts its input. */
bool ut_is_cut(const char *container, const uint8_t *head, size_t head_size, uint64_t head_at, const uint8_t *tail,
               size_t tail_size, uint64_t file_size);

/* The same of a file; false if it cannot be read. */
bool ut_file_is_cut(const char *path, const char *container);

#endif
