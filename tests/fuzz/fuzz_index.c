/* A good index file with bytes changed anywhere and its checksums put right: refused, or searched without harm. The
 * input is a list of changes: a position (4 bytes, little endian; from the end of the file, or with the top bit set in
 * the header and the tracks) and a byte. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/digest.h"
#include "core/file.h"
#include "fingerprint/fingerprint_peaks.h"
#include "fingerprint/match.h"

enum { FRAMES = 900, RECORDINGS = 3, HEADER = 64, AT_CRC = 56, AT_HEADER_CRC = 60, FRONT = 160, MATCHES = 8 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *file; /* a good one */
static size_t file_size;
static char path[40];
static int fd;
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

/* An index of a few recordings, as a file in memory, and a query that is in it. */
static void prepare(void)
{
    ut_index_builder *builder = NULL;
    ut_index *index = NULL;
    fd = memfd_create("index", 0);
    assert(fd >= 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
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
    char saved[] = "/tmp/ut-fuzz-index-XXXXXX";
    close(mkstemp(saved));
    must(ut_index_save(index, saved, NULL));
    must(ut_file_read(saved, SIZE_MAX / 4, &file, &file_size, NULL));
    unlink(saved);
    ut_index_close(&index);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(file_size);
    assert(copy);
    memcpy(copy, file, file_size);
    for (; size >= 5; data += 5, size -= 5) {
        uint32_t back;
        memcpy(&back, data, sizeof back);
        copy[back >> 31 ? back % FRONT : file_size - 1 - back % file_size] = (char)data[4];
    }
    put_crc(copy + AT_CRC, copy + HEADER, file_size - HEADER);
    memset(copy + AT_HEADER_CRC, 0, 4);
    put_crc(copy + AT_HEADER_CRC, copy, HEADER);
    assert(pwrite(fd, copy, file_size, 0) == (ssize_t)file_size);
    free(copy);
    ut_index *index = NULL;
    if (ut_index_load(path, &index, NULL) == UT_OK) {
        assert(ut_index_describe(index).decoys <= RECORDINGS * 2);
        search(index);
    }
    ut_index_close(&index);
    return 0;
}
