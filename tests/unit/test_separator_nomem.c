/* Every open of the separator with its n-th allocation failing, for all n: UT_E_NOMEM, nothing leaked, nothing written.
 */
#include "tests/unit/support.h"

#include "separator/stream.h"
#include "separator/unmix.h"
#include "tests/unit/model_maker.h"
#include "tests/unit/nomem.h"

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
    long paused = nomem_pause();
    ut_separator *separator = NULL;
    ut_stream *stream = NULL;
    assert_int_equal(ut_separator_open(model, "ref", UT_PRECISION_F32, 2, &separator, NULL), UT_OK);
    nomem_resume(paused);
    ut_status rc = ut_stream_open(separator, 0, 0, ignore, NULL, &stream, NULL);
    assert_true((rc == UT_OK) == (stream != NULL));
    ut_stream_close(&stream);
    ut_separator_close(&separator);
    return rc;
}

static ut_status drop(void *arg, float *original, float *stem, size_t frames, ut_err *err)
{
    (void)arg;
    (void)original;
    (void)stem;
    (void)frames;
    (void)err;
    return UT_OK;
}

static ut_status open_unmix(void)
{
    static const float silence[2 * 300];
    ut_unmix *unmix = NULL;
    ut_status rc = ut_unmix_open(model, "ref", UT_PRECISION_F32, 8000, 2, drop, NULL, &unmix, NULL);
    assert_true((rc == UT_OK) == (unmix != NULL));
    if (rc == UT_OK)
        rc = ut_unmix_push(unmix, silence, 300, NULL);
    if (rc == UT_OK)
        rc = ut_unmix_finish(unmix, NULL);
    if (rc == UT_OK)
        rc = ut_unmix_restart(unmix, NULL);
    ut_unmix_close(&unmix);
    return rc;
}

static void each_allocation_may_fail(void **state)
{
    nomem_each(*(const nomem_attempt *)*state);
}

int main(void)
{
    static nomem_attempt attempts[] = {parse, open_ref, open_onednn, open_stream, open_unmix};
    static const char *const names[] = {"model", "ref", "onednn", "stream", "unmix"};
    struct CMUnitTest tests[COUNT(attempts)];
    for (size_t i = 0; i < COUNT(attempts); i++)
        tests[i] = (struct CMUnitTest){names[i], each_allocation_may_fail, NULL, NULL, &attempts[i]};
    return cmocka_run_group_tests(tests, make_model, free_model);
}
