#include "core/identifier.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* `text` in upper case without spaces and the separators given; false if it does not fit `size`. */
static bool compact(const char *text, const char *separators, char *out, size_t size)
{
    size_t n = 0;
    for (; *text; text++) {
        if (*text == ' ' || strchr(separators, *text))
            continue;
        if (n + 1 == size)
            return false;
        out[n++] = (char)toupper((unsigned char)*text);
    }
    out[n] = '\0';
    return true;
}

static bool upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

bool ut_isrc_parse(const char *text, char out[13])
{
    char code[32];
    if (!compact(text, "-", code, sizeof code))
        return false;
    const char *isrc = strncmp(code, "ISRC", 4) == 0 ? code + 4 : code;
    if (strlen(isrc) != 12 || !upper(isrc[0]) || !upper(isrc[1]))
        return false;
    for (int i = 2; i < 12; i++) {
        if (!digit(isrc[i]) && (i > 4 || !upper(isrc[i])))
            return false;
    }
    memcpy(out, isrc, 13);
    return true;
}

bool ut_iswc_parse(const char *text, char out[16])
{
    char code[32];
    if (!compact(text, "-.", code, sizeof code))
        return false;
    const char *iswc = strncmp(code, "ISWC", 4) == 0 ? code + 4 : code;
    if (strlen(iswc) != 11 || iswc[0] != 'T')
        return false;
    int sum = 1;
    for (int i = 1; i < 11; i++) {
        if (!digit(iswc[i]))
            return false;
        sum += i < 10 ? i * (iswc[i] - '0') : iswc[i] - '0';
    }
    if (sum % 10 != 0)
        return false;
    snprintf(out, 16, "T-%.3s.%.3s.%.3s-%c", iswc + 1, iswc + 4, iswc + 7, iswc[10]);
    return true;
}

bool ut_ipi_parse(const char *text, char out[12])
{
    char code[32], ipi[12] = "00000000000";
    if (!compact(text, ".-", code, sizeof code))
        return false;
    size_t n = strlen(code);
    if (n == 0 || n > 11 || strspn(code, "0123456789") != n)
        return false;
    memcpy(ipi + 11 - n, code, n);
    int sum = 0;
    for (int i = 0; i < 9; i++)
        sum += (10 - i) * (ipi[i] - '0');
    int check = (101 - sum % 101) % 101 % 100;
    if (sum == 0 || 10 * (ipi[9] - '0') + (ipi[10] - '0') != check)
        return false;
    memcpy(out, ipi, sizeof ipi);
    return true;
}
