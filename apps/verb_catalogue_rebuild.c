#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apps/cli.h"
#include "apps/recording_json.h"
#include "core/clock.h"
#include "pipeline/catalogue.h"

static ut_status report(const ut_args *args, const char *params, const ut_index_info *info, double wall_s, ut_err *err)
{
    if (ut_args_json(args))
        return ut_json_print(json_pack("{ss sI sI sI sI sf}", "params", params, "recordings",
                                       (json_int_t)info->recordings, "segments", (json_int_t)info->segments, "postings",
                                       (json_int_t)info->postings, "bytes", (json_int_t)info->bytes, "wall_s", wall_s),
                             err);
    printf("%s: %zu recordings, %.1f MiB in %zu segments, made in %.1f s\n", params, info->recordings,
           (double)info->bytes / 1048576, info->segments, wall_s);
    return UT_OK;
}

/* Without --params: the sets that any recording has a fingerprint for. */
static ut_status rebuild_all(const ut_args *args, ut_store *store, ut_err *err)
{
    static const char *const sets[] = {"p1", "p2", "p3"};
    const char *only = ut_args_text(args, "params");
    ut_status rc = UT_OK;
    int made = 0;
    for (size_t i = 0; i < sizeof sets / sizeof *sets && rc == UT_OK; i++) {
        ut_index_info info;
        double begin_s = ut_monotonic_s();
        if (only && strcmp(only, sets[i]) != 0)
            continue;
        rc = ut_catalogue_rebuild(store, sets[i], &info, err);
        if (rc == UT_E_NOTFOUND && !only)
            rc = UT_OK;
        else if (rc == UT_OK && ++made)
            rc = report(args, sets[i], &info, ut_monotonic_s() - begin_s, err);
    }
    return rc == UT_OK && made == 0 ? ut_fail(err, UT_E_NOTFOUND, "catalogue: there are no fingerprints to index") : rc;
}

static int run(const ut_args *args)
{
    ut_err err = {0};
    ut_store *store = NULL;
    const char *only = ut_args_text(args, "params");
    if (only && !ut_params_find(only))
        return ut_cli_usage(args, "--params %s: not one of p1, p2, p3", only);
    ut_status rc = ut_store_open(ut_args_store(args), UT_STORE_READ, &store, &err);
    if (rc == UT_OK)
        rc = rebuild_all(args, store, &err);
    ut_store_close(&store);
    return rc == UT_OK ? 0 : ut_cli_fail(args, &err);
}

static const ut_opt options[] = {
    {"params", 'p', UT_OPT_TEXT, "SET", NULL, 0, 0, "parameter set, p1, p2 or p3; without: those in use"},
    {0},
};

const ut_verb ut_verb_catalogue_rebuild = {
    .name = "catalogue rebuild",
    .summary = "make the index anew from the store",
    .arguments = "",
    .options = options,
    .examples = "undertone catalogue rebuild\n"
                "undertone catalogue rebuild --params p3 --json",
    .run = run,
};
