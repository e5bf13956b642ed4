/* Every open of the separator with its n-th allocation failing, for all n: UT_E_NOMEM, nothing leaked, nothing written.
 */
#include "tests/unit/support.h"

#include "separator/stream.h"
#include "tests/unit/model_maker.h"

/* The linker sends allocations of our objects here (--wrap); those inside libraries go on as they are. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

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

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

static char *bytes;
static size_t size;
static ut_model *model;

static int make_model(void **state)
{
    (void)state;
    maker *m = maker_open(MAKER_RANDOM, 1);
    maker_conv(m, "conv", "a", "x", 1, 3, 3, 3, ",\"stride\":[2,2],\"pad\":[1,1,1,1]");
    maker_conv(m, "deconv", "y", "a", 3, 1, 4, 4, ",\"stride\":[2,2],\"crop\":[1,1,1,1],\"act\":\"sigmoid\"");
    bytes = maker_bytes(&m, "{\"kind\":\"mask\",\"fft\":32,\"hop\":8,\"frames\":8,\"input\":\"log1p\"}", false, &size);
    return ut_model_parse(bytes, size, &model, NULL) == UT_OK ? 0 : -1;
}

static int free_model(void **state)
{
    (void)state;
    ut_model_close(&model);
    free(bytes);
    return 0;
}

static ut_status parse(void)
{
    ut_model *parsed = NULL;
    ut_status rc = ut_model_parse(bytes, size, &parsed, NULL);
    assert_true((rc == UT_OK) == (parsed != NULL));
    ut_model_close(&parsed);
    return rc;
}

static ut_status open_backend(const char *backend)
{
    ut_separator *separator = NULL;
    ut_status rc = ut_separator_open(model, backend, UT_PRECISION_F32, 2, &separator, NULL);
    assert_true((rc == UT_OK) == (separator != NULL));
    ut_separator_close(&separator);
    return rc;
}

static ut_status open_ref(void)
{
    return open_backend("ref");
}

static ut_status open_onednn(void)
{
    return open_backend("onednn");
}

static ut_status ignore(void *arg, int64_t first, const float *mix, const float *music, size_t frames)
{
    (void)arg;
    (void)first;
    (void)mix;
    (void)music;
    (void)frames;
    return UT_OK;
}

static ut_status open_stream(void)
{
    long kept = countdown;
    ut_separator *separator = NULL;
    ut_stream *stream = NULL;
    countdown = -1;
    assert_int_equal(ut_separator_open(model, "ref", UT_PRECISION_F32, 2, &separator, NULL), UT_OK);
    countdown = kept;
    ut_status rc = ut_stream_open(separator, 0, 0, ignore, NULL, &stream, NULL);
    assert_true((rc == UT_OK) == (stream != NULL));
    ut_stream_close(&stream);
    ut_separator_close(&separator);
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
    } while (rc != UT_OK && ++n < 1000);
    assert_true(n > 0);
}

int main(void)
{
    static ut_status (*attempts[])(void) = {parse, open_ref, open_onednn, open_stream};
    static const char *const names[] = {"model", "ref", "onednn", "stream"};
    struct CMUnitTest tests[COUNT(attempts)];
    for (size_t i = 0; i < COUNT(attempts); i++)
        tests[i] = (struct CMUnitTest){names[i], each_allocation_may_fail, NULL, NULL, &attempts[i]};
    return cmocka_run_group_tests(tests, make_model, free_model);
}
