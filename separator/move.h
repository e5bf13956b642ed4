/* The ops that only move numbers, for any element size. Every buffer is dense (rows, columns, channels). */
#ifndef UT_SEPARATOR_MOVE_H
#define UT_SEPARATOR_MOVE_H

#include "separator/graph.h"

/* Whether ut_move does this op: concat, concat_columns, slice_*, decimate, depth_to_space. */
bool ut_move_can(ut_op op);
/* in[i]: the node's inputs; `element`: bytes of one number. */
void ut_move(const ut_graph *graph, const ut_node *node, const void *const *in, void *out, size_t element);

#endif
