#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "apps/cli.h"
#include "apps/run_group.h"
#include "core/config.h"
#include "core/log.h"
#include "pipeline/heartbeat.h"
#include "pipeline/monitor.h"

enum { TICK_US = 200000 };

static volatile sig_atomic_t reload_asked;

static void on_hangup(int number)
{
    (void)number;
    reload_asked = 1;
}

/* Reloads what may change under way: the level of the log, and the catalogue. */
static void reload(const ut_args *args, ut_monitor *monitor)
{
    ut_err err = {0};
    ut_config *config = NULL;
    ut_log_level level;
    char quoted[512];
    const char *path = ut_args_config_path(args);
    if (path && ut_config_load(path, &config, &err) != UT_OK)
        ut_log(UT_LOG_ERROR, "run", "reload_failed", "error=%s", ut_log_quote(quoted, sizeof quoted, err.text));
    else if (config && ut_log_level_parse(config->log_level, &level))
        ut_log_set_level(level);
    ut_config_close(&config);
    ut_monitor_reload(monitor);
    ut_log(UT_LOG_INFO, "run", "reloaded", "config=%s", ut_log_quote(quoted, sizeof quoted, path ? path : ""));
}

static void beat(ut_heartbeat *heartbeat, ut_monitor *monitor)
{
    char *state = ut_heartbeat_due(heartbeat) ? ut_monitor_state(monitor) : NULL;
    if (state)
        ut_heartbeat_beat(heartbeat, state);
    free(state);
}

static void serve(const ut_args *args, ut_monitor *monitor, ut_run_group *group, ut_heartbeat *heartbeat)
{
    bool once = ut_args_flag(args, "once");
    sd_notify(0, "READY=1");
    while (!ut_cli_stopped() && !(once && ut_monitor_ended(monitor))) {
        if (group)
            ut_run_group_tend(group, TICK_US / 1000);
        else
            usleep(TICK_US);
        beat(heartbeat, monitor);
        if (reload_asked) {
            reload_asked = 0;
            reload(args, monitor);
        }
        if (ut_monitor_alive(monitor))
            sd_notify(0, "WATCHDOG=1");
    }
    sd_notify(0, "STOPPING=1");
}

static int run(const ut_args *args)
{
    ut_err err = {0};
    ut_monitor *monitor = NULL;
    ut_run_group *members = NULL;
    ut_heartbeat *heartbeat = NULL;
    const char *group = ut_args_text(args, "group");
    bool once = ut_args_flag(args, "once");
    if (!ut_args_config_path(args))
        return ut_cli_usage(args, "--config is needed: it names the channels");
    if (group && once)
        return ut_cli_usage(args, "--group and --once do not go together");
    ut_monitor_options options = {.config = ut_args_config(args),
                                  .store = ut_args_store(args),
                                  .capture = &ut_capture_supervisor,
                                  .once = once,
                                  .parked = group != NULL,
                                  .drain_s = ut_args_real(args, "drain")};
    struct sigaction action = {.sa_handler = on_hangup, .sa_flags = SA_RESTART};
    sigaction(SIGHUP, &action, NULL);
    ut_status rc = ut_monitor_open(&options, &monitor, &err);
    if (rc == UT_OK)
        rc = ut_heartbeat_open(options.store, "monitor", &heartbeat, &err);
    if (rc == UT_OK && group)
        rc = ut_run_group_open(options.config, options.store, group, monitor, &members, &err);
    if (rc == UT_OK) {
        ut_log(UT_LOG_INFO, "run", "started", "channels=%zu metrics_port=%d group=%s", options.config->channel_count,
               ut_monitor_port(monitor), group ? group : "");
        serve(args, monitor, members, heartbeat);
    }
    ut_run_group_close(&members);
    ut_err own = {0};
    ut_status closed = ut_monitor_close(&monitor, &own);
    ut_heartbeat_close(&heartbeat);
    if (rc != UT_OK || closed != UT_OK)
        return ut_cli_fail(args, rc != UT_OK ? &err : &own);
    ut_log(UT_LOG_INFO, "run", "stopped", "once=%d", once);
    return 0;
}

static const ut_opt run_options[] = {
    {.name = "once", .kind = UT_OPT_FLAG, .help = "ends when every source has ended, instead of building it again"},
    {.name = "group",
     .kind = UT_OPT_TEXT,
     .value = "NAME",
     .help = "shares the channels with the other monitors of this consumer group of Kafka (kafka.brokers) on the same "
             "store: each is captured by one; of one that dies, others take them over"},
    {.name = "drain",
     .kind = UT_OPT_REAL,
     .value = "SECONDS",
     .fallback = "30",
     .min = 1,
     .max = 3600,
     .help = "how long stopping may take to analyse, write and publish what was captured"},
    {0},
};

const ut_verb ut_verb_run = {
    .name = "run",
    .summary = "monitor every configured channel, live",
    .arguments = "",
    .options = run_options,
    .examples = "undertone run --config /etc/undertone/undertone.yaml\n"
                "undertone run --group monitors --config /etc/undertone/undertone.yaml",
    .run = run,
};
