/* A job as JSON. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/digest.h"
#include "cuesheet/json.h"
#include "pipeline/jobs.h"

static bool is_channel(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t size = strlen(text);
    return size >= 1 && size <= 63 && strspn(text, allowed) == size;
}

ut_status ut_job_make(const char *channel, const char *path, int64_t start_ns, double duration_s, ut_job *out,
                      ut_err *err)
{
    ut_job job = {.start_ns = start_ns, .duration_s = duration_s};
    char *text = NULL;
    if (!is_channel(channel))
        return ut_fail(err, UT_E_ARG, "job: channel %.80s: 1 to 63 of A-Z a-z 0-9 . _ -", channel);
    snprintf(job.channel, sizeof job.channel, "%s", channel);
    if (!(job.path = strdup(path)) || asprintf(&text, "job\n%s\n%s\n%" PRId64, channel, path, start_ns) < 0) {
        free(job.path);
        return ut_fail(err, UT_E_NOMEM, "job: %s", path);
    }
    ut_uuid_from_text(text, job.id);
    free(text);
    *out = job;
    return UT_OK;
}

void ut_job_clear(ut_job *job)
{
    free(job->path);
    *job = (ut_job){0};
}

ut_status ut_job_write(const ut_job *job, char **json, ut_err *err)
{
    bool ok = true;
    json_t *object = json_object();
    ut_json_put(object, "job_id", json_string(job->id), &ok);
    ut_json_put(object, "kind", json_string("replay"), &ok);
    ut_json_put(object, "channel", json_string(job->channel), &ok);
    ut_json_put(object, "path", json_string(job->path), &ok);
    ut_json_put(object, "start_utc", ut_json_time(job->start_ns), &ok);
    ut_json_put(object, "duration_s", ut_json_real(job->duration_s), &ok);
    char *text = ok ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(object);
    if (!text) /* json_string takes UTF-8 only, and a path that is none could not be given back */
        return ut_fail(err, UT_E_ARG, "job: %s: its name is not UTF-8", job->path);
    *json = text;
    return UT_OK;
}

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

ut_status ut_job_read(const void *json, size_t size, ut_job *out, ut_err *err)
{
    json_error_t why;
    json_t *object = json ? json_loadb(json, size, 0, &why) : NULL;
    if (!object)
        return ut_fail(err, UT_E_CORRUPT, "job: no JSON");
    const char *kind = text_of(object, "kind"), *channel = text_of(object, "channel"), *path = text_of(object, "path");
    const char *start = text_of(object, "start_utc");
    const json_t *duration = json_object_get(object, "duration_s");
    int64_t start_ns = 0;
    ut_status rc = UT_OK;
    if (!kind || strcmp(kind, "replay") != 0)
        rc = ut_fail(err, UT_E_CORRUPT, "job: kind %.40s: only replay is known", kind ? kind : "(none)");
    else if (!channel || !path || !*path || !start || ut_time_parse(start, &start_ns, NULL) != UT_OK)
        rc = ut_fail(err, UT_E_CORRUPT, "job: channel, path and start_utc are needed");
    if (rc == UT_OK)
        rc = ut_job_make(channel, path, start_ns, json_is_number(duration) ? json_number_value(duration) : NAN, out,
                         err);
    json_decref(object);
    return rc == UT_E_ARG ? UT_E_CORRUPT : rc;
}
