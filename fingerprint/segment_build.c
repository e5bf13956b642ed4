#include <stdlib.h>

#include "fingerprint/landmark.h"
#include "fingerprint/peak_block.h"
#include "fingerprint/posting_code.h"
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

typedef void (*posting_fn)(void *arg, uint32_t hash, uint32_t frame);

/* Calls `visit` for every landmark, in the order of the timeline. */
static ut_status each_posting(const ut_index_segment *s, posting_fn visit, void *arg, ut_err *err)
{
    ut_status rc = UT_OK;
    ut_peaks peaks = {0};
    ut_landmarks pairs = {0};
    for (uint32_t t = 0; t < s->track_count && rc == UT_OK; t++) {
        pairs.count = 0;
        if ((rc = ut_segment_peaks(s, &s->tracks[t], &peaks, err)) != UT_OK ||
            (rc = ut_landmarks_pair(s->params, s->params->reference.fan_out, &peaks, 0, peaks.count, &pairs, err)) !=
                UT_OK)
            break;
        for (size_t i = 0; i < pairs.count; i++)
            visit(arg, pairs.items[i].hash, s->tracks[t].origin + (uint32_t)peaks.items[pairs.items[i].anchor].frame);
    }
    ut_peaks_clear(&peaks);
    ut_landmarks_clear(&pairs);
    return rc;
}

typedef struct {
    struct {
        uint32_t last;  /* frame of the last posting */
        uint32_t bytes; /* of all, then where they begin */
        uint32_t bits;  /* of all, then of those written */
    } * hashes;
    const ut_posting_code *code;
    uint8_t *postings;
    uint64_t count;
} fill;

static void measure(void *arg, uint32_t hash, uint32_t frame)
{
    fill *f = arg;
    f->hashes[hash].bits += ut_posting_bits(f->code, frame - f->hashes[hash].last);
    f->hashes[hash].last = frame;
    f->count++;
}

static void write(void *arg, uint32_t hash, uint32_t frame)
{
    fill *f = arg;
    uint64_t position = (uint64_t)f->hashes[hash].bytes * 8 + f->hashes[hash].bits;
    uint32_t gap = frame - f->hashes[hash].last;
    f->hashes[hash].bits += (uint32_t)(ut_posting_write(f->code, f->postings, position, gap) - position);
    f->hashes[hash].last = frame;
}

/* Bytes become places; counts the hashes that are there. */
static uint64_t place(const ut_params *params, fill *f, uint32_t *present)
{
    uint64_t total = 0;
    *present = 0;
    for (size_t h = 0; h < (size_t)1 << params->hash_bits; h++) {
        uint32_t bytes = (f->hashes[h].bits + 7) / 8;
        *present += bytes > 0;
        f->hashes[h].bytes = (uint32_t)total;
        f->hashes[h].last = bytes; /* until the tables are made */
        total += bytes;
    }
    return total;
}

static void fill_tables(const ut_index_segment *s, fill *f)
{
    uint64_t *present = (uint64_t *)s->present;
    uint32_t *ranks = (uint32_t *)s->ranks, *buckets = (uint32_t *)s->buckets, count = 0;
    for (size_t h = 0; h < (size_t)1 << s->params->hash_bits; h++) {
        if (h % (1u << UT_INDEX_RANK_BITS) == 0)
            ranks[h >> UT_INDEX_RANK_BITS] = count;
        if (f->hashes[h].last > 0) {
            present[h / 64] |= UINT64_C(1) << h % 64;
            buckets[count++] = f->hashes[h].bytes;
        }
        f->hashes[h].last = 0;
        f->hashes[h].bits = 0;
    }
    buckets[count] = s->posting_bytes;
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
    ut_status rc = each_posting(&plain, measure, f, err);
    if (rc != UT_OK)
        return rc;
    uint64_t total = place(b->params, f, &s->hash_count);
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
    fill_tables(s, f);
    f->postings = (uint8_t *)s->postings;
    rc = each_posting(&plain, write, f, err);
    ut_segment_seal(s);
    return rc;
}

ut_status ut_segment_builder_finish(ut_segment_builder *builder, ut_index_segment **out, ut_err *err)
{
    ut_segment_builder *b = builder;
    fill f = {.hashes = calloc((size_t)1 << b->params->hash_bits, sizeof *f.hashes), .code = ut_posting_code_get()};
    ut_index_segment *s = calloc(1, sizeof *s);
    ut_status rc = UT_OK;
    if (!f.hashes || !s)
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
    free(f.hashes);
    if (rc != UT_OK)
        ut_segment_unref(&s);
    else
        *out = s;
    return rc;
}
