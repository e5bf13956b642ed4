/* Every open of core with its n-th allocation failing, for all n: an error, nothing leaked, nothing
 * written. */
#include "tests/unit/support.h"

#include "core/config.h"
#include "core/digest.h"
#include "core/fft.h"
#include "core/file.h"
#include "core/progress.h"
#include "core/resample.h"
#include "core/types.h"
#include "tests/unit/nomem.h"

static ut_status open_config(void)
{
    static const char text[] = "store: sqlite:/a\nevents: {sinks: [jsonl:-, jsonl:/x]}\n"
                               "channels: [{id: a, uri: b}, {id: c, uri: d}]\n";
    ut_config *config = NULL;
    ut_status rc = ut_config_parse(text, sizeof text - 1, "t", &config, NULL);
    assert_true((rc == UT_OK) == (config != NULL));
    ut_config_close(&config);
    return rc;
}

static ut_status open_fft(void)
{
    ut_fft *fft = NULL;
    ut_status rc = ut_fft_open(1024, &fft, NULL);
    assert_true((rc == UT_OK) == (fft != NULL));
    ut_fft_close(&fft);
    return rc;
}

static ut_status open_digest(void)
{
    ut_digest *digest = NULL;
    ut_status rc = ut_digest_open(&digest, NULL);
    ut_digest_close(&digest);
    return rc;
}

static ut_status open_resampler(void)
{
    ut_resampler *resampler = NULL;
    ut_status rc = ut_resampler_open(48000, 16000, 1, &resampler, NULL);
    ut_resampler_close(&resampler);
    return rc;
}

static ut_status open_progress(void)
{
    ut_progress *progress = NULL;
    ut_status rc = ut_progress_open("w", "u", 1, &progress);
    ut_progress_close(&progress);
    return rc;
}

static ut_status copy_recording(void)
{
    ut_party parties[] = {{.name = (char *)"A", .ipi = (char *)"1"}, {.name = (char *)"B", .society = (char *)"S"}};
    ut_recording rec = {.title = (char *)"T", .artist = (char *)"A", .parties = parties, .party_count = 2};
    ut_recording copy = {.id = 9};
    ut_status rc = ut_recording_copy(&rec, &copy, NULL);
    if (rc != UT_OK)
        assert_int_equal(copy.id, 9);
    ut_recording_clear(&copy);
    return rc;
}

static ut_status walk_paths(void)
{
    ut_paths paths = {0};
    ut_status rc = ut_paths_walk(&paths, UT_TEST_DATA "/unit", NULL);
    ut_paths_clear(&paths);
    return rc;
}

static void each_allocation_may_fail(void **state)
{
    nomem_each(*(const nomem_attempt *)*state);
}

int main(void)
{
    static nomem_attempt attempts[] = {open_config,   open_fft,       open_digest, open_resampler,
                                       open_progress, copy_recording, walk_paths};
    struct CMUnitTest tests[COUNT(attempts)];
    static const char *const names[] = {"config", "fft", "digest", "resampler", "progress", "recording", "paths"};
    for (size_t i = 0; i < COUNT(attempts); i++)
        tests[i] = (struct CMUnitTest){names[i], each_allocation_may_fail, NULL, NULL, &attempts[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
