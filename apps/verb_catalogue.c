#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli.h"
#include "apps/recording_json.h"
#include "db/store.h"

static int finish(const ut_args *args, ut_store **store, ut_status rc, const ut_err *err)
{
    ut_store_close(store);
    return rc == UT_OK ? 0 : ut_cli_fail(args, err);
}

/* A positional argument as a recording id. */
static ut_status id_parse(const char *text, int64_t *id, ut_err *err)
{
    char *end;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || value <= 0)
        return ut_fail(err, UT_E_ARG, "\"%s\" is not the id of a recording; `undertone catalogue list` shows them",
                       text);
    *id = value;
    return UT_OK;
}

static const char *or_dash(const char *text)
{
    return text ? text : "-";
}

/* --- list ----------------------------------------------------------------------------------------
 */

typedef struct {
    bool json;
    ut_err *err;
} listing;

static ut_status list_one(void *arg, const ut_recording *rec)
{
    const listing *l = arg;
    if (l->json)
        return ut_json_print(ut_recording_json(rec), l->err);
    int64_t s = (rec->duration_ms + 500) / 1000;
    printf("%6" PRId64 "  %3" PRId64 ":%02" PRId64 "  %-12s  %s%s%s\n", rec->id, s / 60, s % 60, or_dash(rec->isrc),
           rec->artist ? rec->artist : "", rec->artist ? " – " : "", rec->title);
    return ferror(stdout) ? ut_fail(l->err, UT_E_IO, "standard output cannot be written") : UT_OK;
}

static int list(const ut_args *args)
{
    ut_err err = {0};
    ut_store *store = NULL;
    listing l = {ut_args_json(args), &err};
    ut_status rc = ut_store_open(ut_args_store(args), UT_STORE_READ, &store, &err);
    if (rc == UT_OK)
        rc = ut_store_recording_each(store, list_one, &l, &err);
    return finish(args, &store, rc, &err);
}

/* --- show ----------------------------------------------------------------------------------------
 */

static ut_status show_json(const ut_recording *rec, const ut_holding *holding, ut_err *err)
{
    json_t *object = ut_recording_json(rec), *sets = json_object();
    for (size_t i = 0; i < holding->set_count; i++)
        json_object_set_new(sets, holding->sets[i].params, json_integer(holding->sets[i].bytes));
    json_object_set_new(object, "fingerprint_bytes", sets);
    json_object_set_new(object, "airplays", json_integer(holding->airplays));
    json_object_set_new(object, "removed", json_boolean(holding->removed));
    return ut_json_print(object, err);
}

static void show_text(const ut_recording *rec, const ut_holding *holding)
{
    const struct {
        const char *name, *value;
    } lines[] = {{"title", rec->title},
                 {"artist", rec->artist},
                 {"album", rec->album},
                 {"isrc", rec->isrc},
                 {"label", rec->label},
                 {"library", rec->library},
                 {"catalogue no", rec->catalogue_no},
                 {"work", rec->work},
                 {"iswc", rec->iswc},
                 {"file", rec->file},
                 {"audio", rec->audio_sha256}};
    printf("%-13s %" PRId64 "%s\n", "id", rec->id, holding->removed ? " (removed from the catalogue)" : "");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (lines[i].value)
            printf("%-13s %s\n", lines[i].name, lines[i].value);
    }
    for (size_t i = 0; i < rec->party_count; i++) {
        const ut_party *party = &rec->parties[i];
        printf("%-13s %s, ipi %s, %s", ut_role_name(party->role), party->name, or_dash(party->ipi),
               or_dash(party->society));
        if (!isnan(party->share))
            printf(", %.4g %%", 100 * party->share);
        putchar('\n');
    }
    printf("%-13s %.3f s\n", "duration", (double)rec->duration_ms / 1000);
    for (size_t i = 0; i < holding->set_count; i++)
        printf("%-13s %s, %" PRId64 " bytes\n", "fingerprint", holding->sets[i].params, holding->sets[i].bytes);
    printf("%-13s %" PRId64 "\n", "airplays", holding->airplays);
}

static int show(const ut_args *args)
{
    ut_err err = {0};
    ut_store *store = NULL;
    ut_recording rec = {0};
    ut_holding holding;
    int64_t id = 0;
    ut_status rc = id_parse(ut_args_at(args, 0), &id, &err);
    if (rc == UT_OK)
        rc = ut_store_open(ut_args_store(args), UT_STORE_READ, &store, &err);
    if (rc == UT_OK)
        rc = ut_store_recording_get(store, id, &rec, &err);
    if (rc == UT_OK)
        rc = ut_store_recording_holding(store, id, &holding, &err);
    if (rc == UT_OK && ut_args_json(args))
        rc = show_json(&rec, &holding, &err);
    else if (rc == UT_OK)
        show_text(&rec, &holding);
    ut_recording_clear(&rec);
    return finish(args, &store, rc, &err);
}

/* --- remove --------------------------------------------------------------------------------------
 */

static int remove_all(const ut_args *args)
{
    ut_err err = {0};
    ut_store *store = NULL;
    int failed = 0, removed = 0;
    ut_status rc = ut_store_open(ut_args_store(args), UT_STORE_WRITE, &store, &err);
    for (int i = 0; rc == UT_OK && i < ut_args_count(args); i++) {
        int64_t id = 0;
        ut_status one = id_parse(ut_args_at(args, i), &id, &err);
        if (one == UT_OK)
            one = ut_store_recording_remove(store, id, &err);
        if (one == UT_OK)
            removed++;
        else if (one == UT_E_ARG || one == UT_E_NOTFOUND)
            failed += ut_cli_fail(args, &err);
        else
            rc = one;
    }
    if (ut_args_json(args))
        printf("{\"removed\":%d,\"failed\":%d}\n", removed, failed);
    else if (rc == UT_OK)
        printf("%d removed\n", removed);
    int code = finish(args, &store, rc, &err);
    return code ? code : failed > 0;
}

/* --- stats ---------------------------------------------------------------------------------------
 */

static int stats(const ut_args *args)
{
    ut_err err = {0};
    ut_store *store = NULL;
    ut_store_stats s = {0};
    ut_status rc = ut_store_open(ut_args_store(args), UT_STORE_READ, &store, &err);
    if (rc == UT_OK)
        rc = ut_store_describe(store, &s, &err);
    const struct {
        const char *key, *name;
        int64_t value;
    } lines[] = {{"recordings", "recordings", s.recordings},
                 {"fingerprints", "fingerprints", s.fingerprints},
                 {"fingerprint_bytes", "their bytes", s.fingerprint_bytes},
                 {"catalogue_version", "version", s.catalogue_version},
                 {"airplays", "airplays", s.airplays},
                 {"outbox_pending", "events pending", s.outbox_pending},
                 {"segments", "segments", s.segments},
                 {"gaps", "gaps", s.gaps}};
    json_t *object = ut_args_json(args) ? json_object() : NULL;
    for (size_t i = 0; rc == UT_OK && i < sizeof lines / sizeof *lines; i++) {
        if (object)
            json_object_set_new(object, lines[i].key, json_integer(lines[i].value));
        else
            printf("%-15s %" PRId64 "\n", lines[i].name, lines[i].value);
    }
    if (rc == UT_OK && object)
        rc = ut_json_print(object, &err);
    else
        json_decref(object);
    return finish(args, &store, rc, &err);
}

const ut_verb ut_verb_catalogue_list = {
    .name = "catalogue list",
    .summary = "print every recording of the catalogue",
    .arguments = "",
    .examples = "undertone catalogue list --json | jq -r .title",
    .run = list,
};

const ut_verb ut_verb_catalogue_show = {
    .name = "catalogue show",
    .summary = "print all that is known of one recording",
    .arguments = "ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .examples = "undertone catalogue show 12",
    .run = show,
};

const ut_verb ut_verb_catalogue_remove = {
    .name = "catalogue remove",
    .summary = "take recordings out of the catalogue; what was on air keeps their titles",
    .arguments = "ID…",
    .min_arguments = 1,
    .max_arguments = -1,
    .examples = "undertone catalogue remove 12 13",
    .run = remove_all,
};

const ut_verb ut_verb_catalogue_stats = {
    .name = "catalogue stats",
    .summary = "count what the store holds",
    .arguments = "",
    .run = stats,
};
