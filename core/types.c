#include "core/types.h"

#include <stdlib.h>
#include <string.h>

enum { RECORDING_STRINGS = 10, PARTY_STRINGS = 3 };

/* The owned strings of each struct, so that clearing and copying cannot forget one. */
static char **recording_string(ut_recording *rec, size_t i)
{
    char **const strings[RECORDING_STRINGS] = {&rec->file,  &rec->title,   &rec->artist,       &rec->album, &rec->isrc,
                                               &rec->label, &rec->library, &rec->catalogue_no, &rec->work,  &rec->iswc};
    return strings[i];
}

static char **party_string(ut_party *party, size_t i)
{
    char **const strings[PARTY_STRINGS] = {&party->name, &party->ipi, &party->society};
    return strings[i];
}

void ut_recording_clear(ut_recording *rec)
{
    for (size_t i = 0; i < RECORDING_STRINGS; i++)
        free(*recording_string(rec, i));
    for (size_t p = 0; p < rec->party_count; p++)
        for (size_t i = 0; i < PARTY_STRINGS; i++)
            free(*party_string(&rec->parties[p], i));
    free(rec->parties);
    *rec = (ut_recording){0};
}

/* Replaces a borrowed pointer by a copy of what it points to, or by NULL once *ok is false. */
static void own(char **string, bool *ok)
{
    if (!*string)
        return;
    *string = *ok ? strdup(*string) : NULL;
    *ok = *string != NULL;
}

ut_status ut_recording_copy(const ut_recording *rec, ut_recording *out, ut_err *err)
{
    /* Every string is owned or NULL at any time after its own(), so that clear frees the right
     * ones. */
    ut_recording copy = *rec;
    bool ok = true;
    for (size_t i = 0; i < RECORDING_STRINGS; i++)
        own(recording_string(&copy, i), &ok);
    copy.party_count = 0;
    copy.parties = rec->party_count ? calloc(rec->party_count, sizeof *copy.parties) : NULL;
    ok = ok && (copy.parties || !rec->party_count);
    for (size_t p = 0; ok && p < rec->party_count; p++) {
        copy.parties[copy.party_count++] = rec->parties[p];
        for (size_t i = 0; i < PARTY_STRINGS; i++)
            own(party_string(&copy.parties[p], i), &ok);
    }
    if (!ok) {
        ut_recording_clear(&copy);
        return ut_fail(err, UT_E_NOMEM, "recording %lld: copy", (long long)rec->id);
    }
    *out = copy;
    return UT_OK;
}

void ut_event_clear(ut_event *event)
{
    free(event->json);
    *event = (ut_event){0};
}

const char *ut_role_name(ut_role role)
{
    static const char *const names[] = {"composer", "author", "arranger", "publisher", "subpublisher"};
    return (size_t)role < sizeof names / sizeof *names ? names[role] : "unknown";
}

const char *ut_outcome_name(ut_outcome outcome)
{
    static const char *const names[] = {"identified", "ambiguous", "unidentified"};
    return (size_t)outcome < sizeof names / sizeof *names ? names[outcome] : "unknown";
}

const char *ut_witness_name(ut_witness witness)
{
    static const char *const names[] = {"none", "mix", "music", "both"};
    return (size_t)witness < sizeof names / sizeof *names ? names[witness] : "unknown";
}

const char *ut_review_name(ut_review review)
{
    static const char *const names[] = {"final", "approved", "corrected", "rejected"};
    return (size_t)review < sizeof names / sizeof *names ? names[review] : "unknown";
}

const char *ut_cause_name(ut_cause cause)
{
    static const char *const names[] = {"person", "rule", "label", "reidentify"};
    return (size_t)cause < sizeof names / sizeof *names ? names[cause] : "unknown";
}

char **ut_programme_string(ut_programme *programme, size_t i)
{
    char **const strings[UT_PROGRAMME_STRINGS] = {
        &programme->key,         &programme->title,      &programme->aka,           &programme->episode,
        &programme->episode_aka, &programme->episode_no, &programme->production_no, &programme->category,
        &programme->version,     &programme->company,    &programme->crid,
    };
    return strings[i];
}

void ut_airing_clear(ut_airing *airing)
{
    for (size_t i = 0; i < UT_PROGRAMME_STRINGS; i++)
        free(*ut_programme_string(&airing->programme, i));
    *airing = (ut_airing){0};
}

ut_status ut_airing_copy(const ut_airing *airing, ut_airing *out, ut_err *err)
{
    ut_airing copy = *airing;
    bool ok = true;
    for (size_t i = 0; i < UT_PROGRAMME_STRINGS; i++)
        own(ut_programme_string(&copy.programme, i), &ok);
    if (!ok) {
        ut_airing_clear(&copy);
        return ut_fail(err, UT_E_NOMEM, "airing %lld: copy", (long long)airing->id);
    }
    *out = copy;
    return UT_OK;
}

const char *ut_boundary_name(ut_boundary boundary)
{
    static const char *const names[] = {"logged", "announced", "scheduled", "guessed"};
    return (size_t)boundary < sizeof names / sizeof *names ? names[boundary] : "unknown";
}

const char *ut_airing_source_name(ut_airing_source source)
{
    static const char *const names[] = {"manual", "as-run", "eit", "xmltv"};
    return (size_t)source < sizeof names / sizeof *names ? names[source] : "unknown";
}
