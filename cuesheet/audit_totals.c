#include <stdlib.h>
#include <string.h>

#include "cuesheet/share.h"

typedef struct {
    ut_total *items; /* strings are borrowed from claims and recordings until the end */
    size_t count, capacity;
    bool societies;
} ledger;

static char *text_of(char *text)
{
    static char nobody[] = "";
    return text ? text : nobody;
}

static ut_status entry_add(ledger *l, const ut_total *entry, ut_err *err)
{
    if (l->count == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 256;
        ut_total *grown = reallocarray(l->items, capacity, sizeof *grown);
        if (!grown)
            return ut_fail(err, UT_E_NOMEM, "audit: %zu totals", capacity);
        l->items = grown;
        l->capacity = capacity;
    }
    l->items[l->count++] = *entry;
    return UT_OK;
}

static void scale(ut_total *t, double weight)
{
    t->claimed_weighted_s = weight * (double)t->claimed_ns / 1e9;
    t->confirmed_weighted_s = weight * (double)t->confirmed_ns / 1e9;
    t->no_music_weighted_s = weight * (double)t->no_music_ns / 1e9;
    t->detected_weighted_s = weight * (double)t->detected_ns / 1e9;
    t->not_claimed_weighted_s = weight * (double)t->not_claimed_ns / 1e9;
}

static bool society_seen(const ut_party *parties, size_t before)
{
    for (size_t i = 0; i < before; i++)
        if (strcasecmp(text_of(parties[i].society), text_of(parties[before].society)) == 0)
            return true;
    return false;
}

/* One stretch goes to each of its parties whole; to a society once, however many of its members are in it. */
static ut_status credit(ledger *l, const ut_party *parties, size_t count, const ut_total *seconds, ut_err *err)
{
    ut_status rc = UT_OK;
    ut_total entry = *seconds;
    entry.name = text_of(NULL);
    if (count == 0) {
        scale(&entry, 1.0);
        return entry_add(l, &entry, err);
    }
    for (size_t i = 0; rc == UT_OK && i < count; i++) {
        entry = *seconds;
        scale(&entry, ut_party_weight(parties, count, i));
        entry.name = text_of(l->societies ? parties[i].society : parties[i].name);
        entry.ipi = l->societies ? NULL : parties[i].ipi;
        entry.society = l->societies ? NULL : parties[i].society;
        if (l->societies && society_seen(parties, i))
            entry.claimed_ns = entry.confirmed_ns = entry.wrong_recording_ns = entry.twice_ns = entry.undecided_ns =
                entry.no_music_ns = entry.detected_ns = entry.not_claimed_ns = 0;
        rc = entry_add(l, &entry, err);
    }
    return rc;
}

static ut_status credit_claim(ledger *l, const ut_audit_input *in, const ut_audit *audit, const ut_audit_finding *f,
                              ut_err *err)
{
    const ut_recording *what = &in->claims[f->claim].what;
    ut_total s = {.claimed_ns = f->claimed_ns};
    switch (f->outcome) {
    case UT_AUDIT_WRONG_RECORDING:
        s.wrong_recording_ns = f->claimed_ns;
        break;
    case UT_AUDIT_CLAIMED_TWICE:
        s.twice_ns = f->claimed_ns;
        break;
    case UT_AUDIT_NO_REFERENCE:
    case UT_AUDIT_CAPTURE_GAP:
    case UT_AUDIT_UNMATCHED:
        s.undecided_ns = f->claimed_ns;
        break;
    case UT_AUDIT_NO_MUSIC:
        s.no_music_ns = f->claimed_ns;
        break;
    default:
        s.confirmed_ns = f->confirmed_ns;
        break;
    }
    /* A claim that names nobody is that of whom the catalogue names, if it is about the same recording. */
    if (what->party_count == 0 && f->outcome <= UT_AUDIT_WRONG_USE && f->cue_count > 0) {
        const ut_recording *rec = in->recordings[audit->links[f->first_cue]];
        what = rec ? rec : what;
    }
    return credit(l, what->parties, what->party_count, &s, err);
}

static int by_party(const void *a, const void *b)
{
    const ut_total *one = a, *two = b;
    int order = strcasecmp(one->name, two->name);
    if (order == 0 && (one->ipi || two->ipi))
        order = !one->ipi ? -1 : !two->ipi ? 1 : strcmp(one->ipi, two->ipi);
    return order;
}

static void sum(ut_total *to, const ut_total *more)
{
    to->ipi = to->ipi ? to->ipi : more->ipi;
    to->society = to->society ? to->society : more->society;
    to->claimed_ns += more->claimed_ns;
    to->confirmed_ns += more->confirmed_ns;
    to->wrong_recording_ns += more->wrong_recording_ns;
    to->twice_ns += more->twice_ns;
    to->undecided_ns += more->undecided_ns;
    to->no_music_ns += more->no_music_ns;
    to->detected_ns += more->detected_ns;
    to->not_claimed_ns += more->not_claimed_ns;
    to->claimed_weighted_s += more->claimed_weighted_s;
    to->confirmed_weighted_s += more->confirmed_weighted_s;
    to->no_music_weighted_s += more->no_music_weighted_s;
    to->detected_weighted_s += more->detected_weighted_s;
    to->not_claimed_weighted_s += more->not_claimed_weighted_s;
}

/* Entries of one name: those of one IPI are one party; those without are of the only one that has one. */
static size_t one_name(ut_total *entries, size_t count, ut_total *out)
{
    size_t made = 0, numbers = 0;
    for (size_t i = 0; i < count; i++)
        numbers += entries[i].ipi && (i == 0 || !entries[i - 1].ipi || strcmp(entries[i - 1].ipi, entries[i].ipi) != 0);
    for (size_t i = 0; i < count; i++) {
        ut_total *last = made ? &out[made - 1] : NULL;
        bool same = last && (!entries[i].ipi || (last->ipi && strcmp(last->ipi, entries[i].ipi) == 0) ||
                             (!last->ipi && numbers == 1));
        if (same)
            sum(last, &entries[i]);
        else
            out[made++] = entries[i];
    }
    return made;
}

static ut_status own(char **text, ut_err *err)
{
    if (*text && !(*text = strdup(*text)))
        return ut_fail(err, UT_E_NOMEM, "audit: out of memory");
    return UT_OK;
}

/* Joins the entries of the ledger in place and makes their strings the totals' own. */
static ut_status settle(ledger *l, ut_totals *out, ut_err *err)
{
    size_t made = 0;
    if (l->count > 1)
        qsort(l->items, l->count, sizeof *l->items, by_party);
    for (size_t i = 0, next; i < l->count; i = next) {
        for (next = i + 1; next < l->count && strcasecmp(l->items[next].name, l->items[i].name) == 0; next++)
            ;
        made += one_name(&l->items[i], next - i, &l->items[made]);
    }
    *out = (ut_totals){.items = l->items};
    ut_status rc = UT_OK;
    for (; rc == UT_OK && out->count < made; out->count++) {
        ut_total *t = &out->items[out->count];
        char *ipi = t->ipi, *society = t->society;
        t->ipi = t->society = NULL;
        rc = own(&t->name, err);
        if (rc == UT_OK && (rc = own(&ipi, err)) == UT_OK)
            t->ipi = ipi;
        if (rc == UT_OK && (rc = own(&society, err)) == UT_OK)
            t->society = society;
    }
    return rc;
}

ut_status ut_audit_totals(const ut_audit_input *input, const ut_audit *audit, bool societies, ut_totals *out,
                          ut_err *err)
{
    ledger l = {.societies = societies};
    ut_totals totals = {0};
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < audit->count; i++) {
        const ut_audit_finding *f = &audit->findings[i];
        if (f->claim != UT_NO_CLAIM)
            rc = credit_claim(&l, input, audit, f, err);
        if (rc == UT_OK && f->outcome == UT_AUDIT_NOT_CLAIMED) {
            const ut_recording *rec = input->recordings[audit->links[f->first_cue]];
            const ut_total s = {.not_claimed_ns = f->detected_ns};
            rc = credit(&l, rec ? rec->parties : NULL, rec ? rec->party_count : 0, &s, err);
        }
    }
    for (size_t i = 0; rc == UT_OK && i < input->cue_count; i++) {
        const ut_recording *rec = input->recordings[i];
        const ut_total s = {.detected_ns = input->cues[i].end_ns - input->cues[i].start_ns};
        if (input->cues[i].outcome == UT_IDENTIFIED)
            rc = credit(&l, rec ? rec->parties : NULL, rec ? rec->party_count : 0, &s, err);
    }
    if (rc == UT_OK)
        rc = settle(&l, &totals, err);
    else
        free(l.items);
    if (rc == UT_OK)
        *out = totals;
    else
        ut_totals_clear(&totals);
    return rc;
}

void ut_totals_clear(ut_totals *totals)
{
    for (size_t i = 0; i < totals->count; i++) {
        free(totals->items[i].name);
        free(totals->items[i].ipi);
        free(totals->items[i].society);
    }
    free(totals->items);
    *totals = (ut_totals){0};
}
