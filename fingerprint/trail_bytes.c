/* The byte form of a trail, version 1, little endian:
 *
 *     "UTTR"  version 1  name of the parameter set (2)  witnesses (1)
 *     first i32  frames u32  stretch from u32, to u32 (frames after the first)  peaks u32  long gaps u32
 *     three columns, each a size u32 and a Zstandard frame:
 *         low eight bits of each peak's bin
 *         a byte per peak: frames since the last one (3 bits; 7: see the long gaps), ninth bit of the bin (1), heard in
 *             the mixture (1) and in the music (1), strong in each (2)
 *         long gaps, u32
 *     CRC-32C u32 of all before it
 *
 * Peaks of both witnesses are one list by frame, then bin. */
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "core/digest.h"
#include "fingerprint/trail_fields.h"

enum { HEADER = 32, TRAILER = 4, VERSION = 1, COLUMNS = 3, LEVEL = 9, LONG = 7 };
#define PEAKS_MAX (UINT32_C(1) << 23)  /* 19 hours of both witnesses */
#define FRAMES_MAX (UINT32_C(1) << 26) /* 12 days */

static void put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

typedef struct {
    uint8_t *columns[COLUMNS]; /* bins, marks, long gaps */
    size_t sizes[COLUMNS];
    uint32_t peaks, gaps;
} table;

static void table_clear(table *t)
{
    for (int i = 0; i < COLUMNS; i++)
        free(t->columns[i]);
}

/* To be cleared whatever comes. */
static ut_status table_open(table *t, size_t peaks, size_t gaps, ut_err *err)
{
    const size_t sizes[COLUMNS] = {peaks, peaks, 4 * gaps};
    *t = (table){0};
    for (int i = 0; i < COLUMNS; i++) {
        t->sizes[i] = sizes[i];
        if (!(t->columns[i] = malloc(sizes[i] + 4)))
            return ut_fail(err, UT_E_NOMEM, "trail: %zu peaks", peaks);
    }
    return UT_OK;
}

static void fill(const ut_trail *trail, table *t)
{
    const ut_peaks *mix = &trail->peaks[0], *music = &trail->peaks[1];
    int32_t last = trail->first;
    for (size_t i = 0, j = 0; i < mix->count || j < music->count;) {
        bool in_mix = j == music->count || (i < mix->count && !ut_peak_before(music->items[j], mix->items[i]));
        bool in_music = i == mix->count || (j < music->count && !ut_peak_before(mix->items[i], music->items[j]));
        ut_peak peak = in_mix ? mix->items[i] : music->items[j];
        uint32_t gap = (uint32_t)(peak.frame - last);
        last = peak.frame;
        if (gap >= LONG) {
            put_u32(t->columns[2] + (size_t)4 * t->gaps++, gap);
            gap = LONG;
        }
        bool strong_mix = in_mix && mix->items[i].grade == UT_PEAK_STRONG;
        bool strong_music = in_music && music->items[j].grade == UT_PEAK_STRONG;
        t->columns[0][t->peaks] = (uint8_t)peak.bin;
        t->columns[1][t->peaks++] =
            (uint8_t)(gap | (uint32_t)(peak.bin >> 8 & 1) << 3 | (uint32_t)in_mix << 4 | (uint32_t)in_music << 5 |
                      (uint32_t)strong_mix << 6 | (uint32_t)strong_music << 7);
        i += in_mix;
        j += in_music;
    }
}

static ut_status compress(const ut_trail *trail, const table *t, uint8_t **data, size_t *size, ut_err *err)
{
    size_t bound = HEADER + TRAILER, at = HEADER;
    const size_t used[COLUMNS] = {t->peaks, t->peaks, (size_t)4 * t->gaps};
    for (int i = 0; i < COLUMNS; i++)
        bound += 4 + ZSTD_compressBound(used[i]);
    uint8_t *bytes = calloc(1, bound);
    if (!bytes)
        return ut_fail(err, UT_E_NOMEM, "trail: %zu bytes", bound);
    memcpy(bytes, "UTTR", 4);
    bytes[4] = VERSION;
    memcpy(bytes + 5, trail->params->name, 2);
    bytes[7] = (uint8_t)trail->witnesses;
    put_u32(bytes + 8, (uint32_t)trail->first);
    put_u32(bytes + 12, (uint32_t)(trail->end - trail->first));
    put_u32(bytes + 16, (uint32_t)(trail->from - trail->first));
    put_u32(bytes + 20, (uint32_t)(trail->to - trail->first));
    put_u32(bytes + 24, t->peaks);
    put_u32(bytes + 28, t->gaps);
    for (int i = 0; i < COLUMNS; i++) {
        size_t n = ZSTD_compress(bytes + at + 4, bound - at - 4, t->columns[i], used[i], LEVEL);
        if (ZSTD_isError(n)) {
            free(bytes);
            return ut_fail(err, UT_E_NOMEM, "trail: %s", ZSTD_getErrorName(n));
        }
        put_u32(bytes + at, (uint32_t)n);
        at += 4 + n;
    }
    put_u32(bytes + at, ut_crc32c(0, bytes, at));
    *data = bytes;
    *size = at + TRAILER;
    return UT_OK;
}

ut_status ut_trail_encode(const ut_trail *trail, uint8_t **data, size_t *size, ut_err *err)
{
    table t;
    size_t most = trail->peaks[0].count + trail->peaks[1].count;
    ut_status rc = table_open(&t, most, most, err);
    if (rc == UT_OK) {
        fill(trail, &t);
        rc = compress(trail, &t, data, size, err);
    }
    table_clear(&t);
    return rc;
}

/* One column of known size from [*at, end). */
static ut_status expand(const uint8_t *data, size_t end, size_t *at, uint8_t *column, size_t size, ut_err *err)
{
    if (end - *at < 4 || get_u32(data + *at) > end - *at - 4)
        return ut_fail(err, UT_E_CORRUPT, "trail: breaks off");
    size_t packed = get_u32(data + *at);
    size_t got = ZSTD_decompress(column, size, data + *at + 4, packed);
    if (ZSTD_isError(got) || got != size)
        return ut_fail(err, UT_E_CORRUPT, "trail: column of %zu bytes does not fit", size);
    *at += 4 + packed;
    return UT_OK;
}

static ut_status take(ut_trail *trail, const table *t, uint32_t peaks, uint32_t gaps, ut_err *err)
{
    uint32_t used = 0;
    int64_t frame = trail->first;
    ut_peak last = {.frame = -1};
    for (uint32_t i = 0; i < peaks; i++) {
        uint8_t mark = t->columns[1][i];
        uint32_t gap = mark & LONG;
        if (gap == LONG && (used == gaps || (gap = get_u32(t->columns[2] + (size_t)4 * used++)) < LONG))
            return ut_fail(err, UT_E_CORRUPT, "trail: gap before peak %u", i);
        frame += gap;
        ut_peak peak = {.frame = (int32_t)frame, .bin = (uint16_t)(t->columns[0][i] | (mark & 8) << 5)};
        bool heard = (mark & 0x30) && (trail->witnesses > 1 || !(mark & 0x20)) && !(~mark >> 4 & mark >> 6 & 3);
        if (frame >= trail->end || !heard || (i > 0 && !ut_peak_before(last, peak)) ||
            peak.bin < trail->params->low_bin || peak.bin >= trail->params->high_bin)
            return ut_fail(err, UT_E_CORRUPT, "trail: peak %u of %u does not fit", i, peaks);
        last = peak;
        for (int w = 0; w < UT_QUERY_WITNESSES; w++) {
            if (!(mark >> (4 + w) & 1))
                continue;
            peak.grade = mark >> (6 + w) & 1 ? UT_PEAK_STRONG : UT_PEAK_DENSE;
            ut_status rc = ut_peaks_add(&trail->peaks[w], peak, err);
            if (rc != UT_OK)
                return rc;
        }
    }
    return used == gaps ? UT_OK : ut_fail(err, UT_E_CORRUPT, "trail: gaps left over");
}

static ut_status read_body(const uint8_t *data, size_t size, ut_trail *trail, ut_err *err)
{
    uint32_t peaks = get_u32(data + 24), gaps = get_u32(data + 28);
    size_t at = HEADER, end = size - TRAILER;
    table t;
    if (peaks > PEAKS_MAX || gaps > peaks)
        return ut_fail(err, UT_E_CORRUPT, "trail: %u peaks", peaks);
    ut_status rc = table_open(&t, peaks, gaps, err);
    for (int i = 0; i < COLUMNS && rc == UT_OK; i++)
        rc = expand(data, end, &at, t.columns[i], t.sizes[i], err);
    if (rc == UT_OK && at != end)
        rc = ut_fail(err, UT_E_CORRUPT, "trail: bytes left over");
    if (rc == UT_OK)
        rc = take(trail, &t, peaks, gaps, err);
    table_clear(&t);
    return rc;
}

ut_status ut_trail_decode(const uint8_t *data, size_t size, ut_trail **out, ut_err *err)
{
    if (size < HEADER + TRAILER || memcmp(data, "UTTR", 4) != 0)
        return ut_fail(err, UT_E_CORRUPT, "trail: not one: %zu bytes", size);
    if (data[4] != VERSION)
        return ut_fail(err, UT_E_CORRUPT, "trail: version %u", data[4]);
    if (get_u32(data + size - TRAILER) != ut_crc32c(0, data, size - TRAILER))
        return ut_fail(err, UT_E_CORRUPT, "trail: checksum");
    const char name[3] = {(char)data[5], (char)data[6]};
    const ut_params *params = ut_params_find(name);
    uint32_t first = get_u32(data + 8), frames = get_u32(data + 12);
    uint32_t from = get_u32(data + 16), to = get_u32(data + 20);
    if (!params || data[7] < 1 || data[7] > UT_QUERY_WITNESSES || frames > FRAMES_MAX || first > INT32_MAX / 2 ||
        from > to || to > frames)
        return ut_fail(err, UT_E_CORRUPT, "trail: header");
    ut_trail *trail = NULL;
    ut_status rc = ut_trail_new(params, data[7], (int32_t)first, (int32_t)(first + frames), &trail, err);
    if (rc == UT_OK) {
        trail->from = (int32_t)(first + from);
        trail->to = (int32_t)(first + to);
        rc = read_body(data, size, trail, err);
    }
    if (rc != UT_OK)
        ut_trail_close(&trail);
    else
        *out = trail;
    return rc;
}
