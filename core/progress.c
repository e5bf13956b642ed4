#include "core/progress.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"

#define FIRST_DRAW_S 1.0
#define REDRAW_S 0.1

struct ut_progress {
    pthread_mutex_t lock; /* guards all below */
    char what[64], unit[32], item[64];
    uint64_t total, done;
    double opened_s, drawn_s;
    bool visible, shown;
};

static _Atomic bool silenced;

void ut_progress_silence(void)
{
    atomic_store(&silenced, true);
}

ut_status ut_progress_open(const char *what, const char *unit, uint64_t total, ut_progress **out)
{
    ut_progress *progress = calloc(1, sizeof *progress);
    if (!progress)
        return UT_E_NOMEM;
    if (pthread_mutex_init(&progress->lock, NULL) != 0) {
        free(progress);
        return UT_E_NOMEM;
    }
    snprintf(progress->what, sizeof progress->what, "%s", what);
    snprintf(progress->unit, sizeof progress->unit, "%s", unit);
    progress->total = total;
    progress->opened_s = ut_monotonic_s();
    progress->visible = isatty(STDERR_FILENO) && !atomic_load(&silenced);
    *out = progress;
    return UT_OK;
}

/* The end of a path says more than its beginning. Starts on a UTF-8 character. */
static void keep_tail(char *out, size_t size, const char *item)
{
    size_t length = strlen(item);
    const char *from = length < size ? item : item + (length - size + 1);
    while (((unsigned char)*from & 0xc0) == 0x80)
        from++;
    snprintf(out, size, "%s", from);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

static void draw(ut_progress *progress, double now_s)
{
    enum { WIDTH = 24 };
    double elapsed_s = now_s - progress->opened_s;
    double rate = elapsed_s > 0 ? (double)progress->done / elapsed_s : 0;
    progress->drawn_s = now_s;
    progress->shown = true;
    if (progress->total == 0) {
        fprintf(stderr, "\r\033[K%s  %llu %s  %.1f/s  %s", progress->what, (unsigned long long)progress->done,
                progress->unit, rate, progress->item);
        return;
    }
    double part = (double)progress->done / (double)progress->total;
    part = part > 1 ? 1 : part;
    char bar[WIDTH + 1];
    memset(bar, '.', WIDTH);
    memset(bar, '#', (size_t)(part * WIDTH));
    bar[WIDTH] = '\0';
    double left_s =
        rate > 0 && progress->done < progress->total ? (double)(progress->total - progress->done) / rate : 0;
    fprintf(stderr, "\r\033[K%s [%s] %3.0f%%  %llu/%llu %s  %.0f s left  %s", progress->what, bar, 100 * part,
            (unsigned long long)progress->done, (unsigned long long)progress->total, progress->unit, left_s,
            progress->item);
}

void ut_progress_add(ut_progress *progress, uint64_t done, const char *item)
{
    pthread_mutex_lock(&progress->lock);
    progress->done += done;
    if (progress->visible) {
        double now_s = ut_monotonic_s();
        if (item)
            keep_tail(progress->item, sizeof progress->item, item);
        if (now_s - progress->opened_s >= FIRST_DRAW_S && now_s - progress->drawn_s >= REDRAW_S)
            draw(progress, now_s);
    }
    pthread_mutex_unlock(&progress->lock);
}

void ut_progress_close(ut_progress **progress)
{
    if (!*progress)
        return;
    if ((*progress)->shown)
        fputs("\r\033[K", stderr);
    pthread_mutex_destroy(&(*progress)->lock);
    free(*progress);
    *progress = NULL;
}
