#include "apps/audit_data.h"

#include <stdlib.h>

#include "core/clock.h"

typedef struct {
    ut_span *items;
    size_t count, capacity;
} spans;

/* A segment was analysed to its end if it is done, else to its checkpoint. */
static ut_status add_segment(void *arg, const ut_segment *segment, const ut_checkpoint *checkpoint)
{
    spans *held = arg;
    if (held->count == held->capacity) {
        size_t capacity = held->capacity ? 2 * held->capacity : 64;
        ut_span *grown = reallocarray(held->items, capacity, sizeof *grown);
        if (!grown)
            return UT_E_NOMEM;
        held->items = grown;
        held->capacity = capacity;
    }
    int64_t samples = checkpoint->resume_sample;
    if (checkpoint->done && segment->sample_count > samples)
        samples = segment->sample_count;
    held->items[held->count++] = (ut_span){segment->start_ns, ut_sample_to_ns(segment->start_ns, samples)};
    return UT_OK;
}

ut_status ut_audit_data_load(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_audit_data *out,
                             ut_err *err)
{
    ut_audit_data data = {0};
    spans held = {0};
    ut_cue_rules rules = ut_cue_rules_default();
    rules.programme_start_ns = from_ns;
    rules.programme_end_ns = to_ns;
    ut_status rc = ut_store_segment_each(store, channel, from_ns, to_ns, add_segment, &held, err);
    data.segments = held.count;
    if (rc == UT_OK) {
        held.count = ut_spans_join(held.items, held.count);
        data.unobserved = calloc(held.count + 1, sizeof *data.unobserved);
        rc = data.unobserved ? ut_cue_data_load(store, channel, &rules, &data.cues, err)
                             : ut_fail(err, UT_E_NOMEM, "audit: %zu segments", held.count);
    }
    if (rc == UT_OK) {
        data.unobserved_count = ut_spans_missing(held.items, held.count, from_ns, to_ns, data.unobserved);
        *out = data;
    } else {
        free(data.unobserved);
    }
    free(held.items);
    return rc;
}

void ut_audit_data_clear(ut_audit_data *data)
{
    ut_cue_data_clear(&data->cues);
    free(data->unobserved);
    *data = (ut_audit_data){0};
}
