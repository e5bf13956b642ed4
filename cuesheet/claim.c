#include "cuesheet/claim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/identifier.h"
#include "cuesheet/claim_columns.h"
#include "cuesheet/claim_party.h"
#include "cuesheet/claim_time.h"

typedef struct {
    const ut_claim_rules *rules;
    ut_columns columns;
    ut_claims claims;
    size_t capacity;
    bool headed;     /* a header was found */
    bool semicolons; /* the first row is one cell with semicolons inside */
    size_t rows;     /* looked through for the header */
} reader;

static void claim_clear(ut_claim *claim)
{
    ut_recording_clear(&claim->what);
    free(claim->usage);
}

void ut_claims_clear(ut_claims *claims)
{
    for (size_t i = 0; i < claims->count; i++)
        claim_clear(&claims->items[i]);
    free(claims->items);
    *claims = (ut_claims){0};
}

/* --- cells ----------------------------------------------------------------------------------- */

static ut_status text_cell(const reader *r, const ut_grid_row *row, ut_column column, char **out, ut_err *err)
{
    size_t size;
    const char *text = ut_columns_cell(&r->columns, row, column, &size);
    if (size > 0 && !(*out = strndup(text, size)))
        return ut_fail(err, UT_E_NOMEM, "out of memory");
    return UT_OK;
}

/* The cell in `buf`; too long for it: cut, which no time survives. */
static bool short_cell(const reader *r, const ut_grid_row *row, ut_column column, char buf[64])
{
    size_t size;
    const char *text = ut_columns_cell(&r->columns, row, column, &size);
    snprintf(buf, 64, "%.*s", size < 60 ? (int)size : 60, text);
    return size > 0;
}

/* Hours, minutes and seconds in cells of their own. */
static ut_status parts_cell(const reader *r, const ut_grid_row *row, ut_column first, int count, int64_t *ns,
                            bool *given, ut_err *err)
{
    char buf[64];
    int64_t total_s = 0;
    *given = false;
    for (int i = 0; i < count; i++) {
        int64_t part = 0;
        if (short_cell(r, row, (ut_column)(first + i), buf)) {
            *given = true;
            ut_status rc = ut_claim_duration(buf, &part, err);
            if (rc != UT_OK)
                return rc;
        }
        total_s = i + 1 < count ? 60 * (total_s + part / UT_NS_PER_S) : total_s;
        *ns = total_s * UT_NS_PER_S + part;
    }
    return UT_OK;
}

/* Start and end of the claim. *given: the row has a time at all. */
static ut_status times_read(const reader *r, const ut_grid_row *row, ut_claim *claim, bool *given, ut_err *err)
{
    char buf[64], date[64];
    bool has_end = false, has_duration = false;
    int64_t duration_ns = 0, ns = 0;
    ut_status rc = UT_OK;
    (void)short_cell(r, row, UT_C_DATE, date);
    if ((*given = short_cell(r, row, UT_C_START, buf)))
        rc = ut_claim_time(buf, date, r->rules, &claim->start_ns, err);
    else if (r->columns.at[UT_C_IN_S] >= 0) {
        rc = parts_cell(r, row, UT_C_IN_H, 3, &ns, given, err);
        claim->start_ns = r->rules->origin_ns + ns;
    }
    if (rc != UT_OK || !*given)
        return rc;
    if ((has_end = short_cell(r, row, UT_C_END, buf)))
        rc = ut_claim_time(buf, date, r->rules, &claim->end_ns, err);
    else if (r->columns.at[UT_C_OUT_S] >= 0) {
        rc = parts_cell(r, row, UT_C_OUT_H, 3, &ns, &has_end, err);
        claim->end_ns = r->rules->origin_ns + ns;
    }
    if (rc == UT_OK && !has_end) {
        if ((has_duration = short_cell(r, row, UT_C_DURATION, buf)))
            rc = ut_claim_duration(buf, &duration_ns, err);
        else if (r->columns.at[UT_C_DUR_S] >= 0)
            rc = parts_cell(r, row, UT_C_DUR_M, 2, &duration_ns, &has_duration, err);
        claim->end_ns = claim->start_ns + duration_ns;
    }
    if (rc != UT_OK)
        return rc;
    if (!has_end && !has_duration)
        return ut_fail(err, UT_E_ARG, "a start but neither an end nor a duration");
    bool clock_only = has_end && claim->end_ns <= claim->start_ns && (*date || r->rules->date);
    if (clock_only && claim->end_ns + 24 * 3600 * UT_NS_PER_S - claim->start_ns <= 12 * 3600 * UT_NS_PER_S)
        claim->end_ns += 24 * 3600 * UT_NS_PER_S; /* over midnight */
    if (claim->end_ns <= claim->start_ns)
        return ut_fail(err, UT_E_ARG, "the end is not after the start");
    return UT_OK;
}

/* Identifiers in their canonical form; a bad one says nothing. */
static ut_status identifiers_read(const reader *r, const ut_grid_row *row, ut_claim *claim, ut_err *err)
{
    char buf[64], isrc[13], iswc[16];
    if (short_cell(r, row, UT_C_ISRC, buf)) {
        if (!ut_isrc_parse(buf, isrc))
            ut_claim_note(claim, "ISRC not valid");
        else if (!(claim->what.isrc = strdup(isrc)))
            return ut_fail(err, UT_E_NOMEM, "out of memory");
    }
    if (short_cell(r, row, UT_C_ISWC, buf)) {
        if (!ut_iswc_parse(buf, iswc))
            ut_claim_note(claim, "ISWC not valid");
        else if (!(claim->what.iswc = strdup(iswc)))
            return ut_fail(err, UT_E_NOMEM, "out of memory");
    }
    return UT_OK;
}

/* --- rows ------------------------------------------------------------------------------------ */

static ut_status claim_read(const reader *r, const ut_grid_row *row, ut_claim *claim, bool *timed, ut_err *err)
{
    const struct {
        ut_column column;
        char **out;
    } texts[] = {
        {UT_C_TITLE, &claim->what.title},     {UT_C_ARTIST, &claim->what.artist},
        {UT_C_WORK, &claim->what.work},       {UT_C_LABEL, &claim->what.label},
        {UT_C_LIBRARY, &claim->what.library}, {UT_C_CATALOGUE_NO, &claim->what.catalogue_no},
        {UT_C_USAGE, &claim->usage},
    };
    claim->row = row->row;
    ut_status rc = times_read(r, row, claim, timed, err);
    for (size_t i = 0; rc == UT_OK && i < sizeof texts / sizeof *texts; i++)
        rc = text_cell(r, row, texts[i].column, texts[i].out, err);
    if (rc == UT_OK)
        rc = identifiers_read(r, row, claim, err);
    if (rc == UT_OK)
        rc = ut_claim_parties(&r->columns, row, claim, err);
    claim->use = claim->usage ? ut_claim_use(claim->usage) : UT_USE_UNKNOWN;
    return rc;
}

/* A row without a time adds its party to the claim above. */
static ut_status claim_continue(reader *r, const ut_grid_row *row, const ut_claim *more, ut_err *err)
{
    const char *title = more->what.title;
    if (!title && !more->usage && more->what.party_count == 0)
        return UT_OK; /* a remark, a sum, an empty line */
    ut_claim *claim = r->claims.count ? &r->claims.items[r->claims.count - 1] : NULL;
    bool same = claim && (!title || (claim->what.title && strcmp(title, claim->what.title) == 0));
    if (!same || r->columns.at[UT_C_LAST] < 0)
        return ut_fail(err, UT_E_ARG, "no start time");
    return ut_claim_parties(&r->columns, row, claim, err);
}

static ut_status claim_add(reader *r, const ut_claim *claim, ut_err *err)
{
    const ut_recording *what = &claim->what;
    if (!what->title && !what->work && !what->isrc && !what->iswc && !what->catalogue_no)
        return ut_fail(err, UT_E_ARG, "no music is named; title, work, isrc, iswc or catalogue_no is needed");
    if (r->claims.count == UT_CLAIM_ROWS)
        return ut_fail(err, UT_E_ARG, "more than %d claims; split the file", UT_CLAIM_ROWS);
    if (r->claims.count == r->capacity) {
        size_t capacity = r->capacity ? 2 * r->capacity : 64;
        ut_claim *grown = reallocarray(r->claims.items, capacity, sizeof *grown);
        if (!grown)
            return ut_fail(err, UT_E_NOMEM, "%zu claims", capacity);
        r->claims.items = grown;
        r->capacity = capacity;
    }
    r->claims.items[r->claims.count++] = *claim;
    return UT_OK;
}

static ut_status read_row(void *arg, const ut_grid_row *row, ut_err *err)
{
    reader *r = arg;
    ut_claim claim = {0};
    bool timed = false;
    if (row->row <= r->columns.header_row)
        return UT_OK;
    ut_status rc = claim_read(r, row, &claim, &timed, err);
    if (rc == UT_OK && timed)
        rc = claim_add(r, &claim, err);
    else if (rc == UT_OK)
        rc = claim_continue(r, row, &claim, err);
    if (rc != UT_OK || !timed)
        claim_clear(&claim);
    if (rc != UT_OK)
        ut_err_prefix(err, "%s:%zu", r->rules->name, row->row);
    return rc;
}

static ut_status find_header(void *arg, const ut_grid_row *row, ut_err *err)
{
    reader *r = arg;
    if (row->row > UT_HEADER_WITHIN)
        return UT_E_STOPPED;
    if (r->rows++ == 0)
        r->semicolons = row->count == 1 && strchr(row->cells[0], ';') != NULL;
    ut_status rc = ut_columns_read(r->rules->name, row, &r->columns, err);
    if (rc == UT_E_NOTFOUND)
        return UT_OK; /* the next, please */
    r->headed = rc == UT_OK;
    return r->headed ? UT_E_STOPPED : rc;
}

ut_status ut_claims_parse(const char *data, size_t size, const ut_claim_rules *rules, ut_claims *out, ut_err *err)
{
    reader r = {.rules = rules};
    ut_status rc = ut_grid_each(rules->name, rules->sheet, data, size, find_header, &r, err);
    if (rc != UT_OK && rc != UT_E_STOPPED)
        return rc;
    rc = UT_OK;
    if (!r.headed) {
        ut_columns_rapidcue(&r.columns);
        if (r.semicolons)
            rc = ut_fail(err, UT_E_ARG, "%s:1: fields are separated by semicolons; save it with commas", rules->name);
    }
    if (rc == UT_OK)
        rc = ut_grid_each(rules->name, rules->sheet, data, size, read_row, &r, err);
    if (!r.headed && !r.semicolons && (rc == UT_E_ARG || (rc == UT_OK && r.claims.count == 0)))
        rc = ut_fail(err, UT_E_ARG,
                     "%s: no header within %d rows: one that names start, end or duration, and title, work, isrc or "
                     "iswc; nor is it a RapidCue workbook",
                     rules->name, UT_HEADER_WITHIN);
    if (rc != UT_OK) {
        ut_claims_clear(&r.claims);
        return rc;
    }
    *out = r.claims;
    return UT_OK;
}
