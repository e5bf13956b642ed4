#include "separator/graph.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define NODE_LIMIT 1024
#define MACS_LIMIT 1e12 /* per block: a thousand times our largest network */

/* What each op may say besides op, in, out. */
typedef struct {
    const char *name;
    const char *keys;
    size_t inputs_min, inputs_max;
} op_rule;

static const op_rule rules[UT_OP_COUNT] = {
    [UT_OP_CONV] = {"conv", " w b stride pad act alpha ", 1, 1},
    [UT_OP_DECONV] = {"deconv", " w b stride crop act alpha ", 1, 1},
    [UT_OP_AFFINE] = {"affine", " w b act alpha ", 1, 1},
    [UT_OP_ACT] = {"act", " act alpha ", 1, 1},
    [UT_OP_CONCAT] = {"concat", "", 1, UT_NODE_INPUTS},
    [UT_OP_CONCAT_COLUMNS] = {"concat_columns", "", 1, UT_NODE_INPUTS},
    [UT_OP_SLICE_COLUMNS] = {"slice_columns", " from to ", 1, 1},
    [UT_OP_SLICE_CHANNELS] = {"slice_channels", " from to ", 1, 1},
    [UT_OP_DECIMATE] = {"decimate", " stride ", 1, 1},
    [UT_OP_AVGPOOL] = {"avgpool", " stride ", 1, 1},
    [UT_OP_UPSAMPLE_LINEAR] = {"upsample_linear", "", 1, 1},
    [UT_OP_DEPTH_TO_SPACE] = {"depth_to_space", " block ", 1, 1},
    [UT_OP_ADD] = {"add", "", 2, 2},
    [UT_OP_MUL] = {"mul", "", 2, 2},
};

static const char *const act_names[] = {"none", "relu", "sigmoid", "tanh", "leaky_relu"};

const char *ut_op_name(ut_op op)
{
    return rules[op].name;
}

/* One node being read. Errors say the reason only; the caller puts the node before it. */
typedef struct {
    const json_t *json;
    const ut_tensors *tensors;
    ut_graph *graph;
    size_t index;
    ut_err *err;
} reader;

static ut_status read_sizes(const reader *r, const char *key, size_t *out, size_t count)
{
    const json_t *list = json_object_get(r->json, key);
    if (!list)
        return UT_OK; /* the default stays */
    if (!json_is_array(list) || json_array_size(list) != count)
        return ut_fail(r->err, UT_E_CORRUPT, "%s is not a list of %zu", key, count);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        if (!json_is_integer(item) || json_integer_value(item) < 0 || json_integer_value(item) > 65536)
            return ut_fail(r->err, UT_E_CORRUPT, "%s[%zu] is not a number from 0 to 65536", key, i);
        out[i] = (size_t)json_integer_value(item);
    }
    return UT_OK;
}

static ut_status read_range(const reader *r, ut_node *node)
{
    const json_t *from = json_object_get(r->json, "from"), *to = json_object_get(r->json, "to");
    if (!json_is_integer(from) || !json_is_integer(to) || json_integer_value(from) < 0 ||
        json_integer_value(to) <= json_integer_value(from))
        return ut_fail(r->err, UT_E_CORRUPT, "from and to are no range");
    node->from = (size_t)json_integer_value(from);
    node->to = (size_t)json_integer_value(to);
    return UT_OK;
}

static ut_status read_activation(const reader *r, ut_node *node)
{
    const json_t *act = json_object_get(r->json, "act"), *alpha = json_object_get(r->json, "alpha");
    const char *name = act ? json_string_value(act) : "none";
    size_t i = 0, count = sizeof act_names / sizeof *act_names;
    while (name && i < count && strcmp(act_names[i], name) != 0)
        i++;
    if (!name || i == count)
        return ut_fail(r->err, UT_E_CORRUPT, "unknown act \"%.40s\"", name ? name : "(not text)");
    node->act = (ut_act)i;
    if (!alpha)
        return node->act == UT_ACT_LEAKY_RELU ? ut_fail(r->err, UT_E_CORRUPT, "leaky_relu without alpha") : UT_OK;
    if (!json_is_number(alpha) || fabs(json_number_value(alpha)) > 1000)
        return ut_fail(r->err, UT_E_CORRUPT, "alpha is no number from -1000 to 1000");
    node->alpha = (float)json_number_value(alpha);
    return UT_OK;
}

static ut_status read_inputs(const reader *r, ut_node *node)
{
    const op_rule *rule = &rules[node->op];
    const json_t *in = json_object_get(r->json, "in");
    size_t count = json_is_array(in) ? json_array_size(in) : 1;
    if (count < rule->inputs_min || count > rule->inputs_max)
        return ut_fail(r->err, UT_E_CORRUPT, "%zu inputs", count);
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_is_array(in) ? json_array_get(in, i) : in);
        size_t v = 0;
        while (name && v <= r->index && strcmp(r->graph->values[v].name, name) != 0)
            v++;
        if (!name || v > r->index)
            return ut_fail(r->err, UT_E_CORRUPT, "input \"%.40s\" is not defined", name ? name : "(not text)");
        node->in[i] = v;
        r->graph->values[v].last_use = r->index;
    }
    node->in_count = count;
    return UT_OK;
}

static ut_status read_output(const reader *r)
{
    const char *name = json_string_value(json_object_get(r->json, "out"));
    ut_value *values = r->graph->values;
    if (!name || !*name || strlen(name) >= UT_NAME_SIZE)
        return ut_fail(r->err, UT_E_CORRUPT, "out is missing, or longer than %d bytes", UT_NAME_SIZE - 1);
    for (size_t v = 0; v <= r->index; v++)
        if (!strcmp(values[v].name, name))
            return ut_fail(r->err, UT_E_CORRUPT, "\"%s\" is defined twice", name);
    memcpy(values[r->index + 1].name, name, strlen(name) + 1);
    return UT_OK;
}

static ut_status read_op(const reader *r, ut_node *node)
{
    const char *name = json_string_value(json_object_get(r->json, "op")), *key;
    json_t *value;
    size_t op = 0;
    while (name && op < UT_OP_COUNT && strcmp(rules[op].name, name) != 0)
        op++;
    if (!name || op == UT_OP_COUNT)
        return ut_fail(r->err, UT_E_CORRUPT, "unknown op \"%.40s\"", name ? name : "(missing)");
    node->op = (ut_op)op;
    json_object_foreach((json_t *)r->json, key, value)
    {
        char word[24];
        int size = snprintf(word, sizeof word, " %s ", key);
        if (size < (int)sizeof word && (strstr(" op in out ", word) || strstr(rules[op].keys, word)))
            continue;
        return ut_fail(r->err, UT_E_CORRUPT, "unknown key \"%.40s\"", key);
    }
    return UT_OK;
}

static ut_status find_weights(const reader *r, const char *key, const ut_tensor **out)
{
    const json_t *value = json_object_get(r->json, key);
    const char *name = json_string_value(value);
    *out = NULL;
    if (!value || json_is_null(value))
        return UT_OK;
    if (!name || !(*out = ut_tensors_find(r->tensors, name)))
        return ut_fail(r->err, UT_E_CORRUPT, "%s: no tensor \"%.40s\"", key, name ? name : "(not text)");
    return UT_OK;
}

static ut_status read_node(const reader *r, ut_node *node)
{
    const ut_tensor *w, *b;
    ut_status rc;
    if (!json_is_object(r->json))
        return ut_fail(r->err, UT_E_CORRUPT, "not an object");
    node->stride[0] = node->stride[1] = 1;
    if ((rc = read_op(r, node)) != UT_OK || (rc = read_inputs(r, node)) != UT_OK || (rc = read_output(r)) != UT_OK ||
        (rc = read_activation(r, node)) != UT_OK || (rc = find_weights(r, "w", &w)) != UT_OK ||
        (rc = find_weights(r, "b", &b)) != UT_OK || (rc = read_sizes(r, "stride", node->stride, 2)) != UT_OK ||
        (rc = read_sizes(r, "block", node->stride, 2)) != UT_OK ||
        (rc = read_sizes(r, node->op == UT_OP_DECONV ? "crop" : "pad", node->pad, 4)) != UT_OK)
        return rc;
    if ((node->op == UT_OP_SLICE_COLUMNS || node->op == UT_OP_SLICE_CHANNELS) && (rc = read_range(r, node)) != UT_OK)
        return rc;
    return ut_node_infer(node, r->graph->values, w, b, &r->graph->values[r->index + 1].shape, &r->graph->macs, r->err);
}

static ut_status read_nodes(ut_graph *g, const json_t *list, const ut_tensors *tensors, ut_err *err)
{
    for (size_t i = 0; i < g->node_count; i++) {
        reader r = {.json = json_array_get(list, i), .tensors = tensors, .graph = g, .index = i, .err = err};
        const char *out = json_string_value(json_object_get(r.json, "out"));
        const char *op = json_string_value(json_object_get(r.json, "op"));
        ut_status rc = read_node(&r, &g->nodes[i]);
        if (rc == UT_OK && g->macs > MACS_LIMIT)
            rc = ut_fail(err, UT_E_CORRUPT, "more than %g multiplications per block", MACS_LIMIT);
        if (rc != UT_OK) {
            ut_err_prefix(err, "graph: node %zu (%.20s \"%.47s\")", i, op ? op : "?", out ? out : "?");
            return rc;
        }
    }
    if (strcmp(g->values[g->node_count].name, "y") != 0)
        return ut_fail(err, UT_E_CORRUPT, "graph: the last node defines \"%s\", not \"y\"",
                       g->values[g->node_count].name);
    g->values[g->node_count].last_use = g->node_count;
    return UT_OK;
}

ut_status ut_graph_open(const char *json, ut_shape input, const ut_tensors *tensors, ut_graph **out, ut_err *err)
{
    ut_status rc;
    ut_graph *g = NULL;
    json_error_t problem;
    json_t *list = json_loads(json, JSON_REJECT_DUPLICATES, &problem);
    size_t count = json_array_size(list);
    if (count == 0 || count > NODE_LIMIT) {
        rc = ut_fail(err, UT_E_CORRUPT, "graph: %s", list ? "not a list of 1 to 1024 nodes" : problem.text);
        goto fail;
    }
    if (!(g = calloc(1, sizeof *g)) || !(g->nodes = calloc(count, sizeof *g->nodes)) ||
        !(g->values = calloc(count + 1, sizeof *g->values))) {
        rc = ut_fail(err, UT_E_NOMEM, "graph: %zu nodes", count);
        goto fail;
    }
    g->node_count = count;
    g->values[0] = (ut_value){.name = "x", .shape = input};
    if ((rc = read_nodes(g, list, tensors, err)) != UT_OK)
        goto fail;
    json_decref(list);
    *out = g;
    return UT_OK;
fail:
    json_decref(list);
    ut_graph_close(&g);
    return rc;
}

void ut_graph_close(ut_graph **graph)
{
    if (!*graph)
        return;
    free((*graph)->nodes);
    free((*graph)->values);
    free(*graph);
    *graph = NULL;
}
