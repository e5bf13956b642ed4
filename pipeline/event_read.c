/* Events from their structured form, as the JSONL sink writes it. Never trusts its input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "cuesheet/json.h"
#include "pipeline/event.h"

/* A member that is a text of fewer than `size` bytes. */
static ut_status take(const json_t *object, const char *name, char *out, size_t size, ut_err *err)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (!text || strlen(text) >= size)
        return ut_fail(err, UT_E_CORRUPT, "event: %s is not a text of at most %zu bytes", name, size - 1);
    snprintf(out, size, "%s", text);
    return UT_OK;
}

ut_status ut_event_read(const char *line, size_t size, ut_event *out, ut_err *err)
{
    json_error_t why;
    char version[16], time[64];
    ut_event event = {0};
    json_t *object = json_loadb(line, size, 0, &why);
    if (!object)
        return ut_fail(err, UT_E_CORRUPT, "event: no JSON: %s", why.text);
    ut_status rc = take(object, "specversion", version, sizeof version, err);
    if (rc == UT_OK)
        rc = take(object, "id", event.id, sizeof event.id, err);
    if (rc == UT_OK)
        rc = take(object, "type", event.type, sizeof event.type, err);
    if (rc == UT_OK)
        rc = take(object, "subject", event.key, sizeof event.key, err);
    if (rc == UT_OK)
        rc = take(object, "time", time, sizeof time, err);
    if (rc == UT_OK && (strcmp(version, "1.0") != 0 || ut_time_parse(time, &event.time_ns, NULL) != UT_OK))
        rc = ut_fail(err, UT_E_CORRUPT, "event %s: specversion %s, time %s", event.id, version, time);
    json_t *data = json_object_get(object, "data");
    if (rc == UT_OK && !data)
        rc = ut_fail(err, UT_E_CORRUPT, "event %s: no data", event.id);
    if (rc == UT_OK && !(event.json = json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))))
        rc = ut_fail(err, UT_E_NOMEM, "event %s", event.id);
    json_decref(object);
    if (rc == UT_OK)
        *out = event;
    return rc;
}
