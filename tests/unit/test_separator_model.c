/* Models that do not fit are refused, each with a reason that names what is wrong. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/file.h"
#include "separator/plan.h"
#include "tests/unit/model_maker.h"

#define WAVE "{\"kind\":\"wave\",\"block\":64}"

static void refused(const char *bytes, size_t size, const char *reason)
{
    ut_model *model = NULL;
    ut_err err = {0};
    ut_status rc = ut_model_parse(bytes, size, &model, &err);
    if (rc != UT_E_CORRUPT || !strstr(err.text, reason))
        fail_msg("expected \"%s\", got %d \"%s\"", reason, (int)rc, err.text);
    assert_null(model);
}

/* --- safetensors ---------------------------------------------------------------------------------------- */

/* A file of this header and `data` bytes of zeros. */
static void refused_header(const char *header, size_t data, const char *reason)
{
    uint64_t size = strlen(header);
    char *bytes = calloc(1, 8 + size + data);
    memcpy(bytes, &size, 8);
    memcpy(bytes + 8, header, size);
    refused(bytes, 8 + size + data, reason);
    free(bytes);
}

static void test_safetensors(void **state)
{
    (void)state;
    refused("", 0, "not a safetensors file");
    refused("\1\0\0\0\0\0\0", 7, "not a safetensors file");
    refused("\377\377\377\377\377\377\377\377{}", 10, "cut short");
    refused_header("[]", 0, "not an object");
    refused_header("{", 0, "header");
    refused_header("{\"__metadata__\":[]}", 0, "__metadata__");
    refused_header("{\"__metadata__\":{\"a\":1}}", 0, "\"a\" is not text");
    refused_header("{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                   "\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
                   8, "duplicate");
    refused_header("{\"t\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8, "F64");
    refused_header("{\"t\":{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "dtype");
    refused_header("{\"t\":[]}", 0, "dtype");
    refused_header("{\"t\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "shape");
    refused_header("{\"t\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0, "shape");
    refused_header("{\"t\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1],\"data_offsets\":[0,4]}}", 4, "shape");
    refused_header("{\"t\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,4]}}", 4, "shape");
    refused_header("{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "disagree");
    refused_header("{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}", 4, "outside");
    refused_header("{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "outside");
    refused_header("{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "outside");
    refused_header("{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8, "gap or overlap");
    refused_header("{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                   "\"u\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
                   12, "gap or overlap");
    refused_header("{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 8, "tensors cover 4");
}

static void test_huge_header(void **state)
{
    (void)state;
    size_t size = (size_t)8 << 20;
    uint64_t header = size - 8;
    char *bytes = malloc(size);
    memset(bytes, ' ', size);
    memcpy(bytes, &header, 8);
    refused(bytes, size, "header of");
    free(bytes);
}

/* --- metadata ------------------------------------------------------------------------------------------- */

static maker *small(void)
{
    maker *m = maker_open(MAKER_INTEGERS, 1);
    maker_conv(m, "conv", "a", "x", 1, 4, 1, 3, ",\"pad\":[0,0,1,1]");
    return m;
}

static void refused_metadata(const char *key, const char *value, const char *reason)
{
    size_t size;
    maker *m = small();
    maker_conv(m, "conv", "y", "a", 4, 1, 1, 1, "");
    if (value)
        maker_set(m, key, value);
    char *bytes = maker_bytes(&m, WAVE, false, &size);
    refused(bytes, size, reason);
    free(bytes);
}

static void test_metadata(void **state)
{
    (void)state;
    char long_name[100] = {0};
    memset(long_name, 'n', sizeof long_name - 1);
    refused_metadata("format", "undertone-model-2", "undertone-model-2");
    refused_metadata("sha256", "0000", "SHA-256");
    refused_metadata("sample_rate", "44100", "44100");
    refused_metadata("name", "", "name");
    refused_metadata("name", long_name, "name");
    refused_metadata("graph", "nonsense", "graph");
    refused_metadata("graph", "[]", "graph");
    refused_metadata("graph", "[1]", "node 0");
    refused_metadata("domain", "{", "domain");
    refused_metadata("domain", "{}", "kind");
    refused_metadata("domain", "{\"kind\":\"wavelet\"}", "wavelet");
    refused_metadata("domain", "{\"kind\":\"wave\",\"block\":0}", "block");
    refused_metadata("domain", "{\"kind\":\"wave\",\"block\":99999999999}", "block");
    refused_metadata("domain", "{\"kind\":\"mask\",\"fft\":100,\"hop\":10,\"frames\":4,\"input\":\"log1p\"}", "fft");
    refused_metadata("domain", "{\"kind\":\"mask\",\"fft\":64,\"hop\":65,\"frames\":4,\"input\":\"log1p\"}", "hop");
    refused_metadata("domain", "{\"kind\":\"mask\",\"fft\":64,\"hop\":16,\"frames\":4194304,\"input\":\"log1p\"}",
                     "frames");
    refused_metadata("domain", "{\"kind\":\"mask\",\"fft\":64,\"hop\":16,\"frames\":4,\"input\":\"db\"}", "log1p");
}

static void test_metadata_missing(void **state)
{
    (void)state;
    static const char *const keys[] = {"format", "name", "sample_rate"};
    for (size_t i = 0; i < 3; i++) {
        size_t size;
        maker *m = small();
        maker_conv(m, "conv", "y", "a", 4, 1, 1, 1, "");
        maker_set(m, keys[i], NULL);
        char *bytes = maker_bytes(&m, WAVE, false, &size);
        refused(bytes, size, keys[i]);
        free(bytes);
    }
}

/* --- graph ---------------------------------------------------------------------------------------------- */

/* The small graph, then this node. */
static void refused_node(const char *node, const char *reason)
{
    size_t size;
    maker *m = small();
    maker_tensor(m, "w2", 1, 4, 1, 3);
    maker_tensor(m, "w5", 1, 5, 1, 3);
    maker_tensor(m, "v4", 4, 0, 0, 0);
    maker_node(m, "%s", node);
    char *bytes = maker_bytes(&m, WAVE, false, &size);
    refused(bytes, size, reason);
    free(bytes);
}

static void test_graph(void **state)
{
    (void)state;
    refused_node("{\"op\":\"pray\",\"in\":\"a\",\"out\":\"y\"}", "node 1 (pray \"y\"): unknown op");
    refused_node("{\"in\":\"a\",\"out\":\"y\"}", "unknown op");
    refused_node("{\"op\":\"act\",\"in\":\"b\",\"out\":\"y\"}", "input \"b\"");
    refused_node("{\"op\":\"act\",\"in\":\"y\",\"out\":\"y\"}", "input \"y\"");
    refused_node("{\"op\":\"act\",\"in\":[\"a\",\"x\"],\"out\":\"y\"}", "2 inputs");
    refused_node("{\"op\":\"add\",\"in\":\"a\",\"out\":\"y\"}", "1 inputs");
    refused_node("{\"op\":\"concat\",\"in\":[],\"out\":\"y\"}", "0 inputs");
    refused_node("{\"op\":\"act\",\"in\":\"a\",\"out\":\"a\"}", "twice");
    refused_node("{\"op\":\"act\",\"in\":\"a\",\"out\":\"x\"}", "twice");
    refused_node("{\"op\":\"act\",\"in\":\"a\",\"out\":\"\"}", "out");
    refused_node("{\"op\":\"act\",\"in\":\"a\",\"out\":\"z\"}", "\"z\", not \"y\"");
    refused_node("{\"op\":\"act\",\"in\":\"a\",\"out\":\"y\",\"act\":\"gelu\"}", "gelu");
    refused_node("{\"op\":\"act\",\"in\":\"a\",\"out\":\"y\",\"act\":\"leaky_relu\"}", "alpha");
    refused_node("{\"op\":\"act\",\"in\":\"a\",\"out\":\"y\",\"act\":\"leaky_relu\",\"alpha\":\"x\"}", "alpha");
    refused_node("{\"op\":\"act\",\"in\":\"a\",\"out\":\"y\",\"norm\":true}", "unknown key \"norm\"");
    refused_node("{\"op\":\"act\",\"in\":\"a\",\"out\":\"y\"}", "1x64x4");
    refused_node("{\"op\":\"conv\",\"in\":\"a\",\"out\":\"y\",\"w\":\"nope\"}", "no tensor \"nope\"");
    refused_node("{\"op\":\"conv\",\"in\":\"a\",\"out\":\"y\"}", "rank 4");
    refused_node("{\"op\":\"conv\",\"in\":\"a\",\"out\":\"y\",\"w\":\"v4\"}", "rank 4");
    refused_node("{\"op\":\"conv\",\"in\":\"a\",\"out\":\"y\",\"w\":\"w5\"}", "takes 5 channels, the input has 4");
    refused_node("{\"op\":\"conv\",\"in\":\"a\",\"out\":\"y\",\"w\":\"w2\"}", "1x62x1");
    refused_node("{\"op\":\"conv\",\"in\":\"a\",\"out\":\"y\",\"w\":\"w2\",\"b\":\"v4\"}", "bias");
    refused_node("{\"op\":\"conv\",\"in\":\"a\",\"out\":\"y\",\"w\":\"w2\",\"stride\":[0,1]}", "stride");
    refused_node("{\"op\":\"conv\",\"in\":\"a\",\"out\":\"y\",\"w\":\"w2\",\"stride\":[1]}", "stride");
    refused_node("{\"op\":\"conv\",\"in\":\"a\",\"out\":\"y\",\"w\":\"w2\",\"pad\":[0,0,-1,0]}", "pad[2]");
    refused_node("{\"op\":\"deconv\",\"in\":\"a\",\"out\":\"y\",\"w\":\"w2\"}", "takes 1 channels");
    refused_node("{\"op\":\"deconv\",\"in\":\"x\",\"out\":\"y\",\"w\":\"w2\",\"crop\":[0,0,60,60]}", "output of");
    refused_node("{\"op\":\"affine\",\"in\":\"x\",\"out\":\"y\",\"w\":\"v4\"}", "1 numbers");
    refused_node("{\"op\":\"concat_columns\",\"in\":[\"a\",\"x\"],\"out\":\"y\"}", "does not fit");
    refused_node("{\"op\":\"slice_columns\",\"in\":\"x\",\"out\":\"y\",\"from\":0,\"to\":65}", "65 of 64");
    refused_node("{\"op\":\"slice_channels\",\"in\":\"a\",\"out\":\"y\",\"from\":2,\"to\":2}", "no range");
    refused_node("{\"op\":\"decimate\",\"in\":\"x\",\"out\":\"y\",\"stride\":[1,0]}", "stride");
    refused_node("{\"op\":\"avgpool\",\"in\":\"x\",\"out\":\"y\",\"stride\":[1,65]}", "output of");
    refused_node("{\"op\":\"depth_to_space\",\"in\":\"a\",\"out\":\"y\",\"block\":[3,1]}", "do not fill");
    refused_node("{\"op\":\"mul\",\"in\":[\"a\",\"x\"],\"out\":\"y\"}", "differ in shape");
}

/* Doubling forever must end at the limit, not in an allocation. */
static void test_growth(void **state)
{
    (void)state;
    size_t size;
    maker *m = maker_open(MAKER_INTEGERS, 1);
    maker_node(m, "{\"op\":\"concat\",\"in\":[\"x\",\"x\"],\"out\":\"v0\"}");
    for (int i = 0; i < 40; i++)
        maker_node(m, "{\"op\":\"concat\",\"in\":[\"v%d\",\"v%d\"],\"out\":\"v%d\"}", i, i, i + 1);
    char *bytes = maker_bytes(&m, WAVE, false, &size);
    refused(bytes, size, "output of");
    free(bytes);
}

static void test_not_finite(void **state)
{
    (void)state;
    size_t size;
    maker *m = maker_open(MAKER_INTEGERS, 1);
    maker_tensor(m, "w", 1, 1, 1, 3)[1] = NAN;
    maker_node(m, "{\"op\":\"conv\",\"in\":\"x\",\"out\":\"y\",\"w\":\"w\",\"pad\":[0,0,1,1]}");
    char *bytes = maker_bytes(&m, WAVE, false, &size);
    refused(bytes, size, "weight 1 is not finite");
    free(bytes);
}

/* No byte of the data may change, no byte may be missing, no header byte may make us stumble. */
static void test_every_byte(void **state)
{
    (void)state;
    size_t size;
    uint64_t header;
    maker *m = small();
    maker_conv(m, "conv", "y", "a", 4, 1, 1, 1, "");
    char *bytes = maker_bytes(&m, WAVE, true, &size);
    memcpy(&header, bytes, 8);
    for (size_t i = 0; i < size; i++) {
        ut_model *model = NULL;
        bytes[i] ^= 1;
        ut_status rc = ut_model_parse(bytes, size, &model, NULL);
        assert_true(rc == UT_E_CORRUPT || (rc == UT_OK && i < 8 + header)); /* a letter of the name may change */
        ut_model_close(&model);
        bytes[i] ^= 1;
        char *part = malloc(i + 1);
        memcpy(part, bytes, i);
        assert_int_equal(ut_model_parse(part, i, &model, NULL), UT_E_CORRUPT);
        free(part);
    }
    free(bytes);
}

/* --- files ---------------------------------------------------------------------------------------------- */

static void test_find_and_load(void **state)
{
    (void)state;
    char folder[] = "/tmp/undertone-models-XXXXXX", path[256], found[256];
    size_t size;
    ut_err err = {0};
    ut_model *model = NULL;
    assert_non_null(mkdtemp(folder));
    setenv("UT_MODELS", folder, 1);
    assert_int_equal(ut_model_find("made", found, sizeof found, &err), UT_E_NOTFOUND);
    assert_int_equal(ut_model_find("no/such.safetensors", found, sizeof found, &err), UT_E_NOTFOUND);

    maker *m = small();
    maker_conv(m, "conv", "y", "a", 4, 1, 1, 1, "");
    char *bytes = maker_bytes(&m, WAVE, false, &size);
    snprintf(path, sizeof path, "%s/made-0123abcd.safetensors", folder);
    assert_int_equal(ut_file_write(path, bytes, size, &err), UT_OK);
    assert_int_equal(ut_model_find("made", found, sizeof found, &err), UT_OK);
    assert_string_equal(found, path);
    assert_int_equal(ut_model_find("ma", found, sizeof found, &err), UT_E_NOTFOUND);
    assert_int_equal(ut_model_find("m*", found, sizeof found, &err), UT_E_NOTFOUND);
    assert_int_equal(ut_model_find(path, found, 8, &err), UT_E_ARG);
    assert_int_equal(ut_model_load(found, &model, &err), UT_OK);
    const ut_model_info *info = ut_model_describe(model);
    assert_string_equal(info->name, "made");
    assert_int_equal(info->block, 64);
    assert_int_equal(info->parameters, 4 * 3 + 4 + 4 + 1);
    assert_true(info->macs_per_block == 64 * (4 * 3 + 4));
    ut_model_close(&model);

    char marker[256];
    snprintf(marker, sizeof marker, "%s/default", folder);
    assert_int_equal(ut_file_write(marker, "made\n", 5, &err), UT_OK);
    assert_int_equal(ut_model_find("default", found, sizeof found, &err), UT_OK);
    assert_string_equal(found, path);
    assert_int_equal(ut_file_write(path, bytes, size - 1, &err), UT_OK);
    assert_int_equal(ut_model_load(path, &model, &err), UT_E_CORRUPT);
    assert_non_null(strstr(err.text, path));
    free(bytes);
    unlink(path);
    unlink(marker);
    rmdir(folder);
    assert_int_equal(ut_model_load(path, &model, &err), UT_E_NOTFOUND);
}

static void test_plan(void **state)
{
    (void)state;
    size_t total = 0;
    ut_span spans[] = {{.bytes = 100, .first = 0, .last = 1},
                       {.bytes = 300, .first = 1, .last = 2},
                       {.bytes = 50, .first = 2, .last = 3},
                       {.bytes = 60, .first = 3, .last = 4}};
    assert_int_equal(ut_plan_assign(spans, 4, 1 << 20, &total, NULL), UT_OK);
    assert_int_equal(total, 128 + 320);
    assert_int_equal(spans[2].offset, 0);  /* where the first was */
    assert_int_equal(spans[3].offset, 64); /* the first's other half */
    assert_int_equal(ut_plan_assign(spans, 4, 400, &total, NULL), UT_E_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safetensors),   cmocka_unit_test(test_huge_header),
        cmocka_unit_test(test_metadata),      cmocka_unit_test(test_metadata_missing),
        cmocka_unit_test(test_graph),         cmocka_unit_test(test_growth),
        cmocka_unit_test(test_not_finite),    cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_find_and_load), cmocka_unit_test(test_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
