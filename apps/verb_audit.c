#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/audit_data.h"
#include "apps/cli.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/digest.h"
#include "core/file.h"
#include "core/progress.h"

#define CLAIM_LIMIT (64u << 20)

typedef struct {
    const char *path, *name; /* of the claim */
    char sha256[65];
    ut_claims claims;
    ut_audit_data data;
    ut_references *references;
    ut_audit audit;
    ut_audit_input input;
    ut_audit_report report;
} audit_run;

static void run_clear(audit_run *run)
{
    ut_totals_clear(&run->report.parties);
    ut_totals_clear(&run->report.societies);
    ut_audit_clear(&run->audit);
    ut_references_close(&run->references);
    ut_audit_data_clear(&run->data);
    ut_claims_clear(&run->claims);
}

/* --- reading --------------------------------------------------------------------------------- */

static ut_status read_claims(const ut_args *args, audit_run *run, ut_err *err)
{
    char *data = NULL;
    size_t size = 0;
    const char *offset = ut_args_text(args, "utc-offset");
    ut_claim_rules rules = {.name = run->name,
                            .sheet = ut_args_text(args, "sheet"),
                            .origin_ns = run->input.start_ns,
                            .has_offset = offset != NULL,
                            .date = ut_args_text(args, "date")};
    ut_status rc = offset ? ut_offset_parse(offset, &rules.offset_min, err) : UT_OK;
    if (rc == UT_OK)
        rc = ut_file_read(run->path, CLAIM_LIMIT, &data, &size, err);
    if (rc == UT_OK) {
        ut_sha256(data, size, run->sha256);
        rc = ut_claims_parse(data, size, &rules, &run->claims, err);
    }
    free(data);
    return rc;
}

typedef struct {
    ut_references *references;
    ut_progress *progress;
    ut_err *err;
} reference_walk;

static ut_status add_reference(void *arg, const ut_recording *rec)
{
    reference_walk *walk = arg;
    ut_progress_add(walk->progress, 1, rec->title);
    return ut_cli_stopped() ? ut_fail(walk->err, UT_E_STOPPED, "stopped")
                            : ut_references_add(walk->references, rec, walk->err);
}

/* Which claims the catalogue has a recording for. */
static ut_status read_references(ut_store *store, audit_run *run, ut_err *err)
{
    ut_store_stats stats = {0};
    reference_walk walk = {.err = err};
    ut_status rc = ut_references_open(run->claims.items, run->claims.count, &run->references, err);
    walk.references = run->references;
    if (rc == UT_OK)
        rc = ut_store_describe(store, &stats, err);
    if (rc == UT_OK)
        rc = ut_progress_open("audit run", "recordings", (uint64_t)stats.recordings, &walk.progress);
    if (rc == UT_OK)
        rc = ut_store_recording_each(store, add_reference, &walk, err);
    ut_progress_close(&walk.progress);
    return rc;
}

static ut_status read_store(const ut_args *args, audit_run *run, ut_err *err)
{
    ut_store *store = NULL;
    const ut_audit_input *in = &run->input;
    ut_status rc = ut_store_open(ut_args_store(args), UT_STORE_READ, &store, err);
    if (rc == UT_OK)
        rc = ut_audit_data_load(store, in->channel, in->start_ns, in->end_ns, &run->data, err);
    if (rc == UT_OK && run->data.segments == 0)
        rc = ut_fail(err, UT_E_NOTFOUND, "channel %s: nothing was captured or replayed in this range", in->channel);
    if (rc == UT_OK)
        rc = read_references(store, run, err);
    ut_store_close(&store);
    return rc;
}

/* --- the report ------------------------------------------------------------------------------ */

static ut_status compute(audit_run *run, ut_err *err)
{
    const ut_cue_data *cues = &run->data.cues;
    ut_audit_input *in = &run->input;
    in->claims = run->claims.items;
    in->claim_count = run->claims.count;
    in->referenced = ut_references_found(run->references);
    in->cues = cues->cues;
    in->recordings = cues->recordings;
    in->cue_count = cues->count;
    in->unobserved = run->data.unobserved;
    in->unobserved_count = run->data.unobserved_count;
    ut_status rc = ut_audit_run(in, &run->audit, err);
    if (rc == UT_OK)
        rc = ut_audit_totals(in, &run->audit, false, &run->report.parties, err);
    if (rc == UT_OK)
        rc = ut_audit_totals(in, &run->audit, true, &run->report.societies, err);
    run->report.input = in;
    run->report.audit = &run->audit;
    run->report.claim_file = run->name;
    run->report.claim_sha256 = run->sha256;
    run->report.gaps = cues->gaps;
    run->report.gap_count = cues->gap_count;
    run->report.made_ns = ut_now_ns();
    return rc;
}

typedef ut_status (*form_fn)(const ut_audit_report *report, char **data, size_t *size, ut_err *err);

static const struct {
    const char *ending;
    form_fn make;
} forms[] = {{".html", ut_audit_html}, {".xlsx", ut_audit_xlsx}, {".json", ut_audit_json}, {".csv", ut_audit_csv}};

static form_fn form_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof forms / sizeof *forms; i++)
        if (strcasecmp(dot, forms[i].ending) == 0)
            return forms[i].make;
    return NULL;
}

static ut_status write_report(const ut_audit_report *report, form_fn make, const char *path, ut_err *err)
{
    char *data = NULL;
    size_t size = 0;
    ut_status rc = make(report, &data, &size, err);
    if (rc != UT_OK)
        return rc;
    if (path)
        rc = ut_file_write(path, data, size, err);
    else if (fwrite(data, 1, size, stdout) != size || fflush(stdout) != 0)
        rc = ut_fail(err, UT_E_IO, "standard output: cannot be written");
    free(data);
    return rc;
}

static void print_finding(const audit_run *run, const ut_audit_finding *f)
{
    char start[40], end[40];
    const ut_claim *claim = f->claim == UT_NO_CLAIM ? NULL : &run->claims.items[f->claim];
    size_t cue = f->cue_count ? run->audit.links[f->first_cue] : 0;
    const ut_cue *heard = f->cue_count ? &run->data.cues.cues[cue] : NULL;
    const ut_recording *rec = heard ? run->data.cues.recordings[cue] : NULL;
    ut_time_format(claim ? claim->start_ns : heard->start_ns, start, sizeof start);
    ut_time_format(claim ? claim->end_ns : heard->end_ns, end, sizeof end);
    printf("%-16s  %s  %s", ut_audit_outcome_name(f->outcome), start, end);
    if (claim)
        printf("  row %zu: %s", claim->row,
               claim->what.title  ? claim->what.title
               : claim->what.work ? claim->what.work
               : claim->what.isrc ? claim->what.isrc
                                  : "?");
    if (heard && (!claim || f->outcome == UT_AUDIT_WRONG_RECORDING || f->outcome == UT_AUDIT_UNMATCHED))
        printf("  heard: %s", rec ? rec->title : ut_outcome_name(heard->outcome));
    if (f->time_differs)
        printf("  (start %+.1f s, end %+.1f s)", f->start_diff_s, f->end_diff_s);
    if (f->use_differs && heard)
        printf("  (claimed %s, heard %s)", ut_use_name(claim->use), ut_use_name(heard->use));
    if (heard)
        printf("  cue %s", heard->id);
    putchar('\n');
}

static ut_status print_summary(const audit_run *run, ut_err *err)
{
    ut_audit_sum sums[UT_AUDIT_OUTCOMES];
    const ut_audit_input *in = &run->input;
    ut_audit_sums(&run->audit, sums);
    for (size_t i = 0; i < run->audit.count; i++)
        if (run->audit.findings[i].outcome != UT_AUDIT_MATCHED)
            print_finding(run, &run->audit.findings[i]);
    if (run->audit.count > sums[UT_AUDIT_MATCHED].count)
        putchar('\n');
    for (int i = 0; i < UT_AUDIT_OUTCOMES; i++)
        printf("%-46s %6zu %10.1f s%s\n", ut_audit_outcome_title((ut_audit_outcome)i), sums[i].count,
               (double)sums[i].ns / 1e9, i == UT_AUDIT_NO_MUSIC ? "  (counts against the claimant)" : "");
    printf("%-46s %6s %10.1f s\n", "Not captured or not analysed", "", (double)run->audit.unobserved_ns / 1e9);
    if (run->audit.outside)
        printf("%zu of %zu claims lie outside the range and were not audited\n", run->audit.outside, in->claim_count);
    return fflush(stdout) == 0 ? UT_OK : ut_fail(err, UT_E_IO, "standard output: cannot be written");
}

/* --- the verb -------------------------------------------------------------------------------- */

static double tolerance(const ut_args *args, const char *option, double configured)
{
    return ut_args_given(args, option) ? ut_args_real(args, option) : configured;
}

static int settle(const ut_args *args, audit_run *run)
{
    ut_err err = {0};
    const ut_config *config = ut_args_config(args);
    const char *from = ut_args_text(args, "from"), *to = ut_args_text(args, "to");
    run->path = ut_args_at(args, 0);
    const char *slash = strrchr(run->path, '/');
    run->name = slash ? slash + 1 : run->path;
    run->input.channel = ut_args_text(args, "channel");
    if (!run->input.channel || !from || !to)
        return ut_cli_usage(args, "--channel, --from and --to are needed");
    if (ut_time_parse(from, &run->input.start_ns, &err) != UT_OK)
        return ut_cli_usage(args, "--from: %s", err.text);
    if (ut_time_parse(to, &run->input.end_ns, &err) != UT_OK)
        return ut_cli_usage(args, "--to: %s", err.text);
    if (run->input.end_ns <= run->input.start_ns)
        return ut_cli_usage(args, "--to %s: not after --from %s", to, from);
    if (ut_args_text(args, "date") && !ut_args_text(args, "utc-offset"))
        return ut_cli_usage(args, "--date: give the day's --utc-offset too");
    run->input.rules = (ut_audit_rules){
        .edge_s = tolerance(args, "edge-tolerance", config->audit.edge_tolerance_s),
        .duration_s = tolerance(args, "duration-tolerance", config->audit.duration_tolerance_s),
        .duration_ratio = tolerance(args, "duration-ratio", config->audit.duration_tolerance_ratio),
        .search_s = tolerance(args, "search", config->audit.search_s),
        .presence_known = config->recognition.unidentified,
    };
    return 0;
}

static int run_audit(const ut_args *args)
{
    ut_err err = {0};
    audit_run run = {0};
    const char *path = ut_args_text(args, "output");
    form_fn make = path ? form_of(path) : NULL;
    if (path && !make)
        return ut_cli_usage(args, "--output %s: the ending chooses the form; allowed: .html, .xlsx, .json, .csv", path);
    int usage = settle(args, &run);
    if (usage)
        return usage;
    ut_status rc = read_claims(args, &run, &err);
    if (rc == UT_OK)
        rc = read_store(args, &run, &err);
    if (rc == UT_OK)
        rc = compute(&run, &err);
    if (rc == UT_OK && path)
        rc = write_report(&run.report, make, path, &err);
    if (rc == UT_OK && ut_args_json(args))
        rc = write_report(&run.report, ut_audit_json, NULL, &err);
    else if (rc == UT_OK)
        rc = print_summary(&run, &err);
    run_clear(&run);
    return rc == UT_OK ? 0 : ut_cli_fail(args, &err);
}

static const ut_opt run_options[] = {
    {.name = "channel", .kind = UT_OPT_TEXT, .value = "ID", .help = "the channel (needed)"},
    {.name = "from", .kind = UT_OPT_TEXT, .value = "TIME", .help = "start of the audited range, RFC 3339 (needed)"},
    {.name = "to", .kind = UT_OPT_TEXT, .value = "TIME", .help = "its end (needed)"},
    {.name = "output",
     .letter = 'o',
     .kind = UT_OPT_TEXT,
     .value = "FILE",
     .help = "the report, whole or not at all: .html, .xlsx, .json or .csv"},
    {.name = "sheet",
     .kind = UT_OPT_TEXT,
     .value = "NAME",
     .help = "worksheet of a workbook; default: the first shown"},
    {.name = "utc-offset",
     .kind = UT_OPT_TEXT,
     .value = "OFFSET",
     .help = "of the claim's dates that name none, such as +01:00"},
    {.name = "date",
     .kind = UT_OPT_TEXT,
     .value = "DATE",
     .help = "the claim's times are times of this day; without it they count from --from"},
    {.name = "edge-tolerance",
     .kind = UT_OPT_REAL,
     .value = "S",
     .min = 0,
     .max = 600,
     .help = "a start or end may be off by so much; default: audit.edge_tolerance_s, 2"},
    {.name = "duration-tolerance",
     .kind = UT_OPT_REAL,
     .value = "S",
     .min = 0,
     .max = 600,
     .help = "a duration by so much; default: audit.duration_tolerance_s, 2"},
    {.name = "duration-ratio",
     .kind = UT_OPT_REAL,
     .value = "PART",
     .min = 0,
     .max = 1,
     .help = "or by this part of what was heard; default: audit.duration_tolerance_ratio, 0.1"},
    {.name = "search",
     .kind = UT_OPT_REAL,
     .value = "S",
     .min = 0,
     .max = 86400,
     .help = "a claim is looked for so far from its time; default: audit.search_s, 900"},
    {0},
};

const ut_verb ut_verb_audit_run = {
    .name = "audit run",
    .summary = "compare a submitted cue sheet with what was heard",
    .arguments = "CLAIM",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = run_options,
    .examples = "undertone audit run claim.csv --channel news1 --from 2026-11-21T20:15:00Z --to 2026-11-21T21:00:00Z\n"
                "undertone audit run log.xlsx --channel news1 --from 2026-11-20T23:00:00Z --to 2026-11-21T23:00:00Z "
                "--utc-offset +01:00 -o audit.html",
    .run = run_audit,
};
