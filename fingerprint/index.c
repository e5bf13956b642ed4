#include "fingerprint/index.h"

#include <stdlib.h>

#include "fingerprint/fingerprint_peaks.h"
#include "fingerprint/index_fields.h"
#include "fingerprint/landmark.h"

enum { DECOYS_MAX = 64 };

struct ut_index_builder {
    const ut_params *params;
    ut_index_track *tracks;
    uint32_t track_count, track_capacity;
    uint32_t *blocks;
    uint32_t block_count, block_capacity;
    uint16_t *peaks;
    uint32_t peak_count, peak_capacity;
};

ut_status ut_index_builder_open(const ut_params *params, ut_index_builder **out, ut_err *err)
{
    ut_index_builder *b = calloc(1, sizeof *b);
    if (!b)
        return ut_fail(err, UT_E_NOMEM, "index builder");
    b->params = params;
    *out = b;
    return UT_OK;
}

void ut_index_builder_close(ut_index_builder **builder)
{
    ut_index_builder *b = *builder;
    if (!b)
        return;
    free(b->tracks);
    free(b->blocks);
    free(b->peaks);
    free(b);
    *builder = NULL;
}

/* Makes room for `more` items in *items, which may move. */
static ut_status grow(void *items, uint32_t count, uint32_t *capacity, size_t more, size_t size, ut_err *err)
{
    void **array = items;
    size_t wanted = *capacity ? *capacity : 256, bytes;
    while (wanted < count + more)
        wanted *= 2;
    if (wanted == *capacity)
        return UT_OK;
    if (wanted > UINT32_MAX || !ut_mul_ok(wanted, size, &bytes))
        return ut_fail(err, UT_E_FULL, "index: %zu items", wanted);
    void *grown = realloc(*array, bytes);
    if (!grown)
        return ut_fail(err, UT_E_NOMEM, "index: %zu bytes", bytes);
    *array = grown;
    *capacity = (uint32_t)wanted;
    return UT_OK;
}

static ut_status append(ut_index_builder *b, int64_t recording_id, int32_t frames, const ut_peaks *peaks, ut_err *err)
{
    uint32_t first = b->block_count + UT_INDEX_PAD_FRAMES / UT_INDEX_BLOCK_FRAMES;
    uint32_t end = first + (uint32_t)frames / UT_INDEX_BLOCK_FRAMES + 1;
    if (end >= UT_INDEX_FRAMES_MAX / UT_INDEX_BLOCK_FRAMES || peaks->count > UINT32_MAX - b->peak_count)
        return ut_fail(err, UT_E_FULL, "index: full at %u recordings", b->track_count);
    ut_status rc;
    if ((rc = grow(&b->tracks, b->track_count, &b->track_capacity, 1, sizeof *b->tracks, err)) != UT_OK ||
        (rc = grow(&b->blocks, b->block_count, &b->block_capacity, end - b->block_count, sizeof *b->blocks, err)) !=
            UT_OK ||
        (rc = grow(&b->peaks, b->peak_count, &b->peak_capacity, peaks->count, sizeof *b->peaks, err)) != UT_OK)
        return rc;
    while (b->block_count < first)
        b->blocks[b->block_count++] = b->peak_count;
    size_t next = 0;
    for (uint32_t block = 0; first + block < end; block++) {
        b->blocks[b->block_count++] = b->peak_count;
        for (; next < peaks->count && peaks->items[next].frame / UT_INDEX_BLOCK_FRAMES == (int32_t)block; next++) {
            uint32_t frame = (uint32_t)peaks->items[next].frame % UT_INDEX_BLOCK_FRAMES;
            b->peaks[b->peak_count++] = (uint16_t)(frame << UT_INDEX_BIN_BITS | peaks->items[next].bin);
        }
    }
    b->tracks[b->track_count++] = (ut_index_track){
        .recording_id = recording_id, .origin = first * UT_INDEX_BLOCK_FRAMES, .frames = (uint32_t)frames};
    return UT_OK;
}

ut_status ut_index_builder_add(ut_index_builder *builder, int64_t recording_id, const ut_fingerprint *fingerprint,
                               ut_err *err)
{
    if (recording_id <= 0)
        return ut_fail(err, UT_E_ARG, "index: recording id %lld", (long long)recording_id);
    if (ut_fingerprint_params(fingerprint) != builder->params)
        return ut_fail(err, UT_E_ARG, "index: recording %lld: fingerprint of %s in an index of %s",
                       (long long)recording_id, ut_params_name(ut_fingerprint_params(fingerprint)),
                       builder->params->name);
    return append(builder, recording_id, ut_fingerprint_frames(fingerprint), ut_fingerprint_peaks(fingerprint), err);
}

/* The peaks of a track, its own frames. */
static ut_status unpack(const ut_index_builder *b, const ut_index_track *track, ut_peaks *peaks, ut_err *err)
{
    uint32_t first = track->origin / UT_INDEX_BLOCK_FRAMES;
    uint32_t last = first + track->frames / UT_INDEX_BLOCK_FRAMES;
    peaks->count = 0;
    for (uint32_t block = first; block <= last; block++) {
        uint32_t end = block + 1 < b->block_count ? b->blocks[block + 1] : b->peak_count;
        for (uint32_t i = b->blocks[block]; i < end; i++) {
            uint32_t frame = (block - first) * UT_INDEX_BLOCK_FRAMES + (b->peaks[i] >> UT_INDEX_BIN_BITS);
            uint16_t bin = b->peaks[i] & ((1u << UT_INDEX_BIN_BITS) - 1);
            ut_status rc = ut_peaks_add(peaks, (ut_peak){.frame = (int32_t)frame, .bin = bin}, err);
            if (rc != UT_OK)
                return rc;
        }
    }
    return UT_OK;
}

static int by_place(const void *a, const void *b)
{
    const ut_peak *x = a, *y = b;
    return x->frame != y->frame ? (x->frame < y->frame ? -1 : 1) : (int)x->bin - (int)y->bin;
}

/* Decoys are recordings of the catalogue run backwards: the same notes, density and tempo, and never on air. */
static ut_status add_decoys(ut_index_builder *b, ut_err *err)
{
    ut_status rc = UT_OK;
    ut_peaks peaks = {0};
    uint32_t recordings = b->track_count;
    uint32_t decoys = recordings < DECOYS_MAX ? recordings : DECOYS_MAX;
    for (uint32_t i = 0; i < decoys && rc == UT_OK; i++) {
        ut_index_track track = b->tracks[(uint64_t)i * recordings / decoys];
        if ((rc = unpack(b, &track, &peaks, err)) != UT_OK)
            break;
        for (size_t k = 0; k < peaks.count; k++)
            peaks.items[k].frame = (int32_t)track.frames - 1 - peaks.items[k].frame;
        qsort(peaks.items, peaks.count, sizeof *peaks.items, by_place);
        rc = append(b, 0, (int32_t)track.frames, &peaks, err);
    }
    ut_peaks_clear(&peaks);
    return rc;
}

typedef void (*posting_fn)(void *arg, uint32_t hash, uint32_t frame);

/* Calls `visit` for every landmark, in the order of the timeline. */
static ut_status each_posting(const ut_index_builder *b, posting_fn visit, void *arg, ut_err *err)
{
    ut_status rc = UT_OK;
    ut_peaks peaks = {0};
    ut_landmarks pairs = {0};
    for (uint32_t t = 0; t < b->track_count && rc == UT_OK; t++) {
        pairs.count = 0;
        if ((rc = unpack(b, &b->tracks[t], &peaks, err)) != UT_OK ||
            (rc = ut_landmarks_pair(b->params, b->params->reference.fan_out, &peaks, 0, peaks.count, &pairs, err)) !=
                UT_OK)
            break;
        for (size_t i = 0; i < pairs.count; i++)
            visit(arg, pairs.items[i].hash, b->tracks[t].origin + (uint32_t)peaks.items[pairs.items[i].anchor].frame);
    }
    ut_peaks_clear(&peaks);
    ut_landmarks_clear(&pairs);
    return rc;
}

typedef struct {
    uint32_t *last;  /* frame of the last posting of each bucket */
    uint32_t *bytes; /* of each bucket, then where its next posting goes */
    uint8_t *postings;
    uint64_t count;
} fill;

static void measure(void *arg, uint32_t hash, uint32_t frame)
{
    fill *f = arg;
    f->bytes[hash] += (uint32_t)ut_gap_size(frame - f->last[hash]);
    f->last[hash] = frame;
    f->count++;
}

static void write(void *arg, uint32_t hash, uint32_t frame)
{
    fill *f = arg;
    uint32_t gap = frame - f->last[hash];
    size_t size = ut_gap_size(gap);
    uint32_t word = gap << 2 | (uint32_t)(size - 1);
    for (size_t i = 0; i < size; i++)
        f->postings[f->bytes[hash]++] = (uint8_t)(word >> 8 * i);
    f->last[hash] = frame;
}

/* Fills a table of the index being made; an empty catalogue has empty ones, for which memcpy would not take NULL. */
static void put(const void *table, const void *from, size_t bytes)
{
    if (bytes)
        memcpy((void *)(uintptr_t)table, from, bytes);
}

static ut_status assemble(const ut_index_builder *b, ut_index *index, fill *f, ut_err *err)
{
    size_t hashes = (size_t)1 << b->params->hash_bits;
    ut_status rc = each_posting(b, measure, f, err);
    if (rc != UT_OK)
        return rc;
    uint64_t total = 0;
    for (size_t h = 0; h < hashes; h++) {
        uint32_t bytes = f->bytes[h];
        f->bytes[h] = (uint32_t)total;
        total += bytes;
    }
    if (total > UINT32_MAX - UT_INDEX_GAP_BYTES)
        return ut_fail(err, UT_E_FULL, "index: %llu bytes of postings", (unsigned long long)total);
    index->posting_bytes = (uint32_t)total;
    index->posting_count = f->count;
    size_t bytes = ut_index_layout(index);
    if (!(index->memory = calloc(1, bytes)))
        return ut_fail(err, UT_E_NOMEM, "index: %zu bytes", bytes);
    ut_index_layout(index);
    put(index->tracks, b->tracks, b->track_count * sizeof *b->tracks);
    put(index->blocks, b->blocks, b->block_count * sizeof *b->blocks);
    ((uint32_t *)index->blocks)[b->block_count] = b->peak_count;
    put(index->peaks, b->peaks, b->peak_count * sizeof *b->peaks);
    put(index->buckets, f->bytes, hashes * sizeof *f->bytes);
    ((uint32_t *)index->buckets)[hashes] = (uint32_t)total;
    memset(f->last, 0, hashes * sizeof *f->last);
    f->postings = (uint8_t *)index->postings;
    rc = each_posting(b, write, f, err);
    ut_index_seal(index);
    return rc;
}

ut_status ut_index_builder_finish(ut_index_builder *builder, int64_t catalogue_version, ut_index **out, ut_err *err)
{
    size_t hashes = (size_t)1 << builder->params->hash_bits;
    uint32_t recordings = builder->track_count;
    ut_index *index = calloc(1, sizeof *index);
    fill f = {.last = calloc(hashes, sizeof *f.last), .bytes = calloc(hashes, sizeof *f.bytes)};
    ut_status rc = UT_OK;
    if (!index || !f.last || !f.bytes) {
        rc = ut_fail(err, UT_E_NOMEM, "index: %zu buckets", hashes);
        goto done;
    }
    if ((rc = add_decoys(builder, err)) != UT_OK)
        goto done;
    *index = (ut_index){.params = builder->params,
                        .catalogue_version = catalogue_version,
                        .recordings = recordings,
                        .track_count = builder->track_count,
                        .block_count = builder->block_count,
                        .peak_count = builder->peak_count};
    if ((rc = assemble(builder, index, &f, err)) != UT_OK)
        goto done;
    *out = index;
    index = NULL;
done:
    ut_index_close(&index);
    free(f.last);
    free(f.bytes);
    return rc;
}

void ut_index_close(ut_index **index)
{
    if (!*index)
        return;
    free((*index)->memory);
    free(*index);
    *index = NULL;
}

ut_index_info ut_index_describe(const ut_index *index)
{
    return (ut_index_info){
        .params = index->params,
        .catalogue_version = index->catalogue_version,
        .recordings = index->recordings,
        .decoys = index->track_count - index->recordings,
        .postings = index->posting_count,
        .bytes = index->memory_bytes + sizeof *index,
    };
}

const ut_index_track *ut_index_track_at(const ut_index *index, uint32_t frame)
{
    size_t low = 0, high = index->track_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const ut_index_track *t = &index->tracks[middle];
        if (t->origin + t->frames <= frame)
            low = middle + 1;
        else
            high = middle;
    }
    return low < index->track_count ? &index->tracks[low] : NULL;
}
