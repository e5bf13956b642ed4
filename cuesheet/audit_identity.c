#include "cuesheet/audit_identity.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/identifier.h"

/* Small letter of a two-byte UTF-8 capital (Latin-1, Greek, Cyrillic), in place. */
static void small_letter(unsigned char *c)
{
    unsigned code = (unsigned)(c[0] & 0x1F) << 6 | (c[1] & 0x3F);
    if ((code >= 0xC0 && code <= 0xDE && code != 0xD7) || (code >= 0x391 && code <= 0x3A9) ||
        (code >= 0x410 && code <= 0x42F))
        code += 0x20;
    else if ((code >= 0x100 && code <= 0x137) || (code >= 0x14A && code <= 0x177))
        code |= 1;
    c[0] = (unsigned char)(0xC0 | code >> 6);
    c[1] = (unsigned char)(0x80 | (code & 0x3F));
}

/* `out` holds as much as `text`. */
static void fold_into(const char *text, size_t size, char *out)
{
    size_t n = 0;
    for (const char *c = text; c < text + size; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte >= 0x80) {
            out[n++] = *c;
            if ((byte & 0xC0) == 0x80 && n > 1 && ((unsigned char)out[n - 2] & 0xE0) == 0xC0)
                small_letter((unsigned char *)out + n - 2);
        } else if (isalnum(byte)) {
            out[n++] = (char)tolower(byte);
        } else if (n > 0 && out[n - 1] != ' ' && byte != '\'') {
            out[n++] = ' ';
        }
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

char *ut_fold(const char *text)
{
    size_t size = strlen(text);
    char *out = malloc(size + 1);
    if (out)
        fold_into(text, size, out);
    return out;
}

static bool fold_to(const char *text, char **out)
{
    return !text || (*out = ut_fold(text)) != NULL;
}

ut_status ut_identity_open(const ut_recording *rec, ut_identity *out, ut_err *err)
{
    ut_identity id = {.parties = rec->parties, .party_count = rec->party_count};
    if (rec->isrc && !ut_isrc_parse(rec->isrc, id.isrc))
        id.isrc[0] = '\0';
    if (rec->iswc && !ut_iswc_parse(rec->iswc, id.iswc))
        id.iswc[0] = '\0';
    char *number = NULL;
    bool ok = fold_to(rec->title, &id.title) && fold_to(rec->work, &id.work) && fold_to(rec->artist, &id.artist) &&
              fold_to(rec->catalogue_no, &number);
    if (ok && number && *number && rec->library) {
        char *library = ut_fold(rec->library);
        size_t size = library ? strlen(library) + strlen(number) + 2 : 0;
        ok = library && (id.catalogue = malloc(size)) != NULL;
        if (ok) {
            strcpy(id.catalogue, library);
            strcat(id.catalogue, "|");
            strcat(id.catalogue, number);
        }
        free(library);
    }
    free(number);
    if (!ok) {
        ut_identity_clear(&id);
        return ut_fail(err, UT_E_NOMEM, "audit: out of memory");
    }
    *out = id;
    return UT_OK;
}

void ut_identity_clear(ut_identity *identity)
{
    free(identity->title);
    free(identity->work);
    free(identity->artist);
    free(identity->catalogue);
    *identity = (ut_identity){0};
}

static bool given(const char *text)
{
    return text && *text;
}

static bool equal(const char *a, const char *b)
{
    return given(a) && given(b) && strcmp(a, b) == 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "Lovelace, Ada" and "Ada Lovelace" are one name: the words in order. Beyond NAME bytes names are not told apart. */
static bool same_name(const char *a, const char *b)
{
    enum { WORDS = 12, NAME = 256 };
    const char *const names[2] = {a, b};
    char texts[2][NAME], *words[2][WORDS];
    size_t counts[2] = {0};
    for (int side = 0; side < 2; side++) {
        char *rest = NULL;
        fold_into(names[side], strnlen(names[side], NAME - 1), texts[side]);
        for (char *w = strtok_r(texts[side], " ", &rest); w && counts[side] < WORDS; w = strtok_r(NULL, " ", &rest))
            words[side][counts[side]++] = w;
        qsort(words[side], counts[side], sizeof words[side][0], by_text);
    }
    bool same = counts[0] == counts[1] && counts[0] > 0;
    for (size_t i = 0; same && i < counts[0]; i++)
        same = strcmp(words[0][i], words[1][i]) == 0;
    return same;
}

static bool creator(const ut_party *party)
{
    return party->role != UT_ROLE_PUBLISHER && party->role != UT_ROLE_SUBPUBLISHER && given(party->name);
}

typedef enum { CREATORS_UNKNOWN, CREATORS_DIFFER, CREATORS_SAME } creators;

/* Whether anybody who made the one made the other; unknown unless both name somebody. */
static creators creators_compare(const ut_identity *a, const ut_identity *b)
{
    creators found = CREATORS_UNKNOWN;
    for (size_t i = 0; i < a->party_count; i++) {
        for (size_t k = 0; creator(&a->parties[i]) && k < b->party_count; k++) {
            const ut_party *one = &a->parties[i], *two = &b->parties[k];
            if (!creator(two))
                continue;
            if (equal(one->ipi, two->ipi) || same_name(one->name, two->name))
                return CREATORS_SAME;
            found = CREATORS_DIFFER;
        }
    }
    return found;
}

static bool title_same(const ut_identity *a, const ut_identity *b)
{
    return equal(a->title, b->title) || equal(a->title, b->work) || equal(a->work, b->title) || equal(a->work, b->work);
}

ut_sameness ut_identity_compare(const ut_identity *a, const ut_identity *b)
{
    bool other_recording = false;
    if (equal(a->catalogue, b->catalogue) || equal(a->isrc, b->isrc))
        return UT_SAME_RECORDING;
    if (given(a->isrc) && given(b->isrc))
        other_recording = true;
    bool artists = given(a->artist) && given(b->artist), artist_same = equal(a->artist, b->artist);
    if (equal(a->iswc, b->iswc)) {
        other_recording |= artists && !artist_same;
        return other_recording ? UT_SAME_WORK_ONLY : UT_SAME_WORK;
    }
    creators who = creators_compare(a, b);
    if ((given(a->iswc) && given(b->iswc)) || !title_same(a, b) || who == CREATORS_DIFFER)
        return UT_SAME_NOT;
    if (other_recording)
        return UT_SAME_WORK_ONLY;
    if (artist_same)
        return UT_SAME_RECORDING;
    if (!artists)
        return UT_SAME_WORK;
    /* One title by two artists: versions of one work if who made it says so, else two songs of one name. */
    return who == CREATORS_SAME ? UT_SAME_WORK_ONLY : UT_SAME_NOT;
}
