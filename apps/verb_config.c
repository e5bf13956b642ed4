#include <stdio.h>

#include "apps/cli.h"
#include "core/config.h"

static int check(const ut_args *args)
{
    ut_err err = {0};
    ut_config *config = NULL;
    if (ut_config_load(ut_args_at(args, 0), &config, &err) != UT_OK)
        return ut_cli_fail(args, &err);
    printf("%s: ok, %zu channel%s\n", ut_args_at(args, 0), config->channel_count,
           config->channel_count == 1 ? "" : "s");
    ut_config_close(&config);
    return 0;
}

static int dump(const ut_args *args)
{
    ut_err err = {0};
    if (ut_config_dump(ut_args_config(args), stdout, &err) != UT_OK)
        return ut_cli_fail(args, &err);
    return 0;
}

static int document(const ut_args *args)
{
    ut_err err = {0};
    if (ut_config_document(stdout, &err) != UT_OK)
        return ut_cli_fail(args, &err);
    return 0;
}

const ut_verb ut_verb_config_check = {
    .name = "config check",
    .summary = "say whether a configuration file is right, and where it is not",
    .arguments = "FILE",
    .min_arguments = 1,
    .max_arguments = 1,
    .examples = "undertone config check /etc/undertone/undertone.yaml",
    .run = check,
};

const ut_verb ut_verb_config_dump = {
    .name = "config dump",
    .summary = "print every key with its value in force, passwords masked",
    .arguments = "",
    .examples = "undertone config dump --config /etc/undertone/undertone.yaml",
    .run = dump,
};

const ut_verb ut_verb_config_document = {
    .name = "config document",
    .summary = "print docs/CONFIG.md: every key, its type, default and meaning",
    .arguments = "",
    .run = document,
};
