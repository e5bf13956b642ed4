#include "apps/sheet_source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/clock.h"

static const char *first(const char *a, const char *b)
{
    return a ? a : b;
}

/* What the command line says, else what is known of the programme. */
static ut_sheet_header read_header(const ut_args *args, const ut_programme *p)
{
    return (ut_sheet_header){
        .programme = first(p->title, ut_args_text_if(args, "programme")),
        .aka = first(ut_args_text_if(args, "aka"), p->aka),
        .episode = first(ut_args_text_if(args, "episode"), p->episode),
        .episode_aka = first(ut_args_text_if(args, "episode-aka"), p->episode_aka),
        .episode_no = first(ut_args_text_if(args, "episode-no"), p->episode_no),
        .production_no = first(ut_args_text_if(args, "production-no"), p->production_no),
        .company = first(ut_args_text_if(args, "company"), p->company),
        .address = ut_args_text_if(args, "address"),
        .prepared_by = ut_args_text_if(args, "prepared-by"),
        .email = ut_args_text_if(args, "email"),
        .classification = ut_args_text_if(args, "classification"),
        .category = first(ut_args_text_if(args, "category"), p->category),
        .version = first(ut_args_text_if(args, "version-name"), p->version),
        .network = ut_args_text_if(args, "network"),
        .prepared = ut_args_text_if(args, "prepared"),
        .airdate = ut_args_text_if(args, "airdate"),
    };
}

typedef struct {
    const char *title;
    ut_airing found;
    size_t count;
    char starts[200];
} search;

static ut_status match(void *arg, const ut_airing *airing)
{
    search *s = arg;
    if (strcasecmp(airing->programme.title, s->title) != 0)
        return UT_OK;
    size_t n = strlen(s->starts);
    char start[40];
    snprintf(s->starts + n, sizeof s->starts - n, "%s%" PRId64 " (%s)", n ? ", " : "", airing->id,
             ut_time_format(airing->start_ns, start, sizeof start));
    return s->count++ ? UT_OK : ut_airing_copy(airing, &s->found, NULL);
}

/* A number is an airing's; a title must be shown once in the day, or at all. */
static ut_status find_airing(ut_store *store, const char *channel, const char *what, int64_t from_ns, int64_t to_ns,
                             ut_airing *out, ut_err *err)
{
    char *end;
    int64_t id = strtoll(what, &end, 10);
    if (*what && !*end) {
        ut_status rc = ut_store_airing_get(store, id, out, err);
        if (rc == UT_OK && channel && strcmp(channel, out->channel) != 0)
            return ut_fail(err, UT_E_ARG, "--programme %s: was shown on %s", what, out->channel);
        return rc;
    }
    search s = {.title = what};
    ut_status rc = ut_store_airing_each(store, channel, from_ns, to_ns, match, &s, err);
    if (rc == UT_OK && s.count == 0)
        rc = ut_fail(err, UT_E_NOTFOUND, "--programme %.60s: not shown then; `programmes list` has what was", what);
    else if (rc == UT_OK && s.count > 1)
        rc = ut_fail(err, UT_E_ARG, "--programme %.60s: shown %zu times: %s; give --day or the number", what, s.count,
                     s.starts);
    if (rc != UT_OK) {
        ut_airing_clear(&s.found);
        return rc;
    }
    *out = s.found;
    return UT_OK;
}

static ut_status find_range(const ut_args *args, ut_store *store, ut_sheet_source *s, ut_cue_rules *rules, ut_err *err)
{
    const char *programme = ut_args_text_if(args, "programme"), *from = ut_args_text_if(args, "from");
    const char *channel = ut_args_text_if(args, "channel"), *to = ut_args_text_if(args, "to");
    const char *day = ut_args_text_if(args, "day");
    int64_t from_ns = INT64_MIN / 2, to_ns = INT64_MAX / 2;
    bool given;
    ut_status rc = ut_range_parse(&s->clock, from, to, day, &from_ns, &to_ns, &given, err);
    if (rc == UT_OK && programme && !from) {
        rc = find_airing(store, channel, programme, from_ns, to_ns, &s->airing, err);
        from_ns = s->airing.start_ns;
        to_ns = s->airing.end_ns;
    } else if (rc == UT_OK && (!given || !channel)) {
        rc = ut_fail(err, UT_E_ARG, "--channel with --from and --to, or --programme, is needed");
    }
    rules->programme_start_ns = from_ns;
    rules->programme_end_ns = to_ns;
    return rc;
}

static void fill(const ut_args *args, const ut_cue_rules *rules, ut_sheet_source *s)
{
    const char *channel = s->airing.id ? s->airing.channel : ut_args_text_if(args, "channel");
    ut_day day = ut_zone_day(s->clock.zone, s->clock.day_start_s, rules->programme_start_ns);
    snprintf(s->airdate, sizeof s->airdate, "%s", day.date);
    ut_time_format(ut_now_ns(), s->prepared, sizeof s->prepared);
    s->prepared[10] = '\0';
    s->sheet = (ut_sheet){
        .header = read_header(args, &s->airing.programme),
        .profile = s->profile,
        .zone = s->clock.zone,
        .airing = s->airing.id ? &s->airing : NULL,
        .channel = channel,
        .start_ns = rules->programme_start_ns,
        .end_ns = rules->programme_end_ns,
        .cues = s->data.cues,
        .recordings = s->data.recordings,
        .count = s->data.count,
        .gaps = s->data.gaps,
        .gap_count = s->data.gap_count,
    };
    ut_sheet_header *h = &s->sheet.header;
    h->airdate = first(h->airdate, s->airdate);
    h->prepared = first(h->prepared, s->prepared);
    h->network = first(h->network, channel);
}

ut_status ut_sheet_source_open(const ut_args *args, const char *profile, ut_sheet_source *s, ut_err *err)
{
    ut_store *store = NULL;
    const char *channel = ut_args_text_if(args, "channel");
    ut_status rc = ut_profile_load(profile, &s->profile, err);
    if (rc == UT_OK)
        rc = ut_channel_clock_open(args, channel, ut_args_text_if(args, "timezone"), ut_args_text_if(args, "day-start"),
                                   &s->clock, err);
    if (rc != UT_OK)
        return rc;
    ut_cue_rules rules = ut_profile_rules(s->profile);
    rc = ut_store_open(ut_args_store(args), UT_STORE_READ, &store, err);
    if (rc == UT_OK)
        rc = find_range(args, store, s, &rules, err);
    if (rc == UT_OK)
        rc = ut_cue_data_load(store, s->airing.id ? s->airing.channel : channel, &rules, &s->data, err);
    ut_store_close(&store);
    if (rc == UT_OK)
        fill(args, &rules, s);
    return rc;
}

void ut_sheet_source_close(ut_sheet_source *s)
{
    ut_cue_data_clear(&s->data);
    ut_channel_clock_close(&s->clock);
    ut_airing_clear(&s->airing);
    ut_profile_close(&s->profile);
}
