#include "tests/integration/audit_day.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/digest.h"
#include "tests/unit/support.h"

enum { THEME, BED, BUMPER, SONGS, TUNE = 11, AIRED, CLAIMED, COVER, ORIGINAL, SECRET, ABSENT, OTHER, RECORDINGS };

typedef struct {
    ut_store *store;
    FILE *claim;
    day_truth *truth;
    int64_t midnight_ns;
    int64_t ids[RECORDINGS];
    int64_t segments[3];
    size_t row, airplays;
} day;

static const struct {
    const char *title, *artist, *isrc, *iswc;
} music[RECORDINGS] = {
    [THEME] = {"Evening Theme", "House Band", "GBAAA2600001", NULL},
    [BED] = {"Quiet Bed", "House Band", "GBAAA2600002", NULL},
    [BUMPER] = {"Five Second Bumper", "House Band", "GBAAA2600003", NULL},
    [SONGS + 0] = {"The Blue-Sky Song", "Ann Lee", NULL, NULL},
    [SONGS + 1] = {"Über den Dächern", "Die Katzen", "DEAAA2600005", NULL},
    [SONGS + 2] = {"Red River", "Bob Roe", "USAAA2600006", NULL},
    [SONGS + 3] = {"Slow Train", "Bob Roe", "USAAA2600007", NULL},
    [SONGS + 4] = {"Slow Boat", "Bob Roe", "USAAA2600008", NULL},
    [SONGS + 5] = {"Green Door", "Cy Dent", "USAAA2600009", NULL},
    [SONGS + 6] = {"Grey Wall", "Cy Dent", "USAAA2600010", NULL},
    [SONGS + 7] = {"White Noise", "Cy Dent", "USAAA2600011", NULL},
    [TUNE] = {"Passing Tune", "Dee Dee", "FRAAA2600012", NULL},
    [AIRED] = {"What Was On Air", "Eve", "FRAAA2600013", NULL},
    [CLAIMED] = {"What Was Claimed", "Fay", "FRAAA2600014", NULL},
    [COVER] = {"Old Song", "Cover Band", "ITAAA2600015", "T-034524680-1"},
    [ORIGINAL] = {"Old Song", "First Band", "ITAAA2600016", "T-034524680-1"},
    [SECRET] = {"Secret Use", "Gil", "ESAAA2600017", NULL},
    [ABSENT] = {"Never Played", "Hal", "ESAAA2600018", NULL},
    [OTHER] = {"Layered", "Ida", "ESAAA2600019", NULL},
};

static int64_t at(const day *d, const char *clock)
{
    int h, m, s;
    assert_int_equal(sscanf(clock, "%d:%d:%d", &h, &m, &s), 3);
    return d->midnight_ns + ((h * 60 + m) * 60 + s) * UT_NS_PER_S;
}

static void recordings_put(day *d)
{
    for (size_t i = 0; i < RECORDINGS; i++) {
        ut_party parties[2] = {{.name = (char *)music[i].artist,
                                .society = (char *)(i % 2 ? "PRS" : "GEMA"),
                                .role = UT_ROLE_COMPOSER,
                                .share = 0.5},
                               {.name = (char *)"House Music", .role = UT_ROLE_PUBLISHER, .share = NAN}};
        ut_recording rec = {.title = (char *)music[i].title,
                            .artist = (char *)music[i].artist,
                            .isrc = (char *)music[i].isrc,
                            .iswc = (char *)music[i].iswc,
                            .parties = parties,
                            .party_count = 2};
        const ut_fingerprint_row print = {"p3", (const uint8_t *)&i, sizeof i};
        bool created;
        ut_sha256(&i, sizeof i, rec.audio_sha256);
        assert_int_equal(ut_store_recording_put(d->store, &rec, &print, 1, &created, NULL), UT_OK);
        d->ids[i] = rec.id;
    }
}

/* Two gaps: 10:45 to 10:50 and 17:41 to 17:42. */
static void segments_put(day *d)
{
    static const char *const clocks[3][2] = {
        {"00:00:00", "10:45:00"}, {"10:50:00", "17:41:00"}, {"17:42:00", "24:00:00"}};
    for (size_t i = 0; i < 3; i++) {
        ut_segment segment = {.channel = DAY_CHANNEL,
                              .source = "udp://239.0.0.1:5000",
                              .time_source = "arrival",
                              .start_ns = at(d, clocks[i][0])};
        int64_t samples = (at(d, clocks[i][1]) - segment.start_ns) / UT_NS_PER_S * UT_RATE_HZ;
        const ut_checkpoint done = {samples, true};
        size_t added;
        assert_int_equal(ut_store_segment_put(d->store, &segment, NULL), UT_OK);
        assert_int_equal(ut_store_segment_end(d->store, segment.id, samples, NULL), UT_OK);
        assert_int_equal(ut_store_airplay_put(d->store, segment.id, NULL, NULL, 0, &done, &added, NULL), UT_OK);
        d->segments[i] = segment.id;
        if (i > 0) {
            ut_gap gap = {.channel = DAY_CHANNEL,
                          .start_ns = at(d, clocks[i - 1][1]),
                          .end_ns = segment.start_ns,
                          .reason = "no-data"};
            assert_int_equal(ut_store_gap_put(d->store, &gap, NULL, NULL), UT_OK);
        }
    }
}

static void air_at(day *d, ut_outcome outcome, int which, int64_t start_ns, int64_t end_ns, double delta_lu)
{
    char key[32];
    ut_event event = {.type = "t", .key = DAY_CHANNEL, .json = (char *)"{}"};
    ut_airplay air = {.channel = DAY_CHANNEL,
                      .start_ns = start_ns,
                      .end_ns = end_ns,
                      .what = {.outcome = outcome,
                               .recording_id = outcome == UT_UNIDENTIFIED ? 0 : d->ids[which],
                               .time_scale = 1,
                               .log10_e = outcome == UT_UNIDENTIFIED ? NAN : -20,
                               .music_lufs = -30 + delta_lu,
                               .speech_lufs = -30,
                               .mix_lufs = -27},
                      .engine_version = "test",
                      .params = "p3"};
    size_t added;
    air.segment_id = start_ns < at(d, "10:50:00")   ? d->segments[0]
                     : start_ns < at(d, "17:42:00") ? d->segments[1]
                                                    : d->segments[2];
    snprintf(key, sizeof key, "day %zu", d->airplays++);
    ut_uuid_from_text(key, air.id);
    memcpy(event.id, air.id, sizeof event.id);
    assert_int_equal(ut_store_airplay_put(d->store, air.segment_id, &air, &event, 1, NULL, &added, NULL), UT_OK);
    assert_int_equal(added, 1);
}

static void air(day *d, int which, const char *start, const char *end, double delta_lu)
{
    air_at(d, UT_IDENTIFIED, which, at(d, start), at(d, end), delta_lu);
}

static size_t claim_at(day *d, const char *title, const char *artist, const char *isrc, int64_t start_ns,
                       int64_t end_ns, const char *usage)
{
    char from[40], to[40];
    ut_time_format(start_ns, from, sizeof from);
    ut_time_format(end_ns, to, sizeof to);
    fprintf(d->claim, "%s,%s,\"%s\",%s,%s,%s,%s,%s,PRS\r\n", from, to, title, artist, isrc ? isrc : "",
            strcmp(title, "Old Song") == 0 ? music[ORIGINAL].iswc : "", usage, artist);
    return ++d->row;
}

static size_t claim(day *d, int which, const char *start, const char *end, const char *usage)
{
    return claim_at(d, music[which].title, music[which].artist, music[which].isrc, at(d, start), at(d, end), usage);
}

static void error(day *d, const char *what, ut_audit_outcome outcome, size_t row, const char *title,
                  const char *differs)
{
    d->truth->errors[d->truth->error_count++] = (day_error){what, outcome, row, title, differs};
}

/* What every hour of the day has, claimed with the little errors of a stop watch. */
static void honest_hours(day *d)
{
    static const struct {
        int which, minute, second, seconds;
        double delta_lu;
        const char *usage;
    } uses[] = {{THEME, 0, 0, 30, 10, "Theme"},
                {BED, 10, 0, 240, -12, "Background"},
                {SONGS, 30, 0, 200, 8, "Featured"},
                {BUMPER, 59, 50, 5, 0, "Logo"}};
    for (int hour = 0; hour < 24; hour++) {
        for (size_t i = 0; i < COUNT(uses); i++) {
            int which = uses[i].which == SONGS ? SONGS + hour % 8 : uses[i].which;
            int64_t start_ns = d->midnight_ns + ((hour * 60 + uses[i].minute) * 60 + uses[i].second) * UT_NS_PER_S;
            int64_t end_ns = start_ns + uses[i].seconds * UT_NS_PER_S, off_ns = (hour % 4 - 1) * UT_NS_PER_S / 2;
            bool bare = which == SONGS; /* this one is claimed by its title, spelled differently, and writer */
            air_at(d, UT_IDENTIFIED, which, start_ns, end_ns, uses[i].delta_lu);
            claim_at(d, bare ? "the blue sky song" : music[which].title, bare ? "Ann Lee" : music[which].artist,
                     music[which].isrc, start_ns + off_ns, end_ns - off_ns, uses[i].usage);
        }
    }
}

static void wrong_claims(day *d)
{
    size_t row;
    air(d, TUNE, "01:40:00", "01:42:00", 8);
    row = claim(d, TUNE, "01:40:10", "01:42:00", "Featured");
    error(d, "starts late", UT_AUDIT_WRONG_TIME, row, NULL, "time");
    air(d, TUNE, "02:40:00", "02:41:00", 8);
    row = claim(d, TUNE, "02:40:00", "02:42:30", "Featured");
    error(d, "too long", UT_AUDIT_WRONG_TIME, row, NULL, "time");
    air(d, TUNE, "03:40:00", "03:41:00", 8);
    row = claim(d, TUNE, "03:50:00", "03:51:00", "Featured");
    error(d, "at another time", UT_AUDIT_WRONG_TIME, row, NULL, "time");
    air(d, TUNE, "04:40:00", "04:42:00", -12);
    row = claim(d, TUNE, "04:40:00", "04:42:00", "Featured");
    error(d, "a bed as a feature", UT_AUDIT_WRONG_USE, row, NULL, "use");
    air(d, AIRED, "05:40:00", "05:42:00", 8);
    row = claim(d, CLAIMED, "05:40:00", "05:42:00", "Featured");
    error(d, "another recording", UT_AUDIT_WRONG_RECORDING, row, NULL, "recording");
    air(d, COVER, "06:40:00", "06:42:00", 8);
    row = claim(d, ORIGINAL, "06:40:00", "06:42:00", "Featured");
    error(d, "the original for its cover", UT_AUDIT_WRONG_RECORDING, row, NULL, "recording-of-the-work");
    air(d, TUNE, "07:40:00", "07:42:00", 8);
    claim(d, TUNE, "07:40:00", "07:42:00", "Featured");
    row = claim(d, TUNE, "07:40:01", "07:42:00", "Featured");
    error(d, "one use in two rows", UT_AUDIT_CLAIMED_TWICE, row, NULL, "");
    air(d, TUNE, "14:40:00", "14:42:00", -12);
    row = claim(d, TUNE, "14:40:00", "14:43:00", "FI");
    error(d, "too long, and a bed as a feature", UT_AUDIT_WRONG_TIME, row, NULL, "time use");
}

static void missing_claims(day *d)
{
    size_t row;
    air(d, SECRET, "08:40:00", "08:41:00", 8);
    error(d, "not claimed", UT_AUDIT_NOT_CLAIMED, 0, music[SECRET].title, "");
    air_at(d, UT_UNIDENTIFIED, 0, at(d, "09:40:00"), at(d, "09:41:00"), 8);
    error(d, "unidentified, not claimed", UT_AUDIT_UNIDENTIFIED, 0, NULL, "");
    row = claim(d, TUNE, "10:45:30", "10:47:30", "Background");
    error(d, "while nothing was captured", UT_AUDIT_CAPTURE_GAP, row, NULL, "");
    row = claim_at(d, "Unheard Of", "Nobody", "GBZZZ2600099", at(d, "11:40:00"), at(d, "11:42:00"), "Background");
    error(d, "not in the catalogue", UT_AUDIT_NO_REFERENCE, row, NULL, "");
    air_at(d, UT_UNIDENTIFIED, 0, at(d, "12:40:10"), at(d, "12:41:50"), 8);
    row = claim(d, ABSENT, "12:40:00", "12:42:00", "Background");
    error(d, "music, but not recognised", UT_AUDIT_UNMATCHED, row, NULL, "");
    row = claim(d, ABSENT, "13:40:00", "13:42:00", "Background");
    error(d, "no music", UT_AUDIT_NO_MUSIC, row, NULL, "");
    air(d, TUNE, "22:40:00", "22:42:00", 8);
    claim(d, TUNE, "22:40:00", "22:42:00", "Featured");
    row = claim(d, OTHER, "22:40:00", "22:42:00", "Background");
    error(d, "under music that is claimed itself", UT_AUDIT_UNMATCHED, row, NULL, "");
}

/* What looks odd and is right. */
static void odd_but_right(day *d)
{
    air(d, TUNE, "15:40:00", "15:44:00", 8); /* one use, two rows that share it */
    claim(d, TUNE, "15:40:00", "15:42:00", "Featured");
    claim(d, TUNE, "15:42:00", "15:44:00", "Featured");
    air(d, TUNE, "16:40:00", "16:41:00", 8); /* one use, heard in two pieces */
    air(d, TUNE, "16:41:09", "16:42:00", 8);
    claim(d, TUNE, "16:40:00", "16:42:00", "Featured");
    air(d, TUNE, "17:40:00", "17:41:00", 8); /* cut by a gap */
    air(d, TUNE, "17:42:00", "17:43:00", 8);
    claim(d, TUNE, "17:40:00", "17:43:00", "Featured");
    air_at(d, UT_AMBIGUOUS, TUNE, at(d, "18:40:00"), at(d, "18:42:00"), 8); /* the likeliest is the claimed one */
    claim(d, TUNE, "18:40:00", "18:42:00", "Featured");
    air(d, TUNE, "20:40:00", "20:41:30", 8); /* its end has no name */
    air_at(d, UT_UNIDENTIFIED, 0, at(d, "20:41:31"), at(d, "20:42:00"), 8);
    claim(d, TUNE, "20:40:00", "20:42:00", "Featured");
    air(d, TUNE, "21:40:00", "21:42:00", 0); /* neither background nor foreground */
    claim(d, TUNE, "21:40:00", "21:42:00", "Featured");
    air(d, TUNE, "23:40:00", "23:42:00", -12); /* performed in view: audio cannot tell */
    claim(d, TUNE, "23:40:00", "23:42:00", "VI");
    air(d, ORIGINAL, "19:40:00", "19:42:00", 8); /* by the work alone */
    fprintf(d->claim, "2026-11-21T19:40:00Z,2026-11-21T19:42:00Z,Old Song,,,T-034524680-1,Featured,First Band,\r\n");
    d->row++;
}

void day_make(ut_store *store, FILE *claim_file, day_truth *truth)
{
    day d = {.store = store, .claim = claim_file, .truth = truth, .row = 1};
    *truth = (day_truth){0};
    assert_int_equal(ut_time_parse(DAY_FROM, &d.midnight_ns, NULL), UT_OK);
    recordings_put(&d);
    segments_put(&d);
    fputs("Start,End,Title,Artist,ISRC,ISWC,Usage,Composer,Society\r\n", claim_file);
    honest_hours(&d);
    wrong_claims(&d);
    missing_claims(&d);
    odd_but_right(&d);
    truth->rows = d.row - 1;
    truth->matched = truth->rows;
    for (size_t i = 0; i < truth->error_count; i++)
        truth->matched -= truth->errors[i].row > 0;
    claim_at(&d, "Tomorrow", "Ann Lee", NULL, at(&d, "25:00:00"), at(&d, "25:01:00"), "Featured");
}
