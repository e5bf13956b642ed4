#include "tests/unit/model_maker.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/digest.h"

struct maker {
    maker_fill fill;
    uint32_t state;
    json_t *tensors, *nodes, *metadata;
    float *values[256]; /* one per tensor, in order */
    size_t counts[256];
    size_t tensor_count;
};

float maker_uniform(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return (float)(int32_t)*state / 2147483648.0F;
}

maker *maker_open(maker_fill fill, uint32_t seed)
{
    maker *m = calloc(1, sizeof *m);
    if (!m)
        abort();
    m->fill = fill;
    m->state = seed;
    m->tensors = json_object();
    m->nodes = json_array();
    m->metadata = json_pack("{s:s, s:s, s:s, s:s}", "format", "undertone-model-1", "name", "made", "sample_rate",
                            "16000", "recipe", "made for a test");
    return m;
}

float *maker_tensor(maker *m, const char *name, size_t a, size_t b, size_t c, size_t d)
{
    size_t dims[] = {a, b, c, d}, count = 1, fan = 1;
    json_t *shape = json_array();
    for (size_t i = 0; i < 4 && dims[i]; i++) {
        json_array_append_new(shape, json_integer((json_int_t)dims[i]));
        count *= dims[i];
        fan *= i ? dims[i] : 1;
    }
    float *v = calloc(count, sizeof *v);
    if (!v || m->tensor_count == 256)
        abort();
    for (size_t i = 0; i < count; i++)
        v[i] = m->fill == MAKER_INTEGERS ? roundf(2 * maker_uniform(&m->state))
                                         : maker_uniform(&m->state) * sqrtf(4.0F / (float)fan);
    json_object_set_new(m->tensors, name, shape);
    m->counts[m->tensor_count] = count;
    return m->values[m->tensor_count++] = v;
}

void maker_node(maker *m, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    json_t *node = json_loads(text, JSON_DECODE_ANY, NULL);
    if (!node)
        abort();
    json_array_append_new(m->nodes, node);
}

void maker_conv(maker *m, const char *op, const char *out, const char *in, size_t cin, size_t cout, size_t kr,
                size_t kc, const char *more)
{
    char w[64], b[64];
    bool conv = !strcmp(op, "conv");
    snprintf(w, sizeof w, "%s.w", out);
    snprintf(b, sizeof b, "%s.b", out);
    maker_tensor(m, w, conv ? cout : cin, conv ? cin : cout, kr, kc);
    maker_tensor(m, b, cout, 0, 0, 0);
    maker_node(m, "{\"op\":\"%s\",\"in\":\"%s\",\"out\":\"%s\",\"w\":\"%s\",\"b\":\"%s\"%s}", op, in, out, w, b, more);
}

void maker_set(maker *m, const char *key, const char *value)
{
    if (value)
        json_object_set_new(m->metadata, key, json_string(value));
    else
        json_object_del(m->metadata, key);
}

static size_t write_data(const maker *m, bool bf16, unsigned char *to)
{
    size_t size = 0;
    for (size_t t = 0; t < m->tensor_count; t++)
        for (size_t i = 0; i < m->counts[t]; i++, size += bf16 ? 2 : 4) {
            uint32_t bits;
            memcpy(&bits, &m->values[t][i], sizeof bits);
            if (to)
                memcpy(to + size, bf16 ? (char *)&bits + 2 : (char *)&bits, bf16 ? 2 : 4);
        }
    return size;
}

static json_t *make_header(const maker *m, bool bf16)
{
    json_t *header = json_pack("{s:O}", "__metadata__", m->metadata), *shape;
    const char *name;
    json_int_t at = 0;
    size_t t = 0;
    json_object_foreach(m->tensors, name, shape)
    {
        json_int_t end = at + (json_int_t)(m->counts[t++] * (bf16 ? 2 : 4));
        json_object_set_new(
            header, name,
            json_pack("{s:s, s:O, s:[I,I]}", "dtype", bf16 ? "BF16" : "F32", "shape", shape, "data_offsets", at, end));
        at = end;
    }
    return header;
}

static void set_if_absent(json_t *metadata, const char *key, const char *value)
{
    if (!json_object_get(metadata, key))
        json_object_set_new(metadata, key, json_string(value));
}

char *maker_bytes(maker **maker_ptr, const char *domain, bool bf16, size_t *size)
{
    maker *m = *maker_ptr;
    size_t data_size = write_data(m, bf16, NULL);
    unsigned char *data = malloc(data_size + 1);
    char hash[65], *graph = json_dumps(m->nodes, JSON_COMPACT);
    write_data(m, bf16, data);
    ut_sha256(data, data_size, hash);
    set_if_absent(m->metadata, "sha256", hash);
    set_if_absent(m->metadata, "graph", graph);
    set_if_absent(m->metadata, "domain", domain);
    json_t *header = make_header(m, bf16);
    char *text = json_dumps(header, JSON_COMPACT);
    uint64_t header_size = strlen(text);
    char *out = malloc(8 + header_size + data_size);
    memcpy(out, &header_size, 8);
    memcpy(out + 8, text, header_size);
    memcpy(out + 8 + header_size, data, data_size);
    *size = 8 + header_size + data_size;
    free(text);
    free(graph);
    free(data);
    json_decref(header);
    json_decref(m->tensors);
    json_decref(m->nodes);
    json_decref(m->metadata);
    for (size_t t = 0; t < m->tensor_count; t++)
        free(m->values[t]);
    free(m);
    *maker_ptr = NULL;
    return out;
}

ut_model *maker_model(maker **m, const char *domain)
{
    size_t size;
    char *bytes = maker_bytes(m, domain, false, &size);
    ut_model *model = NULL;
    ut_err err;
    if (ut_model_parse(bytes, size, &model, &err) != UT_OK) {
        fprintf(stderr, "made model does not load: %s\n", err.text);
        abort();
    }
    free(bytes);
    return model;
}

ut_model *maker_wave_unet(size_t block, size_t levels, size_t width, uint32_t seed)
{
    static const char leaky15[] = ",\"pad\":[0,0,7,7],\"act\":\"leaky_relu\",\"alpha\":0.2";
    static const char leaky5[] = ",\"pad\":[0,0,2,2],\"act\":\"leaky_relu\",\"alpha\":0.2";
    maker *m = maker_open(MAKER_RANDOM, seed);
    char in[32] = "x", out[32], domain[64];
    size_t channels = 1;
    for (size_t i = 1; i <= levels; i++) {
        snprintf(out, sizeof out, "c%zu", i);
        maker_conv(m, "conv", out, in, channels, width * i, 1, 15, leaky15);
        maker_node(m, "{\"op\":\"decimate\",\"in\":\"c%zu\",\"out\":\"e%zu\",\"stride\":[1,2]}", i, i);
        snprintf(in, sizeof in, "e%zu", i);
        channels = width * i;
    }
    maker_conv(m, "conv", "b", in, channels, width * (levels + 1), 1, 15, leaky15);
    snprintf(in, sizeof in, "b");
    channels = width * (levels + 1);
    for (size_t i = levels; i >= 1; i--) {
        maker_node(m, "{\"op\":\"upsample_linear\",\"in\":\"%s\",\"out\":\"l%zu\"}", in, i);
        maker_node(m, "{\"op\":\"concat\",\"in\":[\"c%zu\",\"l%zu\"],\"out\":\"d%zu\"}", i, i, i);
        snprintf(out, sizeof out, "d%zu", i);
        snprintf(in, sizeof in, "u%zu", i);
        maker_conv(m, "conv", in, out, channels + width * i, width * i, 1, 5, leaky5);
        channels = width * i;
    }
    maker_node(m, "{\"op\":\"concat\",\"in\":[\"x\",\"u1\"],\"out\":\"o\"}");
    maker_conv(m, "conv", "y", "o", channels + 1, 1, 1, 1, ",\"act\":\"tanh\"");
    snprintf(domain, sizeof domain, "{\"kind\":\"wave\",\"block\":%zu}", block);
    return maker_model(&m, domain);
}
