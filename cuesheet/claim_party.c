#include "cuesheet/claim_party.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/identifier.h"

#define MAX_PARTIES 256

void ut_claim_note(ut_claim *claim, const char *text)
{
    size_t used = strlen(claim->note);
    snprintf(claim->note + used, sizeof claim->note - used, "%s%s", used ? "; " : "", text);
}

ut_use ut_claim_use(const char *usage)
{
    static const struct {
        const char *word;
        ut_use use;
    } words[] = {
        {"bi", UT_USE_BACKGROUND},         {"bv", UT_USE_BACKGROUND},
        {"b", UT_USE_BACKGROUND},          {"bg", UT_USE_BACKGROUND},
        {"bgm", UT_USE_BACKGROUND},        {"background", UT_USE_BACKGROUND},
        {"underscore", UT_USE_BACKGROUND}, {"background instrumental", UT_USE_BACKGROUND},
        {"bed", UT_USE_BACKGROUND},        {"background vocal", UT_USE_BACKGROUND},
        {"fi", UT_USE_FOREGROUND},         {"fv", UT_USE_FOREGROUND},
        {"f", UT_USE_FOREGROUND},          {"fg", UT_USE_FOREGROUND},
        {"foreground", UT_USE_FOREGROUND}, {"featured", UT_USE_FOREGROUND},
        {"feature", UT_USE_FOREGROUND},    {"indistinguishablebackground", UT_USE_INDISTINGUISHABLE},
    };
    char word[40];
    size_t n = 0;
    for (; usage[n] && n + 1 < sizeof word; n++)
        word[n] = (char)tolower((unsigned char)usage[n]);
    word[n] = '\0';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].word, word) == 0)
            return words[i].use;
    return UT_USE_UNKNOWN; /* visual uses, themes, logos: what the audio cannot tell, or another question */
}

static ut_status copy(const char *text, size_t size, char **out, ut_err *err)
{
    if (size == 0)
        return UT_OK;
    char *made = strndup(text, size);
    if (!made)
        return ut_fail(err, UT_E_NOMEM, "out of memory");
    free(*out);
    *out = made;
    return UT_OK;
}

static ut_status party_add(ut_claim *claim, ut_role role, ut_party **out, ut_err *err)
{
    ut_recording *rec = &claim->what;
    if (rec->party_count == MAX_PARTIES)
        return ut_fail(err, UT_E_ARG, "more than %d parties", MAX_PARTIES);
    ut_party *grown = reallocarray(rec->parties, rec->party_count + 1, sizeof *grown);
    if (!grown)
        return ut_fail(err, UT_E_NOMEM, "out of memory");
    rec->parties = grown;
    *out = &grown[rec->party_count++];
    **out = (ut_party){.role = role, .share = NAN};
    return UT_OK;
}

static ut_status set_ipi(ut_claim *claim, ut_party *party, const char *text, size_t size, ut_err *err)
{
    char raw[32], ipi[12];
    if (size == 0)
        return UT_OK;
    snprintf(raw, sizeof raw, "%.*s", (int)size, text);
    if (size < sizeof raw && ut_ipi_parse(raw, ipi))
        return copy(ipi, strlen(ipi), &party->ipi, err);
    ut_claim_note(claim, "IPI not valid");
    return UT_OK;
}

/* "50", "0.5", "33.3 %": of the work, 0 to 1; a number up to 1 without a percent sign is a fraction. */
static void set_share(ut_claim *claim, ut_party *party, const char *text, size_t size)
{
    double value = 0, scale = 1;
    size_t i = 0;
    if (size == 0)
        return;
    for (; i < size && i < 4 && isdigit((unsigned char)text[i]); i++)
        value = 10 * value + (text[i] - '0');
    if (i < size && (text[i] == '.' || text[i] == ','))
        for (i++; i < size && isdigit((unsigned char)text[i]); i++)
            if (scale < 1e9) {
                value = 10 * value + (text[i] - '0');
                scale *= 10;
            }
    while (i < size && text[i] == ' ')
        i++;
    bool percent = i < size && text[i] == '%';
    value /= scale;
    if (percent || value > 1)
        value /= 100;
    if (i + percent == size && value <= 1)
        party->share = value;
    else
        ut_claim_note(claim, "share not valid");
}

/* Cuts a piece off at any of `stops`, without the spaces around it. */
static const char *piece(const char **text, const char *end, const char *stops, size_t *size)
{
    const char *start = *text, *stop = start;
    while (stop < end && !strchr(stops, *stop))
        stop++;
    *text = stop < end ? stop + 1 : end;
    while (start < stop && isspace((unsigned char)*start))
        start++;
    while (stop > start && isspace((unsigned char)stop[-1]))
        stop--;
    *size = (size_t)(stop - start);
    return start;
}

/* "Ann Lee|00017798450|PRS|50; Bob Roe", or "Ann Lee / Bob Roe". */
static ut_status list_read(const ut_columns *columns, const ut_grid_row *row, ut_column column, ut_role role,
                           ut_claim *claim, ut_err *err)
{
    size_t size, n;
    const char *at = ut_columns_cell(columns, row, column, &size), *end = at + size;
    const char *stops = memchr(at, ';', size) || memchr(at, '|', size) ? ";" : "/;";
    while (at < end) {
        ut_party *party;
        const char *one = piece(&at, end, stops, &size), *one_end = one + size;
        if (size == 0)
            continue;
        ut_status rc = party_add(claim, role, &party, err);
        const char *part = piece(&one, one_end, "|", &n);
        if (rc == UT_OK)
            rc = copy(part, n, &party->name, err);
        part = piece(&one, one_end, "|", &n);
        if (rc == UT_OK)
            rc = set_ipi(claim, party, part, n, err);
        part = piece(&one, one_end, "|", &n);
        if (rc == UT_OK)
            rc = copy(part, n, &party->society, err);
        part = piece(&one, one_end, "|", &n);
        if (rc != UT_OK)
            return rc;
        set_share(claim, party, part, n);
    }
    return UT_OK;
}

static ut_role role_of(const char *text, size_t size, bool publisher)
{
    if (size == 2 && strncasecmp(text, "SE", 2) == 0)
        return UT_ROLE_SUBPUBLISHER;
    if (publisher || (size == 1 && toupper((unsigned char)*text) == 'E'))
        return UT_ROLE_PUBLISHER;
    if (size == 1 && toupper((unsigned char)*text) == 'A')
        return UT_ROLE_AUTHOR;
    if (size == 2 && strncasecmp(text, "AR", 2) == 0)
        return UT_ROLE_ARRANGER;
    return UT_ROLE_COMPOSER;
}

static ut_status rapidcue_party(const ut_columns *columns, const ut_grid_row *row, ut_claim *claim, ut_err *err)
{
    char name[512];
    size_t first_size, last_size, publisher_size, size;
    const char *first = ut_columns_cell(columns, row, UT_C_FIRST, &first_size);
    const char *last = ut_columns_cell(columns, row, UT_C_LAST, &last_size);
    const char *publisher = ut_columns_cell(columns, row, UT_C_PUBLISHERS, &publisher_size);
    const char *text = ut_columns_cell(columns, row, UT_C_ROLE, &size);
    ut_party *party;
    if (first_size + last_size + publisher_size == 0)
        return UT_OK;
    ut_status rc = party_add(claim, role_of(text, size, publisher_size > 0), &party, err);
    if (rc != UT_OK)
        return rc;
    if (publisher_size > 0)
        snprintf(name, sizeof name, "%.*s", (int)publisher_size, publisher);
    else
        snprintf(name, sizeof name, "%.*s%s%.*s", (int)first_size, first, first_size && last_size ? " " : "",
                 (int)last_size, last);
    rc = copy(name, strlen(name), &party->name, err);
    text = ut_columns_cell(columns, row, UT_C_IPI, &size);
    if (rc == UT_OK)
        rc = set_ipi(claim, party, text, size, err);
    text = ut_columns_cell(columns, row, UT_C_SOCIETY, &size);
    if (rc == UT_OK)
        rc = copy(text, size, &party->society, err);
    text = ut_columns_cell(columns, row, UT_C_SHARE, &size);
    set_share(claim, party, text, size);
    return rc;
}

/* The row's society is that of its parties that have none; its IPI and share are those of an only party. */
static ut_status spread(const ut_columns *columns, const ut_grid_row *row, ut_claim *claim, ut_err *err)
{
    size_t size, ipi_size, share_size;
    const char *society = ut_columns_cell(columns, row, UT_C_SOCIETY, &size);
    const char *ipi = ut_columns_cell(columns, row, UT_C_IPI, &ipi_size);
    const char *share = ut_columns_cell(columns, row, UT_C_SHARE, &share_size);
    ut_party *party;
    ut_status rc = UT_OK;
    if (claim->what.party_count == 0 && size > 0) {
        rc = party_add(claim, UT_ROLE_COMPOSER, &party, err);
        if (rc == UT_OK)
            rc = copy(society, size, &party->society, err);
    }
    for (size_t i = 0; rc == UT_OK && i < claim->what.party_count; i++)
        if (!claim->what.parties[i].society)
            rc = copy(society, size, &claim->what.parties[i].society, err);
    if (rc == UT_OK && claim->what.party_count == 1) {
        rc = set_ipi(claim, &claim->what.parties[0], ipi, ipi_size, err);
        set_share(claim, &claim->what.parties[0], share, share_size);
    }
    return rc;
}

ut_status ut_claim_parties(const ut_columns *columns, const ut_grid_row *row, ut_claim *claim, ut_err *err)
{
    static const struct {
        ut_column column;
        ut_role role;
    } lists[] = {
        {UT_C_COMPOSERS, UT_ROLE_COMPOSER},
        {UT_C_AUTHORS, UT_ROLE_AUTHOR},
        {UT_C_ARRANGERS, UT_ROLE_ARRANGER},
        {UT_C_PUBLISHERS, UT_ROLE_PUBLISHER},
    };
    if (columns->at[UT_C_LAST] >= 0)
        return rapidcue_party(columns, row, claim, err);
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < sizeof lists / sizeof *lists; i++)
        rc = list_read(columns, row, lists[i].column, lists[i].role, claim, err);
    return rc == UT_OK ? spread(columns, row, claim, err) : rc;
}
