#include "tests/unit/fake_recognition.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "pipeline/analyser.h"
#include "pipeline/catalogue.h"

struct ut_index {
    int64_t version;
};
struct ut_snapshot {
    ut_index index;
};
struct ut_catalogue {
    int unused;
};

/* One snapshot per version, for ever: an index is told from another by its address. */
static ut_snapshot versions[100];
static atomic_int in_force = 1, taken, to_fail;

void fake_catalogue_set(int64_t version)
{
    in_force = (int)version;
}

void fake_analyser_fail(int times)
{
    to_fail = times;
}

int fake_snapshots(void)
{
    return taken;
}

ut_index_info ut_index_describe(const ut_index *index)
{
    return (ut_index_info){.catalogue_version = index - &versions[0].index, .recordings = 7};
}

ut_status ut_catalogue_open(ut_store *store, const char *params, ut_catalogue **out, ut_err *err)
{
    (void)store, (void)params;
    *out = calloc(1, sizeof **out);
    return *out ? UT_OK : ut_fail(err, UT_E_NOMEM, "fake");
}

void ut_catalogue_close(ut_catalogue **catalogue)
{
    free(*catalogue);
    *catalogue = NULL;
}

ut_status ut_catalogue_refresh(ut_catalogue *catalogue, ut_store *store, bool *changed, ut_err *err)
{
    (void)catalogue, (void)store, (void)err;
    *changed = false;
    return UT_OK;
}

void ut_catalogue_tidy(ut_catalogue *catalogue, ut_store *store)
{
    (void)catalogue;
    (void)store;
}

ut_snapshot *ut_catalogue_take(ut_catalogue *catalogue)
{
    (void)catalogue;
    taken++;
    return &versions[in_force];
}

const ut_index *ut_snapshot_index(const ut_snapshot *snapshot)
{
    return &snapshot->index;
}

void ut_snapshot_unref(ut_snapshot **snapshot)
{
    if (*snapshot)
        taken--;
    *snapshot = NULL;
}

struct ut_analyser {
    int64_t version, position, start;
    int level;                 /* of the run that is open; 0: none */
    ut_identification waiting; /* concluded, to be emitted at `due` */
    int64_t due;               /* 0: nothing waits */
    ut_identification_fn emit;
    void *arg;
};

ut_status ut_analyser_open(const ut_analyser_options *options, int64_t first_sample, ut_identification_fn emit,
                           void *arg, ut_analyser **out, ut_err *err)
{
    ut_analyser *a = calloc(1, sizeof *a);
    if (!a)
        return ut_fail(err, UT_E_NOMEM, "fake");
    *a = (ut_analyser){.version = ut_index_describe(options->index).catalogue_version,
                       .position = first_sample,
                       .emit = emit,
                       .arg = arg};
    *out = a;
    return UT_OK;
}

void ut_analyser_close(ut_analyser **analyser)
{
    if (!analyser || !*analyser)
        return;
    free(*analyser);
    *analyser = NULL;
}

static ut_status emit_waiting(ut_analyser *a)
{
    if (!a->due)
        return UT_OK;
    a->due = 0;
    return a->emit(a->arg, &a->waiting);
}

static ut_status conclude(ut_analyser *a)
{
    ut_status rc = emit_waiting(a);
    if (a->level == 0 || rc != UT_OK)
        return rc;
    bool known = a->level <= 100 * a->version;
    a->waiting = (ut_identification){.outcome = known ? UT_IDENTIFIED : UT_UNIDENTIFIED,
                                     .start_sample = a->start,
                                     .end_sample = a->position,
                                     .recording_id = known ? a->level : 0,
                                     .time_scale = 1,
                                     .log10_e = known ? -30 : NAN,
                                     .music_lufs = -30,
                                     .speech_lufs = -20,
                                     .mix_lufs = -19};
    a->due = a->position + FAKE_LAG;
    a->level = 0;
    return UT_OK;
}

ut_status ut_analyser_push(ut_analyser *a, const float *mono, size_t frames, ut_err *err)
{
    if (to_fail > 0) {
        to_fail--;
        return ut_fail(err, UT_E_DEVICE, "fake: told to fail");
    }
    for (size_t i = 0; i < frames; i++, a->position++) {
        int level = (int)lrintf(mono[i] * 1000);
        ut_status rc = UT_OK;
        if (level != a->level) {
            rc = conclude(a);
            a->level = level;
            a->start = a->position;
        }
        if (rc == UT_OK && a->due && a->position >= a->due)
            rc = emit_waiting(a);
        if (rc != UT_OK)
            return rc;
    }
    return UT_OK;
}

ut_status ut_analyser_finish(ut_analyser *a, ut_err *err)
{
    (void)err;
    ut_status rc = conclude(a);
    return rc == UT_OK ? emit_waiting(a) : rc;
}

int64_t ut_analyser_resume_sample(const ut_analyser *a)
{
    if (a->due)
        return a->waiting.start_sample;
    return a->level ? a->start : a->position;
}
