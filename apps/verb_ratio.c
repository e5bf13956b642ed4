#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "apps/audit_data.h"
#include "apps/cli.h"
#include "apps/recording_json.h"
#include "core/clock.h"
#include "cuesheet/json.h"
#include "cuesheet/share.h"

static const char *cluster_name(const ut_shares *shares)
{
    return shares->cluster_ns == 3600 * UT_NS_PER_S ? "hour" : "day";
}

static json_t *share_json(const ut_share *share)
{
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "society", ut_json_text(share->society), &ok);
    ut_json_put(object, "seconds", ut_json_real(share->seconds), &ok);
    ut_json_put(object, "share", ut_json_real(share->share), &ok);
    ut_json_put(object, "low", ut_json_real(share->low), &ok);
    ut_json_put(object, "high", ut_json_real(share->high), &ok);
    ut_json_put(object, "share_of_all_least", ut_json_real(share->least), &ok);
    ut_json_put(object, "share_of_all_most", ut_json_real(share->most), &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

static json_t *shares_json(const ut_args *args, const ut_share_input *in, const ut_shares *shares)
{
    bool ok = true;
    json_t *object = json_object(), *list = json_array();
    for (size_t i = 0; i < shares->count; i++)
        ok &= json_array_append_new(list, share_json(&shares->items[i])) == 0;
    ut_json_put(object, "schema", json_string("urn:undertone:schema:ratio.v1"), &ok);
    ut_json_put(object, "engine", json_string(UT_VERSION), &ok);
    ut_json_put(object, "channel", ut_json_text(ut_args_text(args, "channel")), &ok);
    ut_json_put(object, "start_utc", ut_json_time(in->start_ns), &ok);
    ut_json_put(object, "end_utc", ut_json_time(in->end_ns), &ok);
    ut_json_put(object, "method", json_string("cluster bootstrap, percentile interval"), &ok);
    ut_json_put(object, "level", json_real(in->level), &ok);
    ut_json_put(object, "rounds", json_integer((json_int_t)in->rounds), &ok);
    ut_json_put(object, "cluster", json_string(cluster_name(shares)), &ok);
    ut_json_put(object, "clusters", json_integer((json_int_t)shares->clusters), &ok);
    ut_json_put(object, "observed_s", ut_json_real(shares->observed_s), &ok);
    ut_json_put(object, "unobserved_s", ut_json_real((double)(in->end_ns - in->start_ns) / 1e9 - shares->observed_s),
                &ok);
    ut_json_put(object, "identified_s", ut_json_real(shares->identified_s), &ok);
    ut_json_put(object, "unidentified_s", ut_json_real(shares->unidentified_s), &ok);
    ut_json_put(object, "societies", list, &ok);
    if (!ok)
        json_decref(object);
    return ok ? object : NULL;
}

static ut_status print_shares(const ut_share_input *in, const ut_shares *shares, ut_err *err)
{
    printf("%-16s %12s %8s  %-19s %s\n", "society", "seconds", "share", "interval", "of all music");
    for (size_t i = 0; i < shares->count; i++) {
        const ut_share *s = &shares->items[i];
        char interval[40] = "-";
        if (!isnan(s->low))
            snprintf(interval, sizeof interval, "%6.2f %% - %6.2f %%", 100 * s->low, 100 * s->high);
        printf("%-16s %12.1f %6.2f %%  %-19s %6.2f %% - %6.2f %%\n", *s->society ? s->society : "(not stated)",
               s->seconds, 100 * s->share, interval, 100 * s->least, 100 * s->most);
    }
    printf("\nidentified music %.1f s, unidentified %.1f s, observed %.1f s of %.1f s\n", shares->identified_s,
           shares->unidentified_s, shares->observed_s, (double)(in->end_ns - in->start_ns) / 1e9);
    if (shares->clusters >= UT_SHARE_CLUSTERS)
        printf("%g %% interval: bootstrap over %zu %ss\n", 100 * in->level, shares->clusters, cluster_name(shares));
    else
        printf("no interval: %zu %s(s) observed, at least %d are needed\n", shares->clusters, cluster_name(shares),
               UT_SHARE_CLUSTERS);
    return fflush(stdout) == 0 ? UT_OK : ut_fail(err, UT_E_IO, "standard output: cannot be written");
}

static ut_status estimate(const ut_args *args, ut_share_input *in, ut_shares *shares, ut_err *err)
{
    const char *channel = ut_args_text(args, "channel");
    ut_store *store = NULL;
    ut_audit_data data = {0};
    ut_status rc = ut_store_open(ut_args_store(args), UT_STORE_READ, &store, err);
    if (rc == UT_OK)
        rc = ut_audit_data_load(store, channel, in->start_ns, in->end_ns, &data, err);
    if (rc == UT_OK && data.segments == 0)
        rc = ut_fail(err, UT_E_NOTFOUND, "channel %s: nothing was captured or replayed in this range", channel);
    ut_store_close(&store);
    in->cues = data.cues.cues;
    in->recordings = data.cues.recordings;
    in->cue_count = data.cues.count;
    in->unobserved = data.unobserved;
    in->unobserved_count = data.unobserved_count;
    if (rc == UT_OK)
        rc = ut_shares_estimate(in, shares, err);
    ut_audit_data_clear(&data);
    return rc;
}

static int ratio(const ut_args *args)
{
    ut_err err = {0};
    ut_shares shares = {0};
    ut_share_input in = {.level = ut_args_real(args, "level"), .rounds = (size_t)ut_args_int(args, "rounds")};
    const char *from = ut_args_text(args, "from"), *to = ut_args_text(args, "to");
    if (!ut_args_text(args, "channel") || !from || !to)
        return ut_cli_usage(args, "--channel, --from and --to are needed");
    if (ut_time_parse(from, &in.start_ns, &err) != UT_OK)
        return ut_cli_usage(args, "--from: %s", err.text);
    if (ut_time_parse(to, &in.end_ns, &err) != UT_OK)
        return ut_cli_usage(args, "--to: %s", err.text);
    if (in.end_ns <= in.start_ns)
        return ut_cli_usage(args, "--to %s: not after --from %s", to, from);
    ut_status rc = estimate(args, &in, &shares, &err);
    if (rc == UT_OK && ut_args_json(args))
        rc = ut_json_print(shares_json(args, &in, &shares), &err);
    else if (rc == UT_OK)
        rc = print_shares(&in, &shares, &err);
    ut_shares_clear(&shares);
    return rc == UT_OK ? 0 : ut_cli_fail(args, &err);
}

static const ut_opt ratio_options[] = {
    {.name = "channel", .kind = UT_OPT_TEXT, .value = "ID", .help = "the channel (needed)"},
    {.name = "from", .kind = UT_OPT_TEXT, .value = "TIME", .help = "start of the range, RFC 3339 (needed)"},
    {.name = "to", .kind = UT_OPT_TEXT, .value = "TIME", .help = "its end (needed)"},
    {.name = "level",
     .kind = UT_OPT_REAL,
     .value = "P",
     .fallback = "0.95",
     .min = 0.5,
     .max = 0.999,
     .help = "of the interval"},
    {.name = "rounds",
     .kind = UT_OPT_INT,
     .value = "N",
     .fallback = "10000",
     .min = 100,
     .max = 100000,
     .help = "of the bootstrap"},
    {0},
};

const ut_verb ut_verb_ratio = {
    .name = "ratio",
    .summary = "each society's share of the music on air, with an interval",
    .arguments = "",
    .options = ratio_options,
    .examples = "undertone ratio --channel news1 --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z",
    .run = ratio,
};
