/* The file form of a segment is its memory: a header, then the sections. Little endian.
 *
 *     header (below)  tracks  shelves  blocks  peaks  postings  padding
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/digest.h"
#include "core/file.h"
#include "fingerprint/peak_block.h"
#include "fingerprint/segment.h"

typedef struct {
    char magic[8];
    char params[8];
    uint64_t peak_count;
    uint64_t posting_count;
    uint32_t track_count;
    uint32_t block_count;
    uint32_t reserved;
    uint32_t peak_bytes;
    uint32_t posting_bytes;
    uint32_t table_crc;  /* of the sections up to the peaks */
    uint32_t data_crc;   /* of the rest */
    uint32_t header_crc; /* of the header, this field zero */
} header;

_Static_assert(offsetof(header, header_crc) == UT_SEGMENT_HEADER_CRC_AT, "the manifest names segments by it");

enum { VERSION_AT = 6 };
static const char MAGIC[8] = "UTSEGM4";

static size_t padded(size_t bytes)
{
    return (bytes + 15) & ~(size_t)15;
}

size_t ut_segment_layout(ut_index_segment *segment)
{
    ut_index_segment *s = segment;
    uint8_t *memory = s->memory;
    size_t at = padded(sizeof(header));
    s->shelf_count = 1u << s->params->hash_bits >> UT_POSTING_SHELF_BITS;
    s->tracks = memory ? (const void *)(memory + at) : NULL;
    at += padded(s->track_count * sizeof *s->tracks);
    s->shelves = memory ? (const void *)(memory + at) : NULL;
    at += padded(((size_t)s->shelf_count + 1) * sizeof *s->shelves);
    s->blocks = memory ? (const void *)(memory + at) : NULL;
    at += padded(((size_t)s->block_count + 1) * sizeof *s->blocks);
    s->peaks = memory ? memory + at : NULL;
    at += padded((size_t)s->peak_bytes + UT_PEAK_BLOCK_PAD);
    s->postings = memory ? memory + at : NULL;
    at += padded((size_t)s->posting_bytes + UT_POSTING_PAD);
    s->memory_bytes = at;
    return at;
}

static uint32_t header_crc(header h)
{
    h.header_crc = 0;
    return ut_crc32c(0, &h, sizeof h);
}

static uint32_t table_crc(const ut_index_segment *s)
{
    return ut_crc32c(0, s->memory + sizeof(header), (size_t)(s->peaks - s->memory) - sizeof(header));
}

static uint32_t data_crc(const ut_index_segment *s)
{
    return ut_crc32c(0, s->peaks, s->memory_bytes - (size_t)(s->peaks - s->memory));
}

void ut_segment_seal(ut_index_segment *segment)
{
    header h = {
        .peak_count = segment->peak_count,
        .posting_count = segment->posting_count,
        .track_count = segment->track_count,
        .block_count = segment->block_count,
        .peak_bytes = segment->peak_bytes,
        .posting_bytes = segment->posting_bytes,
        .table_crc = table_crc(segment),
        .data_crc = data_crc(segment),
    };
    memcpy(h.magic, MAGIC, sizeof h.magic);
    strncpy(h.params, segment->params->name, sizeof h.params - 1);
    h.header_crc = header_crc(h);
    memcpy(segment->memory, &h, sizeof h);
}

ut_status ut_segment_save(const ut_index_segment *segment, const char *path, ut_err *err)
{
    return ut_file_write(path, segment->memory, segment->memory_bytes, err);
}

/* --- opening ------------------------------------------------------------------------------------------------ */

static bool tracks_sound(const ut_index_segment *s)
{
    uint64_t frames = (uint64_t)s->block_count * UT_INDEX_BLOCK_FRAMES, end = 0;
    for (uint32_t t = 0; t < s->track_count; t++) {
        const ut_segment_track *k = &s->tracks[t];
        if (k->origin < end + UT_INDEX_PAD_FRAMES || k->origin % UT_INDEX_BLOCK_FRAMES || k->recording_id < 0 ||
            k->frames > INT32_MAX)
            return false;
        end = (uint64_t)k->origin + k->frames;
        if (end >= frames)
            return false;
    }
    return true;
}

static bool rising(const uint32_t *table, size_t count, uint32_t end)
{
    if (table[0] != 0 || table[count] != end)
        return false;
    for (size_t i = 0; i < count; i++)
        if (table[i] > table[i + 1])
            return false;
    return true;
}

/* What does not fit, or NULL. The matcher follows the tables without looking; they are within bounds and in order. */
static const char *fault_of(ut_index_segment *s, size_t size, bool whole)
{
    header h;
    if (size < sizeof h || (memcpy(&h, s->memory, sizeof h), memcmp(h.magic, MAGIC, VERSION_AT) != 0))
        return "not an index segment";
    if (memcmp(h.magic, MAGIC, sizeof h.magic) != 0)
        return "of another version; `undertone catalogue rebuild` makes the index anew";
    if (h.header_crc != header_crc(h) || h.params[sizeof h.params - 1] != '\0' ||
        !(s->params = ut_params_find(h.params)))
        return "damaged header";
    s->track_count = h.track_count;
    s->block_count = h.block_count;
    s->peak_bytes = h.peak_bytes;
    s->posting_bytes = h.posting_bytes;
    s->peak_count = h.peak_count;
    s->posting_count = h.posting_count;
    if (h.block_count > UT_SEGMENT_FRAMES_MAX / UT_INDEX_BLOCK_FRAMES || ut_segment_layout(s) != size)
        return "size does not fit";
    if (h.table_crc != table_crc(s) || (whole && h.data_crc != data_crc(s)))
        return "checksum";
    if (!tracks_sound(s) || !rising(s->shelves, s->shelf_count, s->posting_bytes) ||
        !rising(s->blocks, s->block_count, s->peak_bytes))
        return "contents do not fit together";
    return NULL;
}

/* Maps the file; *size is written. */
static ut_status map(const char *path, uint8_t **memory, size_t *size, ut_err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ut_fail(err, errno == ENOENT ? UT_E_NOTFOUND : UT_E_IO, "index segment %s: %s", path, strerror(errno));
    void *at = MAP_FAILED;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
        at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    int number = errno;
    bool empty = S_ISREG(st.st_mode) && st.st_size == 0;
    close(fd);
    if (at == MAP_FAILED)
        return ut_fail(err, empty ? UT_E_CORRUPT : UT_E_IO, "index segment %s: %s", path,
                       empty ? "empty" : strerror(number));
    *memory = at;
    *size = (size_t)st.st_size;
    return UT_OK;
}

ut_status ut_segment_map(const char *path, bool whole, ut_index_segment **out, ut_err *err)
{
    ut_index_segment *s = calloc(1, sizeof *s);
    if (!s)
        return ut_fail(err, UT_E_NOMEM, "index segment %s", path);
    s->refs = 1;
    size_t size = 0;
    ut_status rc = map(path, &s->memory, &size, err);
    if (rc != UT_OK) {
        free(s);
        return rc;
    }
    s->mapped = true;
    const char *fault = fault_of(s, size, whole);
    if (fault) {
        s->memory_bytes = size; /* what was mapped, whatever the header says */
        ut_segment_unref(&s);
        return ut_fail(err, UT_E_CORRUPT, "index segment %s: %s", path, fault);
    }
    *out = s;
    return UT_OK;
}
