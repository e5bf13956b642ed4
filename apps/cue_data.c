#include "apps/cue_data.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"

/* Cues that reach into the range keep their ids and sums if the airplays before it are seen too. */
#define MARGIN_NS (3600 * UT_NS_PER_S)

typedef struct {
    void *items;
    size_t count, capacity, size;
} list;

static ut_status list_add(list *l, const void *item)
{
    if (l->count == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 64;
        void *grown = reallocarray(l->items, capacity, l->size);
        if (!grown)
            return UT_E_NOMEM;
        l->items = grown;
        l->capacity = capacity;
    }
    char *end = (char *)l->items + l->count++ * l->size;
    for (size_t i = 0; i < l->size; i++)
        end[i] = ((const char *)item)[i];
    return UT_OK;
}

static ut_status add_airplay(void *arg, const ut_airplay *air)
{
    return list_add(arg, air);
}

static ut_status add_gap(void *arg, const ut_gap *gap)
{
    return list_add(arg, gap);
}

static ut_status add_airing(void *arg, const ut_airing *airing)
{
    ut_airing copy;
    ut_status rc = ut_airing_copy(airing, &copy, NULL);
    if (rc == UT_OK && (rc = list_add(arg, &copy)) != UT_OK)
        ut_airing_clear(&copy);
    return rc;
}

static const ut_recording *find_known(const ut_cue_data *data, int64_t id)
{
    for (size_t i = 0; i < data->known_count; i++)
        if (data->known[i].id == id)
            return &data->known[i];
    return NULL;
}

static ut_status load_recordings(ut_store *store, ut_cue_data *data, ut_err *err)
{
    data->known = calloc(data->count ? data->count : 1, sizeof *data->known);
    data->recordings = calloc(data->count ? data->count : 1, sizeof *data->recordings);
    if (!data->known || !data->recordings)
        return ut_fail(err, UT_E_NOMEM, "cues: %zu recordings", data->count);
    for (size_t i = 0; i < data->count; i++) {
        int64_t id = data->cues[i].recording_id;
        if (!id)
            continue;
        data->recordings[i] = find_known(data, id);
        if (data->recordings[i])
            continue;
        ut_status rc = ut_store_recording_get(store, id, &data->known[data->known_count], err);
        if (rc == UT_OK)
            data->recordings[i] = &data->known[data->known_count++];
        else if (rc != UT_E_NOTFOUND)
            return rc;
    }
    return UT_OK;
}

static ut_status data_load(ut_store *store, const char *channel, const ut_cue_rules *rules, bool all, ut_cue_data *out,
                           ut_err *err)
{
    ut_cue_data data = {0};
    list airplays = {.size = sizeof(ut_airplay)}, gaps = {.size = sizeof(ut_gap)};
    list airings = {.size = sizeof(ut_airing)};
    bool cut = rules->programme_end_ns != 0;
    int64_t from = cut ? rules->programme_start_ns : INT64_MIN / 2;
    int64_t to = cut ? rules->programme_end_ns : INT64_MAX / 2;
    ut_status rc = all ? ut_store_review_each(store, channel, from - MARGIN_NS, to, add_airplay, &airplays, err)
                       : ut_store_airplay_each(store, channel, from - MARGIN_NS, to, add_airplay, &airplays, err);
    if (rc == UT_OK)
        rc = ut_store_gap_each(store, channel, from, to, add_gap, &gaps, err);
    if (rc == UT_OK)
        rc = ut_store_airing_each(store, channel, from, to, add_airing, &airings, err);
    if (rc == UT_OK)
        rc = ut_cues_make(airplays.items, airplays.count, rules, &data.cues, &data.count, err);
    if (rc == UT_OK)
        rc = load_recordings(store, &data, err);
    free(airplays.items);
    data.gaps = gaps.items;
    data.gap_count = gaps.count;
    data.airings = airings.items;
    data.airing_count = airings.count;
    if (rc != UT_OK) {
        ut_cue_data_clear(&data);
        return rc;
    }
    *out = data;
    return UT_OK;
}

const ut_airing *ut_cue_data_airing(const ut_cue_data *data, const ut_cue *cue)
{
    size_t low = 0, high = data->airing_count; /* the first that begins after the cue does */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (data->airings[middle].start_ns <= cue->start_ns)
            low = middle + 1;
        else
            high = middle;
    }
    while (low-- > 0) {
        const ut_airing *airing = &data->airings[low];
        if (strcmp(airing->channel, cue->channel) == 0) /* those of a channel do not overlap */
            return airing->end_ns > cue->start_ns ? airing : NULL;
    }
    return NULL;
}

ut_status ut_cue_data_load(ut_store *store, const char *channel, const ut_cue_rules *rules, ut_cue_data *out,
                           ut_err *err)
{
    return data_load(store, channel, rules, false, out, err);
}

ut_status ut_cue_data_load_all(ut_store *store, const char *channel, const ut_cue_rules *rules, ut_cue_data *out,
                               ut_err *err)
{
    return data_load(store, channel, rules, true, out, err);
}

void ut_cue_data_clear(ut_cue_data *data)
{
    for (size_t i = 0; i < data->airing_count; i++)
        ut_airing_clear(&data->airings[i]);
    free(data->airings);
    for (size_t i = 0; i < data->known_count; i++)
        ut_recording_clear(&data->known[i]);
    free(data->known);
    free(data->recordings);
    free(data->cues);
    free(data->gaps);
    *data = (ut_cue_data){0};
}
