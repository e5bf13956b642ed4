/* How an import of airings meets what is there: the same for every backend. Lists are sorted by start and do not
 * overlap, so each step is one walk over two lists. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/clock.h"
#include "db/backend.h"

#define LEFTOVER_NS (60 * UT_NS_PER_S) /* what is left of an airing that gave way is kept if longer */

/* A stretch of an airing, which it borrows from. */
typedef struct {
    const ut_airing *of;
    int64_t start_ns, end_ns;
    bool known; /* it is in the store exactly so */
} piece;

typedef struct {
    piece *items;
    size_t count, capacity;
} pieces;

typedef struct {
    ut_airing *items;
    size_t count, capacity;
} airings;

static ut_status piece_add(pieces *list, piece item)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        piece *grown = reallocarray(list->items, capacity, sizeof *grown);
        if (!grown)
            return UT_E_NOMEM;
        list->items = grown;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
    return UT_OK;
}

static ut_status keep(void *arg, const ut_airing *airing)
{
    airings *list = arg;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        ut_airing *grown = reallocarray(list->items, capacity, sizeof *grown);
        if (!grown)
            return UT_E_NOMEM;
        list->items = grown;
        list->capacity = capacity;
    }
    ut_status rc = ut_airing_copy(airing, &list->items[list->count], NULL);
    list->count += rc == UT_OK;
    return rc;
}

static bool same_programme(const ut_airing *a, const ut_airing *b)
{
    return strcmp(a->programme.key, b->programme.key) == 0;
}

/* Sources name programmes by different keys; the same title side by side is the same thing. */
static bool same_show(const ut_airing *a, const ut_airing *b)
{
    return same_programme(a, b) || strcasecmp(a->programme.title, b->programme.title) == 0;
}

/* Adds to `out` what `whole` has outside `cuts`. `first` is the first cut that can matter, and moves on with it.
 * Of a programme that a cut shows anew nothing is left: its time was corrected. */
static ut_status subtract(const piece *whole, const pieces *cuts, size_t *first, pieces *out)
{
    while (*first < cuts->count && cuts->items[*first].end_ns <= whole->start_ns)
        ++*first;
    int64_t at_ns = whole->start_ns;
    bool cut = false, moved = false;
    size_t from = out->count;
    for (size_t i = *first; i < cuts->count && cuts->items[i].start_ns < whole->end_ns; i++) {
        const piece *c = &cuts->items[i];
        cut = true;
        moved |= same_show(c->of, whole->of);
        piece left = {.of = whole->of, .start_ns = at_ns, .end_ns = c->start_ns};
        if (c->start_ns - at_ns > LEFTOVER_NS && piece_add(out, left) != UT_OK)
            return UT_E_NOMEM;
        at_ns = c->end_ns > at_ns ? c->end_ns : at_ns;
    }
    piece rest = {.of = whole->of, .start_ns = at_ns, .end_ns = whole->end_ns, .known = whole->known && !cut};
    if (whole->end_ns - at_ns > (cut ? LEFTOVER_NS : 0) && piece_add(out, rest) != UT_OK)
        return UT_E_NOMEM;
    if (moved)
        out->count = from;
    return UT_OK;
}

static bool same(const piece *a, const ut_airing *b)
{
    return a->start_ns == b->start_ns && a->end_ns == b->end_ns && a->of->source == b->source &&
           a->of->boundary == b->boundary && same_programme(a->of, b);
}

typedef struct {
    airings old;
    pieces better, worse, fresh, left;
    int64_t *gone;
    ut_airing *added, *known; /* borrow their strings */
    size_t gone_count, added_count, known_count;
} plan;

static void plan_clear(plan *p)
{
    for (size_t i = 0; i < p->old.count; i++)
        ut_airing_clear(&p->old.items[i]);
    free(p->old.items);
    free(p->better.items);
    free(p->worse.items);
    free(p->fresh.items);
    free(p->left.items);
    free(p->gone);
    free(p->added);
    free(p->known);
}

/* Sets apart what is there already by whether it yields, and cuts both sides. */
static ut_status plan_cut(plan *p, const ut_airing *airings_new, size_t count, ut_airing_change *change)
{
    for (size_t i = 0; i < p->old.count; i++) {
        const ut_airing *old = &p->old.items[i];
        piece whole = {.of = old, .start_ns = old->start_ns, .end_ns = old->end_ns, .known = true};
        if (piece_add(old->source < airings_new->source ? &p->better : &p->worse, whole) != UT_OK)
            return UT_E_NOMEM;
    }
    size_t first = 0;
    for (size_t i = 0; i < count; i++) {
        const ut_airing *a = &airings_new[i];
        piece whole = {.of = a, .start_ns = a->start_ns, .end_ns = a->end_ns};
        size_t before = p->fresh.count;
        if (subtract(&whole, &p->better, &first, &p->fresh) != UT_OK)
            return UT_E_NOMEM;
        bool all = p->fresh.count == before + 1 && p->fresh.items[before].start_ns == a->start_ns &&
                   p->fresh.items[before].end_ns == a->end_ns;
        change->refused += !all;
    }
    first = 0;
    for (size_t i = 0; i < p->worse.count; i++)
        if (subtract(&p->worse.items[i], &p->fresh, &first, &p->left) != UT_OK)
            return UT_E_NOMEM;
    return UT_OK;
}

static ut_airing as_airing(const piece *from)
{
    ut_airing airing = *from->of;
    airing.start_ns = from->start_ns;
    airing.end_ns = from->end_ns;
    return airing;
}

/* What has to go and to come. A new piece that is there already stays under its id. */
static ut_status plan_change(plan *p, ut_airing_change *change)
{
    size_t worse = p->worse.count, coming = p->fresh.count + p->left.count;
    p->gone = calloc(worse + 1, sizeof *p->gone);
    p->added = calloc(coming + 1, sizeof *p->added);
    p->known = calloc(p->fresh.count + 1, sizeof *p->known);
    if (!p->gone || !p->added || !p->known)
        return UT_E_NOMEM;
    size_t at = 0, left = 0;
    for (size_t i = 0; i < worse; i++) {
        const ut_airing *old = p->worse.items[i].of;
        while (at < p->fresh.count && p->fresh.items[at].start_ns < old->start_ns)
            at++;
        bool stays = at < p->fresh.count && same(&p->fresh.items[at], old);
        if (stays)
            p->fresh.items[at].known = true;
        while (left < p->left.count && p->left.items[left].start_ns < old->start_ns)
            left++;
        stays |= left < p->left.count && p->left.items[left].of == old && p->left.items[left].known;
        if (!stays)
            p->gone[p->gone_count++] = old->id;
    }
    change->replaced = p->gone_count;
    for (size_t i = 0; i < p->fresh.count; i++) {
        ut_airing airing = as_airing(&p->fresh.items[i]);
        if (p->fresh.items[i].known)
            p->known[p->known_count++] = airing;
        else
            p->added[p->added_count++] = airing;
    }
    change->added = p->added_count;
    change->unchanged = p->known_count;
    for (size_t i = 0; i < p->left.count; i++)
        if (!p->left.items[i].known)
            p->added[p->added_count++] = as_airing(&p->left.items[i]);
    return UT_OK;
}

static ut_status check(const ut_airing *a, size_t count, ut_err *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *title = a[i].programme.title;
        if (!a[i].programme.key || !*a[i].programme.key || !title || !*title || !a[i].channel[0])
            return ut_fail(err, UT_E_ARG, "airing %zu: without channel, key or title", i + 1);
        if (a[i].end_ns <= a[i].start_ns)
            return ut_fail(err, UT_E_ARG, "airing %zu, %.60s: ends before it begins", i + 1, title);
        if (strcmp(a[i].channel, a[0].channel) != 0 || a[i].source != a[0].source)
            return ut_fail(err, UT_E_ARG, "airing %zu, %.60s: of another channel or source", i + 1, title);
        if (i > 0 && a[i].start_ns < a[i - 1].end_ns)
            return ut_fail(err, UT_E_ARG, "airing %zu, %.60s: begins before the one before it ends", i + 1, title);
    }
    return UT_OK;
}

ut_status ut_store_airing_put(ut_store *store, const ut_airing *list, size_t count, bool dry_run,
                              ut_airing_change *change, ut_err *err)
{
    ut_airing_change made = {0};
    plan p = {0};
    ut_status rc = check(list, count, err);
    if (rc != UT_OK || count == 0) {
        if (rc == UT_OK)
            *change = made;
        return rc;
    }
    rc = store->ops->airing_each(store, list[0].channel, list[0].start_ns, list[count - 1].end_ns, keep, &p.old, err);
    if (rc == UT_OK)
        rc = plan_cut(&p, list, count, &made);
    if (rc == UT_OK)
        rc = plan_change(&p, &made);
    if (rc == UT_E_NOMEM)
        ut_fail(err, rc, "airings: %zu of channel %s", count, list[0].channel);
    if (rc == UT_OK && !dry_run)
        rc =
            store->ops->airing_change(store, p.gone, p.gone_count, p.added, p.added_count, p.known, p.known_count, err);
    plan_clear(&p);
    if (rc == UT_OK)
        *change = made;
    return rc;
}

ut_status ut_store_airing_each(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_airing_fn fn,
                               void *arg, ut_err *err)
{
    return store->ops->airing_each(store, channel, from_ns, to_ns, fn, arg, err);
}

ut_status ut_store_airing_get(ut_store *store, int64_t id, ut_airing *out, ut_err *err)
{
    return store->ops->airing_get(store, id, out, err);
}

ut_status ut_store_airing_remove(ut_store *store, int64_t id, ut_err *err)
{
    ut_airing airing;
    ut_status rc = store->ops->airing_get(store, id, &airing, err);
    if (rc != UT_OK)
        return rc;
    ut_airing_clear(&airing);
    return store->ops->airing_change(store, &id, 1, NULL, 0, NULL, 0, err);
}
