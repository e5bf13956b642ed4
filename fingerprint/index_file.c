/* The file form of an index is its memory: a header, then the sections. Little endian.
 *
 *     "UTINDEX1"  header (below)  tracks  buckets  blocks  peaks  postings  padding
 *
 * The CRC-32C in the header is of everything after the header. */
#include "fingerprint/index.h"

#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "core/file.h"
#include "fingerprint/index_fields.h"

typedef struct {
    char magic[8];
    char params[8];
    int64_t catalogue_version;
    uint64_t recordings;
    uint64_t posting_count;
    uint32_t track_count;
    uint32_t block_count;
    uint32_t peak_count;
    uint32_t posting_bytes;
    uint32_t crc;        /* of all after the header */
    uint32_t header_crc; /* of the header, this field zero */
} header;

#define FILE_BYTES_MAX ((size_t)1 << 40)

static const char MAGIC[8] = "UTINDEX1";

static size_t padded(size_t bytes)
{
    return (bytes + 15) & ~(size_t)15;
}

size_t ut_index_layout(ut_index *index)
{
    uint8_t *memory = index->memory;
    size_t at = padded(sizeof(header));
    index->tracks = memory ? (const void *)(memory + at) : NULL;
    at += padded(index->track_count * sizeof *index->tracks);
    index->buckets = memory ? (const void *)(memory + at) : NULL;
    at += padded((((size_t)1 << index->params->hash_bits) + 1) * sizeof *index->buckets);
    index->blocks = memory ? (const void *)(memory + at) : NULL;
    at += padded(((size_t)index->block_count + 1) * sizeof *index->blocks);
    index->peaks = memory ? (const void *)(memory + at) : NULL;
    at += padded((size_t)index->peak_count * sizeof *index->peaks);
    index->postings = memory ? memory + at : NULL;
    at += padded((size_t)index->posting_bytes + UT_INDEX_GAP_BYTES);
    index->memory_bytes = at;
    return at;
}

static uint32_t header_crc(header h)
{
    h.header_crc = 0;
    return ut_crc32c(0, &h, sizeof h);
}

void ut_index_seal(ut_index *index)
{
    header h = {
        .catalogue_version = index->catalogue_version,
        .recordings = index->recordings,
        .posting_count = index->posting_count,
        .track_count = index->track_count,
        .block_count = index->block_count,
        .peak_count = index->peak_count,
        .posting_bytes = index->posting_bytes,
        .crc = ut_crc32c(0, (const uint8_t *)index->memory + sizeof h, index->memory_bytes - sizeof h),
    };
    memcpy(h.magic, MAGIC, sizeof h.magic);
    strncpy(h.params, index->params->name, sizeof h.params - 1);
    h.header_crc = header_crc(h);
    memcpy(index->memory, &h, sizeof h);
}

ut_status ut_index_save(const ut_index *index, const char *path, ut_err *err)
{
    return ut_file_write(path, index->memory, index->memory_bytes, err);
}

/* Everything the matcher follows without looking is within bounds and in order. */
static bool sound(const ut_index *x)
{
    size_t hashes = (size_t)1 << x->params->hash_bits;
    uint64_t frames = (uint64_t)x->block_count * UT_INDEX_BLOCK_FRAMES;
    uint64_t end = 0, postings = 0;
    if (x->recordings > x->track_count)
        return false;
    for (uint32_t t = 0; t < x->track_count; t++) {
        const ut_index_track *k = &x->tracks[t];
        if (k->origin < end + UT_INDEX_PAD_FRAMES || k->origin % UT_INDEX_BLOCK_FRAMES ||
            (k->recording_id > 0) != (t < x->recordings))
            return false;
        end = (uint64_t)k->origin + k->frames;
        if (end >= frames)
            return false;
    }
    if (x->blocks[0] != 0 || x->blocks[x->block_count] != x->peak_count || x->buckets[0] != 0 ||
        x->buckets[hashes] != x->posting_bytes)
        return false;
    for (uint32_t b = 0; b < x->block_count; b++)
        if (x->blocks[b] > x->blocks[b + 1])
            return false;
    for (size_t h = 0; h < hashes; h++) {
        if (x->buckets[h] > x->buckets[h + 1] || x->buckets[h + 1] > x->posting_bytes)
            return false;
        const uint8_t *at = x->postings + x->buckets[h], *stop = x->postings + x->buckets[h + 1];
        uint64_t frame = 0;
        for (; at < stop; postings++)
            frame += ut_gap_read(&at);
        if (at != stop || (frame >= frames && x->buckets[h + 1] > x->buckets[h]))
            return false;
    }
    return postings == x->posting_count;
}

ut_status ut_index_load(const char *path, ut_index **out, ut_err *err)
{
    char *data = NULL;
    size_t size = 0;
    ut_status rc = ut_file_read(path, FILE_BYTES_MAX, &data, &size, err);
    if (rc != UT_OK)
        return rc;
    ut_index *index = calloc(1, sizeof *index);
    header h;
    if (!index) {
        free(data);
        return ut_fail(err, UT_E_NOMEM, "index %s", path);
    }
    index->memory = data;
    const char *what = NULL;
    if (size < sizeof h || (memcpy(&h, data, sizeof h), memcmp(h.magic, MAGIC, sizeof h.magic) != 0)) {
        what = "not an index";
    } else if (h.header_crc != header_crc(h) || h.params[sizeof h.params - 1] != '\0' ||
               !(index->params = ut_params_find(h.params))) {
        what = "damaged header";
    } else {
        index->catalogue_version = h.catalogue_version;
        index->recordings = h.recordings;
        index->posting_count = h.posting_count;
        index->track_count = h.track_count;
        index->block_count = h.block_count;
        index->peak_count = h.peak_count;
        index->posting_bytes = h.posting_bytes;
        if (h.block_count > UT_INDEX_FRAMES_MAX / UT_INDEX_BLOCK_FRAMES || ut_index_layout(index) != size)
            what = "size does not fit";
        else if (h.crc != ut_crc32c(0, data + sizeof h, size - sizeof h))
            what = "checksum";
        else if (!sound(index))
            what = "contents do not fit together";
    }
    if (what) {
        ut_index_close(&index);
        return ut_fail(err, UT_E_CORRUPT, "index %s: %s", path, what);
    }
    *out = index;
    return UT_OK;
}
