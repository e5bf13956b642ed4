/* demo-studio SPEECH.wav OUT_DIR: composes a catalogue of made-up tracks and mixes a television programme from them.
 *
 * SPEECH.wav is mono 16-bit PCM at 22,050 Hz (what espeak-ng writes). OUT_DIR gets catalogue/NN-title.wav,
 * tracks.csv, programme.wav and truth.csv (what sounds when, as the mixer knows it). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "music.h"

#define RATE_HZ 22050
#define TRACK_S 75
#define PROGRAMME_S 180

typedef struct {
    const char *title, *artist, *composer, *ipi, *publisher, *isrc, *label;
} track;

/* The last one is never in the catalogue: it plays as music that nobody can name. */
static const track tracks[] = {
    {"Harbour Lights", "The Tin Gulls", "Ada Lowe", "00000000199", "Tern Music", "QZDEM2600001", "Tern"},
    {"Slow Weather", "Mira Holt", "Mira Holt", "00000000297", "Tern Music", "QZDEM2600002", "Tern"},
    {"Paper Lantern", "Quartet Neun", "Jonas Brandt", "00000000395", "Brandt Verlag", "QZDEM2600003", "Neun"},
    {"Night Bus", "Low Platform", "Sol Adeyemi", "00000000493", "Platform Songs", "QZDEM2600004", "Platform"},
    {"Copper Field", "The Tin Gulls", "Ada Lowe", "00000000199", "Tern Music", "QZDEM2600005", "Tern"},
    {"Second Spring", "Ines Vidal", "Ines Vidal", "00000000591", "Vidal Ediciones", "QZDEM2600006", "Sur"},
    {"Ledger Lines", "Quartet Neun", "Jonas Brandt", "00000000395", "Brandt Verlag", "QZDEM2600007", "Neun"},
    {"Morning Shift", "Low Platform", "Sol Adeyemi", "00000000493", "Platform Songs", "QZDEM2600008", "Platform"},
    {"Nobody's Tune", "Unknown", "Unknown", "", "", "", ""},
};
enum { TRACKS = sizeof tracks / sizeof *tracks, ABSENT = TRACKS - 1 };

/* What the programme plays: music `gain_db` relative to the speech; `speech` = a voice over it. */
typedef struct {
    int track;
    double start_s, end_s, from_s, gain_db;
    int speech;
} cue;
static const cue cues[] = {
    {0, 6, 38, 12, -10, 1},      {3, 44, 70, 5, 0, 0},      {5, 78, 108, 20, -8, 1},
    {ABSENT, 116, 140, 8, 0, 0}, {1, 147, 174, 30, -10, 1},
};
enum { CUES = sizeof cues / sizeof *cues };

static void die(const char *what, const char *path)
{
    fprintf(stderr, "demo-studio: %s: %s\n", what, path);
    exit(1);
}

static float *samples(size_t count)
{
    float *out = calloc(count, sizeof *out);
    if (!out)
        die("out of memory", "samples");
    return out;
}

static void put_le(unsigned char *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char)(value >> 8 * i);
}

static void write_wav(const char *path, const float *mono, size_t frames)
{
    unsigned char header[44] = "RIFF\0\0\0\0WAVEfmt \20\0\0\0\1\0\1";
    put_le(header + 4, (uint32_t)(36 + 2 * frames), 4);
    put_le(header + 24, RATE_HZ, 4);
    put_le(header + 28, RATE_HZ * 2, 4);
    put_le(header + 32, 2, 2);
    put_le(header + 34, 16, 2);
    memcpy(header + 36, "data", 4);
    put_le(header + 40, (uint32_t)(2 * frames), 4);

    FILE *file = fopen(path, "wb");
    if (!file || fwrite(header, sizeof header, 1, file) != 1)
        die("cannot write", path);
    for (size_t i = 0; i < frames; i++) {
        unsigned char pcm[2];
        put_le(pcm, (uint32_t)(int32_t)lrintf(32767 * fmaxf(-1, fminf(1, mono[i]))), 2);
        if (fwrite(pcm, sizeof pcm, 1, file) != 1)
            die("cannot write", path);
    }
    if (fclose(file) != 0)
        die("cannot write", path);
}

/* Fills `frames` samples by repeating the speech file. espeak-ng's header is 44 bytes. */
static float *read_speech(const char *path, size_t frames)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 44, SEEK_SET) != 0)
        die("cannot read", path);
    float *out = samples(frames);
    size_t got = 0;
    unsigned char pcm[2];
    while (got < frames && fread(pcm, sizeof pcm, 1, file) == 1)
        out[got++] = (float)(int16_t)(pcm[0] | pcm[1] << 8) / 32768;
    fclose(file);
    if (got < RATE_HZ)
        die("under a second of speech", path);
    for (size_t i = got; i < frames; i++)
        out[i] = out[i - got];
    return out;
}

static double rms(const float *mono, size_t frames)
{
    double sum = 0;
    for (size_t i = 0; i < frames; i++)
        sum += (double)mono[i] * mono[i];
    return sqrt(sum / (double)frames) + 1e-9;
}

/* Adds one cue with 0.3 s fades; where no voice speaks over it, the speech is taken out first. */
static void mix_cue(const cue *c, float *programme, double speech_rms)
{
    size_t first = (size_t)(c->start_s * RATE_HZ), frames = (size_t)((c->end_s - c->start_s) * RATE_HZ);
    size_t whole = (size_t)TRACK_S * RATE_HZ;
    float *music = samples(whole);
    demo_music_render(100 + (uint64_t)c->track, RATE_HZ, music, whole);
    const float *from = music + (size_t)(c->from_s * RATE_HZ);
    double gain = speech_rms * pow(10, c->gain_db / 20) / rms(from, frames);
    for (size_t i = 0; i < frames; i++) {
        double edge = fmin((double)i, (double)(frames - 1 - i)) / (0.3 * RATE_HZ);
        float speech = c->speech ? programme[first + i] : 0;
        programme[first + i] = speech + (float)(gain * fmin(1.0, edge)) * from[i];
    }
    free(music);
}

static void write_catalogue(const char *folder)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/tracks.csv", folder);
    FILE *csv = fopen(path, "w");
    if (!csv)
        die("cannot write", path);
    fprintf(csv, "file,title,artist,isrc,label,composers,publishers\n");
    float *music = samples((size_t)TRACK_S * RATE_HZ);
    for (int i = 0; i < ABSENT; i++) {
        const track *t = &tracks[i];
        demo_music_render(100 + (uint64_t)i, RATE_HZ, music, (size_t)TRACK_S * RATE_HZ);
        snprintf(path, sizeof path, "%s/catalogue/%02d.wav", folder, i + 1);
        write_wav(path, music, (size_t)TRACK_S * RATE_HZ);
        fprintf(csv, "%02d.wav,%s,%s,%s,%s,%s|%s|ASCAP|50,%s||ASCAP|50\n", i + 1, t->title, t->artist, t->isrc,
                t->label, t->composer, t->ipi, t->publisher);
    }
    free(music);
    if (fclose(csv) != 0)
        die("cannot write", "tracks.csv");
}

static void write_programme(const char *folder, const char *speech_path)
{
    char path[4096];
    size_t frames = (size_t)PROGRAMME_S * RATE_HZ;
    float *programme = read_speech(speech_path, frames);
    double level = rms(programme, frames);
    for (int i = 0; i < CUES; i++)
        mix_cue(&cues[i], programme, level);
    snprintf(path, sizeof path, "%s/programme.wav", folder);
    write_wav(path, programme, frames);
    free(programme);

    snprintf(path, sizeof path, "%s/truth.csv", folder);
    FILE *truth = fopen(path, "w");
    if (!truth)
        die("cannot write", path);
    fprintf(truth, "start_s,end_s,title,music_to_speech_db\n");
    for (int i = 0; i < CUES; i++)
        fprintf(truth, "%g,%g,%s,%s%g\n", cues[i].start_s, cues[i].end_s,
                cues[i].track == ABSENT ? "(not in the catalogue)" : tracks[cues[i].track].title,
                cues[i].speech ? "" : "no speech; ", cues[i].gain_db);
    if (fclose(truth) != 0)
        die("cannot write", path);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: demo-studio SPEECH.wav OUT_DIR\n");
        return 2;
    }
    write_catalogue(argv[2]);
    write_programme(argv[2], argv[1]);
    return 0;
}
