#include <stdlib.h>
#include <string.h>

#include "cuesheet/audit.h"
#include "cuesheet/audit_identity.h"

/* A word by which a claim can be found; borrowed from its identity. */
typedef struct {
    const char *text;
    size_t claim;
} handle;

struct ut_references {
    ut_identity *identities; /* one per claim */
    bool *found;
    size_t count;
    handle *handles; /* in order of text */
    size_t handle_count;
};

enum { HANDLES = 5 };

/* What two that are the same music have in common at least one of. */
static size_t handles_of(const ut_identity *id, const char *texts[HANDLES])
{
    const char *const all[HANDLES] = {id->isrc, id->iswc, id->title, id->work, id->catalogue};
    size_t count = 0;
    for (size_t i = 0; i < HANDLES; i++)
        if (all[i] && *all[i])
            texts[count++] = all[i];
    return count;
}

static int by_text(const void *a, const void *b)
{
    const handle *one = a, *two = b;
    int order = strcmp(one->text, two->text);
    return order ? order : (one->claim > two->claim) - (one->claim < two->claim);
}

ut_status ut_references_open(const ut_claim *claims, size_t count, ut_references **out, ut_err *err)
{
    ut_references *r = calloc(1, sizeof *r);
    size_t room = count ? count : 1;
    if (!r || !(r->identities = calloc(room, sizeof *r->identities)) || !(r->found = calloc(room, sizeof *r->found)) ||
        !(r->handles = calloc(room * HANDLES, sizeof *r->handles))) {
        ut_references_close(&r);
        return ut_fail(err, UT_E_NOMEM, "audit: %zu claims", count);
    }
    for (; r->count < count; r->count++) {
        const char *texts[HANDLES];
        ut_status rc = ut_identity_open(&claims[r->count].what, &r->identities[r->count], err);
        if (rc != UT_OK) {
            ut_references_close(&r);
            return rc;
        }
        size_t n = handles_of(&r->identities[r->count], texts);
        for (size_t i = 0; i < n; i++)
            r->handles[r->handle_count++] = (handle){texts[i], r->count};
    }
    if (r->handle_count > 1)
        qsort(r->handles, r->handle_count, sizeof *r->handles, by_text);
    *out = r;
    return UT_OK;
}

static size_t lower_bound(const ut_references *r, const char *text)
{
    size_t low = 0, count = r->handle_count;
    while (count > 0) {
        size_t half = count / 2;
        if (strcmp(r->handles[low + half].text, text) < 0) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return low;
}

ut_status ut_references_add(ut_references *references, const ut_recording *rec, ut_err *err)
{
    const char *texts[HANDLES];
    ut_identity id;
    ut_status rc = ut_identity_open(rec, &id, err);
    if (rc != UT_OK)
        return rc;
    size_t n = handles_of(&id, texts);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = lower_bound(references, texts[i]);
             k < references->handle_count && strcmp(references->handles[k].text, texts[i]) == 0; k++) {
            size_t claim = references->handles[k].claim;
            if (!references->found[claim])
                references->found[claim] = ut_identity_compare(&references->identities[claim], &id) >= UT_SAME_WORK;
        }
    }
    ut_identity_clear(&id);
    return UT_OK;
}

const bool *ut_references_found(const ut_references *references)
{
    return references->found;
}

void ut_references_close(ut_references **references)
{
    ut_references *r = *references;
    if (!r)
        return;
    for (size_t i = 0; i < r->count; i++)
        ut_identity_clear(&r->identities[i]);
    free(r->identities);
    free(r->found);
    free(r->handles);
    free(r);
    *references = NULL;
}
