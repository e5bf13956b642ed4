#include "apps/recording_json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/text.h"

/* JSON is UTF-8, file names are any bytes. */
static void set_text(json_t *object, const char *key, const char *text)
{
    char *clean = text ? strdup(text) : NULL;
    if (clean)
        json_object_set_new(object, key, json_string(ut_utf8_clean(clean)));
    free(clean);
}

static json_t *party_json(const ut_party *party)
{
    json_t *object = json_object();
    set_text(object, "name", party->name);
    set_text(object, "role", ut_role_name(party->role));
    set_text(object, "ipi", party->ipi);
    set_text(object, "society", party->society);
    if (!isnan(party->share))
        json_object_set_new(object, "share", json_real(party->share));
    return object;
}

json_t *ut_recording_json(const ut_recording *rec)
{
    char added[32];
    json_t *object = json_object(), *parties = json_array();
    json_object_set_new(object, "id", json_integer(rec->id));
    set_text(object, "title", rec->title);
    set_text(object, "artist", rec->artist);
    set_text(object, "album", rec->album);
    set_text(object, "isrc", rec->isrc);
    set_text(object, "label", rec->label);
    set_text(object, "library", rec->library);
    set_text(object, "catalogue_no", rec->catalogue_no);
    set_text(object, "work", rec->work);
    set_text(object, "iswc", rec->iswc);
    for (size_t i = 0; i < rec->party_count; i++)
        json_array_append_new(parties, party_json(&rec->parties[i]));
    json_object_set_new(object, "parties", parties);
    json_object_set_new(object, "duration_s", json_real((double)rec->duration_ms / 1000));
    set_text(object, "file", rec->file);
    set_text(object, "audio_sha256", rec->audio_sha256);
    set_text(object, "added", ut_time_format(rec->added_ns, added, sizeof added));
    return object;
}

ut_status ut_json_print(json_t *object, ut_err *err)
{
    if (!object)
        return ut_fail(err, UT_E_NOMEM, "out of memory");
    int rc = json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
    json_decref(object);
    if (rc != 0 || putchar('\n') == EOF)
        return ut_fail(err, UT_E_IO, "standard output: %s", strerror(errno));
    return UT_OK;
}
