#include "core/text.h"

#include <stdint.h>
#include <string.h>

/* Bytes of the character at `text`, 0 if it is not one. */
static size_t utf8_step(const unsigned char *text, size_t left)
{
    size_t n = text[0] < 0x80   ? 1
               : text[0] < 0xC2 ? 0
               : text[0] < 0xE0 ? 2
               : text[0] < 0xF0 ? 3
               : text[0] < 0xF5 ? 4
                                : 0;
    if (n < 2 || n > left)
        return n <= left ? n : 0;
    uint32_t c = text[0] & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (text[i] & 0x3F);
    }
    if ((n == 3 && c < 0x800) || (n == 4 && (c < 0x10000 || c > 0x10FFFF)) || (c >= 0xD800 && c < 0xE000))
        return 0;
    return n;
}

size_t ut_utf8_span(const char *text, size_t size)
{
    size_t at = 0, n;
    while (at < size && (n = utf8_step((const unsigned char *)text + at, size - at)) > 0)
        at += n;
    return at;
}

char *ut_utf8_clean(char *text)
{
    size_t size = strlen(text), at = 0;
    while ((at += ut_utf8_span(text + at, size - at)) < size)
        text[at] = '?';
    return text;
}
