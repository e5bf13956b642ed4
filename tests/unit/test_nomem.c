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

/* The linker sends allocations of our objects here (--wrap); those inside libraries go on as they
 * are. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);

static long countdown = -1; /* the allocation that fails; negative: none */

static bool fails(void)
{
    return countdown >= 0 && countdown-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

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
    ut_status (*const *attempt)(void) = *state;
    long n = 0;
    ut_status rc;
    do {
        countdown = n;
        rc = (*attempt)();
        bool reached = countdown < 0;
        countdown = -1;
        assert_int_equal(rc, reached ? UT_E_NOMEM : UT_OK);
    } while (rc != UT_OK && ++n < 10000);
    assert_true(n > 0);
}

int main(void)
{
    static ut_status (*attempts[])(void) = {open_config,   open_fft,       open_digest, open_resampler,
                                            open_progress, copy_recording, walk_paths};
    struct CMUnitTest tests[COUNT(attempts)];
    static const char *const names[] = {"config", "fft", "digest", "resampler", "progress", "recording", "paths"};
    for (size_t i = 0; i < COUNT(attempts); i++)
        tests[i] = (struct CMUnitTest){names[i], each_allocation_may_fail, NULL, NULL, &attempts[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
