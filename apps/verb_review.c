#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli.h"
#include "apps/person.h"
#include "core/clock.h"
#include "cuesheet/json.h"
#include "pipeline/resolve.h"

enum { PARTS_MAX = 256 };
#define LOOK_NS (INT64_C(7200) * UT_NS_PER_S)

/* The airplays that `cues list` shows as one cue. */
typedef struct {
    ut_airplay parts[PARTS_MAX];
    size_t count;
    bool reached; /* the first of them */
} cue;

static ut_status take_part(void *arg, const ut_airplay *air)
{
    cue *c = arg;
    const ut_airplay *first = &c->parts[0], *last = &c->parts[c->count - 1];
    if (strcmp(air->id, first->id) == 0) {
        c->reached = true;
        return UT_OK;
    }
    if (c->reached && c->count < PARTS_MAX && air->what.outcome == first->what.outcome &&
        air->what.recording_id == first->what.recording_id && air->review == first->review &&
        strcmp(air->usage_code, first->usage_code) == 0 && air->start_ns - last->end_ns <= 2 * UT_NS_PER_S)
        c->parts[c->count++] = *air;
    return UT_OK;
}

static ut_status find_cue(ut_store *store, const char *id, cue *c, ut_err *err)
{
    ut_status rc = ut_store_airplay_get(store, id, &c->parts[0], err);
    c->count = 1;
    c->reached = false;
    if (rc == UT_OK)
        rc = ut_store_review_each(store, c->parts[0].channel, c->parts[0].start_ns, c->parts[0].end_ns + LOOK_NS,
                                  take_part, c, err);
    return rc;
}

typedef struct {
    const ut_args *args;
    ut_store *store;
    ut_review review;
    bool restore;
    cue cue;
    ut_airplay original; /* while restoring */
} review;

/* Times and recording of `cues edit`. False: usage, told. */
static bool edit(const ut_args *args, ut_airplay *air, ut_err *err)
{
    const char *start = ut_args_text(args, "start"), *end = ut_args_text(args, "end"), *usage;
    int64_t zero_ns = air->start_ns - ut_sample_to_ns(0, air->what.start_sample);
    if (start && ut_time_parse(start, &air->start_ns, err) != UT_OK)
        return false;
    if (end && ut_time_parse(end, &air->end_ns, err) != UT_OK)
        return false;
    if (air->end_ns <= air->start_ns) {
        ut_status rc = ut_fail(err, UT_E_ARG, "it would end before it begins");
        return rc == UT_OK;
    }
    air->what.start_sample = (air->start_ns - zero_ns) / (UT_NS_PER_S / UT_RATE_HZ);
    air->what.end_sample = (air->end_ns - zero_ns) / (UT_NS_PER_S / UT_RATE_HZ);
    if (ut_args_int(args, "recording")) {
        air->what.recording_id = ut_args_int(args, "recording");
        air->what.outcome = UT_IDENTIFIED;
        air->what.ref_start_s = air->what.ref_end_s = air->what.log10_e = NAN;
    }
    if (ut_args_flag(args, "unidentified")) {
        air->what.recording_id = 0;
        air->what.outcome = UT_UNIDENTIFIED;
        air->what.ref_start_s = air->what.ref_end_s = air->what.log10_e = NAN;
    }
    if ((usage = ut_args_text(args, "usage")))
        snprintf(air->usage_code, sizeof air->usage_code, "%s", usage);
    return true;
}

static ut_status keep_first(void *arg, const ut_revision *revision)
{
    review *r = arg;
    if (revision->air.revision == 1)
        r->original = revision->air;
    return UT_OK;
}

static ut_status decide(review *r, ut_resolver *resolver, const ut_airplay *part, ut_err *err)
{
    ut_airplay next = *part;
    ut_status rc = UT_OK;
    if (r->restore) {
        if ((rc = ut_store_revision_each(r->store, part->id, keep_first, r, err)) != UT_OK)
            return rc;
        next = r->original;
        next.revision = part->revision;
    }
    next.review = r->review;
    if (r->review == UT_REVIEW_CORRECTED && !edit(r->args, &next, err))
        return UT_E_ARG;
    return ut_resolver_revise(resolver, &next, err);
}

static ut_status review_one(review *r, const char *id, size_t *revised, ut_err *err)
{
    char who[64];
    size_t added = 0;
    ut_resolver *resolver = NULL;
    const char *why = ut_args_text(r->args, "why");
    ut_status rc = find_cue(r->store, id, &r->cue, err);
    if (rc != UT_OK)
        return rc;
    if (r->review == UT_REVIEW_CORRECTED && r->cue.count > 1 &&
        (ut_args_text(r->args, "start") || ut_args_text(r->args, "end")))
        r->cue.count = 1; /* times are those of one stretch */
    ut_resolver_note note = {.cause = UT_CAUSE_PERSON,
                             .who = ut_person(r->args, who),
                             .why = why ? why : "",
                             .at_ns = ut_now_ns(),
                             .catalogue_version = r->cue.parts[0].catalogue_version};
    rc = ut_resolver_open(r->store, &note, &resolver, err);
    for (size_t i = 0; i < r->cue.count && rc == UT_OK; i++)
        rc = decide(r, resolver, &r->cue.parts[i], err);
    if (rc == UT_OK)
        rc = ut_resolver_commit(resolver, revised, &added, err);
    ut_resolver_close(&resolver);
    return rc;
}

static int run(const ut_args *args, ut_review verdict, bool restore, const char *done)
{
    ut_err err = {0};
    review *r = calloc(1, sizeof *r);
    size_t revised = 0, cues = 0;
    ut_status rc = r ? UT_OK : ut_fail(&err, UT_E_NOMEM, "review");
    if (rc == UT_OK) {
        *r = (review){.args = args, .review = verdict, .restore = restore};
        rc = ut_store_open(ut_args_store(args), UT_STORE_WRITE, &r->store, &err);
    }
    int64_t recording = verdict == UT_REVIEW_CORRECTED ? ut_args_int(args, "recording") : 0;
    if (rc == UT_OK && recording) {
        ut_recording rec = {0};
        rc = ut_store_recording_get(r->store, recording, &rec, &err);
        ut_recording_clear(&rec);
    }
    for (int i = 0; i < ut_args_count(args) && rc == UT_OK; i++) {
        rc = review_one(r, ut_args_at(args, i), &revised, &err);
        cues += rc == UT_OK;
    }
    if (r)
        ut_store_close(&r->store);
    free(r);
    if (ut_args_json(args))
        printf("{\"cues\":%zu,\"revisions\":%zu}\n", cues, revised);
    else if (rc == UT_OK)
        printf("%zu cue%s %s\n", cues, cues == 1 ? "" : "s", done);
    return rc == UT_OK ? 0 : ut_cli_fail(args, &err);
}

static int approve(const ut_args *args)
{
    return run(args, UT_REVIEW_APPROVED, false, "approved");
}

static int reject(const ut_args *args)
{
    return run(args, UT_REVIEW_REJECTED, false, "rejected");
}

static int restore(const ut_args *args)
{
    return run(args, UT_REVIEW_FINAL, true, "as recognised again");
}

static int edit_verb(const ut_args *args)
{
    static const char *const what[] = {"recording", "unidentified", "start", "end", "usage"};
    bool any = false;
    for (size_t i = 0; i < sizeof what / sizeof *what; i++)
        any |= ut_args_given(args, what[i]);
    if (!any)
        return ut_cli_usage(args, "--recording, --unidentified, --start, --end or --usage is needed");
    if (ut_args_given(args, "recording") && ut_args_flag(args, "unidentified"))
        return ut_cli_usage(args, "--recording and --unidentified exclude each other");
    return run(args, UT_REVIEW_CORRECTED, false, "corrected");
}

/* --- history --------------------------------------------------------------------------------- */

static ut_status print_revision(void *arg, const ut_revision *revision)
{
    const ut_args *args = arg;
    const ut_airplay *air = &revision->air;
    char start[40], end[40], at[40];
    bool first = air->revision == 1, ok = true;
    if (!ut_args_json(args)) {
        printf("%3" PRId64 "  %-9s  %s  %s  %-12s", air->revision, ut_review_name(air->review),
               ut_time_format(air->start_ns, start, sizeof start), ut_time_format(air->end_ns, end, sizeof end),
               ut_outcome_name(air->what.outcome));
        if (air->what.recording_id)
            printf("  recording %" PRId64, air->what.recording_id);
        if (first)
            printf("  as recognised\n");
        else
            printf("  %s: %s, %s%s%s\n", ut_cause_name(revision->cause), revision->who,
                   ut_time_format(revision->at_ns, at, sizeof at), revision->why[0] ? ": " : "", revision->why);
        return UT_OK;
    }
    json_t *object = json_object();
    ut_json_put(object, "cue_id", ut_json_text(air->id), &ok);
    ut_json_put(object, "revision", json_integer(air->revision), &ok);
    ut_json_put(object, "status", json_string(ut_review_name(air->review)), &ok);
    ut_json_put(object, "start_utc", ut_json_time(air->start_ns), &ok);
    ut_json_put(object, "end_utc", ut_json_time(air->end_ns), &ok);
    ut_json_put(object, "outcome", json_string(ut_outcome_name(air->what.outcome)), &ok);
    ut_json_put(object, "recording_id", air->what.recording_id ? json_integer(air->what.recording_id) : json_null(),
                &ok);
    ut_json_put(object, "log10_e", ut_json_real(air->what.log10_e), &ok);
    ut_json_put(object, "usage_code", air->usage_code[0] ? ut_json_text(air->usage_code) : json_null(), &ok);
    ut_json_put(object, "cause", first ? json_string("recognition") : json_string(ut_cause_name(revision->cause)), &ok);
    ut_json_put(object, "who", first ? json_null() : ut_json_text(revision->who), &ok);
    ut_json_put(object, "why", first ? json_null() : ut_json_text(revision->why), &ok);
    ut_json_put(object, "at_utc", first ? json_null() : ut_json_time(revision->at_ns), &ok);
    char *text = ok ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    if (text)
        puts(text);
    free(text);
    json_decref(object);
    return ok ? UT_OK : UT_E_NOMEM;
}

static int history(const ut_args *args)
{
    ut_err err = {0};
    ut_store *store = NULL;
    ut_status rc = ut_store_open(ut_args_store(args), UT_STORE_READ, &store, &err);
    if (rc == UT_OK)
        rc = ut_store_revision_each(store, ut_args_at(args, 0), print_revision, (void *)(uintptr_t)args, &err);
    ut_store_close(&store);
    return rc == UT_OK ? 0 : ut_cli_fail(args, &err);
}

#define WHY                                                                                                            \
    {                                                                                                                  \
        .name = "why", .kind = UT_OPT_TEXT, .value = "TEXT", .help = "for the history"                                 \
    }

static const ut_opt review_options[] = {WHY, UT_OPT_BY, {0}};

static const ut_opt edit_options[] = {
    {.name = "recording",
     .kind = UT_OPT_INT,
     .value = "ID",
     .fallback = "0",
     .min = 1,
     .max = 9e15,
     .help = "it is this recording of the catalogue"},
    {.name = "unidentified", .kind = UT_OPT_FLAG, .help = "it is none of the catalogue's"},
    {.name = "start", .kind = UT_OPT_TEXT, .value = "TIME", .help = "where it begins, RFC 3339"},
    {.name = "end", .kind = UT_OPT_TEXT, .value = "TIME", .help = "where it ends"},
    {.name = "usage",
     .kind = UT_OPT_CHOICE,
     .value = "BI|BV|VI|VV|MT|ET|Logo",
     .help = "usage code, which only a person can know"},
    WHY,
    UT_OPT_BY,
    {0},
};

#define REVIEW_VERB(id, word, text)                                                                                    \
    const ut_verb ut_verb_cues_##id = {                                                                                \
        .name = "cues " #id,                                                                                           \
        .summary = text,                                                                                               \
        .arguments = "CUE...",                                                                                         \
        .min_arguments = 1,                                                                                            \
        .max_arguments = -1,                                                                                           \
        .options = review_options,                                                                                     \
        .examples = "undertone cues " #id " b80cc96f-4df3-898f-ac97-95e195624c4d --why \"" word "\"",                  \
        .run = id,                                                                                                     \
    }
REVIEW_VERB(approve, "listened to it", "approve cues");
REVIEW_VERB(reject, "not music", "reject cues: they leave lists and sheets, and stay in the store");
REVIEW_VERB(restore, "a mistake", "make cues what was recognised again");

const ut_verb ut_verb_cues_edit = {
    .name = "cues edit",
    .summary = "correct a cue",
    .arguments = "CUE",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = edit_options,
    .examples =
        "undertone cues edit b80cc96f-4df3-898f-ac97-95e195624c4d --recording 17 --usage VI --why \"the band is seen\"",
    .run = edit_verb,
};

const ut_verb ut_verb_cues_history = {
    .name = "cues history",
    .summary = "show who changed a cue, when and why",
    .arguments = "CUE",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = (const ut_opt[]){{0}},
    .examples = "undertone cues history b80cc96f-4df3-898f-ac97-95e195624c4d",
    .run = history,
};
