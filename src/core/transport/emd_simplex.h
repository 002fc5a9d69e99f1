/* The transportation simplex with arcs priced on the fly: pivots on a pool of candidate
 * arcs alternate with passes over all pairs that find new candidates (Mulvey 1978,
 * J. ACM 25: multiple partial pricing). The n x m costs are never stored. */
#ifndef VGFM_EMD_SIMPLEX_H
#define VGFM_EMD_SIMPLEX_H

#include "transport/emd_cost.h"
#include "transport/emd_tree.h"

typedef struct {
  uint32_t source, target; /* nodes of the tree */
  double cost;
} emd_candidate;

typedef struct {
  emd_candidate *pool;     /* (capacity) */
  size_t count, capacity;
  emd_candidate *found;    /* (n, EMD_SHORTLIST) of the last pass */
  uint8_t *found_count;    /* (n) */
  double *slack;           /* (n) least reduced cost of a row in its last pass, <= 0 */
  float *offset32;         /* (stride of the targets) */
  size_t pivots, max_pivots;
} emd_pricing;

void emd_pricing_layout(arena *a, emd_pricing *pricing, size_t n, size_t m);

/* Heights from the costs of the tree's arcs, afresh. */
void emd_set_heights(emd_tree *tree, const emd_problem *p);

/* From a strongly feasible tree and a pool of candidates to an optimal tree.
 * STATUS_OK, STATUS_NOT_CONVERGED after max_pivots, or STATUS_INTERRUPTED. */
int emd_simplex(emd_tree *tree, emd_pricing *pricing, const emd_problem *p);

#endif
