#include "separator/safetensors.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/digest.h"
#include "core/fft.h"

/* A hostile header costs jansson about twenty times its size. Ours are a few kB. */
#define HEADER_LIMIT ((size_t)4 << 20)
#define TENSOR_LIMIT 8192

typedef struct {
    ut_tensor tensor;
    size_t begin, end; /* bytes of the data section */
    bool half;         /* BF16 */
} entry;

struct ut_tensors {
    json_t *header; /* owns names and metadata */
    entry *entries; /* in file order */
    size_t entry_count;
    float *values;
    size_t value_count;
    char hash[65];
};

static bool size_of_json(const json_t *value, size_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *out = (size_t)json_integer_value(value);
    return true;
}

static bool read_shape(const json_t *shape, ut_tensor *tensor)
{
    if (!json_is_array(shape) || json_array_size(shape) > UT_TENSOR_RANK)
        return false;
    tensor->rank = json_array_size(shape);
    tensor->count = 1;
    for (size_t i = 0; i < tensor->rank; i++)
        if (!size_of_json(json_array_get(shape, i), &tensor->dims[i]) || tensor->dims[i] == 0 ||
            !ut_mul_ok(tensor->count, tensor->dims[i], &tensor->count))
            return false;
    return true;
}

static ut_status read_entry(const char *name, const json_t *value, size_t data_size, entry *e, ut_err *err)
{
    const char *dtype = json_string_value(json_object_get(value, "dtype"));
    const json_t *offsets = json_object_get(value, "data_offsets");
    size_t bytes;
    e->tensor.name = name;
    if (!dtype || (strcmp(dtype, "F32") && strcmp(dtype, "BF16")))
        return ut_fail(err, UT_E_CORRUPT, "tensor \"%.60s\": dtype %.20s is neither F32 nor BF16", name,
                       dtype ? dtype : "missing");
    e->half = !strcmp(dtype, "BF16");
    if (!read_shape(json_object_get(value, "shape"), &e->tensor))
        return ut_fail(err, UT_E_CORRUPT, "tensor \"%.60s\": bad shape", name);
    if (!json_is_array(offsets) || json_array_size(offsets) != 2 ||
        !size_of_json(json_array_get(offsets, 0), &e->begin) || !size_of_json(json_array_get(offsets, 1), &e->end) ||
        e->begin > e->end || e->end > data_size)
        return ut_fail(err, UT_E_CORRUPT, "tensor \"%.60s\": data_offsets outside the file", name);
    if (!ut_mul_ok(e->tensor.count, e->half ? 2 : 4, &bytes) || bytes != e->end - e->begin)
        return ut_fail(err, UT_E_CORRUPT, "tensor \"%.60s\": shape and data_offsets disagree", name);
    return UT_OK;
}

static int by_offset(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

static ut_status read_entries(ut_tensors *t, size_t data_size, ut_err *err)
{
    const char *name;
    json_t *value;
    size_t limit = json_object_size(t->header), at = 0;
    if (limit > TENSOR_LIMIT)
        return ut_fail(err, UT_E_CORRUPT, "safetensors: %zu tensors", limit);
    if (!(t->entries = calloc(limit + 1, sizeof *t->entries)))
        return ut_fail(err, UT_E_NOMEM, "safetensors: %zu tensors", limit);
    json_object_foreach(t->header, name, value)
    {
        if (!strcmp(name, "__metadata__"))
            continue;
        ut_status rc = read_entry(name, value, data_size, &t->entries[t->entry_count], err);
        if (rc != UT_OK)
            return rc;
        t->entry_count++;
    }
    qsort(t->entries, t->entry_count, sizeof *t->entries, by_offset);
    for (size_t i = 0; i < t->entry_count; i++) {
        if (t->entries[i].begin != at)
            return ut_fail(err, UT_E_CORRUPT, "tensor \"%.60s\": gap or overlap at byte %zu of the data",
                           t->entries[i].tensor.name, at);
        at = t->entries[i].end;
        t->value_count += t->entries[i].tensor.count;
    }
    if (at != data_size)
        return ut_fail(err, UT_E_CORRUPT, "safetensors: %zu bytes of data, tensors cover %zu", data_size, at);
    return UT_OK;
}

static ut_status check_metadata(const json_t *header, ut_err *err)
{
    const char *key;
    json_t *value, *metadata = json_object_get(header, "__metadata__");
    if (metadata && !json_is_object(metadata))
        return ut_fail(err, UT_E_CORRUPT, "safetensors: __metadata__ is not an object");
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value))
            return ut_fail(err, UT_E_CORRUPT, "safetensors: metadata \"%.60s\" is not text", key);
    }
    return UT_OK;
}

static ut_status widen(ut_tensors *t, const unsigned char *data, ut_err *err)
{
    float *to = t->values = ut_alloc_floats(t->value_count + 1);
    if (!to)
        return ut_fail(err, UT_E_NOMEM, "safetensors: %zu weights", t->value_count);
    for (size_t i = 0; i < t->entry_count; i++) {
        entry *e = &t->entries[i];
        e->tensor.data = to;
        for (size_t k = 0; k < e->tensor.count; k++, to++) {
            const unsigned char *p = data + e->begin + k * (e->half ? 2 : 4);
            uint32_t bits = e->half
                                ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 24
                                : (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
            memcpy(to, &bits, sizeof bits);
            if (!isfinite(*to))
                return ut_fail(err, UT_E_CORRUPT, "tensor \"%.60s\": weight %zu is not finite", e->tensor.name, k);
        }
    }
    return UT_OK;
}

ut_status ut_tensors_parse(const void *bytes, size_t size, ut_tensors **out, ut_err *err)
{
    const unsigned char *p = bytes;
    uint64_t header_size = 0;
    json_error_t problem;
    ut_status rc;
    ut_tensors *t = NULL;
    for (int i = 7; i >= 0 && size >= 8; i--)
        header_size = header_size << 8 | p[i];
    if (size < 8 || header_size == 0 || header_size > size - 8)
        return ut_fail(err, UT_E_CORRUPT, "not a safetensors file, or cut short");
    if (header_size > HEADER_LIMIT)
        return ut_fail(err, UT_E_CORRUPT, "safetensors: header of %llu bytes", (unsigned long long)header_size);
    if (!(t = calloc(1, sizeof *t))) {
        rc = ut_fail(err, UT_E_NOMEM, "safetensors");
        goto fail;
    }
    t->header = json_loadb((const char *)p + 8, (size_t)header_size, JSON_REJECT_DUPLICATES, &problem);
    if (!json_is_object(t->header)) {
        rc = ut_fail(err, UT_E_CORRUPT, "safetensors header: %s", t->header ? "not an object" : problem.text);
        goto fail;
    }
    const unsigned char *data = p + 8 + header_size;
    size_t data_size = size - 8 - (size_t)header_size;
    if ((rc = check_metadata(t->header, err)) != UT_OK || (rc = read_entries(t, data_size, err)) != UT_OK ||
        (rc = widen(t, data, err)) != UT_OK)
        goto fail;
    ut_sha256(data, data_size, t->hash);
    *out = t;
    return UT_OK;
fail:
    ut_tensors_close(&t);
    return rc;
}

void ut_tensors_close(ut_tensors **tensors)
{
    ut_tensors *t = *tensors;
    if (!t)
        return;
    free(t->values);
    free(t->entries);
    json_decref(t->header);
    free(t);
    *tensors = NULL;
}

const ut_tensor *ut_tensors_find(const ut_tensors *t, const char *name)
{
    for (size_t i = 0; i < t->entry_count; i++)
        if (!strcmp(t->entries[i].tensor.name, name))
            return &t->entries[i].tensor;
    return NULL;
}

const char *ut_tensors_text(const ut_tensors *t, const char *key)
{
    return json_string_value(json_object_get(json_object_get(t->header, "__metadata__"), key));
}

const char *ut_tensors_hash(const ut_tensors *t)
{
    return t->hash;
}

size_t ut_tensors_total(const ut_tensors *t)
{
    return t->value_count;
}
