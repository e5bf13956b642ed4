#include <stdlib.h>

#include "fingerprint/landmark.h"
#include "fingerprint/peak_block.h"
#include "fingerprint/segment.h"

struct ut_segment_builder {
    const ut_params *params;
    ut_segment_track *tracks;
    size_t track_count, track_capacity;
    uint32_t *blocks; /* where each begins in `peaks` */
    size_t block_count, block_capacity;
    uint8_t *peaks; /* as in the segment; zero from peak_bytes on */
    size_t peak_bytes, peak_capacity;
    uint64_t peak_count;
};

ut_status ut_segment_builder_open(const ut_params *params, ut_segment_builder **out, ut_err *err)
{
    ut_segment_builder *b = calloc(1, sizeof *b);
    if (!b)
        return ut_fail(err, UT_E_NOMEM, "segment builder");
    b->params = params;
    *out = b;
    return UT_OK;
}

void ut_segment_builder_close(ut_segment_builder **builder)
{
    ut_segment_builder *b = *builder;
    if (!b)
        return;
    free(b->tracks);
    free(b->blocks);
    free(b->peaks);
    free(b);
    *builder = NULL;
}

uint32_t ut_segment_builder_count(const ut_segment_builder *builder)
{
    return (uint32_t)builder->track_count;
}

/* Makes room for `more` items in *items, which may move; new room is zero. */
static ut_status grow(void *items, size_t count, size_t *capacity, size_t more, size_t size, ut_err *err)
{
    void **array = items;
    size_t wanted = *capacity ? *capacity : 256, bytes;
    while (wanted < count + more)
        wanted *= 2;
    if (wanted == *capacity)
        return UT_OK;
    if (!ut_mul_ok(wanted, size, &bytes))
        return ut_fail(err, UT_E_NOMEM, "segment: %zu items", wanted);
    uint8_t *grown = realloc(*array, bytes);
    if (!grown)
        return ut_fail(err, UT_E_NOMEM, "segment: %zu bytes", bytes);
    memset(grown + *capacity * size, 0, bytes - *capacity * size);
    *array = grown;
    *capacity = wanted;
    return UT_OK;
}

/* Bits of all peaks, each block begun anew and rounded up to bytes. */
static size_t peaks_bytes(const ut_peaks *peaks)
{
    size_t bytes = 0, bits = 0;
    int32_t block = 0, last = 0;
    for (size_t i = 0; i < peaks->count; i++) {
        int32_t frame = peaks->items[i].frame;
        if (frame / UT_INDEX_BLOCK_FRAMES != block) {
            bytes += (bits + 7) / 8;
            bits = 0;
            block = frame / UT_INDEX_BLOCK_FRAMES;
            last = block * UT_INDEX_BLOCK_FRAMES;
        }
        bits += ut_peak_block_bits((uint32_t)(frame - last));
        last = frame;
    }
    return bytes + (bits + 7) / 8;
}

/* Appends the block of frames [first, first + UT_INDEX_BLOCK_FRAMES) of the track; *next is its first peak. */
static void put_block(ut_segment_builder *b, const ut_peaks *peaks, int32_t first, size_t *next)
{
    size_t position = 0;
    int32_t last = first;
    b->blocks[b->block_count++] = (uint32_t)b->peak_bytes;
    for (; *next < peaks->count && peaks->items[*next].frame < first + UT_INDEX_BLOCK_FRAMES; ++*next) {
        ut_peak peak = peaks->items[*next];
        position = ut_peak_block_put(b->peaks + b->peak_bytes, position, (uint32_t)(peak.frame - last), peak.bin);
        last = peak.frame;
    }
    b->peak_bytes += (position + 7) / 8;
}

ut_status ut_segment_builder_add(ut_segment_builder *builder, int64_t recording_id, int64_t stamp, int32_t frames,
                                 const ut_peaks *peaks, ut_err *err)
{
    ut_segment_builder *b = builder;
    size_t first = b->block_count + UT_INDEX_PAD_FRAMES / UT_INDEX_BLOCK_FRAMES;
    size_t end = first + (size_t)frames / UT_INDEX_BLOCK_FRAMES + 1, bytes = peaks_bytes(peaks);
    if (end >= UT_SEGMENT_FRAMES_MAX / UT_INDEX_BLOCK_FRAMES || b->peak_bytes + bytes > UINT32_MAX - UT_PEAK_BLOCK_PAD)
        return ut_fail(err, UT_E_FULL, "segment: full at %zu recordings", b->track_count);
    ut_status rc;
    if ((rc = grow(&b->tracks, b->track_count, &b->track_capacity, 1, sizeof *b->tracks, err)) != UT_OK ||
        (rc = grow(&b->blocks, b->block_count, &b->block_capacity, end - b->block_count, sizeof *b->blocks, err)) !=
            UT_OK ||
        (rc = grow(&b->peaks, b->peak_bytes, &b->peak_capacity, bytes + UT_PEAK_BLOCK_PAD, 1, err)) != UT_OK)
        return rc;
    while (b->block_count < first)
        b->blocks[b->block_count++] = (uint32_t)b->peak_bytes;
    size_t next = 0;
    for (size_t block = first; block < end; block++)
        put_block(b, peaks, (int32_t)((block - first) * UT_INDEX_BLOCK_FRAMES), &next);
    b->peak_count += peaks->count;
    b->tracks[b->track_count++] = (ut_segment_track){.recording_id = recording_id,
                                                     .stamp = stamp,
                                                     .origin = (uint32_t)first * UT_INDEX_BLOCK_FRAMES,
                                                     .frames = (uint32_t)frames};
    return UT_OK;
}

/* --- postings ---------------------------------------------------------------------------------------------- */

/* What is known of the list of one hash. */
typedef struct {
    uint32_t last;                   /* frame of the last posting */
    uint32_t bits[UT_POSTING_CODES]; /* of all, in each code */
} measured;

/* Where the list of one hash is written. */
typedef struct {
    uint32_t last;
    uint32_t code;
    uint64_t at; /* bits */
} written;

typedef struct {
    measured *lists;
    written *places;
    const ut_posting_code *codes;
    uint8_t *postings;
    uint64_t count;
} fill;

typedef void (*postings_fn)(fill *f, const ut_segment_track *track, const ut_peaks *peaks, const ut_landmarks *pairs);

/* Calls `visit` for the landmarks of every track, in the order of the timeline. */
static ut_status each_track(const ut_index_segment *s, postings_fn visit, fill *f, ut_err *err)
{
    ut_status rc = UT_OK;
    ut_peaks peaks = {0};
    ut_landmarks pairs = {0};
    for (uint32_t t = 0; t < s->track_count && rc == UT_OK; t++) {
        pairs.count = 0;
        if ((rc = ut_segment_peaks(s, &s->tracks[t], &peaks, err)) == UT_OK &&
            (rc = ut_landmarks_pair(s->params, s->params->reference.fan_out, &peaks, 0, peaks.count, &pairs, err)) ==
                UT_OK)
            visit(f, &s->tracks[t], &peaks, &pairs);
    }
    ut_peaks_clear(&peaks);
    ut_landmarks_clear(&pairs);
    return rc;
}

/* Lists come in no order: each is called for ahead, or it would be waited for. */
enum { AHEAD = 16 };

static void measure(fill *f, const ut_segment_track *track, const ut_peaks *peaks, const ut_landmarks *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (i + AHEAD < pairs->count) {
            __builtin_prefetch(&f->lists[pairs->items[i + AHEAD].hash], 1);
            __builtin_prefetch((const uint8_t *)&f->lists[pairs->items[i + AHEAD].hash + 1] - 1, 1);
        }
        measured *m = &f->lists[pairs->items[i].hash];
        uint32_t frame = track->origin + (uint32_t)peaks->items[pairs->items[i].anchor].frame;
        for (int code = 0; code < UT_POSTING_CODES; code++)
            m->bits[code] += ut_posting_bits(&f->codes[code], frame - m->last);
        m->last = frame;
    }
    f->count += pairs->count;
}

static void write(fill *f, const ut_segment_track *track, const ut_peaks *peaks, const ut_landmarks *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (i + 2 * AHEAD < pairs->count)
            __builtin_prefetch(&f->places[pairs->items[i + 2 * AHEAD].hash], 1);
        if (i + AHEAD < pairs->count)
            __builtin_prefetch(&f->postings[f->places[pairs->items[i + AHEAD].hash].at / 8], 1);
        written *w = &f->places[pairs->items[i].hash];
        uint32_t frame = track->origin + (uint32_t)peaks->items[pairs->items[i].anchor].frame;
        w->at = ut_posting_write(&f->codes[w->code], f->postings, w->at, frame - w->last);
        w->last = frame;
    }
}

/* A list's number in its shelf's head. */
static uint64_t head_of(const measured *m, uint32_t *code)
{
    *code = 0;
    for (uint32_t i = 1; i < UT_POSTING_CODES; i++)
        if (m->bits[i] < m->bits[*code])
            *code = i;
    return (uint64_t)m->bits[*code] * UT_POSTING_CODES + *code;
}

/* Lays out a shelf from byte `begin`; writes its head, if there is where to. Returns where the next one begins. */
static uint64_t lay_shelf(fill *f, size_t shelf, uint64_t begin)
{
    const measured *lists = f->lists + shelf * UT_POSTING_SHELF;
    uint64_t numbers[UT_POSTING_SHELF], any = 0, at = begin;
    uint32_t codes[UT_POSTING_SHELF];
    for (size_t i = 0; i < UT_POSTING_SHELF; i++)
        any |= numbers[i] = head_of(&lists[i], &codes[i]);
    if (!any)
        return begin;
    for (size_t i = 0; i < UT_POSTING_SHELF; i++)
        at += ut_posting_put_head(f->postings ? f->postings + at : NULL, numbers[i]);
    at *= 8;
    for (size_t i = 0; i < UT_POSTING_SHELF; i++) {
        if (f->places)
            f->places[shelf * UT_POSTING_SHELF + i] = (written){.code = codes[i], .at = at};
        at += numbers[i] / UT_POSTING_CODES;
    }
    return (at + 7) / 8;
}

/* Lays out all shelves; `table` takes where they begin, unless it is NULL. Returns the bytes of all. */
static uint64_t lay_shelves(fill *f, const ut_params *params, uint32_t *table)
{
    size_t count = (size_t)1 << params->hash_bits >> UT_POSTING_SHELF_BITS;
    uint64_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (table)
            table[i] = (uint32_t)at;
        at = lay_shelf(f, i, at);
    }
    if (table)
        table[count] = (uint32_t)at;
    return at;
}

/* An empty table has nothing to copy, for which memcpy would not take NULL. */
static void put(const void *table, const void *from, size_t bytes)
{
    if (bytes)
        memcpy((void *)(uintptr_t)table, from, bytes);
}

static ut_status assemble(const ut_segment_builder *b, ut_index_segment *s, fill *f, ut_err *err)
{
    /* The builder's own tables do for the first round. */
    ut_index_segment plain = {.params = b->params,
                              .track_count = (uint32_t)b->track_count,
                              .tracks = b->tracks,
                              .blocks = b->blocks,
                              .peaks = b->peaks};
    ut_status rc = each_track(&plain, measure, f, err);
    if (rc != UT_OK)
        return rc;
    uint64_t total = lay_shelves(f, b->params, NULL);
    if (total > UINT32_MAX - UT_POSTING_PAD)
        return ut_fail(err, UT_E_FULL, "segment: %llu bytes of postings", (unsigned long long)total);
    s->posting_bytes = (uint32_t)total;
    s->posting_count = f->count;
    size_t bytes = ut_segment_layout(s);
    if (!(s->memory = calloc(1, bytes)))
        return ut_fail(err, UT_E_NOMEM, "segment: %zu bytes", bytes);
    ut_segment_layout(s);
    put(s->tracks, b->tracks, b->track_count * sizeof *b->tracks);
    put(s->blocks, b->blocks, (b->block_count + 1) * sizeof *b->blocks);
    put(s->peaks, b->peaks, b->peak_bytes);
    f->postings = (uint8_t *)s->postings;
    if (!(f->places = calloc((size_t)1 << b->params->hash_bits, sizeof *f->places)))
        return ut_fail(err, UT_E_NOMEM, "segment: %d bits of hashes", b->params->hash_bits);
    lay_shelves(f, b->params, (uint32_t *)s->shelves);
    rc = each_track(&plain, write, f, err);
    ut_segment_seal(s);
    return rc;
}

ut_status ut_segment_builder_finish(ut_segment_builder *builder, ut_index_segment **out, ut_err *err)
{
    ut_segment_builder *b = builder;
    fill f = {.lists = calloc((size_t)1 << b->params->hash_bits, sizeof *f.lists), .codes = ut_posting_codes()};
    ut_index_segment *s = calloc(1, sizeof *s);
    ut_status rc = UT_OK;
    if (!f.lists || !s)
        rc = ut_fail(err, UT_E_NOMEM, "segment: %d bits of hashes", b->params->hash_bits);
    if (rc == UT_OK)
        rc = grow(&b->blocks, b->block_count, &b->block_capacity, 1, sizeof *b->blocks, err);
    if (rc == UT_OK) {
        s->refs = 1;
        b->blocks[b->block_count] = (uint32_t)b->peak_bytes;
        s->params = b->params;
        s->track_count = (uint32_t)b->track_count;
        s->block_count = (uint32_t)b->block_count;
        s->peak_bytes = (uint32_t)b->peak_bytes;
        s->peak_count = b->peak_count;
        rc = assemble(b, s, &f, err);
    }
    free(f.lists);
    free(f.places);
    if (rc != UT_OK)
        ut_segment_unref(&s);
    else
        *out = s;
    return rc;
}
