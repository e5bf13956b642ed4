#include "pipeline/parties.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/identifier.h"

/* Cuts `text` at the next `separator`; gives the part without the spaces around it, NULL when there
 * is none left. */
static char *part(char **text, char separator)
{
    char *start = *text;
    if (!start)
        return NULL;
    char *end = strchr(start, separator);
    *text = end ? end + 1 : NULL;
    if (!end)
        end = start + strlen(start);
    while (end > start && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\n' || end[-1] == '\r'))
        end--;
    *end = '\0';
    return start + strspn(start, " \t\r\n");
}

/* "50", "33.33", "12,5 %": percent; not strtod, which goes by the locale. */
static bool share_parse(const char *text, double *out)
{
    double value = 0, scale = 1;
    size_t whole = strspn(text, "0123456789");
    for (size_t i = 0; i < whole; i++)
        value = 10 * value + (text[i] - '0');
    text += whole;
    if (*text == '.' || *text == ',') {
        size_t digits = strspn(++text, "0123456789");
        for (size_t i = 0; i < digits && i < 9; i++) {
            value = 10 * value + (text[i] - '0');
            scale *= 10;
        }
        text += digits;
    }
    text += strspn(text, " ");
    if (whole == 0 || whole > 3 || (*text && strcmp(text, "%") != 0) || value > 100 * scale)
        return false;
    *out = value / scale / 100;
    return true;
}

static ut_status text_set(char **out, const char *value, ut_err *err)
{
    if (value && *value && !(*out = strdup(value)))
        return ut_fail(err, UT_E_NOMEM, "out of memory");
    return UT_OK;
}

static ut_status party_parse(const char *column, char *text, ut_party *party, ut_err *err)
{
    char *name = part(&text, '|'), *ipi = part(&text, '|'), *society = part(&text, '|'), *share = part(&text, '|');
    char code[12];
    if (!*name)
        return ut_fail(err, UT_E_ARG, "%s: a party without a name; write Name|IPI|society|share", column);
    if (text)
        return ut_fail(err, UT_E_ARG, "%s: \"%.60s\" has more than four parts; write Name|IPI|society|share", column,
                       name);
    if (ipi && *ipi && !ut_ipi_parse(ipi, code))
        return ut_fail(err, UT_E_ARG,
                       "%s: \"%.60s\": ipi \"%.20s\" is not one (check digits); correct it or leave it"
                       " empty",
                       column, name, ipi);
    if (share && *share && !share_parse(share, &party->share))
        return ut_fail(err, UT_E_ARG, "%s: \"%.60s\": share \"%.20s\" is not a percentage of 0 to 100", column, name,
                       share);
    ut_status rc = text_set(&party->name, name, err);
    if (rc == UT_OK)
        rc = text_set(&party->ipi, ipi && *ipi ? code : NULL, err);
    if (rc == UT_OK)
        rc = text_set(&party->society, society, err);
    return rc;
}

ut_status ut_parties_parse(const char *column, char *cell, ut_role role, ut_recording *rec, ut_err *err)
{
    double total = 0;
    for (char *text = part(&cell, ';'); text; text = part(&cell, ';')) {
        if (!*text)
            continue;
        ut_party *grown = reallocarray(rec->parties, rec->party_count + 1, sizeof *grown);
        if (!grown)
            return ut_fail(err, UT_E_NOMEM, "out of memory");
        rec->parties = grown;
        ut_party *party = &grown[rec->party_count++];
        *party = (ut_party){.role = role, .share = NAN};
        ut_status rc = party_parse(column, text, party, err);
        if (rc != UT_OK)
            return rc;
        total += isnan(party->share) ? 0 : party->share;
    }
    if (total > 1.0001) /* thirds may be rounded up */
        return ut_fail(err, UT_E_ARG, "%s: shares add up to %.4g %%; they are of the whole work", column, 100 * total);
    return UT_OK;
}
