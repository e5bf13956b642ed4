#include "apps/event_line.h"

#include <jansson.h>
#include <string.h>

#include "core/clock.h"

static void put_clean(FILE *out, const char *text)
{
    for (; text && *text; text++)
        if ((unsigned char)*text >= ' ' && *text != 0x7f)
            fputc(*text, out);
}

static const char *text_at(const json_t *object, const char *member)
{
    return json_string_value(json_object_get(object, member));
}

static void put_cue(FILE *out, const json_t *value)
{
    const json_t *what = json_object_get(value, "identification"), *rec = json_object_get(what, "recording");
    const char *outcome = text_at(what, "outcome"), *title = text_at(rec, "title"), *artist = text_at(rec, "artist");
    put_clean(out, outcome ? outcome : text_at(value, "status"));
    const json_t *duration = json_object_get(json_object_get(value, "air"), "duration_ms");
    if (json_is_integer(duration))
        fprintf(out, ", %.1f s", (double)json_integer_value(duration) / 1000);
    if (title) {
        fputs(", ", out);
        put_clean(out, title);
    }
    if (artist && *artist) {
        fputs(" / ", out);
        put_clean(out, artist);
    }
    json_int_t revision = json_integer_value(json_object_get(value, "revision"));
    if (revision > 1)
        fprintf(out, ", revision %lld", (long long)revision);
}

static void put_capture(FILE *out, const json_t *value)
{
    const char *reason = text_at(value, "reason"), *state = text_at(value, "state");
    const json_t *duration = json_object_get(value, "duration_ms");
    put_clean(out, reason ? reason : state);
    if (json_is_integer(duration))
        fprintf(out, ", %.1f s", (double)json_integer_value(duration) / 1000);
}

void ut_event_print(FILE *out, const ut_event *event)
{
    static const char prefix[] = "org.undertone.";
    char time[40];
    bool ours = strncmp(event->type, prefix, sizeof prefix - 1) == 0;
    fprintf(out, "%s  ", ut_time_format(event->time_ns, time, sizeof time));
    put_clean(out, event->type + (ours ? sizeof prefix - 1 : 0));
    fputs("  ", out);
    put_clean(out, event->key);
    fputs("  ", out);
    json_t *value = json_loads(event->json, 0, NULL);
    if (ours && strncmp(event->type + sizeof prefix - 1, "cue.", 4) == 0)
        put_cue(out, value);
    else if (ours && strncmp(event->type + sizeof prefix - 1, "capture.", 8) == 0)
        put_capture(out, value);
    else
        put_clean(out, event->json);
    json_decref(value);
    fputc('\n', out);
}
