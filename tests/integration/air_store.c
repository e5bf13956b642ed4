/* Makes a store of a script, for tests of what is made of stores: air_store DSN < SCRIPT. Lines:
 *
 *   recording TITLE ISRC LIBRARY [ROLE NAME IPI SOCIETY SHARE]…    ("-": none; "_" in a name is a space)
 *   segment CHANNEL START SECONDS
 *   gap CHANNEL START SECONDS
 *   airplay CHANNEL START SECONDS RECORDING|0 MUSIC_LUFS SPEECH_LUFS [SPEECH_SHARE] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/digest.h"
#include "db/store.h"

enum { WORDS = 64 };

static ut_store *store;
static ut_err err;
static int64_t segment_id;

static void need(ut_status rc)
{
    if (rc == UT_OK)
        return;
    fprintf(stderr, "air_store: %s\n", err.text);
    exit(1);
}

static char *word(char *text)
{
    if (strcmp(text, "-") == 0)
        return NULL;
    for (char *c = text; *c; c++)
        *c = *c == '_' ? ' ' : *c;
    return text;
}

static ut_role role_of(const char *name)
{
    ut_role role = UT_ROLE_COMPOSER;
    while (role < UT_ROLE_SUBPUBLISHER && strcmp(name, ut_role_name(role)) != 0)
        role++;
    return role;
}

static void recording(char **w, int n)
{
    static const uint8_t fingerprint[64];
    ut_party parties[12] = {{0}};
    ut_fingerprint_row row = {"p3", fingerprint, sizeof fingerprint};
    bool created;
    ut_recording rec = {.title = word(w[1]),
                        .artist = (char *)"The Band",
                        .isrc = word(w[2]),
                        .library = word(w[3]),
                        .parties = parties,
                        .duration_ms = 180000};
    rec.catalogue_no = rec.library ? (char *)"CD 12/3" : NULL;
    for (int i = 4; i + 4 < n; i += 5)
        parties[rec.party_count++] = (ut_party){.role = role_of(w[i]),
                                                .name = word(w[i + 1]),
                                                .ipi = word(w[i + 2]),
                                                .society = word(w[i + 3]),
                                                .share = atof(w[i + 4])};
    ut_sha256(rec.title, strlen(rec.title), rec.audio_sha256);
    need(ut_store_recording_put(store, &rec, &row, 1, &created, &err));
}

static void extent(char **w, int64_t *start_ns, int64_t *end_ns)
{
    need(ut_time_parse(w[2], start_ns, &err));
    *end_ns = *start_ns + (int64_t)(atof(w[3]) * 1e9);
}

static void segment(char **w)
{
    int64_t end_ns;
    size_t added;
    ut_segment s = {.time_source = "given", .source = "archive.ts"};
    snprintf(s.channel, sizeof s.channel, "%s", w[1]);
    extent(w, &s.start_ns, &end_ns);
    need(ut_store_segment_put(store, &s, &err));
    int64_t samples = (end_ns - s.start_ns) / (UT_NS_PER_S / UT_RATE_HZ);
    const ut_checkpoint done = {.resume_sample = samples, .done = true};
    need(ut_store_segment_end(store, s.id, samples, &err));
    need(ut_store_airplay_put(store, s.id, NULL, NULL, 0, &done, &added, &err));
    segment_id = s.id;
}

static void gap(char **w)
{
    ut_gap g = {.reason = "no-data"};
    snprintf(g.channel, sizeof g.channel, "%s", w[1]);
    extent(w, &g.start_ns, &g.end_ns);
    need(ut_store_gap_put(store, &g, NULL, &err));
}

static void airplay(char **w)
{
    size_t added;
    char key[200];
    int64_t id = atoll(w[4]);
    ut_airplay a = {.segment_id = segment_id,
                    .what = {.outcome = id ? UT_IDENTIFIED : UT_UNIDENTIFIED,
                             .recording_id = id,
                             .ref_end_s = 10,
                             .time_scale = 1,
                             .log10_e = id ? -20 : NAN,
                             .music_lufs = atof(w[5]),
                             .speech_lufs = atof(w[6]),
                             .mix_lufs = -23,
                             .speech_share = w[7] ? atof(w[7]) : NAN},
                    .engine_version = "test",
                    .params = "p3"};
    snprintf(a.channel, sizeof a.channel, "%s", w[1]);
    extent(w, &a.start_ns, &a.end_ns);
    snprintf(key, sizeof key, "%s %s %s", w[1], w[2], w[4]);
    ut_uuid_from_text(key, a.id);
    ut_event event = {.type = "t", .json = (char *)"{}", .time_ns = a.start_ns};
    memcpy(event.id, a.id, sizeof event.id);
    snprintf(event.key, sizeof event.key, "%s", w[1]);
    need(ut_store_airplay_put(store, segment_id, &a, &event, 1, NULL, &added, &err));
}

int main(int argc, char **argv)
{
    char line[4096];
    if (argc != 2)
        return 2;
    need(ut_store_open(argv[1], UT_STORE_CREATE, &store, &err));
    while (fgets(line, sizeof line, stdin)) {
        char *w[WORDS] = {0};
        int n = 0;
        for (char *save = NULL, *at = strtok_r(line, " \n", &save); at && n < WORDS; at = strtok_r(NULL, " \n", &save))
            w[n++] = at;
        if (n == 0)
            continue;
        if (strcmp(w[0], "recording") == 0)
            recording(w, n);
        else if (strcmp(w[0], "segment") == 0)
            segment(w);
        else if (strcmp(w[0], "gap") == 0)
            gap(w);
        else if (strcmp(w[0], "airplay") == 0)
            airplay(w);
    }
    ut_store_close(&store);
    return 0;
}
