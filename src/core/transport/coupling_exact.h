/* Exact couplings (coupling.h): plans of network simplex, whole or over minibatches. */
#ifndef VGFM_COUPLING_EXACT_H
#define VGFM_COUPLING_EXACT_H

#include "transport/coupling.h"
#include "transport/emd.h"

/* Batches that give each cell COUPLING_TURNS turns; 1 without. */
size_t coupling_batches(const coupling_problem *problem, const coupling_options *options);

typedef struct {
  size_t batch_n, batch_m, batches; /* cells of a batch; n, m of the only one */
  int workers;
  uint32_t *source, *target; /* (batches, batch_n), (batches, batch_m) who is in it */
  emd_arc *arcs;             /* (batches, batch_n + batch_m) */
  size_t *count;             /* (batches) arcs */
  int *status;               /* (batches) */
  double *cost, *gap;        /* (batches) */
  double *x, *y, *a, *b;     /* (workers, ...) of a batch */
  size_t share;              /* bytes of emd.h's workspace for each worker */
  char *shares;              /* (workers, share) */
  size_t *place;             /* (max(n, m) + 1) */
  uint32_t *order, *spare;   /* (arcs) */
} coupling_exact;

void coupling_exact_layout(arena *space, coupling_exact *e, coupling *out,
                           const coupling_problem *problem,
                           const coupling_options *options);
int coupling_exact_solve(coupling_exact *e, coupling *out,
                         const coupling_problem *problem,
                         const coupling_options *options);

#endif
