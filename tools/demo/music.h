/* Made-up music: a seed gives one piece, the same on every machine. Chords, bass, melody and drums, so that
 * two seeds share neither tune nor tempo. */
#ifndef UT_DEMO_MUSIC_H
#define UT_DEMO_MUSIC_H

#include <stddef.h>
#include <stdint.h>

/* Renders `frames` samples of mono music at rate_hz into out (overwritten), peak 0.5. */
void demo_music_render(uint64_t seed, int rate_hz, float *out, size_t frames);

#endif
