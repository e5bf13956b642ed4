#include "pipeline/ts_watch.h"

#include <string.h>

#define SYNC 0x47
#define PTS_MODULUS (INT64_C(1) << 33)
#define STEP_MAX 90000 /* a PES of audio is never longer than a second */

void ut_ts_watch_init(ut_ts_watch *watch, int pid, double tolerance_s)
{
    *watch = (ut_ts_watch){.pid = pid, .tolerance = (int64_t)(tolerance_s * 90000), .pts = -1, .counter = -1};
}

/* The PTS of a PES header (ISO 13818-1, 2.4.3.6), or -1. */
static int64_t read_pts(const uint8_t *pes, size_t size)
{
    if (size < 14 || pes[0] != 0 || pes[1] != 0 || pes[2] != 1 || (pes[6] & 0xc0) != 0x80 || !(pes[7] & 0x80))
        return -1;
    return (int64_t)(pes[9] >> 1 & 7) << 30 | (int64_t)pes[10] << 22 | (int64_t)(pes[11] >> 1) << 15 |
           (int64_t)pes[12] << 7 | pes[13] >> 1;
}

/* The way from one PTS to another, the short way round. */
static int64_t distance(int64_t from, int64_t to)
{
    int64_t way = (to - from) & (PTS_MODULUS - 1);
    return way >= PTS_MODULUS / 2 ? way - PTS_MODULUS : way;
}

static bool take_pts(ut_ts_watch *watch, int64_t pts)
{
    bool behind = watch->jumped;
    watch->jumped = false;
    if (watch->pts >= 0) {
        int64_t step = distance(watch->pts, pts);
        bool known = watch->step > 0;
        /* Without a usual distance yet, any up to a second passes for one. */
        int64_t most = (known ? watch->step : STEP_MAX) + watch->tolerance;
        if (step < -watch->tolerance || step > most) {
            watch->jumped = true;
            watch->jumps++;
        } else if (step > watch->step && step <= STEP_MAX) {
            watch->step = step;
        }
    }
    watch->pts = pts;
    return behind;
}

static bool take_packet(ut_ts_watch *watch, const uint8_t *p)
{
    int pid = (p[1] & 0x1f) << 8 | p[2];
    bool has_payload = (p[3] & 0x10) != 0, has_field = (p[3] & 0x20) != 0;
    if (pid != watch->pid || !has_payload)
        return false;
    int counter = p[3] & 0x0f;
    bool repeated = watch->counter >= 0 && counter == ((watch->counter - 1) & 0x0f);
    watch->lost += watch->counter >= 0 && counter != watch->counter && !repeated;
    watch->counter = (counter + 1) & 0x0f;
    size_t start = 4 + (has_field ? 1 + (size_t)p[4] : 0);
    if (!(p[1] & 0x40) || repeated || start >= UT_TS_PACKET)
        return false;
    int64_t pts = read_pts(p + start, UT_TS_PACKET - start);
    return pts >= 0 && take_pts(watch, pts);
}

bool ut_ts_watch_push(ut_ts_watch *watch, const uint8_t *data, size_t size)
{
    bool behind = false;
    while (size) {
        if (!watch->held_size && *data != SYNC) {
            const uint8_t *sync = memchr(data, SYNC, size);
            size_t skip = sync ? (size_t)(sync - data) : size;
            data += skip;
            size -= skip;
            continue;
        }
        if (!watch->held_size && size >= UT_TS_PACKET) {
            behind |= take_packet(watch, data);
            data += UT_TS_PACKET;
            size -= UT_TS_PACKET;
            continue;
        }
        size_t want = UT_TS_PACKET - watch->held_size, take = size < want ? size : want;
        memcpy(watch->held + watch->held_size, data, take);
        watch->held_size += take;
        data += take;
        size -= take;
        if (watch->held_size == UT_TS_PACKET) {
            behind |= take_packet(watch, watch->held);
            watch->held_size = 0;
        }
    }
    return behind;
}
