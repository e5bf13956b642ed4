#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/channel_clock.h"
#include "apps/cli.h"
#include "apps/cue_data.h"
#include "core/clock.h"
#include "core/config.h"
#include "cuesheet/cell.h"
#include "cuesheet/json.h"
#include "cuesheet/profile.h"
#include "cuesheet/report.h"
#include "cuesheet/rows.h"

typedef struct {
    const ut_args *args;
    const char *channel;
    ut_channel_clock clock;
    ut_cue_data data;
    ut_span *analysed;
    size_t analysed_count, analysed_capacity;
    ut_span range;
    bool given;  /* the range was */
    bool titled; /* the CSV has its header */
} report;

/* --- one row --------------------------------------------------------------------------------- */

static double percent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : NAN;
}

static ut_status print_json(const report *r, const char *group, const ut_airing *airing, ut_span of,
                            const ut_music_sums *s)
{
    char start[40];
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "channel", ut_json_text(r->channel), &ok);
    ut_json_put(object, "group", ut_json_text(group), &ok);
    ut_json_put(object, "programme", ut_json_airing(airing), &ok);
    ut_json_put(object, "start_utc", ut_json_time(of.start_ns), &ok);
    ut_json_put(object, "end_utc", ut_json_time(of.end_ns), &ok);
    ut_json_put(object, "start_local", ut_json_text(ut_zone_format(r->clock.zone, of.start_ns, start, sizeof start)),
                &ok);
    const struct {
        const char *key;
        double value;
    } reals[] = {
        {"length_s", s->length_s},
        {"analysed_s", s->analysed_s},
        {"gap_s", s->gap_s},
        {"music_s", s->music_s},
        {"foreground_s", s->use_s[UT_USE_FOREGROUND]},
        {"background_s", s->use_s[UT_USE_BACKGROUND]},
        {"indistinguishable_s", s->use_s[UT_USE_INDISTINGUISHABLE]},
        {"unknown_s", s->use_s[UT_USE_UNKNOWN]},
        {"identified_s", s->identified_s},
        {"speech_over_s", s->speech_over_s},
        {"music_percent", percent(s->music_s, s->analysed_s)},
        {"foreground_percent", percent(s->use_s[UT_USE_FOREGROUND], s->analysed_s)},
        {"background_percent", percent(s->use_s[UT_USE_BACKGROUND], s->analysed_s)},
        {"identified_percent", percent(s->identified_s, s->music_s)},
    };
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        ut_json_put(object, reals[i].key, ut_json_real(round(1000 * reals[i].value) / 1000), &ok);
    ut_json_put(object, "cues", json_integer((json_int_t)s->cues), &ok);
    char *text = ok ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    json_decref(object);
    if (!text)
        return UT_E_NOMEM;
    puts(text);
    free(text);
    return UT_OK;
}

static void put_percent(bool csv, double value)
{
    if (!isfinite(value))
        printf(csv ? "," : "       -");
    else
        printf(csv ? ",%.2f" : "  %5.1f%%", value);
}

static ut_status print_row(report *r, const char *group, const ut_airing *airing, ut_span of, const ut_music_sums *s)
{
    bool csv = strcmp(ut_args_text(r->args, "format"), "csv") == 0;
    char start[40];
    if (ut_args_json(r->args))
        return print_json(r, group, airing, of, s);
    if (!r->titled)
        puts(
            csv ? "channel,group,start,analysed_s,gap_s,music_s,foreground_s,background_s,indistinguishable_s,unknown_s,"
                  "identified_s,cues,music_percent,foreground_percent,background_percent,identified_percent"
                : "channel     start                          analysed    music   music%   foregr%  backgr%  identified%  group");
    r->titled = true;
    ut_zone_format(r->clock.zone, of.start_ns, start, sizeof start);
    if (csv) {
        ut_csv_put(stdout, r->channel);
        putchar(',');
        ut_csv_put(stdout, group);
        printf(",%s,%.3f,%.3f,%.3f,%.3f,%.3f,%.3f,%.3f,%.3f,%zu", start, s->analysed_s, s->gap_s, s->music_s,
               s->use_s[UT_USE_FOREGROUND], s->use_s[UT_USE_BACKGROUND], s->use_s[UT_USE_INDISTINGUISHABLE],
               s->use_s[UT_USE_UNKNOWN], s->identified_s, s->cues);
    } else {
        printf("%-10s  %s  %8.0f  %7.0f", r->channel, start, s->analysed_s, s->music_s);
    }
    put_percent(csv, percent(s->music_s, s->analysed_s));
    put_percent(csv, percent(s->use_s[UT_USE_FOREGROUND], s->analysed_s));
    put_percent(csv, percent(s->use_s[UT_USE_BACKGROUND], s->analysed_s));
    put_percent(csv, percent(s->identified_s, s->music_s));
    if (csv)
        putchar('\n');
    else
        printf("       %s\n", group);
    return UT_OK;
}

static ut_status one(report *r, const char *group, const ut_airing *airing, int64_t start_ns, int64_t end_ns,
                     ut_err *err)
{
    ut_music_sums sums;
    ut_span of = {start_ns > r->range.start_ns ? start_ns : r->range.start_ns,
                  end_ns < r->range.end_ns ? end_ns : r->range.end_ns};
    ut_status rc = ut_music_sum(r->data.cues, r->data.count, r->analysed, r->analysed_count, r->data.gaps,
                                r->data.gap_count, of, &sums, err);
    return rc == UT_OK ? print_row(r, group, airing, of, &sums) : rc;
}

/* --- groups ---------------------------------------------------------------------------------- */

static ut_status by_day(report *r, ut_err *err)
{
    ut_status rc = UT_OK;
    for (int64_t at = r->range.start_ns; rc == UT_OK && at < r->range.end_ns;) {
        ut_day day = ut_zone_day(r->clock.zone, r->clock.day_start_s, at);
        rc = one(r, day.date, NULL, day.start_ns, day.end_ns, err);
        at = day.end_ns;
    }
    return rc;
}

static ut_status by_programme(report *r, ut_err *err)
{
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < r->data.airing_count; i++) {
        const ut_airing *airing = &r->data.airings[i];
        rc = one(r, airing->programme.title, airing, airing->start_ns, airing->end_ns, err);
    }
    if (rc == UT_OK && r->data.airing_count == 0)
        fprintf(stderr, "undertone: report music: no programmes of channel %s; `programmes import` brings them in\n",
                r->channel);
    return rc;
}

static ut_status add_segment(void *arg, const ut_segment *segment, const ut_checkpoint *checkpoint)
{
    report *r = arg;
    if (r->analysed_count == r->analysed_capacity) {
        size_t capacity = r->analysed_capacity ? 2 * r->analysed_capacity : 64;
        ut_span *grown = reallocarray(r->analysed, capacity, sizeof *grown);
        if (!grown)
            return UT_E_NOMEM;
        r->analysed = grown;
        r->analysed_capacity = capacity;
    }
    int64_t samples = checkpoint->done && segment->sample_count ? segment->sample_count : checkpoint->resume_sample;
    ut_span span = {segment->start_ns, ut_sample_to_ns(segment->start_ns, samples)};
    r->analysed[r->analysed_count++] = span;
    if (r->given)
        return UT_OK;
    if (r->analysed_count == 1)
        r->range = span;
    r->range.start_ns = span.start_ns < r->range.start_ns ? span.start_ns : r->range.start_ns;
    r->range.end_ns = span.end_ns > r->range.end_ns ? span.end_ns : r->range.end_ns;
    return UT_OK;
}

static ut_status load(report *r, const ut_profile *profile, ut_err *err)
{
    ut_store *store = NULL;
    ut_cue_rules rules = ut_profile_rules(profile);
    ut_status rc = ut_store_open(ut_args_store(r->args), UT_STORE_READ, &store, err);
    int64_t from_ns = r->given ? r->range.start_ns : INT64_MIN / 2, to_ns = r->given ? r->range.end_ns : INT64_MAX / 2;
    if (rc == UT_OK)
        rc = ut_store_segment_each(store, r->channel, from_ns, to_ns, add_segment, r, err);
    if (rc == UT_OK && r->analysed_count == 0)
        rc = ut_fail(err, UT_E_NOTFOUND, "channel %s: nothing was analysed then", r->channel);
    rules.programme_start_ns = r->range.start_ns;
    rules.programme_end_ns = r->range.end_ns;
    if (rc == UT_OK)
        rc = ut_cue_data_load(store, r->channel, &rules, &r->data, err);
    ut_store_close(&store);
    return rc;
}

static ut_status report_channel(report *r, const ut_profile *profile, ut_err *err)
{
    const char *by = ut_args_text(r->args, "by");
    ut_status rc = ut_channel_clock_open(r->args, r->channel, ut_args_text(r->args, "timezone"),
                                         ut_args_text(r->args, "day-start"), &r->clock, err);
    if (rc == UT_OK)
        rc = ut_range_parse(&r->clock, ut_args_text(r->args, "from"), ut_args_text(r->args, "to"),
                            ut_args_text(r->args, "day"), &r->range.start_ns, &r->range.end_ns, &r->given, err);
    if (rc == UT_OK)
        rc = load(r, profile, err);
    if (rc == UT_OK)
        rc = strcmp(by, "day") == 0         ? by_day(r, err)
             : strcmp(by, "programme") == 0 ? by_programme(r, err)
                                            : one(r, "all", NULL, r->range.start_ns, r->range.end_ns, err);
    ut_cue_data_clear(&r->data);
    ut_channel_clock_close(&r->clock);
    free(r->analysed);
    return rc;
}

static int music(const ut_args *args)
{
    ut_err err = {0};
    ut_profile *profile = NULL;
    const ut_config *config = ut_args_config(args);
    size_t named = (size_t)ut_args_count(args), count = named ? named : config->channel_count;
    if (count == 0)
        return ut_cli_usage(args, "name the channels, or give the --config that has them");
    ut_status rc = ut_profile_load(ut_args_text(args, "profile"), &profile, &err);
    bool titled = false;
    for (size_t i = 0; rc == UT_OK && i < count; i++) {
        report r = {
            .args = args, .titled = titled, .channel = named ? ut_args_at(args, (int)i) : config->channels[i].id};
        rc = report_channel(&r, profile, &err);
        titled |= r.titled;
    }
    ut_profile_close(&profile);
    return rc == UT_E_ARG ? ut_cli_usage(args, "%s", err.text) : rc != UT_OK ? ut_cli_fail(args, &err) : 0;
}

static const ut_opt music_options[] = {
    {.name = "by", .kind = UT_OPT_CHOICE, .value = "day|programme|channel", .fallback = "day", .help = "one row each"},
    {.name = "from", .kind = UT_OPT_TEXT, .value = "TIME", .help = "start, RFC 3339; with --to; default: all there is"},
    {.name = "to", .kind = UT_OPT_TEXT, .value = "TIME", .help = "end"},
    {.name = "day", .kind = UT_OPT_TEXT, .value = "DATE", .help = "a broadcast day instead"},
    {.name = "timezone", .kind = UT_OPT_TEXT, .value = "ZONE", .help = "default: the channel's"},
    {.name = "day-start", .kind = UT_OPT_TEXT, .value = "HH:MM", .help = "default: the channel's"},
    {.name = "profile",
     .kind = UT_OPT_TEXT,
     .value = "NAME|FILE",
     .fallback = "json",
     .help = "whose rule says what is foreground and background"},
    {.name = "format", .kind = UT_OPT_CHOICE, .value = "table|csv", .fallback = "table", .help = "or --json"},
    {0},
};

const ut_verb ut_verb_report_music = {
    .name = "report music",
    .summary = "percentage of music, foreground and background, by day, programme or channel",
    .arguments = "[CHANNEL…]",
    .max_arguments = -1,
    .options = music_options,
    .examples = "undertone report music news1 --by day --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z\n"
                "undertone report music news1 --by programme --day 2026-11-21 --format csv",
    .run = music,
};
