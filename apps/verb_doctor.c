/* undertone doctor: looks at what undertone needs on this machine, one line each, with the remedy where it lacks. */
#include <gst/gst.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include "apps/cli.h"
#include "apps/machine.h"
#include "core/config.h"
#include "db/store.h"
#include "fingerprint/index.h"
#include "pipeline/gst.h"
#include "pipeline/kafka.h"
#include "separator/separator.h"

typedef enum { GOOD, WARNING, BAD } verdict;

typedef struct {
    const ut_args *args;
    bool json;
    int bad;
} doctor;

/* `remedy` may be NULL where there is nothing to do. */
static void report(doctor *d, verdict is, const char *check, const char *remedy, const char *fmt, ...) UT_PRINTF(5, 6);

static void report(doctor *d, verdict is, const char *check, const char *remedy, const char *fmt, ...)
{
    static const char *const marks[] = {"ok  ", "warn", "FAIL"}, *const names[] = {"ok", "warn", "fail"};
    char found[500];
    va_list args;
    va_start(args, fmt);
    vsnprintf(found, sizeof found, fmt, args);
    va_end(args);
    d->bad += is == BAD;
    if (is == GOOD)
        remedy = NULL;
    if (!d->json) {
        printf("%s  %-12s %s\n", marks[is], check, found);
        if (remedy)
            printf("%18s → %s\n", "", remedy);
        return;
    }
    json_t *line =
        json_pack("{s:s, s:s, s:s, s:s*}", "check", check, "status", names[is], "found", found, "remedy", remedy);
    if (line)
        json_dumpf(line, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(line);
}

static void check_machine(doctor *d)
{
    ut_machine machine = ut_machine_describe();
    report(d, GOOD, "machine", NULL, "undertone %s; %s, %d cores, %lld MiB; %s", machine.version, machine.cpu,
           machine.cores, (long long)machine.memory_mib, machine.system);
    bool fast = strstr(machine.features, "avx2") || strstr(machine.features, "neon");
    report(d, fast ? GOOD : WARNING, "instructions", "separation will be slow: use a CPU with AVX2 or better", "%s",
           machine.features[0] ? machine.features : "none that matter");
}

/* What a kind of source or codec needs of GStreamer. Without the first ones nothing runs; the rest is a matter of
 * what is listened to. */
static const struct {
    const char *use, *element, *package;
    bool vital;
} elements[] = {
    {"any decoding", "decodebin", "gstreamer1.0-plugins-base", true},
    {"any decoding", "audioconvert", "gstreamer1.0-plugins-base", true},
    {"any decoding", "audioresample", "gstreamer1.0-plugins-base", true},
    {"our end", "appsink", "gstreamer1.0-plugins-base", true},
    {"MPEG-TS", "tsdemux", "gstreamer1.0-plugins-bad", true},
    {"AAC", "avdec_aac", "gstreamer1.0-libav", true},
    {"AC-3", "avdec_ac3", "gstreamer1.0-libav", false},
    {"E-AC-3", "avdec_eac3", "gstreamer1.0-libav", false},
    {"MPEG audio", "avdec_mp2float", "gstreamer1.0-libav", false},
    {"UDP", "udpsrc", "gstreamer1.0-plugins-good", false},
    {"RTP", "rtpmp2tdepay", "gstreamer1.0-plugins-good", false},
    {"SRT", "srtsrc", "gstreamer1.0-plugins-bad", false},
    {"HLS", "hlsdemux", "gstreamer1.0-plugins-bad", false},
    {"HTTP, Icecast", "souphttpsrc", "gstreamer1.0-plugins-good", false},
    {"RTSP", "rtspsrc", "gstreamer1.0-plugins-good", false},
    {"sound cards", "alsasrc", "gstreamer1.0-alsa", false},
};

static void check_gstreamer(doctor *d)
{
    ut_err err = {0};
    if (ut_gst_init(&err) != UT_OK) {
        report(d, BAD, "gstreamer", "apt install gstreamer1.0-plugins-base", "%s", err.text);
        return;
    }
    gchar *version = gst_version_string();
    size_t missing = 0;
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
        GstElementFactory *factory = gst_element_factory_find(elements[i].element);
        if (factory) {
            gst_object_unref(factory);
            continue;
        }
        char remedy[100];
        snprintf(remedy, sizeof remedy, "apt install %s", elements[i].package);
        report(d, elements[i].vital ? BAD : WARNING, "gstreamer", remedy, "no element %s, for %s", elements[i].element,
               elements[i].use);
        missing++;
    }
    if (!missing)
        report(d, GOOD, "gstreamer", NULL, "%s, with all %zu elements", version, sizeof elements / sizeof *elements);
    g_free(version);
}

static ut_precision to_precision(const char *name)
{
    return strcmp(name, "f32") == 0    ? UT_PRECISION_F32
           : strcmp(name, "bf16") == 0 ? UT_PRECISION_BF16
                                       : UT_PRECISION_AUTO;
}

/* Only who asks for cuda needs it; a library that is there and does not work deserves a warning anyway. */
static void check_device(doctor *d)
{
    char text[2048];
    ut_err err = {0};
    bool wanted = strcmp(ut_args_config(d->args)->separator.backend, "cuda") == 0;
    ut_status rc = ut_separator_device(text, sizeof text, &err);
    if (rc == UT_OK)
        report(d, GOOD, "cuda", NULL, "%s", text);
    else
        report(d,
               wanted                ? BAD
               : rc == UT_E_NOTFOUND ? GOOD
                                     : WARNING,
               "cuda", "docs/CUDA.md says how to build the library and what driver it needs", "not used: %s", err.text);
}

static void check_separator(doctor *d)
{
    const ut_config *config = ut_args_config(d->args);
    char path[4096];
    ut_err err = {0};
    ut_model *model = NULL;
    ut_separator *separator = NULL;
    if (strcmp(config->separator.model, "none") == 0) {
        report(d, GOOD, "separator", NULL, "none, as configured: recognition in the mixture only");
        return;
    }
    if (ut_model_find(config->separator.model, path, sizeof path, &err) != UT_OK ||
        ut_model_load(path, &model, &err) != UT_OK) {
        report(d, BAD, "model", "install the models, set UT_MODELS to their folder, or configure separator.model", "%s",
               err.text);
        return;
    }
    const ut_model_info *info = ut_model_describe(model);
    report(d, GOOD, "model", NULL, "%s, %.8s…, %.2f M parameters: %s", info->name, info->hash,
           (double)info->parameters / 1e6, path);
    if (ut_separator_open(model, config->separator.backend, to_precision(config->separator.precision), 1, &separator,
                          &err) == UT_OK)
        report(d, GOOD, "separator", NULL, "runs as %s", ut_separator_backend(separator));
    else
        report(d, BAD, "separator", "separator.backend: auto, separator.precision: auto", "%s", err.text);
    ut_separator_close(&separator);
    ut_model_close(&model);
}

static void check_index(doctor *d, ut_store *store, const ut_store_stats *stats)
{
    const char *params = ut_args_config(d->args)->recognition.params;
    char path[4096];
    ut_err err = {0};
    ut_index *index = NULL;
    const char *remedy = "none needed: it is rebuilt from the store at the next start";
    ut_status rc = ut_store_index_path(store, params, path, sizeof path, &err);
    if (rc == UT_OK)
        rc = ut_index_load(path, UT_INDEX_OPEN, &index, &err);
    if (rc != UT_OK) {
        report(d, rc == UT_E_NOTFOUND && stats->recordings == 0 ? GOOD : WARNING, "index", remedy, "%s", err.text);
        return;
    }
    ut_index_info info = ut_index_describe(index);
    bool fresh = info.catalogue_version == stats->catalogue_version;
    report(d, fresh ? GOOD : WARNING, "index", remedy, "%s: %zu recordings, %llu postings, %.1f MiB%s", params,
           info.recordings, (unsigned long long)info.postings, (double)info.bytes / 1048576,
           fresh ? "" : ", of an older catalogue");
    ut_index_close(&index);
}

static void check_store(doctor *d)
{
    ut_store *store = NULL;
    ut_store_stats stats = {0};
    ut_err err = {0};
    char dsn[600];
    ut_redact(ut_args_store(d->args), dsn, sizeof dsn);
    ut_status rc = ut_store_open(ut_args_store(d->args), UT_STORE_READ, &store, &err);
    if (rc == UT_E_NOTFOUND) {
        report(d, WARNING, "store", "undertone catalogue add PATH… makes it", "%s: not there yet", dsn);
        return;
    }
    if (rc == UT_OK)
        rc = ut_store_describe(store, &stats, &err);
    if (rc != UT_OK) {
        report(d, BAD, "store", rc == UT_E_CORRUPT ? "undertone catalogue verify; then restore a backup" : "see docs",
               "%s", err.text);
    } else {
        report(d, stats.recordings ? GOOD : WARNING, "store", "undertone catalogue add PATH…",
               "%s: %lld recordings, %lld airplays, %lld events waiting", dsn, (long long)stats.recordings,
               (long long)stats.airplays, (long long)stats.outbox_pending);
        check_index(d, store, &stats);
    }
    ut_store_close(&store);
}

/* Free room where the store is, or where its first existing parent folder is. */
static void check_disk(doctor *d)
{
    const char *dsn = ut_args_store(d->args);
    char path[4096];
    struct statvfs room;
    if (strncmp(dsn, "sqlite:", 7) != 0)
        return;
    snprintf(path, sizeof path, "%s", dsn + 7);
    while (statvfs(path, &room) != 0) {
        char *slash = strrchr(path, '/');
        if (!slash)
            strcpy(path, ".");
        else
            slash[slash == path] = '\0';
        if (statvfs(path, &room) != 0 && strlen(path) == 1)
            return;
    }
    double free_gib = (double)room.f_bavail * (double)room.f_frsize / 1073741824;
    verdict is = free_gib < 0.2 ? BAD : free_gib < 2 ? WARNING : GOOD;
    report(d, is, "disk", "free some space, or put the store elsewhere (store:)", "%.1f GiB free at %s", free_gib,
           path);
}

static void check_clock(doctor *d)
{
    struct timex state = {0};
    int rc = adjtimex(&state);
    if (rc < 0)
        report(d, WARNING, "clock", NULL, "its state cannot be read here");
    else if (rc == TIME_ERROR || (state.status & STA_UNSYNC))
        report(d, WARNING, "clock", "apt install systemd-timesyncd (or chrony); in a container: on the host",
               "not synchronised: times on cue sheets will be off");
    else
        report(d, GOOD, "clock", NULL, "synchronised to %.0f ms", (double)state.maxerror / 1000);
}

static void check_kafka(doctor *d)
{
    const ut_config *config = ut_args_config(d->args);
    ut_err err = {0};
    int brokers = 0;
    if (!config->kafka.brokers)
        return;
    if (ut_kafka_ping(config, &brokers, &err) != UT_OK)
        report(d, BAD, "kafka", "is kafka.brokers right, do the brokers run, do kafka.properties fit them?", "%s",
               err.text);
    else
        report(d, GOOD, "kafka", NULL, "%s: %d broker%s", config->kafka.brokers, brokers, brokers == 1 ? "" : "s");
}

static int run(const ut_args *args)
{
    doctor d = {.args = args, .json = ut_args_json(args)};
    const char *path = ut_args_config_path(args);
    report(&d, GOOD, "config", NULL, "%s, %zu channels", path ? path : "defaults", ut_args_config(args)->channel_count);
    check_machine(&d);
    check_gstreamer(&d);
    check_device(&d);
    check_separator(&d);
    check_store(&d);
    check_kafka(&d);
    check_disk(&d);
    check_clock(&d);
    return d.bad ? 1 : 0;
}

const ut_verb ut_verb_doctor = {
    .name = "doctor",
    .summary = "look at what undertone needs on this machine, and say what to do where it lacks",
    .arguments = "",
    .examples = "undertone doctor\nundertone doctor --json --config /etc/undertone/undertone.yaml | jq .",
    .run = run,
};
