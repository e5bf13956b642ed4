/* A good index folder with bytes of its manifest and of a segment changed anywhere and the checksums put right:
 * refused, or searched without harm. The input: which file (1 byte; odd: the manifest), then a list of changes: a
 * position (4 bytes, little endian; from the end of the file, or with the top bit set in the header and the tracks) and
 * a byte. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/digest.h"
#include "core/file.h"
#include "fingerprint/fingerprint_peaks.h"
#include "fingerprint/index_fields.h"
#include "fingerprint/match.h"

enum {
    FRAMES = 900,
    RECORDINGS = 3,
    HEADER = 64,
    AT_COUNTS = 32, /* tracks, blocks, nothing, bytes of peaks, bytes of postings: u32 each */
    AT_TABLE_CRC = 52,
    AT_DATA_CRC = 56,
    FRONT = 160,
    MATCHES = 8
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/ut-fuzz-index-XXXXXX";
static char manifest_path[64], segment_path[64];
static char *manifest, *segment; /* good ones */
static size_t manifest_size, segment_size;
static ut_query query;

static void must(ut_status rc)
{
    if (rc != UT_OK)
        abort();
}

/* A recording that is all landmarks: a peak every third frame, at random. p2 has the smallest table of hashes. */
static ut_fingerprint *print_of(uint32_t seed)
{
    ut_fingerprint *print = NULL;
    ut_peaks peaks = {0};
    for (int32_t frame = 0; frame < FRAMES; frame += 3) {
        seed = seed * 1664525u + 1013904223u;
        ut_peak peak = {.frame = frame, .bin = (uint16_t)(20 + (seed >> 16) % 200)};
        must(ut_peaks_add(&peaks, peak, NULL));
    }
    must(ut_fingerprint_from_peaks(ut_params_find("p2"), FRAMES, &peaks, &print, NULL));
    return print;
}

static void clean(void)
{
    char path[64];
    static const char *const names[] = {"manifest", "lock", "00000001.segment", "00000002.segment"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* An index of a few recordings, as a file in memory, and a query that is in it. */
static void prepare(void)
{
    ut_index_builder *builder = NULL;
    ut_index *index = NULL;
    assert(mkdtemp(folder));
    atexit(clean);
    snprintf(manifest_path, sizeof manifest_path, "%s/manifest", folder);
    snprintf(segment_path, sizeof segment_path, "%s/00000001.segment", folder);
    must(ut_index_builder_open(ut_params_find("p2"), &builder, NULL));
    must(ut_query_init(&query, ut_params_find("p2"), NULL));
    for (int i = 0; i < RECORDINGS; i++) {
        ut_fingerprint *print = print_of((uint32_t)i + 1);
        if (i == 0)
            must(ut_query_set(&query, 0, 600, ut_fingerprint_peaks(print), NULL, NULL));
        must(ut_index_builder_add(builder, i + 1, print, NULL));
        ut_fingerprint_close(&print);
    }
    must(ut_index_builder_finish(builder, 1, &index, NULL));
    ut_index_builder_close(&builder);
    must(ut_index_save(index, folder, NULL));
    ut_index_close(&index);
    must(ut_file_read(manifest_path, SIZE_MAX / 4, &manifest, &manifest_size, NULL));
    must(ut_file_read(segment_path, SIZE_MAX / 4, &segment, &segment_size, NULL));
}

static void put_crc(char *at, const void *from, size_t size)
{
    uint32_t crc = ut_crc32c(0, from, size);
    memcpy(at, &crc, sizeof crc);
}

static void search(const ut_index *index)
{
    ut_matcher *matcher = NULL;
    ut_match matches[MATCHES];
    must(ut_matcher_open(index, &matcher, NULL));
    size_t count = ut_matcher_find(matcher, &query, matches, MATCHES);
    for (size_t i = 0; i < count; i++)
        assert(matches[i].track->recording_id > 0);
    ut_matcher_close(&matcher);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    prepare();
    return 0;
}

static void put_file(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "w");
    assert(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

/* Where the peaks begin; `whole` if the counts make no sense. */
static size_t data_begins(const char *copy, size_t whole)
{
    uint32_t n[5];
    memcpy(n, copy + AT_COUNTS, sizeof n);
    size_t hashes = (size_t)1 << 21, at = HEADER;
    const size_t sizes[] = {24 * (size_t)n[0], 4 * (hashes / 8 + 1), 4 * ((size_t)n[1] + 1)};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        at += (sizes[i] + 15) & ~(size_t)15;
    return at < whole ? at : whole;
}

static void change(char *copy, size_t whole, const uint8_t *data, size_t size)
{
    for (; size >= 5; data += 5, size -= 5) {
        uint32_t back;
        memcpy(&back, data, sizeof back);
        copy[back >> 31 ? back % FRONT % whole : whole - 1 - back % whole] = (char)data[4];
    }
}

/* Writes the changed segment with sums that fit, and a manifest that names it. */
static void put_segment(const uint8_t *data, size_t size)
{
    char *copy = malloc(segment_size);
    assert(copy);
    memcpy(copy, segment, segment_size);
    change(copy, segment_size, data, size);
    size_t at = data_begins(copy, segment_size);
    put_crc(copy + AT_TABLE_CRC, copy + HEADER, at - HEADER);
    put_crc(copy + AT_DATA_CRC, copy + at, segment_size - at);
    memset(copy + UT_SEGMENT_HEADER_CRC_AT, 0, 4);
    put_crc(copy + UT_SEGMENT_HEADER_CRC_AT, copy, HEADER);
    put_file(segment_path, copy, segment_size);
    char *list = malloc(manifest_size);
    assert(list);
    memcpy(list, manifest, manifest_size);
    memcpy(list + 32 + 8, copy + UT_SEGMENT_HEADER_CRC_AT, 4); /* of the first entry */
    memcpy(list + 32 + 4, copy + AT_COUNTS, 4);
    put_crc(list + manifest_size - 4, list, manifest_size - 4);
    put_file(manifest_path, list, manifest_size);
    free(list);
    free(copy);
}

static void put_manifest(const uint8_t *data, size_t size)
{
    char *copy = malloc(manifest_size);
    assert(copy);
    memcpy(copy, manifest, manifest_size);
    change(copy, manifest_size, data, size);
    put_crc(copy + manifest_size - 4, copy, manifest_size - 4);
    put_file(manifest_path, copy, manifest_size);
    put_file(segment_path, segment, segment_size);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] & 1)
        put_manifest(data + 1, size - 1);
    else
        put_segment(data + 1, size - 1);
    ut_index *index = NULL;
    for (int mode = UT_INDEX_OPEN; mode <= UT_INDEX_SALVAGE; mode++) {
        if (ut_index_load(folder, (ut_index_mode)mode, &index, NULL) == UT_OK) {
            assert(ut_index_describe(index).decoys <= RECORDINGS * 2);
            search(index);
        }
        ut_index_close(&index);
    }
    return 0;
}
