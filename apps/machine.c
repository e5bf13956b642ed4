#include "apps/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "apps/parallel.h"

/* The value of the first `key : value` line of /proc/cpuinfo; "" if there is none. */
static void cpuinfo(const char *key, char *value, size_t size)
{
    char line[8192];
    FILE *file = fopen("/proc/cpuinfo", "r");
    value[0] = 0;
    while (file && !value[0] && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, key, strlen(key)) == 0 && colon) {
            colon[strcspn(colon, "\n")] = 0;
            snprintf(value, size, "%s", colon + 1 + (colon[1] == ' '));
        }
    }
    if (file)
        fclose(file);
}

static void features(char *out, size_t size)
{
    static const char *const wanted[] = {"avx2",     "fma",         "f16c",        "avx512f",
                                         "avx512bw", "avx512_vnni", "avx512_bf16", "avx512_fp16",
                                         "amx_bf16", "amx_int8",    "neon",        "sve"};
    char flags[8000], padded[8008], word[24];
    cpuinfo("flags", flags, sizeof flags);
    snprintf(padded, sizeof padded, " %s ", flags);
    out[0] = 0;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        snprintf(word, sizeof word, " %s ", wanted[i]);
        size_t used = strlen(out);
        if (strstr(padded, word))
            snprintf(out + used, size - used, "%s%s", used ? " " : "", wanted[i]);
    }
}

static void distribution(char *out, size_t size)
{
    char line[256];
    FILE *file = fopen("/etc/os-release", "r");
    out[0] = 0;
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "PRETTY_NAME=\"", 13) == 0) {
            line[strcspn(line, "\n")] = 0;
            snprintf(out, size, "%.*s", (int)strcspn(line + 13, "\""), line + 13);
        }
    if (file)
        fclose(file);
}

ut_machine ut_machine_describe(void)
{
    ut_machine machine = {.cores = ut_cores()};
    char name[48];
    struct utsname kernel = {0};
    cpuinfo("model name", machine.cpu, sizeof machine.cpu);
    features(machine.features, sizeof machine.features);
    distribution(name, sizeof name);
    uname(&kernel);
    snprintf(machine.system, sizeof machine.system, "%s, %.16s %.50s", name, kernel.sysname, kernel.machine);
    machine.memory_mib = (int64_t)sysconf(_SC_PHYS_PAGES) / 1024 * sysconf(_SC_PAGESIZE) / 1024;
#ifdef __clang__
    snprintf(machine.compiler, sizeof machine.compiler, "clang %s", __clang_version__);
#else
    snprintf(machine.compiler, sizeof machine.compiler, "gcc %s", __VERSION__);
#endif
    snprintf(machine.version, sizeof machine.version, "%s", UT_VERSION);
    return machine;
}

double ut_machine_peak_mib(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (double)usage.ru_maxrss / 1024.0 : 0.0;
}

double ut_machine_cpu_s(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
