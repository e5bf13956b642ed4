#include "tests/unit/support.h"

#include <string.h>

#include "pipeline/truncation.h"

static bool is_cut(const char *container, const uint8_t *data, size_t size)
{
    return ut_is_cut(container, data, size, 0, data, size, size);
}

static void wav(void **state)
{
    (void)state;
    uint8_t file[44 + 100] = "RIFF\x88\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data\x64\0\0\0";
    assert_false(is_cut("audio/x-wav", file, sizeof file));
    assert_true(is_cut("audio/x-wav", file, sizeof file - 1));
    assert_true(is_cut("audio/x-wav", file, 44));
    assert_false(is_cut("audio/x-wav", file, 43)); /* not even a size: nothing is known */
    memset(file + 40, 0xff, 4);                    /* a stream that was not closed */
    assert_false(is_cut("audio/x-wav", file, 60));
}

static size_t page(uint8_t *p, int flags, size_t body)
{
    memset(p, 0, 28 + body);
    memcpy(p, "OggS", 4);
    p[5] = (uint8_t)flags;
    p[26] = 1;
    p[27] = (uint8_t)body;
    return 28 + body;
}

static void ogg(void **state)
{
    (void)state;
    uint8_t file[600];
    size_t size = page(file, 2, 200), whole = size + page(file + size, 4, 100);
    assert_false(is_cut("application/ogg", file, whole));
    for (size_t cut = 1; cut < whole; cut++)
        assert_true(is_cut("application/ogg", file, cut));
    page(file + size, 0, 100);
    assert_true(is_cut("application/ogg", file, whole)); /* whole pages, no end */
}

static void mpegts(void **state)
{
    (void)state;
    uint8_t file[204 * 8] = {0};
    static const struct {
        size_t packet, sync;
    } forms[] = {{188, 0}, {192, 4}, {204, 0}};
    for (size_t i = 0; i < 3; i++) {
        memset(file, 0, sizeof file);
        for (size_t n = 0; n < 8; n++)
            file[n * forms[i].packet + forms[i].sync] = 0x47;
        assert_false(is_cut("video/mpegts", file, 8 * forms[i].packet));
        assert_true(is_cut("video/mpegts", file, 8 * forms[i].packet - 50));
    }
}

static void mp3(void **state)
{
    (void)state;
    uint8_t file[1000] = {0xff, 0xfb, 0x90, 0x00};
    memcpy(file + 36, "Xing\0\0\0\3\0\0\0\x05\0\0\x03\xe8", 16); /* 5 frames, 1,000 bytes */
    assert_false(is_cut("audio/mpeg", file, 1000));
    assert_true(is_cut("audio/mpeg", file, 999));
    assert_true(ut_is_cut("audio/mpeg", file, 1000, 200, file, 1000, 1199)); /* after an ID3 tag of 200 */
    assert_false(ut_is_cut("audio/mpeg", file, 1000, 200, file, 1000, 1200));
    file[43] = 1; /* the frame tells no bytes */
    assert_false(is_cut("audio/mpeg", file, 500));
}

static void others_are_never_cut(void **state)
{
    (void)state;
    uint8_t file[1000] = {0xff, 0xf1};
    assert_false(is_cut("audio/x-ac3", file, sizeof file));
    assert_false(is_cut("", file, 0));
    assert_false(ut_file_is_cut("/no/such/file.wav", "audio/x-wav"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wav),
        cmocka_unit_test(ogg),
        cmocka_unit_test(mpegts),
        cmocka_unit_test(mp3),
        cmocka_unit_test(others_are_never_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
