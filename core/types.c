#include "core/types.h"

#include <stdlib.h>
#include <string.h>

/* The owned strings of each struct, so that clearing and copying cannot forget one. */
static char **recording_string(ut_recording *rec, size_t i)
{
    char **const strings[] = {&rec->file, &rec->title, &rec->artist,  &rec->album,
                              &rec->isrc, &rec->label, &rec->library, &rec->catalogue_no,
                              &rec->work, &rec->iswc};
    return i < sizeof strings / sizeof *strings ? strings[i] : NULL;
}

static char **party_string(ut_party *party, size_t i)
{
    char **const strings[] = {&party->name, &party->ipi, &party->society};
    return i < sizeof strings / sizeof *strings ? strings[i] : NULL;
}

void ut_recording_clear(ut_recording *rec)
{
    char **string;
    for (size_t i = 0; (string = recording_string(rec, i)); i++)
        free(*string);
    for (size_t p = 0; p < rec->party_count; p++)
        for (size_t i = 0; (string = party_string(&rec->parties[p], i)); i++)
            free(*string);
    free(rec->parties);
    *rec = (ut_recording){0};
}

/* Replaces a borrowed pointer by a copy of what it points to. */
static bool own(char **string)
{
    return !*string || (*string = strdup(*string));
}

ut_status ut_recording_copy(const ut_recording *rec, ut_recording *out, ut_err *err)
{
    /* Every pointer of `copy` is borrowed at first and NULL once given up, so that clear frees only
     * what is owned. */
    ut_recording copy = *rec;
    char **string;
    bool ok = true;
    for (size_t i = 0; (string = recording_string(&copy, i)); i++) {
        if (!ok)
            *string = NULL;
        ok = ok && own(string);
    }
    copy.parties = NULL;
    copy.party_count = 0;
    if (ok && rec->party_count) {
        ok = (copy.parties = calloc(rec->party_count, sizeof *copy.parties));
        for (size_t p = 0; ok && p < rec->party_count; p++) {
            ut_party *party = &copy.parties[p];
            *party = rec->parties[p];
            copy.party_count++;
            for (size_t i = 0; (string = party_string(party, i)); i++) {
                if (!ok)
                    *string = NULL;
                ok = ok && own(string);
            }
        }
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
    static const char *const names[] = {"composer", "author", "arranger", "publisher",
                                        "subpublisher"};
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
