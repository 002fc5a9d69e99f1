/* The k nearest of n points to each of m queries: exact, by comparing all pairs, which in
 * ten or more dimensions beats every tree.
 *
 * Points lie in panels that stay in the second-level cache while a group of queries reads
 * them; each query keeps its k best in order. */
#ifndef VGFM_NEAREST_H
#define VGFM_NEAREST_H

#include "base/arena.h"

typedef struct {
  size_t n, m, d, k;     /* points, queries, features, neighbours: 1 <= k <= n */
  const double *points;  /* (n, d) */
  const double *queries; /* (m, d) */
} nearest_task;

/* Bytes of workspace; 0 when the sizes overflow. */
size_t nearest_workspace(const nearest_task *task, int threads);

/* index (m, k): places of the neighbours from 0, nearest first and, of equally near ones,
 * the first in place first; square (m, k): their squared distances. */
int nearest_find(int32_t *index, double *square, const nearest_task *task, int threads,
                 void *workspace, size_t workspace_bytes);

#endif
