/* Transport streams of any bytes, pushed in pieces of any size; and, since no fuzzer guesses a checksum, sections of
 * any body with the right one. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "pipeline/schedule.h"

enum { PACKET = 188, BODY_MAX = 1000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t crc_mpeg(const uint8_t *data, size_t size)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= (uint32_t)data[i] << 24;
        for (int k = 0; k < 8; k++)
            crc = crc << 1 ^ (crc & 0x80000000 ? 0x04c11db7 : 0);
    }
    return crc;
}

static void push_section(ut_eit *eit, const uint8_t *body, size_t size)
{
    uint8_t s[BODY_MAX + 7] = {0x4e, (uint8_t)(0xf0 | (size + 4) >> 8), (uint8_t)(size + 4)};
    memcpy(s + 3, body, size);
    uint32_t crc = crc_mpeg(s, 3 + size);
    for (size_t i = 0; i < 4; i++)
        s[3 + size + i] = (uint8_t)(crc >> (24 - 8 * i));
    int counter = 0;
    for (size_t at = 0, all = size + 7; at < all; counter++) {
        uint8_t p[PACKET] = {0x47, at ? 0 : 0x40, 0x12, (uint8_t)(0x10 | (counter & 15))};
        size_t head = at ? 4 : 5, n = all - at < PACKET - head ? all - at : PACKET - head;
        memset(p + head, 0xff, PACKET - head);
        memcpy(p + head, s + at, n);
        at += n;
        if (ut_eit_push(eit, p, PACKET, NULL) != UT_OK)
            return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ut_schedule_options options = {.channel = "one"};
    ut_eit *eit = NULL;
    ut_schedule schedule = {0};
    ut_err err;
    if (size == 0 || ut_eit_open(&options, &eit, &err) != UT_OK)
        return 0;
    size_t step = data[0] + 1u;
    for (size_t at = 1; at < size; at += step)
        if (ut_eit_push(eit, data + at, size - at < step ? size - at : step, &err) != UT_OK)
            break;
    push_section(eit, data + 1, size - 1 < BODY_MAX ? size - 1 : BODY_MAX);
    if (ut_eit_schedule(eit, "f", &schedule, &err) == UT_OK)
        for (size_t i = 0; i < schedule.count; i++)
            if (!schedule.items[i].programme.title || schedule.items[i].end_ns <= schedule.items[i].start_ns)
                __builtin_trap();
    ut_schedule_clear(&schedule);
    ut_eit_close(&eit);
    return 0;
}
