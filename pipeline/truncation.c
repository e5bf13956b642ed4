#include "pipeline/truncation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HEAD_BYTES 8192
#define TAIL_BYTES 66000 /* an Ogg page has at most 65,307 */

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool wav_is_cut(const uint8_t *head, size_t size, uint64_t file_size)
{
    if (size < 12 || memcmp(head, "RIFF", 4) != 0 || memcmp(head + 8, "WAVE", 4) != 0)
        return false;
    for (uint64_t at = 12; at + 8 <= size;) {
        uint64_t chunk = le32(head + at + 4);
        if (memcmp(head + at, "data", 4) == 0) /* a stream writes 0 or -1 for "until the end" */
            return chunk != 0 && chunk < 0xfffff000 && at + 8 + chunk > file_size;
        at += 8 + chunk + (chunk & 1);
    }
    return false;
}

/* The last page must fit into the file and carry the end mark. */
static bool ogg_is_cut(const uint8_t *tail, size_t size)
{
    for (size_t at = size < 27 ? 0 : size - 27 + 1; at-- > 0;) {
        const uint8_t *page = tail + at;
        if (memcmp(page, "OggS", 4) != 0 || page[4] != 0)
            continue;
        size_t segments = page[26], end = at + 27 + segments;
        if (end > size)
            return true;
        for (size_t i = 0; i < segments; i++)
            end += page[27 + i];
        return end > size || !(page[5] & 0x04);
    }
    return size > 0; /* pages there must be: 66,000 bytes hold at least one */
}

/* 188, 192 (time code before each packet) or 204 (Reed-Solomon after it); 0 if it is none of them. */
static size_t ts_packet(const uint8_t *head, size_t size)
{
    static const struct {
        size_t packet, sync;
    } forms[] = {{188, 0}, {192, 4}, {204, 0}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        size_t hits = 0;
        for (size_t n = 0; n < 5; n++) {
            size_t at = forms[i].sync + n * forms[i].packet;
            hits += at < size && head[at] == 0x47;
        }
        if (hits == 5)
            return forms[i].packet;
    }
    return 0;
}

/* A Xing or Info frame (of LAME and others) tells the bytes from its own start to the end. */
static bool mp3_is_cut(const uint8_t *head, size_t size, uint64_t head_at, uint64_t file_size)
{
    for (size_t at = 0; at + 4 <= size && at < 2048; at++) {
        if (head[at] != 0xff || (head[at + 1] & 0xe6) != 0xe2) /* sync, layer III */
            continue;
        bool mpeg1 = (head[at + 1] & 0x18) == 0x18, mono = (head[at + 3] & 0xc0) == 0xc0;
        size_t xing = at + 4 + (mpeg1 ? (mono ? 17 : 32) : (mono ? 9 : 17));
        if (xing + 16 > size || (memcmp(head + xing, "Xing", 4) != 0 && memcmp(head + xing, "Info", 4) != 0))
            return false;
        uint32_t flags = be32(head + xing + 4);
        if (!(flags & 2))
            return false;
        uint64_t bytes = be32(head + xing + 8 + (flags & 1 ? 4 : 0));
        return head_at + at + bytes > file_size;
    }
    return false;
}

bool ut_is_cut(const char *container, const uint8_t *head, size_t head_size, uint64_t head_at, const uint8_t *tail,
               size_t tail_size, uint64_t file_size)
{
    if (strcmp(container, "audio/x-wav") == 0)
        return wav_is_cut(head, head_size, file_size);
    if (strcmp(container, "application/ogg") == 0 || strcmp(container, "audio/ogg") == 0)
        return ogg_is_cut(tail, tail_size);
    if (strcmp(container, "audio/mpeg") == 0 || strcmp(container, "application/x-id3") == 0)
        return mp3_is_cut(head, head_size, head_at, file_size);
    size_t packet = strcmp(container, "video/mpegts") == 0 ? ts_packet(head, head_size) : 0;
    return packet && file_size % packet != 0;
}

static size_t read_at(FILE *file, uint64_t at, uint8_t *data, size_t size)
{
    return fseeko(file, (off_t)at, SEEK_SET) == 0 ? fread(data, 1, size, file) : 0;
}

/* Size of an ID3v2 tag at the start: four times seven bits. */
static uint64_t id3_size(const uint8_t *head, size_t size)
{
    if (size < 10 || memcmp(head, "ID3", 3) != 0)
        return 0;
    uint64_t body = (uint64_t)(head[6] & 0x7f) << 21 | (uint64_t)(head[7] & 0x7f) << 14 |
                    (uint64_t)(head[8] & 0x7f) << 7 | (head[9] & 0x7f);
    return 10 + body + (head[5] & 0x10 ? 10 : 0);
}

bool ut_file_is_cut(const char *path, const char *container)
{
    bool cut = false;
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(HEAD_BYTES + TAIL_BYTES);
    struct stat status;
    if (file && data && fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode)) {
        uint64_t size = (uint64_t)status.st_size, at = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
        size_t head_size = read_at(file, 0, data, HEAD_BYTES);
        uint64_t head_at = id3_size(data, head_size);
        if (head_at)
            head_size = read_at(file, head_at, data, HEAD_BYTES);
        size_t tail_size = read_at(file, at, data + HEAD_BYTES, TAIL_BYTES);
        cut = ut_is_cut(container, data, head_size, head_at, data + HEAD_BYTES, tail_size, size);
    }
    free(data);
    if (file)
        fclose(file);
    return cut;
}
