/* A good first tree for the transportation simplex.
 *
 * From approximate target potentials: candidate arcs join every point to the partners of
 * least reduced cost; the arcs of a minimum spanning forest (by reduced cost) guess the
 * optimal basis, and carry what flow they can; the rest goes greedily. Exact potentials
 * of a nondegenerate problem thus give back the optimal tree at once. */
#ifndef VGFM_EMD_START_H
#define VGFM_EMD_START_H

#include "transport/emd_simplex.h"

typedef struct {
  float *offset32;         /* (padded stride of either cloud) */
  float *reduced32;        /* (candidates) reduced costs */
  uint32_t *order, *other; /* (candidates) by rising reduced cost; room to sort them */
  uint32_t *from, *to;     /* (n + m) arcs that carry flow: source and target nodes */
  int64_t *flow;           /* (n + m) what they carry */
  int64_t *left;           /* (n + m) weight not yet carried */
  size_t arcs;
  uint32_t *first;         /* (n + m + 1) arcs at a node: adjacent[first[k] ...] */
  uint32_t *adjacent;      /* 2 (n + m) */
  uint32_t *queue, *degree, *link; /* (n + m) */
  double *distance;        /* (n + m) */
  double error;            /* of cost32 + offset32 */
} emd_start;

void emd_start_layout(arena *a, emd_start *start, size_t n, size_t m);

/* Fill the pool with the candidates of least cost - u - v, given v; u (n) is set to the
 * best that v allows. Computes the kept costs, if any. STATUS_OK or STATUS_INTERRUPTED */
int emd_start_candidates(emd_pricing *pricing, emd_start *start, emd_problem *p,
                         double *u, const double *v);

/* A strongly feasible tree for weights `unit` (sources, then targets; all positive, equal
 * totals), from the pool's arcs and the potentials they were chosen by. */
int emd_start_tree(emd_tree *tree, emd_pricing *pricing, emd_start *start,
                   const emd_problem *p, const int64_t *unit, const double *u,
                   const double *v);

#endif
