/* What the index costs at catalogues of different sizes, of made-up tracks (apps/evaluate/made_up.h):
 *
 *     bench_index FOLDER TRACKS… [--kept] [--svg FILE] [--json FILE]
 *
 * FOLDER holds the index meanwhile: 42 kB a track; it is emptied before each size and kept after the last, and with
 * --kept used as it is. Prints a table in Markdown, with --json writes the same, and with --svg draws cost against
 * catalogue size. Times are CPU time of one thread. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "apps/evaluate/made_up.h"
#include "apps/machine.h"
#include "core/file.h"
#include "fingerprint/index_fields.h"
#include "fingerprint/match.h"

enum { SECONDS = 240, WINDOW = 750, QUERIES = 100, MATCHES = 8, SIZES_MAX = 16, HOP_MS = 3000 };

typedef struct {
    size_t tracks, segments;
    double bytes;            /* a track */
    double stored;           /* bytes a track's fingerprint takes in the store's form */
    double build_s, open_ms; /* open: wall time */
    double p50_ms, p99_ms, mean_ms;
    size_t found;
} figures;

static void must(ut_status rc, const ut_err *err)
{
    if (rc == UT_OK)
        return;
    fprintf(stderr, "bench_index: %s\n", err->text);
    exit(1);
}

static double seconds_of(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static void empty(const char *folder)
{
    ut_paths files = {0};
    ut_err err = {0};
    if (ut_paths_walk(&files, folder, &err) == UT_OK)
        for (size_t i = 0; i < files.count; i++)
            if (strstr(files.items[i], ".segment") || strstr(files.items[i], "manifest"))
                unlink(files.items[i]);
    ut_paths_clear(&files);
}

static void build(const char *folder, figures *f)
{
    ut_index_lock *lock = NULL;
    ut_index_builder *builder = NULL;
    ut_index *index = NULL;
    ut_err err = {0};
    const ut_params *params = ut_params_find("p3");
    double stored = 0, begin_s = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    empty(folder);
    must(ut_index_lock_take(folder, &lock, &err), &err);
    must(ut_index_builder_open(params, &builder, &err), &err);
    ut_index_builder_spill(builder, folder);
    for (size_t i = 1; i <= f->tracks; i++) {
        ut_fingerprint *print = NULL;
        must(ut_made_up_track(params, i, SECONDS, &print, &err), &err);
        if (i <= 100) {
            uint8_t *data = NULL;
            size_t size = 0;
            must(ut_fingerprint_encode(print, &data, &size, &err), &err);
            stored += (double)size / (double)(f->tracks < 100 ? f->tracks : 100);
            free(data);
        }
        must(ut_index_builder_add(builder, (int64_t)i, print, &err), &err);
        ut_fingerprint_close(&print);
    }
    must(ut_index_builder_finish(builder, 1, &index, &err), &err);
    must(ut_index_save(index, folder, &err), &err);
    ut_index_builder_close(&builder);
    ut_index_close(&index);
    ut_index_lock_release(&lock);
    f->stored = stored;
    f->build_s = seconds_of(CLOCK_THREAD_CPUTIME_ID) - begin_s;
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void query(const ut_index *index, figures *f)
{
    static double ms[QUERIES];
    ut_err err = {0};
    ut_query q;
    ut_matcher *matcher = NULL;
    ut_peaks peaks = {0};
    must(ut_query_init(&q, index->params, &err), &err);
    must(ut_matcher_open(index, &matcher, &err), &err);
    for (int i = -2; i < QUERIES; i++) { /* two to warm up */
        uint64_t track = 1 + (uint64_t)(i + 2) * (f->tracks - 1) / (QUERIES + 2);
        int32_t first = 1000 + 113 * (i + 2);
        ut_match matches[MATCHES];
        must(ut_made_up_query(index->params, track, SECONDS, first, WINDOW, &peaks, &err), &err);
        double begin_s = seconds_of(CLOCK_THREAD_CPUTIME_ID);
        must(ut_query_set(&q, 0, WINDOW, &peaks, NULL, &err), &err);
        size_t count = ut_matcher_find(matcher, &q, matches, MATCHES);
        double spent_ms = 1000 * (seconds_of(CLOCK_THREAD_CPUTIME_ID) - begin_s);
        if (i < 0)
            continue;
        ms[i] = spent_ms;
        f->mean_ms += spent_ms / QUERIES;
        f->found += count > 0 && matches[0].track->recording_id == (int64_t)track &&
                    llabs(matches[0].evidence.begin - matches[0].track->origin - first) <= 1;
    }
    qsort(ms, QUERIES, sizeof *ms, rising);
    f->p50_ms = ms[QUERIES / 2];
    f->p99_ms = ms[QUERIES * 99 / 100];
    ut_matcher_close(&matcher);
    ut_query_clear(&q);
    ut_peaks_clear(&peaks);
}

static void measure(const char *folder, bool kept, figures *f)
{
    ut_err err = {0};
    ut_index *index = NULL;
    if (!kept)
        build(folder, f);
    double begin_s = seconds_of(CLOCK_MONOTONIC);
    must(ut_index_load(folder, UT_INDEX_OPEN, &index, &err), &err);
    f->open_ms = 1000 * (seconds_of(CLOCK_MONOTONIC) - begin_s);
    ut_index_info info = ut_index_describe(index);
    f->segments = info.segments;
    f->bytes = (double)info.bytes / (double)f->tracks;
    query(index, f);
    ut_index_close(&index);
}

static void print(const figures *f)
{
    printf("| %8zu | %4zu | %6.0f | %6.0f | %6.1f | %6.1f | %6.1f | %3zu %% | %6.1f | %6.0f | %6.0f |\n", f->tracks,
           f->segments, f->bytes, f->bytes + f->stored, f->p50_ms, f->p99_ms, f->mean_ms, f->found * 100 / QUERIES,
           HOP_MS / f->mean_ms, f->open_ms, f->build_s);
    fflush(stdout);
}

static FILE *open_output(const char *path)
{
    FILE *out = fopen(path, "w");
    if (!out) {
        fprintf(stderr, "bench_index: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    return out;
}

/* --- plot ---------------------------------------------------------------------------------------------------- */

enum { WIDTH = 720, HEIGHT = 420, LEFT = 70, RIGHT = 20, TOP = 40, BOTTOM = 60 };

typedef struct {
    double low, high; /* decades */
} axis;

static double at_x(axis a, double value)
{
    return LEFT + (WIDTH - LEFT - RIGHT) * (log10(value) - a.low) / (a.high - a.low);
}

static double at_y(axis a, double value)
{
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (log10(value) - a.low) / (a.high - a.low);
}

static void draw_axes(FILE *out, axis x, axis y)
{
    fprintf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" "
        "font-size=\"13\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
        "<text x=\"%d\" y=\"22\" font-size=\"15\">A 12 s query against catalogues of made-up tracks, one core</text>\n",
        WIDTH, HEIGHT, LEFT);
    for (double d = x.low; d <= x.high; d++)
        fprintf(
            out,
            "<path d=\"M%.1f %dV%d\" stroke=\"#ddd\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.0f</text>\n",
            at_x(x, pow(10, d)), TOP, HEIGHT - BOTTOM, at_x(x, pow(10, d)), HEIGHT - BOTTOM + 20, pow(10, d));
    for (double d = y.low; d <= y.high; d++)
        fprintf(out,
                "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.0f</text>\n",
                LEFT, at_y(y, pow(10, d)), WIDTH - RIGHT, LEFT - 8, at_y(y, pow(10, d)) + 4, pow(10, d));
    fprintf(out,
            "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">four-minute tracks in the catalogue</text>\n"
            "<text transform=\"translate(18 %d) rotate(-90)\" text-anchor=\"middle\">ms of CPU time</text>\n",
            (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, (TOP + HEIGHT - BOTTOM) / 2);
}

static void draw_line(FILE *out, const figures *f, size_t count, bool p99, axis x, axis y)
{
    const char *colour = p99 ? "#c33" : "#06c", *name = p99 ? "p99" : "p50";
    fprintf(out, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\" d=\"", colour);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%c%.1f %.1f", i ? 'L' : 'M', at_x(x, (double)f[i].tracks),
                at_y(y, p99 ? f[i].p99_ms : f[i].p50_ms));
    fprintf(out, "\"/>\n");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"/>\n", at_x(x, (double)f[i].tracks),
                at_y(y, p99 ? f[i].p99_ms : f[i].p50_ms), colour);
    fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"4\" fill=\"%s\"/><text x=\"%d\" y=\"%d\">%s</text>\n",
            LEFT + 20, TOP + 18 + 20 * p99, colour, LEFT + 42, TOP + 25 + 20 * p99, name);
}

static void draw(const char *path, const figures *f, size_t count)
{
    FILE *out = open_output(path);
    axis x = {99, 0}, y = {0, 1};
    for (size_t i = 0; i < count; i++) {
        x.low = fmin(x.low, floor(log10((double)f[i].tracks)));
        x.high = fmax(x.high, ceil(log10((double)f[i].tracks)));
        y.low = fmin(y.low, floor(log10(f[i].p50_ms)));
        y.high = fmax(y.high, ceil(log10(f[i].p99_ms)));
    }
    x.high = fmax(x.high, x.low + 1);
    draw_axes(out, x, y);
    draw_line(out, f, count, false, x, y);
    draw_line(out, f, count, true, x, y);
    fprintf(out, "</svg>\n");
    fclose(out);
}

static void write_json(const char *path, const figures *f, size_t count)
{
    ut_machine m = ut_machine_describe();
    FILE *out = open_output(path);
    fprintf(out, "{\"machine\": \"%s (%s), %s\", \"sizes\": [", m.cpu, m.features, m.compiler);
    for (size_t i = 0; i < count; i++)
        fprintf(out,
                "%s\n {\"tracks\": %zu, \"segments\": %zu, \"index_bytes_per_track\": %.0f, "
                "\"fingerprint_bytes_per_track\": %.0f, \"query_cpu_ms\": {\"p50\": %.2f, \"p99\": %.2f, "
                "\"mean\": %.2f}, \"queries\": %d, \"found\": %zu, \"open_wall_ms\": %.1f, \"build_cpu_s\": %.1f}",
                i ? "," : "", f[i].tracks, f[i].segments, f[i].bytes, f[i].stored, f[i].p50_ms, f[i].p99_ms,
                f[i].mean_ms, QUERIES, f[i].found, f[i].open_ms, f[i].build_s);
    fprintf(out, "\n]}\n");
    fclose(out);
}

int main(int argc, char **argv)
{
    static figures sizes[SIZES_MAX];
    const char *svg = NULL, *json = NULL;
    bool kept = false;
    size_t count = 0;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--svg") == 0 && i + 1 < argc)
            svg = argv[++i];
        else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc)
            json = argv[++i];
        else if (strcmp(argv[i], "--kept") == 0)
            kept = true;
        else if (count < SIZES_MAX && atol(argv[i]) > 0)
            sizes[count++].tracks = (size_t)atol(argv[i]);
    }
    if (count == 0) {
        fprintf(stderr, "usage: bench_index FOLDER TRACKS… [--kept] [--svg FILE] [--json FILE]\n");
        return 2;
    }
    ut_machine m = ut_machine_describe();
    printf("machine: %s (%s), %s\n\n", m.cpu, m.features, m.compiler);
    printf("| tracks | segments | index B/track | with store B/track | p50 ms | p99 ms | mean ms | found |"
           " windows each 3 s | open ms | build CPU s |\n|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        measure(argv[1], kept, &sizes[i]);
        print(&sizes[i]);
    }
    printf("\npeak resident memory: %.0f MiB\n", ut_machine_peak_mib());
    if (json)
        write_json(json, sizes, count);
    if (svg)
        draw(svg, sizes, count);
    return 0;
}
