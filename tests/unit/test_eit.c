/* EIT present/following, from packets made here by hand after EN 300 468. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "pipeline/schedule.h"

enum { PACKET = 188 };

typedef struct {
    uint8_t bytes[4096];
    size_t size;
} buffer;

static void put(buffer *b, unsigned value, int bytes)
{
    while (bytes-- > 0)
        b->bytes[b->size++] = (uint8_t)(value >> 8 * bytes);
}

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

/* One event: BCD start of the day 2026-11-21 (MJD 61365) and duration, both as 0xHHMMSS. */
static buffer section(int service, int number, int id, unsigned start, unsigned duration, const char *title,
                      const char *crid)
{
    buffer b = {0};
    size_t n = strlen(title), c = crid ? strlen(crid) : 0;
    size_t descriptors = 2 + 3 + 1 + n + 1 + (crid ? 2 + 2 + c : 0);
    put(&b, 0x4e, 1);
    put(&b, 0xf000 | (unsigned)(11 + 12 + descriptors + 4), 2);
    put(&b, (unsigned)service, 2);
    put(&b, 0xc1, 1); /* version 0, current */
    put(&b, (unsigned)number, 1);
    put(&b, 1, 1);
    put(&b, 1, 2);
    put(&b, 1, 2);
    put(&b, 1, 1);
    put(&b, 0x4e, 1);
    put(&b, (unsigned)id, 2);
    put(&b, 61365, 2);
    put(&b, start, 3);
    put(&b, duration, 3);
    put(&b, 0x8000 | (unsigned)descriptors, 2);
    put(&b, 0x4d, 1);
    put(&b, (unsigned)(3 + 1 + n + 1), 1);
    put(&b, 'e' << 16 | 'n' << 8 | 'g', 3);
    put(&b, (unsigned)n, 1);
    memcpy(b.bytes + b.size, title, n);
    b.size += n;
    put(&b, 0, 1);
    if (crid) {
        put(&b, 0x76, 1);
        put(&b, (unsigned)(2 + c), 1);
        put(&b, 0x31 << 2, 1);
        put(&b, (unsigned)c, 1);
        memcpy(b.bytes + b.size, crid, c);
        b.size += c;
    }
    put(&b, crc_mpeg(b.bytes, b.size), 4);
    return b;
}

static void packets(buffer *ts, const buffer *s, int *counter)
{
    for (size_t at = 0; at < s->size;) {
        size_t head = at == 0 ? 5 : 4, n = s->size - at < PACKET - head ? s->size - at : PACKET - head;
        put(ts, 0x47, 1);
        put(ts, (at == 0 ? 0x4000 : 0) | 0x12, 2);
        put(ts, 0x10 | ((*counter)++ & 15), 1);
        if (at == 0)
            put(ts, 0, 1);
        memcpy(ts->bytes + ts->size, s->bytes + at, n);
        memset(ts->bytes + ts->size + n, 0xff, PACKET - head - n);
        ts->size += PACKET - head;
        at += n;
    }
}

static void announce(buffer *ts, int *counter, buffer s)
{
    packets(ts, &s, counter);
}

static ut_status schedule_of(const buffer *ts, size_t step, int service, ut_schedule *out, ut_err *err)
{
    const ut_schedule_options options = {.channel = "one", .service = service};
    ut_eit *eit;
    assert_int_equal(ut_eit_open(&options, &eit, NULL), UT_OK);
    for (size_t at = 0; at < ts->size; at += step)
        assert_int_equal(ut_eit_push(eit, ts->bytes + at, ts->size - at < step ? ts->size - at : step, NULL), UT_OK);
    ut_status rc = ut_eit_schedule(eit, "f.ts", out, err);
    ut_eit_close(&eit);
    return rc;
}

static int64_t at(const char *text)
{
    int64_t ns;
    assert_int_equal(ut_time_parse(text, &ns, NULL), UT_OK);
    return ns;
}

static const char long_title[] =
    "A title that goes on for so long that its section cannot fit into one packet of a transport stream, which is "
    "what happens to real titles with real descriptions all the time, so here it is tried";

static void the_last_word_counts(void **state)
{
    (void)state;
    buffer ts = {0};
    int counter = 3;
    announce(&ts, &counter, section(7, 0, 100, 0x191500, 0x004500, "Crime", "crid://x.example/1"));
    announce(&ts, &counter, section(7, 1, 101, 0x200000, 0x010000, long_title, NULL));
    announce(&ts, &counter, section(7, 0, 100, 0x191500, 0x005000, "Crime", "crid://x.example/1")); /* runs late */
    announce(&ts, &counter, section(7, 0, 101, 0x200500, 0x010000, long_title, NULL));
    announce(&ts, &counter,
             section(7, 1, 102, 0x210500, 0x001000,
                     "\x05"
                     "Caf\xe9",
                     NULL)); /* 8859-9 */
    static const size_t steps[] = {1, 7, PACKET, 4096};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        ut_schedule s = {0};
        ut_err err = {0};
        if (schedule_of(&ts, steps[i], 0, &s, &err) != UT_OK)
            fail_msg("%s", err.text);
        assert_int_equal(s.count, 3);
        assert_string_equal(s.items[0].programme.title, "Crime");
        assert_string_equal(s.items[0].programme.key, "crid:crid://x.example/1");
        assert_int_equal(s.items[0].start_ns, at("2026-11-21T19:15:00Z"));
        assert_int_equal(s.items[0].end_ns, at("2026-11-21T20:05:00Z"));
        assert_int_equal(s.items[0].boundary, UT_BOUNDARY_ANNOUNCED);
        assert_string_equal(s.items[1].programme.title, long_title);
        assert_int_equal(s.items[1].start_ns, at("2026-11-21T20:05:00Z"));
        assert_int_equal(s.items[1].boundary, UT_BOUNDARY_ANNOUNCED);
        assert_string_equal(s.items[2].programme.title, "Café");
        assert_int_equal(s.items[2].boundary, UT_BOUNDARY_SCHEDULED);
        ut_schedule_clear(&s);
    }
}

static void services_are_told_apart(void **state)
{
    (void)state;
    buffer ts = {0};
    int counter = 0;
    ut_schedule s = {0};
    ut_err err = {0};
    announce(&ts, &counter, section(7, 0, 1, 0x100000, 0x010000, "Seven", NULL));
    announce(&ts, &counter, section(8, 0, 1, 0x100000, 0x010000, "Eight", NULL));
    assert_int_equal(schedule_of(&ts, PACKET, 0, &s, &err), UT_E_ARG);
    assert_non_null(strstr(err.text, "several services, 7 and 8"));
    assert_int_equal(schedule_of(&ts, PACKET, 8, &s, &err), UT_OK);
    assert_int_equal(s.count, 1);
    assert_string_equal(s.items[0].programme.title, "Eight");
    ut_schedule_clear(&s);
    assert_int_equal(schedule_of(&ts, PACKET, 9, &s, &err), UT_E_ARG);
}

static void damage_is_left_out(void **state)
{
    (void)state;
    buffer ts = {0}, whole = {0};
    int counter = 0;
    ut_schedule s = {0};
    ut_err err = {0};
    announce(&ts, &counter, section(7, 0, 1, 0x100000, 0x010000, "Flipped", NULL));
    ts.bytes[40] ^= 1; /* the CRC tells */
    assert_int_equal(schedule_of(&ts, PACKET, 0, &s, &err), UT_E_ARG);
    announce(&whole, &counter, section(7, 0, 1, 0x100000, 0x010000, long_title, NULL));
    memmove(whole.bytes + PACKET, whole.bytes + 2 * (size_t)PACKET,
            whole.size - 2 * (size_t)PACKET); /* a packet lost */
    whole.size -= PACKET;
    announce(&whole, &counter, section(7, 0, 2, 0x120000, 0x010000, "Whole", NULL));
    assert_int_equal(schedule_of(&whole, PACKET, 0, &s, &err), UT_OK);
    assert_int_equal(s.count, 1);
    assert_string_equal(s.items[0].programme.title, "Whole");
    ut_schedule_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_word_counts),
        cmocka_unit_test(services_are_told_apart),
        cmocka_unit_test(damage_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
